//! Leads: who becomes one, what is known of them, how they are listed.

use e2e::{
    DAY, NOW, TestApp,
    beacon::{callback, event, full, page_view},
};
use serde_json::{Value, json};

const URL: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono";

#[expect(clippy::needless_pass_by_value, reason = "callers write the lead in place")]
fn submit(page: &str, n: u32, at: i64, lead: Value) -> Value {
    event(page, n, at, "form_submit", json!({"form": "contacto", "lead": lead}))
}

async fn only_lead(app: &TestApp) -> Value {
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 1, "{leads:?}");
    leads[0].clone()
}

#[tokio::test]
async fn a_phone_number_alone_makes_a_lead() {
    let app = TestApp::spawn().await;
    let beacon = full("v", [page_view("p", NOW, URL), callback("p", 1, NOW + 5, "600 00 00 00")]);
    app.client.store("acme", &beacon).await;
    let lead = only_lead(&app).await;
    let expected = [
        ("kind", json!("callback")),
        ("created_at", json!(NOW + 5)),
        ("updated_at", json!(NOW)),
        ("stage", json!("lead")),
        ("entered_at", json!(NOW + 5)),
        ("score", json!(24)),
        ("scoring_version", json!(1)),
        ("form", json!("te-llamamos")),
        ("visitors", json!(["v"])),
        ("person", json!("v")),
        ("confirmed", json!(false)),
        ("flags", json!([])),
        (
            "consent",
            json!({"text_version": null, "purposes": ["contact"], "at": NOW + 5, "age_days": 0, "page": "p"}),
        ),
        (
            "contact",
            json!({"name": null, "email": null, "phone": "+34600000000", "phone_raw": "600 00 00 00"}),
        ),
    ];
    for (field, value) in expected {
        assert_eq!(lead[field], value, "{field} of {lead}");
    }
    for which in ["first", "last", "last_non_direct"] {
        assert_eq!(lead["origin"][which]["campaign"], "otono");
        assert_eq!(lead["origin"][which]["channel"], "paid_search");
    }
    let one = app.client.get(&format!("/api/v1/sites/acme/leads/{}", lead["id"].as_str().unwrap())).await;
    assert_eq!(one.expect(200), lead, "the list and the lead itself say the same");
}

#[tokio::test]
async fn a_lead_answers_to_the_reference_that_its_form_carried() {
    let app = TestApp::spawn().await;
    app.client.store("acme", &full("v", [callback("p", 2, NOW, "600 000 000")])).await;
    let lead = only_lead(&app).await;
    let get = async |path: &str| app.client.get(&format!("/api/v1/sites/acme/leads/{path}")).await;
    assert_eq!(get("ref:p-2").await.expect(200), lead);
    assert_eq!(get("ref:p-2/journey").await.expect(200)["lead"], lead["id"]);
    for unknown in ["ref:p-3", "ref:", "ref:ref:p-2", "p-2"] {
        get(unknown).await.expect(404);
    }
}

#[tokio::test]
async fn a_form_keeps_declared_fields_and_the_consent_given() {
    let app = TestApp::spawn().await;
    let config = json!({"domains": ["example.com"], "consent_default": "full", "lead_fields": ["provincia"]});
    app.client.put_site("acme", &config).await;
    let lead = json!({
        "kind": "form", "name": "Ana Ejemplo", "email": " Ana@Example.COM ", "phone": "+34 600 000 000",
        "consent": {"text_version": "v3", "purposes": ["marketing", "spying", "ads"]},
        "magnet": "guia", "fields": {"provincia": "Soria", "dni": "00000000T"}
    });
    app.client.store("acme", &full("v", [submit("p", 1, NOW, lead)])).await;
    let lead = only_lead(&app).await;
    assert_eq!(lead["kind"], "form");
    assert_eq!(lead["magnet"], "guia");
    let contact = &lead["contact"];
    assert_eq!(contact["name"], "Ana Ejemplo");
    assert_eq!(contact["phone"], "+34600000000");
    assert_eq!(contact["email"].as_str().unwrap().to_lowercase(), "ana@example.com", "{contact}");
    assert_eq!(contact["fields"], json!({"provincia": "Soria"}), "only what the site lists");
    let consent = &lead["consent"];
    assert_eq!((&consent["text_version"], &consent["page"]), (&json!("v3"), &json!("p")));
    assert_eq!(
        consent["purposes"],
        json!(["ads", "contact", "marketing"]),
        "sending gives `contact`; unknown purposes are none"
    );
}

#[tokio::test]
async fn an_unusable_contact_is_flagged_and_is_a_lead_all_the_same() {
    let app = TestApp::spawn().await;
    let cases = [
        (json!({"kind": "callback", "phone": "123"}), json!(["invalid_phone"])),
        (json!({"kind": "callback", "phone": "no lo doy"}), json!(["invalid_phone"])),
        (json!({"kind": "form", "email": "ana en example"}), json!(["invalid_email"])),
        (json!({"kind": "form", "email": "ana@example.com", "phone": "1"}), json!(["invalid_phone"])),
        (json!({"kind": "form", "email": "ana@example.com", "flag": "test"}), json!(["test"])),
    ];
    for (n, (lead, flags)) in (0..).zip(cases) {
        let page = format!("p{n}");
        app.client.store("acme", &full("v", [submit(&page, 1, NOW + n, lead.clone())])).await;
        let newest = app.client.leads("acme").await.remove(0);
        assert_eq!(newest["flags"], flags, "{lead}");
        assert_eq!(newest["contact"]["phone_raw"], lead["phone"], "as typed");
        assert!(flags[0] != "invalid_phone" || newest["contact"]["phone"] == json!(null), "{newest}");
    }
}

#[tokio::test]
async fn who_left_no_way_of_contact_is_an_event_and_no_lead() {
    let app = TestApp::spawn().await;
    let nobodies = [
        json!({"kind": "form", "name": "Ana Ejemplo"}),
        json!({"kind": "form", "email": "", "phone": "   "}),
        json!({"kind": "callback"}),
    ];
    for (n, lead) in nobodies.into_iter().enumerate() {
        app.client.store("acme", &full("v", [submit(&format!("p{n}"), 1, NOW, lead)])).await;
    }
    app.client.store("acme", &full("v", [event("q", 1, NOW, "form_submit", json!({"form": "x"}))])).await;
    assert_eq!(app.client.journey("acme", "v").await.len(), 4);
    assert!(app.client.leads("acme").await.is_empty());
}

#[tokio::test]
async fn a_click_is_never_a_lead() {
    let app = TestApp::spawn().await;
    let clicks = [
        event("p", 1, NOW, "call_click", json!({"number": "+34900111001"})),
        event("p", 2, NOW, "chat_click", json!({"app": "whatsapp", "to": "34600000000"})),
        event("p", 3, NOW, "email_click", json!({"to": "hola@example.com"})),
        event("p", 4, NOW, "identify", json!({"email": "ana@example.com"})),
    ];
    app.client.store("acme", &full("v", clicks)).await;
    assert_eq!(app.client.journey("acme", "v").await.len(), 4);
    assert!(app.client.leads("acme").await.is_empty());
}

#[tokio::test]
async fn a_form_that_succeeded_confirms_its_lead_and_no_other() {
    let app = TestApp::spawn().await;
    let beacon = full("v", [callback("p", 1, NOW, "600 000 001"), callback("p", 2, NOW + 1, "600 000 002")]);
    app.client.store("acme", &beacon).await;
    let success = event("p", 3, NOW + 2, "form_success", json!({"form": "te-llamamos", "submit": "p-2"}));
    app.client.store("acme", &full("v", [success])).await;
    let leads = app.client.leads("acme").await;
    let confirmed: Vec<_> = leads.iter().map(|lead| lead["confirmed"].as_bool().unwrap()).collect();
    assert_eq!(confirmed, [true, false], "newest first");
}

#[tokio::test]
async fn the_same_submission_twice_is_one_lead() {
    let app = TestApp::spawn().await;
    let beacon = full("v", [callback("p", 1, NOW, "600 000 001")]);
    for _ in 0..3 {
        app.client.beacon("acme", &beacon).await.expect(200);
    }
    only_lead(&app).await;
}

#[tokio::test]
async fn leads_are_listed_newest_first_page_by_page() {
    let app = TestApp::spawn().await;
    let mut expected = Vec::new();
    for n in 0..7 {
        let at = NOW - DAY + n * 1000;
        let beacon = full("v", [callback(&format!("p{n}"), 1, at, &format!("600 000 00{n}"))]);
        app.client.store("acme", &beacon).await;
        expected.insert(0, at);
    }
    app.client.settled().await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    let mut sizes = Vec::new();
    loop {
        let path = format!("/api/v1/sites/acme/leads?limit=3{cursor}");
        let page = app.client.get(&path).await.expect(200);
        let items = page["items"].as_array().unwrap();
        sizes.push(items.len());
        seen.extend(items.iter().map(|lead| lead["created_at"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
    assert_eq!(sizes, [3, 3, 1]);
}

#[tokio::test]
async fn a_list_can_be_narrowed() {
    let app = TestApp::spawn().await;
    let other = "https://www.example.com/?utm_source=news&utm_medium=email&utm_campaign=invierno";
    let beacons = [
        full("a", [page_view("p1", NOW - 9000, URL), callback("p1", 1, NOW - 8000, "600 000 001")]),
        full(
            "b",
            [
                page_view("p2", NOW - 7000, other),
                submit(
                    "p2",
                    1,
                    NOW - 6000,
                    json!({"kind": "form", "email": "b@example.com", "flag": "test"}),
                ),
            ],
        ),
        full(
            "c",
            [
                page_view("p3", NOW - 5000, "https://www.example.com/"),
                callback("p3", 1, NOW - 4000, "600 000 003"),
            ],
        ),
    ];
    for beacon in &beacons {
        app.client.store("acme", beacon).await;
    }
    app.client.settled().await;
    let (a, b, c) = (json!(["a"]), json!(["b"]), json!(["c"]));
    let iso = "2026-11-22T01:19:54Z";
    assert_eq!(NOW - 6000, 1_795_310_394_000);
    let cases: Vec<(String, Vec<&Value>)> = vec![
        (String::new(), vec![&c, &b, &a]),
        ("kind=callback".to_owned(), vec![&c, &a]),
        ("kind=form".to_owned(), vec![&b]),
        ("flag=test".to_owned(), vec![&b]),
        ("channel=paid_search".to_owned(), vec![&a]),
        ("channel=email".to_owned(), vec![&b]),
        ("channel=direct".to_owned(), vec![&c]),
        ("campaign=invierno".to_owned(), vec![&b]),
        ("campaign=nada".to_owned(), vec![]),
        ("stage=lead".to_owned(), vec![&c, &b, &a]),
        ("stage=customer".to_owned(), vec![]),
        (format!("since={}", NOW - 6000), vec![&c, &b]),
        (format!("until={}", NOW - 6000), vec![&a]),
        (format!("since={iso}&until={}", NOW - 5999), vec![&b]),
        ("since=-7s".to_owned(), vec![&c, &b]),
        ("since=-1h&until=-5s".to_owned(), vec![&b, &a]),
        (format!("updated_since={}", NOW + 1), vec![]),
        (format!("updated_since={NOW}"), vec![&c, &b, &a]),
        ("kind=callback&channel=direct".to_owned(), vec![&c]),
    ];
    for (query, expected) in cases {
        let page = app.client.get(&format!("/api/v1/sites/acme/leads?{query}")).await.expect(200);
        let found: Vec<&Value> =
            page["items"].as_array().unwrap().iter().map(|lead| &lead["visitors"]).collect();
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn times_come_as_milliseconds_or_as_rfc_3339() {
    let app = TestApp::spawn().await;
    app.client
        .store("acme", &full("v", [page_view("p", NOW, URL), callback("p", 1, NOW, "600 000 001")]))
        .await;
    only_lead(&app).await;
    let iso = app.client.get("/api/v1/sites/acme/leads?time=iso").await.expect(200);
    let lead = &iso["items"][0];
    for at in [&lead["created_at"], &lead["updated_at"], &lead["entered_at"], &lead["origin"]["first"]["at"]]
    {
        assert_eq!(at, "2026-11-22T01:20:00Z");
    }
    let path = format!("/api/v1/sites/acme/leads/{}/journey?time=iso", lead["id"].as_str().unwrap());
    let journey = app.client.get(&path).await.expect(200);
    assert_eq!(journey["items"][0]["at"], "2026-11-22T01:20:00Z");
    assert_eq!(journey["items"][0]["touch"]["at"], "2026-11-22T01:20:00Z");
}

#[tokio::test]
async fn a_lead_that_is_not_there_is_404_and_so_is_one_of_another_site() {
    let app = TestApp::spawn().await;
    app.client.put_site("otra", &json!({"consent_default": "full"})).await;
    app.client.store("otra", &full("v", [callback("p", 1, NOW, "600 000 001")])).await;
    let lead = app.client.leads("otra").await[0]["id"].as_str().unwrap().to_owned();
    for id in [&*lead, "l_0", "nobody", "a%20b", "%00", &"x".repeat(200)] {
        for rest in ["", "/journey"] {
            app.client.get(&format!("/api/v1/sites/acme/leads/{id}{rest}")).await.problem(404, "not-found");
        }
        let stage = json!({"stage": "mql", "by": "crm"});
        let answer = app.client.post_json(&format!("/api/v1/sites/acme/leads/{id}/stage"), &stage).await;
        answer.problem(404, "not-found");
    }
    assert_eq!(app.client.leads("otra").await[0]["stage"], "lead");
}
