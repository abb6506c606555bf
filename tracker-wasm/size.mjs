// What the tracker weighs, beside its limits; over the limit the build fails. `--json` prints it for other tools,
// `--functions` lists the heaviest functions of the core.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Missing, cargoTarget, main, out } from "./toolchain.mjs";

const AIM = 12 * 1024;
const LIMIT = 15 * 1024;
// Of the inline guard, as it stands in the page: not compressed.
const GUARD_LIMIT = 700;

/** The functions of a wasm module that has kept its names: `[{ name, bytes }]`. */
function functions(bytes) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const text = () => {
    const length = number();
    at += length;
    return bytes.toString("utf8", at - length, at);
  };
  const sizes = [];
  const names = new Map();
  let imported = 0;
  while (at < bytes.length) {
    const id = bytes[at++];
    const end = number() + at;
    if (id === 2) {
      for (let left = number(); left > 0; left--) {
        text();
        text();
        const kind = bytes[at++];
        if (kind === 0) {
          imported++;
          number();
        } else {
          if (kind === 1) at++; // a table's element type
          if (kind === 3) at += 2; // a global's type
          else if (number() % 2 === 1) {
            number();
            number();
          } else number();
        }
      }
    } else if (id === 10) {
      for (let left = number(); left > 0; left--) {
        const length = number();
        sizes.push(length);
        at += length;
      }
    } else if (id === 0 && text() === "name") {
      while (at < end) {
        const part = bytes[at++];
        const stop = number() + at;
        if (part === 1) {
          for (let left = number(); left > 0; left--) names.set(number(), text());
        }
        at = stop;
      }
    }
    at = end;
  }
  return sizes.map((size, index) => ({ name: names.get(index + imported) ?? "?", bytes: size }));
}

/** The module that a function belongs to: `wire` and the core by file, anything else by crate. */
function owner(name) {
  const path = name.replace(/\[[0-9a-f]+\]/g, "").match(/[A-Za-z_]\w*(::[A-Za-z_]\w*)*/g) ?? [];
  const ours = path.find((part) => /^(tracker_wasm|wire)::/.test(part));
  if (ours) return ours.split("::").slice(0, 2).join("::");
  const other = path.map((part) => part.split("::")[0]).find((crate) => /^(rlsf|wasm_bindgen|alloc|core|std|dlmalloc)$/.test(crate));
  // What is exported has lost its path: the core's own functions, with what was merged into them.
  return other ?? "tracker_wasm (exported)";
}

await main(() => {
  const facts = join(out, "tracker.json");
  if (!existsSync(facts)) throw new Missing("the tracker is not built; run: just build");
  const { sizes, toolchain, loader_modules } = JSON.parse(readFileSync(facts, "utf8"));
  const less = (all, part) => Object.fromEntries(Object.keys(all).map((key) => [key, all[key] - part[key]]));
  const rows = {
    "loader (t.js without the glue)": sizes.loader,
    "glue": less(sizes["t.js"], sizes.loader),
    "t.js": sizes["t.js"],
    "core.wasm": sizes.wasm,
  };
  const total = Object.fromEntries(
    Object.keys(sizes.wasm).map((key) => [key, sizes["t.js"][key] + sizes.wasm[key]]),
  );
  const modules = new Map();
  const named = join(cargoTarget, "tracker", "named.wasm");
  const all = existsSync(named) ? functions(readFileSync(named)) : [];
  for (const { name, bytes } of all) modules.set(owner(name), (modules.get(owner(name)) ?? 0) + bytes);
  const heaviest = [...modules].sort((one, other) => other[1] - one[1]);
  const fits = total.brotli <= LIMIT;
  if (process.argv.includes("--json")) {
    console.log(JSON.stringify({ toolchain, ...sizes, total, aim: AIM, limit: LIMIT, guard_limit: GUARD_LIMIT, modules: Object.fromEntries(heaviest), loader_modules }));
  } else {
    const line = (name, ...cells) => console.log(name.padEnd(32) + cells.map((cell) => String(cell).padStart(9)).join(""));
    line(`bytes (${toolchain} toolchain)`, "raw", "gzip -9", "brotli 11");
    for (const [name, size] of Object.entries(rows)) line(name, size.raw, size.gzip, size.brotli);
    line("all in", total.raw, total.gzip, total.brotli);
    line("aim", "", "", AIM);
    line("limit", "", "", LIMIT);
    line("inline guard, apart", sizes.guard.raw);
    line("limit", GUARD_LIMIT);
    line("numbers.mjs, on demand", sizes.numbers.raw, sizes.numbers.gzip, sizes.numbers.brotli);
    console.log("\ncode of the loader by module, raw, not minified");
    for (const [name, bytes] of Object.entries(loader_modules).sort((one, other) => other[1] - one[1])) line(name, bytes);
    console.log(`\ncode of the core by module, raw, not compressed${heaviest.length === 0 ? ": not known, the build with names is gone" : ""}`);
    for (const [name, bytes] of heaviest) line(name, bytes);
  }
  if (process.argv.includes("--functions")) {
    const sorted = all.sort((one, other) => other.bytes - one.bytes).slice(0, 60);
    for (const { name, bytes } of sorted) console.log(String(bytes).padStart(7), name);
  }
  if (sizes.guard.raw > GUARD_LIMIT) throw new Missing(`the guard is over its limit: ${sizes.guard.raw} of ${GUARD_LIMIT} bytes`);
  if (!fits) throw new Missing(`over the limit: ${total.brotli} of ${LIMIT} bytes brotli`);
  if (total.brotli > AIM) console.error(`over the aim by ${total.brotli - AIM} bytes`);
});
