//! What an operator wants to know of the one thread that appends.

use prometheus_client::metrics::{
    counter::Counter,
    histogram::{Histogram, exponential_buckets},
};

/// Counts kept while the process lives; clones share them.
#[derive(Debug, Clone)]
pub struct Vitals {
    /// Seconds that it took to make a group durable: write, flush, sync.
    pub flush: Histogram,
    /// Appends that shared one sync.
    pub group: Histogram,
    /// Times that the engine was made fit again after it had failed. What is derived and was not synced yet may then
    /// stand further back than before.
    pub recoveries: Counter,
}

impl Default for Vitals {
    fn default() -> Self {
        Self {
            flush: Histogram::new(exponential_buckets(0.000_25, 2.0, 16)),
            group: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
            recoveries: Counter::default(),
        }
    }
}
