import assert from "node:assert/strict";
import { test } from "node:test";
import { appendPage, EMPTY, mergeFirstPage } from "../js/list.js";

const lead = (n, extra = {}) => ({ id: `l${n}`, created_at: n, ...extra });
const page = (numbers, next) => ({ items: numbers.map((n) => lead(n)), next });
const ids = (list) => list.items.map((item) => item.created_at);

test("the first read is the list", () => {
  const { list, fresh } = mergeFirstPage(EMPTY, page([5, 4, 3], "c3"));
  assert.deepEqual(ids(list), [5, 4, 3]);
  assert.equal(list.next, "c3");
  assert.deepEqual(fresh, ["l5", "l4", "l3"]);
});

test("new leads come on top of everything that was loaded, and the older cursor stays", () => {
  let list = appendPage(page([5, 4, 3], "c3"), page([2, 1], null));
  assert.equal(list.next, null);
  const merged = mergeFirstPage(list, page([6, 5, 4], "c4"));
  list = merged.list;
  assert.deepEqual(ids(list), [6, 5, 4, 3, 2, 1]);
  assert.deepEqual(merged.fresh, ["l6"]);
  assert.equal(list.next, null);
});

test("what left the first page's span (a filter no longer matches) is gone, what lies beyond stays", () => {
  const { list } = mergeFirstPage(page([6, 5, 4, 3, 2], "c2"), page([6, 4, 3], "c3"));
  assert.deepEqual(ids(list), [6, 4, 3, 2]);
  assert.equal(list.next, "c2");
});

test("a page without a next is the whole truth", () => {
  const { list } = mergeFirstPage(page([6, 5, 4], "c4"), page([6], null));
  assert.deepEqual(ids(list), [6]);
  assert.equal(list.next, null);
  assert.deepEqual(ids(mergeFirstPage(page([6], null), page([], null)).list), []);
});

test("more news than a page holds leaves no gap: the old is dropped and can be loaded again", () => {
  const { list } = mergeFirstPage(page([3, 2, 1], null), page([9, 8, 7], "c7"));
  assert.deepEqual(ids(list), [9, 8, 7]);
  assert.equal(list.next, "c7");
});

test("with nothing beyond it, the page's own cursor goes on", () => {
  const { list } = mergeFirstPage(page([5, 4, 3], "old"), page([5, 4, 3], "new"));
  assert.equal(list.next, "new");
});

test("a changed lead is replaced by its new self", () => {
  const { list, fresh } = mergeFirstPage(page([2, 1], "c"), { items: [lead(2, { stage: "sql" }), lead(1)], next: "c" });
  assert.equal(list.items[0].stage, "sql");
  assert.deepEqual(fresh, []);
});

test("an item on two pages is shown once", () => {
  assert.deepEqual(ids(appendPage(page([3, 2], "c"), page([2, 1], null))), [3, 2, 1]);
});
