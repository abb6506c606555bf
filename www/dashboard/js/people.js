// Who is one human with whom, in words: browsers by a letter, evidence as sentences. Pure.
import { phone } from "./format.js";

/** The letter of the browser with a number, from 0: A, B, … Z, AA. */
export function letter(number) {
  const last = String.fromCharCode(65 + (number % 26));
  return number < 26 ? last : letter(Math.floor(number / 26) - 1) + last;
}

/**
 * The letters of a person's browsers, by their ids: A is the first that they came on. A browser of which two epochs
 * are the person's has one letter.
 */
export function browserLetters(person) {
  const visitors = [...(person?.visitors ?? [])];
  const since = (one) => one.since ?? Number.MAX_SAFE_INTEGER;
  visitors.sort((a, b) => since(a) - since(b) || String(a.visitor).localeCompare(String(b.visitor)));
  const letters = new Map();
  for (const { visitor } of visitors) if (!letters.has(visitor)) letters.set(visitor, letter(letters.size));
  return letters;
}

/** The browser that a piece of evidence is about; `null` where it is about none. */
const visitorOfEdge = (edge) => edge?.from?.visitor ?? edge?.to?.visitor ?? null;

/** The letters of the browsers that evidence is about, by the evidence's id: what a journey's items name. */
export function lettersByEdge(edges, letters) {
  const found = new Map();
  for (const edge of edges ?? []) {
    const one = letters.get(visitorOfEdge(edge));
    if (one) found.set(edge.id, one);
  }
  return found;
}

/** An identifier as a person reads it: the value, or what it is where the value may not be seen. */
export function identifierText(identifier, t) {
  if (identifier?.value) return identifier.kind === "phone" ? phone(identifier.value) : identifier.value;
  return t.label("identifier", identifier?.kind ?? "unknown");
}

/** How to name one end of a piece of evidence. */
function endText(end, letters, t) {
  if (end?.visitor) {
    const one = letters.get(end.visitor);
    return one ? t("who.browser", { letter: one }) : t("who.browser_other", { id: end.visitor.slice(-6) });
  }
  return identifierText(end?.identifier, t);
}

/** What a piece of evidence says, as a sentence. A kind that nobody knows yet is named rather than left out. */
export function edgeSentence(edge, letters, t) {
  const key = edge.from?.lead ? "edge.lead" : `edge.${edge.kind}`;
  const params = { where: endText(edge.from, letters, t), what: endText(edge.to, letters, t) };
  return t.has(key) ? t(key, params) : t("edge.other", { ...params, kind: t.label("edge", edge.kind) });
}

/** Why a piece of evidence joins nobody; empty where it does. */
export const conflictText = (edge, t) => (edge.conflict ? t.label("conflict", edge.conflict) : "");

/** How a piece of evidence stands: counts, refused, or taken back. */
export const edgeState = (edge) => (edge.active === false ? "revoked" : edge.conflict ? "refused" : "counts");

/** The leads of a person other than one, newest first. */
export function otherLeads(person, id) {
  return [...(person?.leads ?? [])].filter((lead) => lead.id !== id).sort((a, b) => b.created_at - a.created_at);
}

/** How many of the leads shown are of each person: a number over one says that somebody came back. */
export function leadsByPerson(leads) {
  const counts = new Map();
  for (const { person } of leads) if (person) counts.set(person, (counts.get(person) ?? 0) + 1);
  return counts;
}

/** A short mark of a person: ids begin with a time, so that their ends tell them apart. */
export const personMark = (person) => String(person ?? "").replace(/[^0-9A-Za-z]/g, "").slice(-5);
