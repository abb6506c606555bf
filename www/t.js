// The loader, which a page includes: it finds the collector, leaves one global, `traza`, and brings the core. What it
// does then stands in tracker-wasm/js. It cancels nothing, patches nothing, throws nothing.
import { enter, imports } from "traza-glue";
import { attempt, here, origin } from "../tracker-wasm/js/device.js";
import { tracker } from "../tracker-wasm/js/tracker.js";

(() => {
  const config = __TRAZA_CONFIG__;
  // Where it came from, however it was included: a tag manager, a script that fetched it, an attribute that was renamed.
  // Pasted into another file it came from nowhere, and uses the collector's own word.
  const from = () => {
    // To ask for an element costs as much as a request, where no script of the page has asked for one yet. What the collector
    // says of itself will do where that is this host.
    if (here().startsWith(origin(config.base))) return config.base;
    const end = "/" + config.site + ".js";
    const isOurs = (url) => url.includes(end);
    const own = attempt(() => document.currentScript.src);
    const url = own && isOurs(own) ? own : attempt(() => performance.getEntriesByType("resource").map(({ name }) => name).find(isOurs));
    return url ? url.slice(0, url.lastIndexOf(end)) : config.base;
  };
  let base;

  const load = async () => {
    const answer = await fetch(base + "/" + config.wasm + ".wasm", { credentials: "omit" });
    let made;
    try {
      made = await WebAssembly.instantiateStreaming(answer, imports);
    } catch {
      // A server that does not know the type, or a browser that does not stream.
      made = await WebAssembly.instantiate(await answer.arrayBuffer(), imports);
    }
    return enter(made.instance.exports);
  };

  try {
    const stub = window.traza;
    // A second tag on the page does nothing.
    if (stub?.on || !here().startsWith("http")) return;
    base = from();
    const early = [...(stub?.q || [])];
    let command;
    window.traza = (...args) => {
      if (command) command(args);
      else early.push(args);
    };
    window.traza.on = 1;
    const begin = () => {
      try {
        // What the guard kept is ours from here on: it finds nothing to push to.
        const kept = window.tzg;
        window.tzg = 0;
        ({ command } = tracker(config, base, load, kept));
        early.map((args) => command(args));
      } catch {
        // A page that lets nobody in is left alone.
      }
    };
    // A prerendered page has not been shown to anybody yet.
    if (document.prerendering) document.addEventListener("prerenderingchange", begin, { once: true });
    else begin();
  } catch {
    // As above.
  }
})();
