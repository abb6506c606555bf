// How events leave: cut into beacons, one at a time, tried again when the collector was not there. While the page
// lives every beacon is a keepalive fetch whose answer is awaited; at its end they are handed to the browser, and
// what was not confirmed is kept on the device, in full mode, for the next page.
import { adopt, context, keep, recall, visitor } from "./device.js";

const KEPT = "tz_q"; // undelivered events: a time, then a line each
const KEPT_CHARS = 64 * 1024;
const KEPT_MS = 24 * 60 * 60 * 1000;
const SEND_BYTES = 48 * 1024; // wire::limits::SEND_BYTES
const EVENTS = 200; // wire::limits::EVENTS, and the most that wait in memory
const GATHER_MS = 1000;
const GATHER_EVENTS = 20;

/** How much of what waits leaves: one beacon, all of it (the page was hidden), or all and the page is over. */
export const NEXT = 0;
export const ALL = 1;
export const END = 2;

const size = (text) => new TextEncoder().encode(text).length;

/**
 * A road to `url`. `state()` answers `{ mode, choice, via }` as they stand; `later(ms, work)` is a guarded timer,
 * `guard(work)` a guarded function. An item is `{ json, mode, lead }`: it travels under the mode it was recorded in.
 */
export const road = (url, state, later, guard) => {
  let queue = [];
  let flight = [];
  let unsure = []; // given to sendBeacon, which says nothing more
  let failures = 0;
  let sure; // the collector has answered, and not failed since
  let paused;
  let timed;
  let kept;
  let dropped = 0;

  const shrink = () => {
    for (; queue.length > EVENTS; dropped++) {
      const oldest = queue.findIndex((item) => !item.lead);
      queue.splice(oldest < 0 ? 0 : oldest, 1);
    }
  };

  const compose = (mode, events) => {
    const { choice, via } = state();
    const head = { v: 1, visitor: mode == "full" ? visitor() : undefined, sent: Date.now(), mode, choice, via, context: context(mode) };
    return JSON.stringify(head).slice(0, -1) + ',"events":[' + events + "]}";
  };

  const ask = async (body, cookies) => {
    const answer = await fetch(url, { method: "POST", body, keepalive: true, credentials: cookies ? "include" : "omit" });
    const { visitor } = answer.ok ? await answer.json().catch(() => ({})) : {};
    return [answer.status, +answer.headers.get("Retry-After") || 0, visitor];
  };

  const post = (body, cookies, done) =>
    ask(body, cookies)
      .catch(() => [0, 0])
      .then(guard((said) => done(...said)));

  const beacon = (body) => {
    try {
      return navigator.sendBeacon(url, body);
    } catch {
      return false;
    }
  };

  // What has left without an answer: if the collector was last seen failing all of that is in doubt; if it has not been
  // seen yet, what must not be lost. A second delivery has the same ids and changes nothing.
  const doubtful = (batch) => batch.filter((item) => failures || (item.lead && !sure));

  const persist = () => {
    const items = unsure.concat(flight.flatMap(doubtful), queue).filter((item) => item.mode == "full");
    if (state().mode != "full" || !items.length) return;
    // Leads first; another tab may have left something here, which stays.
    const lines = new Set(
      items
        .sort((one, other) => other.lead - one.lead)
        .map((item) => +item.lead + item.json)
        .concat((recall(KEPT) || "").split("\n").slice(1)),
    );
    let text = "" + Date.now();
    for (const line of lines) if (text.length + line.length < KEPT_CHARS) text += "\n" + line;
    keep(KEPT, (kept = text));
  };

  const flush = (how) => {
    if (!how && (paused || flight.length)) return;
    while (queue.length) {
      const { mode } = queue[0];
      let room = SEND_BYTES - size(compose(mode, ""));
      let count = 0;
      for (const item of queue) {
        room -= item.size + 1;
        if (item.mode != mode || count >= EVENTS || (count && room < 0)) break;
        count++;
      }
      const batch = queue.splice(0, count);
      const full = mode == "full";
      const body = compose(mode, batch.map((item) => item.json));
      // A beacon always carries cookies, so only full mode may use it; and it has no answer.
      if (how == END && full && beacon(body)) unsure.push(...doubtful(batch));
      else {
        flight.push(batch);
        post(body, full, (status, pause, id) => answered(batch, status, pause, id));
      }
      if (!how) return;
    }
  };

  const answered = (batch, status, pause, id) => {
    if (!flight.includes(batch)) return;
    flight = flight.filter((other) => other != batch);
    if (status > 199 && status < 300) {
      failures = 0;
      sure = true;
      if (id && state().mode == "full") adopt(id);
    } else if (status > 399 && status < 500 && !/^(408|425|429)$/.test(status)) {
      // The collector will never take it: a retry would only cost.
      dropped += batch.length;
    } else {
      queue.unshift(...batch);
      shrink();
      paused = true;
      failures++;
      sure = false;
      later(1000 * Math.min(pause || 2 ** Math.min(failures, 6), 3600), resume);
      persist();
    }
    if (kept && !queue.length && !flight.length) {
      // Delivered after all. If another tab wrote since, the rest is its own to clear.
      if (recall(KEPT) == kept) keep(KEPT);
      kept = "";
    }
    flush(NEXT);
  };

  const resume = () => {
    paused = false;
    flush(NEXT);
  };

  const push = (item, urgent) => {
    item.size = size(item.json);
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

  return {
    push,
    resume,

    flush(how) {
      flush(how);
      persist();
    },

    /** Takes what an earlier page could not deliver, or this one before it came back from a cache. */
    restore() {
      unsure = [];
      const [time, ...lines] = (recall(KEPT) || "").split("\n");
      keep(KEPT);
      if (Date.now() - time < KEPT_MS) {
        for (const line of lines) if (/^[01]{/.test(line)) push({ json: line.slice(1), mode: "full", lead: line[0] == 1 });
      }
    },

    /** The visitor allows less: what was recorded under more goes, unsent; a lead goes alone. */
    lower() {
      queue = unsure.concat(flight.flat(), queue).filter((item) => item.lead);
      flight = unsure = [];
      for (const item of queue) item.mode = "off";
    },

    /**
     * Tells the collector, once, that this browser is to be forgotten: it answers by dropping its cookie, which no
     * script can reach. The only thing that mode `off` ever sends by itself; it is counted there, not stored.
     */
    revoke(event) {
      adopt();
      keep(KEPT);
      post(compose("off", JSON.stringify(event)), true, () => {});
    },

    /** How many events were dropped since it was last asked. */
    dropped: () => [dropped, (dropped = 0)][0],
  };
};
