//! How long a page was really looked at.
//!
//! Engaged time is time in which the page is visible *and* something was done in the last [`IDLE_MS`]. Every stretch is
//! capped by the idle limit, so a machine that slept, a frozen tab or a clock that jumped adds at most that much.

/// Without a sign of life for this long, in ms, the visitor counts as away.
pub const IDLE_MS: f64 = 30_000.0;

/// The engagement of one document. Times are ms of one monotonic clock that starts with it.
#[derive(Debug, Clone, Copy)]
pub struct Engagement {
    engaged: f64,
    seen_to: f64,
    active_to: f64,
    visible: bool,
}

impl Engagement {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { engaged: 0.0, seen_to: 0.0, active_to: 0.0, visible: false }
    }

    /// Closes the stretch up to `now` by what held during it, and says what holds from now on: whether the page is
    /// visible, and whether this is a sign of life. Being shown is one. Answers the engaged time so far.
    pub fn attend(&mut self, now: f64, visible: bool, alive: bool) -> f64 {
        let end = if now < self.active_to { now } else { self.active_to };
        if self.visible && end > self.seen_to {
            self.engaged += end - self.seen_to;
        }
        if alive || (visible && !self.visible) {
            self.active_to = now + IDLE_MS;
        }
        self.seen_to = now;
        self.visible = visible;
        self.engaged
    }
}

impl Default for Engagement {
    fn default() -> Self {
        Self::new()
    }
}
