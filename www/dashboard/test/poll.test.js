import assert from "node:assert/strict";
import { test } from "node:test";
import { nextDelay, poll } from "../js/poll.js";

/** A document that can be hidden and shown. */
class Doc extends EventTarget {
  hidden = false;
  turn(hidden) {
    this.hidden = hidden;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for a condition rather than for a guess of how long it takes on a busy machine. */
async function until(condition) {
  const end = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < end, `never happened: ${condition}`);
    await wait(2);
  }
}

test("errors in a row slow it down, to 30 s; Retry-After counts only after an error", () => {
  assert.equal(nextDelay(2000, 0, null), 2000);
  assert.equal(nextDelay(2000, 0, 60_000), 2000);
  assert.equal(nextDelay(2000, 2, null), 8000);
  assert.equal(nextDelay(2000, 50, null), 30_000);
  assert.equal(nextDelay(2000, 1, 60_000), 60_000);
});

test("reads again and again while visible, not while hidden, at once when shown", async () => {
  const doc = new Doc();
  let rounds = 0;
  const poller = poll({ doc, interval: 5, read: async () => void (rounds += 1), report: () => {} });
  await until(() => rounds >= 3);
  doc.turn(true);
  await wait(10);
  const before = rounds;
  await wait(40);
  assert.equal(rounds, before);
  doc.turn(false);
  assert.equal(rounds, before + 1);
  poller.stop();
  await wait(30);
  assert.equal(rounds, before + 1);
});

test("reports success and failure, and nothing after its end", async () => {
  const heard = [];
  const failure = new Error("no");
  let fail = true;
  const read = async () => {
    if (fail) throw failure;
  };
  const poller = poll({ doc: new Doc(), interval: 1, read, report: (error) => heard.push(error) });
  await until(() => heard.length > 0);
  assert.equal(heard[0], failure);
  fail = false;
  await until(() => heard.at(-1) === null);
  assert.equal(heard.at(-1), null);
  poller.stop();
  const ended = heard.length;
  poller.now();
  await wait(20);
  assert.equal(heard.length, ended);
});

test("a round asked for now takes the place of one in flight", async () => {
  const signals = [];
  const read = (signal) => {
    signals.push(signal);
    return new Promise((resolve) => setTimeout(resolve, 10));
  };
  const heard = [];
  const poller = poll({ doc: new Doc(), interval: 1000, read, report: (error) => heard.push(error) });
  poller.now();
  await until(() => heard.length > 0);
  poller.stop();
  assert.equal(signals.length, 2);
  assert.ok(signals[0].aborted);
  assert.deepEqual(heard, [null]);
});
