// docs/traza.d.ts says what the tag takes: by the compiler's own word, on the lines that the docs show to copy, on each
// call of the docs' table, and on calls that are none.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const read = (name) => readFileSync(here(`../../docs/${name}`), "utf8");
const COMPILER = here("../node_modules/typescript/bin/tsc");

// What the banners put into the page, as far as the recipes ask it.
const BANNERS = `
  declare var Cookiebot: { consent: { statistics: boolean } };
  declare var OneTrust: { IsAlertBoxClosed(): boolean };
  declare var OnetrustActiveGroups: string;
  declare var email: string;
  interface DocumentEventMap {
    cmplz_fire_categories: CustomEvent<{ categories?: string[] }>;
    cmplz_status_change: CustomEvent<{ category: string; value: string }>;
    cookieyes_consent_update: CustomEvent<{ accepted: string[]; rejected: string[] }>;
  }`;

/** What the compiler has to say about sources, each for itself: `{ name: [fault] }` of `{ name: text }`. */
function faults(sources, { strict, kind }) {
  const folder = mkdtempSync(join(tmpdir(), "traza-types-"));
  try {
    mkdirSync(join(folder, "src"));
    writeFileSync(join(folder, "src", "traza.d.ts"), read("traza.d.ts"));
    writeFileSync(join(folder, "src", "banners.d.ts"), BANNERS);
    // A block keeps what a source declares from the others.
    for (const [name, text] of Object.entries(sources)) writeFileSync(join(folder, "src", `${name}.${kind}`), `{\n${text}\n}\n`);
    const lib = ["es2020", "dom", "dom.iterable"];
    const compilerOptions = { strict, lib, types: [], noEmit: true, allowJs: true, checkJs: true, target: "es2020", module: "esnext" };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
    const { status, stdout, stderr } = spawnSync(process.execPath, [COMPILER, "-p", folder, "--pretty", "false"], { encoding: "utf8" });
    assert.equal(stderr, "");
    const found = {};
    for (const [, name, fault] of stdout.matchAll(/([\w.]+)\.(?:d\.)?\w+\(\d+,\d+\): error (.*)/g)) (found[name] ??= []).push(fault);
    assert.equal(status === 0, Object.keys(found).length === 0, stdout);
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("the lines that the docs show to copy are what the types allow", () => {
  const lines = {};
  for (const docs of ["recipes.md", "tracker.md"]) {
    for (const [at, [, language, block]] of [...read(docs).matchAll(/```(\w+)\n([\s\S]*?)```/g)].entries()) {
      const scripts = language === "html" ? [...block.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, code]) => code) : [];
      if (language === "js") scripts.push(block);
      scripts.forEach((code, nth) => (lines[`${docs.replace(".md", "")}_${at}_${nth}`] = code));
    }
  }
  assert.ok(Object.keys(lines).length >= 7, Object.keys(lines).join());
  assert.deepEqual(faults(lines, { strict: false, kind: "js" }), {});
});

test("each call of the docs' table has a type", () => {
  const verbs = [...read("tracker.md").matchAll(/^\| `traza\("(\w+)"/gm)].map(([, verb]) => verb);
  const calls = {
    track: `traza("track", "presupuesto"); traza("track", "presupuesto", { paso: 2, gas: true, zona: "norte" });`,
    lead: `traza("lead", { kind: "callback", form: "chat", name: "Ana", email: "ana@example.com", phone: "+34 600 000 000",
      magnet: "folleto", fields: { zona: "norte", metros: 90 }, consent: { text_version: "3", purposes: ["contact"] } });
      traza("lead", { email: "ana@example.com", consent: { purposes: "contact" } });`,
    identify: `traza("identify", { email: "ana@example.com" }); traza("identify", { phone: "+34600000000", user_id: "7" });`,
    consent: `traza("consent", "full"); traza("consent", "anonymous"); traza("consent", "off");`,
    debug: `traza("debug");`,
  };
  assert.deepEqual(verbs.toSorted(), Object.keys(calls).toSorted());
  const late = `window.traza?.("track", "tarde"); window.traza?.q?.length;`;
  assert.deepEqual(faults({ ...calls, late }, { strict: true, kind: "ts" }), {});
});

test("what the tag would not understand has none", () => {
  const wrong = {
    verb: `traza("pageview");`,
    nameless: `traza("track");`,
    number: `traza("track", 7);`,
    deep: `traza("track", "presupuesto", { deep: { er: 1 } });`,
    none: `traza("track", "presupuesto", { none: null });`,
    lead: `traza("lead");`,
    kind: `traza("lead", { kind: "call" });`,
    mail: `traza("lead", { mail: "ana@example.com" });`,
    field: `traza("lead", { email: "ana@example.com", fields: { when: new Date() } });`,
    agreed: `traza("lead", { email: "ana@example.com", consent: true });`,
    person: `traza("identify", "ana@example.com");`,
    id: `traza("identify", { id: "7" });`,
    choice: `traza("consent");`,
    granted: `traza("consent", "granted");`,
    debug: `traza("debug", true);`,
    early: `window.traza("track", "before it is there");`,
  };
  const found = faults(wrong, { strict: true, kind: "ts" });
  assert.deepEqual(Object.keys(found).toSorted(), Object.keys(wrong).toSorted());
});
