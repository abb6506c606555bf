// A journey as a story: which items belong together, and what each one says. Pure.
import { duration, host, money, path, phone } from "./format.js";

/** The API may name one thing in more than one way over its versions; the story has one name for it. */
const ALIAS = {
  stage_changed: "stage",
  stage_change: "stage",
  lead_created: "lead",
  attempt_recorded: "attempt",
  sale_recorded: "sale",
  call_received: "call",
};

/** The kind under which an item is told. */
export function kindOf(item) {
  return ALIAS[item.kind] ?? item.kind ?? "";
}

/** The id of an item's visit; `null` for what happened elsewhere. */
export function visitOf(item) {
  const visit = item.visit;
  if (visit === undefined || visit === null) return null;
  return typeof visit === "object" ? String(visit.id ?? "") || null : String(visit);
}

/** A page that named itself after it was told is known by the name that its leave brought. */
function named(items) {
  const late = new Map(items.filter(({ kind, title }) => kind === "page_leave" && title).map(({ page, title }) => [page, title]));
  return items.map((item) => (item.kind === "page_view" && late.has(item.page) ? { ...item, title: late.get(item.page) } : item));
}

/**
 * Groups items that follow each other in one visit, in the order given. A visit that something else interrupts (a
 * stage change in the middle of it) comes back as a further group with the same number and `again`.
 */
export function groupByVisit(items) {
  const numbers = new Map();
  const groups = [];
  for (const item of named(items)) {
    const visit = visitOf(item);
    const last = groups.at(-1);
    if (last && last.visit === visit) {
      last.items.push(item);
      continue;
    }
    const again = visit !== null && numbers.has(visit);
    if (visit !== null && !again) numbers.set(visit, numbers.size + 1);
    groups.push({ visit, number: visit === null ? null : numbers.get(visit), again, items: [item] });
  }
  return groups.map((group) => ({ ...group, ...summary(group.items) }));
}

function summary(items) {
  return {
    pages: items.filter((item) => item.kind === "page_view").length,
    engaged_ms: items.reduce((sum, item) => sum + (Number.isFinite(item.engaged_ms) ? item.engaged_ms : 0), 0),
    touch: items.find((item) => item.touch)?.touch ?? null,
    evidence: commonEvidence(items),
    // Visits are of one browser each, so that one piece of evidence says of all of it that it was another one.
    edge: items.find((item) => item.edge)?.edge ?? null,
    device: items.find((item) => item.device)?.device ?? null,
  };
}

/** What somebody browsed with, in a few words; what is not known is left out. */
export function deviceText(device, t) {
  if (!device) return "";
  const named = (value) => (value && value !== "unknown" && value !== "other" ? value : "");
  const kind = named(device.class) && t.label("device", device.class);
  return [kind, named(device.browser), named(device.os)].filter(Boolean).join(" · ");
}

/** The evidence that most items of a group share: it is said once, and beside an item only where it differs. */
function commonEvidence(items) {
  const seen = new Map();
  for (const { evidence } of items) {
    if (evidence === undefined || evidence === null) continue;
    const text = JSON.stringify(evidence);
    seen.set(text, { evidence, times: (seen.get(text)?.times ?? 0) + 1 });
  }
  const [most] = [...seen.values()].sort((a, b) => b.times - a.times);
  return most && most.times > 1 ? most.evidence : null;
}

/** The evidence to say beside an item: its own, unless its group has said the same. */
export function ownEvidence(item, group) {
  const same = JSON.stringify(item.evidence ?? null) === JSON.stringify(group.evidence);
  return same ? null : (item.evidence ?? null);
}

const first = (...options) => options.find(([, present]) => present);

/** The text of an item: a key of the language tables and its parameters. */
export function say(item, t) {
  const kind = kindOf(item);
  const form = item.form || t("form.unnamed");
  const bare = [`did.${kind}`, true, {}];
  const pick = (...options) => {
    const [key, , params] = first(...options, bare);
    return { key, params: params ?? {} };
  };
  switch (kind) {
    case "page_view":
      return pick(
        ["did.page_view", item.title, { title: item.title }],
        ["did.page_view.bare", true, { path: path(item.url) || "/" }],
      );
    case "page_leave": {
      const time = duration(item.engaged_ms);
      return pick(
        ["did.page_leave.scroll", time && Number.isFinite(item.scroll_pct), { time, pct: item.scroll_pct }],
        ["did.page_leave.time", time, { time }],
      );
    }
    case "click": {
      const what = item.text || item.target;
      return pick(["did.click", what, { what }], ["did.click.bare", true]);
    }
    case "cta_view":
    case "cta_click":
      return pick([`did.${kind}`, true, { cta: item.cta ?? "" }]);
    case "call_click":
      return pick(
        ["did.call_click", item.number, { number: phone(item.number) }],
        ["did.call_click.bare", true],
      );
    case "chat_click": {
      const app = t.label("app", item.app || "other");
      return pick(
        ["did.chat_click.to", item.to, { app, to: phone(item.to) }],
        ["did.chat_click", true, { app }],
      );
    }
    case "email_click":
    case "sms_click":
      return pick([`did.${kind}.to`, item.to, { to: item.to }]);
    case "outbound_click":
      return pick(["did.outbound_click.to", host(item.href), { to: host(item.href) }]);
    case "download": {
      const asset = item.asset || path(item.href).split("/").at(-1);
      return pick(["did.download.asset", asset, { asset }]);
    }
    case "form_abandon":
    case "form_error":
      return pick(
        [`did.${kind}.field`, item.field, { form, field: item.field }],
        [`did.${kind}`, true, { form }],
      );
    case "form_view":
    case "form_start":
    case "form_submit":
    case "form_success":
      return pick([`did.${kind}`, true, { form }]);
    case "purchase":
      return pick(["did.purchase.amount", Number.isFinite(item.amount), { amount: cash(item, t) }]);
    case "sale":
      return pick(
        ["did.sale.refund", item.amount < 0, { amount: cash({ ...item, amount: -item.amount }, t) }],
        ["did.sale.amount", Number.isFinite(item.amount), { amount: cash(item, t) }],
      );
    case "custom": {
      // What happened elsewhere has its name among its properties.
      const name = item.name ?? item.props?.name ?? "custom";
      return pick(
        [`did.${name}`, /^(rage|dead)_click$/.test(name) && item.props?.target, { what: item.props?.target }],
        ["did.custom", true, { name }],
      );
    }
    case "email_sent":
    case "email_bounced":
    case "email_opened":
      return pick([`did.${kind}.message`, item.props?.message, { message: item.props?.message }]);
    case "email_clicked":
      return pick([
        "did.email_clicked.message", item.props?.message && item.props.link,
        { message: item.props?.message, link: item.props?.link },
      ]);
    case "survey_response":
      return pick(["did.survey_response.score", Number.isFinite(item.props?.score), { score: item.props?.score }]);
    case "consent":
      return pick(["did.consent.mode", item.mode, { mode: t.label("mode", item.mode) }]);
    case "tracker_error":
      return pick(["did.tracker_error.code", item.code, { code: item.code }]);
    case "stage": {
      const stage = item.stage ?? item.to;
      return pick(["did.stage.to", stage, { stage: t.label("stage", stage) }]);
    }
    case "flag":
      return pick(["did.flag.to", item.flag, { flag: t.label("flag", item.flag) }]);
    case "lead":
      return pick(["did.lead.told", item.external_id, {}]);
    case "attempt":
      return pick(["did.attempt.outcome", item.outcome, { outcome: t.label("outcome", item.outcome) }]);
    case "call":
      return pick(["did.call.from", item.to, { to: phone(item.to) }]);
    case "message":
      return pick(["did.message.app", item.app, { app: t.label("app", item.app) }]);
    default:
      return t.has(`did.${kind}`) ? { key: `did.${kind}`, params: {} } : { key: null, params: {} };
  }
}

function cash(item, t) {
  return money(item.amount, item.currency, t.lang);
}

/** The sentence of an item. A kind that nobody knows yet is shown by its name rather than left out. */
export function sentence(item, t) {
  const { key, params } = say(item, t);
  return key === null ? t.label("did", item.kind ?? "?") : t(key, params);
}

/** Short further facts of an item, already in the reader's language. */
export function details(item, t) {
  const out = [];
  const kind = kindOf(item);
  if (kind === "page_view" && item.title && item.url) out.push(path(item.url));
  if (item.cta && kind !== "cta_click" && kind !== "cta_view") out.push(t("detail.cta", { cta: item.cta }));
  if (item.props && typeof item.props === "object") {
    for (const [name, value] of Object.entries(item.props)) {
      if (name === "agent") continue;
      // What was written is shown as it is; whose word it is shows in the sentence.
      out.push(/^(text|comment|summary|transcript|note)$/.test(name) ? scalar(value) : `${name}: ${scalar(value)}`);
    }
  }
  if (item.trust === "low") out.push(t("detail.low_trust"));
  if (item.amended) out.push(t("detail.amended"));
  if (item.inferred) out.push(t("detail.inferred"));
  if (Number.isFinite(item.duration_s)) out.push(t("detail.duration", { time: duration(item.duration_s * 1000) }));
  const by = item.by ?? item.agent ?? item.props?.agent;
  if (by) out.push(t("detail.by", { by: scalar(by) }));
  // A reason is a code of ours or what a colleague wrote: only the code is translated.
  if (item.reason) out.push(t.has(`reason.${item.reason}`) ? t(`reason.${item.reason}`) : scalar(item.reason));
  return out.filter(Boolean);
}

/** Why an item belongs to this lead, in words; empty where the API does not say. */
export function evidenceText(evidence, t) {
  if (evidence === undefined || evidence === null || evidence === "") return "";
  if (Array.isArray(evidence)) {
    return evidence.map((one) => evidenceText(one, t)).filter(Boolean).join(" + ");
  }
  if (typeof evidence !== "object") return t.label("evidence", String(evidence));
  const { kind, type, rule, by, ...rest } = evidence;
  const name = kind ?? type ?? rule ?? by;
  const more = Object.entries(rest)
    .filter(([, value]) => value !== null && typeof value !== "object")
    .map(([key, value]) => `${key}: ${value}`);
  return [name === undefined ? "" : t.label("evidence", scalar(name)), ...more].filter(Boolean).join(" · ");
}

function scalar(value) {
  return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
}

const TONES = {
  stage: "good", lead: "good", form_submit: "good", sale: "good", purchase: "good",
  call_click: "act", chat_click: "act", cta_click: "act", download: "act", email_click: "act", sms_click: "act",
  call: "act", message: "act", attempt: "act", call_summary: "act", email_clicked: "act",
  survey_response: "act", webinar_attended: "act", newsletter_joined: "act",
  form_error: "bad", form_abandon: "bad", tracker_error: "bad", email_bounced: "bad",
};

/** How much an item stands out: good, act, bad or quiet. */
export function tone(item) {
  return TONES[kindOf(item)] ?? "quiet";
}
