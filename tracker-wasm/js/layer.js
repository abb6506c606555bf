// What other tags are told: Google's consent mode and GA4's purchases, read off `dataLayer` as it grows. Nothing of it
// is patched: it is looked at each second.
import { attempt } from "./device.js";

/** Calls `choose(yes)` at each word of a consent banner; purchases are seen once for each order. Answers what looks now. */
export const layer = (host, choose) => {
  const orders = new Set();
  let last;

  const buy = ({ transaction_id: order, value, currency, items }) => {
    if (!order || orders.has(order)) return;
    currency = currency || host.config.currency;
    // Minor units: two digits for most currencies, none or three for some.
    const { maximumFractionDigits } = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions();
    const minor = (value) => (Number.isFinite(+value) ? Math.round(value * 10 ** maximumFractionDigits) : undefined);
    host.saw(
      "purchase",
      {
        order_id: "" + order,
        amount: minor(value),
        currency,
        items: (items || []).map(({ item_id, item_name, quantity, price }) => ({
          id: item_id ? "" + item_id : undefined,
          name: item_name ? "" + item_name : undefined,
          quantity: quantity > 0 ? Math.round(quantity) : undefined,
          price: minor(price),
        })),
      },
      true,
    );
    orders.add(order);
  };

  // An object of a tag manager, or the arguments of `gtag(…)`.
  const read = (entry) => {
    const [verb, what, more] = entry.event ? ["event", entry.event, entry.ecommerce] : [entry[0], entry[1], entry[2]];
    const word = verb == "consent" && what == "update" && more.analytics_storage;
    if (word) choose(word == "granted");
    if (verb == "event" && what == "purchase") buy(more);
  };

  const look = () => {
    const all = attempt(() => window.dataLayer);
    if (!Array.isArray(all) || all[all.length - 1] === last) return;
    // Long ones lose their beginning.
    const fresh = all.slice(all.lastIndexOf(last) + 1);
    last = all[all.length - 1];
    // What is not for us may be anything.
    for (const entry of fresh) attempt(() => read(entry));
  };
  host.tick(look);
  return look;
};
