// What leaves where there is no core: the collector judges by `wire`'s rules, so here goes only what it could not undo.

/** Whether a query key may be a click id: somewhat wider than `wire`'s table, which the core and the collector have. */
export const isClickId = (key) =>
  /^(gad_|hsa_|mc_|mkt_tok|_(gl|kx|hs)|igsh|epik|srsltid|gclsrc|msclkid|li_fat|dicbo|tblci|cjevent|awc|\w*(clid|braid|cid)$)/i.test(key);

/** A text without e-mail addresses. */
export const text = (text) => text.replace(/[^\s/?&=#:]+(@|%40)[^\s/?&=#]+/gi, "…");

/**
 * An address with what may leave of it: of its query campaigns and what the site wants kept, and outside of full mode a
 * click id's name alone.
 */
export const address = (url, full, config) =>
  text(
    url.replace(/#.*=.*/, "").replace(/([?&])([^=&#]*)(=[^&#]*)?/g, (pair, mark, key) => {
      if (/^utm_/.test(key)) return full || config.anonymous_utm ? pair : mark;
      if (isClickId(key)) return full ? pair : mark + key + "=";
      return full && (config.keys || []).includes(key) ? pair : mark;
    }),
  );
