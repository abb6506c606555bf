//! kill -9 between a lead and its delivery.

use std::{process::Command, time::Duration};

use collector::clock::{Clock as _, System};
use e2e::{
    Receiver,
    beacon::{callback, full, new_id},
    binary::{Binary, Home},
    eventually, holds,
    receiver::Reply,
    tls::Front,
};
use serde_json::json;

/// How often it is killed.
const ROUNDS: usize = 5;

fn open(home: &Home) -> Command {
    let mut command = home.serve();
    command.arg("--allow-private-targets");
    command
}

#[tokio::test]
async fn a_lead_is_delivered_after_kill_9_and_known_by_its_id() {
    let home = Home::new();
    let mut server = Binary::run(&home, open(&home)).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let receiver = Receiver::start().await;
    let webhook = json!({"id": "crm", "url": receiver.url("/"), "types": ["lead.created"]});
    let set =
        server.client.put("/api/v1/sites/acme/webhooks", &json!({"items": [webhook]})).await.expect(200);
    let secret = set["items"][0]["secret"].as_str().unwrap().to_owned();
    let mut leads = 0;
    for round in 0..ROUNDS {
        // What is under way when the process dies is answered by nobody, or answered and not noted.
        receiver.answers(move |_, _| if round % 2 == 0 { Reply::Hangs } else { Reply::Says(200, "") });
        for _ in 0..4 {
            let page = new_id();
            let beacon = full(&new_id(), [callback(&page, 1, System.now(), "600 000 000")]);
            server.client.store("acme", &beacon).await;
            leads += 1;
        }
        server.kill();
        receiver.answers(|_, _| Reply::Says(200, ""));
        server = Binary::run(&home, open(&home)).await;
    }
    holds("every lead is delivered", async || {
        let list =
            server.client.get("/api/v1/sites/acme/deliveries?state=delivered&limit=500").await.expect(200);
        list["items"].as_array().is_some_and(|items| items.len() == leads)
    })
    .await;
    let got = receiver.got();
    let ids: std::collections::BTreeSet<_> = got.iter().map(|message| message.id().to_owned()).collect();
    assert_eq!(ids.len(), leads, "each lead has one id, however often it came");
    let people: std::collections::BTreeSet<_> =
        got.iter().map(|message| message.json()["data"]["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(people.len(), leads);
    assert!(got.iter().all(|message| message.is_signed_by(&secret)));
    println!("{leads} leads, {ROUNDS} kills: {} requests, {} messages, missing 0", got.len(), ids.len());
    // A rebuild and another start send nothing.
    server.terminate().await;
    let before = receiver.got().len();
    assert!(home.run(&["rebuild", "--store", "sled:data"]).success);
    let server = Binary::run(&home, open(&home)).await;
    server.client.settled().await;
    let list = server.client.items("/api/v1/sites/acme/deliveries").await;
    assert_eq!(list.len(), leads);
    assert!(list.iter().all(|delivery| delivery["state"] == "delivered"));
    assert_eq!(receiver.got().len(), before);
}

#[tokio::test]
async fn a_hanging_receiver_keeps_no_process_from_stopping() {
    let home = Home::new();
    let mut server = Binary::run(&home, open(&home)).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let receiver = Receiver::start().await;
    receiver.answers(|_, _| Reply::Hangs);
    let webhook = json!({"id": "crm", "url": receiver.url("/"), "types": ["lead.created"]});
    server.client.put("/api/v1/sites/acme/webhooks", &json!({"items": [webhook]})).await.expect(200);
    server.client.store("acme", &full("v", [callback("p", 1, System.now(), "600 000 000")])).await;
    receiver.expect(1).await;
    let began = std::time::Instant::now();
    assert!(server.terminate().await.success());
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[tokio::test]
async fn over_tls_a_lead_goes_to_whom_it_is_meant_for_and_to_nobody_in_their_place() {
    let home = Home::new();
    let (receiver, stranger) = (Receiver::start().await, Receiver::start().await);
    let (front, strange) = (Front::of(receiver.address()).await, Front::of(stranger.address()).await);
    let trusted = home.join("trusted.pem");
    std::fs::write(&trusted, front.certificate()).unwrap();
    let mut command = open(&home);
    command.env("SSL_CERT_FILE", trusted);
    let server = Binary::run(&home, command).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let webhook = |id: &str, url: String| json!({"id": id, "url": url, "types": ["lead.created"]});
    let items = json!([
        webhook("crm", front.url("/crm")),
        webhook("other-name", front.url_by_number("/other-name")),
        webhook("stranger", strange.url("/stranger")),
    ]);
    let set = server.client.put("/api/v1/sites/acme/webhooks", &json!({"items": items})).await.expect(200);
    let secret = set["items"][0]["secret"].as_str().unwrap().to_owned();
    let beacon = full(&new_id(), [callback(&new_id(), 1, System.now(), "600 000 000")]);
    server.client.store("acme", &beacon).await;
    let got = receiver.expect(1).await;
    assert!(got[0].path == "/crm" && got[0].is_signed_by(&secret), "{got:?}");
    for endpoint in ["other-name", "stranger"] {
        let path = format!("/api/v1/sites/acme/deliveries?endpoint={endpoint}");
        let attempt = async || {
            let list = server.client.get(&path).await.expect(200);
            list["items"][0]["tries"].get(0).cloned()
        };
        let attempt = eventually("the attempt is noted", Duration::from_secs(20), attempt).await;
        assert_eq!(attempt["reason"], "tls", "{endpoint}: {attempt}");
    }
    assert_eq!((receiver.got().len(), stranger.got().len()), (1, 0), "nothing was said to either");
}
