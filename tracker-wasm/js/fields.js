// The fields of a form: what each is for, and what of them may leave.
import { attr, call, fieldsOf, read } from "./element.js";

// What a field of a declared form is for: "email", "phone", "name", "consent" or "" for any other; undefined where
// it must never be read.
const role = (field, rule) => {
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
  for (const what of Object.keys(rule || {})) if (call(field, "matches", rule[what])) return what;
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

/**
 * What a form that declares a lead tells: who the visitor is and how to reach them, the consent box, and of its other
 * fields those that are `allowed` by name. `rule` is a site's own word on which field is what: role to selector.
 */
export const gather = (form, kind, allowed, rule) => {
  const lead = { kind: kind == "callback" ? kind : "form", magnet: attr(form, "data-traza-magnet") };
  for (const field of fieldsOf(form)) {
    const is = role(field, rule);
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

/** How many of a form's fields have something in them that a visitor can put there. */
export const filled = (form) =>
  fieldsOf(form).filter((field) =>
    /checkbox|radio/.test(field.type) ? field.checked : !/hidden|submit|button|reset|image|fieldset|output/.test(field.type) && field.value,
  ).length;
