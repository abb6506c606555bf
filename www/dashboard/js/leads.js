// The list of leads: newest first, live, filtered, and as long as one wants.
import { fill, h, time } from "./dom.js";
import { ago, phone, touchLine } from "./format.js";
import { appendPage, EMPTY, mergeFirstPage } from "./list.js";
import { channelBadge, flagBadges, lamp, leadName, problem, stageBadge } from "./parts.js";
import { poll } from "./poll.js";
import { leadsByPerson, personMark } from "./people.js";
import { CONFLICTS, handed, kept, leadHash, leadsHash } from "./route.js";

const LIMIT = "50";
const EVERY_MS = 2000;
const KINDS = ["form", "callback", "call", "whatsapp", "messenger", "chat", "email", "import", "platform_form"];

/** Renders the list into `root`; returns what ends it. */
export function leadsView({ root, t, api, filter, stages, go, expired }) {
  let list = EMPTY;
  let loaded = false;
  let loading = false;
  const rows = new Map();

  const choice = (name, all, values) =>
    h(
      "label",
      { class: "filter" },
      h("span", {}, t(`leads.filter_${name}`)),
      h(
        "select",
        { name, onchange: (event) => go(leadsHash({ ...filter, [name]: event.target.value })) },
        h("option", { value: "" }, t(all)),
        values.map((value) => h("option", { value, selected: filter[name] === value }, t.label(name, value))),
      ),
    );
  const known = (values, chosen) => (chosen && !values.includes(chosen) ? [...values, chosen] : values);

  const live = lamp(t);
  const errors = h("div", { "aria-live": "polite" });
  const doubts = h("p", { class: "doubts" });
  const signature = (lead, times) => JSON.stringify([lead, times]);
  const news = h("p", { class: "visually-hidden", "aria-live": "polite" });
  const body = h("tbody");
  const table = h(
    "table",
    { class: "leads" },
    h("caption", { class: "visually-hidden" }, t("leads.title")),
    h(
      "thead",
      {},
      h("tr", {}, ["when", "contact", "person", "kind", "origin", "stage", "flags"].map((name) => h("th", { scope: "col" }, t(`leads.${name}`)))),
    ),
    body,
  );
  const from = handed(filter);
  const filtered = Boolean(filter.stage || filter.kind || Object.keys(kept(filter)).length > 0);
  const narrowed = from.length > 0 && h(
    "p",
    { class: "narrowed" },
    t("leads.from"),
    from.map(([name, value]) => [" ", name === "channel" ? channelBadge(value, t) : h("span", { class: "badge" }, value)]),
    " ",
    h("a", { href: leadsHash() }, t("leads.clear")),
  );
  const empty = h(
    "div",
    { class: "card empty", hidden: true },
    h("h2", {}, t(filtered ? "leads.empty_filtered" : "leads.empty")),
    filtered
      ? h("p", {}, h("a", { href: leadsHash() }, t("leads.clear")))
      : h("p", { class: "muted" }, t("leads.empty_help")),
  );
  const more = h("button", { class: "button quiet", type: "button", hidden: true, onclick: loadMore }, t("leads.more"));

  fill(
    root,
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, t("leads.title")), live.node),
    h(
      "div",
      { class: "filters" },
      choice("stage", "leads.all_stages", known(stages, filter.stage)),
      choice("kind", "leads.all_kinds", known(KINDS, filter.kind)),
    ),
    narrowed,
    doubts,
    errors,
    news,
    table,
    empty,
    more,
  );

  // That evidence contradicts itself is worth a line; that one may not know of it is not.
  api.conflicts({ limit: "1" }).then(
    (page) => fill(doubts, page.items.length > 0 && h("a", { href: CONFLICTS }, t("leads.conflicts"))),
    () => {},
  );

  function row(lead, times) {
    const last = lead.origin?.last;
    const cell = (name, ...children) => h("td", { "data-label": t(`leads.${name}`), class: `col-${name}` }, children);
    const contact = lead.contact ?? {};
    const second = contact.name ? phone(contact.phone ?? contact.phone_raw) || contact.email : contact.phone && contact.email;
    const when = time(lead.created_at, ago(lead.created_at, Date.now(), t.lang), t.lang);
    const flags = flagBadges(lead, t);
    const node = h(
      "tr",
      {},
      cell("when", when),
      cell("contact", h("a", { class: "open", href: leadHash(lead.id) }, leadName(lead, t)), second && h("span", { class: "sub" }, second)),
      cell("person", lead.person && h("span", { class: "id", title: lead.person }, personMark(lead.person)), times > 1 && h("span", { class: "sub" }, t("leads.of_person", { count: times }))),
      cell("kind", t.label("kind", lead.kind)),
      cell("origin", channelBadge(last?.channel, t), h("span", { class: "sub" }, touchLine(last) || t.label("reason", last?.reason))),
      cell("stage", stageBadge(lead.stage, t)),
      cell("flags", flags),
    );
    if (flags.length === 0) node.lastChild.classList.add("none");
    return { node, when, at: lead.created_at, signature: signature(lead, times) };
  }

  /** Brings the rows in line with the list, touching only those that changed: focus and selection survive. */
  function show(fresh) {
    const wanted = new Set(list.items.map((lead) => lead.id));
    for (const [id, one] of rows) {
      if (wanted.has(id)) continue;
      one.node.remove();
      rows.delete(id);
    }
    const persons = leadsByPerson(list.items);
    let place = body.firstChild;
    for (const lead of list.items) {
      const old = rows.get(lead.id);
      const times = persons.get(lead.person) ?? 0;
      let current = old;
      if (old?.signature !== signature(lead, times)) {
        current = row(lead, times);
        rows.set(lead.id, current);
        if (old) {
          const focused = old.node.contains(document.activeElement);
          if (place === old.node) place = current.node;
          old.node.replaceWith(current.node);
          if (focused) current.node.querySelector("a").focus();
        }
        if (fresh.has(lead.id)) current.node.classList.add("fresh");
      }
      if (current.node === place) place = place.nextSibling;
      else body.insertBefore(current.node, place);
      const text = ago(current.at, Date.now(), t.lang);
      if (current.when.textContent !== text) current.when.textContent = text;
    }
    const none = list.items.length === 0;
    table.hidden = none;
    empty.hidden = !none;
    more.hidden = list.next === null;
  }

  const poller = poll({
    interval: EVERY_MS,
    async read(signal) {
      const page = await api.leads({ ...filter, limit: LIMIT }, { signal });
      // A page that was being loaded at the end belongs to the list as it was: let it finish first.
      if (loading) return;
      const merged = mergeFirstPage(list, page);
      list = merged.list;
      show(new Set(loaded ? merged.fresh : []));
      if (loaded && merged.fresh.length > 0) news.textContent = t("leads.new", { count: merged.fresh.length });
      loaded = true;
    },
    report(error) {
      live.heard(error);
      if (error?.status === 401) expired();
      else fill(errors, error && problem(error, t));
    },
  });

  async function loadMore() {
    if (loading || list.next === null) return;
    loading = true;
    more.disabled = true;
    try {
      list = appendPage(list, await api.leads({ ...filter, limit: LIMIT, cursor: list.next }));
      fill(errors);
      show(new Set());
    } catch (error) {
      if (error.status === 401) expired();
      else fill(errors, problem(error, t));
    } finally {
      loading = false;
      more.disabled = false;
    }
  }

  table.hidden = true;
  return () => poller.stop();
}
