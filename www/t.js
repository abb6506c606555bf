// The loader: it catches from its first line, brings the core (WebAssembly), and delivers what the core has judged.
// Where the core is refused or late it delivers without: raw, since the collector judges by the same rules. It
// cancels nothing, patches nothing, throws nothing and leaves one global, `traza`.
import * as glue from "traza-glue";
import { keep, mint, recall } from "../tracker-wasm/js/device.js";
import { ALL, END, road } from "../tracker-wasm/js/road.js";
import { click, submit } from "../tracker-wasm/js/sense.js";

(() => {
  const config = __TRAZA_CONFIG__;
  const doc = document;
  const modes = ["off", "anonymous", "full"];

  let core; // has taken over
  let alone; // there will be no core, or the page ends before it came
  let dead; // three strikes
  let strikes = 0;
  const undo = [];

  // ---- guards ------------------------------------------------------------------------------------------------

  // Every way in: what goes wrong stays here, and the third time is the last.
  const guard = (work) => (...args) => {
    if (dead) return;
    try {
      return work(...args);
    } catch {
      if (++strikes > 2) {
        undo.map((off) => off());
        core = 0;
        alone = true;
        record(make("tracker_error", { code: "strikes", count: strikes }));
        out.flush(ALL);
        dead = true;
      }
    }
  };

  const later = (ms, work) => setTimeout(guard(work), ms);

  const listen = (target, kinds, work, gap = 0) =>
    kinds.split(" ").map((kind) => {
      let last = -gap;
      const on = guard((event) => {
        if (event.timeStamp - last < gap) return;
        last = event.timeStamp;
        work(event);
      });
      target.addEventListener(kind, on, { capture: true, passive: true });
      undo.push(() => target.removeEventListener(kind, on, true));
    });

  // ---- the page view -------------------------------------------------------------------------------------------

  let page; // its id
  let count; // the next event's number
  let viewed; // its page_view was recorded: then leaving it is worth recording too
  let deepest; // how much of it was seen, in percent
  let url;

  // Attention to this page view so far, in ms.
  let before = 0;
  const attend = (alive) => core.attend(performance.now(), !doc.hidden, alive) - before;
  const make = (kind, rest) => ({ kind, id: page + "-" + count++, at: Date.now(), page, ...rest });

  const view = () => {
    page = mint();
    count = deepest = 0;
    if (core) before += attend(true);
    viewed = mode != "off";
    const event = make("page_view", { url, title: "" + doc.title, referrer: doc.referrer || undefined });
    if (viewed) record(event);
  };

  const look = () => {
    const { scrollY, innerHeight } = window;
    const part = Math.round((100 * (scrollY + innerHeight)) / doc.documentElement.scrollHeight);
    deepest = Math.min(100, Math.max(deepest, part || 0));
  };

  const leave = () => {
    if (!viewed) return;
    viewed = false;
    look();
    if (core) record(make("page_leave", { engaged_ms: Math.round(attend(false)), scroll_pct: deepest }));
    const lost = out.dropped();
    if (lost) record(make("tracker_error", { code: "dropped", count: lost }));
  };

  // ---- what happens on it --------------------------------------------------------------------------------------

  let mode; // wait, off, anonymous, full
  let choice;
  let held = []; // what waits for the core, or for the visitor's choice

  const record = (event) => {
    if (core || alone) deliver(event);
    else if (event.lead || held.length < 200) held.push(event);
  };

  const release = () => held.splice(0).map(deliver);

  const deliver = (event) => {
    const { kind, lead } = event;
    const code = core ? core.judge(!!lead) : judge(!!lead);
    if (code == 1 && held.length < 200) held.push(event);
    // Who says their name is not anonymous.
    if (code < 2 || (code < 4 && kind == "identify")) return;
    if (kind == "click" && core && event.href) {
      const [found, ...fields] = core.link(event.href).split("\n");
      if (found) {
        event.kind = found;
        while (fields.length) event[fields.shift()] = fields.shift();
        event.target = event.text = undefined;
        if (/^(call|chat|sms|email)/.test(found)) event.href = undefined;
      }
    }
    for (const name of ["url", "referrer", "href"]) event[name] = address(event[name], code);
    for (const name of ["title", "text"]) event[name] = clean(event[name]);
    for (const name in event.props) event.props[name] = clean(event.props[name]);
    out.push({ json: JSON.stringify(event), mode: modes[code - 2], lead: !!lead }, lead || /^(call|chat|sms|email|outbound|download)/.test(event.kind));
  };

  // Without the core as with it (tracker-wasm/src/consent.rs), but for what the collector can do later: e-mail
  // addresses stay here, in anonymous mode all of a query but utm_* does, and the rest goes raw.
  const judge = (lead) => (mode == "wait" && !lead ? 1 : lead || modes.indexOf(mode) > 0 ? Math.max(2, modes.indexOf(mode) + 2) : 0);
  const clean = (text) =>
    typeof text != "string" ? text : core ? core.text(text) : text.replace(/[^\s/?&=#:]+(@|%40)[^\s/?&=#]+/gi, "…");
  const address = (url, code) =>
    !url || /^(mailto|sms|tel):/i.test(url) ? url : core ? core.address(url) : clean(code > 3 ? url : url.replace(/([?&#])(?!utm_)[^&]*/g, "$1"));

  const { currentScript } = doc;
  const name = "/" + config.site;
  const cut = currentScript ? currentScript.src.lastIndexOf(name + ".js") : -1;
  const base = cut > 0 ? currentScript.src.slice(0, cut) : config.base;
  const out = road(base + name, () => ({ mode, choice, via: core ? "wasm" : "fallback" }), later, guard);

  // ---- the choice, and traza() ---------------------------------------------------------------------------------

  // Brings the device in line with the mode in force.
  const settle = (was) => {
    if (mode == "full") out.restore();
    else if (mode != "wait" && (was == "full" || recall("tz_v"))) out.revoke(make("consent", { mode }));
  };

  // Events stay with the mode they were recorded in; what was held is judged now; a page view that was sent under
  // one mode does not go on under another, so that nothing joins the two.
  const choose = (word) => {
    const was = mode;
    const waited = was == "wait";
    const more = modes.indexOf(word) - modes.indexOf(was);
    if (was == "anonymous" && more > 0) {
      alone = alone || !core;
      leave();
      release();
      out.flush(ALL);
    }
    mode = word;
    choice = "explicit";
    // "full" is remembered; a smaller word only where the site's default would keep more at the next page.
    keep("tz_c", mode == "full" || modes.indexOf(config.consent) > modes.indexOf(mode) ? mode : null);
    if (core) core.choose(modes.indexOf(mode));
    if (!waited && more < 0) {
      held = held.filter((event) => event.lead);
      out.lower();
    }
    settle(was);
    if (waited && mode != "off") {
      if (core || alone) release();
    } else if (more) {
      held = held.filter((event) => event.lead);
      view();
    }
    record(make("consent", { mode }));
  };

  const text = (value) => (value == null ? undefined : "" + value);

  const command = guard(([verb, what, rest]) => {
    if (verb == "consent" && modes.includes(what)) choose(what);
    if (verb == "track") {
      const flat = Object.entries(rest || {}).filter(([, value]) => /^(string|boolean)$/.test(typeof value) || Number.isFinite(value));
      record(make("custom", { name: text(what), props: Object.fromEntries(flat) }));
    }
    if (verb == "identify" && what) {
      record(make(verb, { email: text(what.email), phone: text(what.phone), user_id: text(what.user_id) }));
    }
  });

  // ---- the beginning -------------------------------------------------------------------------------------------

  const load = async () => {
    const answer = await fetch(base + "/" + config.wasm + ".wasm", { credentials: "omit" });
    const imports = { "./tracker_wasm_bg.js": glue };
    let made;
    try {
      made = await WebAssembly.instantiateStreaming(answer, imports);
    } catch {
      // A server that does not know the type, or a browser that does not stream.
      made = await WebAssembly.instantiate(await answer.arrayBuffer(), imports);
    }
    const { exports } = made.instance;
    glue.__wbg_set_wasm(exports);
    exports.__wbindgen_start();
    glue.rules(modes.indexOf(config.consent), choice == "signal", config.anonymous_utm);
    for (const entry of config.domains || []) glue.list(0, entry);
    for (const entry of config.keys || []) glue.list(1, entry);
    if (choice == "explicit") glue.choose(modes.indexOf(mode));
    core = glue;
    attend(true);
    alone = false;
    release();
  };

  const refuse = guard(() => {
    alone = true;
    release();
  });

  const begin = guard(() => {
    url = location.href;
    const word = recall("tz_c");
    const signal = navigator.globalPrivacyControl || navigator.doNotTrack == 1;
    choice = modes.includes(word) ? "explicit" : signal ? "signal" : "default";
    mode = choice == "explicit" ? word : signal ? "off" : config.consent;
    const saw = (event) => event && record(make(event.kind, event));
    listen(window, "click auxclick", (event) => saw(click(event)));
    listen(window, "submit", (event) => saw(submit(event, config.lead_fields)));
    listen(window, "scroll", look, 250);
    listen(window, "scroll pointerdown pointermove touchmove wheel keydown", () => core && attend(true), 1000);
    listen(window, "online", out.resume);
    const flush = (how) => {
      if (!core) refuse();
      out.flush(how);
    };
    listen(window, "pagehide", () => {
      leave();
      flush(END);
    });
    listen(doc, "visibilitychange", () => {
      if (core) attend(false);
      if (doc.hidden) flush(ALL);
    });
    listen(window, "pageshow", (event) => {
      if (!event.persisted) return;
      settle();
      view();
    });
    view();
    settle();
    early.splice(0).map(command);
    load().catch(refuse);
  });

  // ---- one global ----------------------------------------------------------------------------------------------

  const early = [];
  let begun;
  try {
    const stub = window.traza;
    // A second tag on the page does nothing.
    if (stub && stub.on) return;
    early.push(...((stub && stub.q) || []));
    window.traza = (...args) => {
      if (begun) command(args);
      else early.push(args);
    };
    window.traza.on = 1;
    const start = () => {
      begun = 1;
      begin();
    };
    if (doc.prerendering) doc.addEventListener("prerenderingchange", start, { once: true });
    else start();
  } catch {
    // A page that lets nobody in is left alone.
  }
})();
