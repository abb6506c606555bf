// The inline guard: what is done on the page before the loader came. It keeps clicks and submits for the loader, which
// takes `tzg` over and leaves nothing to push to. Where the page ends first, it sends by itself what would be lost: the
// view, links, calls to action, declared leads; raw, and so short that the collector has to write them out
// (ingest/guard.rs). Of an address it lets the path, up to an at sign, campaigns and click ids through alone. Without
// consent it stores and sends nothing but a submitted lead, without any address. Printed for each site, 700 bytes at
// most: hence its style.
tzg = [location + ""];
try {
  // Asked at once: WebKit gives out no storage while a script closes the window.
  let word = localStorage.tz_c;
  for (let kind of ["click", "submit", "pagehide"])
    addEventListener(
      kind,
      (event) => {
        try {
          let node = event.target,
            browser = navigator,
            full = word ? word == "full" : __TRAZA_FULL__ && !browser.globalPrivacyControl && browser.doNotTrack != 1,
            clean = (url) => full && url?.replace(/([?&])(?!utm_|\w*(clk?|bra)id)[^&#]*|(#|\/[^/?]*@).*/g, "$1"),
            { href, dataset } = node.closest?.("a,[data-traza-cta]") || 0,
            value = (what) => node.querySelector(what)?.value,
            lead = kind > "r" && node.dataset.trazaLead;
          tzg.push(event, [
            kind,
            Date.now(),
            clean(href),
            dataset?.trazaCta,
            lead && [lead, value("[type=email]"), value("[type=tel],[name^=tel]")],
          ]);
          kind[6] &&
            (node = tzg
              .splice(1)
              .filter((item) => item[1] && (item[4] || full)))[0] &&
            browser.sendBeacon(
              "__TRAZA_PLACE__",
              JSON.stringify({ v: 1, page: Math.random(), m: word, u: clean(tzg[0]), r: clean(document.referrer), e: node }),
            );
        } catch {}
      },
      1,
    );
} catch {}
