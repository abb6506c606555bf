// Page views: one showing of one page each, and how much of it was seen for how long.
import { mint } from "./device.js";

/** `host` as in tracker.js. Answers how an event of the page view is made, and how one begins and ends. */
export const pages = (host) => {
  const doc = document;
  const { listen } = host;

  // The address before anything rewrites it.
  const url = location.href;
  const begun = performance.now();
  let page; // its id
  let count; // the next event's number
  let viewed; // its page_view was recorded: then leaving it is worth recording too
  let deepest; // how much of it was seen, in percent
  let before = 0; // attention to earlier page views of this document, in ms

  const attend = (alive) => host.core.attend(performance.now(), !doc.hidden, alive) - before;
  const make = (kind, rest) => ({ kind, id: page + "-" + count++, at: Date.now(), page, ...rest });

  const view = () => {
    page = mint();
    count = deepest = 0;
    if (host.core) before += attend(true);
    const event = make("page_view", { url, title: "" + doc.title, referrer: doc.referrer || undefined });
    viewed = host.mode != "off";
    if (viewed) host.record(event);
  };

  const look = () => {
    const part = (100 * (scrollY + innerHeight)) / doc.documentElement.scrollHeight;
    deepest = Math.min(100, Math.max(deepest, Math.round(part) || 0));
  };

  const leave = () => {
    if (!viewed) return;
    viewed = false;
    look();
    if (host.core) host.record(make("page_leave", { engaged_ms: Math.round(attend(false)), scroll_pct: deepest }));
  };

  listen(doc, "scroll", look, 250);
  listen(doc, "scroll pointerdown pointermove touchmove wheel keydown", () => host.core && attend(true), 1000);
  listen(doc, "visibilitychange", () => host.core && attend(false));

  return { make, view, leave, began: () => host.core.attend(begun, !doc.hidden, true) };
};
