//! How long a page was really looked at.
//!
//! Engaged time is time in which the page is visible *and* something was done in the last [`IDLE_MS`]. Every stretch is
//! capped by the idle limit, so a machine that slept, a frozen tab or a clock that jumped adds at most that much.

/// Without a sign of life for this long, in ms, the visitor counts as away.
pub const IDLE_MS: f64 = 30_000.0;

/// The engagement of one page view. Times are ms of one monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Engagement {
    engaged: f64,
    seen_to: f64,
    active_to: f64,
    visible: bool,
}

impl Engagement {
    /// A page view begins now; opening it is a sign of life.
    #[must_use]
    pub fn new(now: f64, visible: bool) -> Self {
        Self { engaged: 0.0, seen_to: now, active_to: now + IDLE_MS, visible }
    }

    /// The visitor did something.
    pub fn active(&mut self, now: f64) {
        self.advance(now);
        self.active_to = now + IDLE_MS;
    }

    /// The page was shown or hidden. Being shown is a sign of life.
    pub fn shown(&mut self, now: f64, visible: bool) {
        self.advance(now);
        self.visible = visible;
        if visible {
            self.active_to = now + IDLE_MS;
        }
    }

    /// Engaged time up to now, in ms.
    pub fn engaged_ms(&mut self, now: f64) -> u32 {
        self.advance(now);
        self.engaged as u32
    }

    /// Another page view of the same visitor begins.
    pub fn restart(&mut self) {
        *self = Self::new(self.seen_to, self.visible);
    }

    fn advance(&mut self, now: f64) {
        let end = if now < self.active_to { now } else { self.active_to };
        if self.visible && end > self.seen_to {
            self.engaged += end - self.seen_to;
        }
        self.seen_to = now;
    }
}
