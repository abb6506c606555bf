import assert from "node:assert/strict";
import { test } from "node:test";
import * as format from "../js/format.js";

const AT = Date.UTC(2026, 0, 5, 13, 5, 9);

test("times are read from numbers and RFC 3339, and nothing else", () => {
  assert.equal(format.toMs(AT), AT);
  assert.equal(format.toMs("2026-01-05T13:05:09Z"), AT);
  for (const wrong of [undefined, null, "", "soon", Number.NaN, Infinity, {}]) assert.equal(format.toMs(wrong), null);
});

test("times are written in the zone and language asked for", () => {
  assert.equal(format.clock(AT, "es", "Europe/Madrid"), "14:05:09");
  assert.equal(format.clock(AT, "en", "UTC"), "13:05:09");
  assert.equal(format.day(AT, "es", "Europe/Madrid"), "lunes, 5 de enero de 2026");
  assert.equal(format.day(AT, "en", "UTC"), "Monday, January 5, 2026");
  assert.match(format.dateTime(AT, "es", "Europe/Madrid"), /5 ene 2026.*14:05/);
  assert.equal(format.iso(AT), "2026-01-05T13:05:09.000Z");
});

test("a time that no calendar holds is nothing, not an error", () => {
  for (const wrong of [9e15, -9e15, null]) {
    assert.equal(format.clock(wrong, "es"), "");
    assert.equal(format.iso(wrong), "");
  }
});

test("midnight is 00, never 24", () => {
  assert.equal(format.clock(Date.UTC(2026, 0, 5), "es", "UTC"), "00:00:00");
  assert.equal(format.clock(Date.UTC(2026, 0, 5), "en", "UTC"), "00:00:00");
});

test("how long ago, in the unit that fits, the date from a week on", () => {
  const ago = (ms, lang = "es") => format.ago(AT - ms, AT, lang, "UTC");
  assert.equal(ago(0), "ahora");
  assert.equal(ago(20_000), "hace 20 segundos");
  assert.equal(ago(90_000), "hace 1 minuto");
  assert.equal(ago(3 * 3_600_000, "en"), "3 hours ago");
  assert.equal(ago(86_400_000, "en"), "yesterday");
  assert.match(ago(8 * 86_400_000, "en"), /Dec 28, 2025/);
  assert.equal(format.ago(null, AT, "es"), "");
});

test("durations", () => {
  const cases = [
    [0, "0 s"],
    [8_400, "8 s"],
    [59_700, "1 min"],
    [80_000, "1 min 20 s"],
    [3_600_000, "1 h"],
    [7_500_000, "2 h 5 min"],
    [-1, ""],
    [undefined, ""],
    [Number.NaN, ""],
  ];
  for (const [ms, text] of cases) assert.equal(format.duration(ms), text);
});

test("money counts the decimals of its currency", () => {
  assert.equal(format.money(123_456, "EUR", "en"), "€1,234.56");
  assert.equal(format.money(500, "JPY", "en"), "¥500");
  assert.equal(format.money(500, "not a currency", "en"), "500 not a currency");
  assert.equal(format.money(undefined, "EUR", "en"), "");
});

test("paths and hosts of URLs, whole or broken", () => {
  assert.equal(format.path("https://solar.example.com/demo/precios.html?utm_source=x#a"), "/demo/precios.html");
  assert.equal(format.path("https://solar.example.com/espa%C3%B1a"), "/españa");
  assert.equal(format.path("https://solar.example.com/%E0%A4%A"), "https://solar.example.com/%E0%A4%A");
  assert.equal(format.path(undefined), "");
  assert.equal(format.host("https://www.example.org/x"), "example.org");
  assert.equal(format.host("nowhere"), "");
});

test("a touch in a line: source and campaign, else the referrer's host", () => {
  assert.equal(format.touchLine({ source: "google", campaign: "enero" }), "google · enero");
  assert.equal(format.touchLine({ source: null, referrer: "https://www.example.org/a" }), "example.org");
  assert.equal(format.touchLine({ channel: "direct" }), "");
  assert.equal(format.touchLine(undefined), "");
});

test("phones", () => {
  assert.equal(format.phone("+34900111001"), "+34 900 111 001");
  assert.equal(format.phone("+4915100000000"), "+4915100000000");
  assert.equal(format.phone(null), "");
  assert.ok(format.sameNumber("600 000 000", "+34600000000"));
  assert.ok(format.sameNumber("0034 600-000-000", "+34600000000"));
  assert.ok(!format.sameNumber("12", "+34600000012"));
  assert.ok(!format.sameNumber("600 000 001", "+34600000000"));
  assert.ok(!format.sameNumber("600 000 000", undefined));
});
