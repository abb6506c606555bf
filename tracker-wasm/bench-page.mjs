// What the tracker costs a page: the same page bare, with Traza and with Plausible's tracker, in fresh profiles of one
// Chromium, at a quarter of the processor's speed, in turns. Writes docs/tracker.md. `--rounds N` (at least 9; fewer say
// little), `--no-write`.
//
// By the browser's own pipe, without a driver: a driver turns on what a debugger needs (the call stack of every timer
// and request, for which V8 reads the script again), and no visitor pays that.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { Missing, here, main, root } from "./toolchain.mjs";

// A single arrival varies by a third at a quarter of the speed: so many, and a median strays by a tenth or less.
const ROUNDS = 61;
// The rest of a visit takes longer, and is played in every so manyth round.
const WHOLE = 6;
const SLOWER = 4;
const AIM = 0.8;
const HEAP = 1.5 * 1024 * 1024;
const PLAUSIBLE = `
  import { init } from "@plausible-analytics/tracker";
  init({ domain: "example.com", endpoint: "/event", captureOnLocalhost: true, logging: false,
    outboundLinks: true, fileDownloads: true, formSubmissions: true });`;
const BEGIN = "<!-- page cost: begin (written by `just bench-page`) -->";
const END = "<!-- page cost: end -->";

const median = (values) => {
  const sorted = values.filter((value) => value !== undefined).toSorted((one, other) => one - other);
  return sorted[sorted.length >> 1];
};

/** A page of a common size; `tag` is all that differs. */
const page = (tag) => `<!doctype html><html lang="es"><head><meta charset="utf-8"><title>Placas solares</title>${tag}</head><body>
<h1>Placas solares</h1><p><a href="tel:+34900111001">900 111 001</a> <button id="cta" data-traza-cta="estudio">Estudio</button></p>
<form name="contacto" onsubmit="return false"><input name="nombre"><input name="telefono" type="tel"><button>Enviar</button></form>
${Array.from({ length: 60 }, (_, at) => `<p>Párrafo ${at} con un <a href="/otra/${at}">enlace</a> y algo de texto.</p>`).join("\n")}
</body></html>`;

// What a visitor does, the same on each page: arrives, reads on, clicks, types. Each ends when it has been dealt with.
const LATER = "const later = (ms) => new Promise((go) => setTimeout(go, ms));";
const ARRIVAL = `(async () => {
    ${LATER}
    if (document.readyState !== "complete") await new Promise((go) => addEventListener("load", go));
    await later(1000);
  })()`;
const STAY = `(async () => {
    ${LATER}
    await later(2500);
  })()`;
const VISIT = `(async () => {
    ${LATER}
    for (let at = 1; at <= 10; at++) { scrollTo(0, at * 100); await later(60); }
    for (let at = 0; at < 10; at++) { document.querySelector("#cta").click(); await later(60); }
    const field = document.querySelector("[name=telefono]");
    field.focus();
    for (const digit of "600000000") {
      field.value += digit;
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
      await later(30);
    }
    await later(2500);
  })()`;

// Looked at when all else has been measured: who watches a page costs it something, too. A task is the tag's own where its
// script ran for so long in it.
const SEEN = `(async () => {
    const buffered = (type) => new Promise((go) => {
      if (!PerformanceObserver.supportedEntryTypes.includes(type)) throw new Error("this browser tells nothing of " + type);
      new PerformanceObserver((list) => go(list.getEntries())).observe({ type, buffered: true });
      setTimeout(() => go([]), 200);
    });
    const isLong = ({ sourceURL, duration }) => duration > 50 && /[/](t[/]demo|plausible)[.]js$/.test(sourceURL);
    const frames = await buffered("long-animation-frame");
    const shifts = await buffered("layout-shift");
    return { isLong: frames.some(({ scripts }) => scripts.some(isLong)), shift: shifts.reduce((sum, { value }) => sum + value, 0) };
  })()`;

// How an arrival from an advertisement looks.
const AD = "?utm_source=google&utm_medium=cpc&utm_campaign=solar&gclid=EAIaIQobChMI-test_0-abcDEF";

/**
 * The server of the pages and of all that they ask for, from memory: whatever answers works on the same machine, and what it
 * takes of the processor the page would seem to cost. `learn(to)` asks the collector for its loader; `deliver()` hands it what
 * the pages have told since, in their order, and throws if it took something else than they were answered.
 */
async function serve(plausible) {
  let collector;
  let loader;
  const told = [];
  const pages = {
    "/bare": page(""),
    "/traza": page('<script async src="/t/demo.js"></script>'),
    "/plausible": page('<script async src="/plausible.js"></script>'),
  };
  const counts = { traza: 0, plausible: 0 };
  const server = createServer(async (request, response) => {
    const body = [];
    for await (const chunk of request) body.push(chunk);
    const end = (status, type, content) => {
      response.writeHead(status, { "content-type": type });
      response.end(content);
    };
    const page = pages[request.url.replace(AD, "")];
    if (page) return end(200, "text/html; charset=utf-8", page);
    if (request.url === "/plausible.js") return end(200, "text/javascript", plausible);
    if (request.url === "/event") {
      counts.plausible++;
      return end(202, "text/plain", "ok");
    }
    if (request.url === "/t/demo.js") return end(200, "text/javascript", loader);
    if (request.url !== "/t/demo") return end(404, "text/plain", "");
    counts.traza++;
    const beacon = Buffer.concat(body);
    const { events, visitor } = JSON.parse(beacon);
    const answer = { accepted: events.length, duplicate: 0, withheld: 0, rejected: [], visitor };
    const { "content-type": type = "text/plain", "user-agent": agent = "" } = request.headers;
    told.push({ beacon, headers: { "content-type": type, "user-agent": agent }, answer });
    end(200, "application/json", JSON.stringify(answer));
  });
  const learn = async (to) => {
    collector = to;
    loader = Buffer.from(await (await fetch(`${collector}/t/demo.js`)).arrayBuffer());
  };
  const deliver = async () => {
    for (const { beacon, headers, answer } of told.splice(0)) {
      const said = await (await fetch(`${collector}/t/demo`, { method: "POST", headers, body: beacon })).text();
      if (said !== JSON.stringify(answer)) throw new Error(`the collector says ${said}, not what the page was answered`);
    }
  };
  await new Promise((go) => server.listen(0, "127.0.0.1", go));
  return { base: `http://127.0.0.1:${server.address().port}`, counts, server, learn, deliver };
}

/** A process and the first line of its log that matches. */
async function started(command, args, options, pattern) {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], ...options });
  const failed = new Promise((_, no) => {
    child.on("error", no);
    child.on("exit", (code) => no(new Missing(`${command} ended at once (${code})`)));
  });
  const found = (async () => {
    for await (const line of createInterface(child.stderr)) {
      const match = line.match(pattern);
      if (match) return match[1];
    }
    throw new Missing(`${command} did not say where it listens`);
  })();
  const value = await Promise.race([found, failed]);
  child.removeAllListeners("exit");
  child.stderr.resume();
  return { child, value };
}

/** A browser of its own, spoken to by its pipe: `send(method, params, session)`, and `end()`. */
function browser() {
  const profile = mkdtempSync(join(tmpdir(), "traza-bench-page-"));
  const quiet = ["--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const args = ["--headless=new", "--no-sandbox", ...quiet, "--no-first-run", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"];
  const child = spawn(process.env.CHROME ?? "chromium", args, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const waiting = new Map();
  let count = 0;
  let text = "";
  const fail = (error) => waiting.forEach(({ no }) => no(error));
  child.on("error", () => fail(new Missing("chromium is missing; run: just setup browsers, or set CHROME")));
  const gone = new Promise((go) => child.on("close", go));
  gone.then(() => fail(new Error("the browser ended")));
  child.stdio[3].on("error", fail);
  child.stdio[4].setEncoding("utf8").on("data", (part) => {
    text += part;
    const messages = text.split("\0");
    text = messages.pop();
    for (const { id, result, error } of messages.map((message) => JSON.parse(message))) {
      const { go, no } = waiting.get(id) ?? {};
      waiting.delete(id);
      if (error) no?.(new Error(error.message));
      else go?.(result);
    }
  });
  const send = (method, params = {}, sessionId) =>
    new Promise((go, no) => {
      waiting.set(++count, { go, no });
      child.stdio[3].write(`${JSON.stringify({ id: count, method, params, sessionId })}\0`);
    });
  const end = async () => {
    await send("Browser.close").catch(() => child.kill());
    await gone;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { send, end };
}

/** Visits one page in a profile of its own: ms of script after each part, bytes of heap, whether the tag had a long task, layout shift. */
async function visit({ send }, url, parts) {
  const { browserContextId } = await send("Target.createBrowserContext");
  try {
    const { targetId } = await send("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
    const devtools = (method, params) => send(method, params, sessionId);
    // The thread's own time: what else the machine does meanwhile is not counted.
    await devtools("Performance.enable", { timeDomain: "threadTicks" });
    await devtools("Emulation.setCPUThrottlingRate", { rate: SLOWER });
    await devtools("Page.enable");
    await devtools("Page.navigate", { url });
    const script = [];
    const run = async (expression) => {
      const { result, exceptionDetails } = await devtools("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
      if (exceptionDetails) throw new Error(`${url}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
      return result.value;
    };
    for (const expression of parts) {
      await run(expression);
      const { metrics } = await devtools("Performance.getMetrics", {});
      const { ScriptDuration: ran, V8CompileDuration: compile } = Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
      script.push(1000 * (ran + (compile ?? 0)));
    }
    await devtools("HeapProfiler.collectGarbage", {});
    const { usedSize } = await devtools("Runtime.getHeapUsage", {});
    return { script, heap: usedSize, ...(await run(SEEN)) };
  } finally {
    await send("Target.disposeBrowserContext", { browserContextId });
  }
}

await main(async () => {
  const option = (name) => process.argv.indexOf(name);
  const rounds = option("--rounds") > 0 ? Number(process.argv[option("--rounds") + 1]) : ROUNDS;
  if (!(rounds >= 1)) throw new Missing("--rounds wants a number");
  const { TRAZA_BIN = join("target", "release", "traza") } = process.env;
  const program = [resolve(TRAZA_BIN), join(root, TRAZA_BIN)].find((path) => existsSync(path));
  if (!program) throw new Missing("the binary is missing; run: just build");
  const esbuild = await import("esbuild");
  const built = await esbuild.build({
    stdin: { contents: PLAUSIBLE, resolveDir: here },
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2020",
    write: false,
  });
  const folder = mkdtempSync(join(tmpdir(), "traza-bench-page-"));
  const children = [];
  try {
    // As it is meant to stand: behind a path of the page's own host, and told so.
    const { base, counts, server, learn, deliver } = await serve(built.outputFiles[0].contents);
    const place = ["--listen", "127.0.0.1:0", "--public-url", base];
    const collector = await started(program, ["serve", "--demo", "--store", "memory:", ...place], { cwd: folder }, /"listening","address":"([\d.:]+)"/);
    children.push(collector.child);
    await learn(`http://${collector.value}`);
    const names = ["bare", "traza", "plausible"];
    const seen = Object.fromEntries(names.map((name) => [name, []]));
    const chromium = browser();
    try {
      // The first page in a browser pays for what no later one does.
      await visit(chromium, `${base}/bare`, [ARRIVAL]);
      for (let round = 0; round < rounds; round++) {
        // Each begins as often as the others, so that none is always warm.
        for (let at = 0; at < names.length; at++) {
          const name = names[(at + round) % names.length];
          const got = await visit(chromium, `${base}/${name}`, round % WHOLE ? [ARRIVAL] : [ARRIVAL, STAY, VISIT]);
          const fromAd = await visit(chromium, `${base}/${name}${AD}`, [ARRIVAL]);
          await deliver();
          const [arrival, stay, whole] = got.script;
          const [ad] = fromAd.script;
          const long = [got, fromAd].filter(({ isLong }) => isLong).length;
          seen[name].push(whole ? { ...got, long, ad, arrival, stay, whole } : { long, ad, arrival });
          const ms = [arrival, ad, stay, whole].filter(Boolean).map((value) => `${value.toFixed(1)} ms`);
          console.log(`round ${round + 1} of ${rounds}, ${name}: ${ms.join(", ")} script`);
        }
      }
    } finally {
      await chromium.end();
    }
    server.close();
    if (!counts.traza || !counts.plausible) throw new Error(`a tracker sent nothing: ${JSON.stringify(counts)}`);
    const table = report(seen, rounds);
    console.log(table);
    if (!process.argv.includes("--no-write")) record(table);
  } finally {
    for (const child of children) child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});

function report(seen, rounds) {
  const of = (name, what) => median(seen[name].map((got) => got[what]));
  const added = (name, what) => of(name, what) - of("bare", what);
  const ms = (value) => `${value.toFixed(1)} ms`;
  const kb = (value) => `${Math.round(value / 1024)} KB`;
  const long = (name) => seen[name].reduce((sum, got) => sum + got.long, 0);
  const visits = 2 * rounds;
  const met = (good) => (good ? "met" : "**missed**");
  // The budget is an arrival's: what follows it is shown, since a tracker that watches nothing then has nothing to pay.
  const costs = (what, name, limited) => {
    const ratio = added("traza", what) / added("plausible", what);
    return [
      [`${name}: script on the main thread`, ms(of("bare", what)), ms(of("traza", what)), ms(of("plausible", what)), "", ""],
      ["… added by the tracker", "", ms(added("traza", what)), ms(added("plausible", what)), ...(limited ? ["less than Plausible's", met(ratio < 1)] : ["", ""])],
      ["… as a share of Plausible's", "", ratio.toFixed(2), "1", ...(limited ? [`aim ${AIM}`, met(ratio <= AIM)] : ["", ""])],
    ];
  };
  const rows = [
    ...costs("arrival", "arrival", true),
    ...costs("ad", "arrival from an advertisement", true),
    ...costs("stay", "arrival, and two and a half seconds more with nothing done"),
    ...costs("whole", "all that, then reading on, ten clicks, a form begun"),
    ["visits with a task of its own over 50 ms", "", `${long("traza")} of ${visits}`, `${long("plausible")} of ${visits}`, "0 in the median", met(2 * long("traza") < visits)],
    ["layout shift, added", of("bare", "shift").toFixed(3), added("traza", "shift").toFixed(3), added("plausible", "shift").toFixed(3), "0", met(added("traza", "shift") <= 0)],
    ["heap after a collection, added", kb(of("bare", "heap")), kb(added("traza", "heap")), kb(added("plausible", "heap")), `≤ ${kb(HEAP)}`, met(added("traza", "heap") <= HEAP)],
  ];
  return [
    `Chromium at a quarter of the processor's speed, ${rounds} rounds in turns (what follows the arrival: ${Math.ceil(rounds / WHOLE)}), medians; the first`,
    "column is the page alone.",
    "",
    "| | bare | with Traza | with Plausible's tracker | limit | |",
    "|---|---|---|---|---|---|",
    ...rows.map((row) => `| ${row.join(" | ")} |`),
    "",
  ].join("\n");
}

function record(table) {
  const path = join(root, "docs", "tracker.md");
  const docs = readFileSync(path, "utf8");
  const from = docs.indexOf(BEGIN);
  const to = docs.indexOf(END);
  if (from < 0 || to < from) throw new Missing(`docs/tracker.md lacks the lines ${BEGIN} and ${END}`);
  writeFileSync(path, `${docs.slice(0, from)}${BEGIN}\n${table}${docs.slice(to)}`);
}
