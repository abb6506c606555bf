import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, client, problemOf, retryAfterMs, sendable } from "../js/api.js";

/** A client whose server is a function of the request. */
function against(respond, options = {}) {
  const calls = [];
  const fetch = async (url, request) => {
    calls.push({ url, ...request });
    return respond(url, request);
  };
  return { calls, api: client({ site: "demo", token: "tz_secret", fetch, ...options }) };
}
const json = (status, body, headers = {}) => new Response(JSON.stringify(body), { status, headers });

test("the token travels in the header, never in the address", async () => {
  const { api, calls } = against(() => json(200, { items: [], next: null }));
  await api.leads({ stage: "mql", kind: "", cursor: null, limit: "50" });
  assert.equal(calls[0].url, "/api/v1/sites/demo/leads?stage=mql&limit=50");
  assert.equal(calls[0].headers.authorization, "Bearer tz_secret");
  assert.equal(calls[0].credentials, "omit");
  assert.ok(!calls[0].url.includes("tz_secret"));
});

test("ids are escaped in paths", async () => {
  const { api, calls } = against(() => json(200, {}));
  await api.lead("ext:a/b?c");
  assert.equal(calls[0].url, "/api/v1/sites/demo/leads/ext%3Aa%2Fb%3Fc");
});

test("a stage is posted as JSON", async () => {
  const { api, calls } = against(() => json(200, {}));
  await api.setStage("l1", { stage: "sql", by: "Sara" });
  assert.equal(calls[0].method, "POST");
  assert.equal(calls[0].url, "/api/v1/sites/demo/leads/l1/stage");
  assert.equal(calls[0].headers["content-type"], "application/json");
  assert.deepEqual(JSON.parse(calls[0].body), { stage: "sql", by: "Sara" });
});

test("a problem body becomes an error with its title, detail and pointers", async () => {
  const body = { type: "/problems/invalid", title: "Not valid", detail: "One field", errors: [{ pointer: "/stage", detail: "unknown" }, 7] };
  const { api } = against(() => json(400, body, { "retry-after": "3" }));
  await assert.rejects(api.install(), (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.code, error.title, error.detail], [400, "invalid", "Not valid", "One field"]);
    assert.deepEqual(error.errors, [{ pointer: "/stage", detail: "unknown" }]);
    assert.equal(error.retryAfter, 3000);
    return true;
  });
});

test("an answer that is no problem body still has its status", async () => {
  const { api } = against(() => new Response("<h1>Bad gateway</h1>", { status: 502 }));
  await assert.rejects(api.install(), { status: 502, code: "answer", title: "" });
  assert.equal(problemOf(500, { title: { a: 1 } }).title, "");
});

test("a 200 that is not JSON is an error, not an empty list", async () => {
  const { api } = against(() => new Response("<html>", { status: 200 }));
  await assert.rejects(api.leads({}), { status: 200, code: "answer" });
});

test("no network, and no answer in time, have codes of their own", async () => {
  const broken = against(() => {
    throw new TypeError("fetch failed");
  });
  await assert.rejects(broken.api.install(), { status: 0, code: "network" });
  const hanging = (url, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  await assert.rejects(against(hanging, { timeoutMs: 5 }).api.install(), { code: "timeout" });
});

test("a caller's abort is not reported as an error of the network", async () => {
  const hanging = (url, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const abort = new AbortController();
  const waiting = against(hanging).api.install({ signal: abort.signal });
  abort.abort();
  await assert.rejects(waiting, { name: "AbortError" });
});

test("a token that no header can carry is refused without a request", async () => {
  const { api, calls } = against(() => json(200, {}), { token: "tz_señal" });
  await assert.rejects(api.install(), { status: 401 });
  assert.equal(calls.length, 0);
  assert.ok(sendable("tz_abc-123"));
  for (const wrong of ["", "a b", "a\nb", "ñ"]) assert.ok(!sendable(wrong));
});

test("lists are lists, whatever came", async () => {
  const { api } = against(() => json(200, { items: "no" }));
  assert.deepEqual(await api.leads({}), { items: [], next: null });
});

test("Retry-After: seconds or a date", () => {
  assert.equal(retryAfterMs("7"), 7000);
  assert.equal(retryAfterMs("Mon, 05 Jan 2026 00:00:10 GMT", Date.UTC(2026, 0, 5)), 10_000);
  assert.equal(retryAfterMs("Mon, 05 Jan 2026 00:00:10 GMT", Date.UTC(2026, 0, 6)), 0);
  assert.equal(retryAfterMs("soon"), null);
  assert.equal(retryAfterMs(null), null);
});
