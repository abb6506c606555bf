// Page views: one showing of one page each, how much of it was seen and for how long.
import { attention } from "./attention.js";
import { BEAT, attempt, here, json, keep, mint, recall } from "./device.js";
import { isClickId } from "./raw.js";

const BEAT_MS = 10000;
const BEGINS_MS = 3000; // a page view that is younger is not kept for a crash
const TITLE_MS = 500; // so much later a new route has its title
const SETTLES_MS = 5000; // what a page calls itself later asks for attention
const NUMBERS_MS = 3000; // so long a page view waits for what can show the numbers that its answer brings

/**
 * `host` as in tracker.js; `first` is the page's address before anything rewrote it, where the guard saw it. Answers how
 * an event of the page view is made, how a page view begins and ends, and `tell()`: its title is as good as it will be;
 * `open()`, once: the first one is told by the title that the document has, if it has one; `follow()`: from here on routes
 * are seen at once, and signs of life; `spend()`: the page was shown or hidden. The event numbers 0 and 1 are the page_view's
 * and the page_leave's, whoever sends them.
 */
export const pages = (host, first) => {
  const doc = document;
  const { config, listen } = host;

  let page; // its id
  let count; // the next event's number
  let url;
  let referrer;
  let last; // its address, as it was when it was looked at last
  let attend;
  let deepest; // how much of it was seen, in percent
  let pending; // the page_view, while its title may change
  let told; // the title that its page_view has
  let title; // the one it settled on
  let began;
  let viewed; // its page_view was recorded: then leaving it is worth recording too
  let beaten; // when its state was last kept
  let stored; // its state, as the device has it
  const begins = [];
  const ends = [];

  const id = (number = count++) => page + "-" + number;
  const make = (kind, rest, number) => ({ kind, id: id(number), at: host.now(), page, ...rest });

  // What makes a page another one: not the campaign in its address, which some pages take out.
  const where = (url) => {
    const { pathname, search, hash } = new URL(url);
    const pairs = search.slice(1).split("&").filter((pair) => pair && !/^(utm_|_tz=)/.test(pair) && !isClickId(pair.split("=")[0]));
    return pathname + pairs + (config.hash_routes ? hash : "");
  };

  const spend = (alive) => attend(Date.now(), !doc.hidden, alive);

  const named = () => attempt(() => "" + doc.title);

  const tell = (gather) => {
    if (!pending) return;
    const event = pending;
    pending = 0;
    event.title = told = title = named();
    host.record(event, !gather);
  };

  // From where; the same arrival once more, with its own address and referrer, if nothing is said.
  const begin = (from) => {
    last = here();
    if (from != null) {
      referrer = from;
      url = first || last;
      first = 0;
    }
    page = mint();
    stored = 0;
    count = 2;
    deepest = 0;
    began = Date.now();
    beaten = began - BEAT_MS + BEGINS_MS;
    attend = attention();
    spend(true);
    viewed = host.mode != "off";
    pending = viewed && make("page_view", { url, referrer: referrer || undefined }, 0);
  };

  const wait = () => {
    const event = pending;
    host.later(config.numbers ? NUMBERS_MS : TITLE_MS, () => pending == event && tell());
  };

  const view = (from) => {
    begin(from);
    wait();
    begins.map((work) => work());
  };

  const look = () => {
    const part = (100 * (scrollY + innerHeight)) / doc.documentElement.scrollHeight;
    deepest = Math.min(100, Math.max(deepest, Math.round(part) || 0));
  };

  // Scripts that draw the page may name it, too. While the address is another page's, so may the title be.
  const settle = () => {
    if (!pending && here() == last && Date.now() - began < SETTLES_MS) title = named();
  };

  const left = () => {
    look();
    settle();
    return make("page_leave", { engaged_ms: Math.round(spend()), scroll_pct: deepest, title: title == told ? undefined : title }, 1);
  };

  const leave = () => {
    if (!viewed) return;
    tell();
    ends.map((work) => work());
    viewed = false;
    host.record(left());
    keep(BEAT + page);
  };

  const move = () => {
    const now = here();
    if (now != last && where(now) != where(last)) {
      leave();
      view(url);
    }
    last = now;
    settle();
  };

  // A page that is never left, because its browser died, tells by what it kept last: the next page sends it.
  const beat = () => {
    const now = Date.now();
    if (!viewed || pending || host.mode != "full" || now - beaten < BEAT_MS) return;
    const key = BEAT + page;
    // Another page took this one for dead, while it slept, and told its end: what comes now is another showing.
    if (stored && recall("tz_v") && recall(key) == null) return doc.hidden || view(here());
    beaten = now;
    keep(key, "0" + json(left()));
    stored = recall(key);
  };

  host.tick(move);
  host.tick(beat);

  // Reloaded, or gone back to: the older of two ways to ask, for the newer one makes a browser prepare all that it timed.
  const again = () => [1, 2].includes(performance.navigation.type);
  // Whoever came from nowhere, to a plain address, does so each time.
  const came = attempt(() => doc.referrer);
  begin((came || here().includes("?")) && attempt(again) ? here() : came || "");

  host.id = id;
  host.views = (work) => begins.push(host.guard(work));
  host.leaves = (work) => ends.push(host.guard(work));
  const follow = () => {
    move();
    look();
    listen(doc, "scroll", look, 250);
    listen(doc, "scroll pointerdown pointermove keydown", () => spend(true), 1000);
    listen(window, "popstate hashchange", move);
    if (window.navigation?.addEventListener) listen(navigation, "currententrychange", move);
  };

  const open = () => (config.numbers || !named() ? wait : tell)();

  return { make, view, leave, tell, open, follow, spend };
};
