// How events leave: cut into beacons, one at a time, tried again when the collector was not there. While the page
// lives every beacon is a keepalive fetch whose answer is awaited; at its end they are handed to the browser, and
// what was not confirmed is kept on the device, in full mode, for the next page.
import { BEAT, KEPT, adopt, attempt, context, forget, json, keep, keys, recall, visitor } from "./device.js";

const KEPT_CHARS = 64 * 1024;
const KEPT_MS = 24 * 60 * 60 * 1000;
const SEND_BYTES = 48 * 1024; // wire::limits::SEND_BYTES
const QUOTA_BYTES = 64 * 1024; // what browsers let a page have under way that outlives it
const EVENTS = 200; // wire::limits::EVENTS, and the most that wait in memory or are kept
const GATHER_MS = 2000;
const GATHER_EVENTS = 20;
const SILENCE_MS = 30000; // no answer by then is none
const LEASE = "tz_l"; // until when the others leave to one tab what is kept
const LEASE_MS = 10000;
const PAUSE = "tz_p"; // until when the collector wants to be left alone
const PAUSE_S = 3600; // and no longer than that
const BEAT_OLD_MS = 180000; // a page view that lives is younger, hidden or not

/** How much of what waits leaves: one beacon, all of it (the page was hidden), or all and the page is over. */
export const NEXT = 0;
export const ALL = 1;
export const END = 2;

const most = (text) => text.length * 3; // bytes that a text can have, which costs nothing to say

/**
 * A road to `url`. `state()` answers `{ mode, choice, via }` as they stand; `later(ms, work)` is a guarded timer,
 * `guard(work)` a guarded function; `note(code, count)` writes a tracker_error down. An item is `{ json, mode, lead }`:
 * it travels under the mode it was recorded in.
 */
export const road = (url, state, later, guard, note) => {
  let queue = [];
  let flight = [];
  let unsure = []; // given to sendBeacon, which says nothing more
  let failures = 0;
  let until = 0; // nothing leaves before, unless the page ends or is put away
  let asked = 0; // the same, where the collector wants it so: then not when it is put away either
  let timed;
  let heads = 0; // so many beacons were begun
  let mine = []; // lines of what is kept that this page has to deliver
  let lost = {}; // how many events, by why
  let show; // takes the telephone numbers of an answer

  const lose = (why, count = 1) => {
    lost[why] = (lost[why] || 0) + count;
  };

  // What was lost goes along with what is next to leave.
  const confess = () => {
    const whys = Object.keys(lost);
    // Nothing is told before the visitor has chosen, nor after they said no.
    if (!whys.length || !/^[af]/.test(state().mode)) return;
    for (const why of whys) queue.push({ json: note("lost_" + why, lost[why]), mode: state().mode });
    lost = {};
  };

  const shrink = () => {
    for (; queue.length > EVENTS; lose("overflow")) {
      const oldest = queue.findIndex((item) => !item.lead);
      queue.splice(oldest < 0 ? 0 : oldest, 1);
    }
  };

  // The beginning of a beacon, all but its events.
  const head = (mode, zoned) => {
    const { choice, via } = state();
    // An arrival is told without what a browser has to prepare; what follows it, a page's end at least, has it.
    const more = heads++ || zoned;
    const who = mode == "full" ? visitor() : undefined;
    return json({ v: 1, visitor: who, sent: Date.now(), mode, choice, via, context: context(mode, more, zoned) }).slice(0, -1) + ',"events":[';
  };

  const ask = async (body, cookies, keepalive, asked) => {
    const answer = await fetch(url + asked, { method: "POST", body, keepalive, credentials: cookies ? "include" : "omit" });
    const { ok, status } = answer;
    return ok ? [200, 0, await answer.json().catch(() => 0)] : [status, +answer.headers.get("Retry-After")];
  };

  const post = (body, cookies, keepalive, done, asked = "") =>
    ask(body, cookies, keepalive, asked)
      .catch(() => [])
      .then(guard((said) => done(...said)));

  const beacon = (body) => attempt(() => navigator.sendBeacon(url, body));

  // What is kept that another tab has to deliver.
  const others = () => (recall(KEPT) || "").split("\n").filter((line) => line && !mine.includes(line));

  // Whatever has no answer yet: given to the browser is not received. A second delivery has the same ids and changes
  // nothing.
  const persist = (how) => {
    const items = unsure.concat(flight.flat(), queue).filter((item) => item.mode == "full");
    if (state().mode != "full" || !items.length) return;
    const lines = items.map((item) => +!!item.lead + item.json);
    const chosen = [];
    let chars = 0;
    let over = 0;
    // Leads first.
    for (const line of new Set(lines.concat(others()).sort().reverse())) {
      chars += line.length + 1;
      if (chosen.length < EVENTS && chars < KEPT_CHARS) chosen.push(line);
      else over++;
    }
    mine = lines;
    if (how == END) {
      keep(LEASE);
      if (over) chosen.push("0" + note("lost_storage", over));
    }
    keep(KEPT, chosen.join("\n"));
  };

  // All of it was delivered after all.
  const clear = () => {
    if (!mine.length || queue.length || flight.length || unsure.length) return;
    keep(KEPT, others().join("\n") || null);
    mine = [];
    keep(LEASE);
    keep(PAUSE);
  };

  const flush = (how) => {
    if ((how ? how < END && asked : until) > Date.now() || (!how && flight.length)) return;
    if (queue.length) confess();
    while (queue.length) {
      const { mode } = queue[0];
      const start = head(mode, queue.some((item) => item.lead));
      const all = queue.reduce((sum, item) => sum + most(item.json) + 1, most(start) + 2);
      // Bytes are counted where it may matter: few events fit however they are written.
      const coder = all > SEND_BYTES && new TextEncoder();
      const size = coder ? (text) => coder.encode(text).length : most;
      let bytes = size(start) + 2;
      let count = 0;
      for (const item of queue) {
        const more = bytes + size(item.json) + 1;
        if (item.mode != mode || count >= EVENTS || (count && more > SEND_BYTES)) break;
        bytes = more;
        count++;
      }
      const batch = queue.splice(0, count);
      const full = mode == "full";
      const body = start + batch.map((item) => item.json) + "]}";
      // A beacon always carries cookies, so only full mode may use it; and it has no answer.
      if (how == END && full && beacon(body)) unsure.push(...batch);
      else {
        // Over the quota the browser would refuse it; without, it needs the page to live on.
        const fits = flight.reduce((sum, other) => sum + other.bytes, bytes) < QUOTA_BYTES;
        batch.bytes = fits && bytes;
        flight.push(batch);
        // A page that is over shows no number to anybody.
        post(body, full, fits, (...said) => answered(batch, ...said), show && how != END ? "?numbers" : "");
        later(SILENCE_MS, () => answered(batch));
      }
      if (!how) return;
    }
  };

  const answered = (batch, status, pause, said) => {
    if (!flight.includes(batch)) return;
    flight = flight.filter((other) => other != batch);
    if (status == 200) {
      failures = 0;
      if (said.visitor && state().mode == "full") adopt(said.visitor);
      if (show) show(said.numbers);
    } else if (status > 399 && status < 500 && !/^(408|425|429)$/.test(status)) {
      // The collector will never take it: a retry would only cost.
      lose("refused", batch.length);
    } else {
      queue.unshift(...batch);
      shrink();
      failures++;
      // Not all browsers at the same moment.
      const wait = 1000 * Math.min(pause || 2 ** Math.min(failures, 6), PAUSE_S) * (1 + Math.random() / 8);
      until = Math.max(until, Date.now() + wait);
      if (pause) asked = until;
      if (pause && state().mode == "full") keep(PAUSE, asked);
      persist();
      resume();
    }
    clear();
    flush(NEXT);
  };

  const resume = () => {
    const wait = until - Date.now();
    if (wait > 0) later(wait, resume);
    else flush(NEXT);
  };

  const push = (item, urgent) => {
    queue.push(item);
    shrink();
    if (urgent || queue.length >= GATHER_EVENTS) flush(NEXT);
    else if (!timed) {
      timed = true;
      later(GATHER_MS, () => {
        timed = false;
        flush(NEXT);
      });
    }
  };

  /** Takes what an earlier page could not deliver, or this one before it came back from a cache; one tab at a time. */
  const restore = () => {
    unsure = [];
    mine = [];
    if (state().mode != "full") return;
    const now = Date.now();
    // How long something has yet to go; what goes on for longer than it may was said by a clock that was set back since.
    const left = (key, most, ms = recall(key) - now) => ms > 0 && ms <= most && ms;
    const pause = left(PAUSE, PAUSE_S * 1125);
    if (pause) {
      until = asked = now + pause;
      resume();
    }
    const leased = left(LEASE, LEASE_MS);
    if (leased) {
      later(leased, restore);
      return;
    }
    const take = (line, young) => {
      // What is none of ours has no time.
      const { at } = attempt(() => JSON.parse(line.slice(1))) || {};
      if (now - at < young) return;
      if (now - at > KEPT_MS) lose("stale");
      else if (at) push({ json: line.slice(1), mode: "full", lead: line[0] == 1 });
      return true;
    };
    for (const key of keys(BEAT)) if (take(recall(key), BEAT_OLD_MS)) keep(key);
    mine = others();
    if (!mine.length) return;
    keep(LEASE, now + LEASE_MS);
    mine.map((line) => take(line, 0));
    clear();
  };

  return {
    push,
    restore,
    lose,

    /** The network is back: what it held up leaves now. */
    online() {
      until = asked;
      resume();
    },

    /** From here on the page can show numbers, by `work(numbers)`: beacons say so. */
    shows(work) {
      show = work;
    },

    flush(how) {
      flush(how);
      persist(how);
    },

    /** The visitor allows less: what was recorded under more goes, unsent; a lead goes alone. */
    lower() {
      queue = unsure.concat(flight.flat(), queue).filter((item) => item.lead);
      flight = unsure = [];
      for (const item of queue) item.mode = "off";
    },

    /**
     * Tells the collector, once, that this browser is to be forgotten: it answers by dropping its cookie, which no
     * script can reach. The only thing that mode `off` ever sends by itself; it is counted there, not stored. Until it was
     * heard, a "0" stands where the visitor's id stood: the next page says it again.
     */
    revoke(event) {
      forget();
      keep("tz_v", 0);
      post(head("off") + json(event) + "]}", 1, 1, (status) => status < 408 && recall("tz_v") == 0 && keep("tz_v"));
    },
  };
};
