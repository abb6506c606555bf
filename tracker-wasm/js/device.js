// What the page knows of its browser: storage, the visitor, the surroundings. Blocked storage is no error.

/** What work answers; nothing where the page or the browser will not have it. */
export const attempt = (work) => {
  try {
    return work();
  } catch {
    // Goes on without.
  }
};

let held;

// Kept in hand: WebKit gives out no storage while a script closes the window, but the one that is held goes on working.
const store = () => (held = held || localStorage);

export const recall = (key) => attempt(() => store().getItem(key));

/** Remembers a value; none forgets it. */
export const keep = (key, value) => attempt(() => (value == null ? store().removeItem(key) : store().setItem(key, value)));

const asIs = function (key) {
  return this[key];
};

/** As JSON. Some pages teach arrays, texts and others to say it another way; asking after each value costs, so only there. */
export const json = (value) => JSON.stringify(value, [[], {}, "", 0].some((one) => one.toJSON) ? asIs : null);

/**
 * The page's address, as `location` says it, which a browser has to prepare for whoever asks first. A document says the same,
 * but in Firefox with the name and password that stood in it.
 */
export const here = () => (document.URL.includes("@") ? location.href : document.URL);

/** The beginning of an address, up to its path. */
export const origin = (url) => url.split("/", 3).join("/") + "/";

/** What undelivered events (see road.js) and the state of a page view that lives (see pages.js) are kept by. */
export const KEPT = "tz_q";
export const BEAT = "tz_h";

/** The tracker's own keys that begin so: those of one letter, and those of one page view. The page may have others. */
export const keys = (start) =>
  (attempt(() => store().length && Object.keys(store())) || []).filter((key) => key.startsWith(start) && [4, 40].includes(key.length));

/** A UUIDv7: 48 bits of time, the rest random. Without TLS, and in browsers of before 2022, there is no `randomUUID`. */
export const mint = () => {
  const time = Date.now().toString(16).padStart(12, 0);
  const rest = crypto.randomUUID
    ? crypto.randomUUID().slice(15)
    : "000-8000-000000000000".replace(/\d/g, (least) => (+least + (crypto.getRandomValues(new Uint8Array(1))[0] % (+least ? 4 : 16))).toString(16));
  return time.slice(0, 8) + "-" + time.slice(8) + "-7" + rest;
};

let known;
let offered;

/** Takes a visitor id from the collector or the device; none forgets it, here and there. */
export const adopt = (id) => {
  if (id == null || (id != known && /^[\w-]{2,64}$/.test(id))) keep("tz_v", (known = id));
};

/** Takes a visitor id from another of the site's domains: it counts where there is none here. */
export const offer = (id) => {
  offered = id;
};

/** Forgets all that would tell this browser from another; not what the visitor chose. */
export const forget = () => {
  known = offered = null;
  for (const key of keys("tz_")) if (!/^tz_[ci]$/.test(key)) keep(key);
  // Of this tab: its chats' reference, the numbers that it shows.
  attempt(() => ["tz_r", "tz_n"].map((key) => sessionStorage.removeItem(key)));
};

/** The visitor id, full mode only: the one kept, else a new one. */
export const visitor = () => {
  const other = known ? 0 : recall("tz_v") || offered;
  if (other) adopt(other);
  if (!known) keep("tz_v", (known = mint()));
  return known;
};

// The time zone's IANA name. A page's first question about it loads a browser's calendars: as much work as a page view.
const zone = () => attempt(() => (self.Temporal ? Temporal.Now.timeZoneId() : Intl.DateTimeFormat().resolvedOptions().timeZone));

/** What the contract's `context` holds under a mode: of the screen if `more`; the time zone where it may matter when to call back. */
export const context = (mode, more, zoned) => {
  if (mode == "off") return {};
  const lang = navigator.language;
  if (!more) return { lang };
  const { width, height } = screen;
  return mode == "full"
    ? { lang, screen: width + "x" + height, tz: zoned ? zone() : undefined }
    : { lang, screen: width < 768 ? "small" : width < 1200 ? "medium" : "large" };
};
