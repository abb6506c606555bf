// Builds the tracker: the core (cargo, wasm-bindgen, wasm-opt) and the loader with the glue (esbuild), into
// target/tracker: t.js, core.wasm, core.wasm.br, core.wasm.gz, tracker.json. The same sources give the same bytes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { Missing, TARGET, cargoTarget, here, locked, main, out, root, tool, toolchain } from "./toolchain.mjs";

const WASM_OPT = [
  "-Oz",
  "--enable-bulk-memory",
  "--enable-nontrapping-float-to-int",
  "--enable-sign-ext",
  "--enable-mutable-globals",
  "--enable-reference-types",
  "--enable-multivalue",
];

// Measured: with "s" the core is 4 % smaller, compressed, than with "z".
const SMALL = ["--config", 'profile.core.opt-level="s"'];

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

await main(async () => {
  const chain = toolchain();
  const bindgen = tool("wasm-bindgen", locked("wasm-bindgen"));
  const wasmOpt = join(here, "node_modules", "binaryen", "bin", "wasm-opt");
  const esbuild = await import("esbuild").catch(() => undefined);
  if (!esbuild || !existsSync(wasmOpt)) {
    throw new Missing("wasm-opt and esbuild are missing; run: npm ci --prefix tracker-wasm");
  }
  const work = join(cargoTarget, "tracker");
  mkdirSync(work, { recursive: true });
  mkdirSync(out, { recursive: true });

  console.log(`tracker: core, ${chain.name} toolchain`);
  const std = chain.std();
  if (std.length > 0) std.push("-Zbuild-std-features=optimize_for_size");
  run(
    chain.cargo,
    ["build", "--quiet", "--locked", "--package", "tracker-wasm", "--lib", "--profile", "core", "--target", TARGET, ...std, ...SMALL],
    {
      ...chain.env,
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
  run(process.execPath, [wasmOpt, ...WASM_OPT, "--strip-debug", "--strip-producers", "--strip-target-features", bound, "-o", core]);
  // The same code with its function names, for `just size`.
  run(process.execPath, [wasmOpt, ...WASM_OPT, "-g", bound, "-o", join(work, "named.wasm")]);

  console.log("tracker: loader");
  const bundle = async (glue) => {
    const { outputFiles } = await esbuild.build({
      entryPoints: [join(root, "www", "t.js")],
      bundle: true,
      minify: true,
      format: "iife",
      target: "es2020",
      charset: "utf8",
      legalComments: "none",
      write: false,
      logLevel: "warning",
      plugins: [
        {
          name: "glue",
          setup(build) {
            build.onResolve({ filter: /^traza-glue$/ }, () => ({ path: glue ?? "none", namespace: glue ? "file" : "none" }));
            build.onLoad({ filter: /.*/, namespace: "none" }, () => ({ contents: "export let rules, list, choose, judge, address, text, link, attend, __wbg_set_wasm" }));
          },
        },
      ],
    });
    return Buffer.from(outputFiles[0].contents);
  };
  const loader = await bundle(join(work, "tracker_wasm_bg.js"));
  const alone = await bundle(undefined);
  const places = loader.toString().split("__TRAZA_CONFIG__").length - 1;
  if (places !== 1) throw new Error(`the loader has ${places} places for the config, not one`);

  const wasm = readFileSync(core);
  const small = brotli(wasm);
  writeFileSync(join(out, "t.js"), loader);
  writeFileSync(join(out, "core.wasm.br"), small);
  writeFileSync(join(out, "core.wasm.gz"), gzipSync(wasm, { level: 9 }));
  const all = { loader: pack(alone), "t.js": pack(loader), wasm: pack(wasm) };
  const facts = {
    wasm: createHash("sha256").update(wasm).digest("hex").slice(0, 16),
    version: readFileSync(join(root, "Cargo.toml"), "utf8").match(/^version = "([^"]+)"/m)[1],
    toolchain: chain.name,
    sizes: all,
  };
  writeFileSync(join(out, "tracker.json"), `${JSON.stringify(facts, null, 1)}\n`);
  console.log(`tracker: ${all["t.js"].brotli + all.wasm.brotli} bytes brotli in ${out}`);
});
