// What became of the messages that somebody was sent.
import { h } from "./dom.js";
import { day } from "./format.js";

/** In a few words what became of one message; the last that is known says most. */
export function fate(email, t) {
  if (email.clicked_at) {
    const links = (email.clicked ?? []).join(", ");
    return links ? t("emails.clicked", { links }) : t("emails.clicked_bare");
  }
  if (email.opened) return t("emails.opened");
  if (email.bounced_at) return t("emails.bounced");
  return email.sent_at ? t("emails.not_opened") : "";
}

/** The messages as a list, the newest first; nothing where there are none. */
export function emailsList(emails, t) {
  if (!emails?.length) return null;
  const line = (email) =>
    h(
      "li",
      {},
      h("strong", {}, email.message ?? t("emails.unnamed")),
      " ",
      h("span", { class: "muted" }, [email.sent_at && day(email.sent_at, t.lang), fate(email, t)].filter(Boolean).join(" · ")),
    );
  return [h("h2", {}, t("emails.title")), h("ul", { class: "emails" }, [...emails].reverse().map(line))];
}
