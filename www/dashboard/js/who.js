// Who a lead is: their browsers, what they are known by, their other leads, and the evidence for all of it.
import { edgeEntry } from "./edge.js";
import { fill, h, time } from "./dom.js";
import { ago, dateTime } from "./format.js";
import { browserLetters, identifierText, lettersByEdge, otherLeads } from "./people.js";
import { problem, stageBadge } from "./parts.js";
import { poll } from "./poll.js";
import { leadHash } from "./route.js";

const EVERY_MS = 5000;
/** As many as one answer of the API holds; who has more is told that there are more. */
const LIMIT = "500";

/**
 * The panel of one lead's person. `show(lead)` tells it whose; `heard(letters)` hears the letters of the browsers
 * that evidence is about, and `changed()` that evidence was taken back or put back.
 */
export function whoPanel({ t, api, by, heard, changed, expired }) {
  let lead = null;
  let poller = null;
  let seen = "";
  let stale = false;
  const entries = new Map();
  const answer = h("div", { "aria-live": "polite" });
  const body = h("div");
  const list = h("ul", { class: "edges" });
  const rest = h("p", { class: "help", hidden: true });
  const head = h("h3", {}, t("who.evidence"));
  const node = h("section", { class: "card who", hidden: true }, h("h2", {}, t("who.title")), answer, body, head, list, rest);

  function showPerson(person, letters) {
    const others = otherLeads(person, lead.id);
    const browsers = [...(person.visitors ?? [])].sort((a, b) => (letters.get(a.visitor) ?? "").localeCompare(letters.get(b.visitor) ?? ""));
    const own = new Set(lead.visitors ?? []);
    fill(
      body,
      person.identifiers?.length > 0 && [
        h("h3", {}, t("who.known_by")),
        h("ul", { class: "plainlist" }, person.identifiers.map((one) => h("li", {}, h("span", { class: "muted" }, `${t.label("identifier", one.kind)}: `), one.value ? identifierText(one, t) : t("who.hidden")))),
      ],
      browsers.length > 0 && [
        h("h3", {}, t("who.browsers")),
        h(
          "ul",
          { class: "plainlist" },
          browsers.map((one) =>
            h(
              "li",
              { title: one.visitor },
              h("span", { class: "badge browser" }, letters.get(one.visitor)),
              " ",
              [
                own.has(one.visitor) && t("who.this_browser"),
                one.since && t("who.since", { when: dateTime(one.since, t.lang) }),
                one.epoch > 0 && t("who.shared", { n: one.epoch + 1 }),
              ].filter(Boolean).join(" · "),
            ),
          ),
        ),
      ],
      others.length > 0 && [
        h("h3", {}, t("who.other_leads")),
        h(
          "ul",
          { class: "plainlist" },
          others.map((one) =>
            h("li", {}, h("a", { href: leadHash(one.id) }, t.label("kind", one.kind)), " ", time(one.created_at, ago(one.created_at, Date.now(), t.lang), t.lang), " ", stageBadge(one.stage, t)),
          ),
        ),
      ],
    );
  }

  /** Touches only what changed: a half-written reason survives the next round. */
  function showEdges({ items, next }, letters) {
    const wanted = new Set(items.map((edge) => edge.id));
    for (const [id, one] of entries) {
      if (wanted.has(id)) continue;
      one.node.remove();
      entries.delete(id);
    }
    items.forEach((edge, index) => {
      const signature = JSON.stringify([edge, ...letters]);
      let one = entries.get(edge.id);
      if (one?.signature !== signature) {
        const fresh = edgeEntry({ edge, letters, t, by, mark: api.markEdge, marked, expired });
        one?.node.replaceWith(fresh);
        one = { node: fresh, signature };
        entries.set(edge.id, one);
      }
      if (list.children[index] !== one.node) list.insertBefore(one.node, list.children[index] ?? null);
    });
    head.hidden = items.length === 0;
    rest.hidden = next === null;
    fill(rest, t("who.more_evidence", { count: items.length }));
  }

  // Whose lead it is may be another now: the lead is asked first.
  function marked() {
    stale = true;
    changed();
  }

  function start() {
    return poll({
      interval: EVERY_MS,
      async read(signal) {
        const of = lead.person;
        const [person, edges] = await Promise.all([api.person(of, { signal }), api.edges(of, { limit: LIMIT }, { signal })]);
        if (of !== lead.person) return;
        const letters = browserLetters(person);
        const text = JSON.stringify([person, lead.id, lead.visitors]);
        if (seen !== text) showPerson(person, letters);
        seen = text;
        showEdges(edges, letters);
        fill(answer);
        node.hidden = false;
        heard(lettersByEdge(edges.items, letters));
      },
      report(error) {
        if (error === null) return;
        if (error.status === 401) expired();
        // A role that sees one lead at a time is not told who else they are; a person changes its name when it grows.
        else if (error.status === 403 || error.status === 404) node.hidden = true;
        else fill(answer, problem(error, t));
      },
    });
  }

  return {
    node,
    show(now) {
      const before = lead?.person;
      lead = now;
      if (!now.person || (now.person === before && !stale)) return;
      stale = false;
      if (poller === null) poller = start();
      else poller.now();
    },
    stop: () => poller?.stop(),
  };
}
