// What the page knows of its browser: storage, the visitor, the surroundings. Blocked storage is no error.

export const recall = (key) => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};

/** Remembers a value; none forgets it. */
export const keep = (key, value) => {
  try {
    if (value == null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Blocked or full: this page goes on without.
  }
};

/** A UUIDv7: 48 bits of time, the rest random. */
export const mint = () => {
  let time = Date.now();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let at = 6; at--; time = Math.floor(time / 256)) bytes[at] = time;
  bytes[6] = (bytes[6] & 15) | 112;
  bytes[8] = (bytes[8] & 63) | 128;
  return bytes.reduce((id, byte, at) => id + (/^(4|6|8|10)$/.test(at) ? "-" : "") + (byte + 256).toString(16).slice(1), "");
};

let known;

/** Takes a visitor id from the collector or the device; none forgets it, here and there. */
export const adopt = (id) => {
  if (id == null || /^[\w-]{1,64}$/.test(id)) keep("tz_v", (known = id));
};

/** The visitor id, full mode only: the one kept, else a new one. */
export const visitor = () => {
  if (!known) adopt(recall("tz_v"));
  if (!known) adopt(mint());
  return known;
};

/** What the contract's `context` holds under a mode. */
export const context = (mode) => {
  if (mode == "off") return {};
  const { width, height } = screen;
  const lang = navigator.language;
  return mode == "full"
    ? { lang, screen: width + "x" + height, tz: Intl.DateTimeFormat().resolvedOptions().timeZone }
    : { lang, screen: width < 768 ? "small" : width < 1280 ? "medium" : "large" };
};
