// One lead: who, where from, at which stage, and the whole journey.
import { actionsCard } from "./actions.js";
import { clockOf } from "./clock.js";
import { deliveriesCard } from "./deliveries.js";
import { fill, h, icon, pairs, time } from "./dom.js";
import { emailsList } from "./emails.js";
import { ago, dateTime, money, sameNumber } from "./format.js";
import { BACK } from "./icons.js";
import { flagBadges, lamp, leadName, mailLink, phoneLink, problem, stageBadge, touchCard } from "./parts.js";
import { poll } from "./poll.js";
import { leadHash, QUEUE } from "./route.js";
import { stageForm } from "./stage.js";
import { timeline } from "./timeline.js";
import { whoPanel } from "./who.js";

const EVERY_MS = 2000;
const LIMIT = "500";
/** So many messages of a lead are shown, the newest. */
const TOLD = "20";

/** Renders one lead into `root`; returns what ends it. */
export function leadView({ root, t, api, id, stages, currency, by, back, expired }) {
  let pages = [];
  let letters = new Map();
  const seen = { head: "", origin: "", journey: "", emails: "", told: "" };
  const live = lamp(t);
  const errors = h("div", { "aria-live": "polite" });
  const title = h("h1", { tabindex: "-1" }, t("lead.title"));
  const badges = h("p", { class: "badges" });
  const facts = h("section", { class: "card" });
  const origin = h("div", { class: "touches" });
  const emails = h("section", { class: "card", hidden: true });
  const told = h("section", { class: "card", hidden: true });
  const story = h("div");
  const more = h("button", { class: "button quiet", type: "button", hidden: true, onclick: readOn }, t("journey.more"));
  const stage = stageForm({
    t,
    stages,
    by,
    save: (body) => api.setStage(id, body),
    saved: () => poller.now(),
    expired,
  });
  const actions = actionsCard({
    t,
    by,
    currency: currency ?? "EUR",
    attempt: (body) => api.addAttempt(id, body),
    sale: (body) => api.addSale(id, body),
    recorded: () => poller.now(),
    expired,
  });
  const who = whoPanel({
    t,
    api,
    by,
    heard(found) {
      letters = found;
      showJourney();
    },
    changed: () => poller.now(),
    expired,
  });
  const content = h(
    "div",
    { class: "lead", hidden: true },
    h("div", { class: "side" }, facts, actions, stage.node, told, emails, who.node, origin),
    h("section", { class: "journey" }, h("h2", {}, t("journey.title")), story, more),
  );

  fill(
    root,
    h("p", { class: "crumb" }, h("a", { href: back }, icon(BACK), t(back === QUEUE ? "queue.title" : "lead.back"))),
    h("div", { class: "head" }, h("div", {}, title, badges), live.node),
    errors,
    content,
  );

  function showHead(lead) {
    const contact = lead.contact;
    const name = leadName(lead, t);
    title.textContent = name;
    document.title = `${name} · Traza`;
    fill(badges, stageBadge(lead.stage, t), h("span", { class: "badge" }, t.label("kind", lead.kind)), flagBadges(lead, t));
    const purposes = (lead.consent?.purposes ?? []).map((purpose) => t.label("purpose", purpose)).join(", ");
    const version = lead.consent?.text_version;
    const yesNo = (value) => (value === undefined || value === null ? null : t(value ? "lead.yes" : "lead.no"));
    const typed = sameNumber(contact?.phone_raw, contact?.phone) ? null : contact?.phone_raw;
    fill(
      facts,
      h("h2", {}, t("lead.contact")),
      contact
        ? pairs([
            [t("lead.phone"), contact.phone && phoneLink(contact.phone)],
            [t("lead.phone_raw"), typed],
            [t("lead.email"), contact.email && mailLink(contact.email)],
          ])
        : h("p", { class: "muted" }, t("lead.contact_hidden")),
      pairs([
        [t("lead.consent"), [purposes, version && t("lead.consent_version", { version })].filter(Boolean).join(" · ")],
        [t("lead.attempts"), lead.attempts?.count > 0 ? attempts(lead.attempts) : null],
        [t("lead.sales"), sales(lead.sales)],
        [t("lead.score"), lead.score],
        [t("lead.confirmed"), yesNo(lead.confirmed)],
        [t("lead.duplicate_of"), lead.duplicate_of && h("a", { href: leadHash(lead.duplicate_of) }, lead.duplicate_of)],
        [t("lead.id"), h("span", { class: "id" }, lead.id)],
      ]),
    );
    stage.show(lead.stage);
  }

  const attempts = ({ count, first_contact_at: reached }) =>
    [t("lead.attempts_made", { count }), reached && t("lead.reached", { when: dateTime(reached, t.lang) })].filter(Boolean).join(" · ");
  const sales = (of) => Object.entries(of?.amounts ?? {}).map(([code, amount]) => money(amount, code, t.lang)).join(", ");

  function showTimes(lead) {
    const line = (key, at) => {
      const words = ago(at, Date.now(), t.lang);
      return at ? h("span", { title: dateTime(at, t.lang) }, t(key, { when: words })) : null;
    };
    // Two times that read the same say nothing more than one.
    const updated = lead.updated_at - lead.created_at > 60_000 ? line("lead.updated", lead.updated_at) : null;
    const clock = clockOf(lead.sla, api.now(), t);
    fill(times, line("lead.created", lead.created_at), updated, clock && h("span", { class: "by", "data-tone": clock.tone }, clock.text));
  }
  const times = h("p", { class: "times muted" });
  badges.after(times);

  function showOrigin({ first, last, last_non_direct: lnd } = {}) {
    const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    const cards = [];
    const add = (key, touch) => touch && cards.push(touchCard(t(key), touch, t, touch.at ? time(touch.at, dateTime(touch.at, t.lang), t.lang) : null));
    add("lead.first", first);
    add("lead.last", last);
    if (lnd && !same(lnd, last) && !same(lnd, first)) add("lead.last_non_direct", lnd);
    fill(origin, cards.length > 0 ? cards : h("p", { class: "muted" }, t("lead.origin_unknown")));
  }

  function showEmails(list) {
    const shown = emailsList(list, t);
    emails.hidden = shown === null;
    fill(emails, shown);
  }

  /** What other systems were told. Who may not see it sees the lead all the same. */
  async function readTold(signal) {
    const { items } = await api.deliveries({ lead: id, limit: TOLD }, { signal }).catch((error) => {
      if (error.status === 403) return { items: [] };
      throw error;
    });
    if (!changed("told", items)) return;
    const shown = deliveriesCard(items, t);
    told.hidden = shown === null;
    fill(told, shown);
  }

  const changed = (part, data) => {
    const text = JSON.stringify(data) ?? "";
    if (seen[part] === text) return false;
    seen[part] = text;
    return true;
  };

  function showJourney() {
    const items = pages.flatMap((page) => page.items);
    const next = pages.at(-1)?.next ?? null;
    more.hidden = next === null;
    if (changed("journey", [items, ...letters])) fill(story, timeline(items, t, letters));
  }

  const poller = poll({
    interval: EVERY_MS,
    async read(signal) {
      // What grows is the journey's end, so the last page that was read is read again.
      const at = pages.at(-1)?.cursor ?? null;
      const [lead, page] = await Promise.all([
        api.lead(id, { signal }),
        api.journey(id, { limit: LIMIT, cursor: at }, { signal }),
        readTold(signal),
      ]);
      if (changed("head", [lead.contact, lead.stage, lead.flags, lead.updated_at, lead.duplicate_of, lead.attempts, lead.sales])) showHead(lead);
      who.show(lead);
      showTimes(lead);
      if (changed("origin", lead.origin)) showOrigin(lead.origin);
      const place = Math.max(0, pages.findLastIndex((one) => one.cursor === at));
      if (place >= pages.length - 1) pages = [...pages.slice(0, place), { cursor: at, ...page }];
      showJourney();
      if (changed("emails", page.emails)) showEmails(page.emails);
      content.hidden = false;
    },
    report(error) {
      live.heard(error);
      if (error?.status === 401) expired();
      else fill(errors, error && problem(error, t));
    },
  });

  async function readOn() {
    const cursor = pages.at(-1)?.next ?? null;
    if (cursor === null) return;
    more.disabled = true;
    try {
      const page = await api.journey(id, { limit: LIMIT, cursor });
      pages = [...pages, { cursor, ...page }];
      showJourney();
    } catch (error) {
      if (error.status === 401) expired();
      else fill(errors, problem(error, t));
    } finally {
      more.disabled = false;
    }
  }

  return () => {
    poller.stop();
    who.stop();
  };
}
