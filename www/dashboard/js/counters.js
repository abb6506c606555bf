// How often: the counters by day, channel, source or campaign, over the last days.
import { fill, h } from "./dom.js";
import { count, money } from "./format.js";
import { channelBadge, lamp, problem } from "./parts.js";
import { poll } from "./poll.js";
import { columns, dayBefore, keyOf, PERIODS, sorted } from "./report.js";
import { countersHash, DIMENSIONS } from "./route.js";

const EVERY_MS = 10_000;

/** Renders the counters into `root`; returns what ends it. */
export function countersView({ root, t, api, by, days, go, expired }) {
  const choice = (name, values, chosen, label) =>
    h(
      "label",
      { class: "filter" },
      h("span", {}, t(`counters.${name}`)),
      h(
        "select",
        { name, onchange: (event) => go(countersHash({ by, days, [name]: event.target.value })) },
        values.map((value) => h("option", { value, selected: String(value) === String(chosen) }, label(value))),
      ),
    );
  const live = lamp(t);
  const errors = h("div", { "aria-live": "polite" });
  const period = h("p", { class: "muted" });
  const table = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("counters.title") });
  fill(
    root,
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, t("counters.title")), live.node),
    h(
      "div",
      { class: "filters" },
      choice("by", DIMENSIONS, by, (value) => t(`counters.by_${value}`)),
      choice("days", PERIODS, days, (value) => t("counters.last_days", { days: value })),
    ),
    errors,
    period,
    table,
    h("p", { class: "help" }, t("counters.help")),
  );

  const name = (value) => {
    if (value === null || value === undefined) return h("span", { class: "muted" }, t("counters.none"));
    return by === "channel" ? channelBadge(value, t) : value;
  };
  const number = (column, value, currency) => (column === "cost" ? money(value, currency, t.lang) : count(value, t.lang));
  const cells = (values, shown, { currency }) =>
    shown.map((column) => h("td", { class: "number", "data-label": t(`counters.${column}`) }, number(column, values[column], currency)));

  function show(report) {
    const shown = columns(report);
    fill(period, t("counters.period", { since: report.since_day, until: report.until_day }), report.pending > 0 && ` · ${t("counters.pending", { count: count(report.pending, t.lang) })}`);
    fill(
      table,
      h(
        "table",
        { class: "counters" },
        h("caption", { class: "visually-hidden" }, t("counters.title")),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, t(`counters.by_${by}`)),
            shown.map((column) => h("th", { scope: "col", class: "number" }, t(`counters.${column}`))),
          ),
        ),
        h(
          "tbody",
          {},
          sorted(report.rows, by).map((row) => h("tr", {}, h("th", { scope: "row" }, name(keyOf(row, by))), cells(row.values, shown, report))),
        ),
        h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, t("counters.total")), cells(report.totals, shown, report))),
      ),
    );
  }

  const poller = poll({
    interval: EVERY_MS,
    async read(signal) {
      show(await api.counters({ group_by: by, since_day: dayBefore(new Date(), days - 1) }, { signal }));
    },
    report(error) {
      live.heard(error);
      if (error?.status === 401) expired();
      else fill(errors, error && problem(error, t));
    },
  });
  return () => poller.stop();
}
