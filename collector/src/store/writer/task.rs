//! What the writer is asked for, and what it answers.

use tokio::sync::oneshot;

use crate::store::{Append, Appended, Carried, LogMark, StoreError, Taken, shares::Place};

/// Something for the writer to do.
pub enum Task {
    /// Append, and say what became of it.
    Append(Box<Append>, oneshot::Sender<Result<Appended, StoreError>>, Place),
    /// Write and sync something of no meaning.
    Probe(oneshot::Sender<Result<(), StoreError>>),
    /// Set a small value unless it is there; say what is there.
    Meta(&'static str, Vec<u8>, oneshot::Sender<Result<Vec<u8>, StoreError>>),
    /// Say where the logs end and what the ledgers say.
    Mark(oneshot::Sender<Result<Vec<LogMark>, StoreError>>),
    /// Take what another store gave away.
    Take(Box<Carried>, oneshot::Sender<Result<Taken, StoreError>>),
}

impl Task {
    /// Tells whoever waits that it was not done.
    pub(super) fn refuse(self) {
        match self {
            Self::Append(_, answer, _) => drop(answer.send(Err(StoreError::NotDurable))),
            Self::Probe(answer) => drop(answer.send(Err(StoreError::NotDurable))),
            Self::Meta(_, _, answer) => drop(answer.send(Err(StoreError::NotDurable))),
            Self::Mark(answer) => drop(answer.send(Err(StoreError::NotDurable))),
            Self::Take(_, answer) => drop(answer.send(Err(StoreError::NotDurable))),
        }
    }
}

/// Answers to give once the group is durable.
pub(super) enum Answer {
    Append(oneshot::Sender<Result<Appended, StoreError>>, Appended),
    Probe(oneshot::Sender<Result<(), StoreError>>),
    Meta(oneshot::Sender<Result<Vec<u8>, StoreError>>, Vec<u8>),
}

impl Answer {
    /// Sends it. A caller that went away is no error: what it asked for is done.
    pub(super) fn send(self, outcome: &Result<(), StoreError>) {
        let failed = outcome.as_ref().err().map(|_| StoreError::NotDurable);
        match (self, failed) {
            (Self::Append(to, appended), None) => drop(to.send(Ok(appended))),
            (Self::Append(to, _), Some(error)) => drop(to.send(Err(error))),
            (Self::Probe(to), None) => drop(to.send(Ok(()))),
            (Self::Probe(to), Some(error)) => drop(to.send(Err(error))),
            (Self::Meta(to, value), None) => drop(to.send(Ok(value))),
            (Self::Meta(to, _), Some(error)) => drop(to.send(Err(error))),
        }
    }
}
