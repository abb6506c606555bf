// Campaigns as a table, in both languages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LANGUAGES, translator } from "../js/i18n.js";
import { CAMPAIGN_DIMENSIONS, campaignsHash, explainedHash, handed, kept, parse } from "../js/route.js";
import { cell, COLUMNS, groupBy, kindsOf, percent, ranked, reasons, whyNone } from "../js/spend.js";

const known = { visits: 10, leads: 2, contacted: 1, sales: 1, revenue: 15_000, cost: 10_000, cost_per_lead: 5000, roi: 0.5 };
const bare = (text) => text.replace(/\s/g, " ");

test("a number that is none says why, and one that is says nothing", () => {
  for (const name of COLUMNS) assert.equal(whyNone(name, known), null, name);
  const untold = { ...known, cost: null, cost_per_lead: null, roi: null };
  for (const name of ["cost", "cost_per_lead", "roi"]) assert.equal(whyNone(name, untold), "no_cost");
  assert.equal(whyNone("cost_per_lead", { ...known, leads: 0, cost_per_lead: null }), "no_leads");
  const free = { ...known, cost: 0, cost_per_lead: 0, roi: null };
  assert.deepEqual(["cost", "cost_per_lead", "roi"].map((name) => whyNone(name, free)), [null, null, "free"]);
  assert.equal(whyNone("sales", {}), "not_told");
  assert.deepEqual(reasons([known, untold, free, untold]), ["no_cost", "free"]);
  assert.deepEqual(reasons([known]), []);
});

test("numbers as a person reads them", () => {
  assert.equal(bare(cell("revenue", known, "EUR", "es")), "150,00 €");
  assert.equal(cell("cost", { cost: 0 }, "EUR", "en"), "€0.00");
  // Of a site whose currency the reader may not know.
  assert.equal(cell("cost", known, null, "en"), "100");
  assert.equal(cell("visits", { visits: 12_345 }, "EUR", "en"), "12,345");
  assert.equal(cell("roi", known, "EUR", "en"), "+50%");
  assert.equal(percent(-1, "en"), "-100%");
  assert.equal(percent(0, "en"), "0%");
  for (const none of [undefined, null, Number.NaN]) assert.equal(cell("cost", { cost: none }, "EUR", "es"), "");
});

test("kinds of leads that there were, the most first", () => {
  assert.deepEqual(kindsOf({ leads_by_kind: { form: 1, callback: 3, call: 0, chat: 1 } }), [["callback", 3], ["chat", 1], ["form", 1]]);
  assert.deepEqual(kindsOf(undefined), []);
});

test("what brought most comes first, and days the newest", () => {
  const line = (campaign, leads, visits = 0, cost = null) => ({ key: { campaign }, values: { leads, visits, cost } });
  const order = (rows, by) => ranked(rows, by).map(({ key }) => key.campaign ?? key.day);
  assert.deepEqual(order([line("a", 0, 9), line("b", 2), line("c", 0, 9, 500), line("d", 3)], "campaign"), ["d", "b", "c", "a"]);
  assert.deepEqual(order([{ key: { day: "2026-11-24" }, values: { leads: 9 } }, { key: { day: "2026-11-25" }, values: {} }], "day"), ["2026-11-25", "2026-11-24"]);
  assert.deepEqual(ranked(undefined, "day"), []);
  assert.equal(groupBy("campaign"), "channel,source,campaign");
  assert.equal(groupBy("day"), "day");
});

test("the address of the campaigns, and of the leads behind a line", () => {
  for (const by of CAMPAIGN_DIMENSIONS) assert.deepEqual(parse(campaignsHash({ by, days: 90 })), { view: "campaigns", by, days: 90 });
  assert.deepEqual(parse("#/campaigns?by=cta"), { view: "campaigns", by: "campaign", days: 30 });
  const explain = "/api/v1/sites/demo/leads?since=5&until=9&touch=last_non_direct&counted=true&channel=email&campaign=a%26b&token=x";
  const { view, filter } = parse(explainedHash(explain));
  assert.equal(view, "leads");
  assert.deepEqual(filter, { channel: "email", campaign: "a&b", touch: "last_non_direct", counted: "true", since: "5", until: "9" });
  assert.deepEqual(handed(filter), [["channel", "email"], ["campaign", "a&b"]]);
  assert.deepEqual(kept({ ...filter, stage: "mql" }), filter);
  assert.equal(explainedHash(undefined), null);
});

test("every column, choice and reason has its words in both languages", () => {
  for (const lang of Object.keys(LANGUAGES)) {
    const t = translator(lang);
    for (const name of [...COLUMNS, ...["no_cost", "no_leads", "free", "not_told"].map((why) => `why_${why}`)]) assert.ok(t.has(`campaigns.${name}`), `${lang}: ${name}`);
    for (const by of CAMPAIGN_DIMENSIONS) assert.ok(t.has(`counters.by_${by}`), `${lang}: ${by}`);
  }
});
