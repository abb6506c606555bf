// Is the tag in place, and does it work?
import { fill, h, icon, pairs, time } from "./dom.js";
import { ago, count } from "./format.js";
import { COPY } from "./icons.js";
import { lamp, problem } from "./parts.js";
import { poll } from "./poll.js";
import { problemText, snippets, tally } from "./installed.js";

const EVERY_MS = 4000;

/** Renders the install check into `root`; returns what ends it. */
export function installView({ root, t, api, expired }) {
  let snippetSeen = null;
  const live = lamp(t);
  const errors = h("div", { "aria-live": "polite" });
  const code = h("section", { class: "card" });
  const state = h("div", { class: "grid" });
  fill(
    root,
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, t("install.title")), live.node),
    errors,
    code,
    state,
  );

  function showSnippets(install) {
    const list = snippets(install);
    const text = JSON.stringify(list);
    // Drawn again only when it changed: a selection being copied by hand must survive the polling.
    if (text === snippetSeen) return;
    snippetSeen = text;
    fill(
      code,
      list.length > 0 ? list.map((one) => snippet(one)) : h("p", {}, t("install.no_snippet")),
    );
  }

  function snippet({ name, text }) {
    const pre = h("pre", { tabindex: "0" }, h("code", {}, text));
    const said = h("span", { class: "said", role: "status" });
    const copy = h("button", { class: "button quiet", type: "button", onclick }, icon(COPY), t("install.copy"));
    async function onclick() {
      try {
        // Absent on plain http: then the text is selected, and the keyboard does the rest.
        await navigator.clipboard.writeText(text);
        said.textContent = t("install.copied");
      } catch {
        getSelection().selectAllChildren(pre);
        said.textContent = t("install.copy_failed");
      }
    }
    return h("div", { class: "snippet" }, h("h3", {}, t(`install.${name}`)), pre, h("p", {}, copy, said));
  }

  function showState(install) {
    const at = (value) => (value ? time(value, ago(value, Date.now(), t.lang), t.lang) : t("install.never"));
    const works = Boolean(install.first_beacon_at);
    const table = (list, family) =>
      list.length === 0
        ? h("p", { class: "muted" }, t("install.none"))
        : pairs(list.map(([name, n]) => [family ? t.label(family, name) : name, n === null ? "✓" : count(n, t.lang)]));
    const problems = (Array.isArray(install.problems) ? install.problems : []).map((one) => h("li", {}, problemText(one)));
    fill(
      state,
      h(
        "section",
        { class: "card" },
        h("h2", {}, t("install.status")),
        h("p", { class: "verdict", "data-works": String(works) }, t(works ? "install.working" : "install.waiting")),
        !works && h("p", { class: "muted" }, t("install.waiting_help")),
        pairs([
          [t("install.first"), at(install.first_beacon_at)],
          [t("install.last"), at(install.last_beacon_at)],
          [t("install.cookie"), Number.isFinite(install.cookie_days) ? t("install.cookie_days", { count: install.cookie_days }) : null],
        ]),
      ),
      h(
        "section",
        { class: "card" },
        h("h2", {}, t("install.problems")),
        problems.length > 0 ? h("ul", { class: "problems" }, problems) : h("p", { class: "muted" }, t("install.no_problems")),
      ),
      h(
        "section",
        { class: "card" },
        h("h2", {}, t("install.core")),
        pairs([
          [t("install.wasm"), count(install.core?.wasm ?? 0, t.lang)],
          [t("install.fallback"), count(install.core?.fallback ?? 0, t.lang)],
        ]),
      ),
      h("section", { class: "card" }, h("h2", {}, t("install.hosts")), table(tally(install.hosts))),
      h("section", { class: "card" }, h("h2", {}, t("install.modes")), table(tally(install.modes), "mode")),
    );
  }

  const poller = poll({
    interval: EVERY_MS,
    async read(signal) {
      const install = await api.install({ signal });
      showSnippets(install);
      showState(install);
    },
    report(error) {
      live.heard(error);
      if (error?.status === 401) expired();
      else fill(errors, error && problem(error, t));
    },
  });
  return () => poller.stop();
}
