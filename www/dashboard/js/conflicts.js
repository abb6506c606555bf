// Evidence that was refused: what it would have joined could not be one human. Each piece can be taken back here.
import { edgeEntry } from "./edge.js";
import { fill, h, icon } from "./dom.js";
import { BACK } from "./icons.js";
import { pages } from "./pages.js";
import { lamp, problem } from "./parts.js";
import { poll } from "./poll.js";
import { leadHash, leadsHash } from "./route.js";

const EVERY_MS = 10_000;
const LIMIT = "100";

/** Renders the list into `root`; returns what ends it. */
export function conflictsView({ root, t, api, by, go, expired }) {
  let seen = "";
  const live = lamp(t);
  const errors = h("div", { "aria-live": "polite" });
  const list = h("ul", { class: "edges card", hidden: true });
  const empty = h("div", { class: "card empty", hidden: true }, h("h2", {}, t("conflicts.none")), h("p", { class: "muted" }, t("conflicts.none_help")));
  const all = pages({ t, limit: LIMIT, read: api.conflicts, show, failed });
  fill(
    root,
    h("p", { class: "crumb" }, h("a", { href: leadsHash() }, icon(BACK), t("lead.back"))),
    h("div", { class: "head" }, h("div", {}, h("h1", { tabindex: "-1" }, t("conflicts.title")), h("p", { class: "muted" }, t("conflicts.help"))), live.node),
    errors,
    list,
    empty,
    all.more,
  );

  /** To the newest lead of whom the evidence is about: there is the rest of what is known of them. */
  async function follow(edge) {
    try {
      const person = await api.person(edge.id);
      const newest = person.leads?.at(-1);
      if (newest) go(leadHash(newest.id));
      else fill(errors, h("p", { class: "notice" }, t("conflicts.no_lead")));
    } catch (error) {
      failed(error);
    }
  }

  function failed(error) {
    if (error.status === 401) expired();
    else fill(errors, problem(error, t));
  }

  function show(items) {
    const text = JSON.stringify(items);
    empty.hidden = items.length > 0;
    list.hidden = items.length === 0;
    if (text === seen) return;
    seen = text;
    fill(
      list,
      items.map((edge) =>
        edgeEntry({
          edge,
          // Letters are of one person's browsers; here are many persons'.
          letters: new Map(),
          t,
          by,
          mark: api.markEdge,
          marked: () => poller.now(),
          expired,
          more: h("button", { class: "plain small", type: "button", onclick: () => follow(edge) }, t("conflicts.follow")),
        }),
      ),
    );
  }

  const poller = poll({
    interval: EVERY_MS,
    async read(signal) {
      await all.refresh(signal);
    },
    report(error) {
      live.heard(error);
      if (error === null) fill(errors);
      else failed(error);
    },
  });

  return () => poller.stop();
}
