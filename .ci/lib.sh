# shellcheck shell=bash
# Shared by the scripts of this folder; sourced, never run. Works with bash 3.2 (macOS).

# Everything below is said with paths from the repository's root.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit

# Tools that cargo builds once and every work tree shares.
TRAZA_TOOLS=${TRAZA_TOOLS:-$HOME/.cache/traza/tools}
export TRAZA_TOOLS
export PATH="$TRAZA_TOOLS/bin:$PATH"

# "75" -> "1 min 15 s"
human() {
  if [ "$1" -lt 60 ]; then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi
}

have() { command -v "$1" >/dev/null 2>&1; }

# ------------------------------------------------------------------------------------------- building

# The release binary, absolute: cargo builds into `target/` unless the environment moves it.
binary() {
  case ${CARGO_TARGET_DIR:-target} in
    /*) echo "$CARGO_TARGET_DIR/release/traza" ;;
    *) echo "$root/${CARGO_TARGET_DIR:-target}/release/traza" ;;
  esac
}

# A sum over everything the tracker is built from: by content, since a checkout touches every file.
tracker_inputs() {
  {
    find tracker-wasm www -maxdepth 1 -type f
    find tracker-wasm/src tracker-wasm/wire -type f
    printf '%s\n' Cargo.toml Cargo.lock
  } | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum | cksum
}

# Builds target/tracker/ unless it was built from what is there now: new files, even if the same, would
# make cargo link the collector again.
build_tracker() {
  local stamp=target/tracker.inputs inputs
  inputs="$(tracker_inputs) $(rustc --version)"
  if [ -d target/tracker ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$inputs" ]; then
    return 0
  fi
  rm -f "$stamp"
  node tracker-wasm/build.mjs || return 1
  echo "$inputs" >"$stamp"
}

# Builds the release binary; cargo decides what is to be done.
build_binary() {
  cargo build --release -p collector --bin traza || return 1
  [ -x "$(binary)" ]
}

# ---------------------------------------------------------------------------------------------- steps

# Named steps, timed. One that fails does not hide what the others would have said: the summary fails.
steps=''
failed=0
began=$SECONDS

# step NAME COMMAND...
step() {
  local name=$1 from=$SECONDS verdict=ok
  shift
  printf '\n==> %s\n' "$name"
  "$@" || verdict=FAILED
  [ "$verdict" = ok ] || failed=$((failed + 1))
  steps="$steps$(printf '  %-6s %12s  %s' "$verdict" "$(human $((SECONDS - from)))" "$name")
"
  [ "$verdict" = ok ]
}

# need NAME COMMAND...: a step without which the others could not run.
need() {
  step "$@" || summary
}

# Prints the time of each step and ends the script: 0 when all went well, else 1.
summary() {
  printf '\n%s: what ran and how long it took\n%s' "$(basename "$0")" "$steps"
  printf '  %-6s %12s  all\n' "$([ "$failed" = 0 ] && echo ok || echo FAILED)" "$(human $((SECONDS - began)))"
  [ "$failed" = 0 ] || exit 1
  exit 0
}
