//! What the loader's listeners and timers call the core with.

/// `pagehide`: the page ends, or goes into the back-forward cache.
pub const HIDE: u32 = 0;
/// `pageshow`: it may have come back.
pub const SHOW: u32 = 1;
/// `visibilitychange`.
pub const VISIBILITY: u32 = 2;
/// The gathering time is over.
pub const FLUSH: u32 = 3;
/// The pause after a failure is over, or the browser is online again.
pub const RETRY: u32 = 4;
/// `scroll`, a sign of life too.
pub const SCROLL: u32 = 5;
/// Any other sign of life.
pub const ACTIVE: u32 = 6;
