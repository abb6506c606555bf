//! Derived is derived: thrown away and made again, it is the same byte for byte.

use std::sync::Arc;

use collector::project::follow::Follower;
use e2e::{
    NOW, TestApp,
    beacon::{anonymous, callback, event, full, off, page_view},
};
use serde_json::json;

/// A site with everything that is derived: visits, leads of each kind of visitor, stages, late events.
async fn busy(app: &TestApp) {
    let ads = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono&gclid=x";
    let client = &app.client;
    for n in 0..10 {
        let (visitor, page) = (format!("v{n}"), format!("p{n}"));
        client.store("acme", &full(&visitor, [callback(&page, 2, NOW + n, "600 000 000")])).await;
        client.store("acme", &full(&visitor, [page_view(&page, NOW - n, ads)])).await;
    }
    let success = event("p3", 3, NOW + 50, "form_success", json!({"form": "te-llamamos", "submit": "p3-2"}));
    client.store("acme", &full("v3", [success])).await;
    client.store("acme", &anonymous([page_view("a", NOW, ads), callback("a", 1, NOW, "600 000 001")])).await;
    client.store("acme", &off([callback("o", 1, NOW, "600 000 002")])).await;
    for (n, lead) in client.leads("acme").await.iter().enumerate() {
        let path = format!("/api/v1/sites/acme/leads/{}/stage", lead["id"].as_str().unwrap());
        client
            .post_json(&path, &json!({"stage": "mql", "by": "crm", "at": NOW + n as i64}))
            .await
            .expect(201);
    }
    // Who looked is a fact, too.
    app.app().looks.flush().await;
    client.settled().await;
}

#[tokio::test]
async fn what_is_thrown_away_is_made_again_byte_for_byte() {
    let app = TestApp::spawn().await;
    busy(&app).await;
    let shared = app.app();
    let site = shared.directory.site("acme").unwrap().number;
    let (leads, ledger) = (app.client.leads("acme").await, app.client.ledger("acme").await);
    shared.looks.flush().await;
    app.client.settled().await;
    let before = shared.store.dump(site).await.unwrap();
    assert!(before.len() > 1_000);

    shared.store.reset(site).await.unwrap();
    assert!(shared.store.dump(site).await.unwrap().is_empty());
    let (mut follower, _) = Follower::new(Arc::clone(&shared.store), Arc::clone(&shared.directory));
    follower.catch_up().await.unwrap();
    assert_eq!(shared.store.dump(site).await.unwrap(), before);
    assert_eq!(app.client.leads("acme").await, leads);
    assert_eq!(app.client.ledger("acme").await, ledger, "the ledger is no derived thing");
}

#[tokio::test]
async fn the_size_of_a_step_makes_no_difference() {
    // One app follows event by event, the other finds everything at once: both must derive the same.
    let mut app = TestApp::spawn().await;
    busy(&app).await;
    let site = app.app().directory.site("acme").unwrap().number;
    let step_by_step = app.app().store.dump(site).await.unwrap();
    app.app().store.reset(site).await.unwrap();
    app.restart().await;
    app.client.settled().await;
    assert_eq!(app.app().store.dump(site).await.unwrap(), step_by_step);
}
