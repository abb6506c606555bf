// Texts in the reader's language. A language is a flat table of texts; `{name}` marks a parameter, and a key with
// `.one` and `.other` beside it is chosen by `count`.
import es from "./es.js";
import en from "./en.js";

export const LANGUAGES = { es, en };

/** The language to show: the remembered one, else the first preferred one that exists, else Spanish. */
export function pickLanguage(remembered, preferred) {
  if (Object.hasOwn(LANGUAGES, remembered ?? "")) return remembered;
  for (const tag of preferred ?? []) {
    const base = String(tag).toLowerCase().split("-")[0];
    if (Object.hasOwn(LANGUAGES, base)) return base;
  }
  return "es";
}

/** `fill("a {x}", {x: 1})` is "a 1"; a parameter that is not given stays visible, so that the mistake is seen. */
export function fill(text, params = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (params[name] === undefined ? whole : String(params[name])));
}

/** `paid_search` as a person would write it: for values that no table knows. */
export function humanise(value) {
  const text = String(value).replace(/[_-]+/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Makes the functions that speak one language. */
export function translator(lang) {
  const table = LANGUAGES[lang] ?? es;
  const plural = new Intl.PluralRules(lang);
  const has = (key) => Object.hasOwn(table, key);

  /** The text of a key. */
  function t(key, params) {
    if (has(key)) return fill(table[key], params);
    if (params?.count !== undefined) {
      const form = `${key}.${plural.select(params.count)}`;
      return fill(table[has(form) ? form : `${key}.other`] ?? key, params);
    }
    return key;
  }

  /** The name of a value of a known family (`stage`, `kind`, `channel`…), or the value itself made readable. */
  t.label = (family, value) => {
    if (value === undefined || value === null || value === "") return "";
    const key = `${family}.${value}`;
    return has(key) ? table[key] : humanise(value);
  };
  t.has = has;
  t.lang = lang;
  return t;
}
