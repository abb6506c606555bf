// Reading the install answer. Pure.

/** The pieces to paste that there are, `[{name, text}]`: the tag, the guard, what a Content-Security-Policy needs. */
export function snippets({ snippet, guard, guard_csp }) {
  const pieces = { tag: snippet, guard, csp: guard_csp };
  return Object.entries(pieces)
    .filter(([, text]) => typeof text === "string" && text !== "")
    .map(([name, text]) => ({ name, text }));
}

/** Names with their counts, the most frequent first; `null` where only the name is known. */
export function tally(value) {
  const number = (n) => (Number.isFinite(n) ? n : null);
  let list = [];
  if (Array.isArray(value)) {
    list = value.map((one) =>
      one !== null && typeof one === "object"
        ? [String(one.host ?? one.mode ?? one.name ?? ""), number(one.count ?? one.page_views ?? one.beacons)]
        : [String(one), null],
    );
  } else if (value !== null && typeof value === "object") {
    list = Object.entries(value).map(([name, n]) => [name, number(n)]);
  }
  return list.filter(([name]) => name !== "").sort((a, b) => (b[1] ?? 0) - (a[1] ?? 0) || a[0].localeCompare(b[0]));
}

/** A problem in words: a text, or its title and detail. */
export function problemText(problem) {
  if (problem === null || typeof problem !== "object") return String(problem);
  return [problem.title, problem.detail].filter(Boolean).join(": ") || String(problem.code ?? "");
}
