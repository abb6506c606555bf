//! Sizes and counts that the contract fixes. Lengths are in bytes of UTF-8 unless said otherwise.

/// The one version of the beacon that exists.
pub const VERSION: u32 = 1;
/// A body larger than this, after decompression, is refused whole (413).
pub const BODY_BYTES: usize = 64 * 1024;
/// The tracker starts a new request before a body reaches this: browsers share one 64 KiB quota among all
/// keepalive requests of a page.
pub const SEND_BYTES: usize = 48 * 1024;
/// A beacon with more events is refused whole (413).
pub const EVENTS: usize = 200;
/// An id (event, page, visitor) has 1..=64 characters.
pub const ID: usize = 64;
/// Site slugs have 1..=32 characters.
pub const SITE: usize = 32;
/// URLs, hrefs and referrers are cut here.
pub const URL: usize = 4096;
/// Titles are cut here.
pub const TITLE: usize = 512;
/// The text of a clicked element is cut here.
pub const TEXT: usize = 80;
/// Selectors, CTA names, form names, field names and the like: longer ones are rejected.
pub const NAME: usize = 256;
/// Custom properties of one event.
pub const PROPS: usize = 20;
/// A custom property that is a text.
pub const PROP_TEXT: usize = 256;
/// Declared fields of one lead.
pub const LEAD_FIELDS: usize = 50;
/// The value of one declared lead field, the name included: longer values are cut.
pub const LEAD_VALUE: usize = 2048;
/// Event numbers of one page view run from 0 to this.
pub const PAGE_EVENT_MAX: u16 = 4095;
/// An event further ahead of the collector's clock is rejected, in ms.
pub const AHEAD_MS: i64 = 24 * 60 * 60 * 1000;
/// An event further back is rejected, in ms (five years of 365.25 days).
pub const BACK_MS: i64 = 157_788_000_000;
/// Clocks that differ by no more than this are not corrected, in ms: it is latency.
pub const SKEW_MS: i64 = 60_000;
