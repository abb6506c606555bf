//! `/hooks/…`: other systems in their own words. Bodies as the providers write them, about nobody.

mod callrail;
mod chatwoot;
mod generic;
mod google;
mod meta;
mod settings;
mod twilio;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use e2e::{
    TestApp,
    client::{Answer, send},
};
use reqwest::Method;
use serde_json::{Value, json};
use sha1::{
    Sha1,
    digest::{Digest, Output},
};
use sha2::Sha256;

const HOOKS: &str = "/api/v1/sites/acme/hooks";

/// HMAC by RFC 2104, written out: a provider does not sign with the checker's code. Keys are of 64 bytes at most.
fn hmac<D: Digest>(key: &str, text: &[u8]) -> Output<D> {
    let mut block = [0u8; 64];
    block[..key.len()].copy_from_slice(key.as_bytes());
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = D::new().chain_update(pad(0x36)).chain_update(text).finalize();
    D::new().chain_update(pad(0x5c)).chain_update(inner).finalize()
}

fn sha1(key: &str, text: &[u8]) -> String {
    STANDARD.encode(hmac::<Sha1>(key, text))
}

fn sha256_hex(key: &str, text: &[u8]) -> String {
    hmac::<Sha256>(key, text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Opens a door, and answers its path.
async fn open(app: &TestApp, hook: Value) -> String {
    let set = app.client.put(HOOKS, &json!({"items": [hook]})).await.expect(200);
    let url = set["items"][0]["url"].as_str().unwrap().to_owned();
    url[url.find("/hooks/").unwrap()..].to_owned()
}

/// What a provider sends, with its headers.
async fn deliver(app: &TestApp, path: &str, body: String, headers: &[(&str, String)]) -> Answer {
    let mut request = app.client.bare(Method::POST, path).body(body);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    send(request).await
}

/// Whose browsers a lead's journey is made of.
async fn visitors(app: &TestApp, lead: &Value) -> Value {
    let path = format!("/api/v1/sites/acme/leads/{}/journey", lead["id"].as_str().unwrap());
    app.client.get(&path).await.expect(200)["visitors"].clone()
}

async fn bad_events(app: &TestApp) -> Vec<Value> {
    app.client.items("/api/v1/sites/acme/bad-events").await
}

async fn replay(app: &TestApp) -> Value {
    let path = "/api/v1/sites/acme/bad-events/replay";
    app.client.post_json(path, &json!({})).await.expect(200)["outcomes"].clone()
}

/// Nothing was stored but what stood before.
async fn nothing_came(app: &TestApp) {
    assert_eq!(app.client.leads("acme").await, Vec::<Value>::new());
    assert_eq!(bad_events(app).await, Vec::<Value>::new());
}
