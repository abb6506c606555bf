//! Whom to call now, and whom never.

use collector::clock::Clock as _;
use e2e::{
    NOW, Receiver, TestApp,
    beacon::{callback, event, full, page_view},
    client::send,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::webhooks::{open_app, put};

const SITE: &str = "/api/v1/sites/acme";
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Monday 2026-11-23 at ten in Madrid: people are called at this hour.
const MONDAY: i64 = NOW + 31 * HOUR + 40 * MINUTE;

async fn on_monday() -> TestApp {
    let app = open_app().await;
    app.clock.advance(MONDAY - NOW);
    app
}

fn form(page: &str, at: i64, phone: &str) -> Value {
    let lead = json!({"kind": "form", "phone": phone});
    event(page, 1, at, "form_submit", json!({"form": "contacto", "lead": lead}))
}

/// Somebody leaves a number; answers the lead's id.
async fn leave(app: &TestApp, visitor: &str, events: Vec<Value>, tz: Option<&str>) -> String {
    let mut beacon = full(visitor, events);
    if let Some(tz) = tz {
        beacon["context"] = json!({"tz": tz});
    }
    app.client.store("acme", &beacon).await;
    let mut leads = app.client.leads("acme").await;
    leads.retain(|lead| lead["visitors"] == json!([visitor]));
    leads.sort_by_key(|lead| lead["created_at"].as_i64());
    leads.last().expect("a lead")["id"].as_str().unwrap().to_owned()
}

async fn queue(app: &TestApp) -> Value {
    app.client.settled().await;
    app.client.get(&format!("{SITE}/queue")).await.expect(200)
}

fn ids(queue: &Value) -> Vec<String> {
    let items = queue["items"].as_array().expect("items");
    items.iter().map(|item| item["lead"]["id"].as_str().unwrap().to_owned()).collect()
}

async fn attempt(app: &TestApp, lead: &str, outcome: &str) {
    let at = app.clock.now();
    let attempt = json!({"outcome": outcome, "external_id": format!("{lead}-{at}"), "agent": "Eva Ejemplo"});
    app.client.post_json(&format!("{SITE}/leads/{lead}/attempts"), &attempt).await.expect(201);
}

#[tokio::test]
async fn the_queue_is_in_order_and_explains_itself() {
    let app = on_monday().await;
    let now = app.clock.now();
    let old = leave(&app, "old", vec![form("a", now - 2 * HOUR, "600 000 001")], None).await;
    let plain = leave(&app, "plain", vec![form("b", now - MINUTE, "600 000 002")], None).await;
    let url = "https://www.example.com/precios?utm_source=google&utm_medium=cpc&utm_campaign=otono";
    let keen = vec![
        page_view("c", now - 5 * MINUTE, url),
        event("c", 2, now - 4 * MINUTE, "call_click", json!({"number": "+34900111001"})),
        form("c", now - MINUTE, "600 000 003"),
    ];
    let keen = leave(&app, "keen", keen, None).await;
    let asked = leave(&app, "asked", vec![callback("d", 1, now - MINUTE, "600 000 004")], None).await;
    let told = queue(&app).await;
    assert_eq!(ids(&told), [&asked, &keen, &plain, &old].map(String::clone));
    assert_eq!((&told["callable"], &told["held"], &told["next_at"]), (&json!(4), &json!({}), &Value::Null));
    for (index, item) in told["items"].as_array().unwrap().iter().enumerate() {
        assert_eq!(item["position"], index + 1);
        let why = item["why"].as_object().unwrap();
        let product: f64 = why.values().map(|factor| factor.as_f64().unwrap()).product();
        assert!((product - item["priority"].as_f64().unwrap()).abs() < 1e-9, "{item}");
        let parts: i64 = item["lead"]["score_parts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["points"].as_i64().unwrap())
            .sum();
        assert_eq!(item["lead"]["score"], parts);
    }
    let first = &told["items"][0];
    assert_eq!(
        (&first["why"]["kind"], &first["lead"]["contact"]["phone"]),
        (&json!(4.0), &json!("+34600000004"))
    );
    assert_eq!((&first["best_slot"]["at"], &first["outside_window"]), (&json!(now), &json!(false)));
    let second = &told["items"][1];
    // A form, a call tapped, a visit, a page.
    assert_eq!((&second["lead"]["score"], &second["why"]["score"]), (&json!(24), &json!(1.24)));
    assert_eq!(second["match_hints"]["campaign"], "otono");
    // It is the same each time.
    assert_eq!(ids(&queue(&app).await), ids(&told));
    let limited = app.client.get(&format!("{SITE}/queue?limit=1")).await.expect(200);
    assert_eq!((ids(&limited), &limited["callable"]), (vec![asked.clone()], &json!(4)));
    // Who was shown is known.
    app.app().looks.flush().await;
    app.client.settled().await;
    let audit = app.client.get(&format!("{SITE}/audit?lead={asked}")).await.expect(200);
    let through = audit["items"].as_array().unwrap().iter().map(|item| item["through"].clone());
    assert!(through.clone().any(|through| through.to_string().contains("GET queue")), "{audit}");

    attempt(&app, &asked, "contacted").await;
    attempt(&app, &keen, "no_answer").await;
    let told = queue(&app).await;
    assert_eq!(ids(&told), [&plain, &old].map(String::clone), "one was reached, one is tried later");
    assert_eq!((&told["held"], &told["next_at"]), (&json!({"tried_lately": 1}), &json!(now + 5 * MINUTE)));
    app.clock.advance(5 * MINUTE);
    let told = queue(&app).await;
    assert_eq!(ids(&told).len(), 3);
    let again =
        told["items"].as_array().unwrap().iter().find(|item| item["lead"]["id"] == json!(keen)).unwrap();
    assert_eq!(
        (&again["why"]["attempts"], &again["next_attempt_at"]),
        (&json!(0.5), &json!(now + 5 * MINUTE))
    );
    assert_eq!(again["match_hints"]["last_agent"], "Eva Ejemplo");
}

#[tokio::test]
async fn who_is_asleep_is_called_later_and_who_asked_to_be_called_is_not() {
    let app = on_monday().await;
    let now = app.clock.now();
    let mexico = Some("America/Mexico_City");
    // Three in the morning there.
    leave(&app, "asleep", vec![form("a", now, "+52 55 5000 0000")], mexico).await;
    let asked = leave(&app, "asked", vec![callback("b", 1, now, "+52 55 5000 0001")], mexico).await;
    let told = queue(&app).await;
    assert_eq!(ids(&told), [asked]);
    assert_eq!(
        (&told["items"][0]["outside_window"], &told["held"]),
        (&json!(true), &json!({"outside_window": 1}))
    );
    assert_eq!(told["next_at"], now + 6 * HOUR, "nine in Mexico is four in Madrid");
    app.clock.advance(6 * HOUR);
    assert_eq!(ids(&queue(&app).await).len(), 2);
    app.clock.advance(12 * HOUR);
    assert_eq!(ids(&queue(&app).await).len(), 1);
}

#[tokio::test]
async fn a_number_that_is_not_to_be_called_stays_so_when_its_owner_is_forgotten() {
    let (app, receiver) = (on_monday().await, Receiver::start().await);
    let types = json!(["lead.created", "lead.updated", "sla.breached"]);
    put(&app, json!({"id": "crm", "url": receiver.url("/"), "types": types})).await;
    let now = app.clock.now();
    let lead = leave(&app, "v", vec![callback("a", 1, now, "600 000 001")], None).await;
    receiver.expect(1).await;
    let agent = app.client.role("agent", "acme").await;
    let path = format!("{SITE}/do-not-call");
    let listed = agent.post_json(&path, &json!({"lead": lead, "reason": "complaint"})).await.expect(201);
    assert_eq!((&listed["reason"], &listed["at"]), (&json!("complaint"), &json!(now)));
    let again = agent.post_json(&path, &json!({"phone": "+34 600 000 001"})).await.expect(200);
    assert_eq!(again, listed, "the same number");
    agent.get(&path).await.problem(403, "forbidden");
    let told = queue(&app).await;
    assert_eq!((ids(&told), &told["held"]), (vec![], &json!({"do_not_call": 1})));
    let shown = app.client.get(&format!("{SITE}/leads/{lead}")).await.expect(200);
    assert_eq!(shown["do_not_call"], true);
    // Nobody is told to call; others are told that nobody is to.
    let patch = app.client.request(Method::PATCH, &format!("{SITE}/leads/{lead}"));
    send(patch.json(&json!({"product": "solar"}))).await.expect(200);
    let updated = receiver.expect(2).await.pop().unwrap().json();
    assert_eq!((&updated["type"], &updated["data"]["do_not_call"]), (&json!("lead.updated"), &json!(true)));
    app.clock.advance(MINUTE);
    let dropped = async || {
        let path = format!("{SITE}/deliveries?state=dropped");
        app.client.get(&path).await.expect(200)["items"].as_array().expect("items").clone()
    };
    e2e::holds("the breach is told to nobody", async || {
        dropped()
            .await
            .iter()
            .any(|item| item["type"] == "sla.breached" && item["tries"][0]["reason"] == "do_not_call")
    })
    .await;

    let person = shown["person"].as_str().unwrap();
    app.client.post_json(&format!("{SITE}/persons/{person}/erase"), &json!({})).await.expect(200);
    app.client.settled().await;
    let stranger = leave(&app, "w", vec![callback("b", 1, app.clock.now(), "600 000 001")], None).await;
    assert_eq!(ids(&queue(&app).await), Vec::<String>::new(), "who is a stranger now is not called either");
    e2e::holds("nobody is told of the stranger", async || {
        dropped().await.iter().any(|item| item["lead"] == json!(stranger) && item["type"] == "lead.created")
    })
    .await;
    assert_eq!(receiver.got().len(), 2);
    // Derived again, it is the same.
    let number = app.app().directory.site("acme").unwrap().number;
    let list = app.client.get(&path).await.expect(200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    assert!(!list.to_string().contains("600000001"));
    app.app().looks.flush().await;
    app.client.settled().await;
    let before = app.app().store.dump(number).await.unwrap();
    app.app().store.reset(number).await.unwrap();
    let shared = app.app();
    let mut follower =
        collector::project::follow::Follower::new(shared.store.clone(), shared.directory.clone()).0;
    follower.catch_up().await.unwrap();
    assert_eq!(shared.store.dump(number).await.unwrap(), before);

    let id = listed["id"].as_str().unwrap();
    let take_off = async || send(app.client.request(Method::DELETE, &format!("{path}/{id}"))).await;
    assert_eq!(take_off().await.status, 204);
    take_off().await.problem(404, "not-found");
    let audit = app.client.get(&format!("{SITE}/audit?lead={id}")).await.expect(200);
    let told: Vec<_> = audit["items"].as_array().unwrap().iter().map(|item| item["listed"].clone()).collect();
    assert_eq!(told, [json!(false), json!(true)]);
    for (body, pointer) in [
        (json!({}), "/phone"),
        (json!({"phone": "no"}), "/phone"),
        (json!({"phone": "600 000 001", "lead": lead}), "/phone"),
        (json!({"lead": lead}), "/lead"),
        (json!({"phone": "600 000 001", "reason": "porque sí"}), "/reason"),
    ] {
        app.client.post_json(&path, &body).await.problem_at(400, "invalid", pointer);
    }
}

#[tokio::test]
async fn who_may_not_work_with_leads_sees_no_queue_and_what_cannot_be_is_refused() {
    let app = on_monday().await;
    for (role, status) in [("ingest", 403), ("marketing", 403), ("agent", 200), ("sales", 200)] {
        let client = app.client.role(role, "acme").await;
        assert_eq!(client.get(&format!("{SITE}/queue")).await.status, status, "{role}");
    }
    app.client.get(&format!("{SITE}/queue?limit=0")).await.problem_at(400, "invalid", "limit");
    for (body, pointer) in [
        (json!({"queue": {"half_life_min": 0}}), "/queue/half_life_min"),
        (json!({"queue": {"weights": {"form": 0}}}), "/queue/weights"),
        (json!({"queue": {"weights": {"fax": 1}}}), "/queue/weights"),
        (json!({"queue": {"retry_min": [0]}}), "/queue/retry_min"),
        (
            json!({"scoring": {"rules": [{"id": "a", "on": "page_view", "points": 0}]}}),
            "/scoring/rules/0/points",
        ),
        (
            json!({"scoring": {"rules": [{"id": "a", "on": "visit", "points": 1, "group": "g"}]}}),
            "/scoring/rules/0/group",
        ),
        (json!({"scoring": {"rules": [], "cap": 0}}), "/scoring/cap"),
    ] {
        app.client.put(SITE, &body).await.problem_at(400, "invalid", pointer);
    }
}

#[tokio::test]
async fn other_rules_score_all_of_history_and_decay_goes_on() {
    let app = on_monday().await;
    let now = app.clock.now();
    let url = "https://www.example.com/precios";
    let events = vec![page_view("a", now - HOUR, url), form("a", now, "600 000 001")];
    let lead = leave(&app, "v", events, None).await;
    let told = async || {
        app.client.settled().await;
        app.client.get(&format!("{SITE}/leads/{lead}")).await.expect(200)
    };
    let before = told().await;
    assert_eq!((&before["score"], &before["scoring_version"]), (&json!(14), &json!(1)));
    let rules = json!([{"id": "prices", "on": "page_view", "path": "/precios*", "points": 40, "cap": 60, "half_life_h": 24}]);
    let site = json!({"domains": ["example.com"], "consent_default": "full", "scoring": {"rules": rules}});
    app.client.put_site("acme", &site).await;
    e2e::holds("what there was is scored by them", async || told().await["score"] == 39).await;
    let scored = told().await;
    assert_eq!(scored["scoring_version"], 2);
    let part = &scored["score_parts"][0];
    assert_eq!(
        (&part["rule"], &part["times"], &part["last_at"]),
        (&json!("prices"), &json!(1), &json!(now - HOUR))
    );
    // Whoever comes back is worth more, and less a day later.
    app.client.store("acme", &full("v", [page_view("b", now, url)])).await;
    assert_eq!(told().await["score"], 60, "39 and 40, and a cap");
    app.clock.advance(23 * HOUR);
    assert_eq!(told().await["score"], 41, "20 and 20.6");
    app.client.put_site("acme", &json!({"scoring": {"rules": []}})).await;
    e2e::holds("nothing is scored", async || told().await["score"].is_null()).await;
}
