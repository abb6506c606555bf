//! How long something took, over and over.

/// Milliseconds at shares of all of them.
pub(crate) struct Times {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) worst: f64,
}

impl Times {
    /// Of so many milliseconds each; those of none are no numbers, and over any limit.
    pub(crate) fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let last = times.len().saturating_sub(1) as f64;
        let at = |share: f64| times.get((last * share) as usize).copied().unwrap_or(f64::NAN);
        Self { p50: at(0.5), p95: at(0.95), p99: at(0.99), worst: at(1.0) }
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { p50, p95, p99, worst } = self;
        write!(out, "p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms, worst {worst:.1} ms")
    }
}
