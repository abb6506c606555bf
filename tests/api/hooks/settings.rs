//! `PUT, GET hooks`: the doors, their keys and secrets.

use e2e::TestApp;
use serde_json::{Value, json};

use super::{HOOKS, deliver, open};
use crate::privacy::{contains, files};

#[tokio::test]
async fn secrets_are_shown_to_nobody_and_stay_where_they_are_hidden() {
    let mut app = TestApp::spawn().await;
    let twilio = json!({"adapter": "twilio", "secrets": {"auth_token": "eulalia-token-4711"}});
    let set = app.client.put(HOOKS, &json!({"items": [twilio]})).await.expect(200);
    assert_eq!(set["items"][0]["secrets"], json!({"auth_token": "***"}));
    assert_eq!(app.client.get(HOOKS).await.expect(200), set);
    let kept = json!({"items": [{"adapter": "twilio", "secrets": {"auth_token": "***"}}]});
    assert_eq!(app.client.put(HOOKS, &kept).await.expect(200), set, "key and secret stay");
    let renewed = json!({"items": [{"adapter": "twilio", "key": "new", "secrets": {"auth_token": "***"}}]});
    let renewed = app.client.put(HOOKS, &renewed).await.expect(200);
    assert_ne!(renewed["items"][0]["url"], set["items"][0]["url"]);
    let path = |set: &Value| {
        let url = set["items"][0]["url"].as_str().unwrap().to_owned();
        url[url.find("/hooks/").unwrap()..].to_owned()
    };
    let (old, new) = (path(&set), path(&renewed));
    deliver(&app, &old, String::new(), &[]).await.problem(403, "forbidden");
    app.restart().await;
    deliver(&app, &new, String::new(), &[]).await.problem(403, "forbidden");
    let key = new.rsplit('/').next().unwrap().to_owned();
    app.stop().await;
    for secret in ["eulalia-token-4711", key.as_str()] {
        for (file, bytes) in files(&app.folder()) {
            assert!(!contains(&bytes, secret), "{secret} in {}", file.display());
        }
        assert!(!e2e::logs::captured().contains(secret), "{secret} was logged");
    }
}

#[tokio::test]
async fn a_door_that_was_closed_or_never_was_takes_nothing() {
    let app = TestApp::spawn().await;
    let path = open(&app, json!({"adapter": "chatwoot"})).await;
    app.client.put(HOOKS, &json!({"items": []})).await.expect(200);
    deliver(&app, &path, "{}".to_owned(), &[]).await.problem(403, "forbidden");
    for unknown in ["/hooks/acme/hubspot/k", "/hooks/nobody/twilio/k"] {
        deliver(&app, unknown, "{}".to_owned(), &[]).await.problem(404, "not-found");
    }
    let get = app.client.bare(reqwest::Method::GET, "/hooks/acme/twilio/k");
    e2e::client::send(get).await.problem(403, "forbidden");
}

#[tokio::test]
async fn what_is_wrong_with_a_hook_is_said() {
    let app = TestApp::spawn().await;
    let generic = |more: Value| {
        let mut hook = json!({"adapter": "generic", "kind": "lead", "map": {"external_id": "id"}});
        hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([hook])
    };
    for (items, pointer) in [
        (json!([{"adapter": "hubspot"}]), "/items/0/adapter"),
        (json!([{"adapter": "chatwoot"}, {"adapter": "chatwoot"}]), "/items/1/adapter"),
        (json!([{"adapter": "chatwoot", "key": "mine"}]), "/items/0/key"),
        (json!([{"adapter": "twilio"}]), "/items/0/secrets/auth_token"),
        (json!([{"adapter": "twilio", "secrets": {"auth_token": "***"}}]), "/items/0/secrets/auth_token"),
        (json!([{"adapter": "twilio", "secrets": {"token": "x"}}]), "/items/0/secrets/token"),
        (json!([{"adapter": "meta", "secrets": {"app_secret": "x"}}]), "/items/0/secrets/verify_token"),
        (
            json!([{"adapter": "meta", "secrets": {"app_secret": "x", "verify_token": "y", "graph_url": "ftp://x"}}]),
            "/items/0/secrets/graph_url",
        ),
        (json!([{"adapter": "chatwoot", "kind": "lead"}]), "/items/0/kind"),
        (json!([{"adapter": "chatwoot", "map": {"a": "b"}}]), "/items/0/map"),
        (generic(json!({"kind": "sale"})), "/items/0/kind"),
        (generic(json!({"map": {"phone": "tel"}})), "/items/0/map/external_id"),
        (generic(json!({"map": {"external_id": "id", "stage": "x"}})), "/items/0/map/stage"),
        (generic(json!({"map": {"external_id": "id", "fields.": "x"}})), "/items/0/map/fields."),
        (generic(json!({"map": {"external_id": ""}})), "/items/0/map/external_id"),
    ] {
        app.client.put(HOOKS, &json!({"items": items})).await.problem_at(400, "invalid", pointer);
    }
    assert_eq!(app.client.get(HOOKS).await.expect(200)["items"], json!([]));
}
