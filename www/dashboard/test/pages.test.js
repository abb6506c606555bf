// What a strict Content-Security-Policy and a careful reader expect of the files themselves.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { safeHref } from "../js/dom.js";
import { problemText, snippets, tally } from "../js/installed.js";
import { leadHash, leadsHash, parse } from "../js/route.js";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const scripts = readdirSync(new URL("../js/", import.meta.url)).map((name) => [name, read(`../js/${name}`)]);

test("no script turns text into markup or code", () => {
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextualFragment|DOMParser/;
  for (const [name, source] of scripts) assert.doesNotMatch(source, forbidden, name);
});

test("no page or script needs inline code, inline style or another host", () => {
  const html = read("../index.html");
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/i);
  const hosts = [html, read("../dashboard.css"), ...scripts.map(([, source]) => source)]
    .flatMap((text) => text.match(/https?:\/\/[^\s"'`)]+/g) ?? [])
    .filter((url) => !/^http:\/\/(www\.w3\.org|x\.invalid)/.test(url));
  assert.deepEqual(hosts, []);
  assert.doesNotMatch(read("../dashboard.css"), /@import|url\(/);
});

test("every module that is imported exists", () => {
  const names = new Set(scripts.map(([name]) => name));
  for (const [name, source] of scripts) {
    for (const [, target] of source.matchAll(/from "\.\/([^"]+)"/g)) assert.ok(names.has(target), `${name}: ${target}`);
  }
});

test("only harmless addresses become links", () => {
  for (const good of ["#/leads", "tel:+34600000000", "mailto:ana@example.com", "https://example.org/"]) {
    assert.equal(safeHref(good), good);
  }
  for (const bad of ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "mailto:a@example.com?bcc=b", "//x", "tel:1;x"]) {
    assert.equal(safeHref(bad), null);
  }
});

test("addresses are read and written alike", () => {
  assert.deepEqual(parse("#/leads?stage=mql&kind=form&x=1"), { view: "leads", filter: { stage: "mql", kind: "form" } });
  assert.deepEqual(parse(leadsHash({ stage: "a b", kind: "" })), { view: "leads", filter: { stage: "a b" } });
  assert.equal(leadsHash(), "#/leads");
  for (const id of ["l_1", "ext:a/b?c", "100%"]) assert.deepEqual(parse(leadHash(id)), { view: "lead", id });
  for (const view of ["queue", "install", "conflicts", "handover"]) assert.deepEqual(parse(`#/${view}`), { view });
  for (const other of ["", "#", "#/nowhere", undefined]) assert.deepEqual(parse(other), { view: "leads", filter: {} });
  assert.deepEqual(parse("#/leads/%"), { view: "lead", id: "%" });
});

test("the install answer in each of its shapes", () => {
  assert.deepEqual(snippets({ snippet: "<script>", guard: null }), [{ name: "tag", text: "<script>" }]);
  assert.deepEqual(snippets({ snippet: "a", guard: "b", guard_csp: "c" }), [
    { name: "tag", text: "a" },
    { name: "guard", text: "b" },
    { name: "csp", text: "c" },
  ]);
  assert.deepEqual(snippets({}), []);
  assert.deepEqual(tally({ "a.example.com": 2, "b.example.com": 9 }), [
    ["b.example.com", 9],
    ["a.example.com", 2],
  ]);
  assert.deepEqual(tally(["a.example.com", { host: "b.example.com", count: 1 }]), [
    ["b.example.com", 1],
    ["a.example.com", null],
  ]);
  assert.deepEqual(tally(undefined), []);
  assert.equal(problemText("plain"), "plain");
  assert.equal(problemText({ title: "A", detail: "b" }), "A: b");
  assert.equal(problemText({ code: "csp" }), "csp");
  assert.equal(problemText(null), "null");
});
