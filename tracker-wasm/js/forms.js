// Forms, raw: what was sent, and of a declared form by whom.
import { attr, read } from "./element.js";

const elements = Object.getOwnPropertyDescriptor(HTMLFormElement.prototype, "elements").get;

// What a field of a declared form is for: "email", "phone", "name", "consent" or "" for any other; undefined where
// it must never be read.
const role = (field) => {
  const type = field.type;
  const auto = (attr(field, "autocomplete") || "").toLowerCase().split(" ").pop();
  const label = field.labels && field.labels[0];
  const about = ["name", "id", "placeholder", "aria-label"]
    .map((name) => attr(field, name))
    .concat(label && label.textContent)
    .join(" ")
    .toLowerCase();
  if (
    !/^(input|select|textarea)$/.test(field.localName) ||
    /^(hidden|password|file|submit|button|reset|image)$/.test(type) ||
    /cc-|password|one-time/.test(auto) ||
    /honeypot|hp_|_hp|card|tarjeta|cvv|cvc|iban|passw|contrase/.test(about) ||
    // What nobody can reach is a trap for robots; browsers fill it in at times.
    attr(field, "tabindex") == "-1" ||
    field.closest("[aria-hidden=true],[inert]")
  )
    return;
  if (type == "checkbox")
    return read(field, "data-traza-consent") != null || /privac|consent|acept|accept|rgpd|gdpr/.test(about)
      ? "consent"
      : "";
  if (type == "email" || auto == "email") return "email";
  if (type == "tel" || /^tel/.test(auto)) return "phone";
  if (/^((given|additional|family)-)?name$/.test(auto)) return "name";
  if (/^(text|search|number|url)$/.test(type)) {
    if (/mail|correo/.test(about)) return "email";
    if (/(^|[^a-z])tel|phone|m[oó]vil|celular|mobile|whatsapp/.test(about)) return "phone";
    if (/name|nombre|apellido/.test(about) && !/user|usuari|empresa|company|business|file/.test(about)) return "name";
  }
  return "";
};

const gather = (form, kind, allowed) => {
  const lead = { kind: kind == "callback" ? kind : "form", magnet: attr(form, "data-traza-magnet") };
  for (const field of elements.call(form)) {
    const is = role(field);
    const name = attr(field, "name");
    if (is == "consent") {
      // Kept also where it is not ticked, since the form did ask.
      const version = "data-traza-text-version";
      const consent = (lead.consent = lead.consent || { purposes: [] });
      consent.text_version = consent.text_version || attr(field, version) || attr(form, version);
      if (field.checked) consent.purposes.push(...(attr(field, "data-traza-consent") || "contact").split(/[ ,]+/));
      continue;
    }
    if (is == null || (/checkbox|radio/.test(field.type) && !field.checked)) continue;
    const value = field.value.trim().slice(0, 2048);
    if (!value) continue;
    // First name and surname are two fields in many forms.
    if (is == "name") lead.name = (lead.name ? lead.name + " " : "") + value;
    else if (is) lead[is] = lead[is] || value;
    else if (allowed && allowed.includes(name)) (lead.fields = lead.fields || {})[name] = value;
  }
  return lead;
};

/**
 * A submitted form. Of an ordinary one its name alone. Of one that declares a lead (`data-traza-lead`): who the
 * visitor is and how to reach them, the consent box, and the fields that the site allows by name.
 */
const submit = (event, allowed) => {
  const form = event.composedPath()[0];
  if (!(form instanceof HTMLFormElement)) return;
  const kind = read(form, "data-traza-lead");
  return {
    form: (attr(form, "name") || attr(form, "id") || kind || "form").slice(0, 80),
    lead: kind == null ? undefined : gather(form, kind, allowed),
  };
};

/** Watches the forms of every root: a `submit` does not leave a shadow root. */
export const forms = (host) =>
  host.each((root) =>
    host.listen(root, "submit", (event) => {
      const fields = submit(event, host.config.lead_fields);
      if (fields) host.saw("form_submit", fields, !!fields.lead);
    }),
  );
