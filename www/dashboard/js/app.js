// The frame around the views: who is signed in, in which language, and what the address asks for.
import { client } from "./api.js";
import { campaignsView } from "./campaigns.js";
import { conflictsView } from "./conflicts.js";
import { countersView } from "./counters.js";
import { fill, h } from "./dom.js";
import { LANGUAGES, pickLanguage, translator } from "./i18n.js";
import { handoverView } from "./handover.js";
import { installView } from "./install.js";
import { leadView } from "./lead.js";
import { leadsView } from "./leads.js";
import { queueView } from "./queue.js";
import { campaignsHash, countersHash, HANDOVER, leadsHash, parse, QUEUE } from "./route.js";
import * as store from "./session.js";
import { signIn } from "./signin.js";

/** What a site has unless it has stages of its own: where they cannot be read. */
const STAGES = ["visitor", "lead", "mql", "sql", "opportunity", "customer", "lost"];

const app = document.getElementById("app");
let lang = pickLanguage(store.language(), navigator.languages);
let session = store.load();
let site = null;
let stop = () => {};
let back = leadsHash();

/**
 * The site's stages; its currency, where the token may read its settings; whether the token may list leads, which an
 * agent's may not, and see who is told.
 */
async function readSite() {
  const api = client(session);
  const [funnel, settings, leads, webhooks] = await Promise.allSettled([api.funnel(), api.site(), api.leads({ limit: "1" }), api.webhooks()]);
  const names = (funnel.value?.items ?? []).map(({ name }) => name);
  return { stages: names.length > 0 ? names : STAGES, currency: settings.value?.currency ?? null, lists: leads.reason?.status !== 403, admin: webhooks.status === "fulfilled" };
}

function signOut(notice) {
  session = null;
  site = null;
  store.clear();
  render(notice);
}

/** Whether a link of the header leads to where the reader is: what is asked for, or what is shown in its place. */
function place(route, view) {
  if (view === "leads") return site.lists && ["leads", "lead", "conflicts"].includes(route.view);
  return route.view === view || (view === "queue" && !site.lists && ["leads", "lead"].includes(route.view));
}

function header(t, route) {
  const link = (view, href) =>
    h("a", { href, "aria-current": place(route, view) ? "page" : null }, t(`nav.${view}`));
  const languages = h(
    "select",
    {
      class: "language",
      "aria-label": t("nav.language"),
      onchange: (event) => {
        lang = event.target.value;
        store.rememberLanguage(lang);
        render();
      },
    },
    Object.keys(LANGUAGES).map((one) => h("option", { value: one, lang: one, selected: one === lang }, one.toUpperCase())),
  );
  const logo = h("img", { src: "favicon.svg", alt: "", width: 28, height: 28 });
  return h(
    "header",
    { class: "top" },
    h(
      "div",
      { class: "wide" },
      h("a", { class: "brand", href: leadsHash() }, logo, t("app.name")),
      session && h("span", { class: "site" }, session.site),
      session &&
        site &&
        h(
          "nav",
          { "aria-label": t("nav.label") },
          link("queue", QUEUE),
          site.lists && [link("leads", leadsHash()), link("campaigns", campaignsHash()), link("counters", countersHash()), link("install", "#/install")],
          site.admin && link("handover", HANDOVER),
        ),
      h(
        "div",
        { class: "tools" },
        languages,
        session && h("button", { class: "plain", type: "button", onclick: () => signOut() }, t("nav.signout")),
      ),
    ),
  );
}

/** Draws what the address asks for. A later call while an earlier one still waits takes its place. */
let turn = 0;
async function render(notice) {
  const mine = ++turn;
  stop();
  stop = () => {};
  const t = translator(lang);
  const route = parse(location.hash);
  document.documentElement.lang = lang;
  const root = h("main", { id: "content", class: "wide", tabindex: "-1" });
  const skip = h("button", { class: "skip", type: "button", onclick: () => root.focus() }, t("app.skip"));
  const top = header(t, route);
  fill(app, skip, top, root);

  if (session === null) {
    document.title = `${t("signin.title")} · Traza`;
    const enter = (entered) => {
      session = entered;
      store.save(session);
      render();
    };
    signIn({ root, t, route, notice, enter });
    return;
  }
  if (site === null) {
    const found = await readSite();
    if (mine !== turn) return;
    site = found;
    top.replaceWith(header(t, route));
  }
  const { stages, currency, lists } = site;
  const api = client(session);
  const expired = () => signOut(t("signin.expired"));
  if (route.view === "lead") {
    document.title = `${t("lead.title")} · Traza`;
    stop = leadView({ root, t, api, id: route.id, stages, currency, by: session.name || "dashboard", back, expired });
  } else if (route.view === "campaigns") {
    document.title = `${t("campaigns.title")} · ${session.site} · Traza`;
    const go = (hash) => (location.hash = hash);
    stop = campaignsView({ root, t, api, by: route.by, days: route.days, currency, go, expired });
  } else if (route.view === "counters") {
    document.title = `${t("counters.title")} · ${session.site} · Traza`;
    const go = (hash) => (location.hash = hash);
    stop = countersView({ root, t, api, by: route.by, days: route.days, go, expired });
  } else if (route.view === "conflicts") {
    document.title = `${t("conflicts.title")} · ${session.site} · Traza`;
    const go = (hash) => (location.hash = hash);
    stop = conflictsView({ root, t, api, by: session.name || "dashboard", go, expired });
  } else if (route.view === "queue" || (route.view === "leads" && !lists)) {
    document.title = `${t("queue.title")} · ${session.site} · Traza`;
    back = QUEUE;
    stop = queueView({ root, t, api, expired });
  } else if (route.view === "handover") {
    document.title = `${t("handover.title")} · ${session.site} · Traza`;
    stop = handoverView({ root, t, api, expired });
  } else if (route.view === "install") {
    document.title = `${t("install.title")} · Traza`;
    stop = installView({ root, t, api, expired });
  } else {
    document.title = `${t("leads.title")} · ${session.site} · Traza`;
    back = leadsHash(route.filter);
    const go = (hash) => (location.hash = hash);
    stop = leadsView({ root, t, api, filter: route.filter, stages, go, expired });
  }
  // A change of address moves a screen reader to the new page's heading; the first page leaves focus alone.
  if (moved) root.querySelector("h1")?.focus({ preventScroll: true });
}

let moved = false;
addEventListener("hashchange", () => {
  moved = true;
  scrollTo(0, 0);
  render();
});
render();
