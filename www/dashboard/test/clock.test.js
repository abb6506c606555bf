import assert from "node:assert/strict";
import { test } from "node:test";
import { aheadOf } from "../js/api.js";
import { clockOf, factors, heldWords } from "../js/clock.js";
import { translator } from "../js/i18n.js";

const en = translator("en");
const NOW = 1_700_000_000_000;
const running = (left) => ({ state: "running", target_s: 60, started_at: NOW + left - 60_000, due_at: NOW + left });

test("a clock counts down, warns, and runs on past its time", () => {
  assert.deepEqual(clockOf(running(42_000), NOW, en), { tone: "wait", text: "42 s left" });
  assert.deepEqual(clockOf(running(9_000), NOW, en), { tone: "late", text: "9 s left" });
  assert.deepEqual(clockOf(running(0), NOW, en), { tone: "bad", text: "0 s late" });
  assert.deepEqual(clockOf(running(-75_000), NOW, en), { tone: "bad", text: "1 min 15 s late" });
});

test("a clock that stands still over night says until when", () => {
  assert.match(clockOf(running(11 * 3_600_000), NOW, en).text, /^Until /);
});

test("a clock that was stopped says how soon, or how late", () => {
  assert.deepEqual(clockOf({ state: "met", first_attempt_s: 12 }, NOW, en), { tone: "good", text: "Tried within 12 s" });
  const late = { state: "breached", target_s: 60, started_at: NOW, due_at: NOW + 60_000, first_attempt_s: 90 };
  assert.deepEqual(clockOf(late, NOW + 999_000, en), { tone: "bad", text: "Tried 30 s late" });
});

test("where nothing was promised no clock runs", () => {
  assert.equal(clockOf({ state: "none", due_at: null }, NOW, en), null);
  assert.equal(clockOf(undefined, NOW, en), null);
});

test("factors that change nothing are left out, save the kind's", () => {
  assert.deepEqual(factors({ kind: 1, score: 1, freshness: 0.5, urgency: 1, attempts: 1 }), [["kind", 1], ["freshness", 0.5]]);
});

test("who is held back is told, the most first, and nobody else", () => {
  assert.deepEqual(heldWords({ no_phone: 1, tried_lately: 3, duplicate: 0 }, en), ["3 tried a moment ago", "1 without a phone"]);
  assert.deepEqual(heldWords(undefined, en), []);
});

test("a computer's clock that is minutes off is known by the server's answers; less than two seconds are none", () => {
  assert.equal(aheadOf(new Date(NOW + 120_000).toUTCString(), NOW), 120_500);
  assert.equal(aheadOf(new Date(NOW).toUTCString(), NOW + 900), 0);
  assert.equal(aheadOf(null, NOW), 0);
});
