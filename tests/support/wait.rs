//! Polling with a deadline.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often a condition is asked.
const EVERY: Duration = Duration::from_millis(5);

/// Asks until there is an answer; `None` when none came within `deadline`.
pub async fn within<T>(deadline: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
    }
}

/// Asks until there is an answer. Panics with `what` when none came within `deadline`.
pub async fn eventually<T>(what: &str, deadline: Duration, ask: impl AsyncFnMut() -> Option<T>) -> T {
    within(deadline, ask).await.unwrap_or_else(|| panic!("not within {deadline:?}: {what}"))
}

/// Asks until a condition holds, for ten seconds: far more than anything should take, and an end all the same.
pub async fn holds(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    eventually(what, Duration::from_secs(10), async || ask().await.then_some(())).await;
}
