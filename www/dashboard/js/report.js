// A report of counters as a table. Pure.

/** How many days back a report may go, as the page offers it. */
export const PERIODS = [7, 30, 90, 365];

/** Always shown, in this order; the others only where something was counted. */
const MAIN = ["visits", "visitors", "visitors_with_lead", "visitors_without_lead", "leads"];
const BEFORE = ["ad_views", "ad_clicks", "cost"];
const BEHIND = ["anonymous_visits"];

/** The numbers that are worth a column. */
export function columns(report) {
  const counted = (names) => names.filter((name) => report.totals?.[name]);
  return [...counted(BEFORE), ...MAIN, ...counted(BEHIND)];
}

/** What a row is about; `null` where that is not known. */
export const keyOf = (row, by) => row.key?.[by] ?? null;

/** Days in their order, the newest first; everything else by its visitors, then by its visits. */
export function sorted(rows, by) {
  const number = (row, name) => row.values?.[name] ?? 0;
  const order = (a, b) =>
    by === "day"
      ? String(keyOf(b, by)).localeCompare(String(keyOf(a, by)))
      : number(b, "visitors") - number(a, "visitors") || number(b, "visits") - number(a, "visits") || String(keyOf(a, by)).localeCompare(String(keyOf(b, by)));
  return [...(Array.isArray(rows) ? rows : [])].sort(order);
}

/** The day so many days before a moment, by the reader's calendar: `2026-11-25`. */
export function dayBefore(moment, days) {
  const day = new Date(moment.getFullYear(), moment.getMonth(), moment.getDate() - days, 12);
  const two = (value) => String(value).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
