import assert from "node:assert/strict";
import { test } from "node:test";
import { attemptWords, deliveriesCard, toneOf } from "../js/deliveries.js";
import { translator } from "../js/i18n.js";

const es = translator("es");

test("an attempt says its status, why it came to nothing, and how long it took", () => {
  assert.equal(attemptWords({ status: 200, ms: 35 }, es), "200 · 35 ms");
  assert.equal(attemptWords({ status: 500, reason: "status", ms: 8 }, es), "500 · 8 ms");
  assert.equal(attemptWords({ status: 200, reason: "answer", ms: 8 }, es), "200 la respuesta no es la esperada · 8 ms");
  assert.equal(attemptWords({ status: null, reason: "timeout", ms: 15_000 }, es), "no contesta a tiempo · 15000 ms");
  assert.equal(attemptWords({ status: null, reason: "no_consent", ms: 0 }, es), "no consiente que se le contacte");
});

test("what waits is told from what was tried and waits", () => {
  assert.deepEqual(
    [{ state: "delivered" }, { state: "given_up" }, { state: "dropped" }, { state: "pending", attempts: 0 }, { state: "pending", attempts: 2 }].map(toneOf),
    ["good", "bad", "off", "wait", "late"],
  );
});

test("nobody told, no card", () => {
  assert.equal(deliveriesCard([], es), null);
  assert.equal(deliveriesCard(undefined, es), null);
});
