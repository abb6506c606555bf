// Addresses after the `#`: they never reach the server, and hold no secret. Pure.

const FILTERS = ["stage", "kind"];

/** `#/leads?stage=lead` → `{view: "leads", filter: {stage: "lead"}}`; anything unknown is the list of leads. */
export function parse(hash) {
  const [where, query = ""] = String(hash ?? "").replace(/^#\/?/, "").split("?");
  const [view, ...rest] = where.split("/");
  if (view === "install") return { view: "install" };
  if (view === "leads" && rest[0]) return { view: "lead", id: decode(rest.join("/")) };
  const params = new URLSearchParams(query);
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

/** The address of one lead. */
export const leadHash = (id) => `#/leads/${encodeURIComponent(id)}`;

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
