// Values as a person reads them. Pure: the clock, the language and the time zone come in from outside.

/** Milliseconds since the epoch of what the API gives (a number, or RFC 3339); `null` where it is no time. */
export function toMs(value) {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || value === "") return null;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? null : ms;
}

function written(value, lang, options, timeZone) {
  const ms = toMs(value);
  // A time that no calendar can hold is shown as nothing rather than breaking the whole page.
  if (ms === null || Math.abs(ms) > 8.64e15) return "";
  return new Intl.DateTimeFormat(lang, { ...options, timeZone }).format(ms);
}

/** `14:05:09`, local. */
export function clock(value, lang, timeZone) {
  return written(value, lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }, timeZone);
}

/** `lunes, 5 de enero de 2026`, local. */
export function day(value, lang, timeZone) {
  return written(value, lang, { weekday: "long", day: "numeric", month: "long", year: "numeric" }, timeZone);
}

/** `5 ene 2026, 14:05`, local. */
export function dateTime(value, lang, timeZone) {
  return written(
    value,
    lang,
    { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    timeZone,
  );
}

/** RFC 3339 in UTC, for the `datetime` of a time element; empty where it is no time. */
export function iso(value) {
  const ms = toMs(value);
  return ms === null || Math.abs(ms) > 8.64e15 ? "" : new Date(ms).toISOString();
}

const STEPS = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86_400, "hour", 3600],
  [7 * 86_400, "day", 86_400],
];

/** `hace 3 minutos`; the date from a week on. */
export function ago(value, now, lang, timeZone) {
  const ms = toMs(value);
  if (ms === null) return "";
  const seconds = Math.round((ms - now) / 1000);
  for (const [below, unit, size] of STEPS) {
    if (Math.abs(seconds) < below) {
      return new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(Math.trunc(seconds / size), unit);
    }
  }
  return dateTime(ms, lang, timeZone);
}

/** `8 s`, `1 min 20 s`, `2 h 5 min`: units that both languages share. */
export function duration(ms) {
  if (!Number.isFinite(ms) || ms < 0) return "";
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

/** Integer minor units as money; the currency decides how many decimals there are. */
export function money(minor, currency, lang) {
  if (!Number.isFinite(minor)) return "";
  try {
    const format = new Intl.NumberFormat(lang, { style: "currency", currency });
    return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
  } catch {
    return `${minor} ${currency ?? ""}`.trim();
  }
}

/** A whole number with its separators. */
export function count(value, lang) {
  return Number.isFinite(value) ? new Intl.NumberFormat(lang).format(value) : "";
}

/** The path of a URL, without query: what tells pages apart for a reader. The text itself where it is no URL. */
export function path(url) {
  if (!url) return "";
  try {
    return decodeURI(new URL(url, "http://x.invalid").pathname);
  } catch {
    return String(url);
  }
}

/** The host of an absolute URL without `www.`; empty where there is none. */
export function host(url) {
  try {
    return new URL(url).host.replace(/^www\./, "");
  } catch {
    return "";
  }
}

/** `google · primavera`: where a touch came from, beside its channel. */
export function touchLine(touch) {
  if (!touch) return "";
  const parts = [touch.source, touch.campaign].filter(Boolean);
  if (parts.length === 0 && touch.referrer) parts.push(host(touch.referrer));
  return parts.filter(Boolean).join(" · ");
}

/** Whether what was typed is the number itself, with or without its country and its spaces. */
export function sameNumber(typed, number) {
  const digits = (text) => String(text ?? "").replace(/\D/g, "").replace(/^00/, "");
  return digits(typed).length >= 6 && digits(number).endsWith(digits(typed));
}

/** Spanish numbers in groups of three; any other as it is. */
export function phone(number) {
  const text = String(number ?? "");
  const spanish = /^\+34(\d{3})(\d{3})(\d{3})$/.exec(text);
  return spanish ? `+34 ${spanish[1]} ${spanish[2]} ${spanish[3]}` : text;
}
