// The documents and shadow roots of a page: its own, and those that a visitor meets in it.
import { attempt } from "./device.js";

/** Gives a host its `each(work)` and `look(root)`. */
export const roots = (host) => {
  const { listen, guard } = host;
  const works = [];
  const met = new Set();

  const frame = (element) => /frame$/.test(element.localName) && meet(attempt(() => element.contentDocument));

  const meet = (root) => {
    if (!root || met.has(root)) return;
    met.add(root);
    works.map((work) => work(root));
    look(root);
    // Neither reaches beyond the root that it happens in.
    root.addEventListener("load", guard((event) => frame(event.target)), { capture: true, passive: true });
    // The roots that an event came through are there by then, however late they were made.
    if (root.defaultView)
      listen(root, "pointerdown focusin click", (event) => event.composedPath().map((node) => node.host && meet(node)));
  };

  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      meet(element.shadowRoot);
      frame(element);
    }
  };

  listen(document, "DOMContentLoaded", () => look(document));
  meet(document);

  host.look = look;
  host.each = (work) => {
    works.push(work);
    met.forEach((root) => work(root));
  };
};
