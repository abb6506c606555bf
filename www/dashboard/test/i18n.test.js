import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import en from "../js/en.js";
import es from "../js/es.js";
import { fill, humanise, LANGUAGES, pickLanguage, translator } from "../js/i18n.js";

const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

test("both languages have the same keys, in the same order", () => {
  assert.deepEqual(Object.keys(en), Object.keys(es));
});

test("no key stands twice", () => {
  for (const lang of Object.keys(LANGUAGES)) {
    const source = ["", "-calls"].map((part) => readFileSync(new URL(`../js/${lang}${part}.js`, import.meta.url), "utf8")).join("");
    const keys = [...source.matchAll(/^  "([^"]+)":/gm)].map(([, key]) => key);
    assert.equal(keys.length, Object.keys(LANGUAGES[lang]).length, lang);
  }
});

test("no text is empty, and both have the same parameters", () => {
  for (const key of Object.keys(es)) {
    for (const [lang, table] of Object.entries(LANGUAGES)) assert.ok(table[key].trim() !== "", `${lang} ${key}`);
    assert.deepEqual(placeholders(en[key]), placeholders(es[key]), key);
  }
});

test("every key that the code names literally exists", () => {
  const folder = new URL("../js/", import.meta.url);
  const missing = [];
  let found = 0;
  for (const file of readdirSync(folder)) {
    const source = readFileSync(new URL(file, folder), "utf8");
    for (const [, key] of source.matchAll(/\bt\(\s*"([a-z_.]+)"/g)) {
      found += 1;
      if (!(key in es) && !(`${key}.other` in es)) missing.push(`${file}: ${key}`);
    }
  }
  assert.ok(found > 50, `only ${found} keys found: the search is broken`);
  assert.deepEqual(missing, []);
});

test("plurals choose by the language's own rule", () => {
  const t = translator("es");
  assert.equal(t("journey.pages", { count: 1 }), "1 página");
  assert.equal(t("journey.pages", { count: 3 }), "3 páginas");
  assert.equal(translator("en")("journey.pages", { count: 0 }), "0 pages");
  // Spanish has a further form for millions; a table without it falls back to the general one.
  assert.equal(t("journey.pages", { count: 1_000_000 }), "1000000 páginas");
});

test("known values are named, unknown ones made readable, absent ones nothing", () => {
  const t = translator("es");
  assert.equal(t.label("channel", "paid_search"), "Búsqueda de pago");
  assert.equal(t.label("channel", "carrier_pigeon"), "Carrier pigeon");
  assert.equal(t.label("stage", undefined), "");
  assert.equal(t.label("stage", "constructor"), "Constructor");
  assert.equal(humanise("won-back"), "Won back");
});

test("a missing key or parameter stays visible", () => {
  assert.equal(translator("es")("no.such.key"), "no.such.key");
  assert.equal(translator("es")("no.such.key", { count: 2 }), "no.such.key");
  assert.equal(fill("{a} {b}", { a: 0 }), "0 {b}");
});

test("a parameter is inserted as it is, never read as a pattern", () => {
  assert.equal(fill("«{x}»", { x: "$& {x} <b>" }), "«$& {x} <b>»");
});

test("the language: remembered, then preferred, then Spanish", () => {
  assert.equal(pickLanguage("en", ["es"]), "en");
  assert.equal(pickLanguage(null, ["fr-FR", "en-GB", "es"]), "en");
  assert.equal(pickLanguage("xx", ["es-MX"]), "es");
  assert.equal(pickLanguage("toString", ["fr"]), "es");
  assert.equal(pickLanguage(null, undefined), "es");
});
