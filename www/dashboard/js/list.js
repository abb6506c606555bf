// The list of leads while it grows at its top (polling) and at its end (load more). Pure.

/** An empty list. `next` is the cursor of what comes after the last item. */
export const EMPTY = { items: [], next: null };

/**
 * Puts a freshly read first page in front of what is already shown. Returns the new list and the ids that were not
 * there before.
 *
 * The server's first page is the truth for the time that it spans: an older item stays only where it lies beyond
 * the page's last one. Where page and list share nothing, more arrived than one page holds, so what was shown
 * would leave a gap; it is dropped and can be loaded again.
 */
export function mergeFirstPage(list, page) {
  const known = new Set(list.items.map((item) => item.id));
  const fresh = page.items.filter((item) => !known.has(item.id)).map((item) => item.id);
  const whole = page.next === null || page.next === undefined;
  const overlaps = fresh.length < page.items.length;
  if (whole || !overlaps) return { list: { items: page.items, next: page.next ?? null }, fresh };
  const inPage = new Set(page.items.map((item) => item.id));
  const oldest = Math.min(...page.items.map((item) => item.created_at));
  const beyond = list.items.filter((item) => !inPage.has(item.id) && item.created_at <= oldest);
  // Without anything beyond it, the page's own cursor is the one that goes on.
  const next = beyond.length > 0 ? list.next : page.next;
  return { list: { items: [...page.items, ...beyond], next }, fresh };
}

/** Adds an older page at the end; an item that is already shown is not shown twice. */
export function appendPage(list, page) {
  const known = new Set(list.items.map((item) => item.id));
  const items = [...list.items, ...page.items.filter((item) => !known.has(item.id))];
  return { items, next: page.next ?? null };
}
