//! The loop of one stream: read what took effect, pick, write, wait.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    web::{Bytes, Data},
};
use serde_json::json;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{
    Mark,
    pick::{Filter, Picker},
    streams::Open,
};
use crate::{
    api::{
        auth::{self, Caller},
        query::Query,
    },
    app::App,
    domain::fact::SiteNumber,
    error::Problem,
};

/// A quiet stream says that it is there, so that proxies keep it and a reader that went away is noticed.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A reader that does not take the next chunk within this time is too slow.
const PATIENCE: Duration = Duration::from_secs(10);
/// Facts in one chunk, about.
const CHUNK: usize = 256;

/// Why a stream ends before its reader does.
enum End {
    /// The reader went away: nobody is there to be told.
    Gone,
    /// It does not take what it asked for.
    Slow,
    /// The token was withdrawn or has expired, or no longer allows it.
    Token,
    /// The server stops.
    Shutdown,
    /// The store could not be read. It was logged.
    Store,
}

impl End {
    fn words(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Gone => None,
            Self::Slow => {
                Some(("slow", "You read more slowly than it happens. Connect again with Last-Event-ID."))
            }
            Self::Token => Some(("token", "The token does not allow it any more.")),
            Self::Shutdown => Some(("shutdown", "The collector stops. Connect again with Last-Event-ID.")),
            Self::Store => Some(("store", "The store could not be read. Connect again with Last-Event-ID.")),
        }
    }
}

/// One stream.
pub struct Feed {
    /// What handlers share.
    pub app: Data<App>,
    /// As it came, for its token is asked again and again.
    pub request: HttpRequest,
    /// Who reads.
    pub caller: Caller,
    /// Of which site.
    pub site: SiteNumber,
    /// By name.
    pub slug: String,
    /// How times are written.
    pub query: Query,
    /// What the reader wants.
    pub filter: Filter,
    /// What the reader has seen.
    pub mark: Mark,
}

impl Feed {
    /// Feeds a reader until it goes away, is too slow, may no longer read, or the server stops.
    pub async fn run(
        mut self,
        mut open: Open,
        chunks: mpsc::Sender<Bytes>,
        last_words: oneshot::Sender<Bytes>,
    ) {
        let end = tokio::select! {
            end = self.feed(&chunks) => end,
            () = open.closed() => End::Shutdown,
            () = chunks.closed() => End::Gone,
        };
        if let Some((reason, detail)) = end.words() {
            self.app.metrics.live_dropped(reason);
            let data = json!({"reason": reason, "detail": detail, "after": self.mark.to_string()});
            // Nobody hears it where the reader is gone by now.
            drop(last_words.send(Bytes::from(format!("event: dropped\ndata: {data}\n\n"))));
        }
    }

    async fn feed(&mut self, chunks: &mpsc::Sender<Bytes>) -> End {
        // A first line, so that the reader sees the answer's head at once; and how soon to come back.
        if let Err(end) = send(chunks, "retry: 1000\n: here it comes\n\n".to_owned()).await {
            return end;
        }
        let mut picker = Picker::default();
        // An arrival is read whole: the fact that was seen last may stand in the middle of one.
        let mut read = self.mark.position.saturating_sub(wire::limits::EVENTS as u64);
        let mut beat = Instant::now() + HEARTBEAT;
        loop {
            if Instant::now() >= beat {
                match self.still_allowed() {
                    Ok(caller) => self.caller = caller,
                    Err(_) => return End::Token,
                }
                if let Err(end) = send(chunks, ": still here\n\n".to_owned()).await {
                    return end;
                }
                beat = Instant::now() + HEARTBEAT;
            }
            let reached = self.app.progress.reached(self.site).min(self.app.store.head(self.site));
            if read >= reached {
                tokio::select! {
                    () = self.app.progress.beyond(self.site, read) => {}
                    () = sleep_until(beat) => {}
                }
                continue;
            }
            let text = match self.chunk(&mut picker, &mut read, reached).await {
                Ok(text) => text,
                Err(problem) => {
                    tracing::error!(%problem, cause = problem.cause, "a live stream could not be fed");
                    return End::Store;
                }
            };
            if !text.is_empty()
                && let Err(end) = send(chunks, text).await
            {
                return end;
            }
        }
    }

    /// The messages about some more facts, none of them beyond `reached`.
    async fn chunk(&mut self, picker: &mut Picker, read: &mut u64, reached: u64) -> Result<String, Problem> {
        let mut text = String::new();
        let facts = self.app.store.read(self.site, *read, CHUNK).await?;
        let Some(site) = self.app.directory.site(&self.slug) else { return Ok(text) };
        for stored in facts.iter().take_while(|stored| stored.last() <= reached) {
            picker.pick(self, &site, stored, &mut text).await?;
            *read = stored.last();
        }
        Ok(text)
    }

    fn still_allowed(&self) -> Result<Caller, Problem> {
        let caller = auth::authenticate(&self.request)?;
        caller.site(&self.app, &self.slug, crate::domain::token::Permission::Read)?;
        Ok(caller)
    }
}

/// Hands a chunk over, when the reader has taken the one before.
async fn send(chunks: &mpsc::Sender<Bytes>, text: String) -> Result<(), End> {
    match chunks.send_timeout(Bytes::from(text), PATIENCE).await {
        Ok(()) => Ok(()),
        Err(mpsc::error::SendTimeoutError::Timeout(_)) => Err(End::Slow),
        Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(End::Gone),
    }
}
