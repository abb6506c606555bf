// The tracker of one document: what happens on the page goes by the core, and out. It catches from its first moment. The
// core is brought when something has to be judged: most of what happens is as plain as it looks. What has to be waits
// for it. Where the core is refused, or late at the page's end, events leave without it: raw, since the collector
// judges by the same rules.
import { clicks } from "./clicks.js";
import { attempt, here, json, keep, recall } from "./device.js";
import { SENT, forms } from "./forms.js";
import { layer } from "./layer.js";
import { handOver } from "./link.js";
import { pages } from "./pages.js";
import { isAway, isDoubtful, redact } from "./raw.js";
import { ALL, END, road } from "./road.js";
import { roots } from "./roots.js";
import { sight } from "./sight.js";

const modes = ["off", "anonymous", "full"];
const rank = (mode) => modes.indexOf(mode);

/**
 * Starts at once. `base` is the collector's address, `load()` promises the core's exports, `early` is what the guard
 * (www/guard.js) caught: the page's address, then an event and a list with its time, in turn. Answers what `traza()`
 * does, and what ends it.
 *
 * What watches the page hangs on a `host`:
 * - `config`: the site's public configuration
 * - `listen(target, kinds, work, gap)`: passive, in the capture phase, guarded; a document stands for its window; with
 *   a `gap`, no more often than that many ms
 * - `later(ms, work)`: a guarded timer; `guard(work)`: a guarded function
 * - `tick(work)`: each second, and after a click
 * - `alive(work)`: at the first sign of life, or at once if there was one; `wake()` is one
 * - `mode`: wait, off, anonymous, full
 * - `saw(kind, fields, urgent)`: something happened; answers the event's id, `fields.id` if there is one; `id()` gives
 *   one out beforehand
 * - `views(work)`: at the start of each page view after the first, by its new id; `leaves(work)`: before one ends
 * - `each(work)`: calls `work(root)` for the document, and for each open shadow root and same-origin frame's document
 *   as it is met. Of what is `composed` (clicks, focus, keys) a document hears also what happens in its shadow roots.
 *   `look(root)` meets those that were put into one since.
 * - `command(words)`: what `traza()` does
 */
export const tracker = (config, base, load, early = []) => {
  const doc = document;
  let alone; // there will be no core, or the page ends before it came
  let asked; // for the core
  let dead; // three strikes
  let strikes = 0;
  let then; // when what is told now happened, if not now

  // ---- guards ------------------------------------------------------------------------------------------------

  const stop = () => {
    dead = true;
  };

  // Every way in: what goes wrong stays here, and the third time is the last.
  const guard = (work) => (...args) => {
    if (dead) return;
    try {
      return work(...args);
    } catch {
      if (++strikes < 3) return;
      stop();
      host.core = 0;
      attempt(() => {
        deliver(views.make("tracker_error", { code: "strikes", count: strikes }));
        end(ALL);
      });
    }
  };

  const later = (ms, work) => setTimeout(guard(work), ms);

  // By kind of event: what hears it in this window, by one listener of the browser's.
  const hearing = new Map();

  // What begins to hear while an event is told hears it, too.
  const heard = (event) => {
    for (const hear of hearing.get(event.type)) hear(event);
  };

  // Tells what the guard caught.
  const catchUp = (kind, hear) => {
    for (let n = 1; n < early.length; n += 2) {
      const { type, button, timeStamp, submitter, target } = early[n];
      if (type != kind) continue;
      const path = [];
      for (let node = target; node; node = node.parentNode || node.host) path.push(node);
      then = early[n + 1][1];
      hear({ type, button, timeStamp, submitter, target, composedPath: () => path });
      then = 0;
    }
  };

  const listen = (target, kinds, work, gap = 0) => {
    const on = target.defaultView || target;
    const isOwn = on == window;
    let last = -gap;
    const hear = guard((event) => {
      // A frame with a tag of its own tells for itself.
      if ((gap && event.timeStamp - last < gap) || (!isOwn && on.traza?.on)) return;
      last = event.timeStamp;
      work(event);
    });
    for (const kind of kinds.split(" ")) {
      const others = isOwn && hearing.get(kind);
      if (others) others.push(hear);
      else {
        if (isOwn) hearing.set(kind, [hear]);
        on.addEventListener(kind, isOwn ? heard : hear, { capture: true, passive: true });
      }
      if (isOwn) catchUp(kind, hear);
    }
  };

  const works = [];
  const pulse = () => works.map((work) => work());
  // The first two seconds are the page's; whoever ends it before is looked at then.
  let begun;
  const round = () => {
    if (begun) {
      watch();
      pulse();
    }
    later(begun ? 1000 : 2000, round);
    begun = true;
  };

  // ---- what happens on the page --------------------------------------------------------------------------------

  let choice;
  let word; // the visitor's own, as the device has it
  let held = []; // what waits for the core, or for the visitor's choice: events, and whether each is urgent

  const hold = (event, urgent) => (event.lead || held.length < 200 ? held.push([event, urgent]) : out.lose("held"));
  const release = () => held.splice(0).map((item) => record(...item));

  const record = (event, urgent) => {
    const soon = urgent || !!event.lead || (event.href && isAway(event.href));
    // A lead's story begins with its page.
    if (soon) views.tell(true);
    if (!asked && isDoubtful(event)) bring();
    // In order: nothing overtakes what waits for the core.
    if (!asked || host.core || alone) deliver(event, soon);
    else hold(event, soon);
  };

  const deliver = (event, soon) => {
    const { core, mode } = host;
    const lead = !!event.lead;
    // Under off, and while waiting, a submitted lead goes alone: it is the visitor's own request.
    const under = rank(mode) > 0 ? mode : lead ? "off" : "";
    const full = under == "full";
    if (lead && recall("tz_i")) event.lead.flag = "test";
    if (log.length < 200) log.push([under || (mode == "wait" ? "held" : "dropped"), event]);
    if (!under && mode == "wait") hold(event, soon);
    // Who says their name is not anonymous.
    if (!under || (!full && event.kind == "identify")) return;
    redact(event, full, config, core);
    out.push({ json: json(event), mode: under, lead }, soon);
  };

  const log = []; // for whoever looks: what became of an event, and the event
  const host = {
    config,
    now: () => then || Date.now(),
    tick: (work) => works.push(guard(work)),
    alive: (work) => (awake ? work() : waking.push(work)),
    wake: () => wake(),
    guard,
    later,
    listen,
    record,
    saw(kind, fields, urgent) {
      const event = views.make(kind, fields);
      record(event, urgent);
      return event.id;
    },
  };

  const state = () => ({ mode: host.mode, choice, via: host.core ? "wasm" : alone ? "fallback" : undefined });
  const note = (code, count) => json(views.make("tracker_error", { code, count }));
  const out = road(base + "/" + config.site, state, later, guard, note);

  // ---- the choice, and traza() ---------------------------------------------------------------------------------

  // What shows numbers in place of the printed ones, where the site has any: asked for, then a function.
  let show;
  const bringNumbers = () => {
    const { numbers } = config;
    if (show || !numbers || host.mode == "off") return;
    show = () => {};
    import(base + "/" + numbers.module + ".mjs")
      .then((module) => {
        show = guard(module.show(numbers.printed, () => host.mode, views.tell, host.views, host.tick, guard));
        out.shows(show);
      })
      .catch(guard(() => {
        config.numbers = 0;
        views.tell();
      }));
  };

  // Brings the device in line with the mode in force.
  const settle = (was) => {
    const { mode } = host;
    bringNumbers();
    if (show) show(null);
    const known = recall("tz_v");
    if (mode == "full") out.restore();
    // A withdrawal that the collector has not heard of is told again.
    else if (was == "full" || known == 0 || (known && mode != "wait")) out.revoke(views.make("consent", { mode: rank(mode) > 0 ? mode : "off" }));
  };

  // Events stay with the mode they were recorded in; what was held is judged now; a page view that was sent under one
  // mode does not go on under another, so that nothing joins the two.
  const choose = (mode) => {
    const was = host.mode;
    const more = rank(mode) - rank(was);
    if (!more && choice == "explicit") return;
    if (was != "wait") views.tell();
    if (was == "anonymous" && more > 0) {
      views.leave();
      end(ALL);
    }
    host.mode = mode;
    choice = "explicit";
    // "full" is remembered; a smaller word only where the site's default would keep more at the next page.
    keep("tz_c", mode == "full" || rank(config.consent) > rank(mode) ? mode : null);
    word = recall("tz_c");
    if (was != "wait" && more < 0) out.lower();
    settle(was);
    if (was != "wait" || mode == "off") held = held.filter(([event]) => event.lead);
    if (was == "wait" && mode != "off") release();
    // Who allows more came from where they came; who allows less leaves no trace of it.
    else if (more) views.view(more > 0 ? null : "");
    host.saw("consent", { mode });
  };

  // The visitor may have chosen anew in another tab, or since this page went into a cache. No word is one where a smaller
  // one is not remembered; elsewhere the page has cleared its storage.
  const heed = () => {
    const now = recall("tz_c");
    const mode = now || config.consent;
    if (now == word || (!now && rank(mode) >= rank(host.mode))) return;
    word = now;
    choose(rank(mode) < 0 ? "off" : mode);
  };

  const text = (value) => (value == null ? undefined : "" + value);
  const texts = (from, names = Object.keys(from)) => Object.fromEntries(names.map((name) => [name, text(from[name])]));
  const debug = () => import(base + "/debug.mjs").then(({ show }) => show(log, state)).catch(() => {});

  const command = guard(([verb, what, rest]) => {
    if (verb == "debug") debug();
    if (verb == "consent" && rank(what) >= 0) choose(what);
    if (verb == "track") {
      const flat = Object.entries(rest || {}).filter(([, value]) => /^(string|boolean)$/.test(typeof value) || Number.isFinite(value));
      host.saw("custom", { name: text(what), props: Object.fromEntries(flat) });
    }
    if (verb == "identify" && what) host.saw(verb, texts(what, ["email", "phone", "user_id"]));
    if (verb == "lead" && what) {
      const { consent, fields } = what;
      const lead = texts(what, ["name", "email", "phone", "magnet"]);
      lead.kind = what.kind == "callback" ? "callback" : "form";
      if (consent) lead.consent = { text_version: text(consent.text_version), purposes: [].concat(consent.purposes || []).map(text) };
      if (fields) lead.fields = texts(fields);
      host.saw("form_submit", { form: (text(what.form) || "traza").slice(0, 80), lead }, true);
    }
  });

  host.command = command;

  // ---- the beginning -------------------------------------------------------------------------------------------

  const refuse = () => {
    alone = true;
    release();
  };

  const bring = () => {
    if (asked) return;
    asked = true;
    load()
      .then((core) => {
        if (dead) return;
        host.core = core;
        release();
      })
      .catch(guard(refuse));
  };

  // What waits for the core waits no longer.
  const end = (how) => {
    if (!host.core && asked) refuse();
    out.flush(how);
  };

  // What of the page is seen is watched two seconds after it began, what is done on it from the first sign of life on: until
  // then there is nothing to tell, and the page has better to do. Who does no more than scroll in them is heard after them.
  let watched;
  let awake;
  const waking = [];
  const watch = () => {
    if (watched) return;
    watched = true;
    listen(doc, "scroll", wake);
    const begin = roots(host);
    const tells = [clicks(host), forms(host)];
    sight(host, "form,[data-traza-cta],[class*=cta],[class*=btn],[class*=button]", (element) => tells.map((tell) => tell(element)));
    listen(window, "online", out.online);
    begin();
  };
  const wake = () => {
    if (awake) return;
    awake = true;
    views.follow();
    watch();
    listen(doc, "click", () => later(50, pulse), 1000);
    waking.map((work) => work());
    early = [];
  };

  let views;
  guard(() => {
    word = recall("tz_c");
    const signal = attempt(() => navigator.globalPrivacyControl || navigator.doNotTrack == 1);
    choice = rank(word) >= 0 ? "explicit" : signal ? "signal" : "default";
    host.mode = choice == "explicit" ? word : signal ? "off" : config.consent;
    // Each expression that is asked for the first time is compiled for it.
    const said = here().includes("traza_") && location.search;
    const mark = said && /[?&]traza_internal=([01])/.exec(said);
    if (mark) keep("tz_i", +mark[1] || null);
    host.tick(heed);
    views = pages(host, early[0]);
    handOver(host);
    // Nobody's banner speaks louder than the visitor's browser.
    const look = layer(host, (yes) => signal || choose(yes ? "full" : config.consent == "anonymous" ? "anonymous" : "off"));
    // What is done in a frame takes the focus there: all that its page hears of it before frames are looked for.
    listen(doc, "blur click auxclick focusin input invalid submit message", wake);
    listen(window, "pagehide", () => {
      pulse();
      views.leave();
      end(END);
      // Back from the cache: another showing of the page, by another id, and nobody's referral.
      if (!hearing.has("pageshow")) listen(window, "pageshow", (event) => {
        if (!event.persisted) return;
        const { mode } = host;
        heed();
        // Another choice has begun another page view.
        if (mode == host.mode) settle();
        else if (mode != "wait") return;
        views.view(here());
      });
    });
    listen(doc, "visibilitychange", () => {
      views.spend();
      if (!doc.hidden) return;
      views.tell();
      end(ALL);
    });
    settle();
    // On its own, so that neither half keeps a slow page waiting for long. Whoever ends it before is told of by its end.
    later(0, () => {
      // A form that the page before had sent may show its success at once.
      if (early[1] || recall(SENT)) {
        wake();
        pulse();
      } else look();
      views.open();
      round();
    });
    if (said && /[?&]traza_debug=1/.test(said)) debug();
  })();

  return { command, stop };
};
