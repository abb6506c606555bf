//! Contact details that leave in clear leave a fact: who, when, of how many; never what.

use std::{sync::Arc, time::Duration};

use collector::domain::fact::{Entry, Exported, HOUSE};
use e2e::{
    NOW, TestApp,
    beacon::{callback, full},
    eventually,
};
use reqwest::Method;
use serde_json::json;

async fn exported(app: &TestApp, log: u32) -> Vec<Exported> {
    let log = app.app().store.read(log, 0, usize::MAX).await.unwrap();
    let of = |entry: &Entry| match entry {
        Entry::Exported(exported) => Some(exported.clone()),
        _ => None,
    };
    log.iter().filter_map(|stored| of(Arc::as_ref(&stored.entry))).collect()
}

#[tokio::test]
async fn an_export_of_contacts_is_in_the_log_and_no_other_is() {
    let app = TestApp::spawn().await;
    for n in 0..3 {
        let lead = callback(&format!("p{n}"), 1, NOW, &format!("600 000 00{n}"));
        app.client.store("acme", &full(&format!("v{n}"), [lead])).await;
    }
    let issued =
        app.client.post_json("/api/v1/tokens", &json!({"role": "admin", "site": "acme"})).await.expect(201);
    let of_site = app.client.with_token(issued["token"].as_str().unwrap());
    let fetch = async |client: &e2e::client::Client, path: &str| {
        let answer = client.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap()
    };
    for sealed in ["/api/v1/export?site=acme", "/api/v1/export?site=acme&contacts=false", "/api/v1/export"] {
        fetch(&app.client, sealed).await;
    }
    assert_eq!(exported(&app, 1).await, []);
    of_site.get("/api/v1/export?contacts=true").await.problem(403, "forbidden");
    assert_eq!(exported(&app, HOUSE).await, [], "what was not given out is no fact");

    let bytes = fetch(&of_site, "/api/v1/export?site=acme&contacts=true").await;
    assert!(bytes.len() > 100);
    let by = issued["id"].as_str().unwrap().to_owned();
    let before = Exported { at: NOW, by, site: Some("acme".to_owned()), submissions: None, person: None };
    let after = Exported { submissions: Some(3), ..before.clone() };
    let both = eventually("both facts", Duration::from_secs(10), async || {
        Some(exported(&app, 1).await).filter(|facts| facts.len() == 2)
    })
    .await;
    assert_eq!(both, [before, after]);

    fetch(&app.client, "/api/v1/export?contacts=true").await;
    let of_all = eventually("both facts", Duration::from_secs(10), async || {
        Some(exported(&app, HOUSE).await).filter(|facts| facts.len() == 2)
    })
    .await;
    let told: Vec<_> =
        of_all.iter().map(|fact| (fact.by.as_str(), fact.site.as_deref(), fact.submissions)).collect();
    assert_eq!(told, [("admin", None, None), ("admin", None, Some(3))]);
    assert!(app.client.leads("acme").await.len() == 3, "and it is read like any other");
}
