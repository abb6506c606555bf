// Moving a lead to another stage by hand.
import { fill, h } from "./dom.js";
import { problem } from "./parts.js";

/** Builds the form. `show(stage)` tells it where the lead stands, without disturbing a choice being made. */
export function stageForm({ t, stages, by, save, saved, expired }) {
  let current = "";
  let dirty = false;
  const select = h("select", { id: "stage", name: "stage", onchange: () => (dirty = select.value !== current) });
  const reason = h("input", { id: "reason", name: "reason", maxlength: 200, autocomplete: "off" });
  const submit = h("button", { class: "button", type: "submit" }, t("lead.stage_save"));
  const answer = h("div", { "aria-live": "polite" });

  function options(extra) {
    // Nobody is moved back to being a mere visitor; a stage that only the server knows is still shown.
    const list = stages.filter((stage) => stage !== "visitor");
    return extra && !list.includes(extra) ? [...list, extra] : list;
  }

  async function onsubmit(event) {
    event.preventDefault();
    const stage = select.value;
    if (stage === current) {
      fill(answer, h("p", { class: "muted" }, t("lead.stage_same")));
      return;
    }
    submit.disabled = true;
    try {
      await save({ stage, by, ...(reason.value.trim() ? { reason: reason.value.trim() } : {}) });
      reason.value = "";
      dirty = false;
      current = stage;
      fill(answer, h("p", { class: "ok" }, t("lead.stage_saved", { stage: t.label("stage", stage) })));
      saved();
    } catch (error) {
      if (error.status === 401) expired();
      else fill(answer, problem(error, t));
    } finally {
      submit.disabled = false;
    }
  }

  const node = h(
    "form",
    { class: "card stage-form", onsubmit },
    h("h2", {}, t("lead.stage")),
    h("div", { class: "field" }, h("label", { for: "stage" }, t("lead.stage_new")), select),
    h("div", { class: "field" }, h("label", { for: "reason" }, t("lead.stage_reason")), reason),
    h("p", { class: "help" }, t("lead.stage_signed", { by })),
    submit,
    answer,
  );

  return {
    node,
    show(stage) {
      current = stage ?? "";
      const chosen = dirty ? select.value : current;
      fill(select, options(current).map((value) => h("option", { value }, t.label("stage", value))));
      select.value = chosen;
    },
  };
}
