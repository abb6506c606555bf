//! `GET reports/campaigns`: what came of each campaign, and what it cost.

use e2e::{
    DAY, NOW, TestApp,
    beacon::{callback, event, full, off, page_view},
};
use serde_json::{Value, json};

fn at(campaign: &str) -> String {
    format!("https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign={campaign}")
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the lead in place")]
fn submit(page: &str, n: u32, at: i64, lead: Value) -> Value {
    event(page, n, at, "form_submit", json!({"form": "contacto", "lead": lead}))
}

async fn report(app: &TestApp, query: &str) -> Value {
    app.client.settled().await;
    app.client.get(&format!("/api/v1/sites/acme/reports/campaigns?{query}")).await.expect(200)
}

fn row<'a>(report: &'a Value, campaign: &str) -> &'a Value {
    let rows = report["rows"].as_array().unwrap();
    rows.iter()
        .find(|row| row["key"]["campaign"] == campaign)
        .unwrap_or_else(|| panic!("{campaign} in {report}"))
}

/// Two campaigns; the one has a lead by a form, a repeated one and a test, the other a request to be called.
async fn campaigns(app: &TestApp) {
    let ana = json!({"kind": "form", "email": "ana@example.com"});
    let test = json!({"kind": "form", "email": "luis@example.com", "flag": "test"});
    let events = [
        page_view("a", NOW, &at("otono")),
        submit("a", 1, NOW + 1, ana.clone()),
        submit("a", 2, NOW + 2, ana),
        submit("a", 3, NOW + 3, test),
    ];
    app.client.store("acme", &full("v1", events)).await;
    let other = [page_view("b", NOW, &at("invierno")), callback("b", 1, NOW + 1, "600 000 002")];
    app.client.store("acme", &full("v2", other)).await;
    app.client.store("acme", &off([callback("o", 1, NOW, "600 000 003")])).await;
}

async fn cost(app: &TestApp, campaign: &str, cost: i64) {
    let day = "2026-11-22";
    let item = json!({"day": day, "source": "google", "medium": "cpc", "campaign": campaign, "cost": cost, "currency": "EUR"});
    app.client.post_json("/api/v1/sites/acme/costs", &json!({"items": [item]})).await.expect(200);
}

#[tokio::test]
async fn each_campaign_has_its_visits_leads_and_costs_and_says_who() {
    let app = TestApp::spawn().await;
    campaigns(&app).await;
    cost(&app, "otono", 4000).await;
    let report = report(&app, "since_day=2026-11-01&until_day=2026-11-30").await;
    let otono = row(&report, "otono");
    assert_eq!(otono["key"], json!({"channel": "paid_search", "source": "google", "campaign": "otono"}));
    let values = &otono["values"];
    let expected = [
        ("visits", json!(1)),
        ("leads", json!(1)),
        ("duplicates", json!(1)),
        ("contacted", json!(0)),
        ("sales", json!(0)),
        ("revenue", json!(0)),
        ("cost", json!(4000)),
        ("cost_per_lead", json!(4000)),
        ("roi", json!(-1.0)),
    ];
    for (name, value) in expected {
        assert_eq!(values[name], value, "{name} of {values}");
    }
    assert_eq!(
        (&values["leads_by_kind"]["form"], &values["leads_by_kind"]["callback"]),
        (&json!(1), &json!(0))
    );
    let invierno = &row(&report, "invierno")["values"];
    assert_eq!((&invierno["leads"], &invierno["leads_by_kind"]["callback"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&invierno["cost"], &invierno["cost_per_lead"], &invierno["roi"]),
        (&json!(null), &json!(null), &json!(null))
    );
    let total = &report["totals"];
    assert_eq!((&total["visits"], &total["leads"], &total["duplicates"]), (&json!(2), &json!(3), &json!(1)));

    for name in ["otono", "invierno"] {
        let leads = app.client.get(row(&report, name)["explain"].as_str().unwrap()).await.expect(200);
        let leads = leads["items"].as_array().unwrap();
        assert_eq!(leads.len(), 1, "as many as were counted");
        assert_eq!(leads[0]["origin"]["last_non_direct"]["campaign"], name);
    }
    let by_day = report_by_day(&app).await;
    assert_eq!(by_day["rows"].as_array().unwrap().len(), 1);
    assert_eq!(by_day["rows"][0]["values"]["leads"], 3);
}

async fn report_by_day(app: &TestApp) -> Value {
    report(app, "since_day=2026-11-01&until_day=2026-11-30&group_by=day").await
}

#[tokio::test]
async fn what_became_of_its_leads_stands_beside_what_it_cost() {
    let app = TestApp::spawn().await;
    campaigns(&app).await;
    cost(&app, "otono", 10_000).await;
    app.client.settled().await;
    let post = async |path: &str, body: Value| {
        app.client.post_json(&format!("/api/v1/sites/acme/leads/ref:a-1/{path}"), &body).await.expect(201)
    };
    post("attempts", json!({"at": NOW, "outcome": "contacted", "external_id": "call-1"})).await;
    let sale = |id: &str, amount: i64, currency: &str| json!({"at": NOW, "amount": amount, "currency": currency, "external_id": id});
    post("sales", sale("s-1", 30_000, "EUR")).await;
    post("sales", sale("s-2", 500, "USD")).await;
    let mut refund = sale("r-1", -5_000, "EUR");
    refund["refund_of"] = json!("s-1");
    post("sales", refund).await;
    let report = report(&app, "since_day=2026-11-01&until_day=2026-11-30").await;
    let values = &row(&report, "otono")["values"];
    let expected = [
        ("contacted", json!(1)),
        ("sales", json!(1)),
        ("revenue", json!(25_000)),
        ("sales_other_currency", json!(1)),
        ("sales_unconfirmed", json!(0)),
        ("roi", json!(1.5)),
    ];
    for (name, value) in expected {
        assert_eq!(values[name], value, "{name} of {values}");
    }
    assert_eq!(report["currency"], "EUR");
}

#[tokio::test]
async fn an_undone_join_changes_the_numbers_that_hung_on_it() {
    let app = TestApp::spawn().await;
    let ana = json!({"kind": "form", "email": "ana@example.com"});
    let ad = [
        page_view("a", NOW - DAY, &at("otono")),
        event("a", 1, NOW - DAY + 5, "identify", json!({"email": "ana@example.com"})),
    ];
    app.client.store("acme", &full("v1", ad)).await;
    // On the other browser she came by herself, so the advertisement is where she came from.
    let direct = [page_view("b", NOW, "https://www.example.com/"), submit("b", 1, NOW + 1, ana)];
    app.client.store("acme", &full("v2", direct)).await;
    let month = "since_day=2026-11-01&until_day=2026-11-30&group_by=campaign";
    assert_eq!(row(&report(&app, month).await, "otono")["values"]["leads"], 1);

    let edges = app.client.items("/api/v1/sites/acme/persons/v1/edges").await;
    let wrong = edges.iter().find(|edge| edge["from"]["visitor"] == "v1").unwrap()["id"].as_str().unwrap();
    let word = json!({"by": "ana", "reason": "otra persona"});
    app.client.post_json(&format!("/api/v1/sites/acme/edges/{wrong}/revoke"), &word).await.expect(201);
    let apart = report(&app, month).await;
    assert_eq!(row(&apart, "otono")["values"]["leads"], 0);
    assert_eq!(apart["totals"]["leads"], 1, "no lead is lost");

    app.client.post_json(&format!("/api/v1/sites/acme/edges/{wrong}/restore"), &word).await.expect(201);
    assert_eq!(row(&report(&app, month).await, "otono")["values"]["leads"], 1);
}

#[tokio::test]
async fn another_time_zone_or_a_rebuild_counts_every_lead_anew() {
    let app = TestApp::spawn().await;
    campaigns(&app).await;
    let before = report_by_day(&app).await;
    let config = json!({"domains": ["example.com", "127.0.0.1"], "consent_default": "full", "timezone": "America/Los_Angeles"});
    app.client.put_site("acme", &config).await;
    app.client.settled().await;
    e2e::wait::holds("the other day is counted", async || {
        let after = report_by_day(&app).await;
        after["rows"][0]["values"]["leads"] == 3 && after["rows"][0]["key"] != before["rows"][0]["key"]
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_explained() {
    let app = TestApp::spawn().await;
    let get =
        async |query: &str| app.client.get(&format!("/api/v1/sites/acme/reports/campaigns?{query}")).await;
    get("group_by=cta").await.problem_at(400, "invalid", "group_by");
    get("group_by=x").await.problem_at(400, "invalid", "group_by");
    get("cta=hero").await.problem_at(400, "invalid", "group_by");
    get("since_day=ayer").await.problem_at(400, "invalid", "since_day");
    let leads = async |query: &str| app.client.get(&format!("/api/v1/sites/acme/leads?{query}")).await;
    leads("touch=second").await.problem_at(400, "invalid", "touch");
    leads("counted=perhaps").await.problem_at(400, "invalid", "counted");
}
