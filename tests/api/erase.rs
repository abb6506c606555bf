//! The right to be forgotten: nobody can read it any more, anywhere; counts stay; an older store forgets again.

use std::{fs, path::Path};

use e2e::{
    DAY, NOW, TestApp,
    beacon::{callback, event, full, page_view},
    client::Client,
};
use serde_json::{Value, json};

use crate::privacy::{contains, files};

const EMAIL: &str = "eulalia.q@example.com";
const PHONE: &str = "+34600123987";
const URL: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=solar&gclid=abc";

fn form(page: &str, n: u32, at: i64, email: &str) -> Value {
    let lead = json!({"kind": "form", "name": "Eulalia", "email": email, "phone": "600 123 987"});
    event(page, n, at, "form_submit", json!({"form": "contacto", "lead": lead}))
}

async fn erase(client: &Client, person: &str) -> Value {
    client.post_json(&format!("/api/v1/sites/acme/persons/{person}/erase"), &json!({})).await.expect(200)
}

async fn counters(client: &Client) -> Value {
    let path = "/api/v1/sites/acme/reports/counters?group_by=channel,campaign";
    client.get(path).await.expect(200)["rows"].clone()
}

async fn erased_leads(client: &Client) -> usize {
    let list = client.get("/api/v1/sites/acme/leads?flag=erased").await.expect(200);
    list["items"].as_array().unwrap().len()
}

/// Two browsers of one human, and a neighbour. Returns the leads, newest first.
async fn with_people(app: &TestApp) -> Vec<Value> {
    app.client.store("acme", &full("v1", [page_view("p1", NOW, URL), form("p1", 1, NOW + 1, EMAIL)])).await;
    app.client
        .store("acme", &full("v2", [page_view("p2", NOW + 2, URL), form("p2", 1, NOW + 3, EMAIL)]))
        .await;
    let identify = event("p2", 2, NOW + 4, "identify", json!({"email": EMAIL, "user_id": "cliente-4711"}));
    app.client.store("acme", &full("v2", [identify])).await;
    app.client
        .store("acme", &full("w", [page_view("o", NOW, URL), callback("o", 1, NOW + 5, "600 000 000")]))
        .await;
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 3);
    assert_eq!(leads[1]["person"], leads[2]["person"], "one human");
    let path = format!("/api/v1/sites/acme/leads/{}/stage", leads[1]["id"].as_str().unwrap());
    let stage = json!({"stage": "mql", "by": "Obdulia", "reason": "pide rebaja"});
    app.client.post_json(&path, &stage).await.expect(201);
    app.client.leads("acme").await
}

#[tokio::test]
async fn a_person_is_forgotten_on_every_browser_and_the_counts_stay() {
    let mut app = TestApp::spawn().await;
    let leads = with_people(&app).await;
    let (ledger, counted) = (app.client.ledger("acme").await, counters(&app.client).await);
    let told = erase(&app.client, leads[2]["id"].as_str().unwrap()).await;
    assert_eq!(told["at"], NOW);
    assert_eq!(told["visitors"], json!(["v1", "v2"]));
    assert_eq!(told["leads"], json!([leads[2]["id"], leads[1]["id"]]), "oldest first");
    // Two forms, one word of the page, one note; an e-mail, a phone, a user id.
    assert_eq!((&told["submissions"], &told["identifiers"]), (&json!(4), &json!(3)));

    for restarted in [false, true] {
        let after = app.client.leads("acme").await;
        assert_eq!(after.len(), 3);
        assert_eq!(after[0], leads[0], "the neighbour is as before");
        for (after, before) in after.iter().zip(&leads).skip(1) {
            assert_eq!(after["contact"], Value::Null, "{after}");
            assert!(after["flags"].as_array().unwrap().contains(&json!("erased")), "{after}");
            assert_eq!((&after["visitors"], &after["person"]), (&json!([]), &after["id"]));
            for kept in ["id", "kind", "created_at", "stage", "entered_at"] {
                assert_eq!(after[kept], before[kept], "{kept}");
            }
            let (last, was) = (&after["origin"]["last"], &before["origin"]["last"]);
            assert_eq!((&last["channel"], &last["campaign"]), (&was["channel"], &was["campaign"]));
            assert_eq!(last["click_ids"], json!({}));
            let journey = app.client.lead_journey("acme", after["id"].as_str().unwrap()).await;
            let kinds: Vec<_> = journey.iter().map(|item| item["kind"].as_str().unwrap()).collect();
            assert!(kinds.iter().all(|kind| matches!(*kind, "form_submit" | "stage")), "{kinds:?}");
            assert!(!json!(journey).to_string().contains("rebaja"));
        }
        for visitor in ["v1", "v2"] {
            assert_eq!(app.client.journey("acme", visitor).await, [] as [Value; 0]);
        }
        assert!(!app.client.journey("acme", "w").await.is_empty());
        assert_eq!(app.client.leads("acme").await.len(), 3);
        assert_eq!(erased_leads(&app.client).await, 2);
        assert_eq!((app.client.ledger("acme").await, counters(&app.client).await), (ledger, counted.clone()));
        if !restarted {
            app.restart().await;
        }
    }
    // Again there is nothing left to forget.
    let again = erase(&app.client, leads[2]["id"].as_str().unwrap()).await;
    assert_eq!((&again["submissions"], &again["leads"]), (&json!(0), &json!([])));
    app.client.post_json("/api/v1/sites/acme/persons/v1/erase", &json!({})).await.problem(404, "not-found");
    app.client
        .post_json("/api/v1/sites/acme/persons/nobody/erase", &json!({}))
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn who_comes_back_is_a_stranger_with_a_new_story() {
    let app = TestApp::spawn().await;
    let leads = with_people(&app).await;
    erase(&app.client, leads[2]["id"].as_str().unwrap()).await;
    let later = NOW + DAY;
    app.clock.advance(DAY);
    let home = page_view("p9", later, "https://www.example.com/");
    app.client.store("acme", &full("v1", [home, form("p9", 1, later + 1, EMAIL)])).await;
    let new = app.client.leads("acme").await[0].clone();
    assert_eq!((&new["contact"]["email"], &new["visitors"]), (&json!(EMAIL), &json!(["v1"])));
    assert_eq!(new["origin"]["first"]["channel"], "direct", "{new}");
    assert_eq!(app.client.journey("acme", "v1").await.len(), 2);
    let person = new["person"].as_str().unwrap();
    let person = app.client.get(&format!("/api/v1/sites/acme/persons/{person}")).await.expect(200);
    assert_eq!(person["leads"].as_array().unwrap().len(), 1, "{person}");
    assert_eq!(person["visitors"].as_array().unwrap().len(), 1, "{person}");
    // They may go again, and only with what is new.
    let told = erase(&app.client, new["id"].as_str().unwrap()).await;
    assert_eq!((&told["leads"], &told["submissions"]), (&json!([new["id"]]), &json!(1)));
    assert_eq!(app.client.leads("acme").await.len(), 4);
}

#[tokio::test]
async fn on_a_shared_computer_the_others_keep_what_is_theirs() {
    let app = TestApp::spawn().await;
    app.client.store("acme", &full("v", [page_view("p1", NOW, URL), form("p1", 1, NOW + 1, EMAIL)])).await;
    let later = NOW + DAY;
    app.clock.advance(DAY);
    let other =
        json!({"kind": "form", "name": "Fidelia", "email": "fidelia@example.com", "phone": "600 000 001"});
    let other = event("p2", 1, later + 1, "form_submit", json!({"form": "contacto", "lead": other}));
    app.client.store("acme", &full("v", [page_view("p2", later, URL), other])).await;
    let leads = app.client.leads("acme").await;
    assert_ne!(leads[0]["person"], leads[1]["person"], "two humans");
    let told = erase(&app.client, leads[1]["id"].as_str().unwrap()).await;
    assert_eq!((&told["visitors"], &told["leads"]), (&json!([]), &json!([leads[1]["id"]])));
    let after = app.client.leads("acme").await;
    assert_eq!(after[0], leads[0], "the other is as before");
    assert_eq!(after[1]["contact"], Value::Null);
    let journey = app.client.lead_journey("acme", leads[0]["id"].as_str().unwrap()).await;
    assert_eq!(journey.len(), 2, "{journey:?}");
}

#[tokio::test]
async fn what_is_derived_agrees_before_and_after_and_a_basis_of_other_rules_changes_no_lead_of_nobody() {
    let mut app = TestApp::spawn().await;
    let leads = with_people(&app).await;
    erase(&app.client, leads[2]["id"].as_str().unwrap()).await;
    let shared = app.app();
    let site = shared.directory.site("acme").unwrap().number;
    let before = app.client.leads("acme").await;
    // Grouped by other rules, then made again from the log.
    let rules = json!([{"channel": "affiliate", "when": {"source": "google"}}]);
    let config = json!({"domains": ["example.com"], "consent_default": "full", "channel_rules": rules});
    let put = app.client.put("/api/v1/sites/acme", &config).await;
    assert!(put.status < 300, "{put:?}");
    let moved = e2e::eventually("the rules are applied", std::time::Duration::from_secs(20), async || {
        let leads = app.client.leads("acme").await;
        (leads[0]["origin"]["last"]["channel"] != before[0]["origin"]["last"]["channel"]).then_some(leads)
    })
    .await;
    assert_eq!(moved[1..], before[1..]);
    // Who looked is a fact, too.
    shared.looks.flush().await;
    app.client.settled().await;
    let dump = shared.store.dump(site).await.unwrap();
    shared.store.reset(site).await.unwrap();
    drop(shared);
    app.restart().await;
    app.client.settled().await;
    assert!(app.app().store.dump(site).await.unwrap() == dump, "derived again, it differs");
}

#[tokio::test]
async fn no_file_has_it_in_clear_and_an_older_copy_of_the_store_forgets_again() {
    let mut app = TestApp::spawn().await;
    let leads = with_people(&app).await;
    let id = leads[2]["id"].as_str().unwrap().to_owned();
    app.stop().await;
    let older = app.folder().with_extension("older");
    copy(&app.folder(), &older);
    app.start().await;
    erase(&app.client, &id).await;
    let lead = app.client.get(&format!("/api/v1/sites/acme/leads/{id}")).await.expect(200);
    app.stop().await;
    let remembered = app.folder().with_extension("key.erasures");
    for (path, bytes) in files(app.folder().parent().unwrap()) {
        for personal in [EMAIL, "eulalia.q", PHONE, "600 123 987", "Eulalia", "Obdulia", "cliente-4711"] {
            assert!(!contains(&bytes, personal), "{personal} in {}", path.display());
        }
    }
    assert_eq!(fs::read_to_string(&remembered).unwrap().lines().count(), 1);

    // The folder as it was before, with the file beside it as it is.
    fs::remove_dir_all(app.folder()).unwrap();
    copy(&older, &app.folder());
    app.start().await;
    app.client.settled().await;
    let again = app.client.get(&format!("/api/v1/sites/acme/leads/{id}")).await.expect(200);
    assert_eq!(again, lead);
    assert_eq!(app.client.journey("acme", "v1").await, [] as [Value; 0]);
    assert_eq!(fs::read_to_string(&remembered).unwrap().lines().count(), 1, "made once");

    // Where it cannot be remembered nothing is erased, and it says so.
    fs::remove_file(&remembered).unwrap();
    fs::create_dir(&remembered).unwrap();
    let answer = app.client.post_json("/api/v1/sites/acme/persons/w/erase", &json!({})).await;
    answer.problem(503, "unavailable");
    assert!(app.client.leads("acme").await[0]["contact"].is_object());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for (path, bytes) in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
}

#[tokio::test]
async fn ten_thousand_events_are_forgotten_within_a_second() {
    let app = TestApp::spawn().await;
    for page in 0..50 {
        let page = format!("p{page}");
        let clicks =
            (1..200).map(|n| event(&page, n, NOW + i64::from(n), "cta_click", json!({"cta": "hero"})));
        let events = std::iter::once(page_view(&page, NOW, URL)).chain(clicks).collect::<Vec<_>>();
        app.client.store("acme", &full("v", events)).await;
    }
    app.client.store("acme", &full("v", [form("p0", 300, NOW + 500, EMAIL)])).await;
    let lead = app.client.leads("acme").await[0]["id"].as_str().unwrap().to_owned();
    let began = std::time::Instant::now();
    let told = erase(&app.client, &lead).await;
    let took = began.elapsed();
    println!("10,001 events: erased in {} ms", took.as_millis());
    assert_eq!(told["visitors"], json!(["v"]));
    // A debug build on a busy machine; the budget of 1 s is the release binary's.
    assert!(took.as_secs() < 10, "{took:?}");
}
