//! What a store says instead.

/// Why a store did not do what was asked. The variants say whether trying again can help.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too much is queued: try again shortly.
    #[error("the store's queue is full")]
    Busy,
    /// The group that it was written with did not become durable; the writer has logged why. Try again later.
    #[error("the disk did not take it")]
    NotDurable,
    /// The disk or the engine refused: try again later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Another projector moved the cursor: stop.
    #[error("projector {0} was moved by somebody else")]
    Fenced(&'static str),
    /// What was brought cannot go together with what is there: do not try again.
    #[error("{0}")]
    Contradicts(String),
    /// What was read cannot have been written by this program: do not try again.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy | Self::NotDurable | Self::Unavailable(_))
    }
}
