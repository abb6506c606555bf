// Reports as tables, in both languages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LANGUAGES, translator } from "../js/i18n.js";
import { columns, dayBefore, keyOf, PERIODS, sorted } from "../js/report.js";
import { countersHash, DIMENSIONS, parse } from "../js/route.js";

const row = (key, visitors, visits = visitors) => ({ key, values: { visitors, visits } });

test("what was never counted takes no column", () => {
  const main = ["visits", "visitors", "visitors_with_lead", "visitors_without_lead", "leads"];
  assert.deepEqual(columns({ totals: { visits: 1, ad_views: 0, anonymous_visits: 0 } }), main);
  assert.deepEqual(columns({ totals: { ad_clicks: 3, anonymous_visits: 2 } }), ["ad_clicks", ...main, "anonymous_visits"]);
  assert.deepEqual(columns({ totals: { ad_views: 1, cost: -5 } }), ["ad_views", "cost", ...main], "a refund is a cost, too");
  assert.deepEqual(columns({}), main);
});

test("the largest comes first, and days the newest", () => {
  const by = (name, rows) => sorted(rows, name).map((one) => keyOf(one, name));
  const channels = [row({ channel: "email" }, 1), row({ channel: "direct" }, 3), row({ channel: "sms" }, 1, 5), row({ channel: null }, 2)];
  assert.deepEqual(by("channel", channels), ["direct", null, "sms", "email"]);
  assert.deepEqual(by("day", [row({ day: "2026-11-24" }, 9), row({ day: "2026-11-25" }, 1)]), ["2026-11-25", "2026-11-24"]);
  assert.deepEqual(sorted(undefined, "day"), []);
});

test("days are counted by the calendar", () => {
  assert.equal(dayBefore(new Date(2026, 2, 1, 0, 5), 1), "2026-02-28");
  assert.equal(dayBefore(new Date(2026, 9, 26, 23, 59), 1), "2026-10-25");
  assert.equal(dayBefore(new Date(2026, 0, 6), 6), "2025-12-31");
});

test("the address of a report is read and written alike, and anything odd is the default", () => {
  for (const by of DIMENSIONS) {
    for (const days of PERIODS) assert.deepEqual(parse(countersHash({ by, days })), { view: "counters", by, days });
  }
  for (const odd of ["#/counters", "#/counters?by=visitor&days=9", "#/counters?days=-1"]) {
    assert.deepEqual(parse(odd), { view: "counters", by: "channel", days: 30 });
  }
});

test("every column and choice has its words in both languages", () => {
  const all = columns({ totals: { ad_views: 1, ad_clicks: 1, cost: 1, anonymous_visits: 1 } });
  for (const lang of Object.keys(LANGUAGES)) {
    const t = translator(lang);
    for (const name of [...all, ...DIMENSIONS.map((by) => `by_${by}`), "title", "by", "days", "last_days", "none", "total", "help", "period", "pending"]) {
      assert.ok(t.has(`counters.${name}`), `${lang}: counters.${name}`);
    }
    assert.ok(t.has("nav.counters"), lang);
  }
});
