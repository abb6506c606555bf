// Which compiler builds the core on this machine, and where its tools are.
//
// Found by looking, in this order:
//   ordinary   the rustc on the PATH has its sources (rustup component add rust-src): the standard library is built
//              along, without what only panics need, which saves two kilobytes
//   stock      the rustc on the PATH has the wasm32-unknown-unknown target, and no sources: it works, and weighs more
//   debian     Debian's rustc-web, cargo-web and rust-web-src, built as in the first way
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const here = dirname(fileURLToPath(import.meta.url));
export const root = dirname(here);
export const TARGET = "wasm32-unknown-unknown";

/** One line that says what to do, instead of a stack trace. */
export class Missing extends Error {}

const say = (command, args, options = {}) =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], cwd: root, ...options }).trim();

const attempt = (work) => {
  try {
    return work();
  } catch {
    return undefined;
  }
};

/** A program that `just setup` installs: in the tools folder, else on the PATH. */
export function tool(name, version) {
  const tools = process.env.TRAZA_TOOLS ?? join(homedir(), ".cache", "traza", "tools");
  const places = [join(tools, "bin"), ...(process.env.PATH ?? "").split(delimiter)];
  for (const place of places) {
    const path = join(place, name);
    const said = existsSync(path) && attempt(() => say(path, ["--version"]));
    if (said && (!version || said.split(/\s+/).includes(version))) return path;
  }
  throw new Missing(`${name}${version ? ` ${version}` : ""} is missing; run: just setup`);
}

/** The version of a crate that Cargo.lock holds. */
export function locked(crate) {
  const found = readFileSync(join(root, "Cargo.lock"), "utf8").match(new RegExp(`name = "${crate}"\\nversion = "([^"]+)"`));
  if (!found) throw new Missing(`Cargo.lock has no ${crate}; run: cargo metadata`);
  return found[1];
}

function linker(rustcs) {
  for (const rustc of rustcs) {
    const sysroot = attempt(() => say(rustc, ["--print", "sysroot"]));
    const host = attempt(() => say(rustc, ["-vV"]).match(/host: (.*)/)[1]);
    const path = sysroot && host && join(sysroot, "lib", "rustlib", host, "bin", "rust-lld");
    if (path && existsSync(path)) return path;
  }
  return undefined;
}

/**
 * The way to compile for the page: `{ name, cargo, env, std(features), flags }`. `flags` are for RUSTFLAGS of the
 * shipped core, `std(extra)` the arguments that build the standard library where it has to be built.
 */
export function toolchain() {
  const home = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  // No path of the machine that built it may be in what is shipped.
  const remap = [
    `--remap-path-prefix=${root}=.`,
    `--remap-path-prefix=${home}=/cargo`,
    // 64 KiB of stack are plenty, and a page should not give a megabyte.
    "-Clink-arg=-zstack-size=65536",
    "-Cllvm-args=-inline-threshold=15",
  ];
  // The compiler's unstable switches, the same for every way that builds the standard library.
  const small = {
    std: (...extra) => [`-Zbuild-std=${["std", ...extra].join(",")}`],
    flags: [...remap, "-Zunstable-options", "-Cpanic=immediate-abort", "-Zlocation-detail=none"],
  };
  const sources = (rustc) => {
    const sysroot = attempt(() => say(rustc, ["--print", "sysroot"]));
    return sysroot && existsSync(join(sysroot, "lib/rustlib/src/rust/library/std"));
  };
  const tools = (lld) => ({ RUSTC_BOOTSTRAP: "1", CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: lld });
  const near = linker(["rustc"]);
  if (near && sources("rustc")) return { name: "ordinary", cargo: "cargo", env: tools(near), ...small };
  const libs = attempt(() => say("rustc", ["--print", "target-libdir", "--target", TARGET]));
  if (libs && existsSync(libs) && readdirSync(libs).some((file) => file.startsWith("libcore"))) {
    return { name: "stock", cargo: "cargo", env: {}, std: () => [], flags: remap };
  }
  const rustc = "/usr/bin/rustc";
  const lld = sources(rustc) && existsSync("/usr/bin/cargo") && linker(["rustc", rustc]);
  if (!lld) throw new Missing(`no compiler here can build for ${TARGET}; run: just setup`);
  return { name: "debian", cargo: "/usr/bin/cargo", env: { RUSTC: rustc, RUSTDOC: "/usr/bin/rustdoc", ...tools(lld) }, ...small };
}

/** Where cargo puts what it builds for the page: another compiler than the host's needs a folder of its own. */
export const cargoTarget = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "core");

/** Where the shipped files go. */
export const out = process.env.TRAZA_TRACKER_DIR ?? join(root, "target", "tracker");

/** Runs a script's work: what is missing is one line, anything else is an error. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    if (error instanceof Missing) console.error(error.message);
    else if (error.status !== undefined) console.error(`failed: ${error.message.split("\n")[0]}`);
    else console.error(error);
    process.exitCode = 1;
  }
}
