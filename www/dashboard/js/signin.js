// Signing in with a token: it is tried on what its user wants to see before it is kept.
import { client } from "./api.js";
import { fill, h } from "./dom.js";
import { problem } from "./parts.js";
import { lastSite } from "./session.js";

const SITE = /^[a-z0-9-]{1,32}$/;

/** The words for a refused sign-in, or `null` where the problem speaks for itself. */
export function refusal(error, t) {
  const key = { 401: "signin.wrong", 403: "signin.site_refused", 404: "signin.site_unknown" }[error.status];
  return key ? { ...error, title: t(key), detail: error.detail || error.title } : null;
}

/** Tries what the first page shows: the leads, or the queue alone for an agent, whose token opens one lead at a time. */
async function listed(api) {
  try {
    await api.leads({ limit: "1" });
  } catch (error) {
    if (error.status !== 403) throw error;
    await api.queue({ limit: "1" }).catch(() => {
      throw error;
    });
  }
}

/** Renders the form into `root`; `enter(session)` is called with a session that works. */
export function signIn({ root, t, route, notice, enter }) {
  const field = (name, props, help) => {
    const input = h("input", { id: name, name, "aria-describedby": `${name}-help`, ...props });
    return {
      input,
      row: h(
        "div",
        { class: "field" },
        h("label", { for: name }, t(`signin.${name}`)),
        input,
        h("p", { class: "help", id: `${name}-help` }, help),
      ),
    };
  };
  const site = field(
    "site",
    { required: true, autocomplete: "organization", autocapitalize: "none", spellcheck: "false", maxlength: 32, value: lastSite() },
    t("signin.site_help"),
  );
  const token = field(
    "token",
    { type: "password", required: true, autocomplete: "off", spellcheck: "false" },
    t("signin.token_help"),
  );
  const name = field("name", { autocomplete: "name", maxlength: 80 }, t("signin.name_help"));
  const submit = h("button", { class: "button", type: "submit" }, t("signin.submit"));
  const errors = h("div", { "aria-live": "assertive" });

  async function onsubmit(event) {
    event.preventDefault();
    fill(errors);
    const session = { site: site.input.value.trim(), token: token.input.value.trim(), name: name.input.value.trim() };
    if (!SITE.test(session.site)) {
      fill(errors, problem({ title: t("signin.site_invalid") }, t));
      site.input.focus();
      return;
    }
    submit.disabled = true;
    submit.textContent = t("signin.busy");
    try {
      const api = client(session);
      await (route.view === "lead" ? api.lead(route.id) : listed(api));
      enter(session);
    } catch (error) {
      const unknownLead = error.status === 404 && route.view === "lead";
      fill(errors, problem((unknownLead ? null : refusal(error, t)) ?? error, t));
      submit.disabled = false;
      submit.textContent = t("signin.submit");
      if (error.status === 401) token.input.select();
    }
  }

  fill(
    root,
    h(
      "form",
      { class: "card signin", onsubmit },
      h("h1", { tabindex: "-1" }, t("signin.title")),
      h("p", { class: "muted" }, t("signin.lead")),
      notice && h("p", { class: "notice", role: "status" }, notice),
      errors,
      site.row,
      token.row,
      name.row,
      submit,
    ),
  );
  (site.input.value ? token : site).input.focus();
}
