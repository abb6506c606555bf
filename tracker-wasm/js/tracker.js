// The tracker of one document: what happens on the page goes by the core, and out. It catches from its first moment;
// until the core has come events wait for it. Where the core is refused, or late at the page's end, they leave without
// it: raw, since the collector judges by the same rules.
import { keep, mint, recall } from "./device.js";
import { ALL, END, road } from "./road.js";
import { click, submit } from "./sense.js";

const modes = ["off", "anonymous", "full"];
const rank = (mode) => modes.indexOf(mode);

// Kinds that take the visitor away, and leave at once.
const URGENT = /^(call|chat|sms|email|outbound|download)/;

/** Whether a query key may be a click id: somewhat wider than `wire`'s table, which the core and the collector have. */
export const isClickId = (key) =>
  /^(gad_|hsa_|mc_|mkt_tok|_(gl|kx|hs)|igsh|epik|srsltid|gclsrc|msclkid|li_fat|dicbo|tblci|cjevent|awc|\w*(clid|braid|cid)$)/i.test(key);

/**
 * Starts at once. `base` is the collector's address, `load()` promises the core's exports. Answers what `traza()`
 * does, and what ends it.
 */
export const tracker = (config, base, load) => {
  const doc = document;
  let core; // has taken over
  let alone; // there will be no core, or the page ends before it came
  let dead; // three strikes
  let strikes = 0;
  const undo = [];

  // ---- guards ------------------------------------------------------------------------------------------------

  const stop = () => {
    dead = true;
    undo.map((off) => off());
  };

  // Every way in: what goes wrong stays here, and the third time is the last.
  const guard = (work) => (...args) => {
    if (dead) return;
    try {
      return work(...args);
    } catch {
      if (++strikes < 3) return;
      stop();
      core = 0;
      try {
        deliver(make("tracker_error", { code: "strikes", count: strikes }));
        out.flush(ALL);
      } catch {
        // Then nobody hears of it.
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

  // The address before anything rewrites it.
  const url = location.href;
  const begun = performance.now();
  let page; // its id
  let count; // the next event's number
  let viewed; // its page_view was recorded: then leaving it is worth recording too
  let deepest; // how much of it was seen, in percent
  let before = 0; // attention to earlier page views of this document, in ms

  const attend = (alive) => core.attend(performance.now(), !doc.hidden, alive) - before;
  const make = (kind, rest) => ({ kind, id: page + "-" + count++, at: Date.now(), page, ...rest });

  const view = () => {
    page = mint();
    count = deepest = 0;
    if (core) before += attend(true);
    const event = make("page_view", { url, title: "" + doc.title, referrer: doc.referrer || undefined });
    viewed = mode != "off";
    if (viewed) record(event);
  };

  const look = () => {
    const part = (100 * (scrollY + innerHeight)) / doc.documentElement.scrollHeight;
    deepest = Math.min(100, Math.max(deepest, Math.round(part) || 0));
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

  const hold = (event) => (event.lead || held.length < 200) && held.push(event);
  const record = (event) => (core || alone ? deliver(event) : hold(event));
  const release = () => held.splice(0).map(deliver);

  const deliver = (event) => {
    const lead = !!event.lead;
    // 0 drop, 1 hold, 2 off, 3 anonymous, 4 full; the same without the core (tracker-wasm/src/consent.rs).
    const verdict = core ? core.judge(lead) : mode == "wait" && !lead ? 1 : rank(mode) > 0 ? rank(mode) + 2 : lead * 2;
    if (verdict == 1) hold(event);
    // Who says their name is not anonymous.
    if (verdict < 2 || (verdict < 4 && event.kind == "identify")) return;
    if (core && event.kind == "click") {
      const [kind, ...fields] = core.link(event.href || "").split("\n");
      while (fields.length) event[fields.shift()] = fields.shift();
      event.kind = kind || (event.cta ? "cta_click" : "click");
      if (kind || event.cta) event.target = event.text = undefined;
      if (/^(call|chat|sms|email)/.test(kind)) event.href = undefined;
    }
    for (const name of ["url", "referrer", "href"]) event[name] = address(event[name], verdict);
    for (const name of ["title", "text"]) event[name] = clean(event[name]);
    for (const name in event.props) event.props[name] = clean(event.props[name]);
    out.push({ json: JSON.stringify(event), mode: modes[verdict - 2], lead }, lead || URGENT.test(event.kind));
  };

  // Without the core, what the collector cannot undo: e-mail addresses stay here, and of a query all but campaigns and
  // what the site wants kept; in anonymous mode a click id is its name.
  const clean = (text) =>
    typeof text != "string" ? text : core ? core.text(text) : text.replace(/[^\s/?&=#:]+(@|%40)[^\s/?&=#]+/gi, "…");
  const address = (url, verdict) =>
    !url || /^(mailto|sms|tel):/i.test(url)
      ? url
      : core
        ? core.address(url)
        : clean(
            url.replace(/#.*=.*/, "").replace(/([?&])([^=&#]*)(=[^&#]*)?/g, (pair, mark, key) => {
              const full = verdict > 3;
              if (/^utm_/.test(key)) return full || config.anonymous_utm ? pair : mark;
              if (isClickId(key)) return full ? pair : mark + key + "=";
              return full && (config.keys || []).includes(key) ? pair : mark;
            }),
          );

  const out = road(base + "/" + config.site, () => ({ mode, choice, via: core ? "wasm" : "fallback" }), later, guard);

  // ---- the choice, and traza() ---------------------------------------------------------------------------------

  // Brings the device in line with the mode in force.
  const settle = (was) => {
    if (mode == "full") out.restore();
    else if (mode != "wait" && (was == "full" || recall("tz_v"))) out.revoke(make("consent", { mode }));
  };

  // Events stay with the mode they were recorded in; what was held is judged now; a page view that was sent under one
  // mode does not go on under another, so that nothing joins the two.
  const choose = (word) => {
    const was = mode;
    const more = rank(word) - rank(was);
    if (was == "anonymous" && more > 0) {
      leave();
      if (!core) alone = true;
      release();
      out.flush(ALL);
    }
    mode = word;
    choice = "explicit";
    // "full" is remembered; a smaller word only where the site's default would keep more at the next page.
    keep("tz_c", mode == "full" || rank(config.consent) > rank(mode) ? mode : null);
    if (core) core.choose(rank(mode));
    if (was != "wait" && more < 0) out.lower();
    settle(was);
    if (was != "wait" || mode == "off") held = held.filter((event) => event.lead);
    if (was == "wait" && mode != "off") {
      if (core || alone) release();
    } else if (more) view();
    record(make("consent", { mode }));
  };

  const text = (value) => (value == null ? undefined : "" + value);

  const command = guard(([verb, what, rest]) => {
    if (verb == "consent" && rank(what) >= 0) choose(what);
    if (verb == "track") {
      const flat = Object.entries(rest || {}).filter(([, value]) => /^(string|boolean)$/.test(typeof value) || Number.isFinite(value));
      record(make("custom", { name: text(what), props: Object.fromEntries(flat) }));
    }
    if (verb == "identify" && what) {
      record(make(verb, { email: text(what.email), phone: text(what.phone), user_id: text(what.user_id) }));
    }
  });

  // ---- the beginning -------------------------------------------------------------------------------------------

  const adoptCore = (exports) => {
    exports.rules(rank(config.consent), choice == "signal", !!config.anonymous_utm);
    for (const domain of config.domains || []) exports.list(false, domain);
    for (const key of config.keys || []) exports.list(true, key);
    if (choice == "explicit") exports.choose(rank(mode));
    core = exports;
    core.attend(begun, !doc.hidden, true);
    release();
  };

  const refuse = () => {
    alone = true;
    release();
  };

  guard(() => {
    const word = recall("tz_c");
    const signal = navigator.globalPrivacyControl || navigator.doNotTrack == 1;
    choice = rank(word) >= 0 ? "explicit" : signal ? "signal" : "default";
    mode = choice == "explicit" ? word : signal ? "off" : config.consent;
    const saw = (event) => event && record(make(event.kind, event));
    const end = (how) => {
      if (!core) refuse();
      out.flush(how);
    };
    listen(window, "click auxclick", (event) => saw(click(event)));
    listen(window, "submit", (event) => saw(submit(event, config.lead_fields)));
    listen(window, "scroll", look, 250);
    listen(window, "scroll pointerdown pointermove touchmove wheel keydown", () => core && attend(true), 1000);
    listen(window, "online", out.resume);
    listen(window, "pagehide", () => {
      leave();
      end(END);
    });
    listen(doc, "visibilitychange", () => {
      if (core) attend(false);
      if (doc.hidden) end(ALL);
    });
    listen(window, "pageshow", (event) => {
      // Back from the cache: another showing of the page, by another id.
      if (!event.persisted) return;
      view();
      settle();
    });
    view();
    settle();
    load()
      .then((exports) => dead || adoptCore(exports))
      .catch(guard(refuse));
  })();

  return { command, stop };
};
