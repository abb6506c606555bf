// What `?traza_debug=1` or `traza("debug")` shows: each event, what became of it, and what of it travels. A corner of
// the page, for whoever installs the tag; visitors never load it.

const BACK = { off: "#8a5a00", anonymous: "#00569b", full: "#176b37", held: "#5a4a8a", dropped: "#8a1f1f" };
const SEEN = 60;

const make = (name, text, style) => {
  const node = document.createElement(name);
  if (text != null) node.textContent = text;
  // Through the object model: a policy against inline styles does not bind it.
  Object.assign(node.style, style);
  return node;
};

const line = ([fate, event]) => {
  const { id, at, page, kind, ...rest } = event;
  const row = make("details", null, { borderTop: "1px solid #555", padding: "2px 0" });
  const head = make("summary", null, { cursor: "pointer" });
  head.append(
    make("b", fate, { background: BACK[fate], padding: "0 4px", marginRight: "6px" }),
    `${new Date(at).toLocaleTimeString()} ${kind} ${rest.cta || rest.form || rest.number || rest.to || rest.href || rest.url || rest.name || ""}`,
  );
  row.append(head, make("pre", JSON.stringify({ id, page, ...rest }, null, 1), { margin: "0", whiteSpace: "pre-wrap" }));
  return row;
};

/** Shows the log of a tracker, `[what became of it, the event]` each, as it grows; `state()` says what holds. */
export const show = (log, state) => {
  const host = make("div");
  host.id = "traza-debug";
  if (document.getElementById(host.id)) return;
  const root = host.attachShadow({ mode: "open" });
  const box = make("section", null, {
    position: "fixed",
    right: "8px",
    bottom: "8px",
    width: "min(460px, 92vw)",
    maxHeight: "46vh",
    overflow: "auto",
    zIndex: "2147483647",
    background: "#1c1c1c",
    color: "#fff",
    font: "12px/1.5 ui-monospace, monospace",
    padding: "8px",
    borderRadius: "6px",
    textAlign: "left",
  });
  box.setAttribute("role", "log");
  box.setAttribute("aria-label", "Traza");
  const head = make("strong", "", { display: "block" });
  const close = make("button", "×", { float: "right" });
  close.setAttribute("aria-label", "Close");
  const list = make("div");
  box.append(close, head, list);
  root.append(box);
  document.documentElement.append(host);
  let shown = 0;
  const draw = () => {
    const { mode, choice, via } = state();
    // Nothing had to be judged yet: neither with the core nor without.
    head.textContent = ["Traza", `${mode} (${choice})`, via].filter(Boolean).join(" · ");
    for (; shown < log.length; shown++) list.prepend(line(log[shown]));
    while (list.childNodes.length > SEEN) list.lastChild.remove();
  };
  draw();
  const timer = setInterval(draw, 500);
  close.addEventListener("click", () => {
    clearInterval(timer);
    host.remove();
  });
};
