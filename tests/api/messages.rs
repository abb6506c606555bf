//! `POST messages`: whose journey a chat goes on, by the reference in its text.

use std::sync::Arc;

use collector::project::follow::Follower;
use e2e::{
    NOW, TestApp,
    beacon::{callback, event, full, page_view},
    client::Answer,
};
use serde_json::{Value, json};

const AD: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=solar";
const REF: &str = "7K3QX9";
const DAY: i64 = 86_400_000;

/// A visitor reads a page and follows its link to a chat, which has a reference.
async fn clicks(app: &TestApp, visitor: &str, page: &str, at: i64, chat_ref: &str) {
    let click = json!({"app": "whatsapp", "to": "34900111000", "chat_ref": chat_ref});
    let events = [page_view(page, at, AD), event(page, 1, at + 1_000, "chat_click", click)];
    app.client.store("acme", &full(visitor, events)).await;
    app.client.settled().await;
}

async fn write(app: &TestApp, body: &Value) -> Answer {
    app.client.post_json("/api/v1/sites/acme/messages", body).await
}

fn whatsapp(id: &str, from: &str, text: &str, at: i64) -> Value {
    json!({"app": "whatsapp", "external_id": id, "from": from, "name": "Ana Ejemplo", "text": text, "at": at})
}

async fn lead(app: &TestApp, answer: &Value) -> Value {
    let id = answer["lead"].as_str().unwrap_or_else(|| panic!("a lead: {answer}"));
    app.client.get(&format!("/api/v1/sites/acme/leads/{id}")).await.expect(200)
}

/// Whose browsers the lead's journey is made of.
async fn visitors(app: &TestApp, answer: &Value) -> Value {
    app.client.settled().await;
    let id = answer["lead"].as_str().unwrap();
    app.client.get(&format!("/api/v1/sites/acme/leads/{id}/journey")).await.expect(200)["visitors"].clone()
}

#[tokio::test]
async fn a_message_with_a_reference_goes_on_the_journey_of_whoever_clicked_it() {
    let app = TestApp::spawn().await;
    clicks(&app, "v", "p", NOW, REF).await;
    let first = whatsapp("m-1", "34600000001", "Hola, quiero información (ref: 7k3-qx9)", NOW + 60_000);
    let answer = write(&app, &first).await.expect(201);
    assert_eq!((&answer["visitor"], &answer["reason"]), (&json!("v"), &Value::Null), "{answer}");
    let made = lead(&app, &answer).await;
    assert_eq!((&made["kind"], &made["contact"]["phone"]), (&json!("whatsapp"), &json!("+34600000001")));
    assert_eq!(
        (visitors(&app, &answer).await, &made["origin"]["first"]["campaign"]),
        (json!(["v"]), &json!("solar"))
    );
    let journey = app.client.lead_journey("acme", made["id"].as_str().unwrap()).await;
    let kinds: Vec<_> = journey.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["page_view", "chat_click", "lead", "message"]);
    assert_eq!(journey[0]["evidence"], "chat");
    assert_eq!(journey[3]["text"], "Hola, quiero información (ref: 7k3-qx9)");

    assert_eq!(write(&app, &first).await.expect(200), answer, "told again it is nothing new");
    assert_eq!(app.client.lead_journey("acme", made["id"].as_str().unwrap()).await.len(), 4);

    // What they write next is about the same lead, with the reference and without.
    let second = whatsapp("m-2", "whatsapp:+34600000001", "¿Cuánto cuesta?", NOW + 90_000);
    let again = write(&app, &second).await.expect(201);
    assert_eq!((&again["lead"], &again["reason"]), (&answer["lead"], &json!("no_ref")));
    let third = whatsapp("m-3", "34600000001", "ref 7K3QX9", NOW + 29 * DAY);
    app.clock.advance(29 * DAY);
    let again = write(&app, &third).await.expect(201);
    assert_eq!((&again["lead"], &again["visitor"]), (&answer["lead"], &json!("v")), "it is theirs");
    app.client.settled().await;
    assert_eq!(app.client.leads("acme").await.len(), 1);

    // Marketing is shown that somebody wrote, and neither who nor what.
    let marketing = app.client.role("marketing", "acme").await;
    let seen = json!(marketing.lead_journey("acme", made["id"].as_str().unwrap()).await).to_string();
    assert!(seen.contains("\"message\"") && !seen.contains("Cuánto"), "{seen}");
}

#[tokio::test]
async fn the_evidence_can_be_taken_back_and_the_lead_stands_alone_then() {
    let app = TestApp::spawn().await;
    clicks(&app, "v", "p", NOW, REF).await;
    let answer = write(&app, &whatsapp("m-1", "34600000001", "(ref: 7K3QX9)", NOW + 5_000)).await.expect(201);
    let id = lead(&app, &answer).await["person"].as_str().unwrap().to_owned();
    // Written again it is the same evidence.
    write(&app, &whatsapp("m-2", "34600000001", "ref 7K3QX9", NOW + 6_000)).await.expect(201);
    let edges = app.client.items(&format!("/api/v1/sites/acme/persons/{id}/edges")).await;
    assert_eq!(edges.iter().filter(|edge| edge["kind"] != "record").count(), 1, "{edges:?}");
    let edge = edges.iter().find(|edge| edge["kind"] == "chat").unwrap_or_else(|| panic!("{edges:?}"));
    assert_eq!((&edge["strength"], &edge["confidence"]), (&json!("strong"), &json!(95)));
    let path = format!("/api/v1/sites/acme/edges/{}/revoke", edge["id"].as_str().unwrap());
    app.client.post_json(&path, &json!({"by": "Eva", "reason": "otra persona"})).await.expect(201);
    app.client.settled().await;
    let alone = lead(&app, &answer).await;
    assert_eq!(
        (visitors(&app, &answer).await, &alone["origin"]["first"]["channel"]),
        (json!([]), &json!("unknown"))
    );
    // Derived again it is the same.
    let shared = app.app();
    shared.looks.flush().await;
    app.client.settled().await;
    let site = shared.directory.site("acme").unwrap().number;
    let before = shared.store.dump(site).await.unwrap();
    shared.store.reset(site).await.unwrap();
    let (mut follower, _) = Follower::new(Arc::clone(&shared.store), Arc::clone(&shared.directory));
    follower.catch_up().await.unwrap();
    assert!(shared.store.dump(site).await.unwrap() == before, "a rebuild agrees");
}

#[tokio::test]
async fn whoever_is_known_by_another_address_is_the_same_who_writes_with_their_own_reference() {
    let app = TestApp::spawn().await;
    let form = json!({"form": "f", "lead": {"kind": "form", "email": "ana@example.com"}});
    app.client.store("acme", &full("v", [event("p", 2, NOW, "form_submit", form)])).await;
    clicks(&app, "v", "p", NOW, REF).await;
    let answer = write(&app, &whatsapp("m-1", "34600000001", "(ref: 7K3QX9)", NOW + 5_000)).await.expect(201);
    assert_eq!(visitors(&app, &answer).await, json!(["v"]), "their number was not known until then");

    // Who is known for somebody of their own is not made another by a text that was passed on.
    let other =
        json!({"kind": "form", "phone": "600 000 009", "email": "eva@example.com", "external_id": "crm-9"});
    app.client.post_json("/api/v1/sites/acme/leads", &other).await.expect(201);
    app.client.store("acme", &full("w", [callback("q", 2, NOW, "600 000 008")])).await;
    clicks(&app, "w", "q", NOW, "8K3QX9").await;
    let passed = whatsapp("m-2", "34600000009", "(ref: 8K3QX9)", NOW + 5_000);
    let answer = write(&app, &passed).await.expect(201);
    assert_eq!(visitors(&app, &answer).await, json!([]));
    let conflicts = app.client.items("/api/v1/sites/acme/conflicts").await;
    assert_eq!((conflicts.len(), &conflicts[0]["conflict"]), (1, &json!("weak_between_identified")));
}

#[tokio::test]
async fn a_reference_that_leads_to_nobody_says_why_and_the_lead_is_made_all_the_same() {
    let mut app = TestApp::spawn().await;
    clicks(&app, "v", "p", NOW, REF).await;
    let first = write(&app, &whatsapp("m-1", "34600000001", "(ref: 7K3QX9)", NOW + 5_000)).await.expect(201);
    // The text was passed on.
    let second = write(&app, &whatsapp("m-2", "34600000002", "(ref: 7K3QX9)", NOW + 6_000)).await.expect(201);
    assert_eq!((&second["reason"], &second["visitor"]), (&json!("used_ref"), &Value::Null));
    assert_ne!(second["lead"], first["lead"]);
    assert_eq!(visitors(&app, &second).await, json!([]));
    let unknown = write(&app, &whatsapp("m-3", "34600000003", "ref: 000000", NOW)).await.expect(201);
    assert_eq!(unknown["reason"], "unknown_ref");
    assert_eq!(lead(&app, &unknown).await["origin"]["first"]["channel"], "unknown");
    let bare = write(&app, &whatsapp("m-4", "34600000004", "7K3QX9", NOW)).await.expect(201);
    assert_eq!(bare["reason"], "no_ref", "a word without the mark is none");
    // Two browsers with one reference.
    clicks(&app, "w", "q", NOW, "AAAAAA").await;
    clicks(&app, "x", "r", NOW, "AAAAAA").await;
    let two = write(&app, &whatsapp("m-5", "34600000005", "ref: AAAAAA", NOW)).await.expect(201);
    assert_eq!(two["reason"], "ambiguous");
    // A month later nobody is meant any more.
    clicks(&app, "y", "s", NOW, "BBBBBB").await;
    app.clock.advance(31 * DAY);
    let late = write(&app, &whatsapp("m-6", "34600000006", "ref: BBBBBB", NOW + 31 * DAY)).await.expect(201);
    assert_eq!(late["reason"], "expired_ref");
    // Nor who does not want to be recognised: an anonymous click has no reference.
    let click = json!({"app": "whatsapp", "chat_ref": "CCCCCC"});
    let beacon = e2e::beacon::anonymous([event("t", 1, NOW, "chat_click", click)]);
    app.client.store("acme", &beacon).await;
    app.client.settled().await;
    let none = write(&app, &whatsapp("m-7", "34600000007", "ref: CCCCCC", NOW)).await.expect(201);
    assert_eq!(none["reason"], "unknown_ref");
    // All of it holds after a restart.
    app.restart().await;
    let again = write(&app, &whatsapp("m-8", "34600000008", "(ref: 7K3QX9)", NOW + 7_000)).await.expect(201);
    assert_eq!(again["reason"], "used_ref");
}

#[tokio::test]
async fn an_ad_that_opens_a_chat_is_where_the_lead_came_from() {
    let app = TestApp::spawn().await;
    let body = json!({"app": "whatsapp", "external_id": "m-1", "from": "34600000001", "text": "Hola", "at": NOW,
                      "ctwa_clid": "ARAkLkA8rmlFeiCktEJQ"});
    let answer = write(&app, &body).await.expect(201);
    let touch = lead(&app, &answer).await["origin"]["first"].clone();
    assert_eq!(
        (&touch["channel"], &touch["source"], &touch["click_ids"]["ctwa_clid"]),
        (&json!("paid_social"), &json!("meta"), &json!("ARAkLkA8rmlFeiCktEJQ"))
    );
    assert_eq!(answer["reason"], "no_ref");
}

#[tokio::test]
async fn accounts_that_are_no_telephone_numbers_keep_their_conversation_together() {
    let app = TestApp::spawn().await;
    clicks(&app, "v", "p", NOW, REF).await;
    let messenger = |id: &str, more: Value| {
        let mut body = json!({"app": "messenger", "external_id": id, "from": "2400000000000001", "text": "Hola", "at": NOW});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let answer = write(&app, &messenger("m-1", json!({"chat_ref": "traza_7K3QX9"}))).await.expect(201);
    let made = lead(&app, &answer).await;
    assert_eq!(
        (&made["kind"], &made["contact"]["chat"], visitors(&app, &answer).await),
        (&json!("messenger"), &json!("messenger:2400000000000001"), json!(["v"]))
    );
    let again = write(&app, &messenger("m-2", json!({}))).await.expect(201);
    assert_eq!(again["lead"], answer["lead"]);
    // The same digits elsewhere are somebody else.
    let telegram = json!({"app": "telegram", "external_id": "m-3", "from": "2400000000000001", "at": NOW});
    assert_ne!(write(&app, &telegram).await.expect(201)["lead"], answer["lead"]);
    // A conversation of nobody in particular is about whoever was shown the reference, or about nobody.
    let nobody = json!({"app": "chat", "external_id": "m-4", "text": "Hola", "at": NOW});
    assert_eq!(write(&app, &nobody).await.expect(201)["lead"], Value::Null);
    assert_eq!(write(&app, &nobody).await.expect(200)["lead"], Value::Null, "it is one message");
    assert_eq!(app.client.leads("acme").await.len(), 2);
    // By e-mail, where that is how a person is known.
    let by_email = json!({"app": "chat", "external_id": "m-5", "from": "Ana@Example.com", "at": NOW});
    let answer = write(&app, &by_email).await.expect(201);
    assert_eq!(lead(&app, &answer).await["contact"]["email"], "ana@example.com");
}

#[tokio::test]
async fn two_messages_of_one_sender_at_once_make_one_lead() {
    let app = TestApp::spawn().await;
    let bodies = [0, 1, 2].map(|n| whatsapp(&format!("m-{n}"), "34600000001", "Hola", NOW + n));
    let (a, b, c) = tokio::join!(write(&app, &bodies[0]), write(&app, &bodies[1]), write(&app, &bodies[2]));
    let leads = [a, b, c].map(|answer| answer.expect(201)["lead"].clone());
    assert!(leads[0].is_string() && leads.iter().all(|lead| *lead == leads[0]), "{leads:?}");
    assert_eq!(app.client.leads("acme").await.len(), 1);
}

#[tokio::test]
async fn an_agent_types_the_reference_and_finds_the_lead_by_it() {
    let app = TestApp::spawn().await;
    clicks(&app, "v", "p", NOW, REF).await;
    let body = json!({"kind": "whatsapp", "phone": "600 000 001", "chat_ref": "7k3qx9", "external_id": "crm-1", "at": NOW + 9});
    let answer = app.client.post_json("/api/v1/sites/acme/leads", &body).await.expect(201);
    assert_eq!((&answer["visitor"], &answer["reason"]), (&json!("v"), &Value::Null));
    app.client.settled().await;
    assert_eq!(lead(&app, &answer).await["origin"]["last"]["campaign"], "solar");
    let again = app.client.post_json("/api/v1/sites/acme/leads", &body).await.expect(200);
    assert_eq!(again, answer);
    for q in ["7K3QX9", "7k3-qx9"] {
        let found =
            app.client.post_json("/api/v1/sites/acme/leads/search", &json!({"q": q})).await.expect(200);
        assert_eq!(
            (found["items"].as_array().unwrap().len(), &found["items"][0]["id"]),
            (1, &answer["lead"])
        );
    }
    let wrong = json!({"kind": "whatsapp", "phone": "600 000 002", "chat_ref": "hola que tal", "external_id": "crm-2"});
    let refused = app.client.post_json("/api/v1/sites/acme/leads", &wrong).await;
    refused.problem_at(400, "invalid", "/chat_ref");
    let used = json!({"kind": "whatsapp", "phone": "600 000 002", "chat_ref": REF, "external_id": "crm-2", "at": NOW + 10});
    let answer = app.client.post_json("/api/v1/sites/acme/leads", &used).await.expect(201);
    assert_eq!(answer["reason"], "used_ref");
}

#[tokio::test]
async fn whoever_is_forgotten_is_no_longer_found_by_their_reference() {
    let app = TestApp::spawn().await;
    clicks(&app, "v", "p", NOW, REF).await;
    let answer =
        write(&app, &whatsapp("m-1", "34600000001", "(ref: 7K3QX9) secreto", NOW + 5_000)).await.expect(201);
    let person = lead(&app, &answer).await["person"].as_str().unwrap().to_owned();
    app.client.post_json(&format!("/api/v1/sites/acme/persons/{person}/erase"), &json!({})).await.expect(200);
    app.client.settled().await;
    let again = write(&app, &whatsapp("m-2", "34600000001", "(ref: 7K3QX9)", NOW + 6_000)).await.expect(201);
    assert_eq!(again["reason"], "unknown_ref");
    assert_ne!(again["lead"], answer["lead"], "the same number is a stranger");
    let found = app.client.post_json("/api/v1/sites/acme/leads/search", &json!({"q": REF})).await.expect(200);
    assert!(!found.to_string().contains("34600000001"), "{found}");
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_said() {
    let app = TestApp::spawn().await;
    for (body, pointer) in [
        (json!({"app": "icq", "external_id": "x"}), "/app"),
        (json!({"app": "whatsapp", "external_id": ""}), "/external_id"),
        (json!({"app": "whatsapp", "external_id": "x".repeat(121)}), "/external_id"),
        (json!({"app": "whatsapp", "external_id": "x", "at": "ayer"}), "/at"),
        (json!({"app": "whatsapp", "external_id": "x", "chat_ref": "?"}), "/chat_ref"),
        (json!({"app": "whatsapp", "external_id": "x", "from": "a\u{0}b"}), "/from"),
    ] {
        write(&app, &body).await.problem_at(400, "invalid", pointer);
    }
    let one = json!({"app": "whatsapp", "external_id": "x", "from": "34600000001"});
    write(&app, &one).await.expect(201);
    let other = json!({"app": "telegram", "external_id": "x", "from": "ana"});
    write(&app, &other).await.problem(409, "conflict");
}
