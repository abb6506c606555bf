// Repeats a read while the page is visible: one at a time, slower after errors, at once when it is looked at again.

/** Milliseconds to the next read: the interval, doubled by each error in a row, at most 30 s; Retry-After wins. */
export function nextDelay(interval, failures, retryAfter) {
  const backoff = Math.min(interval * 2 ** Math.min(failures, 10), Math.max(30_000, interval));
  return Math.max(backoff, failures > 0 ? (retryAfter ?? 0) : 0);
}

/**
 * Starts to poll. `read(signal)` does one round and may throw; `report(error | null)` hears how each went. Returns
 * `{now, stop}`: a round at once, and the end of it.
 */
export function poll({ read, report, interval, doc = document }) {
  let abort = null;
  let timer = null;
  let failures = 0;
  let stopped = false;

  async function round() {
    if (stopped) return;
    clearTimeout(timer);
    abort?.abort();
    const mine = new AbortController();
    abort = mine;
    let retryAfter = null;
    try {
      await read(mine.signal);
      if (mine.signal.aborted) return;
      failures = 0;
      report(null);
    } catch (error) {
      if (mine.signal.aborted) return;
      failures += 1;
      retryAfter = error?.retryAfter ?? null;
      report(error);
    }
    abort = null;
    if (!stopped && !doc.hidden) timer = setTimeout(round, nextDelay(interval, failures, retryAfter));
  }

  function seen() {
    if (doc.hidden) clearTimeout(timer);
    else if (abort === null) round();
  }

  doc.addEventListener("visibilitychange", seen);
  // The first round always runs, also in a tab opened in the background: it should be ready when it is looked at.
  round();
  return {
    now: round,
    stop() {
      stopped = true;
      clearTimeout(timer);
      abort?.abort();
      doc.removeEventListener("visibilitychange", seen);
    },
  };
}
