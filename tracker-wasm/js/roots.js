// The documents and shadow roots of a page: its own, and those that a visitor meets in it.
import { attempt } from "./device.js";

// What may have a shadow root, of what is common in pages: each element that is looked at costs.
const HOSTS = ":not(a,br,head *,i,img,input,li,option,p,path,td)";

/** Gives a host its `each(work)` and `look(root)`; answers what begins with the document, once all have asked. */
export const roots = (host) => {
  const { listen, guard } = host;
  const works = [];
  const met = new WeakSet();

  const frame = (element) => /frame$/.test(element.localName) && meet(attempt(() => element.contentDocument));

  const meet = (root) => {
    if (!root || met.has(root)) return;
    met.add(root);
    works.map((work) => work(root));
    host.look(root);
    // Neither reaches beyond the root that it happens in.
    root.addEventListener("load", guard((event) => frame(event.target)), { capture: true, passive: true });
    // The shadow roots that an event came through are there by then, however late they were made. What is done in a frame is
    // a sign of life as any other.
    if (root.defaultView)
      listen(root, "pointerdown focusin click", (event) => {
        host.wake();
        event.composedPath().map((node) => node.nodeType == 11 && meet(node));
      });
  };

  host.look = (root) => {
    // Once is enough: each element that is looked at costs.
    if (root.readyState == "loading") return;
    for (const { shadowRoot } of root.querySelectorAll(HOSTS)) shadowRoot && meet(shadowRoot);
    root.querySelectorAll("iframe,frame").forEach(frame);
  };
  host.each = (work) => works.push(work);

  return () => {
    meet(document);
    listen(document, "DOMContentLoaded", () => host.look(document));
  };
};
