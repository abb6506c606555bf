// Runs the core's tests in headless Chromium, with whichever toolchain this machine has. Arguments go to cargo.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Missing, TARGET, cargoTarget, here, locked, main, root, tool, toolchain } from "./toolchain.mjs";

/** The first of several programs that is there. */
function program(...names) {
  for (const name of names) {
    for (const place of ["", ...(process.env.PATH ?? "").split(delimiter)]) {
      const path = join(place, name);
      if (place !== "" || name.startsWith("/")) {
        if (existsSync(path)) return path;
      }
    }
  }
  return undefined;
}

await main(() => {
  const chain = toolchain();
  const runner = tool("wasm-bindgen-test-runner", locked("wasm-bindgen"));
  const driver = process.env.CHROMEDRIVER ?? program("/usr/bin/chromedriver", "chromedriver");
  const capabilities = JSON.parse(readFileSync(join(here, "webdriver.json"), "utf8"));
  const chrome = capabilities["goog:chromeOptions"];
  chrome.binary =
    process.env.CHROME ??
    program(chrome.binary, "chromium", "google-chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
  if (!driver || !chrome.binary) throw new Missing("Chromium and its driver are missing; run: just setup");

  // The runner reads webdriver.json from the folder of the crate, or from where it is told.
  const place = mkdtempSync(join(tmpdir(), "traza-webdriver-"));
  writeFileSync(join(place, "webdriver.json"), JSON.stringify(capabilities));
  console.log(`tracker: tests in ${chrome.binary}, ${chain.name} toolchain`);
  try {
    execFileSync(
      chain.cargo,
      ["test", "--package", "tracker-wasm", "--tests", "--target", TARGET, ...chain.std("panic_abort", "test"), ...process.argv.slice(2)],
      {
        stdio: "inherit",
        cwd: root,
        env: {
          ...process.env,
          ...chain.env,
          CARGO_TARGET_DIR: cargoTarget,
          CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER: runner,
          CHROMEDRIVER: driver,
          WASM_BINDGEN_TEST_WEBDRIVER_JSON: join(place, "webdriver.json"),
          WASM_BINDGEN_TEST_TIMEOUT: "120",
        },
      },
    );
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});
