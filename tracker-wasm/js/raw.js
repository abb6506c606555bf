// What may leave: of a query by its keys, said here, and of texts by the core. Where there is no core, here goes only what the
// collector, which judges by `wire`'s rules, could not undo, and so that it stores the same. No expression stands outside of
// what asks it: there it would be read at each arrival.
import { attempt, here, origin } from "./device.js";
import { phones } from "./phone.js";

/** Whether a query key may be a click id: somewhat wider than `wire`'s table, which the collector has. */
export const isClickId = (key) =>
  /^(gad_|hsa_|mc_|mkt_tok|_(gl|kx|hs)|igsh|epik|srsltid|gclsrc|msclkid|li_fat|dicbo|tblci|cjevent|awc|\w*(clid|braid|cid)$)/i.test(key);

/**
 * Whether there is nothing to look for in a text: letters, blanks, and fewer digits than a telephone number has, or `any`.
 * Most are like that, and a look at each character costs less than what an expression costs to be read.
 */
const isBare = (text, blanks, any) => {
  let digits = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const letter = code | 32;
    if (code > 47 && code < 58) digits++;
    else if (!((letter > 96 && letter < 123) || (code > 191 && blanks) || code == 43 || (code > 44 && code < 48) || code == 95 || (code == 32 && blanks))) return false;
  }
  return any || digits < 9;
};

// Those of most clicks, known without the expression, which costs as much to be read as ten listeners.
const COMMON = " gclid gbraid wbraid gad_source gad_campaignid fbclid msclkid ";

// What an advertisement adds to an address.
const isOfAd = (pair) => {
  const [key, value, more] = pair.split("=");
  if (!value || more != null) return false;
  return key.startsWith("utm_") ? isBare(key) && isBare(value) : (COMMON.includes(` ${key} `) || isClickId(key)) && isBare(value, false, true);
};

/** The same of an address too: its host and path are looked at, and where all may leave an advertisement's query. */
const isNothing = (text, address, full) => {
  if (!address) return isBare(text, true);
  const host = origin(text);
  const rest = here().startsWith(host) ? text.slice(host.length - 1) : text.startsWith("https://") ? text.slice(8) : text;
  const [path, query, more] = rest.split("?");
  if (path.includes("//") || (rest == text && path[0] != "/") || !isBare(path)) return false;
  return query == null || (full && more == null && query.split("&").every(isOfAd));
};

// Most addresses: a host, a path, and nothing to look for in it.
const isSimple = (address) => /^(https?:\/\/[\w.:-]+)?(\/[\w.~-]+)*\/?$/.test(address);

// As many digits as a telephone number has at least.
const hasMany = (text) => /(\d\D*){9}/.test(text);

/**
 * Whether a text, or an address, is one of which no more than its query has to be cut, whatever the site and the visitor
 * allow: no sign of an e-mail address, behind escapes neither, nor of a telephone number by `wire::redact`'s rules. Most
 * are, and cost no core.
 */
export const isPlain = (text, address) => {
  const rest = address ? text.replace(/^https?:\/\/[\w.:-]+/, "") : text;
  const plain = unescape(unescape(rest));
  return (
    !/@/.test(plain) &&
    (!address ||
      isSimple(rest) ||
      (/^(?!\/\/)[\w/.~%+\-\xc0-\uffff]*(\?[\w/.~%+\-\xc0-\uffff=&]*)?(#[\w/.~-]*)?$/.test(rest) && !/[?&][^=&]*[%+]/.test(rest))) &&
    // In an address one or two groups of digits are an article, unless a word or a plus says otherwise.
    (!hasMany(plain) || (address && !/(tel|ono|one|vil)[\W_]?\d|\+\W?\d|\d[^\w/]+\d+[^\w/]+\d/i.test(plain)))
  );
};

// As wire/src/redact/email.rs has it.
const email = () =>
  /[\w.+%'\-\xc0-\u1fff\u3000-\uffff]+@[\w.+%'@\-\xc0-\u1fff\u3000-\uffff]*\.[a-z\xc0-\u1fff\u3000-\uffff]{2}([\w.+%'@\-\xc0-\u1fff\u3000-\uffff]*[\w+%'@\xc0-\u1fff\u3000-\uffff])?/gi;

/** A text without e-mail addresses; what hides one behind escapes goes whole, between slashes. */
const rawText = (text) =>
  /[@%]/.test(text)
    ? text.replace(/[^/]+/g, (part) => {
        const plain = unescape(unescape(part));
        return plain == part ? part.replace(email(), "…") : plain.search(email()) < 0 ? part : "…";
      })
    : text;

// UTF-8's bytes, a letter each, and back.
const bytesOf = (text) => unescape(encodeURIComponent(text));
const CUT = "\xe2\x80\xa6"; // of "…"

/** The same without telephone numbers, of a text that is `written` for people or of a part of an address. */
const rawPart = (text, written) =>
  /[@%]/.test(text) || hasMany(text)
    ? rawText(text)
        .split("/")
        .map((piece) => {
          // Half a character, which no script should make, is no byte.
          const bytes = attempt(() => bytesOf(piece));
          if (bytes == null) return "…";
          const plain = unescape(unescape(bytes));
          let out = "";
          let done = 0;
          for (const [start, end] of phones(plain, written)) {
            if (plain != bytes) return "…";
            out += bytes.slice(done, start) + CUT;
            done = end;
          }
          return done ? decodeURIComponent(escape(out + bytes.slice(done))) : piece;
        })
        .join("/")
    : text;

/**
 * An address with what may leave of it: of its query campaigns and what the site wants kept, and outside of full mode a
 * click id's name alone; of the rest what `cut` leaves.
 */
export const rawAddress = (url, full, config, cut = rawPart) => {
  const keep = (pair) => {
    const [, name, key, value] = /^(?:amp;)*(([^=]*)=?)([^]*)/.exec(pair);
    if (isClickId(key)) return !full ? name : value.trim() && name + rawText(value);
    return (/^utm_/i.test(key) ? full || config.anonymous_utm : full && config.keys?.includes(key)) ? name + cut(value) : "";
  };
  const pairs = (query) => query.slice(0, 1) + query.slice(1).split("&").map(keep).filter(Boolean).join("&");
  return url
    .replace(/^\s*(\w*script|data|blob|file):[^]+/i, "$1:…")
    .replace(/^([^/?#\\]*[\\/]{2,})[^\\/?#]*@/, "$1")
    .replace(
      /^(\s*(?:[a-z][\w+.-]*:)?[\\/]{2,}[^\\/?#]*|)([^?#]*)(\?[^#]*|)(#[^?]*|)([^]*)/i,
      (url, host, path, query, route, rest) => rawText(host) + cut(path) + pairs(query) + (/=/.test(route) ? pairs(route) : cut(route)) + pairs(rest),
    );
};

const isContact = (href) =>
  /^\s*((mailto|tel|callto|sms\w*|mms\w*|facetime[\w-]*|whatsapp|fb-messenger|tg|viber|sgnl|line|skype|weixin|xmpp):|(https?:)?\/\/([\w-]+\.)?((wa|m|t|signal|telegram|line|zalo)\.me|(whatsapp|messenger)\.com)(?![^/?#]))/i.test(href);

/** Whether a link leads off this host: there may be no later. */
export const isAway = (href) => {
  const there = /^\s*(?:https?:)?\/\/([^/?#]+)/i.exec(href);
  return there ? there[1] != location.host : isContact(href);
};

/**
 * Calls `work(from, name, address)` for each text in an event that the page wrote. A link that addresses somebody is not
 * among them: the address is the site's own, and the collector reads it; what is to be told them goes.
 */
const each = (event, work) => {
  const { props = {} } = event;
  for (const name of ["url", "referrer", "href"])
    if (event[name]) {
      if (name == "href" && isContact(event.href)) event.href = event.href.replace(/([?&;])(?!(phone|number|domain|to|chaturi)=)[^&;#]*/gi, "$1");
      else work(event, name, true);
    }
  for (const name of ["title", "text", "asset"]) if (event[name]) work(event, name);
  for (const name in props) if (typeof props[name] == "string") work(props, name);
};

/** Whether something in an event is for the core to judge. */
export const isDoubtful = (event) => {
  let found;
  each(event, (from, name, address) => {
    found = found || !(isNothing(from[name], address, true) || isPlain(from[name], address));
  });
  return found;
};

/** Takes out of an event what may not leave; what of it is a person's is the core's judgement, where there is one. */
export const redact = (event, full, config, core) =>
  each(event, (from, name, address) => {
    const value = from[name];
    if (isNothing(value, address, full)) return;
    const cut = core ? core.cut : rawPart;
    if (!address) from[name] = cut(value, true);
    else if (core || !isSimple(value) || hasMany(value)) from[name] = rawAddress(value, full, config, cut);
  });
