// Who is who in words, in both languages.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { translator } from "../js/i18n.js";
import { hasDrawing } from "../js/icons.js";
import { deviceText, groupByVisit } from "../js/journey.js";
import {
  browserLetters,
  conflictText,
  edgeSentence,
  edgeState,
  identifierText,
  leadsByPerson,
  letter,
  lettersByEdge,
  otherLeads,
  personMark,
} from "../js/people.js";
import { CONFLICTS, parse } from "../js/route.js";

const es = translator("es");
const en = translator("en");

/** The names of an enum's variants as they travel, from the collector's own source. */
function variants(path, name) {
  const source = readFileSync(new URL(`../../../collector/src/domain/${path}`, import.meta.url), "utf8");
  const body = source.match(new RegExp(`pub enum ${name} \\{([^}]*)\\}`))[1];
  return [...body.matchAll(/^\s+([A-Z]\w*),/gm)].map(([, one]) => one.replace(/(?<=.)[A-Z]/g, (big) => `_${big}`).toLowerCase());
}

test("browsers have letters in the order that somebody came on them", () => {
  assert.deepEqual([0, 25, 26, 27, 701, 702].map(letter), ["A", "Z", "AA", "AB", "ZZ", "AAA"]);
  const visitors = [
    { visitor: "v2", epoch: 0, since: 20 },
    { visitor: "v1", epoch: 0, since: 30 },
    { visitor: "v3", epoch: 0, since: null },
    { visitor: "v2", epoch: 2, since: 40 },
  ];
  assert.deepEqual([...browserLetters({ visitors })], [["v2", "A"], ["v1", "B"], ["v3", "C"]]);
  assert.deepEqual([...browserLetters(undefined)], []);
});

test("evidence names the browser that it is about, and lends its letter to the journey", () => {
  const letters = new Map([["v1", "A"]]);
  const edges = [
    { id: "e_1", from: { visitor: "v1" }, to: { identifier: { kind: "email" } } },
    { id: "e_2", from: { visitor: "v9" }, to: {} },
    { id: "e_3", from: { lead: "l_1" }, to: {} },
  ];
  assert.deepEqual([...lettersByEdge(edges, letters)], [["e_1", "A"]]);
  assert.deepEqual([...lettersByEdge(undefined, letters)], []);
});

test("evidence as a sentence", () => {
  const letters = new Map([["v1", "A"]]);
  const to = { identifier: { kind: "phone", value: "+34600000000" } };
  const say = (edge, t) => edgeSentence({ to, from: { visitor: "v1" }, ...edge }, letters, t);
  assert.equal(say({ kind: "form" }, es), "En el navegador A se envió un formulario con: +34 600 000 000.");
  assert.equal(say({ kind: "form" }, en), "A form was sent in browser A with: +34 600 000 000.");
  assert.equal(say({ kind: "form", from: { visitor: "0193abcdef" } }, en), "A form was sent in browser …abcdef with: +34 600 000 000.");
  assert.equal(say({ kind: "record", from: { lead: "l_1" } }, es), "Un lead sin navegador conocido dio: +34 600 000 000.");
  assert.equal(say({ kind: "of_tomorrow" }, en), "Of tomorrow: browser A and +34 600 000 000.");
  // A role that may not know the value is told what it is, and never "undefined".
  const hidden = { to: { identifier: { kind: "email" } } };
  assert.equal(say({ kind: "identify", ...hidden }, es), "La web dijo que quien usaba el navegador A es: Correo.");
  assert.equal(identifierText({ kind: "user_id", value: "u-1" }, es), "u-1");
  assert.equal(identifierText(undefined, en), "Identifier");
});

test("every kind of evidence, every refusal and every tie that the collector knows has its words", () => {
  const kinds = variants("identity/mod.rs", "EdgeKind");
  const conflicts = variants("identity/person.rs", "Conflict");
  const ties = variants("journey.rs", "Evidence");
  assert.ok(kinds.length >= 4 && conflicts.length >= 4 && ties.length >= 8, "the search is broken");
  for (const t of [es, en]) {
    for (const kind of kinds) assert.ok(t.has(`edge.${kind}`), `${t.lang}: edge.${kind}`);
    for (const conflict of conflicts) assert.ok(t.has(`conflict.${conflict}`), `${t.lang}: conflict.${conflict}`);
    for (const tie of ties) assert.ok(t.has(`evidence.${tie}`), `${t.lang}: evidence.${tie}`);
  }
});

test("every kind of lead, mark, record and reason that the collector knows has its words", () => {
  const read = (path) => readFileSync(new URL(`../../../collector/src/domain/${path}`, import.meta.url), "utf8");
  const reasons = [...read("channel/reason.rs").matchAll(/pub const \w+: &str = "(\w+)"/g)].map(([, one]) => one);
  const records = [...read("record.rs").matchAll(/Self::\w+\(_\) => "(\w+)"/g)].map(([, one]) => one);
  const families = { flag: variants("event.rs", "Flag"), kind: variants("event.rs", "LeadKind"), outcome: variants("record.rs", "Outcome"), reason: reasons, did: records };
  for (const [family, names] of Object.entries(families)) {
    assert.ok(names.length >= 3, `${family}: the search is broken`);
    for (const t of [es, en]) for (const name of names) assert.ok(t.has(`${family}.${name}`), `${t.lang}: ${family}.${name}`);
  }
  for (const name of records) assert.ok(hasDrawing(name), `no drawing for ${name}`);
});

test("how evidence stands", () => {
  assert.equal(edgeState({ active: true }), "counts");
  assert.equal(edgeState({ active: true, conflict: "emails" }), "refused");
  assert.equal(edgeState({ active: false, conflict: "emails" }), "revoked");
  assert.equal(conflictText({ conflict: "user_ids" }, en), "It would be one person with two user ids.");
  assert.equal(conflictText({ active: true }, en), "");
});

test("a person's other leads, and how many of those shown are theirs", () => {
  const leads = [{ id: "a", created_at: 1 }, { id: "b", created_at: 3 }, { id: "c", created_at: 2 }];
  assert.deepEqual(otherLeads({ leads }, "c").map((one) => one.id), ["b", "a"]);
  assert.deepEqual(otherLeads(undefined, "c"), []);
  const counts = leadsByPerson([{ person: "p" }, { person: "q" }, { person: "p" }, {}]);
  assert.deepEqual([...counts], [["p", 2], ["q", 1]]);
  assert.equal(personMark("0193-4f-abc12"), "abc12");
  assert.equal(personMark(undefined), "");
});

test("a visit of another browser says so, and what somebody browsed with", () => {
  const device = { class: "mobile", browser: "Safari", os: "iOS" };
  const groups = groupByVisit([
    { visit: "a", evidence: "same_email", edge: "e_1", device },
    { visit: "a", evidence: "submission", edge: "e_1" },
    { visit: "b", evidence: "same_visitor" },
  ]);
  assert.deepEqual(groups.map(({ edge, device }) => [edge, device]), [["e_1", device], [null, null]]);
  assert.equal(deviceText(device, es), "Móvil · Safari · iOS");
  assert.equal(deviceText({ class: "unknown", browser: "Chrome", os: "unknown" }, en), "Chrome");
  assert.equal(deviceText(null, en), "");
});

test("the address of what does not fit", () => {
  assert.deepEqual(parse(CONFLICTS), { view: "conflicts" });
});
