// Builds the tracker: the core (cargo, wasm-bindgen, wasm-opt) and the loader with the glue (esbuild, terser), into
// target/tracker: t.js, core.wasm, numbers.mjs (both also as .br and .gz), guard.js, debug.mjs, tracker.json. The same sources
// give the same bytes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { Missing, TARGET, cargoTarget, here, locked, main, out, root, tool, toolchain } from "./toolchain.mjs";

const WASM_OPT = [
  "-Oz",
  // Repeated code compresses better than code merged into its callers (1 % of the core).
  ...["-pii", "0", "-aimfs", "0", "-fimfs", "0", "-ocimfs", "0"],
  "--enable-bulk-memory",
  "--enable-nontrapping-float-to-int",
  "--enable-sign-ext",
  "--enable-mutable-globals",
  "--enable-reference-types",
  "--enable-multivalue",
];

const run = (command, args, env = {}) =>
  execFileSync(command, args, { stdio: ["ignore", "inherit", "inherit"], cwd: root, env: { ...process.env, ...env } });

const pack = (bytes) => ({
  raw: bytes.length,
  gzip: gzipSync(bytes, { level: 9 }).length,
  brotli: brotli(bytes).length,
});

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });

// How texts cross, in place of the glue's own: that is for speed on long ones and for old browsers, at four times the
// size, and makes its coders while the page loads.
const CROSSING = {
  passStringToWasm0: `(text, malloc) => {
    const bytes = new TextEncoder().encode(text);
    const place = malloc(WASM_VECTOR_LEN = bytes.length, 1) >>> 0;
    new Uint8Array(wasm.memory.buffer).set(bytes, place);
    return place;
  }`,
  getStringFromWasm0: `(place, length) =>
    new TextDecoder("utf-8", { ignoreBOM: true }).decode(new Uint8Array(wasm.memory.buffer, place >>> 0, length))`,
};

/** The glue of wasm-bindgen, by the module's new names, with what the loader needs: `imports`, and `enter(exports)`. */
function wire(generated, letters, wasm) {
  let glue = generated;
  for (const [name, work] of Object.entries(CROSSING)) {
    const theirs = new RegExp(`^function ${name}\\([\\s\\S]*?^}$`, "m");
    if (!theirs.test(glue)) throw new Error(`the glue has no function ${name}`);
    glue = glue.replace(theirs, () => `const ${name} = ${work};`);
  }
  // What only the replaced ones used.
  glue = glue.replace(/^(let|const) cachedText[\s\S]*?^(?=let WASM_VECTOR_LEN)/m, "");
  const short = new Map(letters.exports);
  const long = new Map(letters.imports.map(([, name, letter]) => [letter, name]));
  const functions = [...glue.matchAll(/^export function ((?!__)\w+)/gm)].map(([, name]) => name);
  const imports = {};
  for (const { module, name } of WebAssembly.Module.imports(new WebAssembly.Module(wasm))) {
    imports[module] = [...(imports[module] ?? []), `${name}: ${long.get(name)}`];
  }
  const table = Object.entries(imports).map(([module, names]) => `${JSON.stringify(module)}: { ${names.join(", ")} }`);
  const code = `${glue}
export const imports = { ${table.join(", ")} };
export const enter = (exports) => {
  wasm = exports;
  wasm.__wbindgen_start();
  return { ${functions.join(", ")} };
};
`;
  return code.replace(/\bwasm\.(\w+)/g, (all, name) => (short.has(name) ? `wasm.${short.get(name)}` : all));
}

// What the loader's modules call each other's parts: short in the bundle. No name of the wire, of the configuration or
// of the browser's may be among them.
const INTERNAL =
  /^(alive|command|config|core|each|flush|follow|guard|later|leave|leaves|listen|look|lose|lower|make|old|online|record|refused|restore|revoke|root|rule|same|saw|shows|spend|tell|tick|view|views|wake)$/;

// V8 compiles what nearly all runs at once while it arrives, on another thread, not piece by piece on the page's own:
// a sixth to a third less script time at a first visit, by `just bench-page`.
const EAGER = "//# allFunctionsCalledOnLoad\n";

/** Minified, by a minifier that takes its time: 4 % less of the loader, compressed, than the bundler's own. */
async function small(terser, code, { module = false, properties } = {}) {
  const compress = { passes: 1, unsafe_arrows: true };
  const mangle = properties ? { properties: { regex: properties } } : true;
  return (await terser.minify(code, { ecma: 2020, module, compress, mangle, format: { comments: false } })).code;
}

async function bundle(esbuild, terser, glue) {
  const { outputFiles, metafile } = await esbuild.build({
    entryPoints: [join(root, "www", "t.js")],
    bundle: true,
    format: "iife",
    target: "es2020",
    charset: "utf8",
    legalComments: "none",
    write: false,
    metafile: true,
    logLevel: "warning",
    plugins: [
      {
        name: "glue",
        setup(build) {
          build.onResolve({ filter: /^traza-glue$/ }, ({ path }) => ({ path, namespace: "glue" }));
          build.onLoad({ filter: /.*/, namespace: "glue" }, () => ({ contents: glue }));
        },
      },
    ],
  });
  const [{ inputs }] = Object.values(metafile.outputs);
  const modules = Object.entries(inputs).map(([path, { bytesInOutput }]) => [path.split("/").pop(), bytesInOutput]);
  const code = Buffer.from(EAGER + (await small(terser, outputFiles[0].text, { properties: INTERNAL })));
  return { code, modules: Object.fromEntries(modules) };
}

await main(async () => {
  const chain = toolchain();
  const bindgen = tool("wasm-bindgen", locked("wasm-bindgen"));
  const wasmOpt = join(here, "node_modules", "binaryen", "bin", "wasm-opt");
  const esbuild = await import("esbuild").catch(() => undefined);
  const terser = await import("terser").catch(() => undefined);
  if (!esbuild || !terser || !existsSync(wasmOpt)) {
    throw new Missing("wasm-opt, esbuild or terser is missing; run: npm ci --prefix tracker-wasm");
  }
  const work = join(cargoTarget, "tracker");
  mkdirSync(work, { recursive: true });
  mkdirSync(out, { recursive: true });

  console.log(`tracker: core, ${chain.name} toolchain`);
  const std = chain.std();
  if (std.length > 0) std.push("-Zbuild-std-features=optimize_for_size");
  run(
    chain.cargo,
    ["build", "--quiet", "--locked", "--package", "tracker-wasm", "--lib", "--profile", "core", "--target", TARGET, ...std],
    {
      ...chain.env,
      // Whatever the shell says: an incremental build cuts the core up, and weighs more.
      CARGO_INCREMENTAL: "0",
      CARGO_TARGET_DIR: cargoTarget,
      CARGO_ENCODED_RUSTFLAGS: chain.flags.join("\x1f"),
    },
  );

  console.log("tracker: wasm-bindgen, wasm-opt");
  const built = join(cargoTarget, TARGET, "core", "tracker_wasm.wasm");
  // For a bundler: the loader instantiates by itself, so none of the start-up code of the other targets travels.
  run(bindgen, ["--target", "bundler", "--no-typescript", "--out-dir", work, built]);
  const bound = join(work, "tracker_wasm_bg.wasm");
  const core = join(out, "core.wasm");
  const strip = ["--strip-debug", "--strip-producers", "--strip-target-features"];
  // Names that nobody reads travel as letters; wasm-opt prints which.
  const letters = JSON.parse(
    execFileSync(process.execPath, [wasmOpt, ...WASM_OPT, ...strip, "--minify-imports-and-exports-and-modules", bound, "-o", core], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  // The same code with its function names, for `just size`.
  run(process.execPath, [wasmOpt, ...WASM_OPT, "-g", bound, "-o", join(work, "named.wasm")]);

  console.log("tracker: loader");
  const wasm = readFileSync(core);
  const glue = readFileSync(join(work, "tracker_wasm_bg.js"), "utf8");
  const { code: loader, modules } = await bundle(esbuild, terser, wire(glue, letters, wasm));
  const { code: alone } = await bundle(esbuild, terser, "export let imports, enter");
  const places = loader.toString().split("__TRAZA_CONFIG__").length - 1;
  if (places !== 1) throw new Error(`the loader has ${places} places for the config, not one`);

  const source = (name) => readFileSync(join(root, "www", name), "utf8");
  const guard = (await small(terser, source("guard.js"))).replace(/;$/, "");
  for (const hole of ["__TRAZA_PLACE__", "__TRAZA_FULL__"]) {
    if (guard.split(hole).length !== 2) throw new Error(`the guard has not one place for ${hole}`);
  }
  writeFileSync(join(out, "guard.js"), guard);
  writeFileSync(join(out, "debug.mjs"), await small(terser, source("debug.mjs"), { module: true }));
  const numbers = Buffer.from(await small(terser, source("numbers.mjs"), { module: true }));
  // As it is printed for a site of the docs.
  const printed = guard.replace("__TRAZA_PLACE__", "https://t.customer.com/t/acme").replace("__TRAZA_FULL__", "1");

  writeFileSync(join(out, "t.js"), loader);
  writeFileSync(join(out, "numbers.mjs"), numbers);
  for (const [name, bytes] of [["core.wasm", wasm], ["numbers.mjs", numbers]]) {
    writeFileSync(join(out, `${name}.br`), brotli(bytes));
    writeFileSync(join(out, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  }
  const all = {
    loader: pack(alone),
    "t.js": pack(loader),
    wasm: pack(wasm),
    guard: pack(Buffer.from(printed)),
    numbers: pack(numbers),
  };
  const hash = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const facts = {
    wasm: hash(wasm),
    numbers: hash(numbers),
    version: readFileSync(join(root, "Cargo.toml"), "utf8").match(/^version = "([^"]+)"/m)[1],
    toolchain: chain.name,
    sizes: all,
    loader_modules: modules,
  };
  writeFileSync(join(out, "tracker.json"), `${JSON.stringify(facts, null, 1)}\n`);
  console.log(`tracker: ${all["t.js"].brotli + all.wasm.brotli} bytes brotli in ${out}`);
});
