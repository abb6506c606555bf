//! `/api/v1/sites/{site}`: configuration, and whether the tag works.

use e2e::{
    NOW, TestApp,
    beacon::{anonymous, full, page_view},
};
use serde_json::{Value, json};

#[tokio::test]
async fn an_empty_object_makes_a_site_with_defaults() {
    let app = TestApp::empty(|_| {}).await;
    let created = app.client.put("/api/v1/sites/nuevo", &json!({})).await.expect(201);
    let day = json!([["09:00", "21:00"]]);
    let scoring = &created["scoring"];
    assert_eq!(
        (scoring["rules"].as_array().map(Vec::len), &scoring["cap"]),
        (Some(12), &json!(100)),
        "{scoring}"
    );
    let expected = json!({
        "site": "nuevo", "created_at": NOW, "name": "", "domains": [], "timezone": "Europe/Madrid", "currency": "EUR",
        "default_region": "ES", "consent_default": "wait", "anonymous_utm": true, "lead_fields": [],
        "query_keys": [], "hash_routes": false, "chat_refs": true, "stages": [
            {"name": "visitor", "owner": "marketing"}, {"name": "lead", "owner": "marketing"}, {"name": "mql", "owner": "marketing"},
            {"name": "sql", "owner": "both"}, {"name": "opportunity", "owner": "sales"}, {"name": "customer", "owner": "sales"},
            {"name": "lost", "owner": "both"}
        ],
        "channel_rules": [], "forms": [], "retention": {"events_months": 25, "leads_months": 24},
        "hours": {}, "call_window": {"week": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day}}, "sla": [],
        "scoring": scoring, "queue": {"weights": {}, "half_life_min": 60, "retry_min": [5, 30, 120, 1440]}
    });
    assert_eq!(created, expected);
    assert_eq!(app.client.get("/api/v1/sites/nuevo").await.expect(200), expected);
    assert_eq!(app.client.put("/api/v1/sites/nuevo", &json!({})).await.expect(200), expected);
}

#[tokio::test]
async fn a_put_replaces_the_whole_configuration_and_outlives_a_restart() {
    let mut app = TestApp::empty(|_| {}).await;
    let first = json!({"name": "Tejado Claro", "domains": ["Example.COM."], "lead_fields": ["provincia"]});
    let created = app.client.put("/api/v1/sites/nuevo", &first).await.expect(201);
    assert_eq!(created["domains"], json!(["example.com"]), "as a browser writes it");
    app.clock.advance(5_000);
    let second = app.client.put("/api/v1/sites/nuevo", &json!({"currency": "MXN"})).await.expect(200);
    let told = (&second["name"], &second["domains"], &second["lead_fields"], &second["currency"]);
    assert_eq!(told, (&json!(""), &json!([]), &json!([]), &json!("MXN")));
    assert_eq!(second["created_at"], NOW, "a site is created once");
    app.restart().await;
    assert_eq!(app.client.get("/api/v1/sites/nuevo").await.expect(200), second);
}

#[tokio::test]
async fn rules_for_forms_are_kept_checked_and_told_to_the_page() {
    let app = TestApp::empty(|_| {}).await;
    let rule = json!({"match": ".wpcf7-form", "success": "/gracias", "fields": {"phone": "[name=tel]"}});
    let created = app.client.put("/api/v1/sites/nuevo", &json!({"forms": [rule]})).await.expect(201);
    let kept = json!([{"match": ".wpcf7-form", "kind": "form", "success": "/gracias", "fields": {"phone": "[name=tel]"}}]);
    assert_eq!(created["forms"], kept);
    let loader =
        app.client.bare(reqwest::Method::GET, "/t/nuevo.js").send().await.unwrap().text().await.unwrap();
    assert!(
        loader.contains(r#""forms":[{"match":".wpcf7-form","kind":"form","success":"/gracias","#),
        "the page gets them"
    );
    let refused = [
        (json!([{"match": " "}]), "/forms/0/match"),
        (json!([{"match": "form", "success": ""}]), "/forms/0/success"),
        (
            json!([{"match": "form"}, {"match": "form", "fields": {"email": "x".repeat(257)}}]),
            "/forms/1/fields",
        ),
        (json!(vec![json!({"match": "form"}); 51]), "/forms"),
    ];
    for (forms, pointer) in refused {
        let problem = app.client.put("/api/v1/sites/nuevo", &json!({"forms": forms})).await.expect(400);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    for forms in [
        json!([{}]),
        json!([{"match": "form", "kind": "call"}]),
        json!([{"match": "form", "fields": {"iban": "x"}}]),
    ] {
        app.client.put("/api/v1/sites/nuevo", &json!({"forms": forms})).await.expect(400);
    }
    assert_eq!(app.client.get("/api/v1/sites/nuevo").await.expect(200)["forms"], kept, "as it was");
}

#[tokio::test]
async fn sites_are_listed() {
    let app = TestApp::empty(|_| {}).await;
    for site in ["b", "a", "c"] {
        app.client.put_site(site, &json!({})).await;
    }
    let list = app.client.get("/api/v1/sites").await.expect(200);
    let mut names: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|site| site["site"].clone()).collect();
    names.sort_by_key(Value::to_string);
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(list["next"], json!(null));
}

#[tokio::test]
async fn a_change_of_configuration_holds_from_the_next_beacon_on() {
    let app = TestApp::empty(|_| {}).await;
    app.client.put_site("nuevo", &json!({"domains": ["example.com"]})).await;
    let mut beacon = full("v", [page_view("p", NOW, "https://www.example.com/")]);
    beacon["choice"] = json!("default");
    assert_eq!(app.client.beacon("nuevo", &beacon).await.expect(200)["withheld"], 1);
    app.client.put_site("nuevo", &json!({"domains": ["example.com"], "consent_default": "full"})).await;
    assert_eq!(app.client.beacon("nuevo", &beacon).await.expect(200)["accepted"], 1);
}

#[tokio::test]
async fn install_tells_what_is_missing_and_then_that_it_works() {
    let app = TestApp::with(|options| options.public_url = Some("https://t.example.com/".to_owned())).await;
    let install = async || app.client.get("/api/v1/sites/acme/install").await.expect(200);
    let before = install().await;
    assert_eq!(before["snippet"], "<script async src=\"https://t.example.com/t/acme.js\"></script>");
    assert_eq!((&before["first_beacon_at"], &before["hosts"]), (&json!(null), &json!({})));
    assert!(before["problems"].to_string().contains("No beacon has come yet"), "{before}");
    assert_eq!(before["cookie_days"], 390);

    app.client.store("acme", &full("v", [page_view("p", NOW, "https://www.example.com/")])).await;
    app.clock.advance(60_000);
    let mut second = anonymous([page_view("q", NOW, "https://example.com/")]);
    second["via"] = json!("fallback");
    app.client.store("acme", &second).await;
    app.client.settled().await;
    let after = install().await;
    assert_eq!((&after["first_beacon_at"], &after["last_beacon_at"]), (&json!(NOW), &json!(NOW + 60_000)));
    assert_eq!(after["hosts"], json!({"www.example.com": 1, "example.com": 1}));
    assert_eq!(after["modes"], json!({"full": 1, "anonymous": 1}));
    assert_eq!(after["core"], json!({"wasm": 1, "fallback": 1}));
    assert_eq!(after["problems"], json!([]), "nothing left to mend");
}

#[tokio::test]
async fn install_names_what_keeps_the_cookie_away() {
    let app =
        TestApp::with(|options| options.public_url = Some("https://tracker.example.net".to_owned())).await;
    let third_party = app.client.get("/api/v1/sites/acme/install").await.expect(200);
    assert_eq!(third_party["cookie_days"], json!(null));
    assert!(third_party["problems"].to_string().contains("not reached by one of the site's domains"));
    app.client.put_site("nuevo", &json!({})).await;
    let homeless = app.client.get("/api/v1/sites/nuevo/install").await.expect(200);
    assert!(homeless["problems"].to_string().contains("no domains"), "{homeless}");
}

#[tokio::test]
async fn the_ledger_tells_reasons() {
    let app = TestApp::spawn().await;
    let beacon = full(
        "v",
        [
            page_view("p", NOW, "https://www.example.com/"),
            page_view("p", NOW, "https://www.example.com/"),
            json!({"id": "a b"}),
            json!(7),
            page_view("q", 0, "https://www.example.com/"),
        ],
    );
    app.client.beacon("acme", &beacon).await.expect(200);
    app.client.beacon("acme", &e2e::beacon::off([page_view("r", NOW, "https://www.example.com/")])).await;
    let ledger = app.client.get("/api/v1/sites/acme/ledger").await.expect(200);
    let expected = json!({"received": 6, "stored": 1, "duplicate": 1, "rejected": {"id": 1, "shape": 1, "time": 1},
                          "withheld": {"off": 1}});
    assert_eq!(ledger, expected);
    let metrics = app.client.metrics().await;
    for line in [
        "traza_events_received_total{site=\"acme\"} 6",
        "traza_events_stored_total{site=\"acme\"} 1",
        "traza_events_duplicate_total{site=\"acme\"} 1",
        "traza_events_rejected_total{site=\"acme\",reason=\"shape\"} 1",
        "traza_events_withheld_total{site=\"acme\",reason=\"off\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in:\n{metrics}");
    }
}
