// What other systems were told, and what they made of it.
import { h, time } from "./dom.js";
import { clock, dateTime } from "./format.js";

/** What became of one attempt: the status, or why there was none. Pure. */
export function attemptWords(attempt, t) {
  const why = attempt.reason && t.label("why", attempt.reason);
  const said = attempt.status && (attempt.reason === "status" ? `${attempt.status}` : [attempt.status, why].filter(Boolean).join(" "));
  return [said || why, Number.isFinite(attempt.ms) && attempt.ms > 0 && `${attempt.ms} ms`].filter(Boolean).join(" · ");
}

/** Whether it is over, and well: what a row's colour says beside its words. Pure. */
export const toneOf = ({ state, attempts }) => ({ delivered: "good", given_up: "bad", dropped: "off" })[state] ?? (attempts > 0 ? "late" : "wait");

/** One message on its way: what, to whom, how it stands, every attempt. `extra` stands at its end. */
export function deliveryEntry(delivery, t, ...extra) {
  const { tries = [], attempts = 0 } = delivery;
  const earlier = attempts - tries.length;
  return h(
    "li",
    { class: "delivery", "data-tone": toneOf(delivery) },
    h(
      "p",
      {},
      h("strong", {}, t.label("message", delivery.type)),
      ` → ${delivery.endpoint} `,
      h("span", { class: "badge state" }, t(`deliveries.${delivery.state}`)),
    ),
    delivery.state === "pending" && delivery.next_at && attempts > 0 && h("p", { class: "muted" }, t("deliveries.next", { when: clock(delivery.next_at, t.lang) })),
    h(
      "ol",
      { class: "tries" },
      earlier > 0 && h("li", { class: "muted" }, t("deliveries.earlier", { count: earlier })),
      tries.map((attempt) => h("li", {}, time(attempt.at, dateTime(attempt.at, t.lang), t.lang), ` · ${attemptWords(attempt, t)}`)),
    ),
    extra,
  );
}

/** A lead's messages as a card; nothing where nobody was told. */
export function deliveriesCard(deliveries, t) {
  if (!deliveries?.length) return null;
  return [h("h2", {}, t("deliveries.title")), h("ul", { class: "deliveries" }, deliveries.map((one) => deliveryEntry(one, t)))];
}
