// Forms: seen, begun, refused, left, sent, and received. Of an ordinary one its name alone leaves; of one that
// declares a lead also what `fields.js` reads of it, when it is sent.
import { attempt, json, keep, recall } from "./device.js";
import { BUTTONS, CHANGES, attr, call, fieldsOf, near } from "./element.js";
import { filled, gather } from "./fields.js";

// How form builders say that a form has arrived: Contact Form 7, Elementor, Gravity Forms, WPForms, HubSpot.
const SUCCESS =
  ".wpcf7-form.sent,.elementor-message-success,.gform_confirmation_message,[class*=wpforms-confirmation],.submitted-message";
const SUCCESS_MS = 30000; // a form that was sent longer ago stays unconfirmed
const SENT_MS = 10000; // a page that ends so soon after a form's button was pressed ended by it
/** What was sent by the page before is kept by. */
export const SENT = "tz_f";

/** Watches the forms of every root. Answers what is told of an element that was seen. */
export const forms = (host) => {
  const { alive, config, each, listen } = host;
  const states = new Map(); // of this page view
  let last; // the form that was sent, or whose button was pressed, last
  let pressed; // the same, while nothing else was done
  let changes; // what watches what becomes of a form, once one is begun

  const tell = (kind, { name, form }, more) => host.saw(kind, { form: name, ...more }, !!more?.lead);

  const nameOf = (field) => (attr(field, "name") || attr(field, "id") || field.type || "").slice(0, 80) || undefined;

  // What stands elsewhere in the page may belong to a form by its name.
  const formOf = (event) => near(event, "[form]")?.form || near(event, "form");

  const of = (form) => {
    if (!states.has(form)) {
      const rule = config.forms?.find(({ match }) => attempt(() => call(form, "matches", match))) || {};
      const declared = call(form, "closest", "[data-traza-lead]");
      const kind = declared ? attr(declared, "data-traza-lead") || "form" : rule.kind;
      const name = attr(form, "name") || attr(form, "id") || attr(call(form, "closest", ".wpcf7") || form, "id") || kind || "form";
      states.set(form, { form, rule, kind, name: name.slice(0, 80), refused: {}, old: [], success: rule.success || SUCCESS });
    }
    return states.get(form);
  };

  // The signs of success that can be seen now; another form's are none.
  const signs = (root, success, form) =>
    success[0] == "/"
      ? location.pathname.startsWith(success) ? [success] : []
      : (attempt(() => [...root.querySelectorAll(success)]) || []).filter(
          (node) => node.getClientRects().length && [form, null].includes(call(node, "closest", "form")),
        );

  // From here on what becomes of a form is looked at; its reference for somebody else's system stands in it.
  const begin = (state) => {
    if (state.id) return;
    state.id = host.id();
    refer(state);
    state.root = call(state.form, "getRootNode");
    changes = changes || new MutationObserver(host.guard(changed));
    changes.observe(state.root, CHANGES);
  };

  const refer = ({ form, id }) => {
    for (const field of fieldsOf(form)) if (call(field, "matches", "[data-traza-ref]")) field.value = id;
  };

  // What would be sent, and since when.
  const expect = (state) => {
    begin(state);
    last = state;
    state.at = Date.now();
    state.old = signs(state.root, state.success, state.form);
    state.lead = state.kind ? gather(state.form, state.kind, config.lead_fields, state.rule.fields) : undefined;
  };

  const send = (state, inferred) => {
    const { lead } = state;
    const same = json(lead || 0);
    // Some pages hold a form up and send it again by themselves.
    if (state.same == same && state.at - state.sent < SUCCESS_MS) return;
    if (state.sent) state.id = host.id();
    state.same = same;
    state.sent = state.at;
    refer(state);
    tell("form_submit", state, { id: state.id, lead, inferred });
    if (host.mode == "full") keep(SENT, json([state.at, state.success, state.name, state.id]));
  };

  const confirm = () => {
    if (!last || Date.now() - last.at > SUCCESS_MS) return;
    const now = signs(last.root, last.success, last.form);
    last.old = last.old.filter((node) => now.includes(node));
    if (now.length == last.old.length) return;
    if (!last.sent) send(last, true);
    tell("form_success", last, { submit: last.id });
    keep(SENT);
    last = pressed = 0;
  };

  const refuse = (field) => {
    const form = field.form || call(field, "closest", "form");
    if (!form) return;
    const state = of(form);
    const name = nameOf(field);
    if (!state.refused[name]) tell("form_error", state, { field: name, fields_filled: filled(form) });
    state.refused[name] = 1;
  };

  const changed = (records) => {
    for (const { attributeName, target } of records)
      if (attributeName == "aria-invalid" && attr(target, attributeName) == "true") refuse(target);
    confirm();
  };

  const follow = (root) => {
    listen(root, "invalid", (event) => refuse(event.target));
    listen(root, "submit", (event) => {
      const form = event.composedPath()[0];
      if (!fieldsOf(form)) return;
      const state = of(form);
      pressed = 0;
      expect(state);
      send(state);
    });
    if (!root.defaultView) return;
    listen(root, "input", (event) => {
      const form = formOf(event);
      if (!form) return;
      const state = of(form);
      const begun = state.field;
      pressed = 0;
      begin(state);
      state.field = nameOf(event.composedPath()[0]);
      if (!begun) tell("form_start", state, { field: state.field });
    });
    // A form that a script sends has no submit event: its button was pressed, and then it arrived or the page ended.
    listen(root, "click", (event) => {
      const form = formOf(event);
      pressed = 0;
      const button = form && near(event, "a," + BUTTONS);
      if (!button) return;
      const state = of(form);
      state.refused = {};
      const sends = (field) => /submit|image/.test(field.type);
      if (state.sent || !state.field || !call(form, "matches", ":valid")) return;
      if (!sends(button) && fieldsOf(form).some(sends)) return;
      expect(state);
      pressed = state;
    });
  };

  each((root) => alive(() => follow(root)));

  // A page of one of the site's own domains, in a frame, tells what it likes by `traza`'s own words.
  alive(() => listen(window, "message", ({ data, origin }) => {
    const words = data?.traza;
    const from = origin.replace("//", ".").replace(/:\d+$/, "");
    if (/^(lead|track)$/.test(words?.[0]) && config.domains?.some((own) => from.endsWith("." + own))) host.command(words);
  }));

  host.leaves(() => {
    if (pressed && Date.now() - pressed.at < SENT_MS) send(pressed, true);
    for (const state of states.values())
      if (state.field && !state.sent) tell("form_abandon", state, { field: state.field, fields_filled: filled(state.form) });
  });
  host.views(() => {
    confirm();
    states.clear();
    last = pressed = 0;
    changes?.disconnect();
  });

  // The page that a form led to may be the sign itself, or show it.
  let [at, success, form, submit] = attempt(() => JSON.parse(recall(SENT))) || [];
  if (at) keep(SENT);
  host.tick(() => {
    if (at && Date.now() - at < SUCCESS_MS && signs(document, success, null).length) {
      at = 0;
      host.saw("form_success", { form, submit });
    }
  });

  return (element) => call(element, "matches", "form") && tell("form_view", of(element));
};
