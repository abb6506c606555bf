// What a page may say to the tag: copy it beside your own sources, or reference it.

/** What the visitor allows: nothing, page views that nothing joins, or all of it. */
type TrazaMode = "off" | "anonymous" | "full";

/** A lead that no form of the page sends. */
interface TrazaLead {
  /** `form` unless said otherwise. */
  kind?: "form" | "callback";
  /** The form's name in reports. */
  form?: string;
  name?: string;
  email?: string;
  phone?: string;
  /** What was offered for it, e.g. a brochure. */
  magnet?: string;
  /** Whatever else was asked. */
  fields?: Record<string, string | number | boolean>;
  /** Which text the visitor agreed to, and to what. */
  consent?: { text_version?: string; purposes?: string | string[] };
}

/** Who the visitor says they are: at least one of the three. */
interface TrazaPerson {
  email?: string;
  phone?: string;
  user_id?: string;
}

interface Traza {
  /** An event of your own; flat properties, at most 20. */
  (verb: "track", name: string, props?: Record<string, string | number | boolean>): void;
  (verb: "lead", lead: TrazaLead): void;
  /** In full mode only. */
  (verb: "identify", person: TrazaPerson): void;
  /** The visitor's own choice. */
  (verb: "consent", mode: TrazaMode): void;
  /** Shows what is recorded, and what becomes of it. */
  (verb: "debug"): void;
  /** What was said before the tag had loaded. */
  q?: ArrayLike<unknown>[];
}

interface Window {
  /** Not there before the tag has loaded, unless the page made it a queue. */
  traza?: Traza;
}

// No property of `window` by itself: there it may be missing.
declare const traza: Traza;
