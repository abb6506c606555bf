// What this tab knows of its user. The token lives in sessionStorage: it ends with the tab and is never in a URL.

const SESSION = "traza.session";
const LANGUAGE = "traza.language";
const SITE = "traza.site";

/** A browser may refuse storage altogether; then everything works until the page is reloaded. */
function attempt(action) {
  try {
    return action();
  } catch {
    return null;
  }
}

/** The session of this tab, `{site, token, name}`, or `null`. */
export function load() {
  const text = attempt(() => sessionStorage.getItem(SESSION));
  const session = text === null ? null : attempt(() => JSON.parse(text));
  const valid = session && typeof session.site === "string" && typeof session.token === "string";
  return valid ? session : null;
}

export function save(session) {
  attempt(() => sessionStorage.setItem(SESSION, JSON.stringify(session)));
  attempt(() => localStorage.setItem(SITE, session.site));
}

export function clear() {
  attempt(() => sessionStorage.removeItem(SESSION));
}

/** The site of the last sign-in on this browser: no secret, and saves typing. */
export const lastSite = () => attempt(() => localStorage.getItem(SITE)) ?? "";
export const language = () => attempt(() => localStorage.getItem(LANGUAGE));
export const rememberLanguage = (lang) => attempt(() => localStorage.setItem(LANGUAGE, lang));
