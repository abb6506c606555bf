//! Clocks: when a lead must have been called, and that it is told when it was not.

use std::time::Duration;

use collector::clock::Clock as _;
use e2e::{
    NOW, Receiver, TestApp,
    beacon::{callback, full},
    eventually,
    receiver::Message,
};
use serde_json::{Value, json};

use crate::{
    live::Reader,
    webhooks::{open_app, put},
};

const LEADS: &str = "/api/v1/sites/acme/leads";
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A site whose people are there on weekdays from nine to nine. The clocks of tests begin on a Sunday at 02:20 in Madrid.
async fn with_hours(app: &TestApp, sla: Value) {
    let day = json!([["09:00", "21:00"]]);
    let week = json!({"mon": day, "tue": day, "wed": day, "thu": day, "fri": day});
    let hours = json!({"week": week, "holidays": ["2026-11-24"]});
    let site = json!({"domains": ["example.com"], "consent_default": "full", "hours": hours, "sla": sla});
    app.client.put_site("acme", &site).await;
}

async fn ask_for_a_call(app: &TestApp, page: &str, phone: &str) -> String {
    app.client.store("acme", &full(page, [callback(page, 1, app.clock.now(), phone)])).await;
    app.client.leads("acme").await[0]["id"].as_str().unwrap().to_owned()
}

async fn sla(app: &TestApp, lead: &str) -> Value {
    app.client.settled().await;
    app.client.get(&format!("{LEADS}/{lead}")).await.expect(200)["sla"].clone()
}

async fn breaches(app: &TestApp, lead: &str) -> Vec<Value> {
    let journey = app.client.lead_journey("acme", lead).await;
    journey.into_iter().filter(|item| item["kind"] == "breach").collect()
}

async fn attempt(app: &TestApp, lead: &str, at: i64, outcome: &str) -> Value {
    let attempt = json!({"at": at, "outcome": outcome, "external_id": format!("{lead}-{at}")});
    app.client.post_json(&format!("{LEADS}/{lead}/attempts"), &attempt).await.expect(201)
}

fn kind(message: &Message) -> Value {
    message.json()["type"].clone()
}

#[tokio::test]
async fn a_clock_stands_still_at_night_and_on_a_holiday() {
    let app = TestApp::spawn().await;
    with_hours(&app, json!([])).await;
    // Monday 2026-11-23 at nine in Madrid.
    let monday = NOW + 30 * HOUR + 40 * MINUTE;
    let lead = ask_for_a_call(&app, "p", "600 000 001").await;
    let clock = sla(&app, &lead).await;
    let expected = json!({
        "state": "running", "target_s": 60, "started_at": NOW, "due_at": monday + MINUTE,
        "first_attempt_s": null, "first_contact_s": null, "first_attempt_open_s": null, "first_contact_open_s": null,
    });
    assert_eq!(clock, expected);
    app.clock.advance(monday - NOW + 30_000);
    assert_eq!(sla(&app, &lead).await["state"], "running");
    attempt(&app, &lead, monday + 30_000, "no_answer").await;
    let told = attempt(&app, &lead, monday + 90_000, "contacted").await;
    let night = (monday - NOW) / 1_000;
    let expected = json!({
        "state": "met", "target_s": 60, "started_at": NOW, "due_at": monday + MINUTE,
        "first_attempt_s": night + 30, "first_contact_s": night + 90,
        "first_attempt_open_s": 30, "first_contact_open_s": 90,
    });
    assert_eq!(told["sla"], expected);
    app.clock.advance(10 * MINUTE);
    assert_eq!(breaches(&app, &lead).await, Vec::<Value>::new());

    // Monday evening: Tuesday is a holiday.
    app.clock.advance(monday + 12 * HOUR - 20_000 - app.clock.now());
    let late = ask_for_a_call(&app, "q", "600 000 002").await;
    assert_eq!(sla(&app, &late).await["due_at"], monday + 48 * HOUR + 40_000);
}

#[tokio::test]
async fn a_breach_is_told_in_time_though_nothing_else_happens() {
    let (app, receiver) = (open_app().await, Receiver::start().await);
    put(&app, json!({"id": "crm", "url": receiver.url("/"), "types": ["sla.breached"]})).await;
    let mut reader = Reader::open(&app.client, "?types=breach", None).await;
    let lead = ask_for_a_call(&app, "p", "600 000 001").await;
    app.clock.advance(MINUTE - 1);
    assert_eq!(sla(&app, &lead).await["state"], "running");
    assert_eq!(breaches(&app, &lead).await, Vec::<Value>::new());
    app.clock.advance(1);
    let told = reader.next().await.expect("a message");
    assert_eq!((told.event.as_str(), &told.data["lead"]), ("breach", &json!(lead)));
    assert_eq!((&told.data["due_at"], &told.data["target_s"]), (&json!(NOW + MINUTE), &json!(60)));
    let message = receiver.expect(1).await.pop().unwrap();
    assert_eq!(kind(&message), "sla.breached");
    let data = &message.json()["data"];
    assert_eq!((&data["id"], &data["sla"]["state"]), (&json!(lead), &json!("breached")));
    assert_eq!(data["contact"]["phone"], "+34600000001");
    assert_eq!((&data["record"]["due_at"], &data["record"]["target_s"]), (&json!(NOW + MINUTE), &json!(60)));
    let breach = breaches(&app, &lead).await;
    assert_eq!((breach.len(), &breach[0]["at"]), (1, &json!(NOW + MINUTE)));

    // It was called in time, and that is told late: the clock says so, and what was told stays.
    let told = attempt(&app, &lead, NOW + 30_000, "contacted").await;
    assert_eq!((&told["sla"]["state"], &told["sla"]["overtaken"]), (&json!("met"), &json!(true)));
    assert_eq!(told["sla"]["breached_at"], NOW + MINUTE);
    assert_eq!(breaches(&app, &lead).await.len(), 1);
    // One that was called is never told of.
    let lead = ask_for_a_call(&app, "q", "600 000 002").await;
    attempt(&app, &lead, app.clock.now(), "no_answer").await;
    app.clock.advance(HOUR);
    app.client.settled().await;
    assert_eq!((receiver.got().len(), breaches(&app, &lead).await.len()), (1, 0));
}

#[tokio::test]
async fn what_ran_out_while_nobody_was_there_is_told_once_after_a_start_and_never_again() {
    let mut app = open_app().await;
    let receiver = Receiver::start().await;
    put(&app, json!({"id": "crm", "url": receiver.url("/"), "types": ["sla.breached"]})).await;
    let lead = ask_for_a_call(&app, "p", "600 000 001").await;
    app.stop().await;
    app.clock.advance(2 * HOUR);
    app.start().await;
    let message = receiver.expect(1).await.pop().unwrap();
    assert_eq!(message.json()["data"]["record"]["due_at"], NOW + MINUTE);
    let delivered = async |app: &TestApp| {
        eventually("it is delivered", Duration::from_secs(10), async || {
            let items = app.client.items("/api/v1/sites/acme/deliveries").await;
            items.into_iter().find(|item| item["state"] == "delivered")
        })
        .await
    };
    delivered(&app).await;
    for _ in 0..2 {
        app.restart().await;
        app.clock.advance(HOUR);
        app.client.settled().await;
    }
    let number = app.app().directory.site("acme").unwrap().number;
    app.app().store.reset(number).await.unwrap();
    app.restart().await;
    app.client.settled().await;
    delivered(&app).await;
    assert_eq!((breaches(&app, &lead).await.len(), receiver.got().len()), (1, 1), "a rebuild tells nobody");
}

#[tokio::test]
async fn each_kind_of_lead_has_its_own_promise_and_some_have_none() {
    let app = TestApp::spawn().await;
    let promises =
        json!([{"kind": "callback", "target_s": 30, "clock": "wall"}, {"kind": "form", "target_s": 3600}]);
    with_hours(&app, promises).await;
    let lead = ask_for_a_call(&app, "p", "600 000 001").await;
    assert_eq!(sla(&app, &lead).await["due_at"], NOW + 30_000, "day and night");
    let told = |kind: &str, at: i64, id: &str, consent: Value| json!({"kind": kind, "phone": "600 000 003", "at": at, "external_id": id, "consent": consent});
    let agreed = json!({"purposes": ["contact"]});
    let post = async |body: Value| app.client.post_json(LEADS, &body).await.expect(201)["lead"].clone();
    let form = post(told("form", NOW, "a", agreed.clone())).await;
    let monday = NOW + 30 * HOUR + 40 * MINUTE;
    assert_eq!(sla(&app, form.as_str().unwrap()).await["due_at"], monday + HOUR);
    let old = post(told("whatsapp", NOW - 80 * HOUR, "b", agreed.clone())).await;
    let list = post(told("import", NOW, "c", agreed)).await;
    for none in [old, list] {
        let clock = sla(&app, none.as_str().unwrap()).await;
        assert_eq!((&clock["state"], &clock["due_at"]), (&json!("none"), &Value::Null), "{clock}");
    }
    app.clock.advance(HOUR);
    app.client.post_json(&format!("{LEADS}/{lead}/flag"), &json!({"flag": "test"})).await.expect(200);
    assert_eq!(sla(&app, &lead).await["state"], "none");
}

#[tokio::test]
async fn the_report_says_how_many_were_called_in_time_and_after_how_long() {
    let app = TestApp::spawn().await;
    with_hours(&app, json!([])).await;
    let monday = NOW + 30 * HOUR + 40 * MINUTE;
    // Two in the night before Monday, one on Monday that is called too late, one that still waits.
    let night = ask_for_a_call(&app, "a", "600 000 001").await;
    app.clock.advance(monday + 30_000 - NOW);
    attempt(&app, &night, monday + 20_000, "contacted").await;
    let late = ask_for_a_call(&app, "b", "600 000 002").await;
    app.clock.advance(5 * MINUTE);
    attempt(&app, &late, app.clock.now(), "no_answer").await;
    ask_for_a_call(&app, "c", "600 000 003").await;
    app.client.settled().await;
    let path = "/api/v1/sites/acme/reports/sla?since_day=2026-11-20";
    let report = app.client.get(path).await.expect(200);
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(
        rows.iter().map(|row| row["key"]["day"].clone()).collect::<Vec<_>>(),
        ["2026-11-22", "2026-11-23"]
    );
    let expected = json!({
        "sla_leads": 1, "sla_met": 1, "sla_breached": 0, "sla_running": 0, "sla_within": 1.0, "attempts": 1, "attempted": 1,
        "reached": 1, "first_attempt_s": (monday - NOW) / 1_000 + 20, "first_attempt_open_s": 20,
    });
    assert_eq!(rows[0]["values"], expected);
    let expected = json!({
        "sla_leads": 2, "sla_met": 0, "sla_breached": 1, "sla_running": 1, "sla_within": 0.0, "attempts": 1, "attempted": 1,
        "reached": 0, "first_attempt_s": 300, "first_attempt_open_s": 300,
    });
    assert_eq!(rows[1]["values"], expected);
    assert_eq!((&report["totals"]["sla_within"], &report["totals"]["sla_leads"]), (&json!(0.5), &json!(3)));
    let behind = app.client.get(rows[1]["explain"].as_str().unwrap()).await.expect(200);
    assert_eq!(behind["items"].as_array().map(Vec::len), Some(2));
    let by_channel = app.client.get(&format!("{path}&group_by=channel")).await.expect(200);
    assert_eq!(by_channel["rows"].as_array().map(Vec::len), Some(1));
    let none = app.client.get(&format!("{path}&channel=email")).await.expect(200);
    assert_eq!((&none["rows"], &none["totals"]["sla_within"]), (&json!([]), &Value::Null));
    app.client.get(&format!("{path}&group_by=cta")).await.problem_at(400, "invalid", "group_by");
    let table = app.client.get(&format!("{path}&format=csv")).await;
    assert!(table.text.starts_with("key.day,"), "{}", table.text);
    app.client.role("agent", "acme").await.get(path).await.problem(403, "forbidden");
}

#[tokio::test]
async fn hours_and_promises_are_checked_and_shown_as_they_were_given() {
    let app = TestApp::spawn().await;
    let path = "/api/v1/sites/acme";
    let shown = app.client.get(path).await.expect(200);
    assert_eq!((&shown["hours"], &shown["sla"]), (&json!({}), &json!([])));
    assert_eq!(shown["call_window"]["week"]["fri"], json!([["09:00", "21:00"]]));
    with_hours(&app, json!([{"channel": "paid_*", "target_s": 90}])).await;
    let shown = app.client.get(path).await.expect(200);
    assert_eq!(shown["hours"]["holidays"], json!(["2026-11-24"]));
    assert_eq!(shown["sla"], json!([{"channel": "paid_*", "target_s": 90, "clock": "open"}]));
    for (body, pointer) in [
        (json!({"hours": {"week": {"mon": [["9", "21:00"]]}}}), "/hours/week/mon/0"),
        (json!({"hours": {"week": {"lunes": []}}}), "/hours/week/lunes"),
        (json!({"hours": {"holidays": ["mañana"]}}), "/hours/holidays/0"),
        (json!({"call_window": "nunca"}), "/call_window"),
        (json!({"sla": [{"target_s": 0}]}), "/sla/0/target_s"),
        (json!({"sla": [{"target_s": 60, "campaign": ""}]}), "/sla/0/campaign"),
        (json!({"sla": [{"target_s": 60, "clock": "never"}]}), "/sla/0/clock"),
    ] {
        let answer = app.client.put(path, &body).await;
        answer.problem_at(400, "invalid", pointer);
    }
}
