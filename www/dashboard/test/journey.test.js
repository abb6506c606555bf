import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { translator } from "../js/i18n.js";
import { hasDrawing } from "../js/icons.js";
import { details, evidenceText, groupByVisit, kindOf, ownEvidence, sentence, tone, visitOf } from "../js/journey.js";

const es = translator("es");
const en = translator("en");

test("items that follow each other in one visit are one group; an interrupted visit keeps its number", () => {
  const items = [
    { kind: "page_view", visit: "a", touch: { channel: "email" } },
    { kind: "page_leave", visit: "a", engaged_ms: 4000 },
    { kind: "stage" },
    { kind: "page_view", visit: "a" },
    { kind: "page_view", visit: "b" },
  ];
  const groups = groupByVisit(items);
  assert.deepEqual(
    groups.map(({ visit, number, again, pages }) => [visit, number, again, pages]),
    [
      ["a", 1, false, 1],
      [null, null, false, 0],
      ["a", 1, true, 1],
      ["b", 2, false, 1],
    ],
  );
  assert.equal(groups[0].engaged_ms, 4000);
  assert.deepEqual(groups[0].touch, { channel: "email" });
  assert.deepEqual(groups.flatMap((group) => group.items), items);
  assert.deepEqual(groupByVisit([]), []);
});

test("a page is known by the name that it settled on", () => {
  const [{ items }] = groupByVisit([
    { kind: "page_view", page: "p", title: "App" },
    { kind: "page_view", page: "q", title: "App" },
    { kind: "page_leave", page: "p", title: "Precios" },
    { kind: "page_leave", page: "q" },
  ]);
  assert.deepEqual(items.map(({ title }) => title), ["Precios", "App", "Precios", undefined]);
});

test("a visit may be an id or an object with one", () => {
  assert.equal(visitOf({ visit: { id: "v" } }), "v");
  assert.equal(visitOf({ visit: 7 }), "7");
  assert.equal(visitOf({ visit: {} }), null);
  assert.equal(visitOf({}), null);
});

test("evidence that most items share is said once, others beside their item", () => {
  const items = [
    { visit: "a", evidence: { kind: "same_visitor" } },
    { visit: "a", evidence: { kind: "same_visitor" } },
    { visit: "a", evidence: { kind: "email" } },
    { visit: "a" },
  ];
  const [group] = groupByVisit(items);
  assert.deepEqual(group.evidence, { kind: "same_visitor" });
  assert.deepEqual(items.map((item) => ownEvidence(item, group)), [null, null, { kind: "email" }, null]);
  const [single] = groupByVisit([{ visit: "a", evidence: "email" }]);
  assert.equal(single.evidence, null);
  assert.equal(ownEvidence(single.items[0], single), "email");
});

test("sentences, with everything and with nothing", () => {
  const cases = [
    [{ kind: "page_view", title: "Precios", url: "https://a.example.com/p" }, "Vio «Precios»"],
    [{ kind: "page_view", url: "https://a.example.com/p?x=1" }, "Vio /p"],
    [{ kind: "page_view" }, "Vio /"],
    [{ kind: "page_leave", engaged_ms: 61_000, scroll_pct: 0 }, "Dejó la página tras 1 min 1 s de atención; vio el 0 %"],
    [{ kind: "page_leave", engaged_ms: 5000 }, "Dejó la página tras 5 s de atención"],
    [{ kind: "page_leave" }, "Dejó la página"],
    [{ kind: "call_click", number: "+34900111001" }, "Pulsó para llamar al +34 900 111 001"],
    [{ kind: "call_click" }, "Pulsó para llamar"],
    [{ kind: "chat_click", app: "whatsapp", to: "+34600000000" }, "Abrió WhatsApp para escribir a +34 600 000 000"],
    [{ kind: "chat_click" }, "Abrió un chat"],
    [{ kind: "form_submit", form: "callback" }, "Envió el formulario «callback»"],
    [{ kind: "form_submit" }, "Envió el formulario «sin nombre»"],
    [{ kind: "form_error", form: "callback", field: "telefono" }, "Tuvo un error en «callback», en el campo «telefono»"],
    [{ kind: "custom", name: "rage_click", props: { target: "a#x" } }, "Hizo clic una y otra vez en «a#x»"],
    [{ kind: "custom", name: "dead_click", props: { target: "a#x" } }, "Hizo clic en «a#x» y no pasó nada"],
    [{ kind: "custom", name: "dead_click" }, "dead_click"],
    [{ kind: "custom", name: "video" }, "video"],
    [{ kind: "outbound_click", href: "https://www.example.org/a" }, "Salió hacia example.org"],
    [{ kind: "download", href: "https://a.example.com/folleto.pdf" }, "Descargó folleto.pdf"],
    [{ kind: "stage", stage: "mql" }, "Pasó a «MQL»"],
    [{ kind: "stage_changed", to: "demo_booked" }, "Pasó a «Demo booked»"],
    [{ kind: "sale", amount: -500, currency: "EUR" }, /^Devolución de 5,00/],
    [{ kind: "attempt", outcome: "no_answer" }, "Se intentó contactar: no contesta"],
    [{ kind: "lead", external_id: "crm-1" }, "Lo anotó otro sistema"],
    [{ kind: "flag", flag: "spam" }, "Se marcó: Spam"],
    [{ kind: "flag" }, "Se le quitó la marca"],
    [{ kind: "email_opened", props: { message: "otoño-1" } }, "Abrió el correo «otoño-1»"],
    [{ kind: "email_opened" }, "Abrió un correo"],
    [{ kind: "email_clicked", props: { message: "otoño-1", link: "oferta" } }, "Pulsó «oferta» en el correo «otoño-1»"],
    [{ kind: "email_clicked", props: { message: "otoño-1" } }, "Pulsó en un correo"],
    [{ kind: "survey_response", props: { score: 0 } }, "Respondió a una encuesta: 0 de 10"],
    [{ kind: "custom", props: { name: "feria" } }, "feria"],
    [{ kind: "kind_of_tomorrow" }, "Kind of tomorrow"],
    [{}, "?"],
  ];
  for (const [item, text] of cases) {
    if (text instanceof RegExp) assert.match(sentence(item, es), text);
    else assert.equal(sentence(item, es), text);
  }
});

test("every kind that the wire knows has a sentence in both languages, and a drawing", () => {
  const source = readFileSync(new URL("../../../tracker-wasm/wire/src/event.rs", import.meta.url), "utf8");
  const kinds = [...source.matchAll(/Self::\w+ => "([a-z_]+)"/g)].map((match) => match[1]);
  assert.ok(kinds.length >= 22, `only ${kinds.length} kinds found`);
  for (const kind of kinds) {
    assert.ok(hasDrawing(kind), `no drawing for ${kind}`);
    for (const t of [es, en]) {
      assert.ok(t.has(`did.${kind}`), `${t.lang}: no sentence for ${kind}`);
      const text = sentence({ kind }, t);
      assert.ok(text !== "" && !/[{}]|undefined|NaN|null/.test(text), `${t.lang} ${kind}: ${text}`);
    }
  }
});

test("details: path, button, properties, who and why", () => {
  assert.deepEqual(details({ kind: "page_view", title: "T", url: "https://a.example.com/p" }, es), ["/p"]);
  assert.deepEqual(details({ kind: "page_view", url: "https://a.example.com/p" }, es), []);
  assert.deepEqual(details({ kind: "call_click", cta: "hero" }, es), ["Botón: hero"]);
  assert.deepEqual(details({ kind: "cta_click", cta: "hero" }, es), []);
  assert.deepEqual(details({ kind: "custom", props: { a: 1, b: true } }, es), ["a: 1", "b: true"]);
  assert.deepEqual(details({ kind: "stage", by: "Sara", reason: "pide re-visita" }, es), ["por Sara", "pide re-visita"]);
  assert.deepEqual(details({ kind: "stage", reason: "no_consent" }, en), ["The visitor chose not to be measured"]);
});

test("what happened elsewhere: its properties, what was written, how far it is to be trusted", () => {
  const survey = { kind: "survey_response", props: { score: 9, comment: "muy bien", agent: "Eva" } };
  assert.deepEqual(details(survey, es), ["score: 9", "muy bien", "por Eva"]);
  const opened = { kind: "email_opened", trust: "low", props: {} };
  assert.deepEqual(details(opened, en), ["little proof: many mail programs open by themselves"]);
});

test("every kind of what happened elsewhere has a sentence in both languages, and a drawing", () => {
  const source = readFileSync(new URL("../../../collector/src/domain/activity.rs", import.meta.url), "utf8");
  const kinds = [...source.matchAll(/Self::\w+ => "([a-z_]+)"/g)].map((match) => match[1]);
  assert.equal(kinds.length, 9, kinds.join());
  for (const kind of kinds) {
    assert.ok(hasDrawing(kind), `no drawing for ${kind}`);
    for (const t of [es, en]) assert.ok(t.has(`did.${kind}`), `${t.lang}: no sentence for ${kind}`);
  }
});

test("evidence: code, object, list or nothing", () => {
  assert.equal(evidenceText("same_visitor", es), "mismo navegador");
  assert.equal(evidenceText({ kind: "submission", at: 5, more: {} }, en), "left their details here · at: 5");
  assert.equal(evidenceText(["record", "brand_new"], en), "recorded about this lead + Brand new");
  for (const none of [undefined, null, "", [], {}]) assert.equal(evidenceText(none, es), "");
});

test("what stands out", () => {
  assert.equal(tone({ kind: "form_submit" }), "good");
  assert.equal(tone({ kind: "call_click" }), "act");
  assert.equal(tone({ kind: "form_abandon" }), "bad");
  assert.equal(tone({ kind: "whatever" }), "quiet");
  assert.equal(kindOf({ kind: "lead_created" }), "lead");
});
