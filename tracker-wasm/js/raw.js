// What leaves where there is no core: the collector judges by `wire`'s rules, so here goes only what it could not undo.

/** Whether a query key may be a click id: somewhat wider than `wire`'s table, which the core and the collector have. */
export const isClickId = (key) =>
  /^(gad_|hsa_|mc_|mkt_tok|_(gl|kx|hs)|igsh|epik|srsltid|gclsrc|msclkid|li_fat|dicbo|tblci|cjevent|awc|\w*(clid|braid|cid)$)/i.test(key);

/**
 * Whether a text, or an address, is one that `wire::redact` leaves as it is, whatever the site and the visitor allow:
 * no sign of an e-mail address, no escape, fewer digits than a telephone number has; an address has no query either.
 * Most are, and cost no core.
 */
export const isPlain = (text, address) => {
  const rest = address ? text.replace(/^https?:\/\/[\w.:-]+/, "") : text;
  return rest.replace(/\D/g, "").length < 9 && (address ? /^(?!\/\/)[\w/.~-]*(#[\w/.~-]*)?$/.test(rest) : !/@|%[\da-f]{2}/i.test(rest));
};

/** A text without e-mail addresses. */
export const rawText = (text) => text.replace(/[^\s/?&=#:]+(@|%40)[^\s/?&=#]+/gi, "…");

/**
 * An address with what may leave of it: of its query campaigns and what the site wants kept, and outside of full mode a
 * click id's name alone.
 */
export const rawAddress = (url, full, config) =>
  rawText(
    url.replace(/#.*=.*/, "").replace(/([?&])([^=&#]*)(=[^&#]*)?/g, (pair, mark, key) => {
      if (/^utm_/.test(key)) return full || config.anonymous_utm ? pair : mark;
      if (isClickId(key)) return full ? pair : mark + key + "=";
      return full && (config.keys || []).includes(key) ? pair : mark;
    }),
  );

const CONTACT =
  /^\s*((mailto|tel|callto|sms\w*|mms\w*|facetime[\w-]*|whatsapp|fb-messenger|tg|viber|sgnl|line|skype|weixin|xmpp):|(https?:)?\/\/([\w-]+\.)?((wa|m|t|signal|telegram|line|zalo)\.me|(whatsapp|messenger)\.com)(?![^/?#]))/i;

/**
 * A link that addresses somebody, with the address and without what is to be told them; undefined for any other. The
 * address is the site's own, and the collector reads it.
 */
export const contact = (href) =>
  CONTACT.test(href) ? href.replace(/([?&;])(?!(phone|number|domain|to|chaturi)=)[^&;#]*/gi, "$1") : undefined;

/** Whether a link leads off this host: there may be no later. */
export const isAway = (href) => {
  const there = /^\s*(?:https?:)?\/\/([^/?#]+)/i.exec(href);
  return there ? there[1] != location.host : CONTACT.test(href);
};
