//! `POST leads/{id}/stage`: what the contact centre says became of a lead.

use e2e::{
    DAY, NOW, TestApp,
    beacon::{callback, full, page_view},
    client::Answer,
};
use serde_json::{Value, json};

async fn app_with_lead() -> (TestApp, String) {
    let app = TestApp::spawn().await;
    let url = "https://www.example.com/";
    app.client
        .store("acme", &full("v", [page_view("p", NOW, url), callback("p", 1, NOW + 1, "600 000 000")]))
        .await;
    let lead = app.client.leads("acme").await[0]["id"].as_str().unwrap().to_owned();
    (app, lead)
}

async fn put(app: &TestApp, lead: &str, body: &Value) -> Answer {
    app.client.post_json(&format!("/api/v1/sites/acme/leads/{lead}/stage"), body).await
}

async fn funnel(app: &TestApp) -> Answer {
    app.client.get("/api/v1/sites/acme/stages").await
}

fn stages(journey: &[Value]) -> Vec<&str> {
    journey
        .iter()
        .filter(|item| item["kind"] == "stage")
        .map(|item| item["stage"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_move_is_201_and_the_same_again_200_and_no_second_move() {
    let (app, lead) = app_with_lead().await;
    let body =
        json!({"stage": "mql", "by": "crm", "reason": "llamó", "external_id": "crm-1", "at": NOW + 60_000});
    let first = put(&app, &lead, &body).await.expect(201);
    assert_eq!((&first["stage"], &first["entered_at"]), (&json!("mql"), &json!(NOW + 60_000)));
    let again = put(&app, &lead, &body).await.expect(200);
    assert_eq!(again, first, "the same body as the first time");
    let journey = app.client.lead_journey("acme", &lead).await;
    assert_eq!(stages(&journey), ["mql"]);
    let item = journey.last().unwrap();
    let expected = json!({"at": NOW + 60_000, "kind": "stage", "evidence": "record", "stage": "mql", "by": "crm",
                          "reason": "llamó"});
    assert_eq!(*item, expected);
}

#[tokio::test]
async fn without_an_id_of_its_own_every_move_is_one() {
    let (app, lead) = app_with_lead().await;
    for _ in 0..2 {
        put(&app, &lead, &json!({"stage": "mql", "by": "crm"})).await.expect(201);
    }
    assert_eq!(stages(&app.client.lead_journey("acme", &lead).await), ["mql", "mql"]);
}

#[tokio::test]
async fn other_content_under_the_same_id_is_an_amendment_with_its_history() {
    let (app, lead) = app_with_lead().await;
    let told = |stage: &str, at: i64| json!({"stage": stage, "by": "crm", "external_id": "crm-1", "at": at});
    put(&app, &lead, &told("mql", NOW + 10)).await.expect(201);
    put(&app, &lead, &told("sql", NOW + 20)).await.expect(200);
    let journey = app.client.lead_journey("acme", &lead).await;
    assert_eq!(stages(&journey), ["mql", "sql"]);
    let lead = &app.client.leads("acme").await[0];
    assert_eq!(lead["stage"], "sql");
    let stays: Vec<_> = lead["stays"].as_array().unwrap().iter().map(|stay| &stay["stage"]).collect();
    assert_eq!(stays, ["lead", "sql"], "it never stood where it was said to by mistake");
}

#[tokio::test]
async fn the_latest_move_counts_in_whatever_order_they_are_told() {
    let (app, lead) = app_with_lead().await;
    let sql = put(&app, &lead, &json!({"stage": "sql", "by": "a", "at": NOW + 2_000})).await.expect(201);
    assert_eq!(sql["stage"], "sql");
    let late = put(&app, &lead, &json!({"stage": "mql", "by": "a", "at": NOW + 1_000})).await.expect(201);
    assert_eq!((&late["stage"], &late["entered_at"]), (&json!("sql"), &json!(NOW + 2_000)));
    assert_eq!(
        stages(&app.client.lead_journey("acme", &lead).await),
        ["mql", "sql"],
        "in the order they happened"
    );
}

#[tokio::test]
async fn a_move_without_a_time_is_now() {
    let (app, lead) = app_with_lead().await;
    app.clock.advance(90_000);
    let moved = put(&app, &lead, &json!({"stage": "mql", "by": "crm"})).await.expect(201);
    assert_eq!((&moved["entered_at"], &moved["updated_at"]), (&json!(NOW + 90_000), &json!(NOW + 90_000)));
    let relative =
        put(&app, &lead, &json!({"stage": "sql", "by": "crm", "at": "2026-11-22T01:21:30.500Z"})).await;
    assert_eq!(relative.expect(201)["entered_at"], NOW + 90_500);
}

#[tokio::test]
async fn a_move_that_makes_no_sense_is_refused_and_leaves_nothing() {
    let (app, lead) = app_with_lead().await;
    let good = json!({"stage": "mql", "by": "crm"});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let cases = [
        (with("stage", json!("nirvana")), "/stage"),
        (with("stage", json!("visitor")), "/stage"),
        (with("stage", json!("")), "/stage"),
        (with("stage", json!(7)), "/stage"),
        (json!({"by": "crm"}), ""),
        (json!({"stage": "mql"}), ""),
        (with("by", json!("")), "/by"),
        (with("by", json!("x".repeat(129))), "/by"),
        (with("by", json!("a\u{0}")), "/by"),
        (with("by", json!(["crm"])), "/by"),
        (with("reason", json!("x".repeat(1001))), "/reason"),
        (with("reason", json!({"a": 1})), "/reason"),
        (with("external_id", json!("")), "/external_id"),
        (with("external_id", json!("x".repeat(129))), "/external_id"),
        (with("at", json!("ayer")), "/at"),
        (with("at", json!(1.5)), "/at"),
        (with("at", json!(true)), "/at"),
        (with("at", json!(NOW + 2 * DAY)), "/at"),
        (with("at", json!(NOW - 6 * 366 * DAY)), "/at"),
        (json!([good]), ""),
        (json!("mql"), ""),
    ];
    for (body, pointer) in cases {
        let answer = put(&app, &lead, &body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        answer.problem_at(400, "invalid", pointer);
    }
    let journey = app.client.lead_journey("acme", &lead).await;
    assert!(stages(&journey).is_empty(), "{journey:?}");
    assert_eq!(app.client.leads("acme").await[0]["stage"], "lead");
}

#[tokio::test]
async fn a_site_may_have_stages_of_its_own() {
    let (app, lead) = app_with_lead().await;
    let stages = json!(["visitor", "lead", "visita-tecnica", "customer", "lost"]);
    app.client.put_site("acme", &json!({"domains": ["example.com"], "stages": stages})).await;
    let moved = put(&app, &lead, &json!({"stage": "visita-tecnica", "by": "crm"})).await.expect(201);
    assert_eq!(moved["stage"], "visita-tecnica");
    put(&app, &lead, &json!({"stage": "mql", "by": "crm"})).await.problem_at(400, "invalid", "/stage");
}

#[tokio::test]
async fn the_funnel_is_one_set_of_stages_with_owners_and_a_version() {
    let (mut app, lead) = app_with_lead().await;
    let first = funnel(&app).await.expect(200);
    assert_eq!((&first["version"], first["items"].as_array().unwrap().len()), (&json!(1), 7));
    put(&app, &lead, &json!({"stage": "sql", "by": "crm"})).await.expect(201);

    app.clock.advance(5_000);
    let stages = json!(["visitor", "lead", {"name": "visita", "owner": "marketing"}, "customer"]);
    let config = json!({"domains": ["example.com"], "stages": stages});
    app.client.put_site("acme", &config).await;
    let second = funnel(&app).await.expect(200);
    let expected = json!({"version": 2, "since": NOW + 5_000, "items": [
        {"name": "visitor", "owner": "marketing"}, {"name": "lead", "owner": "marketing"},
        {"name": "visita", "owner": "marketing"}, {"name": "customer", "owner": "sales"},
    ]});
    assert_eq!(second, expected);
    // What changes something else leaves the funnel as it is, and so does a restart.
    app.clock.advance(5_000);
    app.client.put_site("acme", &json!({"domains": ["example.com"], "name": "Acme", "stages": stages})).await;
    app.restart().await;
    assert_eq!(funnel(&app).await.expect(200), expected);

    let lead = app.client.get(&format!("/api/v1/sites/acme/leads/{lead}")).await.expect(200);
    let owners: Vec<_> = lead["stays"].as_array().unwrap().iter().map(|stay| &stay["owner"]).collect();
    assert_eq!(owners, ["marketing", "both"], "also of a stage that the funnel has no more");

    for (stages, pointer) in [
        (json!(["visitor", "lead", "lead"]), "/stages/2"),
        (json!(["visitor", "lead", " "]), "/stages/2"),
        (json!(["visitor", "lead", {"name": "x", "owner": "boss"}]), "/stages/2"),
        (json!(["visitor"]), "/stages"),
    ] {
        let answer = app.client.put("/api/v1/sites/acme", &json!({"stages": stages})).await;
        answer.problem_at(400, "invalid", pointer);
    }
}
