// Addresses after the `#`: they never reach the server, and hold no secret. Pure.

import { PERIODS } from "./report.js";

/** What narrows the list of leads: what a reader may choose, and what a report's line hands over. */
const CHOSEN = ["stage", "kind"];
const HANDED = ["channel", "source", "campaign", "touch", "counted", "since", "until"];
const FILTERS = [...CHOSEN, ...HANDED];

/** What campaigns may be broken down by. */
export const CAMPAIGN_DIMENSIONS = ["campaign", "source", "channel", "day"];

/** What the counters may be broken down by. */
export const DIMENSIONS = ["channel", "source", "campaign", "day"];
const DAYS = 30;

/** `#/leads?stage=lead` → `{view: "leads", filter: {stage: "lead"}}`; anything unknown is the list of leads. */
export function parse(hash) {
  const [where, query = ""] = String(hash ?? "").replace(/^#\/?/, "").split("?");
  const [view, ...rest] = where.split("/");
  if (["queue", "install", "conflicts", "handover"].includes(view)) return { view };
  if (view === "leads" && rest[0]) return { view: "lead", id: decode(rest.join("/")) };
  const params = new URLSearchParams(query);
  const dimensions = { counters: DIMENSIONS, campaigns: CAMPAIGN_DIMENSIONS }[view];
  if (dimensions) {
    const days = Number(params.get("days"));
    const by = params.get("by");
    return { view, by: dimensions.includes(by) ? by : dimensions[0], days: PERIODS.includes(days) ? days : DAYS };
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

/** The address of the queue. */
export const QUEUE = "#/queue";

/** The address of the webhooks and what they were told. */
export const HANDOVER = "#/handover";

/** The address of the counters. */
export const countersHash = ({ by = DIMENSIONS[0], days = DAYS } = {}) => `#/counters?by=${by}&days=${days}`;

/** The address of the campaigns. */
export const campaignsHash = ({ by = CAMPAIGN_DIMENSIONS[0], days = DAYS } = {}) => `#/campaigns?by=${by}&days=${days}`;

/** The address of the leads behind a line of a report, by what its `explain` asks the API; `null` where it asks nothing. */
export function explainedHash(explain) {
  const query = String(explain ?? "").split("?")[1];
  if (!query) return null;
  return leadsHash(Object.fromEntries(new URLSearchParams(query)));
}

/** What a report's line handed over, as a reader is told it; the period apart. */
export const handed = (filter) => ["channel", "source", "campaign"].filter((name) => filter[name]).map((name) => [name, filter[name]]);

/** The part of a filter that a reader did not choose. */
export const kept = (filter) => Object.fromEntries(HANDED.filter((name) => filter[name]).map((name) => [name, filter[name]]));

/** The address of one lead. */
export const leadHash = (id) => `#/leads/${encodeURIComponent(id)}`;

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
