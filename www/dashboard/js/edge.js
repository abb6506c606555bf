// One piece of evidence: what it says, how it stands, and the way to take it back or put it back.
import { fill, h, time } from "./dom.js";
import { ago, dateTime } from "./format.js";
import { conflictText, edgeSentence, edgeState } from "./people.js";
import { problem } from "./parts.js";

/**
 * Builds the entry of a piece of evidence. `mark(id, active, body)` takes it back or puts it back, and `marked()`
 * hears of it; without `mark` there is no button.
 */
export function edgeEntry({ edge, letters, t, by, mark, marked, expired, more = null }) {
  const state = edgeState(edge);
  const answer = h("div", { "aria-live": "polite" });
  const active = edge.active !== false;
  const verb = active ? "revoke" : "restore";
  const open = h("button", { class: "plain small", type: "button", "aria-expanded": "false", onclick: ask }, t(`edge.${verb}`));
  const place = h("div");

  function close() {
    fill(place);
    open.hidden = false;
    open.setAttribute("aria-expanded", "false");
  }

  function ask() {
    const field = (name, value, max) => {
      const id = `${name}-${edge.id}`;
      const input = h("input", { id, name, required: true, maxlength: max, autocomplete: name === "by" ? "name" : "off", value });
      return { input, row: h("div", { class: "field" }, h("label", { for: id }, t(`edge.${name}`)), input) };
    };
    const who = field("by", by, 128);
    const why = field("reason", "", 200);
    const submit = h("button", { class: "button small", type: "submit" }, t(`edge.${verb}_do`));
    const onsubmit = async (event) => {
      event.preventDefault();
      const body = { by: who.input.value.trim(), reason: why.input.value.trim() };
      if (body.by === "" || body.reason === "") return;
      submit.disabled = true;
      fill(answer);
      try {
        await mark(edge.id, !active, body);
        marked();
      } catch (error) {
        if (error.status === 401) expired();
        else fill(answer, problem(error, t));
        submit.disabled = false;
      }
    };
    open.hidden = true;
    open.setAttribute("aria-expanded", "true");
    fill(
      place,
      h(
        "form",
        { class: "edge-form", onsubmit },
        h("p", { class: "help" }, t(`edge.${verb}_help`)),
        who.row,
        why.row,
        h("div", { class: "row" }, submit, h("button", { class: "plain", type: "button", onclick: close }, t("edge.cancel"))),
      ),
    );
    why.input.focus();
  }

  const last = (edge.marks ?? []).at(-1);
  const said = last && [t(last.active ? "edge.restored" : "edge.revoked", { by: last.by || t("edge.somebody"), when: ago(last.at, Date.now(), t.lang) }), last.reason].filter(Boolean).join(": ");
  const conflict = conflictText(edge, t);
  return h(
    "li",
    { class: "edge", "data-state": state, "data-edge": edge.id },
    h(
      "p",
      {},
      edgeSentence(edge, letters, t),
      " ",
      time(edge.at, dateTime(edge.at, t.lang), t.lang),
    ),
    h(
      "p",
      { class: "badges" },
      edge.strength === "weak" && h("span", { class: "badge" }, t("edge.weak", { percent: edge.confidence })),
      state === "revoked" && h("span", { class: "badge flag" }, t("edge.state_revoked")),
      state === "refused" && h("span", { class: "badge flag" }, t("edge.state_refused")),
    ),
    state === "refused" && h("p", { class: "sub" }, conflict),
    said && h("p", { class: "sub" }, said),
    h("div", { class: "row" }, mark && open, more),
    place,
    answer,
  );
}
