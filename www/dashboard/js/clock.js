// The clock of a lead that is to be called, as somebody who calls reads it. Pure.
import { dateTime, duration } from "./format.js";

/** Beyond this a running clock is told by its hour, for nobody counts down from a night. */
const COUNTED_MS = 3_600_000;

/**
 * How a clock stands at a moment: `{tone, text}`, or `null` where nothing was promised. A clock that the server called
 * running may have run out since; the page need not ask again to know.
 */
export function clockOf(sla, now, t) {
  if (!sla || sla.state === "none") return null;
  if (sla.state === "met") return { tone: "good", text: t("clock.met", { took: duration(sla.first_attempt_s * 1000) }) };
  const late = sla.state === "breached" || sla.due_at <= now;
  if (late) return { tone: "bad", text: t(Number.isFinite(sla.first_attempt_s) ? "clock.breached" : "clock.late", { by: duration(lateness(sla, now)) }) };
  const left = sla.due_at - now;
  if (left > COUNTED_MS) return { tone: "wait", text: t("clock.until", { when: dateTime(sla.due_at, t.lang) }) };
  return { tone: left * 4 < (sla.target_s ?? 0) * 1000 ? "late" : "wait", text: t("clock.left", { left: duration(left) }) };
}

/** How long it is past its time, ms: what was tried too late stands still. */
function lateness({ due_at, started_at, first_attempt_s }, now) {
  const end = Number.isFinite(first_attempt_s) ? started_at + first_attempt_s * 1000 : now;
  return Math.max(0, end - due_at);
}

/** The factors of a lead's place, as `[name, factor]`, those that change nothing left out. */
export const factors = (why) => Object.entries(why ?? {}).filter(([name, factor]) => name === "kind" || factor !== 1);

/** Who waits and may not be called now, as words, the most first. */
export function heldWords(held, t) {
  const list = Object.entries(held ?? {}).filter(([, count]) => count > 0);
  return list.sort(([, a], [, b]) => b - a).map(([why, count]) => `${count} ${t.label("held", why).toLowerCase()}`);
}
