//! Tracked numbers and `POST calls`: where a call came from, and how sure that is.

use e2e::{
    NOW, TestApp,
    beacon::{event, full, page_view},
    client::Answer,
};
use serde_json::{Value, json};

const PRINTED: &str = "+34900111000";
const POOL: [&str; 2] = ["+34900111001", "+34900111002"];
const AD: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=solar";
const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

fn numbers() -> Value {
    let radio = json!({"number": "900 111 009", "kind": "static", "channel": "other", "source": "radio", "campaign": "otoño"});
    let search = json!({"number": "900 111 008", "kind": "static", "channel": "paid_search"});
    let pool = POOL.map(|number| json!({"number": number, "kind": "pool", "pool": "web"}));
    json!({"items": [{"number": PRINTED, "kind": "printed"}, radio, search, pool[0], pool[1]]})
}

async fn put_numbers(app: &TestApp, numbers: &Value) -> Answer {
    app.client.put("/api/v1/sites/acme/numbers", numbers).await
}

async fn app_with_numbers() -> TestApp {
    let app = TestApp::spawn().await;
    put_numbers(&app, &numbers()).await.expect(200);
    app
}

/// A page view, as a browser sends it. Answers which number its page is to show.
async fn view(app: &TestApp, visitor: &str, page: &str, at: i64, url: &str) -> Option<String> {
    let beacon = full(visitor, [page_view(page, at, url)]);
    let request = app.client.post("acme?numbers", beacon.to_string()).header("user-agent", BROWSER);
    let answer = e2e::client::send(request).await.expect(200);
    answer["numbers"][PRINTED].as_str().map(str::to_owned)
}

async fn call(app: &TestApp, body: &Value) -> Answer {
    app.client.post_json("/api/v1/sites/acme/calls", body).await
}

fn ring(id: &str, to: &str, from: &str, at: i64) -> Value {
    json!({"external_id": id, "to": to, "from": from, "at": at, "status": "ringing"})
}

async fn lead(app: &TestApp, answer: &Value) -> Value {
    app.client
        .get(&format!("/api/v1/sites/acme/leads/{}", answer["lead"].as_str().unwrap()))
        .await
        .expect(200)
}

#[tokio::test]
async fn a_number_of_a_channel_tells_where_its_calls_come_from_without_any_page() {
    let app = app_with_numbers().await;
    let answer = call(&app, &ring("c-1", "+34 900 111 009", "600 000 001", NOW)).await.expect(201);
    assert_eq!(
        (&answer["channel"], &answer["source"], &answer["campaign"]),
        (&json!("other"), &json!("radio"), &json!("otoño"))
    );
    assert_eq!(answer["candidates"], json!([{"visitor": null, "probability": 1.0}]));
    assert_eq!(answer["reason"], "channel_number");
    let lead = lead(&app, &answer).await;
    assert_eq!((&lead["kind"], &lead["contact"]["phone"]), (&json!("call"), &json!("+34600000001")));
    for touch in ["first", "last", "last_non_direct"] {
        assert_eq!(
            (&lead["origin"][touch]["source"], &lead["origin"][touch]["campaign"]),
            (&json!("radio"), &json!("otoño"))
        );
    }
    assert_eq!(lead["attempts"]["first_contact_at"], Value::Null, "it rings");

    let answered = json!({"external_id": "c-1", "to": "900111009", "status": "completed", "answered": true, "duration_s": 61, "agent": "Eva"});
    let amended = call(&app, &answered).await.expect(200);
    assert_eq!(amended, answer, "what was answered stays");
    let lead = app
        .client
        .get(&format!("/api/v1/sites/acme/leads/{}", answer["lead"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(lead["attempts"]["first_contact_at"], NOW, "somebody talked to them");
    let journey = app.client.lead_journey("acme", answer["lead"].as_str().unwrap()).await;
    let calls: Vec<_> = journey.iter().filter(|item| item["kind"] == "call").collect();
    assert_eq!(calls.len(), 2, "{journey:?}");
    assert_eq!(
        (&calls[1]["duration_s"], &calls[1]["agent"], &calls[1]["amended"]),
        (&json!(61), &json!("Eva"), &Value::Null)
    );
    assert_eq!(calls[0]["amended"], true);
    assert_eq!(call(&app, &answered).await.expect(200), answer, "told again it is nothing new");

    // Whoever calls again calls about the same.
    let again = call(&app, &ring("c-2", POOL[0], "+34600000001", NOW + 1_000)).await.expect(201);
    assert_eq!(again["lead"], answer["lead"]);
    assert_eq!(app.client.leads("acme").await.len(), 1);
}

#[tokio::test]
async fn a_number_of_the_pool_leads_to_the_journey_of_the_one_who_saw_it() {
    let app = app_with_numbers().await;
    let shown = view(&app, "v", "p", NOW, AD).await.unwrap();
    assert_eq!(shown, POOL[0]);
    assert_eq!(
        view(&app, "v", "q", NOW, "https://www.example.com/precios").await.as_deref(),
        Some(POOL[0]),
        "theirs"
    );
    app.client.settled().await;
    let answer = call(&app, &ring("c-1", POOL[0], "600 000 001", NOW + 5_000)).await.expect(201);
    assert_eq!((&answer["reason"], &answer["campaign"]), (&Value::Null, &json!("solar")));
    assert_eq!(answer["candidates"][0]["visitor"], "v");
    let sum: f64 =
        answer["candidates"].as_array().unwrap().iter().map(|one| one["probability"].as_f64().unwrap()).sum();
    assert!(
        (sum - 1.0).abs() < 1e-9 && answer["candidates"][0]["probability"].as_f64().unwrap() >= 0.9,
        "{answer}"
    );
    let lead = lead(&app, &answer).await;
    assert_eq!((&lead["visitors"], &lead["origin"]["first"]["campaign"]), (&json!(["v"]), &json!("solar")));
    let journey = app.client.lead_journey("acme", lead["id"].as_str().unwrap()).await;
    let kinds: Vec<_> = journey.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["page_view", "page_view", "lead", "call"]);

    // It was somebody else after all: the call stays, and the journey goes; and comes back.
    let id = lead["id"].as_str().unwrap().to_owned();
    let found = app.client.items(&format!("/api/v1/sites/acme/persons/{id}/edges")).await;
    let laid: Vec<_> = found.iter().filter(|edge| edge["kind"] == "call").collect();
    assert_eq!(laid.len(), 1, "{found:?}");
    let edge = laid[0]["id"].as_str().unwrap();
    let say = async |verb: &str| {
        let body = json!({"by": "ana", "reason": "otra persona"});
        app.client.post_json(&format!("/api/v1/sites/acme/edges/{edge}/{verb}"), &body).await.expect(201);
        app.client.settled().await;
        let now = app.client.get(&format!("/api/v1/sites/acme/leads/{id}")).await.expect(200);
        let told = app.client.lead_journey("acme", &id).await;
        (now, told.iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>())
    };
    let (apart, told) = say("revoke").await;
    assert_eq!((&apart["visitors"], &apart["person"]), (&json!([]), &json!(id)));
    assert_eq!(apart["origin"]["first"]["channel"], "unknown");
    assert_eq!(apart["contact"]["phone"], "+34600000001");
    assert_eq!(told, ["lead", "call"]);
    let visitor = app.client.get("/api/v1/sites/acme/persons/v").await.expect(200);
    assert_eq!((&visitor["leads"], &visitor["identifiers"]), (&json!([]), &json!([])), "{visitor}");
    let (again, told) = say("restore").await;
    assert_eq!((&again["visitors"], &again["origin"]), (&lead["visitors"], &lead["origin"]));
    assert_eq!(told, kinds);
}

#[tokio::test]
async fn a_pool_that_is_too_small_shares_its_numbers_and_calls_say_so() {
    let app = app_with_numbers().await;
    let direct = "https://www.example.com/";
    view(&app, "v", "p", NOW, direct).await.unwrap();
    view(&app, "w", "q", NOW, AD).await.unwrap();
    app.clock.advance(50_000);
    assert_eq!(view(&app, "x", "r", NOW + 50_000, direct).await, None, "both were here a moment ago");
    app.clock.advance(15_000);
    assert_eq!(view(&app, "w", "q2", NOW + 65_000, AD).await.as_deref(), Some(POOL[1]));
    assert_eq!(view(&app, "x", "r2", NOW + 65_000, direct).await.as_deref(), Some(POOL[0]), "v is away");
    app.client.settled().await;
    let answer = call(&app, &ring("c-1", POOL[0], "600 000 001", NOW + 70_000)).await.expect(201);
    assert_eq!(answer["reason"], "ambiguous");
    let named: Vec<_> =
        answer["candidates"].as_array().unwrap().iter().filter_map(|one| one["visitor"].as_str()).collect();
    assert_eq!(named, ["x", "v"], "{answer}");
}

#[tokio::test]
async fn of_two_who_saw_a_number_nobody_is_said_to_have_called_unless_one_has_tapped_it() {
    let mut app = app_with_numbers().await;
    put_numbers(&app, &json!({"items": [{"number": PRINTED, "kind": "printed"}, {"number": POOL[0], "kind": "pool", "pool": "web"}]})).await.expect(200);
    view(&app, "v", "p", NOW, AD).await.unwrap();
    // v is gone for long enough that w gets the number, and still may call.
    app.clock.advance(31 * 60_000);
    let later = NOW + 31 * 60_000;
    assert_eq!(view(&app, "w", "r", later, AD).await.as_deref(), Some(POOL[0]));
    app.client.store("acme", &full("v", [page_view("p2", later + 1, AD)])).await;
    app.client.settled().await;
    let answer = call(&app, &ring("c-1", POOL[0], "600 000 001", later + 1_000)).await.expect(201);
    assert_eq!(
        (&answer["reason"], &answer["campaign"], &answer["channel"]),
        (&json!("ambiguous"), &json!("solar"), &json!("paid_search"))
    );
    assert_eq!(answer["candidates"].as_array().unwrap().len(), 3);
    let lead = lead(&app, &answer).await;
    assert_eq!(
        (&lead["visitors"], &lead["origin"]["last"]["campaign"]),
        (&json!([]), &json!("solar")),
        "their campaign, not their journeys"
    );

    let tap = event("r", 1, later + 60_000, "call_click", json!({"number": POOL[0]}));
    app.client.store("acme", &full("w", [tap])).await;
    app.client.settled().await;
    let answer = call(&app, &ring("c-2", POOL[0], "600 000 002", later + 65_000)).await.expect(201);
    assert_eq!(
        (&answer["reason"], &answer["candidates"][0]["visitor"]),
        (&Value::Null, &json!("w")),
        "{answer}"
    );
    // After a restart the pool is held as it was.
    app.restart().await;
    assert_eq!(view(&app, "x", "s", later, AD).await, None, "there is no other number");
}

#[tokio::test]
async fn a_number_stays_its_visitors_while_anything_is_heard_of_them() {
    let app = app_with_numbers().await;
    put_numbers(&app, &json!({"items": [{"number": PRINTED, "kind": "printed"}, {"number": POOL[0], "kind": "pool", "pool": "web"}]})).await.expect(200);
    view(&app, "v", "p", NOW, AD).await.unwrap();
    // What a page tells at its end asks for no number: nobody would see it.
    for n in 1..3 {
        app.clock.advance(20 * 60_000);
        let at = NOW + i64::from(n) * 20 * 60_000;
        let leave = event("p", n, at, "custom", json!({"name": "reads on"}));
        app.client.store("acme", &full("v", [leave])).await;
        assert_eq!(view(&app, "w", &format!("w{n}"), at, AD).await, None, "after {n} × 20 minutes");
    }
    app.clock.advance(31 * 60_000);
    let later = NOW + 71 * 60_000;
    assert_eq!(view(&app, "w", "w9", later, AD).await.as_deref(), Some(POOL[0]), "nothing was heard of v");
}

#[tokio::test]
async fn calls_that_say_little_are_told_as_little() {
    let app = app_with_numbers().await;
    let answer = call(&app, &ring("c-1", "+34 910 000 000", "600 000 001", NOW)).await.expect(201);
    assert_eq!((&answer["reason"], &answer["channel"]), (&json!("unknown_number"), &Value::Null));
    assert_eq!(lead(&app, &answer).await["origin"]["first"]["channel"], "unknown");
    // A page that cannot show numbers is shown none.
    app.client.store("acme", &full("v", [page_view("p", NOW - 1_000, AD)])).await;
    app.client.settled().await;
    for (id, number) in [("c-2", POOL[1]), ("c-2b", POOL[0])] {
        let answer = call(&app, &ring(id, number, "600 000 002", NOW)).await.expect(201);
        assert_eq!(answer["reason"], "not_shown");
    }
    let hidden = json!({"external_id": "c-3", "to": PRINTED, "at": NOW});
    let answer = call(&app, &hidden).await.expect(201);
    assert_eq!(
        (&answer["reason"], &answer["lead"]),
        (&json!("printed_number"), &Value::Null),
        "nobody could be called back"
    );
    assert_eq!(call(&app, &hidden).await.expect(200), answer, "it is one call");

    // A number that moves on: a call of then keeps its meaning.
    app.clock.advance(10_000);
    put_numbers(&app, &json!({"items": [{"number": "900111009", "kind": "static", "channel": "email", "from": NOW + 10_000}]})).await.expect(200);
    let then = call(&app, &ring("c-4", "900111009", "600 000 004", NOW + 5_000)).await.expect(201);
    assert_eq!((&then["channel"], &then["source"]), (&json!("other"), &json!("radio")));
    let now = call(&app, &ring("c-5", "900111009", "600 000 005", NOW + 10_000)).await.expect(201);
    assert_eq!(now["channel"], "email");
    let gone = call(&app, &ring("c-6", POOL[0], "600 000 006", NOW + 10_000)).await.expect(201);
    assert_eq!(gone["reason"], "inactive_number");

    for (body, pointer) in [
        (json!({"external_id": "x", "to": "hola"}), "/to"),
        (json!({"external_id": "", "to": PRINTED}), "/external_id"),
        (json!({"external_id": "x", "to": PRINTED, "at": "ayer"}), "/at"),
        (json!({"external_id": "x", "to": PRINTED, "status": "busy"}), "/status"),
    ] {
        call(&app, &body).await.problem_at(400, "invalid", pointer);
    }
    call(&app, &ring("c-5", PRINTED, "600 000 005", NOW)).await.problem(409, "conflict");
}

#[tokio::test]
async fn who_is_shown_a_number_of_a_channel_and_who_is_shown_none() {
    let app = app_with_numbers().await;
    assert!(view(&app, "v", "p", NOW, AD).await.is_some() && view(&app, "w", "q", NOW, AD).await.is_some());
    assert_eq!(
        view(&app, "x", "r", NOW, AD).await.as_deref(),
        Some("+34900111008"),
        "the pool is taken: the channel's"
    );
    let email = "https://www.example.com/?utm_source=n&utm_medium=email";
    assert_eq!(
        view(&app, "y", "s", NOW, email).await,
        None,
        "no number stands for it: the printed one stays"
    );
    let bot = app
        .client
        .post("acme?numbers", full("z", [page_view("t", NOW, AD)]).to_string())
        .header("user-agent", "Googlebot/2.1");
    assert_eq!(e2e::client::send(bot).await.expect(200)["numbers"], Value::Null);
    let anonymous = e2e::beacon::anonymous([page_view("u", NOW, AD)]);
    let request = app.client.post("acme?numbers", anonymous.to_string()).header("user-agent", BROWSER);
    assert_eq!(
        e2e::client::send(request).await.expect(200)["numbers"][PRINTED],
        "+34900111008",
        "no lease of anybody"
    );
}

#[tokio::test]
async fn numbers_are_checked_and_a_pool_is_advised() {
    let app = TestApp::spawn().await;
    let set = put_numbers(&app, &numbers()).await.expect(200);
    assert_eq!(set["items"][1]["number"], "+34900111009");
    assert_eq!(app.client.get("/api/v1/sites/acme/numbers").await.expect(200), set);
    let one = |more: Value| {
        let mut item = json!({"number": "900111001", "kind": "static", "channel": "email"});
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item
    };
    for (items, pointer) in [
        (json!([one(json!({"number": "x"}))]), "/items/0/number"),
        (json!([one(json!({"kind": "x"}))]), "/items/0/kind"),
        (json!([{"number": "900111001", "kind": "static"}]), "/items/0/channel"),
        (json!([{"number": "900111001", "kind": "pool"}]), "/items/0/pool"),
        (json!([one(json!({"from": 9, "until": 9}))]), "/items/0/until"),
        (json!([one(json!({"until": 9})), one(json!({"from": 8}))]), "/items/1/from"),
    ] {
        put_numbers(&app, &json!({"items": items})).await.problem_at(400, "invalid", pointer);
    }
    put_numbers(&app, &json!({"items": [one(json!({"until": 9})), one(json!({"from": 9}))]}))
        .await
        .expect(200);
    let path = "/api/v1/sites/acme/numbers/advice?visitors_per_hour=60&minutes=10";
    let advice = app.client.get(path).await.expect(200);
    assert_eq!((&advice["load"], &advice["numbers"]), (&json!(10.0), &json!(18)));
    let bad = app.client.get("/api/v1/sites/acme/numbers/advice?visitors_per_hour=0").await;
    bad.problem_at(400, "invalid", "visitors_per_hour");
}
