//! What people agree to, purpose by purpose; how they take it back; which words they agreed to. And all that is held.

use e2e::{
    DAY, NOW, TestApp,
    beacon::{event, full, page_view},
};
use serde_json::{Value, json};

const TEXTS: &str = "/api/v1/sites/acme/consent-texts";

fn form(page: &str, at: i64, purposes: &[&str]) -> Value {
    let consent = json!({"text_version": "2026-1", "purposes": purposes});
    let lead =
        json!({"kind": "form", "name": "Eulalia", "email": "eulalia.q@example.com", "consent": consent});
    event(page, 1, at, "form_submit", json!({"form": "contacto", "lead": lead}))
}

async fn with_texts() -> TestApp {
    let app = TestApp::spawn().await;
    let texts = json!({"items": [{"version": "2026-1", "texts": {"es": "Acepto que me llamen.", "en": "You may call me."}}]});
    app.client.put(TEXTS, &texts).await.expect(200);
    app
}

#[tokio::test]
async fn the_latest_word_counts_for_every_lead_of_the_person() {
    let app = with_texts().await;
    let url = "https://www.example.com/";
    let first = full("v1", [page_view("p1", NOW, url), form("p1", NOW + 1, &["ads", "marketing"])]);
    app.client.store("acme", &first).await;
    app.client.store("acme", &full("v2", [page_view("p2", NOW, url), form("p2", NOW + 2, &["ads"])])).await;
    app.clock.advance(3 * DAY);
    let leads = app.client.leads("acme").await;
    let consent = &leads[1]["consent"];
    assert_eq!(consent["purposes"], json!(["ads", "contact", "marketing"]));
    assert_eq!((&consent["text_version"], &consent["page"]), (&json!("2026-1"), &json!("p1")));
    assert_eq!((&consent["at"], &consent["age_days"]), (&json!(NOW + 1), &json!(2)));

    let path = format!("/api/v1/sites/acme/persons/{}/consent", leads[1]["id"].as_str().unwrap());
    let now = NOW + 3 * DAY;
    let body = json!({"withdrawn": ["ads"], "granted": ["email_tracking"], "at": now, "by": "Obdulia", "reason": "por teléfono",
                      "text_version": "2026-1", "external_id": "c-1"});
    let told = app.client.post_json(&path, &body).await.expect(201);
    assert_eq!(told["leads"].as_object().unwrap().len(), 2);
    assert_eq!(app.client.post_json(&path, &body).await.status, 200, "the same again is nothing new");
    for lead in app.client.leads("acme").await {
        let consent = &lead["consent"];
        assert!(!consent["purposes"].as_array().unwrap().contains(&json!("ads")), "{consent}");
        assert_eq!((&consent["withdrawn"], &consent["at"]), (&json!(["ads"]), &json!(now)));
    }
    // What was said before, told late, takes nothing back.
    let late = json!({"granted": ["ads"], "at": now - DAY, "by": "Obdulia"});
    let told = app.client.post_json(&path, &late).await.expect(201);
    let id = leads[1]["id"].as_str().unwrap();
    assert_eq!(told["leads"][id]["ads"]["granted"], false);
    // A form sent since is a word of its own.
    app.clock.advance(DAY);
    let again = full("v1", [page_view("p3", now + DAY, url), form("p3", now + DAY, &["ads"])]);
    app.client.store("acme", &again).await;
    let leads = app.client.leads("acme").await;
    assert!(leads[0]["consent"]["purposes"].as_array().unwrap().contains(&json!("ads")));
    assert!(!leads[1]["consent"]["purposes"].as_array().unwrap().contains(&json!("ads")));
    let shared = app.app();
    let site = shared.directory.site("acme").unwrap().number;
    let allows = async |id: &Value| {
        let id = collector::domain::id::LeadId::parse(id.as_str().unwrap()).unwrap();
        shared.store.lead(site, &id).await.unwrap().unwrap().allows("ads")
    };
    assert!(allows(&leads[0]["id"]).await);
    assert!(!allows(&leads[1]["id"]).await, "nothing of it is for an ad platform");
}

#[tokio::test]
async fn what_is_no_consent_is_refused_and_changes_nothing() {
    let app = with_texts().await;
    app.client.store("acme", &full("v", [form("p", NOW, &["ads"])])).await;
    app.client.store("acme", &full("w", [page_view("o", NOW, "https://www.example.com/")])).await;
    let before = app.client.leads("acme").await;
    let path = format!("/api/v1/sites/acme/persons/{}/consent", before[0]["id"].as_str().unwrap());
    let cases = [
        (json!({"by": "x"}), "/granted"),
        (json!({"by": "x", "granted": ["spam"]}), "/granted/0"),
        (json!({"by": "x", "granted": ["ads"], "withdrawn": ["ads"]}), "/withdrawn/0"),
        (json!({"by": "", "granted": ["ads"]}), "/by"),
        (json!({"by": "x", "granted": ["ads"], "text_version": "never"}), "/text_version"),
        (json!({"by": "x", "granted": ["ads"], "at": "ayer"}), "/at"),
        (json!({"by": "x", "granted": ["ads"], "at": 1.5}), "/at"),
        (json!({"by": "x", "granted": ["ads"], "at": NOW + 400 * DAY}), "/at"),
        (json!({"by": "x", "granted": ["ads"], "reason": "x".repeat(1001)}), "/reason"),
        (json!({"by": "x", "granted": ["ads"], "external_id": "a\u{0}"}), "/external_id"),
    ];
    for (body, pointer) in cases {
        app.client.post_json(&path, &body).await.problem_at(400, "invalid", pointer);
    }
    let well = json!({"by": "x", "granted": ["ads"]});
    app.client.post_json("/api/v1/sites/acme/persons/nobody/consent", &well).await.problem(404, "not-found");
    app.client.post_json("/api/v1/sites/acme/persons/w/consent", &well).await.problem(409, "conflict");
    app.client.role("marketing", "acme").await.post_json(&path, &well).await.problem(403, "forbidden");
    assert_eq!(app.client.leads("acme").await, before);
}

#[tokio::test]
async fn a_version_keeps_its_wording_for_ever() {
    let mut app = with_texts().await;
    let text = |version: &str, es: &str| json!({"version": version, "texts": {"es": es}});
    let put =
        async |client: &e2e::client::Client, items: Value| client.put(TEXTS, &json!({"items": items})).await;
    let refused = put(&app.client, json!([text("2026-1", "Acepto otra cosa.")])).await;
    assert!(refused.problem(409, "conflict")["detail"].as_str().unwrap().contains("2026-1"));
    let both = put(&app.client, json!([text("2026-2", "Acepto más.")])).await.expect(200);
    let versions: Vec<_> =
        both["items"].as_array().unwrap().iter().map(|item| (&item["version"], &item["retired"])).collect();
    assert_eq!(versions, [(&json!("2026-2"), &json!(false)), (&json!("2026-1"), &json!(true))]);
    app.restart().await;
    assert_eq!(app.client.get(TEXTS).await.expect(200), both);
    put(&app.client, json!([text("2026-1", "Otra vez otra.")])).await.problem(409, "conflict");
    let cases = [
        (json!([text("", "x")]), "/items/0/version"),
        (json!([text("a b", "x")]), "/items/0/version"),
        (json!([text("3", "x"), text("3", "x")]), "/items/1/version"),
        (json!([{"version": "3", "texts": {}}]), "/items/0/texts"),
        (json!([{"version": "3", "texts": {"?": "x"}}]), "/items/0/texts"),
        (json!([text("3", " ")]), "/items/0/texts/es"),
    ];
    for (items, pointer) in cases {
        put(&app.client, items).await.problem_at(400, "invalid", pointer);
    }
    let marketing = app.client.role("marketing", "acme").await;
    assert_eq!(marketing.get(TEXTS).await.expect(200), both, "refused, nothing changed");
    put(&marketing, json!([])).await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_person_gets_all_that_is_held_and_nobody_elses() {
    let app = with_texts().await;
    let url = "https://www.example.com/precios?utm_source=google&utm_medium=cpc";
    app.client.store("acme", &full("v1", [page_view("p1", NOW, url), form("p1", NOW + 1, &["ads"])])).await;
    let mode = event(
        "p2",
        2,
        NOW + 3,
        "consent",
        json!({"mode": "full", "text_version": "2026-1", "purposes": ["ads"]}),
    );
    app.client.store("acme", &full("v2", [page_view("p2", NOW, url), form("p2", NOW + 2, &[]), mode])).await;
    let other = json!({"kind": "form", "name": "Fidelia", "email": "fidelia@example.com"});
    let other = event("o", 1, NOW, "form_submit", json!({"form": "f", "lead": other}));
    app.client.store("acme", &full("w", [other])).await;
    let leads = app.client.leads("acme").await;
    let lead =
        leads.iter().find(|lead| lead["contact"]["name"] == "Eulalia").unwrap()["id"].as_str().unwrap();
    let stage = json!({"stage": "mql", "by": "Obdulia", "reason": "pide rebaja"});
    app.client.post_json(&format!("/api/v1/sites/acme/leads/{lead}/stage"), &stage).await.expect(201);

    let path = format!("/api/v1/sites/acme/persons/{lead}/export");
    let held = app.client.get(&path).await;
    assert_eq!(held.header("cache-control"), Some("no-store"));
    let (text, held) = (held.text.clone(), held.expect(200));
    assert_eq!(held["visitors"], json!(["v1", "v2"]));
    assert_eq!(held["identifiers"]["email"], json!(["eulalia.q@example.com"]));
    assert_eq!((held["leads"].as_array().unwrap().len(), held["events"].as_array().unwrap().len()), (2, 5));
    assert!(held["edges"].as_array().unwrap().len() >= 2);
    assert_eq!(held["consent_texts"][0]["texts"]["es"], "Acepto que me llamen.");
    assert_eq!(held["consents"]["browsers"][0]["purposes"], json!(["ads"]));
    for kept in ["pide rebaja", "Obdulia", "Eulalia", "/precios"] {
        assert!(text.contains(kept), "{kept} is held");
    }
    assert!(!text.contains("fidelia") && !text.contains("Fidelia"), "nobody else's");
    let told = app.client.items("/api/v1/sites/acme/audit").await;
    let exported = told.iter().find(|item| item["kind"] == "exported").unwrap();
    assert_eq!((&exported["subjects"], &exported["submissions"]), (&json!([held["person"]]), &json!(3)));
    app.client.get("/api/v1/sites/acme/persons/nobody/export").await.problem(404, "not-found");
    app.client.role("sales", "acme").await.get(&path).await.problem(403, "forbidden");
    // After an erasure there is next to nothing.
    app.client.post_json(&format!("/api/v1/sites/acme/persons/{lead}/erase"), &json!({})).await.expect(200);
    let held = app.client.get(&path).await;
    for gone in ["Eulalia", "eulalia.q", "Obdulia", "rebaja"] {
        assert!(!held.text.contains(gone), "{gone} is held");
    }
}
