// Amounts as people write them, and ids of records.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decimals, minorUnits, recordId } from "../js/record.js";

test("amounts as people of either language write them", () => {
  const amounts = [
    ["1.234,5", "EUR", 123_450],
    ["1,234.50", "EUR", 123_450],
    ["1234 €", "EUR", 123_400],
    ["1\u00a0234,56", "EUR", 123_456],
    ["1.234", "EUR", 123_400],
    ["12,34", "EUR", 1234],
    ["1.234.567,89", "EUR", 123_456_789],
    ["1,234,567.8", "EUR", 123_456_780],
    ["500", "JPY", 500],
    ["1.500", "JPY", 1500],
    ["1,234", "KWD", 1234],
  ];
  for (const [text, currency, minor] of amounts) assert.equal(minorUnits(text, currency), minor, `${text} ${currency}`);
});

test("what is no amount is none, rather than another one", () => {
  for (const text of ["", "0", "0,00", "-5", "abc", "1.234.50", "1,234.567,8", "1234.567", "1234,567", "12,3456", "1..2", "1e3", "99999999999999999"]) {
    assert.equal(minorUnits(text, "EUR"), null, text);
  }
  assert.equal(minorUnits("1,5", "JPY"), null);
  for (const code of ["", "X", "EURO", "€"]) assert.equal(minorUnits("5", code), null, code);
  assert.deepEqual(["EUR", "JPY", "KWD", "?"].map(decimals), [2, 0, 3, null]);
});

test("an id of a record is its own, and can be sent", () => {
  assert.equal(recordId(new Uint8Array([0, 255])), "dashboard-00ff");
  assert.match(recordId(), /^dashboard-[0-9a-f]{32}$/);
  assert.notEqual(recordId(), recordId());
});
