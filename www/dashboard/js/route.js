// Addresses after the `#`: they never reach the server, and hold no secret. Pure.

import { PERIODS } from "./report.js";

const FILTERS = ["stage", "kind"];

/** What the counters may be broken down by. */
export const DIMENSIONS = ["channel", "source", "campaign", "day"];
const DAYS = 30;

/** `#/leads?stage=lead` → `{view: "leads", filter: {stage: "lead"}}`; anything unknown is the list of leads. */
export function parse(hash) {
  const [where, query = ""] = String(hash ?? "").replace(/^#\/?/, "").split("?");
  const [view, ...rest] = where.split("/");
  if (view === "install" || view === "conflicts") return { view };
  if (view === "leads" && rest[0]) return { view: "lead", id: decode(rest.join("/")) };
  const params = new URLSearchParams(query);
  if (view === "counters") {
    const days = Number(params.get("days"));
    const by = params.get("by");
    return { view, by: DIMENSIONS.includes(by) ? by : DIMENSIONS[0], days: PERIODS.includes(days) ? days : DAYS };
  }
  const filter = {};
  for (const name of FILTERS) {
    const value = params.get(name);
    if (value) filter[name] = value;
  }
  return { view: "leads", filter };
}

/** The address of the list of leads with a filter. */
export function leadsHash(filter = {}) {
  const params = new URLSearchParams();
  for (const name of FILTERS) if (filter[name]) params.set(name, filter[name]);
  const query = params.toString();
  return query ? `#/leads?${query}` : "#/leads";
}

/** The address of the evidence that was refused. */
export const CONFLICTS = "#/conflicts";

/** The address of the counters. */
export const countersHash = ({ by = DIMENSIONS[0], days = DAYS } = {}) => `#/counters?by=${by}&days=${days}`;

/** The address of one lead. */
export const leadHash = (id) => `#/leads/${encodeURIComponent(id)}`;

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
