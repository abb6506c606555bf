# Traza's commands: `just` lists them. Every one does the set-up it needs (.ci/setup says what is missing,
# how long it takes and where it goes); docs/development.md tells more.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments := true

traza := absolute_path(env("CARGO_TARGET_DIR", "target") / "release/traza")

[private]
default:
    @{{ quote(just_executable()) }} --justfile {{ quote(justfile()) }} --list --unsorted

# Build what is missing and start the server with its demo site; e.g. `just run --listen 127.0.0.1:9000`
[group('use it')]
run *args: build
    @exec {{ quote(traza) }} serve --demo "$@"

# Wait for the newest lead and print its journey as text (in a second terminal, beside `just run`)
[group('use it')]
story *args:
    @[ -x {{ quote(traza) }} ] || .ci/build
    @{{ quote(traza) }} story --wait "$@"

# Leave target/release/traza: the whole product in one file, tracker and pages inside
[group('use it')]
build:
    @.ci/build

# Delete the demo's data (data/ and its key data.key), after asking
[confirm('Delete data/ and data.key with everything recorded in them? [y/N]')]
[group('use it')]
clean-data:
    rm -rf data data.key

# All tests: units, properties, stores, API, the core in a browser, real browsers, kill -9, system calls
[group('check it')]
test:
    @.ci/test

# The same, and the delivery matrix in full in Chromium, Firefox and WebKit: writes its table into docs/tracker.md
[group('check it')]
test-all:
    @.ci/test --all

# The tests that need no browser and no release build
[group('check it')]
test-fast:
    @.ci/test --fast

# Formatting, clippy, docs, licences and bans, unused dependencies, the architecture's laws
[group('check it')]
lint:
    @.ci/lint

# Known flaws in dependencies: fetches the advisory database, so it needs an open network
[group('check it')]
audit:
    @.ci/setup lint
    @PATH="${TRAZA_TOOLS:-$HOME/.cache/traza/tools}/bin:$PATH" cargo deny check advisories

# Bytes of loader, glue and core: raw, gzip, brotli; fails over budget
[group('measure it')]
size: tracker
    @node tracker-wasm/size.mjs

# Durable events per second and acknowledgement times, beside their yardsticks
[group('measure it')]
bench *args: build
    @.ci/setup bench
    @TRAZA_BIN={{ quote(traza) }} cargo run --quiet --release -p e2e --bin bench -- "$@"

# How soon a lead is handed over: 1,000 a minute beside 10,000 events/s, one receiver hanging
[group('measure it')]
bench-delivery: build
    @TRAZA_BIN={{ quote(traza) }} cargo run --quiet --release -p e2e --bin bench -- delivery

# How soon a join is taken back among 1,000 identifiers, and a person of 10,000 events forgotten
[group('measure it')]
bench-people: build
    @TRAZA_BIN={{ quote(traza) }} cargo run --quiet --release -p e2e --bin bench -- people

# How long it takes to say whom to call, of 100,000 who wait
[group('measure it')]
bench-queue: build
    @TRAZA_BIN={{ quote(traza) }} cargo run --quiet --release -p e2e --bin bench -- queue

# How densely blocks are packed, of a simulated history; trains the dictionary where there is none
[group('measure it')]
dictionary: build
    @TRAZA_BIN={{ quote(traza) }} cargo run --quiet --release -p e2e --bin bench -- dictionary

# kill -9 under load, so many rounds: what was acknowledged is there, once (CI has 10)
[group('check it')]
kill-test rounds='200': build
    @TRAZA_BIN={{ quote(traza) }} TRAZA_KILL_ROUNDS={{ rounds }} cargo test --workspace --test reliability -- --nocapture kill

# So many events with some sixty restarts, by kill -9 and SIGTERM in turn: exact counts, and `verify` clean
[group('check it')]
soak events='10000000': build
    @TRAZA_BIN={{ quote(traza) }} TRAZA_SOAK_EVENTS={{ events }} cargo test --release -p e2e --test reliability -- --nocapture soak

# libFuzzer on the parsers that strangers reach, so many executions in all; what it finds is kept, and fails the tests
[group('check it')]
fuzz executions='10000000' seed='1':
    @.ci/fuzz {{ executions }} {{ seed }}

# What the tracker costs a page at a slow processor, beside the bare page and a peer: writes docs/tracker.md
[group('measure it')]
bench-page *args: build
    @.ci/setup test
    @TRAZA_BIN={{ quote(traza) }} node tracker-wasm/bench-page.mjs "$@"

# Build the tracker into target/tracker/ (the binary embeds it)
[group('work on it')]
tracker:
    @.ci/build --tracker

# Format the Rust code
[group('work on it')]
fmt:
    cargo fmt --all

# Install what a purpose needs: build, test, engines, lint or bench
[group('work on it')]
setup *purposes:
    @.ci/setup "$@"
