// What a record of a lead needs: an id of its own, and money in minor units. Pure.

/** How many decimals a currency has; `null` where the code cannot be one. */
export function decimals(currency) {
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  } catch {
    return null;
  }
}

/**
 * What a person wrote as an amount, in the currency's minor units: `1.234,5`, `1,234.50`, `1234 €` are 123450 in EUR.
 * The last mark divides decimals where as many digits follow as the currency has, or fewer; marks before groups of
 * three are thousands. `null` where it is none: zero, a negative amount, a text.
 */
export function minorUnits(text, currency) {
  const places = decimals(currency);
  if (places === null) return null;
  const bare = String(text).replace(/[\s\u00a0\u202f'€$£]/g, "");
  const grouped = "(\\d+|\\d{1,3}(?:\\.\\d{3})+|\\d{1,3}(?:,\\d{3})+)";
  const broken = places > 0 && new RegExp(`^${grouped}([.,])(\\d{1,${places}})$`).exec(bare);
  const [, whole, mark = "", rest = ""] = broken || new RegExp(`^${grouped}$`).exec(bare) || [];
  // One mark has one meaning: 1.234.50 is no amount.
  if (whole === undefined || (mark && whole.includes(mark))) return null;
  const minor = Number(whole.replace(/[.,]/g, "") + rest.padEnd(places, "0"));
  return Number.isSafeInteger(minor) && minor > 0 ? minor : null;
}

/** A new id for a record. Not `randomUUID`: browsers keep that from pages without TLS, which an intranet may have. */
export function recordId(random = crypto.getRandomValues(new Uint8Array(16))) {
  return `dashboard-${[...random].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
