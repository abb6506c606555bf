// How long a page was really looked at: time in which it is visible *and* something was done in the last half minute.
// Every stretch is capped by that, so a machine that slept, a frozen tab or a clock that was set adds no more.

/** Without a sign of life for this long, in ms, the visitor counts as away. */
export const IDLE_MS = 30000;

/**
 * Answers `attend(now, visible, alive)`: closes the stretch up to `now` (ms) by what held during
 * it, and says what holds from now on: whether the page can be seen, and whether this is a sign of life. Being shown
 * is one. Answers the engaged time so far, in ms.
 */
export const attention = () => {
  let engaged = 0;
  let seen = 0; // up to when
  let active = 0; // up to when
  let shown;

  return (now, visible, alive) => {
    if (shown) engaged += Math.max(0, Math.min(now, active) - seen);
    active = Math.min(alive || (visible && !shown) ? Infinity : active, now + IDLE_MS);
    seen = now;
    shown = visible;
    return engaged;
  };
};
