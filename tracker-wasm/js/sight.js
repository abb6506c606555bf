// What was seen: at least half of it, or half the window full of it, for a second.

const SEEN_MS = 1000;

/** Calls `work(element)` once in a page view for each element that `selector` finds, at any time, when it was seen. */
export const sight = (host, selector, work) => {
  let watched = new WeakSet();
  const since = new Map(); // when what can be seen came into sight
  const roots = new Set();

  const watch = new IntersectionObserver(
    host.guard((entries) => {
      for (const { target, intersectionRatio, intersectionRect, rootBounds } of entries)
        if (intersectionRatio >= 0.5 || intersectionRect.height * 2 >= rootBounds?.height) since.set(target, since.get(target) || Date.now());
        else since.delete(target);
    }),
    { threshold: [0, 0.25, 0.5] },
  );

  host.each((root) => roots.add(root));
  host.tick(() => {
    for (const root of roots) {
      if (!root.defaultView && !root.host?.isConnected) roots.delete(root);
      for (const element of root.querySelectorAll(selector)) if (!watched.has(element)) watch.observe(element), watched.add(element);
    }
    const now = Date.now();
    since.forEach((time, element) => {
      // A tab in the background shows nothing.
      if (document.hidden) since.set(element, now);
      else if (now - time >= SEEN_MS) {
        since.delete(element);
        watch.unobserve(element);
        work(element);
      }
    });
  });
  host.views(() => {
    since.clear();
    watch.disconnect();
    watched = new WeakSet();
  });
};
