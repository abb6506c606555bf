// Chats: what a visitor is about to write carries a short reference, by which the conversation finds its journey. The link
// has it while it is followed; what is copied or opened later is the page's own.
import { attempt } from "./device.js";
import { attr, call, near } from "./element.js";

const REF = "tz_r"; // this tab's
const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's: none reads as another

// What opens a chat with somebody: to share a page with whomever the visitor picks is none. Up to the query, the query, the
// rest.
const chatOf = (href) =>
  /^(\s*(?:(?:https?:)?\/\/(?:wa\.me\/\+?\d+|(?:(?:api|web)\.whatsapp\.com\/send|wa\.me)\/?(?=\?([^#]*&)?phone=)|(m\.me\/[^/?#]+))|whatsapp:\/\/send\/?(?=\?([^#]*&)?phone=))\/?)(\?[^#]*)?(#[^]*)?$/i.exec(href);

/**
 * Puts a reference into the link that an event is about to follow; answers the reference. Where the page has a reference of
 * its own for Messenger, that stays. Nothing outside of full mode, and for what happened before (see tracker.js's `early`).
 */
export const refer = (host, event, link, href) => {
  const [, start, , messenger, , query, rest = ""] = (host.mode == "full" && host.config.chat_refs && event.eventPhase && chatOf(href)) || [];
  if (!start || attr(link, "href") != href || near(event, "[data-traza-noswap]") || (messenger && /[?&]ref=/i.test(query))) return;
  const ref = attempt(() => sessionStorage[REF]) || [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => LETTERS[byte % 32]).join("");
  attempt(() => (sessionStorage[REF] = ref));
  const hello = /^es/i.test(document.documentElement.lang || navigator.language) ? "Hola" : "Hello";
  const mark = encodeURIComponent(` (ref: ${ref})`);
  const more = (query ? query + "&" : "?") + (messenger ? "ref=traza_" + ref : "text=" + hello + mark);
  const said = messenger ? more : query?.replace(/([?&]text=)([^&]*)/i, (all, key, text) => key + (text || hello) + mark);
  const now = start + (!said || said == query ? more : said) + rest;
  call(link, "setAttribute", "href", now);
  host.later(0, () => attr(link, "href") == now && call(link, "setAttribute", "href", href));
  return ref;
};
