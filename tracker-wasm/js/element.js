// What a page cannot hide of an element: a form's fields may be named like its methods, so these come from the
// prototypes.
import { attempt } from "./device.js";

/** What is pressed. */
export const BUTTONS = "button,summary,[role=button],[type=submit],[type=button],[type=image]";

/** What a MutationObserver looks at where anything may be the answer. */
export const CHANGES = { subtree: true, childList: true, attributes: true };

/** Calls an element's own method, whatever its fields are called. */
export const call = (element, method, ...args) => Element.prototype[method].apply(element, args);
export const read = (element, name) => call(element, "getAttribute", name);
export const attr = (element, name) => read(element, name) || undefined;

/** A form's fields; undefined for what is no form, in any document. */
export const fieldsOf = (form) =>
  attempt(() => [...Object.getOwnPropertyDescriptor(HTMLFormElement.prototype, "elements").get.call(form)]);

/** The first in an event's path, and around each root that it came through, that a selector matches. */
export const near = (event, selector) => {
  for (let from = event.composedPath()[0]; from && from.closest; from = from.getRootNode().host) {
    // A form's fields may be called "closest".
    const found = call(from, "closest", selector);
    if (found) return found;
  }
};
