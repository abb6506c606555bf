//! Somebody who is told what happens: an HTTP server on loopback that remembers what it was sent, checks signatures by
//! itself, and answers as a test wants it to.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    http::StatusCode,
    rt::System,
    web::{self, Bytes, Data},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::wait::{eventually, within};

/// How long a message may take that is due.
const PATIENCE: Duration = Duration::from_secs(10);

/// What it was sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// The path and the query.
    pub path: String,
    /// Headers, in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, as text.
    pub body: String,
    /// When it came.
    pub came: Instant,
}

impl Message {
    /// A header that must be there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}: {self:?}"))
    }

    /// The message's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// What a form's body says.
    #[must_use]
    pub fn form(&self) -> BTreeMap<String, String> {
        web::Query::<BTreeMap<String, String>>::from_query(&self.body).expect("a form").into_inner()
    }

    /// Whether one of its signatures is by this secret, as a receiver checks it.
    #[must_use]
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("whsec_")).expect("base64");
        let signed = format!("{}.{}.{}", self.id(), self.header("webhook-timestamp"), self.body);
        let own = format!("v1,{}", STANDARD.encode(hmac(&key, signed.as_bytes())));
        self.header("webhook-signature").split(' ').any(|signature| signature == own)
    }
}

/// HMAC-SHA-256 by RFC 2104, written out: a receiver does not check with the sender's code. Keys are of 64 bytes at most.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

/// An answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// This status and this text.
    Says(u16, &'static str),
    /// This status and this header.
    With(u16, &'static str, String),
    /// None at all.
    Hangs,
}

type Script = Box<dyn Fn(&Message, usize) -> Reply + Send>;

struct State {
    got: Mutex<Vec<Message>>,
    script: Mutex<Script>,
}

/// A running receiver.
pub struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
    handle: ServerHandle,
}

impl Receiver {
    /// One that answers 200 to everything.
    pub async fn start() -> Self {
        Self::at("127.0.0.1:0".parse().expect("an address")).await
    }

    /// The same at a certain address.
    pub async fn at(address: SocketAddr) -> Self {
        let script: Script = Box::new(|_, _| Reply::Says(200, "ok"));
        let state = Arc::new(State { got: Mutex::default(), script: Mutex::new(script) });
        let (ready, started) = mpsc::channel();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            System::new().block_on(async move {
                let data = Data::from(shared);
                let server = HttpServer::new(move || {
                    App::new().app_data(data.clone()).default_service(web::to(receive))
                })
                .workers(1)
                .disable_signals()
                .bind(address)
                .expect("a free port");
                let address = server.addrs()[0];
                let server = server.run();
                ready.send((address, server.handle())).expect("somebody waits");
                server.await
            })
        });
        let started = tokio::task::spawn_blocking(move || started.recv()).await;
        let (address, handle) = started.expect("a thread").expect("a server");
        Self { address, state, handle }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// An address of it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers like this from now on; it is told what came, and how much of that path came before.
    pub fn answers(&self, script: impl Fn(&Message, usize) -> Reply + Send + 'static) {
        *self.state.script.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(script);
    }

    /// All that came so far.
    #[must_use]
    pub fn got(&self) -> Vec<Message> {
        self.state.got.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What came by a path.
    #[must_use]
    pub fn got_at(&self, path: &str) -> Vec<Message> {
        self.got().into_iter().filter(|message| message.path == path).collect()
    }

    /// Waits until so many messages came, and no fewer.
    pub async fn expect(&self, count: usize) -> Vec<Message> {
        let got = async || Some(self.got()).filter(|got| got.len() >= count);
        let Some(got) = within(PATIENCE, got).await else {
            panic!("not within {PATIENCE:?}: {count} messages; there are {:?}", self.got());
        };
        assert_eq!(got.len(), count, "{got:?}");
        got
    }

    /// Waits until there is a message that somebody looks for.
    pub async fn find(&self, what: &str, is_it: impl Fn(&Message) -> bool) -> Message {
        eventually(what, PATIENCE, async || self.got().into_iter().find(&is_it)).await
    }

    /// Ends it: nobody answers at its address any more.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // The order is given at once; nobody waits for it.
        drop(self.handle.stop(false));
    }
}

async fn receive(state: Data<State>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = request.headers().iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let message = Message { path, headers: headers.collect(), body: text(&body), came: Instant::now() };
    let before = {
        let mut got = state.got.lock().unwrap_or_else(PoisonError::into_inner);
        let before = got.iter().filter(|earlier| earlier.path == message.path).count();
        got.push(message.clone());
        before
    };
    let reply = state.script.lock().unwrap_or_else(PoisonError::into_inner)(&message, before);
    let status = |status: u16| StatusCode::from_u16(status).expect("a status");
    match reply {
        Reply::Says(code, text) => HttpResponse::build(status(code)).body(text),
        Reply::With(code, name, value) => {
            HttpResponse::build(status(code)).insert_header((name, value)).finish()
        }
        Reply::Hangs => std::future::pending().await,
    }
}
