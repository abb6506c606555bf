// Shows other telephone numbers in place of the printed ones: in texts, and in the links that dial them. Loaded by pages of
// sites that have printed numbers alone. What the page has put there stays known, and comes back when it has to.

const KEPT = "tz_n"; // the numbers that this tab shows, in full mode
// So long after the collector last heard of a visitor their number is surely theirs: a minute less than it holds it.
const HELD_MS = 29 * 60 * 1000;
const TITLE_MS = 500; // as tracker-wasm/js/pages.js has it
const IDLE_MS = 2000;
// What puts a printed number back as often as it gives way gets its way: changes in a row, within so long, of an element or
// one close around, or of the whole page.
const TRIES = 20;
const TRIES_ALL = 200;
const TRIES_MS = 1000;
const CLOSE = 3;
// Elements of the page's own making may get their shadow root later than their place.
const WAITING = 1000;
const WAITING_MS = 30000;

// What people write between digits.
const GAP = "[\\s.()/\\-\\u00b7\\u200b\\u2010-\\u2015\\u2060]{0,3}";

/**
 * How printed numbers (`+34 900111000`, with a blank after the country's code) are found. `text(text, shown)` answers a text
 * with each of them as it is to be shown, `shown(number)`, both in E.164: written as it was, where it has as many digits.
 * `link(href, shown)` does so for what a link dials.
 */
export const writer = (printed) => {
  const spread = (digits) => [...digits].join(GAP);
  const known = printed.map((number) => {
    const [code, national] = number.slice(1).split(" ");
    return { code, national };
  });
  // The longest first: one may end like another.
  known.sort((one, other) => other.national.length - one.national.length);
  // `+34 900…`, `0034 900…`, `34 900…`, `+44 (0)20…`, `020…`, `900…`
  const forms = known.map(({ code, national }) => `(?:(?:(?:\\+|00)${GAP})?${spread(code)}${GAP}(?:0${GAP})?|0${GAP})?${spread(national)}`);
  // Most texts have nothing to look at.
  const least = Math.min(...known.map(({ national }) => national.length));
  const enough = new RegExp(`\\d(?:${GAP}\\d){${least - 1}}`);
  const within = new RegExp(`(^|\\D)(${forms.join("|")})(?!\\d)`, "g");
  const whole = new RegExp(`^[\\s(]*(?:${forms.join("|")})\\s*$`);
  const which = (found) => {
    const digits = found.replace(/\D/g, "");
    return known.find(({ national }) => digits.endsWith(national));
  };
  const give = (found, shown) => {
    const { code, national } = which(found);
    return shown(`+${code}${national}`);
  };

  // A number in place of another, as that is written.
  const styled = (found, number) => {
    const { code, national } = which(found);
    const isHere = number.startsWith("+" + code);
    const digits = number.slice(isHere ? 1 + code.length : 1);
    let start = found.length;
    for (let left = national.length; left; ) if (/\d/.test(found[--start])) left--;
    const head = found.slice(0, start);
    const body = found.slice(start);
    let next = 0;
    if (isHere && digits.length == national.length) return head + body.replace(/\d/g, () => digits[next++]);
    const gap = /\D/.test(body) ? (/^[^\d()]/.exec(body.replace(/\d+/, "")) || [" "])[0] : "";
    // What was opened before it is closed.
    const open = (found.match(/\)/g) || []).length - (found.match(/\(/g) || []).length;
    return (isHere ? head : "+") + digits.replace(/(\d{3})(?=\d{2})/g, "$1" + gap) + (isHere && /\)/.test(head) ? "" : ")".repeat(Math.max(0, open)));
  };

  return {
    text: (text, shown) =>
      enough.test(text)
        ? text.replace(within, (all, prior, found, at) => {
            const before = text.slice(0, at + prior.length);
            const after = text.slice(at + all.length);
            // A part of a longer number, an amount, the number of another country.
            if (/\d[.,-]$/.test(before) || /^[.,-]\d/.test(after) || (/^\d/.test(found) && /(\+|\b00)[\d\s().-]{0,7}$/.test(before))) return all;
            const number = give(found, shown);
            return number ? prior + styled(found, number) : all;
          })
        : text,
    link(href, shown) {
      const [, scheme, dialled, rest] = /^(\s*(?:tel|callto):(?:\/\/)?)([^;?,&]*)([^]*)$/i.exec(href) || [];
      const plain = dialled && unescape(dialled);
      const number = plain && whole.test(plain) && give(plain, shown);
      return number ? scheme + number + rest : href;
    },
  };
};

// Where a text is no text of the page's, or somebody may be writing.
const CLOSED = "[data-traza-noswap],head,script,style,noscript,template,textarea,select,[contenteditable]:not([contenteditable=false])";
// What a framework takes over as the server wrote it: it must find it so.
const TAKEN = "#__next,#__nuxt,#___gatsby,[data-reactroot],[data-server-rendered],[ng-server-context],astro-island";
const TAKEN_ALL = "script[src*='/_next/'],script[src*='/_nuxt/']";
const DIALS = "[href*='tel:' i],[href*='callto:' i]";
const LABELLED = DIALS + ",[aria-label],[title]";
const NAMES = ["href", "aria-label", "title"];

const own = (element, method, ...args) => Element.prototype[method].apply(element, args);
/** The element that a text, an element or a shadow root stands in. */
const around = (node) => node.parentElement || (node.parentNode || node).host;
const within = (from, selector) => {
  for (let element = from; element; element = element.getRootNode().host) if (own(element, "closest", selector)) return true;
};

/**
 * Begins. `mode()` is the mode in force; `tell()` lets the page view leave, whose answer says what to show; `begins(work)`
 * and `tick(work)` call at each page view after this and each second; `guard(work)` keeps errors in. Answers what takes an
 * answer's numbers, by printed ones: none keeps what is shown; `null` says that the visitor has chosen.
 */
export const show = (printed, mode, tell, begins, tick, guard) => {
  const doc = document;
  const write = writer(printed);
  const changed = new WeakMap(); // by text or element, and by attribute: what the page had there, and what it has now
  const tries = new WeakMap();
  const all = {};
  let met = new WeakSet(); // the roots that are watched
  let waiting = new Map(); // elements that may yet get a shadow root, and until when they are looked at
  let numbers; // what is shown, by printed number
  let under; // the mode that it was given in
  let heard; // when the collector last knew of the visitor
  let settled; // frameworks have taken over what is theirs
  let change = 0; // the number of the change of the page that is answered
  let answering;

  const get = (node, name) => (name == "data" ? node.data : own(node, "getAttribute", name));
  const put = (node, name, value) => (name == "data" ? (node.data = value) : own(node, "setAttribute", name, value));

  const isEarly = (element) => !settled && (within(element, TAKEN) || !!doc.querySelector(TAKEN_ALL));

  const isTired = (element) => {
    if (!answering) return;
    const now = performance.now();
    const again = (tried, most) => {
      if (tried.change != change) {
        if (!(now - tried.since < TRIES_MS)) Object.assign(tried, { since: now, times: 0 });
        tried.change = change;
        if (++tried.times > most) tried.over = true;
      }
      return tried.over;
    };
    let over = again(all, TRIES_ALL);
    for (let at = element, n = 0; at && at != doc.body && n < CLOSE; at = around(at), n++) {
      if (!tries.has(at)) tries.set(at, {});
      over = again(tries.get(at), TRIES) || over;
    }
    return over;
  };

  const turn = (node, name) => {
    const element = name == "data" ? around(node) : node;
    const was = get(node, name);
    if (!was || !element || /^(script|style)$/.test(element.localName)) return;
    const now = (name == "href" ? write.link : write.text)(was, (number) => numbers[number]);
    if (now == was || within(element, CLOSED) || isEarly(element) || isTired(element)) return;
    put(node, name, now);
    changed.set(node, { ...changed.get(node), [name]: [was, now] });
  };

  const undo = (node, name) => {
    const [was, now] = changed.get(node)?.[name] || [];
    // What the page has put there since is its own.
    if (now && get(node, name) == now) put(node, name, was);
    if (now) delete changed.get(node)[name];
  };

  const CHANGES = { subtree: true, childList: true, characterData: true, attributeFilter: NAMES };
  const meet = (root) => {
    met.add(root);
    changes.observe(root, CHANGES);
    pass(root, turn);
  };

  // All there is at and below a node, shadow roots too.
  const pass = (top, work) => {
    const walker = doc.createTreeWalker(top, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = top; node; node = walker.nextNode()) {
      if (node.nodeType == Node.TEXT_NODE) work(node, "data");
      else if (node.shadowRoot) met.has(node.shadowRoot) ? pass(node.shadowRoot, work) : meet(node.shadowRoot);
      else if (work == turn && /-/.test(node.localName) && waiting.size < WAITING) waiting.set(node, Date.now() + WAITING_MS);
    }
    if (!top.querySelectorAll) return;
    for (const element of top.querySelectorAll(LABELLED)) for (const name of NAMES) work(element, name);
    if (top.nodeType == Node.ELEMENT_NODE) for (const name of NAMES) work(top, name);
  };

  const look = () => {
    for (const [element, until] of waiting) {
      const { shadowRoot } = element;
      if (!shadowRoot && Date.now() < until) continue;
      waiting.delete(element);
      if (shadowRoot && !met.has(shadowRoot)) meet(shadowRoot);
    }
  };

  const changes = new MutationObserver(
    guard((records) => {
      answering = true;
      change++;
      const passed = new Set();
      const isPassed = (node) => {
        for (let at = node; at; at = at.parentNode) if (passed.has(at)) return true;
      };
      for (const { type, target, attributeName, addedNodes } of records)
        if (type != "childList") turn(target, attributeName || "data");
        else
          for (const node of addedNodes)
            if (!isPassed(node)) {
              passed.add(node);
              pass(node, turn);
            }
      look();
      answering = false;
      // Its own are no news; whoever answers to them is heard after.
      changes.takeRecords();
      if (all.over) changes.disconnect();
    }),
  );

  const clear = () => {
    if (!numbers) return;
    changes.disconnect();
    pass(doc, undo);
    numbers = under = undefined;
    met = new WeakSet();
    waiting = new Map();
  };

  const keep = () => {
    try {
      if (mode() != "full" || under != "full") sessionStorage.removeItem(KEPT);
      else sessionStorage.setItem(KEPT, JSON.stringify({ numbers, heard }));
    } catch {
      // Blocked: each page asks anew.
    }
  };

  const begin = (next) => {
    const said = Object.entries(next).filter(([, number]) => /^\+\d{6,15}$/.test(number));
    if (!said.length) return;
    const same = numbers && said.every(([one, number]) => numbers[one] == number);
    under = mode();
    if (same) return;
    clear();
    under = mode();
    numbers = Object.fromEntries(said);
    meet(doc);
    changes.takeRecords();
  };

  const take = (next) => {
    // A smaller word than that under which it was given.
    if (next === null) {
      if (mode() != "full" && under != mode()) clear();
    } else {
      heard = Date.now();
      if (next) begin(next);
    }
    keep();
  };

  const settle = () => {
    settled = true;
    if (numbers) pass(doc, turn);
    changes.takeRecords();
  };
  const rest = guard(() => (window.requestIdleCallback ? requestIdleCallback(guard(settle), { timeout: IDLE_MS }) : setTimeout(guard(settle), TITLE_MS)));
  const once = (target, kind, work) => target.addEventListener(kind, work, { once: true, passive: true });
  if (doc.readyState == "complete") rest();
  else once(window, "load", rest);

  tick(() => {
    if (!numbers) return;
    look();
    // The number may be somebody else's by now.
    if (under == "full" && Date.now() - heard > HELD_MS) {
      clear();
      keep();
    }
  });

  if (mode() == "full") {
    let kept;
    try {
      kept = JSON.parse(sessionStorage.getItem(KEPT));
    } catch {
      // As above.
    }
    if (kept && Date.now() - kept.heard < HELD_MS) {
      heard = kept.heard;
      begin(kept.numbers);
    }
  }

  // The title of a page is there when its text is; that of a route a moment later. Whoever called takes answers by then.
  if (doc.readyState == "loading") once(doc, "DOMContentLoaded", guard(tell));
  else Promise.resolve().then(guard(tell));
  begins(() => setTimeout(guard(tell), TITLE_MS));
  return take;
};
