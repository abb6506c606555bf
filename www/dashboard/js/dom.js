// Builds elements. Data only ever becomes text or a plain attribute: there is no way from here to markup or script.
import { dateTime, iso } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";

/** An address that is safe to follow: within this page, a phone, an e-mail, the web. Others give `null`. */
export function safeHref(href) {
  return /^(#|tel:\+?[\d ]+$|mailto:[^?&\s]+$|https?:\/\/)/i.test(String(href)) ? String(href) : null;
}

/** `h("a", {href, class, onclick}, …children)`; children are nodes, texts, lists of them, or nothing. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function" && name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.startsWith("on") || name === "style") throw new Error(`h: ${name} is not data`);
    else if (name === "href") {
      const href = safeHref(value);
      if (href !== null) node.setAttribute("href", href);
    } else if (name === "value" || name === "checked" || name === "selected" || name === "disabled") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces everything inside a node. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/** A drawing of one path; decorative, so hidden from screen readers. */
export function icon(d) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" })) {
    svg.setAttribute(name, value);
  }
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", d);
  svg.append(shape);
  return svg;
}

/** A time element: `text` to read, the exact time on hover and for machines. */
export function time(at, text, lang) {
  return h("time", { datetime: iso(at), title: dateTime(at, lang) }, text);
}

/** A list of names and values; pairs without a value are left out. */
export function pairs(list) {
  const shown = list.filter(([, value]) => value !== null && value !== undefined && value !== "");
  if (shown.length === 0) return null;
  return h("dl", { class: "pairs" }, shown.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
