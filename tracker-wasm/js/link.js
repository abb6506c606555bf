// Between the site's own domains, which share no cookie: a link to another of them carries the visitor along, signed
// for two minutes, for this browser and that host.
import { here, offer, visitor } from "./device.js";

const LIVES_MS = 120000;

// No secret: it keeps a link that was passed on from making two people one.
const sign = (id, time, host) => {
  let sum = 7;
  for (const letter of id + time + host + navigator.userAgent) sum = (sum * 31 + letter.codePointAt()) % 4294967296;
  return sum.toString(36);
};

/** Marks the links that a visitor follows to another of the site's domains, and takes the mark of one that was. */
export const handOver = (host) => {
  const { domains } = host.config;
  const [, id, time, sum] = (here().includes("_tz=") && /[?&]_tz=([\w-]{1,64})\.(\w+)\.(\w+)/.exec(location.search)) || [];
  if (id && Math.abs(Date.now() - parseInt(time, 36)) < LIVES_MS && sum == sign(id, time, location.hostname)) offer(id);

  // Most sites have nowhere to hand anybody over to.
  if (domains?.[1]) host.alive(() => host.listen(document, "click auxclick", (event) => {
    const link = event.composedPath().find((node) => node.href && node.hostname);
    const there = link?.hostname;
    const covering = (name) => domains.filter((domain) => ("." + name).endsWith("." + domain));
    const ours = covering(location.hostname);
    const theirs = covering(there);
    // Where one domain covers both, they share the cookie.
    if (host.mode != "full" || event.button > 1 || !ours[0] || !theirs[0] || theirs.some((domain) => ours.includes(domain))) return;
    const was = link.getAttribute("href");
    const now = Date.now().toString(36);
    const mark = "_tz=" + [visitor(), now, sign(visitor(), now, there)].join(".");
    link.href = was.replace(/(#.*)?$/, (hash) => (link.search ? "&" : "?") + mark + hash);
    // The browser has read it by then; what is copied or opened later is the page's own.
    host.later(0, () => link.setAttribute("href", was));
  }));
};
