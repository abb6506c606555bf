// Page views: one showing of one page each, how much of it was seen and for how long.
import { attention } from "./attention.js";
import { BEAT, attempt, json, keep, mint } from "./device.js";
import { isClickId } from "./raw.js";

const BEAT_MS = 10000;
const BEGINS_MS = 3000; // a page view that is younger is not kept for a crash
const TITLE_MS = 500; // so much later a new route has its title
const NUMBERS_MS = 3000; // so long a page view waits for what can show the numbers that its answer brings

/**
 * `host` as in tracker.js; `first` is the page's address before anything rewrote it, where the guard saw it. Answers how
 * an event of the page view is made, how a page view begins and ends, and `tell()`: its title is as good as it will be;
 * `follow()`: from here on routes are seen at once, and signs of life. The event numbers 0 and 1 are the page_view's and the page_leave's, whoever
 * sends them.
 */
export const pages = (host, first) => {
  const doc = document;
  const { config, listen } = host;

  let page; // its id
  let count; // the next event's number
  let url;
  let address; // as it was when it was looked at last
  let attend;
  let deepest; // how much of it was seen, in percent
  let pending; // the page_view, while its title may change
  let viewed; // its page_view was recorded: then leaving it is worth recording too
  let beaten; // when its state was last kept
  const begins = [];
  const ends = [];

  const id = (number = count++) => page + "-" + number;
  const make = (kind, rest, number) => ({ kind, id: id(number), at: host.now(), page, ...rest });

  // What makes a page another one: not the campaign in its address, which some pages take out.
  const where = (address) => {
    const { pathname, search, hash } = new URL(address);
    const pairs = search.slice(1).split("&").filter((pair) => pair && !/^(utm_|_tz=)/.test(pair) && !isClickId(pair.split("=")[0]));
    return pathname + pairs + (config.hash_routes ? hash : "");
  };

  const spend = (alive) => attend(performance.now(), !doc.hidden, alive);

  const tell = (gather) => {
    if (!pending) return;
    const event = pending;
    pending = 0;
    event.title = attempt(() => "" + doc.title);
    host.record(event, !gather);
  };

  const view = (referrer) => {
    page = mint();
    count = 2;
    deepest = 0;
    beaten = Date.now() - BEAT_MS + BEGINS_MS;
    attend = attention();
    spend(true);
    address = location.href;
    url = first || address;
    first = 0;
    viewed = host.mode != "off";
    const event = (pending = viewed && make("page_view", { url, referrer: referrer || undefined }, 0));
    host.later(config.numbers ? NUMBERS_MS : TITLE_MS, () => pending == event && tell());
    begins.map((work) => work());
  };

  const look = () => {
    const part = (100 * (scrollY + innerHeight)) / doc.documentElement.scrollHeight;
    deepest = Math.min(100, Math.max(deepest, Math.round(part) || 0));
  };

  const left = () => {
    look();
    return make("page_leave", { engaged_ms: Math.round(spend()), scroll_pct: deepest }, 1);
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
    const before = address;
    address = location.href;
    if (address == before || where(address) == where(before)) return;
    leave();
    view(url);
  };

  // A page that is never left, because its browser died, tells by what it kept last: the next page sends it.
  const beat = () => {
    const now = Date.now();
    if (!viewed || pending || host.mode != "full" || now - beaten < BEAT_MS) return;
    beaten = now;
    keep(BEAT + page, "0" + json(left()));
  };

  listen(doc, "visibilitychange", () => spend());
  host.tick(move);
  host.tick(beat);
  listen(window, "pageshow", (event) => {
    // Back from the cache: another showing of the page, by another id, and nobody's referral.
    if (event.persisted) view(location.href);
  });

  // Reloaded, or gone back to: the older of two ways to ask, for the newer one makes a browser prepare all that it timed.
  const again = () => [1, 2].includes(performance.navigation.type);
  // Whoever came from nowhere, to a plain address, does so each time.
  const came = attempt(() => doc.referrer);
  view((came || location.search) && attempt(again) ? location.href : came);

  host.id = id;
  host.views = (work) => begins.push(host.guard(work));
  host.leaves = (work) => ends.push(host.guard(work));
  const follow = () => {
    move();
    listen(doc, "scroll", look, 250);
    listen(doc, "scroll pointerdown pointermove keydown", () => spend(true), 1000);
    listen(window, "popstate hashchange", move);
    if (window.navigation?.addEventListener) listen(navigation, "currententrychange", move);
  };

  return { make, view, leave, tell, follow };
};
