// Clicks, raw: what was hit, for the core and for the loader without it. What it means is decided by `wire`.
import { attr } from "./element.js";

const squeeze = (text) => (text || "").replace(/\s+/g, " ").trim().slice(0, 80);

// Ids that a framework numbers change with every build.
const stable = (id) => /^[^\d:]{1,60}$/.test(id);

// `a#call`, `#hero a.primary`
const selector = (element) => {
  const own = element.localName;
  if (stable(element.id)) return own + "#" + element.id;
  const around = element.closest("[id]");
  const kind = element.classList[0];
  return (around && stable(around.id) ? "#" + around.id + " " : "") + own + (kind ? "." + kind : "");
};

/** A `click` or `auxclick` on a link, a button or a call to action; undefined where it hit none. */
const click = (event) => {
  // The right button follows no link.
  if (event.button > 1) return;
  // The first of the path, not the target, which stops at a shadow root; and on, outside of each root.
  const near = (what) => {
    for (let from = event.composedPath()[0]; from && from.closest; from = from.getRootNode().host) {
      const found = from.closest(what);
      if (found) return found;
    }
  };
  const link = near("a,area");
  const cta = near("[data-traza-cta]");
  const element = link || near("button,summary,[role=button],[type=submit],[type=button],[type=image]") || cta;
  return (
    element && {
      target: selector(element),
      text: [attr(element, "aria-label"), element.textContent, attr(element, "value"), attr(element, "title")]
        .map(squeeze)
        .find(Boolean),
      // The attribute, not the resolved address: a relative link is internal wherever the page stands.
      href: link && (attr(link, "href") || attr(link, "xlink:href")),
      cta: cta && attr(cta, "data-traza-cta"),
    }
  );
};

/** Watches the clicks of every root; one inside of a shadow root reaches the document around it. */
export const clicks = (host) =>
  host.each((root) => {
    if (!root.defaultView) return;
    host.listen(root, "click auxclick", (event) => {
      const fields = click(event);
      if (fields) host.saw("click", fields);
    });
  });
