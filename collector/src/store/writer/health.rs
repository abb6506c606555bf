//! The writer's part in a failure of the engine: nothing is written until the engine is fit again, which is tried now
//! and then, and holds all that was acknowledged.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use super::{StoreError, Writer, last_position};

/// After a failure, how often it is tried to make the engine fit again.
const RECOVER_EVERY: Duration = Duration::from_millis(500);
/// How often it is said that appends are refused.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Whether the engine can be written to.
#[derive(Default)]
pub(super) struct Health {
    failed: bool,
    /// When recovery was tried last since it failed.
    tried: Option<Instant>,
    said: Option<Instant>,
}

impl Health {
    /// A group did not become durable.
    pub(super) fn fail(&mut self, error: &StoreError, tasks: usize) {
        self.say(error, tasks);
        (self.failed, self.tried) = (true, None);
    }

    /// An error of the engine's own while it was read: it may be one that stays until it recovers.
    pub(super) fn suspect(&mut self, error: StoreError) -> StoreError {
        if let StoreError::Unavailable(_) = error {
            (self.failed, self.tried) = (true, None);
        }
        error
    }

    /// Says that appends were refused, now and then: everybody who waits is told, one by one.
    pub(super) fn say(&mut self, error: &StoreError, tasks: usize) {
        if self.said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
            self.said = Some(Instant::now());
            tracing::error!(%error, tasks, "a group was not made durable; nobody was told it was");
        }
    }
}

impl Writer {
    /// Makes a failed engine fit to be written to again, not all the time. What was known is forgotten: the engine may
    /// have lost what it had not synced.
    pub(super) fn recover(&mut self) -> Result<(), StoreError> {
        if !self.health.failed {
            return Ok(());
        }
        if self.health.tried.is_some_and(|tried| tried.elapsed() < RECOVER_EVERY) {
            return Err(StoreError::NotDurable);
        }
        self.health.tried = Some(Instant::now());
        {
            let _alone = self.shared.steps.lock().unwrap_or_else(PoisonError::into_inner);
            self.engine.recover()?;
        }
        self.forget();
        self.holds_what_was_shown()?;
        self.health = Health { said: self.health.said, ..Health::default() };
        self.shared.vitals.recoveries.inc();
        // Those who follow the log may stand further back than they think.
        self.shared.changes.send_modify(|changes| *changes += 1);
        Ok(())
    }

    /// An engine that comes back without what was acknowledged is never written to: that would hide the loss.
    fn holds_what_was_shown(&self) -> Result<(), StoreError> {
        let heads = self.shared.heads.read().unwrap_or_else(PoisonError::into_inner).clone();
        for (site, head) in heads {
            let there = last_position(self.engine.as_ref(), site)?;
            if there < head {
                return Err(StoreError::Damaged(format!(
                    "{head} facts of site {site} were acknowledged and {there} are there"
                )));
            }
        }
        Ok(())
    }
}
