// Reads of an element that a page cannot hide: a form's fields may be named like its methods, so these come from the
// prototypes.
export const read = (element, name) => Element.prototype.getAttribute.call(element, name);
export const attr = (element, name) => read(element, name) || undefined;
