// A collector that is not there, and a page to try things on.
import { forget } from "../../js/device.js";
import { tracker } from "../../js/tracker.js";
import { road } from "../../js/road.js";

const HOME = "https://collector.example.com/t";
const bytes = (text) => new TextEncoder().encode(text).length;
let posts = [];
let answers = [];
let takes = true;
let brought = 0;

// The runner writes its results into the body: the tests have a part of it.
const stage = document.body.appendChild(document.createElement("main"));

const note = (url, body, how, credentials) => {
  posts.push({ url, how, credentials, bytes: bytes(body), body: JSON.parse(body) });
};

const real = window.fetch;
window.fetch = async (url, options) => {
  if (!("" + url).startsWith(HOME)) return real(url, options);
  note(url, options.body, options.keepalive ? "keepalive" : "fetch", options.credentials);
  const { status, headers, body } = answers.shift() || { status: 200, headers: {}, body: { accepted: 1 } };
  if (!status) throw new TypeError("nobody there");
  return new Response(JSON.stringify(body), { status, headers });
};
navigator.sendBeacon = (url, body) => {
  if (takes) note(url, body, "beacon", "include");
  return takes;
};

/** Forgets what was sent and kept; each test begins with it. */
export const clean = () => {
  // A test that failed has not ended its own.
  running.splice(0).forEach((started) => started.stop());
  // Nor is the page called what another one called it.
  document.title = "Prueba";
  posts = [];
  answers = [];
  takes = true;
  brought = 0;
  forget();
  localStorage.clear();
  history.replaceState(null, "", HOME_URL);
  delete window.dataLayer;
  signal(false);
  early = undefined;
  document.title = "Test";
  stage.textContent = "";
};

/** How often the core was brought. */
export const cores = () => brought;

/** What was sent, in order. */
export const sent = () => posts;

/** What the collector will say next; status 0 is nothing at all. */
export const answer = (status, headers, body) => answers.push({ status, headers: headers || {}, body: body || {} });

/** Whether the browser takes beacons. */
export const beacons = (yes) => {
  takes = yes;
};

const running = [];

/** A tracker of the site "test", with a core, or none: null where it is refused, else never; and what the guard kept (see `tap`). */
export const start = (config, core, more) => {
  const load = async () => {
    brought++;
    if (core === null) throw new Error("refused");
    return core || new Promise(() => {});
  };
  const started = tracker({ site: "test", ...config, ...JSON.parse(more || "{}") }, HOME, load, early);
  early = undefined;
  running.push(started);
  return started;
};

let early;

/** A click before the loader came, so many ms ago, as the guard keeps it. */
export const tap = (selector, ago) => {
  const halt = (event) => {
    event.preventDefault();
    early = (early || [HOME_URL + "?utm_source=early"]).concat(event, [["click", Date.now() - ago]]);
  };
  window.addEventListener("click", halt, { once: true });
  stage.querySelector(selector).click();
};

const HOME_URL = location.href;

/** Goes to an address without loading it: by "push", "replace", "back" or as a hash. */
export const go = (how, to) => {
  if (how == "hash") location.hash = to;
  else if (how == "back") history.back();
  else history[how + "State"](null, "", to);
};

/** What another tag is told. */
export const tell = (json) => (window.dataLayer = window.dataLayer || []).push(JSON.parse(json));

/** The browser speaks for the visitor, or does not. */
export const signal = (yes) =>
  Object.defineProperty(navigator, "globalPrivacyControl", { configurable: true, value: yes || undefined });

/** What a link says while it is followed, and after. */
export const followed = async (selector) => {
  const link = stage.querySelector(selector);
  let during;
  const look = (event) => {
    during = link.getAttribute("href");
    event.preventDefault();
  };
  window.addEventListener("click", look, { once: true });
  link.click();
  await sleep(20);
  return [during, link.getAttribute("href")];
};

/** `traza(...)` */
export const call = (started, ...args) => started.command(args);

/** Ends a tracker, so that the next test's page is its own. */
export const stop = (started) => started.stop();

/** Puts HTML into the page. */
export const show = (html) => {
  stage.innerHTML = html;
};

/** An open shadow root with HTML, in an element. */
export const shadow = (selector, html) => {
  stage.querySelector(selector).attachShadow({ mode: "open" }).innerHTML = html;
};

const find = (path) => path.split(" >>> ").reduce((root, part) => (root.shadowRoot || root).querySelector(part), stage);

/** A click, as the mouse makes it; nothing is followed. `a >>> b` looks for b in the shadow of a. */
export const click = (path, kind, button) => {
  const halt = (event) => event.preventDefault();
  window.addEventListener(kind, halt);
  const event = new MouseEvent(kind, { bubbles: true, composed: true, cancelable: true, button });
  find(path).dispatchEvent(event);
  window.removeEventListener(kind, halt);
};

/** Submits a form; nothing is loaded. */
export const submit = (path) => {
  find(path).dispatchEvent(new SubmitEvent("submit", { bubbles: true, composed: true, cancelable: true }));
};

/** Types into a field. */
export const type = (path, value) => {
  const field = find(path);
  field.value = value;
  field.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true }));
};

/** The page's own script; `find(path)` as above. */
export const act = (script) => new Function("stage", "find", script)(stage, find);

/** An event of the window, as `pagehide`. */
export const fire = (kind, init) => window.dispatchEvent(new PageTransitionEvent(kind, init));

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export const title = (text) => {
  document.title = text;
};

/** What the device keeps. */

/** The road alone, with so many items of so many bytes pushed at once. Answers what `flush` sends. */
export const crowd = (mode, count, size) => {
  const state = () => ({ mode, choice: "default", via: "wasm" });
  const note = (code, count) => JSON.stringify({ id: "p-1", at: 1, page: "p", kind: "tracker_error", code, count });
  const out = road(HOME, state, (ms, work) => setTimeout(work, ms), (work) => work, note);
  for (let n = 0; n < count; n++) {
    const event = { id: "p-" + (n + 2), at: 1, page: "p", kind: "custom", name: "" };
    event.name = "ñ".repeat(Math.max(0, Math.floor((size - bytes(JSON.stringify(event))) / 2)));
    out.push({ json: JSON.stringify(event), mode, lead: false }, false);
  }
  out.flush(1);
  return posts;
};

let thrown = 0;
window.addEventListener("error", () => thrown++);

/** How many errors reached the page. */
export const uncaught = () => thrown;

/** An element that throws at whoever looks at it. */
export const hostile = (selector) => {
  Object.defineProperty(stage.querySelector(selector), "localName", {
    get() {
      throw new Error("hands off");
    },
  });
};
