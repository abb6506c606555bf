// What came of each campaign, and what it cost.
import { fill, h } from "./dom.js";
import { count } from "./format.js";
import { channelBadge, lamp, problem } from "./parts.js";
import { poll } from "./poll.js";
import { dayBefore, PERIODS } from "./report.js";
import { CAMPAIGN_DIMENSIONS, campaignsHash, explainedHash } from "./route.js";
import { cell, COLUMNS, groupBy, kindsOf, ranked, reasons, whyNone } from "./spend.js";

const EVERY_MS = 10_000;

/** Renders the campaigns into `root`; returns what ends it. `currency` is the site's, where the token may know it. */
export function campaignsView({ root, t, api, by, days, currency, go, expired }) {
  const choice = (name, values, chosen, label) =>
    h(
      "label",
      { class: "filter" },
      h("span", {}, t(`counters.${name}`)),
      h(
        "select",
        { name, onchange: (event) => go(campaignsHash({ by, days, [name]: event.target.value })) },
        values.map((value) => h("option", { value, selected: String(value) === String(chosen) }, label(value))),
      ),
    );
  const live = lamp(t);
  const errors = h("div", { "aria-live": "polite" });
  const period = h("p", { class: "muted" });
  const table = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("campaigns.title"), hidden: true });
  const legend = h("ul", { class: "help legend" });
  let seen = "";
  fill(
    root,
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, t("campaigns.title")), live.node),
    h(
      "div",
      { class: "filters" },
      choice("by", CAMPAIGN_DIMENSIONS, by, (value) => t(`counters.by_${value}`)),
      choice("days", PERIODS, days, (value) => t("counters.last_days", { days: value })),
    ),
    errors,
    period,
    table,
    legend,
    h("p", { class: "help" }, t("campaigns.help")),
  );

  const none = () => h("span", { class: "muted" }, t("counters.none"));

  /** What a line is about: a campaign with its source and channel beneath, or the one thing that was asked for. */
  function name({ key = {}, explain }) {
    const hash = explainedHash(explain);
    const open = (text) => (hash ? h("a", { href: hash, title: t("campaigns.open") }, text) : text);
    if (by === "channel") return open(channelBadge(key.channel, t));
    if (by !== "campaign") return open(key[by] ?? none());
    return [open(key.campaign ?? none()), h("span", { class: "sub" }, channelBadge(key.channel, t), " ", key.source ?? "")];
  }

  const numbers = (values, of) =>
    COLUMNS.map((column) => {
      const why = whyNone(column, values);
      const kinds = column === "leads" ? kindsOf(values).map(([kind, n]) => `${count(n, t.lang)} ${t.label("kind", kind)}`) : [];
      return h(
        "td",
        { class: "number", "data-column": column, "data-label": t(`campaigns.${column}`) },
        why
          ? h("span", { class: "muted", title: t(`campaigns.why_${why}`) }, "—", h("span", { class: "visually-hidden" }, t(`campaigns.why_${why}`)))
          : cell(column, values, of, t.lang),
        kinds.map((kind) => h("span", { class: "sub" }, kind)),
      );
    });

  function show(report) {
    const text = JSON.stringify(report);
    if (text === seen) return;
    seen = text;
    const of = report.currency ?? currency;
    const rows = ranked(report.rows, by);
    fill(period, t("counters.period", { since: report.since_day, until: report.until_day }), report.pending > 0 && ` · ${t("counters.pending", { count: count(report.pending, t.lang) })}`);
    table.hidden = false;
    fill(
      table,
      h(
        "table",
        { class: "counters campaigns" },
        h("caption", { class: "visually-hidden" }, t("campaigns.title")),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t(`counters.by_${by}`)), COLUMNS.map((column) => h("th", { scope: "col", class: "number" }, t(`campaigns.${column}`))))),
        h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, name(row)), numbers(row.values, of)))),
        h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, t("counters.total")), numbers(report.totals, of))),
      ),
    );
    const { duplicates, sales_unconfirmed: unconfirmed, sales_other_currency: other } = report.totals ?? {};
    fill(
      legend,
      reasons([...rows.map((row) => row.values), report.totals]).map((why) => h("li", {}, `— ${t(`campaigns.why_${why}`)}`)),
      duplicates > 0 && h("li", {}, t("campaigns.duplicates", { count: duplicates })),
      unconfirmed > 0 && h("li", {}, t("campaigns.unconfirmed", { count: unconfirmed })),
      other > 0 && h("li", {}, t("campaigns.other_currency", { count: other })),
    );
  }

  const poller = poll({
    interval: EVERY_MS,
    async read(signal) {
      show(await api.campaigns({ group_by: groupBy(by), since_day: dayBefore(new Date(), days - 1) }, { signal }));
    },
    report(error) {
      live.heard(error);
      if (error?.status === 401) expired();
      else fill(errors, error && problem(error, t));
    },
  });
  return () => poller.stop();
}
