// The report of campaigns as a table: what to show of each line, and why a number is none. Pure.
import { count, money } from "./format.js";

/** The columns, in their order. */
export const COLUMNS = ["visits", "leads", "contacted", "sales", "revenue", "cost", "cost_per_lead", "roi"];

/** What the API is asked for: a campaign's name is only its own within a source and a channel. */
export const groupBy = (by) => (by === "campaign" ? "channel,source,campaign" : by);

/** Why a number is none: a key of `campaigns.why_…`; `null` where it is one. */
export function whyNone(name, values) {
  const value = values?.[name];
  if (value !== null && value !== undefined) return null;
  if (name === "cost") return "no_cost";
  if (name === "cost_per_lead") return values?.cost === null || values?.cost === undefined ? "no_cost" : "no_leads";
  if (name === "roi") return values?.cost === null || values?.cost === undefined ? "no_cost" : "free";
  return "not_told";
}

/** A return of 0.5 is half as much again: `+50 %`. */
export function percent(value, lang) {
  return new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 0, signDisplay: "exceptZero" }).format(value);
}

/** A number of a line as a person reads it; empty where it is none. Money is of the site's currency, where that is known. */
export function cell(name, values, currency, lang) {
  const value = values?.[name];
  if (!Number.isFinite(value)) return "";
  if (name === "roi") return percent(value, lang);
  if (!["revenue", "cost", "cost_per_lead"].includes(name)) return count(value, lang);
  return currency ? money(value, currency, lang) : count(value / 100, lang);
}

/** The kinds of leads of a line that there are any of, the most frequent first. */
export function kindsOf(values) {
  const kinds = Object.entries(values?.leads_by_kind ?? {}).filter(([, n]) => n > 0);
  return kinds.sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}

/** Days in their order, the newest first; else what brought most leads first, then most visits, then what cost most. */
export function ranked(rows, by) {
  const number = (row, name) => row.values?.[name] ?? 0;
  const key = (row) => Object.values(row.key ?? {}).join(" ");
  return [...(rows ?? [])].sort((a, b) =>
    by === "day"
      ? key(b).localeCompare(key(a))
      : number(b, "leads") - number(a, "leads") || number(b, "visits") - number(a, "visits") || number(b, "cost") - number(a, "cost") || key(a).localeCompare(key(b)),
  );
}

/** Why numbers of these lines are none, each reason once. */
export function reasons(lines) {
  const found = lines.flatMap((values) => COLUMNS.map((name) => whyNone(name, values)));
  return [...new Set(found.filter(Boolean))];
}
