//! `GET live`: what happens, as it happens, as server-sent events.
//!
//! A stream reads the log up to where the projectors are; it keeps its own position and no queue of facts. So a
//! reader that goes away and comes back with `Last-Event-ID` misses nothing and sees nothing twice, and one that
//! reads slowly costs a chunk of memory, until it is dropped and told so.
//!
//! - [`feed`]: the loop of one stream
//! - [`pick`]: who gets to see which fact, and in which words
//! - [`streams`]: how many there are, and how they end

use std::str::FromStr;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, ContentEncoding},
    rt,
    web::{self, Bytes},
};
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};

use self::{
    feed::Feed,
    pick::{Filter, Type},
};
use super::{auth::Caller, problem, query::Query};
use crate::{
    app::App,
    domain::{fact::Position, id::Id, token::Permission},
    error::Problem,
};

pub mod feed;
pub mod pick;
pub mod streams;

/// Chunks that wait for a reader: the one it reads, and the next.
const CHUNKS: usize = 2;

/// Where a stream stands: which facts, and how much of a fact, a reader has seen. As text it is the `id:` of a
/// message: the position of the fact, and `.1` behind it for the second message about the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The fact.
    pub position: Position,
    /// 0 for the fact itself, 1 for the lead that was born of it.
    pub part: u8,
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.part {
            0 => write!(f, "{}", self.position),
            part => write!(f, "{}.{part}", self.position),
        }
    }
}

impl FromStr for Mark {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (position, part) = text.split_once('.').unwrap_or((text, "0"));
        Ok(Self { position: position.parse()?, part: part.parse()? })
    }
}

/// What happens, as it happens: server-sent events. `event:` is event, lead, stage, attempt, sale, breach (a lead was not called in time), silent or endpoint
/// (nothing comes from the site, `since` when, at a time when so many beacons are `expected`); `id:` a position to go on after,
/// by `Last-Event-ID` or `after`. Without either the stream begins now. A line of comment comes every five seconds at the
/// latest; `event: dropped` is the last message, and its `reason` says why: slow, token, shutdown, store.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/live", tag = "journeys",
    params(
        ("site" = String, Path),
        ("after" = Option<String>, Query, description = "Go on after this id; 0 begins with the first fact. Last-Event-ID wins"),
        ("types" = Option<String>, Query, description = "Of event, lead, stage, attempt, sale, breach, silent, endpoint, those with commas between them; all unless told"),
        ("kind" = Option<String>, Query, description = "Kind of the event or the lead"),
        ("visitor" = Option<String>, Query, description = "What this visitor does, and their leads"),
        ("channel" = Option<String>, Query, description = "Of the visit for events; of the last touch for leads"),
        ("campaign" = Option<String>, Query, description = "As channel"),
        ("time" = Option<String>, Query, description = "iso for RFC 3339 times"),
        ("Last-Event-ID" = Option<String>, Header, description = "As EventSource sends it when it connects again"),
    ),
    responses(
        (status = 200, description = "Messages: event, lead (as in the list of leads), stage, attempt, sale, breach, silent, endpoint, dropped", content_type = "text/event-stream", body = String),
        (status = 400, body = problem::Body), (status = 401, body = problem::Body), (status = 403, body = problem::Body),
        (status = 429, description = "Too many streams are open", body = problem::Body),
    ),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let query = Query::of(&request, app.clock.now());
    let head = app.store.head(site.number);
    let begin = match after(&request, &query)? {
        Some(mark) if mark.position <= head => mark,
        // From now on. An id beyond the end is of another store: one that was since restored.
        _ => Mark { position: head, part: u8::MAX },
    };
    let filter = Filter {
        types: types(&query)?,
        kind: query.text("kind"),
        visitor: query.text("visitor").map(|visitor| visitor_id(&visitor)).transpose()?,
        channel: query.text("channel"),
        campaign: query.text("campaign"),
    };
    let (chunks, reader) = mpsc::channel::<Bytes>(CHUNKS);
    let (last_words, farewell) = oneshot::channel::<Bytes>();
    let open = app.streams.open().ok_or_else(|| {
        Problem::too_many("Too many live streams are open; close some, or try again later.", 10)
    })?;
    let feed = Feed {
        app: app.clone(),
        request: request.clone(),
        caller,
        site: site.number,
        slug: site.slug.clone(),
        query,
        filter,
        mark: begin,
    };
    rt::spawn(feed.run(open, chunks, last_words));
    let body = stream::unfold((reader, Some(farewell)), |(mut reader, farewell)| async {
        match reader.recv().await {
            Some(chunk) => Some((Ok::<_, Problem>(chunk), (reader, farewell))),
            None => farewell?.await.ok().map(|words| (Ok(words), (reader, None))),
        }
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        // Compression would hold messages back, and so would a proxy's buffer.
        .insert_header(ContentEncoding::Identity)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(body))
}

/// Where the reader left off.
fn after(request: &HttpRequest, query: &Query) -> Result<Option<Mark>, Problem> {
    let header = request.headers().get("last-event-id").map(|id| id.to_str().unwrap_or("?").to_owned());
    let (name, text) = match (header.filter(|id| !id.is_empty()), query.text("after")) {
        (Some(id), _) => ("Last-Event-ID", id),
        (None, Some(id)) => ("after", id),
        (None, None) => return Ok(None),
    };
    text.parse().map(Some).map_err(|_| Problem::invalid_at(name, "must be an id of this stream, or 0"))
}

fn types(query: &Query) -> Result<Vec<Type>, Problem> {
    let Some(text) = query.text("types") else { return Ok(Type::ALL.to_vec()) };
    let read = |name: &str| Type::ALL.into_iter().find(|kind| kind.as_str() == name.trim());
    let all: Option<Vec<Type>> = text.split(',').map(read).collect();
    all.ok_or_else(|| {
        Problem::invalid_at(
            "types",
            "must be of event, lead, stage, attempt, sale, breach, silent, endpoint, with commas between them",
        )
    })
}

fn visitor_id(text: &str) -> Result<Id, Problem> {
    Id::parse(text)
        .ok_or_else(|| Problem::invalid_at("visitor", "must be 1 to 64 characters of A-Z a-z 0-9 _ -"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_is_written() {
        for (text, position, part) in [("0", 0, 0), ("41", 41, 0), ("41.1", 41, 1)] {
            let mark = Mark { position, part };
            assert_eq!((mark.to_string().as_str(), text.parse()), (text, Ok(mark)));
        }
        assert!(Mark { position: 41, part: 1 } < Mark { position: 42, part: 0 });
        for bad in ["", "-1", "41.", ".1", "41.1.1", "now", "41.256", "99999999999999999999"] {
            assert!(bad.parse::<Mark>().is_err(), "{bad:?}");
        }
    }
}
