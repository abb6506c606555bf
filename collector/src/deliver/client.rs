//! HTTP to strangers: one address, one answer, no redirects, no more of the answer than is needed, and an end in time.
//!
//! The client blocks, so each request has a thread of its own; how many there are at a time is bounded by who asks. A thread
//! that waits for a receiver keeps nobody else, and ends with the process.

use std::{
    io::Read as _,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use ureq::{
    Agent, Error,
    http::{HeaderMap, HeaderName, HeaderValue, Request, header},
    unversioned::transport::DefaultConnector,
};

use super::guard::{Guard, PrivateTarget};
use crate::{domain::delivery::Why, tls};

/// A receiver gets this long, from the name's resolution to the end of its answer.
pub const TIMEOUT: Duration = Duration::from_secs(15);
/// And this long of it to take the connection.
const CONNECT: Duration = Duration::from_secs(5);
/// A connection is kept this long for the next message: less than receivers keep it.
const IDLE: Duration = Duration::from_secs(3);
/// So much of an answer is read, in bytes.
const ANSWER: u64 = 4_096;
/// What a thread needs: TLS and little else.
const STACK: usize = 512 * 1024;

/// A message, ready to be sent.
pub struct Message {
    /// Where to.
    pub url: String,
    /// All headers but those of HTTP itself.
    pub headers: Vec<(String, String)>,
    /// What is said.
    pub body: Vec<u8>,
}

/// What a receiver made of it.
#[derive(Debug, Default)]
pub struct Reply {
    /// Its status, where it answered.
    pub status: Option<u16>,
    /// Its `Retry-After`.
    pub retry_after: Option<String>,
    /// The beginning of its answer. Never logged or kept.
    pub said: Vec<u8>,
    /// Why there is none.
    pub why: Option<Why>,
    /// How long it took, ms.
    pub ms: u32,
}

/// Sends messages.
#[derive(Clone)]
pub struct Client {
    agent: Arc<Agent>,
}

impl Client {
    /// A client; `allow_private` lets it speak to private addresses.
    #[must_use]
    pub fn new(allow_private: bool) -> Self {
        let config = Agent::config_builder()
            .tls_config(tls::config())
            .timeout_global(Some(TIMEOUT))
            .timeout_connect(Some(CONNECT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy would resolve the name, and nobody would judge its addresses.
            .proxy(None)
            .user_agent(concat!("Traza/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections_per_host(8)
            .max_idle_age(IDLE)
            .max_response_header_size(16 * 1024)
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Guard::new(allow_private));
        Self { agent: Arc::new(agent) }
    }

    /// Sends a message, and waits for what becomes of it.
    pub async fn send(&self, message: Message) -> Reply {
        let Message { url, headers, body } = message;
        self.exchange(url, headers, Some(body), ANSWER).await
    }

    /// Asks for what is at an address; of the answer at most so many bytes are read.
    pub async fn get(&self, url: String, headers: Vec<(String, String)>, most: u64) -> Reply {
        self.exchange(url, headers, None, most).await
    }

    async fn exchange(
        &self,
        url: String,
        headers: Vec<(String, String)>,
        body: Option<Vec<u8>>,
        most: u64,
    ) -> Reply {
        let (answer, answered) = oneshot::channel();
        let agent = Arc::clone(&self.agent);
        let work = move || drop(answer.send(send(&agent, &url, self::headers(headers), body, most)));
        let spawned = std::thread::Builder::new().name("delivery".to_owned()).stack_size(STACK).spawn(work);
        let nothing = || Reply { why: Some(Why::Internal), ..Reply::default() };
        if let Err(error) = spawned {
            tracing::error!(%error, "no thread to deliver with");
            return nothing();
        }
        answered.await.unwrap_or_else(|_| nothing())
    }
}

fn send(agent: &Agent, url: &str, headers: Option<HeaderMap>, body: Option<Vec<u8>>, most: u64) -> Reply {
    let began = Instant::now();
    let mut reply = match headers {
        Some(headers) => match exchange(agent, url, headers, body, most) {
            Ok(reply) => reply,
            Err(error) => Reply { why: Some(why(&error)), ..Reply::default() },
        },
        None => Reply { why: Some(Why::Internal), ..Reply::default() },
    };
    reply.ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
    reply
}

fn headers(pairs: Vec<(String, String)>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    Some(headers)
}

fn exchange(
    agent: &Agent,
    url: &str,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    most: u64,
) -> Result<Reply, Error> {
    let response = match body {
        Some(body) => {
            let mut request = Request::post(url).body(body)?;
            request.headers_mut().extend(headers);
            agent.run(request)?
        }
        None => {
            let mut request = Request::get(url).body(())?;
            request.headers_mut().extend(headers);
            agent.run(request)?
        }
    };
    let (parts, body) = response.into_parts();
    let mut said = Vec::new();
    // A status without the rest of its answer is an answer all the same, save where the body has to say something.
    drop(body.into_reader().take(most).read_to_end(&mut said));
    let retry_after = parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    Ok(Reply {
        status: Some(parts.status.as_u16()),
        retry_after: retry_after.map(str::to_owned),
        said,
        ..Reply::default()
    })
}

/// Why there is no answer.
fn why(error: &Error) -> Why {
    match error {
        Error::Timeout(_) => Why::Timeout,
        Error::HostNotFound => Why::UnknownHost,
        Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) => Why::Tls,
        Error::Other(other) if other.downcast_ref::<PrivateTarget>().is_some() => Why::PrivateTarget,
        Error::Io(error) => match error.kind() {
            std::io::ErrorKind::TimedOut => Why::Timeout,
            // What rustls finds wrong comes as invalid data.
            std::io::ErrorKind::InvalidData => Why::Tls,
            // The resolver's own kind of error has no name.
            _ if error.to_string().contains("failed to lookup address") => Why::UnknownHost,
            _ => Why::Unreachable,
        },
        Error::Http(_) | Error::BadUri(_) => Why::Internal,
        _ => Why::Unreachable,
    }
}
