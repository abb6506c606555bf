// What the contact centre does with a lead: it reached somebody, it did not, it sold.
import { fill, h } from "./dom.js";
import { money } from "./format.js";
import { minorUnits, recordId } from "./record.js";
import { problem } from "./parts.js";

/**
 * Builds the card. `attempt(body)` and `sale(body)` record; `recorded()` hears of it. `currency` is the one that is
 * offered.
 */
export function actionsCard({ t, by, currency, attempt, sale, recorded, expired }) {
  const answer = h("div", { "aria-live": "polite" });
  const place = h("div");
  const buttons = [
    h("button", { class: "button", type: "button", onclick: () => tried("contacted") }, t("actions.contacted")),
    h("button", { class: "button quiet", type: "button", onclick: () => tried("no_answer") }, t("actions.no_answer")),
    h("button", { class: "button quiet", type: "button", "aria-expanded": "false", onclick: sell }, t("actions.sale")),
  ];
  // What was not answered may have been recorded: sent again under the same id, it is recorded once.
  const pending = new Map();

  async function record(name, send, body, words) {
    const key = JSON.stringify([name, body]);
    const again = pending.get(key) ?? { at: Date.now(), external_id: recordId() };
    pending.set(key, again);
    for (const button of buttons) button.disabled = true;
    try {
      await send({ ...body, ...again });
      pending.delete(key);
      fill(answer, h("p", { class: "ok" }, words));
      recorded();
      return true;
    } catch (error) {
      if (error.status === 401) expired();
      else fill(answer, problem(error, t));
      return false;
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  const tried = (outcome) => record("attempt", attempt, { outcome, agent: by }, t("actions.tried", { outcome: t.label("outcome", outcome) }));

  function close() {
    fill(place);
    buttons[2].setAttribute("aria-expanded", "false");
    buttons[2].focus();
  }

  function sell() {
    if (place.firstChild) return close();
    const amount = h("input", { id: "amount", name: "amount", required: true, inputmode: "decimal", autocomplete: "off", maxlength: 20, oninput: preview });
    const unit = h("input", { id: "currency", name: "currency", required: true, maxlength: 3, autocapitalize: "characters", autocomplete: "off", spellcheck: "false", value: currency, oninput: preview });
    const says = h("p", { class: "help", "aria-live": "polite" }, t("actions.amount_help"));
    const read = () => {
      const code = unit.value.trim().toUpperCase();
      return { amount: minorUnits(amount.value, code), currency: code };
    };
    function preview() {
      const { amount: minor, currency: code } = read();
      const words = amount.value.trim() === "" ? t("actions.amount_help") : minor === null ? t("actions.amount_wrong") : t("actions.amount_is", { amount: money(minor, code, t.lang) });
      if (says.textContent !== words) says.textContent = words;
    }
    const submit = h("button", { class: "button", type: "submit" }, t("actions.sale_save"));
    const onsubmit = async (event) => {
      event.preventDefault();
      const body = read();
      if (body.amount === null) {
        preview();
        amount.focus();
        return;
      }
      submit.disabled = true;
      if (await record("sale", sale, body, t("actions.sold", { amount: money(body.amount, body.currency, t.lang) }))) close();
      submit.disabled = false;
    };
    const field = (input, name) => h("div", { class: "field" }, h("label", { for: name }, t(`actions.${name}`)), input);
    fill(
      place,
      h(
        "form",
        { class: "sale-form", onsubmit },
        h("div", { class: "pair" }, field(amount, "amount"), field(unit, "currency")),
        says,
        h("div", { class: "row" }, submit, h("button", { class: "plain", type: "button", onclick: close }, t("edge.cancel"))),
      ),
    );
    buttons[2].setAttribute("aria-expanded", "true");
    fill(answer);
    amount.focus();
  }

  return h("section", { class: "card actions" }, h("h2", {}, t("actions.title")), h("div", { class: "row" }, buttons), place, answer, h("p", { class: "help" }, t("lead.stage_signed", { by })));
}
