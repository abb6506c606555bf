//! What stands after a stop and a start, and what becomes of requests under way.

use std::time::Duration;

use e2e::{
    NOW, TestApp,
    beacon::{callback, full, off, page_view},
    load::Load,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const URL: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono";

#[tokio::test]
async fn everything_stands_after_a_restart() {
    let mut app = TestApp::spawn().await;
    let beacon = full("v", [page_view("p", NOW, URL), callback("p", 1, NOW + 1, "600 000 000"), json!(7)]);
    app.client.beacon("acme", &beacon).await.expect(200);
    app.client.beacon("acme", &off([page_view("q", NOW, URL)])).await.expect(200);
    let lead = app.client.leads("acme").await[0]["id"].as_str().unwrap().to_owned();
    let stage = json!({"stage": "mql", "by": "crm", "external_id": "m-1"});
    let path = format!("/api/v1/sites/acme/leads/{lead}/stage");
    app.client.post_json(&path, &stage).await.expect(201);
    let before = (
        app.client.leads("acme").await,
        app.client.lead_journey("acme", &lead).await,
        app.client.journey("acme", "v").await,
        app.client.ledger("acme").await,
    );

    app.restart().await;
    let after = (
        app.client.leads("acme").await,
        app.client.lead_journey("acme", &lead).await,
        app.client.journey("acme", "v").await,
        app.client.ledger("acme").await,
    );
    assert_eq!(after, before);

    // Ids are remembered too, and the ledger goes on counting where it stood.
    let again = app.client.beacon("acme", &beacon).await.expect(200);
    assert_eq!((&again["accepted"], &again["duplicate"]), (&json!(0), &json!(2)));
    app.client.post_json(&path, &stage).await.expect(200);
    let ledger = app.client.ledger("acme").await;
    assert_eq!((ledger.stored, ledger.duplicate, ledger.rejected, ledger.withheld), (2, 2, 2, 1));
}

#[tokio::test]
async fn positions_go_on_where_they_stood() {
    let mut app = TestApp::spawn().await;
    for round in 0..3 {
        for n in 0..5 {
            let beacon = full("v", [page_view(&format!("p{round}-{n}"), NOW + n, URL)]);
            app.client.store("acme", &beacon).await;
        }
        app.restart().await;
        assert_eq!(app.client.journey("acme", "v").await.len(), 5 * (round + 1));
    }
}

#[tokio::test]
async fn the_store_that_forgets_serves_as_well() {
    let app = TestApp::in_memory().await;
    app.client
        .store("acme", &full("v", [page_view("p", NOW, URL), callback("p", 1, NOW, "600 000 000")]))
        .await;
    assert_eq!(app.client.leads("acme").await.len(), 1);
    assert!(!app.folder().exists(), "nothing is written");
}

#[tokio::test]
async fn a_stop_under_load_loses_nothing_that_was_acknowledged() {
    let mut app = TestApp::spawn().await;
    let load = Load::start(&app.client, "acme", 32, NOW);
    load.reached(100).await;
    app.stop().await;
    let outcome = load.stop().await;
    assert!(outcome.events() >= 300);
    app.start().await;
    outcome.assert_kept(&app.client, "acme").await;
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let mut app = TestApp::spawn().await;
    let address = app.client.base().strip_prefix("http://").unwrap().to_owned();
    let body = full("v", [page_view("p", NOW, URL)]).to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let mut slow = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /t/acme HTTP/1.1\r\nHost: {address}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{first}",
        body.len()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    // Answered on another connection: the worker, the only one, has seen the first half by now.
    app.client.store("acme", &full("w", [page_view("q", NOW, URL)])).await;

    let stopping = app.handle().stop(true);
    let rest = async {
        // No new connections once it stops: that is how the test knows that it does.
        e2e::holds("it takes no new connection", async || TcpStream::connect(&address).await.is_err()).await;
        slow.write_all(second.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = tokio::time::timeout(Duration::from_secs(10), slow.read_to_string(&mut answer)).await;
        read.expect("an answer in time").unwrap();
        answer
    };
    let ((), answer) = tokio::join!(stopping, rest);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"accepted\":1"), "{answer}");
    app.stop().await;
    app.start().await;
    assert_eq!(app.client.journey("acme", "v").await.len(), 1);
}
