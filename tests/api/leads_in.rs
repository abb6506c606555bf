//! `POST leads`: a server tells of a lead.

use e2e::{
    DAY, NOW, TestApp,
    beacon::{callback, event, full, page_view},
    client::Answer,
};
use serde_json::{Value, json};

const URL: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono";

async fn post(app: &TestApp, body: &Value) -> Answer {
    app.client.post_json("/api/v1/sites/acme/leads", body).await
}

async fn get(app: &TestApp, id: &str) -> Value {
    app.client.settled().await;
    app.client.get(&format!("/api/v1/sites/acme/leads/{id}")).await.expect(200)
}

#[tokio::test]
async fn a_lead_of_every_kind_is_told_once() {
    let app = TestApp::spawn().await;
    let kinds =
        ["form", "callback", "call", "whatsapp", "messenger", "chat", "email", "import", "platform_form"];
    for (n, kind) in kinds.into_iter().enumerate() {
        let body = json!({"kind": kind, "name": "Ana Ejemplo", "phone": format!("600 000 00{n}"), "at": NOW - 1000,
                          "external_id": format!("crm-{kind}")});
        let made = post(&app, &body).await.expect(201);
        let lead = get(&app, &format!("ext:crm-{kind}")).await;
        assert_eq!((&lead["id"], &lead["kind"]), (&made["lead"], &json!(kind)));
        assert_eq!(lead["contact"]["phone"], format!("+3460000000{n}"));
        assert_eq!((&lead["created_at"], &lead["updated_at"]), (&json!(NOW - 1000), &json!(NOW)));
        assert_eq!((&lead["external_id"], &lead["stage"]), (&json!(format!("crm-{kind}")), &json!("lead")));
        assert_eq!((&lead["confirmed"], &lead["visitors"]), (&json!(true), &json!([])));
        assert_eq!(lead["origin"]["last"]["reason"], "no_visitor");
        let purposes = if kind == "import" { json!(null) } else { json!(["contact"]) };
        assert_eq!(lead["consent"]["purposes"], purposes, "a list that is imported asked for nothing");
        assert_eq!(post(&app, &body).await.expect(200), made, "the same again");
    }
    assert_eq!(app.client.leads("acme").await.len(), kinds.len());
}

#[tokio::test]
async fn other_content_amends_and_what_was_said_before_stays() {
    let app = TestApp::spawn().await;
    let told = |phone: &str, at: i64| json!({"kind": "chat", "phone": phone, "at": at, "external_id": "c"});
    let made = post(&app, &told("600 000 001", NOW - 5000)).await.expect(201);
    app.clock.advance(1000);
    assert_eq!(post(&app, &told("600 000 002", NOW - 4000)).await.expect(200), made);
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 1, "also in the list, though it came to be at another time: {leads:?}");
    assert_eq!(leads[0]["contact"]["phone"], "+34600000002");
    assert_eq!((&leads[0]["created_at"], &leads[0]["updated_at"]), (&json!(NOW - 4000), &json!(NOW + 1000)));
    let journey = app.client.lead_journey("acme", "ext:c").await;
    let told: Vec<_> =
        journey.iter().map(|item| (item["kind"].as_str().unwrap(), item["amended"] == true)).collect();
    assert_eq!(told, [("lead", true), ("lead", false)]);
    let by = async |q: &str| {
        let answer =
            app.client.post_json("/api/v1/sites/acme/leads/search", &json!({"q": q})).await.expect(200);
        answer["items"].as_array().unwrap().len()
    };
    assert_eq!((by("600 000 001").await, by("600 000 002").await), (0, 1), "found by what it says now");
    let since =
        app.client.get(&format!("/api/v1/sites/acme/leads?updated_since={}", NOW + 500)).await.expect(200);
    assert_eq!(since["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_form_s_reference_makes_it_the_page_s_lead_whichever_comes_first() {
    for page_first in [true, false] {
        let app = TestApp::spawn().await;
        let page = full("v", [page_view("p", NOW, URL), callback("p", 1, NOW + 5, "600 000 001")]);
        let server = json!({"kind": "form", "ref": "p-1", "email": "ana@example.com", "name": "Ana Ejemplo",
                            "external_id": "crm-1", "at": NOW + 9});
        if page_first {
            app.client.store("acme", &page).await;
            app.client.settled().await;
        }
        let made = post(&app, &server).await.expect(201);
        if !page_first {
            assert_eq!(get(&app, "ref:p-1").await["origin"]["last"]["reason"], "no_visitor");
            app.client.store("acme", &page).await;
        }
        let leads = app.client.leads("acme").await;
        assert_eq!(leads.len(), 1, "page first: {page_first}: {leads:?}");
        let lead = &leads[0];
        assert_eq!(lead["id"], made["lead"]);
        let contact = json!({"name": "Ana Ejemplo", "email": "ana@example.com", "phone": "+34600000001", "phone_raw": "600 000 001"});
        assert_eq!(lead["contact"], contact, "what the server adds amends");
        assert_eq!((&lead["kind"], &lead["created_at"]), (&json!("callback"), &json!(NOW + 5)));
        assert_eq!((&lead["visitors"], &lead["confirmed"]), (&json!(["v"]), &json!(true)));
        assert_eq!(lead["origin"]["last"]["campaign"], "otono");
        for id in ["ref:p-1", "ext:crm-1"] {
            assert_eq!(get(&app, id).await, *lead, "{id}");
        }
        let journey = app.client.lead_journey("acme", "ext:crm-1").await;
        let kinds: Vec<_> = journey.iter().map(|item| item["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["page_view", "form_submit", "lead"]);
        // Another ref would make it another lead.
        let mut other = server.clone();
        other["ref"] = json!("p-2");
        post(&app, &other).await.problem(409, "conflict");
    }
}

#[tokio::test]
async fn a_visitor_s_journey_becomes_the_lead_s() {
    let app = TestApp::spawn().await;
    app.client.store("acme", &full("v", [page_view("p", NOW, URL)])).await;
    let body = json!({"kind": "whatsapp", "phone": "34600000001", "visitor": "v", "external_id": "w", "at": NOW + 10});
    post(&app, &body).await.expect(201);
    let lead = get(&app, "ext:w").await;
    assert_eq!((&lead["visitors"], &lead["contact"]["phone"]), (&json!(["v"]), &json!("+34600000001")));
    assert_eq!(lead["origin"]["first"]["campaign"], "otono");
    let before = event("p", 2, NOW + 5, "cta_click", json!({"cta": "precio"}));
    app.client.store("acme", &full("v", [before])).await;
    let journey = app.client.lead_journey("acme", "ext:w").await;
    let kinds: Vec<_> = journey.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["page_view", "cta_click", "lead"]);
}

#[tokio::test]
async fn what_cannot_be_used_is_kept_and_flagged() {
    let app = TestApp::spawn().await;
    let cases = [
        (json!({"phone": "no lo doy"}), json!(["invalid_phone"])),
        (json!({"email": "ana en example"}), json!(["invalid_email"])),
        (json!({"email": "test@example.com"}), json!(["junk_identifier"])),
        (json!({"user_id": "undefined"}), json!(["junk_identifier"])),
        (json!({"phone": "666 666 666", "email": "ana@example.com"}), json!(["junk_identifier"])),
        (json!({"email": "ana@example.com", "flag": "test"}), json!(["test"])),
        (json!({"email": "ana@example.com"}), json!([])),
    ];
    for (n, (given, flags)) in cases.into_iter().enumerate() {
        let mut body = json!({"kind": "call", "external_id": format!("c{n}")});
        body.as_object_mut().unwrap().extend(given.as_object().unwrap().clone());
        post(&app, &body).await.expect(201);
        let lead = get(&app, &format!("ext:c{n}")).await;
        assert_eq!(lead["flags"], flags, "{body}");
        for field in ["email", "phone_raw"] {
            let sent = if field == "email" { &body["email"] } else { &body["phone"] };
            assert_eq!(lead["contact"][field], *sent, "as it came: {lead}");
        }
    }
    // Two who both write nobody's address are not found by it.
    let search = json!({"q": "test@example.com"});
    let found = app.client.post_json("/api/v1/sites/acme/leads/search", &search).await.expect(200);
    assert_eq!(found["items"], json!([]));
}

#[tokio::test]
async fn only_the_fields_that_the_site_lists_are_kept() {
    let app = TestApp::spawn().await;
    app.client.put_site("acme", &json!({"domains": ["example.com"], "lead_fields": ["provincia"]})).await;
    let body = json!({"kind": "form", "email": "ana@example.com", "external_id": "c",
                      "fields": {"provincia": "Soria", "dni": "00000000T"},
                      "consent": {"text_version": "v3", "purposes": ["ads", "spying"]}});
    post(&app, &body).await.expect(201);
    let lead = get(&app, "ext:c").await;
    assert_eq!(lead["contact"]["fields"], json!({"provincia": "Soria"}));
    assert_eq!(lead["consent"]["purposes"], json!(["ads", "contact"]));
    assert_eq!((&lead["consent"]["text_version"], &lead["consent"]["page"]), (&json!("v3"), &Value::Null));
}

#[tokio::test]
async fn a_lead_that_is_none_is_refused_with_what_is_wrong() {
    let app = TestApp::spawn().await;
    let good = json!({"kind": "call", "phone": "600 000 001", "external_id": "c"});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let cases = [
        (with("kind", json!("fax")), "/kind"),
        (with("kind", json!(null)), "/kind"),
        (with("phone", json!("  ")), "/email"),
        (with("phone", json!(600)), "/phone"),
        (with("external_id", json!("")), "/external_id"),
        (with("external_id", json!("x".repeat(129))), "/external_id"),
        (with("visitor", json!("a b")), "/visitor"),
        (with("ref", json!("a b")), "/ref"),
        (with("at", json!("ayer")), "/at"),
        (with("at", json!(NOW + 2 * DAY)), "/at"),
        (with("flag", json!("spam")), "/flag"),
        (with("fields", json!({"a": 1})), "/fields/a"),
        (with("consent", json!({"purposes": "ads"})), "/consent/purposes"),
        (json!({"kind": "call", "external_id": "c"}), "/email"),
        (json!({"kind": "call", "phone": "600 000 001"}), ""),
        (json!([good]), ""),
    ];
    for (body, pointer) in cases {
        post(&app, &body).await.problem_at(400, "invalid", pointer);
    }
    assert!(app.client.leads("acme").await.is_empty(), "nothing was kept");
    let nobody = post(&app, &json!({"kind": "call", "external_id": "c"})).await.problem(400, "invalid");
    let pointers: Vec<_> =
        nobody["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/email", "/phone", "/user_id"]);
    app.client.get("/api/v1/sites/acme/leads/ext:c").await.problem(404, "not-found");
}

#[tokio::test]
async fn nobody_s_details_stand_in_the_store_in_clear() {
    let app = TestApp::spawn().await;
    let body = json!({"kind": "form", "name": "Zenobia Ejemplo", "email": "zenobia@example.com", "phone": "600 000 077",
                      "external_id": "c"});
    post(&app, &body).await.expect(201);
    let note = json!({"outcome": "contacted", "agent": "Agapita Ejemplo", "external_id": "a",
                      "disposition": "escribir a zenobia@example.com"});
    app.client.post_json("/api/v1/sites/acme/leads/ext:c/attempts", &note).await.expect(201);
    app.client.settled().await;
    let site = app.app().directory.site("acme").unwrap().number;
    let log = app.app().store.read(site, 0, 1000).await.unwrap();
    let text = format!("{log:?}");
    for secret in ["Zenobia", "zenobia", "600 000 077", "600000077", "Agapita"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
