// The loader: it catches from its first line, brings the core (WebAssembly) and hands over to it. Where the core
// is refused or late it delivers for itself, raw: what a click means is decided by the collector, by the same
// rules. It cancels nothing, patches nothing, throws nothing and leaves one global, `traza`.
import * as glue from "traza-glue";
import { click, submit } from "../tracker-wasm/js/sense.js";

(() => {
  const config = __TRAZA_CONFIG__;
  const win = window;
  const doc = document;
  const { currentScript: script } = doc;
  const name = "/" + config.site;
  const cut = script ? script.src.lastIndexOf(name + ".js") : -1;
  const base = cut > 0 ? script.src.slice(0, cut) : config.base;

  let core; // has taken over
  let refused; // there will be no core
  let dead; // three strikes
  let strikes = 0;
  let known; // the visitor, in full mode
  const undo = [];

  // ---- guards ------------------------------------------------------------------------------------------------

  // Every way in: what goes wrong stays here, and the third time is the last.
  const guard = (work) => (...args) => {
    if (dead) return;
    try {
      return work(...args);
    } catch {
      if (++strikes > 2) {
        dead = true;
        undo.map((off) => off());
        if (sends()) send([make("tracker_error", { code: "strikes", count: strikes })]);
      }
    }
  };

  const listen = (target, kind, work, gap) => {
    let last = -gap;
    const on = guard((event) => {
      if (event.timeStamp - last < gap) return;
      last = event.timeStamp;
      work(event);
    });
    target.addEventListener(kind, on, { capture: true, passive: true });
    undo.push(() => target.removeEventListener(kind, on, true));
  };

  const later = (ms, work) => setTimeout(guard(work), ms);

  // ---- what the core cannot do without JavaScript: see tracker-wasm/src/host.rs --------------------------------

  const recall = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };

  const keep = (key, value) => {
    try {
      if (value == null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch {
      // Blocked or full storage: this page goes on without.
    }
  };

  // A UUIDv7: 48 bits of time, the rest random.
  const mint = () => {
    let time = Date.now();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    for (let at = 6; at--; time = Math.floor(time / 256)) bytes[at] = time;
    bytes[6] = (bytes[6] & 15) | 112;
    bytes[8] = (bytes[8] & 63) | 128;
    return bytes.reduce((id, byte, at) => id + (/^(4|6|8|10)$/.test(at) ? "-" : "") + (byte + 256).toString(16).slice(1), "");
  };

  const adopt = (id) => {
    if (id == null || /^[\w-]{1,64}$/.test(id)) keep("tz_v", (known = id));
  };

  const visitor = () => {
    if (!known) adopt(recall("tz_v"));
    if (!known) adopt(mint());
    return known;
  };

  const ask = async (body, cookies) => {
    const credentials = cookies ? "include" : "omit";
    const answer = await fetch(base + name, { method: "POST", body, keepalive: true, credentials });
    const { visitor } = answer.ok ? await answer.json().catch(() => ({})) : {};
    return [answer.status, +answer.headers.get("Retry-After") || 0, visitor];
  };

  const post = (body, cookies, end, done) => {
    // A beacon always carries cookies, so only full mode may use it.
    try {
      if (end && cookies && navigator.sendBeacon(base + name, body)) return true;
    } catch {
      // Then as below.
    }
    ask(body, cookies)
      .catch(() => [0, 0])
      .then(guard((said) => done(...said)));
    return false;
  };

  // Number 0 is the page view's own.
  const turn = () => {
    host.page = mint();
    host.at = Date.now();
    host.n = 1;
    host.viewed = false;
  };

  const make = (kind, rest) => ({ kind, id: host.page + "-" + host.n++, at: Date.now(), page: host.page, ...rest });

  const host = {
    config,
    raw: [],
    turn,
    event: make,
    view: () => ({
      kind: "page_view",
      id: host.page + "-0",
      at: host.at,
      page: host.page,
      url: host.url,
      title: "" + doc.title,
      referrer: doc.referrer || undefined,
    }),
    visitor,
    adopt,
    recall,
    keep,
    listen: (onDocument, kind, code, gap) => listen(onDocument ? doc : win, kind, (event) => core && core.on(code, event), gap),
    after: (ms, code) => later(ms, () => core.on(code)),
    post: (body, cookies, end, ticket) => post(body, cookies, end, (...said) => core.answered(ticket, ...said)),
    clock: () => performance.now(),
    visible: () => doc.visibilityState != "hidden",
    depth: () => (100 * (win.scrollY + win.innerHeight)) / doc.documentElement.scrollHeight,
    lang: () => navigator.language,
    screen: (sort) => {
      const { width, height } = win.screen;
      return sort ? (width < 768 ? "small" : width < 1280 ? "medium" : "large") : width + "x" + height;
    },
    tz: () => Intl.DateTimeFormat().resolvedOptions().timeZone,
  };

  // ---- delivery without the core -------------------------------------------------------------------------------

  const full = () => host.mode == "full";
  const sends = () => full() || host.mode == "anonymous";

  // E-mail addresses stay here; in anonymous mode all of a query but utm_* does. The collector does the rest.
  const clean = (text) => text && text.replace(/[^\s/?&=#:]+(@|%40)[^\s/?&=#]+/gi, "…");
  const address = (url) => clean(url && !full() ? url.replace(/([?&#])(?!utm_)[^&]*/g, "$1") : url);

  const send = (events, end, cookies = full()) => {
    const some = sends();
    for (let batch; (batch = events.splice(0, 20)).length; ) {
      const body = JSON.stringify({
        v: 1,
        visitor: full() ? visitor() : undefined,
        sent: Date.now(),
        mode: some ? host.mode : "off",
        choice: host.choice,
        via: "fallback",
        context: some ? { lang: host.lang(), screen: host.screen(!full()), tz: full() ? host.tz() : undefined } : {},
        events: batch,
      });
      post(body, cookies, end, (status, pause, id) => {
        if (id && full()) adopt(id);
        // Nobody there: again later.
        if (!status || status == 429 || status > 499) later(1000 * Math.max(pause, 10), () => send(batch));
      });
    }
  };

  const flush = (end) => {
    const all = host.raw;
    if (sends()) {
      host.raw = [];
      if (!host.viewed) all.unshift(host.view());
      host.viewed = true;
      for (const event of all) {
        event.url = address(event.url);
        event.referrer = address(event.referrer);
        if (!/^(mailto|sms|tel):/i.test(event.href)) event.href = address(event.href);
        event.title = clean(event.title);
        event.text = clean(event.text);
      }
      send(all.filter((event) => full() || event.kind != "identify"), end);
    } else {
      // A lead is the visitor's own request and goes, alone. What waits for a choice waits on.
      host.raw = host.mode == "wait" ? all.filter((event) => !event.lead) : [];
      send(all.filter((event) => event.lead), end);
    }
  };

  const record = (event) => {
    if (core) core.take(event);
    else if (event.lead || host.raw.length < 200) {
      host.raw.push(event);
      if (refused) later(event.lead ? 0 : 1000, flush);
    }
  };

  const refuse = guard(() => {
    refused = true;
    // No core will bring the device in line with the choice: nor the collector's cookie, which only it can drop.
    if (/^[oa]/.test(host.mode) && recall("tz_v")) {
      adopt();
      keep("tz_q");
      const { mode } = host;
      host.mode = "off";
      send([make("consent", { mode })], false, true);
      host.mode = mode;
    }
    flush();
  });

  // ---- the choice, and traza() ---------------------------------------------------------------------------------

  const modes = ["off", "anonymous", "full"];

  // As the core's (tracker-wasm/src/consent.rs, core.rs), while there is none.
  const choose = (mode) => {
    const was = host.mode;
    if (was != mode && was != "wait") {
      if (was == "anonymous" && mode == "full") flush();
      host.raw = host.raw.filter((event) => event.lead);
      turn();
    }
    host.word = host.mode = mode;
    host.choice = "explicit";
    keep("tz_c", mode == "full" || modes.indexOf(config.consent) > modes.indexOf(mode) ? mode : null);
    record(make("consent", { mode }));
    if (refused) refuse();
  };

  const text = (value) => (value == null ? undefined : "" + value);

  const command = guard(([verb, what, rest]) => {
    if (verb == "consent" && modes.includes(what)) {
      if (core) core.take({ kind: verb, mode: what });
      else choose(what);
    }
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
    if (dead) return;
    // The core hears the page's life for itself from here on; clicks and submits it hears through us.
    const ears = undo.splice(3);
    glue.start(host);
    core = glue;
    ears.map((off) => off());
  };

  const begin = guard(() => {
    turn();
    host.url = location.href;
    const word = recall("tz_c");
    host.word = modes.includes(word) ? word : "";
    host.signal = !!navigator.globalPrivacyControl || navigator.doNotTrack == 1;
    host.mode = host.word || (host.signal ? "off" : config.consent);
    host.choice = host.word ? "explicit" : host.signal ? "signal" : "default";
    const saw = (event) => event && record(make(event.kind, event));
    for (const kind of ["click", "auxclick"]) listen(win, kind, (event) => saw(click(event)));
    listen(win, "submit", (event) => saw(submit(event, config.lead_fields)));
    listen(win, "pagehide", () => flush(true));
    listen(doc, "visibilitychange", () => host.visible() || flush());
    listen(win, "pageshow", (event) => {
      if (!event.persisted) return;
      turn();
      if (refused) flush();
    });
    early.splice(0).map(command);
    load().catch(refuse);
  });

  let begun;
  const before = win.traza;
  const early = [];
  try {
    // A second tag on the page does nothing.
    if (before && before.on) return;
    early.push(...((before && before.q) || []));
    win.traza = (...args) => {
      if (begun) command(args);
      else early.push(args);
    };
    win.traza.on = 1;
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
