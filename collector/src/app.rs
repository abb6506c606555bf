//! What the handlers share: one of each, wired in [`crate::startup`].

use std::sync::Arc;

use crate::{
    api::{chat_refs::Turns, live::streams::Streams, looks::Looks},
    archive::erasures::Erasures,
    clock::Clock,
    config::Settings,
    domain::id::Id,
    ingest::{
        datacentres::Datacentres, hooks::graph::Forms, limits::Limits, loaders::Loaders, numbers::Pools,
        place::Places,
    },
    project::{directory::Directory, follow::Progress},
    store::Store,
    telemetry::Metrics,
    vault::Vault,
};

/// The parts of a running collector.
pub struct App {
    /// As told by the operator.
    pub settings: Settings,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Facts, and what is derived from them.
    pub store: Arc<dyn Store>,
    /// Personal data.
    pub vault: Vault,
    /// Who looks at contact details.
    pub looks: Looks,
    /// Who was erased, kept beside the key.
    pub erasures: Erasures,
    /// Sites and tokens.
    pub directory: Arc<Directory>,
    /// How far the projectors are.
    pub progress: Progress,
    /// What an operator sees.
    pub metrics: Metrics,
    /// Live streams.
    pub streams: Streams,
    /// How much may come.
    pub limits: Limits,
    /// Where clients are.
    pub places: Places,
    /// Which networks are of data centres.
    pub datacentres: Datacentres,
    /// Who sees which telephone number.
    pub pools: Pools,
    /// By which it is said that a platform's form is to be asked for.
    pub forms: Forms,
    /// Loaders ready to be served.
    pub loaders: Loaders,
    /// Whose message is taken next.
    pub turns: Turns,
    /// Held by whoever records a sale: what is left of one must not be given back twice.
    pub selling: tokio::sync::Mutex<()>,
}

impl App {
    /// A new visitor's id, for a page that proposed none.
    #[must_use]
    pub fn new_visitor(&self) -> Id {
        let ms = u64::try_from(self.clock.now()).unwrap_or(0);
        let timestamp = uuid::Timestamp::from_unix(
            uuid::NoContext,
            ms / 1000,
            u32::try_from(ms % 1000).unwrap_or(0) * 1_000_000,
        );
        Id::Uuid(uuid::Uuid::new_v7(timestamp).into_bytes())
    }
}
