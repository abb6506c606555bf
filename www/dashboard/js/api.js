// The public HTTP API, and nothing but it. The token travels in the Authorization header only.

const TIMEOUT_MS = 15_000;
/** A receiver that is tried out may take as long as a delivery may. */
const TEST_TIMEOUT_MS = 45_000;

/** What went wrong with a request: an RFC 9457 problem, or no answer at all (`status` 0). */
export class ApiError extends Error {
  constructor({ status = 0, code = "", title = "", detail = "", errors = [], retryAfter = null }) {
    super(detail || title || code);
    this.name = "ApiError";
    Object.assign(this, { status, code, title, detail, errors, retryAfter });
  }
}

/** Reads a problem body; tolerant of an answer that is none (a proxy's page, say). */
export function problemOf(status, body, retryAfter) {
  const problem = body !== null && typeof body === "object" ? body : {};
  const text = (value) => (typeof value === "string" ? value : "");
  return new ApiError({
    status,
    code: text(problem.type).split("/").at(-1) || "answer",
    title: text(problem.title),
    detail: text(problem.detail),
    errors: Array.isArray(problem.errors) ? problem.errors.filter((one) => one && typeof one === "object") : [],
    retryAfter: retryAfterMs(retryAfter),
  });
}

/** Retry-After in ms: seconds, or a date. */
export function retryAfterMs(value, now = Date.now()) {
  if (!value) return null;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

/** How far the clock that wrote a Date header is ahead, ms; it tells whole seconds, so that less than two are none. */
export function aheadOf(date, now) {
  const ahead = Date.parse(date ?? "") + 500 - now;
  return Math.abs(ahead) >= 2000 ? ahead : 0;
}

/** A header cannot carry every character; a token that has others was never issued. */
export const sendable = (token) => /^[\x21-\x7e]+$/.test(token);

/** Makes a client of one site. */
export function client({ site, token, fetch = globalThis.fetch, timeoutMs = TIMEOUT_MS }) {
  const base = `/api/v1/sites/${encodeURIComponent(site)}`;

  // How far the server's clock is ahead of this computer's, which may be minutes off where a minute is all there is.
  let ahead = 0;

  async function request(method, path, { body, signal, timeout = timeoutMs } = {}) {
    if (!sendable(token)) throw new ApiError({ status: 401, code: "unauthorized" });
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new ApiError({ code: "timeout" })), timeout);
    const forward = () => abort.abort(signal.reason);
    if (signal?.aborted) forward();
    signal?.addEventListener("abort", forward, { once: true });
    try {
      const answer = await fetch(base + path, {
        method,
        headers: {
          accept: "application/json",
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store",
        credentials: "omit",
        signal: abort.signal,
      });
      ahead = aheadOf(answer.headers.get("date"), Date.now());
      const parsed = await answer.json().catch((error) => {
        if (abort.signal.aborted) throw error;
        return null;
      });
      if (!answer.ok) throw problemOf(answer.status, parsed, answer.headers.get("retry-after"));
      if (parsed === null) throw new ApiError({ status: answer.status, code: "answer" });
      return parsed;
    } catch (error) {
      if (error instanceof ApiError) throw error;
      if (signal?.aborted) throw error;
      throw abort.signal.aborted ? abort.signal.reason : new ApiError({ code: "network" });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", forward);
    }
  }

  const query = (params) => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(params)) if (value) search.set(name, value);
    const text = search.toString();
    return text ? `?${text}` : "";
  };
  const page = (body) => ({ items: Array.isArray(body.items) ? body.items : [], next: body.next ?? null });
  const lead = (id) => `/leads/${encodeURIComponent(id)}`;
  const person = (id) => `/persons/${encodeURIComponent(id)}`;

  return {
    site: (options) => request("GET", "", options),
    funnel: (options) => request("GET", "/stages", options),
    install: (options) => request("GET", "/install", options),
    leads: async (params, options) => page(await request("GET", `/leads${query(params)}`, options)),
    lead: (id, options) => request("GET", lead(id), options),
    journey: async (id, params, options) =>
      page(await request("GET", `${lead(id)}/journey${query(params)}`, options)),
    person: (id, options) => request("GET", person(id), options),
    edges: async (id, params, options) => page(await request("GET", `${person(id)}/edges${query(params)}`, options)),
    conflicts: async (params, options) => page(await request("GET", `/conflicts${query(params)}`, options)),
    markEdge: (id, active, body, options) =>
      request("POST", `/edges/${encodeURIComponent(id)}/${active ? "restore" : "revoke"}`, { ...options, body }),
    queue: (params, options) => request("GET", `/queue${query(params)}`, options),
    now: () => Date.now() + ahead,
    webhooks: async (options) => page(await request("GET", "/webhooks", options)),
    testWebhook: (id, options) => request("POST", `/webhooks/${encodeURIComponent(id)}/test`, { timeout: TEST_TIMEOUT_MS, ...options }),
    deliveries: async (params, options) => page(await request("GET", `/deliveries${query(params)}`, options)),
    replay: (id, options) => request("POST", `/deliveries/${encodeURIComponent(id)}/replay`, options),
    counters: (params, options) => request("GET", `/reports/counters${query(params)}`, options),
    campaigns: (params, options) => request("GET", `/reports/campaigns${query(params)}`, options),
    addAttempt: (id, body, options) => request("POST", `${lead(id)}/attempts`, { ...options, body }),
    addSale: (id, body, options) => request("POST", `${lead(id)}/sales`, { ...options, body }),
    setStage: (id, body, options) => request("POST", `${lead(id)}/stage`, { ...options, body }),
  };
}
