// Between the site's own domains, which share no cookie: a link to another of them carries the visitor along, signed
// for two minutes, for this browser and that host.
import { offer, visitor } from "./device.js";

const LIVES_MS = 120000;
const MARK = /[?&]_tz=([\w-]{1,64})\.(\w+)\.(\w+)/;

// No secret: it keeps a link that was passed on from making two people one.
const sign = (id, time, host) => {
  let sum = 7;
  for (const letter of id + time + host + navigator.userAgent) sum = (sum * 31 + letter.codePointAt()) % 4294967296;
  return sum.toString(36);
};

const within = (host, domain) => ("." + host).endsWith("." + domain);

/** Marks the links that a visitor follows to another of the site's domains, and takes the mark of one that was. */
export const handOver = (host) => {
  const here = location.hostname;
  const domains = host.config.domains || [];

  const [, id, time, sum] = MARK.exec(location.search) || [];
  if (id && Math.abs(Date.now() - parseInt(time, 36)) < LIVES_MS && sum == sign(id, time, here)) offer(id);

  if (!domains.some((domain) => within(here, domain)) || domains.every((domain) => within(here, domain))) return;
  host.listen(document, "click auxclick", (event) => {
    if (host.mode != "full" || event.button > 1) return;
    const link = event.composedPath().find((node) => /^a(rea)?$/.test(node.localName) && node.hostname);
    const there = link && link.hostname;
    // Where one domain covers both, they share the cookie.
    if (!there || !domains.some((domain) => within(there, domain)) || domains.some((domain) => within(there, domain) && within(here, domain))) return;
    const was = link.getAttribute("href");
    const now = Date.now().toString(36);
    const mark = "_tz=" + [visitor(), now, sign(visitor(), now, there)].join(".");
    link.href = was.replace(/(#.*)?$/, (hash) => (link.search ? "&" : "?") + mark + hash);
    // The browser has read it by then; what is copied or opened later is the page's own.
    host.later(0, () => link.setAttribute("href", was));
  });
};
