//! `POST exports/{platform}`: what leaves for ad platforms, and what does not.

use e2e::{
    DAY, NOW, TestApp,
    beacon::{event, full, page_view},
    client::Answer,
};
use reqwest::Method;
use serde_json::{Value, json};

/// `test@example.com`, as both platforms hash it.
const EMAIL: &str = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b";

async fn export(app: &TestApp, query: &str) -> Answer {
    app.client.post_json(&format!("/api/v1/sites/acme/exports/{query}"), &json!({})).await
}

fn lead(page: &str, at: i64, contact: &Value, purposes: &Value) -> Value {
    let mut lead = json!({"kind": "form", "consent": {"text_version": "1", "purposes": purposes}});
    for (name, value) in contact.as_object().unwrap() {
        lead[name] = value.clone();
    }
    event(page, 1, at, "form_submit", json!({"form": "contacto", "lead": lead}))
}

/// Four leads: `a` by a click on an ad, with consent; `b` without; `c` with, by nothing that a platform knows; `d` a test.
async fn app_with_leads() -> TestApp {
    let app = TestApp::spawn().await;
    let ad = "https://www.example.com/?utm_source=google&utm_medium=cpc&gclid=G-1";
    let plain = "https://www.example.com/";
    let ads = json!(["contact", "ads"]);
    let stories = [
        (
            "a",
            ad,
            lead("a", NOW - 8_000, &json!({"email": "test@example.com", "phone": "600 000 001"}), &ads),
        ),
        ("b", ad, lead("b", NOW - 7_000, &json!({"phone": "600 000 002"}), &json!(["contact"]))),
        ("c", plain, lead("c", NOW - 6_000, &json!({"phone": "no lo doy"}), &ads)),
        ("d", ad, lead("d", NOW - 5_000, &json!({"phone": "600 000 004", "flag": "test"}), &ads)),
    ];
    for (name, url, lead) in stories {
        app.client.store("acme", &full(name, [page_view(name, NOW - 9_000, url), lead])).await;
    }
    app.client.settled().await;
    app
}

async fn sell(app: &TestApp, lead: &str, sale: &Value) {
    let answer = app.client.post_json(&format!("/api/v1/sites/acme/leads/ref:{lead}/sales"), sale).await;
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
}

#[tokio::test]
async fn a_conversion_leaves_once_and_only_of_those_who_agreed() {
    let app = app_with_leads().await;
    let dry = export(&app, "google?conversion=lead&dry_run=true").await.expect(200);
    assert_eq!(dry["exported"], 1, "{dry}");
    let answer = export(&app, "google?conversion=lead&name=Formulario").await.expect(200);
    assert_eq!(answer["exported"], 1, "a dry run takes nothing away: {answer}");
    assert_eq!(answer["skipped"], json!({"no_consent": 1, "no_identifier": 1, "not_counted": 1}));
    let sent = answer["items"].as_array().unwrap().iter().find(|item| item["status"] == "exported").unwrap();
    let row = &sent["row"];
    assert_eq!((&row["Google Click ID"], &row["Email"]), (&json!("G-1"), &json!(EMAIL)));
    assert_eq!((&row["Conversion Name"], &row["Order ID"]), (&json!("Formulario"), &sent["lead"]));
    assert_eq!((&row["Ad User Data"], &row["Conversion Value"]), (&json!("Granted"), &json!(null)));
    assert!(!answer.to_string().contains("example.com"), "nothing in clear: {answer}");

    let again = export(&app, "google?conversion=lead").await.expect(200);
    assert_eq!((&again["exported"], &again["skipped"]["already"]), (&json!(0), &json!(1)));
    let meta = export(&app, "meta?conversion=lead").await.expect(200);
    assert_eq!(meta["exported"], 1, "another platform has not got it");
    let asked = export(&app, "google?conversion=lead&again=true").await.expect(200);
    assert_eq!(asked["exported"], 1, "whoever asks for it gets it again");

    // It stands in the journey, and makes no news of the lead.
    let id = sent["lead"].as_str().unwrap();
    let journey = app.client.lead_journey("acme", id).await;
    let told: Vec<_> = journey.iter().filter(|item| item["kind"] == "export").collect();
    assert_eq!(told.len(), 3, "{journey:?}");
    assert_eq!((&told[0]["platform"], &told[0]["conversion"]), (&json!("google"), &json!("lead")));
    let lead = app.client.get(&format!("/api/v1/sites/acme/leads/{id}")).await.expect(200);
    assert!(lead["updated_at"].as_i64().unwrap() <= NOW, "{lead}");
}

#[tokio::test]
async fn a_sale_is_exported_with_what_is_left_of_it_and_said_to_have_changed_since() {
    let mut app = app_with_leads().await;
    let sale = json!({"external_id": "s-1", "amount": 123_450, "currency": "EUR", "at": NOW});
    sell(&app, "a-1", &sale).await;
    let file = "meta?conversion=sale&format=csv";
    let request = app.client.request(Method::POST, &format!("/api/v1/sites/acme/exports/{file}"));
    let answer = e2e::client::send(request).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    let mut lines = answer.text.lines();
    assert_eq!(
        lines.next(),
        Some("event_name,event_time,event_id,action_source,em,ph,fbc,value,currency,order_id")
    );
    let row = lines.next().unwrap();
    assert!(row.starts_with(&format!("Purchase,{},s-1,system_generated,{EMAIL},", NOW / 1000)), "{row}");
    assert!(row.ends_with(",,1234.50,EUR,s-1"), "{row}");
    assert_eq!(lines.next(), None);

    let refund = json!({"external_id": "r-1", "amount": -23_450, "currency": "EUR", "at": NOW + 1, "refund_of": "s-1"});
    sell(&app, "a-1", &refund).await;
    let answer = export(&app, "meta?conversion=sale").await.expect(200);
    assert_eq!((&answer["exported"], &answer["skipped"]), (&json!(0), &json!({"changed": 1})), "{answer}");
    assert_eq!(answer["items"][0]["amount"], 100_000, "what it is worth now");
    let google = export(&app, "google?conversion=sale").await.expect(200);
    assert_eq!(google["items"][0]["row"]["Conversion Value"], "1000.00");

    // Meta takes none that is older than a week.
    app.clock.advance(8 * DAY);
    sell(&app, "a-1", &json!({"external_id": "s-2", "amount": 100, "currency": "EUR", "at": NOW + 2})).await;
    let answer = export(&app, &format!("meta?conversion=sale&since={}", NOW + 2)).await.expect(200);
    assert_eq!(answer["skipped"], json!({"too_old": 1}), "{answer}");
    // A rebuild forgets nothing of what left.
    app.restart().await;
    let answer = export(&app, &format!("google?conversion=sale&until={}", NOW + 2)).await.expect(200);
    assert_eq!(answer["skipped"], json!({"already": 1}), "{answer}");
}

#[tokio::test]
async fn consent_that_is_taken_back_holds_for_what_comes_after() {
    let app = app_with_leads().await;
    let id = app.client.get("/api/v1/sites/acme/leads/ref:a-1").await.expect(200)["id"].clone();
    let path = format!("/api/v1/sites/acme/persons/{}/consent", id.as_str().unwrap());
    app.client.post_json(&path, &json!({"withdrawn": ["ads"], "by": "ana"})).await.expect(201);
    let answer = export(&app, "google?conversion=lead").await.expect(200);
    assert_eq!((&answer["exported"], &answer["skipped"]["no_consent"]), (&json!(0), &json!(2)), "{answer}");
}

#[tokio::test]
async fn stages_and_pages_of_an_export() {
    let app = app_with_leads().await;
    for lead in ["a-1", "c-1"] {
        let path = format!("/api/v1/sites/acme/leads/ref:{lead}/stage");
        app.client.post_json(&path, &json!({"stage": "sql", "by": "crm"})).await.expect(201);
    }
    let answer = export(&app, "google?conversion=stage:sql&limit=1").await.expect(200);
    assert_eq!((&answer["exported"], &answer["conversion"]), (&json!(1), &json!("stage:sql")), "{answer}");
    assert_eq!(answer["skipped"], json!({"no_identifier": 1}));
    let next = answer["next"].as_str().unwrap();
    let rest = export(&app, &format!("google?conversion=stage:sql&cursor={next}")).await.expect(200);
    assert_eq!((&rest["items"], &rest["next"]), (&json!([]), &json!(null)));
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_said() {
    let app = TestApp::spawn().await;
    let long = format!("google?conversion=lead&name={}", "x".repeat(101));
    for (query, pointer) in [
        ("google", "conversion"),
        ("google?conversion=buy", "conversion"),
        ("google?conversion=stage:nada", "conversion"),
        ("google?conversion=lead&limit=2001", "limit"),
        (&long, "name"),
        ("google?conversion=lead&dry_run=si", "dry_run"),
        ("google?conversion=lead&format=xml", "format"),
        ("google?conversion=lead&since=ayer", "since"),
    ] {
        export(&app, query).await.problem_at(400, "invalid", pointer);
    }
    export(&app, "tiktok?conversion=lead").await.problem(404, "not-found");
}
