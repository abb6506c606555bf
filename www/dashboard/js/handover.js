// Who is told of leads, whether they listen, and what they were told last.
import { deliveryEntry } from "./deliveries.js";
import { fill, h, pairs, time } from "./dom.js";
import { ago } from "./format.js";
import { pages } from "./pages.js";
import { lamp, problem } from "./parts.js";
import { poll } from "./poll.js";
import { leadHash } from "./route.js";

const EVERY_MS = 3000;
const LIMIT = "30";

/** Renders the webhooks and their deliveries into `root`; returns what ends it. */
export function handoverView({ root, t, api, expired }) {
  const seen = { endpoints: "", deliveries: "" };
  const live = lamp(t);
  const errors = h("div", { "aria-live": "polite" });
  const endpoints = h("div", { class: "grid" });
  const list = h("ul", { class: "deliveries card", hidden: true });
  const none = h("p", { class: "muted", hidden: true }, t("handover.nothing"));
  // What a test gave stays while the list is drawn again.
  const tests = new Map();
  const deliveries = pages({ t, limit: LIMIT, read: api.deliveries, show: showDeliveries, failed });
  fill(
    root,
    h("div", { class: "head" }, h("div", {}, h("h1", { tabindex: "-1" }, t("handover.title")), h("p", { class: "muted" }, t("handover.help"))), live.node),
    errors,
    endpoints,
    h("h2", { class: "apart" }, t("handover.deliveries")),
    none,
    list,
    deliveries.more,
  );

  function failed(error) {
    if (error.status === 401) expired();
    else fill(errors, problem(error, t));
  }

  function endpoint(one) {
    const answer = tests.get(one.id) ?? h("div", { class: "answer", "aria-live": "polite" });
    tests.set(one.id, answer);
    const button = h("button", { class: "button quiet small", type: "button", onclick: test }, t("handover.test"));
    async function test() {
      button.disabled = true;
      fill(answer, h("p", { class: "muted" }, t("handover.testing")));
      try {
        fill(answer, verdict(await api.testWebhook(one.id)));
      } catch (error) {
        if (error.status === 401) expired();
        else fill(answer, problem(error, t));
      } finally {
        button.disabled = false;
      }
    }
    const since = one.health_at && time(one.health_at, ago(one.health_at, Date.now(), t.lang), t.lang);
    return h(
      "section",
      { class: "card endpoint", "data-health": one.health },
      h("h2", {}, one.id, " ", h("span", { class: "badge health" }, t.label("health", one.health))),
      pairs([
        [t("handover.url"), h("span", { class: "id" }, one.url)],
        [t("handover.types"), (one.types ?? []).map((type) => t.label("message", type)).join(", ")],
        [t("handover.format"), one.format],
        [t("handover.since"), since],
      ]),
      h("div", { class: "row" }, button),
      answer,
    );
  }

  function verdict({ ok, status, reason, ms, answer }) {
    const words = ok ? t("handover.test_ok", { status, ms }) : t("handover.test_failed", { why: t.label("why", reason), status: status ?? "—" });
    return [h("p", { class: ok ? "ok" : "notice" }, words), answer && h("pre", { tabindex: "0" }, answer)];
  }

  function replay(delivery) {
    if (delivery.state === "pending") return null;
    const button = h("button", { class: "plain small", type: "button", onclick: again }, t("deliveries.replay"));
    async function again() {
      button.disabled = true;
      try {
        await api.replay(delivery.id);
        poller.now();
      } catch (error) {
        failed(error);
        button.disabled = false;
      }
    }
    return button;
  }

  function showDeliveries(items) {
    none.hidden = items.length > 0;
    list.hidden = items.length === 0;
    const text = JSON.stringify(items);
    if (text === seen.deliveries) return;
    seen.deliveries = text;
    fill(
      list,
      items.map((one) =>
        deliveryEntry(one, t, h("div", { class: "row" }, one.lead && h("a", { href: leadHash(one.lead) }, t("handover.lead")), replay(one))),
      ),
    );
  }

  const poller = poll({
    interval: EVERY_MS,
    async read(signal) {
      const [hooks] = await Promise.all([api.webhooks({ signal }), deliveries.refresh(signal)]);
      const text = JSON.stringify(hooks.items);
      if (text !== seen.endpoints) {
        seen.endpoints = text;
        const cards = hooks.items.map(endpoint);
        fill(endpoints, cards.length > 0 ? cards : h("div", { class: "card empty" }, h("h2", {}, t("handover.none")), h("p", { class: "muted" }, t("handover.none_help"))));
      }
    },
    report(error) {
      live.heard(error);
      if (error === null) fill(errors);
      else failed(error);
    },
  });

  return () => poller.stop();
}
