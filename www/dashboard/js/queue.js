// Whom to call now, with the clock that runs for each.
import { clockOf, factors, heldWords } from "./clock.js";
import { fill, h, pairs } from "./dom.js";
import { clock, path, touchLine } from "./format.js";
import { channelBadge, lamp, leadName, phoneLink, problem, stageBadge } from "./parts.js";
import { poll } from "./poll.js";
import { leadHash } from "./route.js";

const EVERY_MS = 2000;
const TICK_MS = 1000;
const LIMIT = "50";
/** So many pages of a lead are named. */
const PAGES = 3;

/** Renders the queue into `root`; returns what ends it. */
export function queueView({ root, t, api, expired }) {
  let seen = "";
  let ticking = [];
  const live = lamp(t);
  const errors = h("div", { "aria-live": "polite" });
  const count = h("p", { class: "muted", role: "status" });
  const list = h("ol", { class: "queue" });
  const empty = h("div", { class: "card empty", hidden: true }, h("h2", {}, t("queue.none")), h("p", { class: "muted" }, t("queue.none_help")));
  const held = h("p", { class: "help" });
  fill(root, h("div", { class: "head" }, h("div", {}, h("h1", { tabindex: "-1" }, t("queue.title")), count), live.node), errors, list, empty, held);

  function tick() {
    for (const { node, sla } of ticking) {
      const now = clockOf(sla, api.now(), t);
      node.hidden = now === null;
      if (now === null || node.textContent === now.text) continue;
      node.textContent = now.text;
      node.dataset.tone = now.tone;
    }
  }

  function entry(item) {
    const { lead, match_hints: hints = {} } = item;
    const number = lead.contact?.phone ?? lead.contact?.phone_raw;
    const node = h("p", { class: "clock" });
    ticking.push({ node, sla: lead.sla });
    const product = factors(item.why).map(([name, factor]) => `${t(`queue.by_${name}`)} ${rounded(factor)}`);
    return h(
      "li",
      { class: "card call" },
      h("p", { class: "place", "aria-hidden": "true" }, item.position),
      h(
        "div",
        { class: "whom" },
        h("h2", {}, h("a", { href: leadHash(lead.id) }, leadName(lead, t))),
        number && h("p", {}, phoneLink(number)),
        h(
          "p",
          { class: "badges" },
          h("span", { class: "badge" }, t.label("kind", lead.kind)),
          stageBadge(lead.stage, t),
          channelBadge(lead.origin?.last?.channel, t),
          item.outside_window && h("span", { class: "badge flag" }, t("queue.outside_window")),
        ),
      ),
      pairs([
        [t("queue.from"), touchLine(lead.origin?.last)],
        [t("queue.pages"), (hints.pages ?? []).slice(0, PAGES).map(path).join(", ")],
        [t("queue.language"), [hints.language, hints.device && t.label("device", hints.device)].filter(Boolean).join(" · ")],
        [t("queue.agent"), hints.last_agent],
        [t("queue.attempts"), lead.attempts?.count > 0 ? t("lead.attempts_made", { count: lead.attempts.count }) : null],
      ]),
      node,
      h("p", { class: "why", title: t("queue.why") }, `${product.join(" × ")} = ${rounded(item.priority)}`),
    );
  }

  const rounded = (factor) => new Intl.NumberFormat(t.lang, { maximumSignificantDigits: 3 }).format(factor);

  function show(queue) {
    const { items = [], callable = 0, next_at: next } = queue;
    const text = JSON.stringify(queue);
    if (text === seen) return;
    seen = text;
    fill(count, items.length > 0 && t("queue.callable", { count: callable }));
    // Drawn again where it changed; who was reading with the keyboard stays with the same lead.
    const at = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    ticking = [];
    fill(list, items.map(entry));
    if (at !== null) [...list.querySelectorAll("a")].find((one) => one.getAttribute("href") === at)?.focus({ preventScroll: true });
    list.hidden = items.length === 0;
    empty.hidden = items.length > 0;
    const words = heldWords(queue.held, t);
    fill(held, words.length > 0 && `${t("queue.held")} ${words.join(", ")}.`, next && ` ${t("queue.next", { when: clock(next, t.lang) })}`);
    tick();
  }

  const poller = poll({
    interval: EVERY_MS,
    async read(signal) {
      show(await api.queue({ limit: LIMIT }, { signal }));
    },
    report(error) {
      live.heard(error);
      if (error?.status === 401) expired();
      else fill(errors, error && problem(error, t));
    },
  });
  const timer = setInterval(tick, TICK_MS);
  return () => {
    clearInterval(timer);
    poller.stop();
  };
}
