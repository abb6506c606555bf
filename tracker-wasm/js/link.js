// Between the site's own domains, which share no cookie: a link to another of them carries the visitor along, signed
// for two minutes, for this browser and that host.
import { offer, visitor } from "./device.js";

const LIVES_MS = 120000;

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
  const { domains = [] } = host.config;
  const covers = (other) => domains.some((domain) => within(other, domain) && within(here, domain));

  const { search } = location;
  const [, id, time, sum] = (search.includes("_tz=") && /[?&]_tz=([\w-]{1,64})\.(\w+)\.(\w+)/.exec(search)) || [];
  if (id && Math.abs(Date.now() - parseInt(time, 36)) < LIVES_MS && sum == sign(id, time, here)) offer(id);

  // Most sites have nowhere to hand anybody over to.
  if (domains.some((domain) => !within(here, domain)) && covers(here)) host.listen(document, "click auxclick", (event) => {
    const link = event.composedPath().find((node) => node.href && node.hostname);
    const there = link?.hostname;
    // Where one domain covers both, they share the cookie.
    if (host.mode != "full" || event.button > 1 || covers(there) || !domains.some((domain) => within(there, domain))) return;
    const was = link.getAttribute("href");
    const now = Date.now().toString(36);
    const mark = "_tz=" + [visitor(), now, sign(visitor(), now, there)].join(".");
    link.href = was.replace(/(#.*)?$/, (hash) => (link.search ? "&" : "?") + mark + hash);
    // The browser has read it by then; what is copied or opened later is the page's own.
    host.later(0, () => link.setAttribute("href", was));
  });
};
