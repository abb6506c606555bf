// A journey as a vertical line, visit by visit.
import { h, icon, time } from "./dom.js";
import { clock, day, duration, touchLine } from "./format.js";
import { drawing } from "./icons.js";
import { details, deviceText, evidenceText, groupByVisit, kindOf, ownEvidence, sentence, tone } from "./journey.js";
import { channelBadge } from "./parts.js";

/**
 * The whole timeline of a list of items, oldest first. `letters` names other browsers by the evidence that ties them to
 * the lead.
 */
export function timeline(items, t, letters = new Map()) {
  if (items.length === 0) return h("p", { class: "muted" }, t("journey.empty"));
  return groupByVisit(items).map((group) => section(group, t, letters));
}

function section(group, t, letters) {
  const title =
    group.visit === null
      ? t("journey.outside")
      : t(group.again ? "journey.visit_again" : "journey.visit", { n: group.number });
  const start = group.items[0].at;
  const facts = [
    group.pages > 0 && t("journey.pages", { count: group.pages }),
    group.engaged_ms > 0 && t("journey.attention", { time: duration(group.engaged_ms) }),
    deviceText(group.device, t),
  ].filter(Boolean);
  const shared = evidenceText(group.evidence, t);
  const one = letters.get(group.edge);
  const elsewhere = one ? t("who.browser", { letter: one }) : t("journey.elsewhere");
  return h(
    "section",
    { class: "visit", "data-elsewhere": group.edge, "data-outside": group.visit === null },
    h(
      "header",
      {},
      h("h3", {}, title, group.edge && [" ", h("span", { class: "badge browser" }, elsewhere)]),
      h("p", { class: "muted" }, [day(start, t.lang), ...facts].filter(Boolean).join(" · ")),
      group.touch && h("p", { class: "arrival" }, channelBadge(group.touch.channel, t), h("span", {}, touchLine(group.touch))),
      shared && proof(shared, t),
    ),
    h("ol", { class: "line" }, group.items.map((item) => entry(item, group, t))),
  );
}

function entry(item, group, t) {
  const further = details(item, t);
  const own = evidenceText(ownEvidence(item, group), t);
  // The touch that opened the visit stands in its heading; a later one within it is said where it happened.
  const touch = item.touch && item.touch !== group.touch ? item.touch : null;
  return h(
    "li",
    { class: item.amended ? "item amended" : "item", "data-tone": tone(item), "data-kind": kindOf(item) },
    h("span", { class: "mark" }, icon(drawing(kindOf(item)))),
    h(
      "div",
      { class: "what" },
      h("p", { class: "did" }, sentence(item, t)),
      further.length > 0 && h("p", { class: "sub", title: item.url ?? item.href }, further.join(" · ")),
      touch && h("p", { class: "arrival" }, channelBadge(touch.channel, t), h("span", {}, touchLine(touch))),
      own && proof(own, t),
    ),
    time(item.at, clock(item.at, t.lang), t.lang),
  );
}

const proof = (text, t) => h("p", { class: "proof" }, h("span", {}, `${t("journey.evidence")}: `), text);
