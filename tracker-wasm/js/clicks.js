// Clicks, raw: what was hit, for the core and for the loader without it. What it means is decided by `wire`. And calls
// to action that were seen, and clicks that got nowhere.
import { refer } from "./chat.js";
import { BUTTONS, CHANGES, attr, near, read } from "./element.js";

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

const wording = (element) =>
  [attr(element, "aria-label"), element.textContent, attr(element, "value"), attr(element, "title")].map(squeeze).find(Boolean);

const calls = (words) =>
  /^(ll[aá]m|solic|p[ií]d|reserv|contrat|compr|empi?e|prueb|descarg|ap[uú]nt|reg[ií]st|call |book|buy|get |start|try |sign |downl|request)[^@]{1,40}$/i.test(words);

// The name of a call to action: its own, or of what is styled as a button, says what to do and stands in no menu or
// form, its words.
const ctaOf = (element) => {
  const own = attr(element, "data-traza-cta");
  if (own || !/(^|[\s_-])(cta|btn|button)/i.test(attr(element, "class")) || element.closest("nav,header,footer,form")) return own;
  const words = wording(element);
  return calls(words) ? words : undefined;
};

const hrefOf = (link) => attr(link, "href") || attr(link, "xlink:href");

const DEAD_MS = 1000;
const RAGE_MS = 500; // between two clicks
const RAGE = 4;

/**
 * Watches the clicks of every root; one inside of a shadow root reaches the document around it. Answers what is told of an
 * element that was seen.
 */
export const clicks = (host) => {
  let dead; // what the last click hit, until anything happens
  let since; // that click
  let hit; // what was hit last, when, and how often in a row
  let at;
  let times;
  let changes; // what watches for something to happen, once there was a click

  const stuck = (name, element) => host.saw("custom", { name, props: { target: selector(element) } });

  const lives = () => {
    dead = 0;
    changes?.disconnect();
  };
  const judge = () => {
    if (!dead || Date.now() - since < DEAD_MS) return;
    stuck("dead_click", dead);
    lives();
  };
  host.alive(() => host.listen(window, "scroll blur change", lives));

  const follow = (root) => {
    // An `auxclick` too: the middle button follows links.
    host.listen(root, "click auxclick", (event) => {
      // The right button follows none.
      if (event.button > 1) return;
      const link = near(event, "a,area");
      const called = near(event, "[data-traza-cta]");
      const element = link || near(event, BUTTONS) || called;
      const target = event.composedPath()[0];
      times = hit == target && event.timeStamp - at < RAGE_MS ? times + 1 : 1;
      hit = target;
      at = event.timeStamp;
      if (times == RAGE) stuck("rage_click", element || target);
      if (!element) return;
      // The attribute, not the resolved address: a relative link is internal wherever the page stands.
      const href = link && hrefOf(link);
      const chat_ref = href && refer(host, event, link, href);
      const asset = (link && read(link, "download")) ?? undefined;
      host.saw("click", { target: selector(element), text: wording(element), href, asset, cta: ctaOf(called || element), chat_ref });
      if (/^(?!#?$|javascript:)/.test(href || "") || element.closest("form,summary")) return;
      judge();
      dead = element;
      since = Date.now();
      changes = changes || new MutationObserver(host.guard(lives));
      for (const root of [document, element.getRootNode()]) changes.observe(root, CHANGES);
    });
  };

  host.each((root) => root.defaultView && host.alive(() => follow(root)));
  host.tick(judge);

  return (element) => {
    const cta = ctaOf(element);
    if (cta) host.saw("cta_view", { cta, href: hrefOf(element) });
  };
};
