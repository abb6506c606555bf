// Small pieces that more than one view shows.
import { host, path, phone, touchLine } from "./format.js";
import { fill, h, icon, pairs } from "./dom.js";
import { MAIL, PHONE, WARN } from "./icons.js";

/** The words for an error: a problem's own title and detail, or ours where there was no answer. */
export function errorWords(error, t) {
  const own = { network: "error.network", timeout: "error.timeout" }[error.code];
  if (own) return { title: t("error.title"), detail: t(own) };
  if (error.status && !error.title) return { title: t("error.title"), detail: t("error.answer", { status: error.status }) };
  return { title: error.title || t("error.title"), detail: error.detail || error.message || "" };
}

/** An error as a box: title, detail, and each input error with where it is. */
export function problem(error, t) {
  const { title, detail } = errorWords(error, t);
  const errors = (error.errors ?? []).map((one) => h("li", {}, [one.pointer, one.detail].filter(Boolean).join(": ")));
  return h(
    "div",
    { class: "problem", role: "alert" },
    icon(WARN),
    h("div", {}, h("strong", {}, title), detail && h("p", {}, detail), errors.length > 0 && h("ul", {}, errors)),
  );
}

/** The little lamp that says whether what is shown is live. */
export function lamp(t) {
  const node = h("p", { class: "lamp", role: "status" });
  const show = (state) => {
    if (node.dataset.state === state) return;
    node.dataset.state = state;
    fill(node, t(`live.${state}`));
  };
  show("wait");
  return { node, heard: (error) => show(error === null ? "on" : error.status ? "refused" : "off") };
}

export const stageBadge = (stage, t) => h("span", { class: "badge stage", "data-stage": stage ?? "" }, t.label("stage", stage));

export const channelBadge = (channel, t) =>
  h("span", { class: "badge channel", "data-channel": channel ?? "unknown" }, t.label("channel", channel ?? "unknown"));

/** A lead's flags, a duplicate among them. */
export function flagBadges(lead, t) {
  const flags = Array.isArray(lead.flags) ? lead.flags : [];
  const badges = flags.map((flag) => h("span", { class: "badge flag" }, t.label("flag", flag)));
  if (lead.duplicate_of) badges.push(h("span", { class: "badge flag" }, t("leads.duplicate")));
  return badges;
}

/** How to call a lead: its name, else its phone, else its e-mail, else that nothing may be seen. */
export function leadName(lead, t) {
  const contact = lead.contact ?? {};
  return contact.name || phone(contact.phone ?? contact.phone_raw) || contact.email || t("leads.hidden");
}

/** A phone to tap. */
export const phoneLink = (number) =>
  h("a", { href: `tel:${String(number).replace(/[^\d+]/g, "")}`, class: "reach" }, icon(PHONE), phone(number));

/** An e-mail address to tap. */
export const mailLink = (email) => h("a", { href: `mailto:${email}`, class: "reach" }, icon(MAIL), email);

/** A touch in full. */
export function touchCard(title, touch, t, when) {
  const ids = Object.entries(touch.click_ids ?? {}).map(([key, value]) => h("span", { class: "id" }, value ? `${key}: ${value}` : key));
  return h(
    "section",
    { class: "card touch" },
    h("h3", {}, title),
    h("p", { class: "touch-head" }, channelBadge(touch.channel, t), when),
    pairs([
      [t("touch.source"), [touch.source, touch.medium].filter(Boolean).join(" / ")],
      [t("touch.campaign"), touch.campaign ?? touch.campaign_id],
      [t("touch.content"), touch.content],
      [t("touch.term"), touch.term],
      [t("touch.click_ids"), ids.length > 0 ? ids : null],
      [t("touch.landing"), touch.landing && h("span", { title: touch.landing }, path(touch.landing))],
      [t("touch.referrer"), touch.referrer && h("span", { title: touch.referrer }, host(touch.referrer) || touch.referrer)],
      [t("touch.reason"), touch.reason && t.label("reason", touch.reason)],
    ]),
  );
}
