//! Who is who: several browsers of one human, several humans on one browser, and taking a mistake back.

use std::sync::Arc;

use collector::project::follow::Follower;
use e2e::{
    DAY, NOW, TestApp,
    beacon::{anonymous, event, full, off, page_view},
    client::Answer,
};
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000;
const ADS: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono";
const MAIL: &str = "https://www.example.com/?utm_source=boletin&utm_medium=email&utm_campaign=invierno";

#[expect(clippy::needless_pass_by_value, reason = "callers write the contact in place")]
fn submit(page: &str, n: u32, at: i64, contact: Value) -> Value {
    let mut lead = json!({"kind": "form"});
    for (name, value) in contact.as_object().unwrap() {
        lead[name] = value.clone();
    }
    event(page, n, at, "form_submit", json!({"form": "contacto", "lead": lead}))
}

fn identify(page: &str, n: u32, at: i64, user: &str) -> Value {
    event(page, n, at, "identify", json!({"user_id": user}))
}

async fn get(app: &TestApp, path: &str) -> Answer {
    app.client.settled().await;
    app.client.get(&format!("/api/v1/sites/acme/{path}")).await
}

async fn person(app: &TestApp, id: &str) -> Value {
    get(app, &format!("persons/{id}")).await.expect(200)
}

async fn edges(app: &TestApp, id: &str) -> Vec<Value> {
    let body = get(app, &format!("persons/{id}/edges")).await.expect(200);
    body["items"].as_array().unwrap().clone()
}

async fn say(app: &TestApp, edge: &str, verb: &str) -> Answer {
    let body = json!({"by": "ana", "reason": "otra persona"});
    app.client.post_json(&format!("/api/v1/sites/acme/edges/{edge}/{verb}"), &body).await
}

fn visitors(of: &Value) -> Vec<&str> {
    of["visitors"].as_array().unwrap().iter().map(|one| one["visitor"].as_str().unwrap()).collect()
}

/// The lead that a form made.
async fn lead(app: &TestApp, reference: &str) -> Value {
    get(app, &format!("leads/ref:{reference}")).await.expect(200)
}

/// One human: an ad on the telephone, a form at home two days later.
async fn two_browsers(app: &TestApp) {
    let ana = json!({"email": "ana@example.com", "phone": "600 000 001"});
    let phone = [page_view("a", NOW - 2 * DAY, ADS), submit("a", 1, NOW - 2 * DAY + 5, ana.clone())];
    app.client.store("acme", &full("v1", phone)).await;
    let home = [
        page_view("b", NOW - HOUR, MAIL),
        submit("b", 1, NOW - HOUR + 5, json!({"email": "ANA@example.com"})),
    ];
    app.client.store("acme", &full("v2", home)).await;
}

#[tokio::test]
async fn two_browsers_of_one_human_are_one_person_with_one_journey() {
    let app = TestApp::spawn().await;
    two_browsers(&app).await;
    let (first, second) = (lead(&app, "a-1").await, lead(&app, "b-1").await);
    assert_eq!((&first["person"], &second["person"]), (&json!("v1"), &json!("v1")));
    assert_eq!(
        second["origin"]["first"]["campaign"], "otono",
        "also what was done on the other browser counts"
    );
    assert_eq!(second["origin"]["last"]["campaign"], "invierno");
    assert_eq!(first["origin"]["last"]["campaign"], "otono", "what came after it does not");
    assert_eq!((&first["duplicate_of"], &second["duplicate_of"]), (&json!(null), &json!(null)));

    let journey = app.client.lead_journey("acme", second["id"].as_str().unwrap()).await;
    let told: Vec<(&str, &str)> = journey
        .iter()
        .map(|item| (item["event"].as_str().unwrap(), item["evidence"].as_str().unwrap()))
        .collect();
    let expected =
        [("a-0", "same_email"), ("a-1", "submission"), ("b-0", "same_visitor"), ("b-1", "submission")];
    assert_eq!(told, expected);
    let edge = journey[0]["edge"].as_str().unwrap();
    assert!(edges(&app, "v1").await.iter().any(|one| one["id"] == edge && one["from"]["visitor"] == "v1"));

    for id in ["v1", "v2", first["id"].as_str().unwrap(), second["id"].as_str().unwrap(), edge] {
        let one = person(&app, id).await;
        assert_eq!((&one["id"], visitors(&one)), (&json!("v1"), vec!["v1", "v2"]), "by {id}");
        assert_eq!(one["leads"].as_array().unwrap().len(), 2);
        let known = json!([{"kind": "email", "value": "ana@example.com"}, {"kind": "phone", "value": "+34600000001"}]);
        assert_eq!(one["identifiers"], known);
    }
    let visitor = get(&app, "visitors/v2/journey").await.expect(200);
    assert_eq!((&visitor["person"], visitor.get("persons")), (&json!("v1"), None));
    assert_eq!(visitor["items"].as_array().unwrap().len(), 2, "a browser's journey is its own");
}

#[tokio::test]
async fn a_mistaken_join_is_taken_back_and_everything_that_hung_on_it_follows() {
    let app = TestApp::spawn().await;
    two_browsers(&app).await;
    let joined = lead(&app, "b-1").await;
    let wrong = edges(&app, "v2").await.into_iter().find(|edge| edge["from"]["visitor"] == "v2").unwrap();
    let id = wrong["id"].as_str().unwrap();
    assert_eq!(
        (&wrong["active"], &wrong["kind"], &wrong["strength"]),
        (&json!(true), &json!("form"), &json!("strong"))
    );
    assert_eq!(wrong["to"], json!({"identifier": {"kind": "email", "value": "ana@example.com"}}));

    app.clock.advance(1000);
    let revoked = say(&app, id, "revoke").await.expect(201);
    assert_eq!(revoked["active"], false);
    assert_eq!(
        revoked["marks"],
        json!([{"at": NOW + 1000, "active": false, "by": "ana", "reason": "otra persona"}])
    );
    assert_eq!(say(&app, id, "revoke").await.expect(200), revoked, "twice is once");
    let apart = lead(&app, "b-1").await;
    assert_eq!(apart["person"], "v2");
    assert_eq!(apart["origin"]["first"]["campaign"], "invierno");
    let listed = get(&app, &format!("leads?updated_since={}", NOW + 1000)).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "who keeps a copy hears of both");
    assert_eq!(visitors(&person(&app, "v1").await), ["v1"]);
    let alone = person(&app, "v2").await;
    assert_eq!((visitors(&alone), alone["leads"].as_array().unwrap().len()), (vec!["v2"], 1));
    let journey = app.client.lead_journey("acme", apart["id"].as_str().unwrap()).await;
    assert_eq!(journey.len(), 2);
    // What is not counted is still there to be put back.
    let listed = edges(&app, "v2").await;
    assert_eq!((&listed[0]["id"], &listed[0]["active"]), (&json!(id), &json!(false)));
    // As it was known then.
    let then = get(&app, &format!("persons/v2?as_of={NOW}")).await.expect(200);
    assert_eq!((&then["id"], visitors(&then)), (&json!("v1"), vec!["v1", "v2"]));

    app.clock.advance(1000);
    say(&app, id, "restore").await.expect(201);
    let mut again = lead(&app, "b-1").await;
    assert_eq!(again["updated_at"], NOW + 2000);
    again["updated_at"] = joined["updated_at"].clone();
    assert_eq!(again, joined, "joined again as if nothing had been");
    let between = get(&app, &format!("persons/v2?as_of={}", NOW + 1500)).await.expect(200);
    assert_eq!(visitors(&between), ["v2"]);
}

#[tokio::test]
async fn a_browser_shared_by_two_keeps_them_apart() {
    let app = TestApp::spawn().await;
    let ana = json!({"email": "ana@example.com", "phone": "600 000 001"});
    let luis = json!({"email": "luis@example.com", "phone": "600 000 002"});
    let first = [page_view("a", NOW - 3 * HOUR, ADS), submit("a", 1, NOW - 3 * HOUR + 5, ana)];
    app.client.store("acme", &full("v", first)).await;
    let second = [page_view("b", NOW - HOUR, MAIL), submit("b", 1, NOW - HOUR + 5, luis)];
    app.client.store("acme", &full("v", second)).await;
    let (of_ana, of_luis) = (lead(&app, "a-1").await, lead(&app, "b-1").await);
    assert_eq!(of_ana["person"], "v");
    assert_ne!(of_luis["person"], "v");
    assert_eq!(of_luis["origin"]["first"]["campaign"], "invierno", "the visit of another human is not his");
    for (lead, events) in [(&of_ana, ["a-0", "a-1"]), (&of_luis, ["b-0", "b-1"])] {
        let journey = app.client.lead_journey("acme", lead["id"].as_str().unwrap()).await;
        let told: Vec<&str> = journey.iter().map(|item| item["event"].as_str().unwrap()).collect();
        assert_eq!(told, events);
    }
    let luis = person(&app, of_luis["person"].as_str().unwrap()).await;
    assert_eq!(luis["id"], of_luis["person"]);
    assert_eq!((&luis["visitors"][0]["visitor"], &luis["visitors"][0]["epoch"]), (&json!("v"), &json!(1)));
    assert_eq!(luis["identifiers"][0]["value"], "luis@example.com");
    let visitor = get(&app, "visitors/v/journey").await.expect(200);
    assert_eq!(visitor["persons"], json!(["v", of_luis["person"]]));
}

#[tokio::test]
async fn two_who_are_known_by_different_user_ids_are_never_one() {
    let app = TestApp::spawn().await;
    app.client.store("acme", &full("v1", [page_view("a", NOW, ADS), identify("a", 1, NOW + 1, "u-1")])).await;
    app.client
        .store("acme", &full("v2", [page_view("b", NOW, MAIL), identify("b", 1, NOW + 1, "u-2")]))
        .await;
    for (visitor, page) in [("v1", "a"), ("v2", "b")] {
        let shared = json!({"email": "familia@example.com"});
        app.client.store("acme", &full(visitor, [submit(page, 2, NOW + 2, shared)])).await;
    }
    assert_eq!(visitors(&person(&app, "v1").await), ["v1"]);
    assert_eq!(visitors(&person(&app, "v2").await), ["v2"]);
    let conflicts = get(&app, "conflicts").await.expect(200);
    let items = conflicts["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["conflict"]), (1, &json!("user_ids")));
    // Once the wrong one is taken back there is nothing to quarrel about.
    say(&app, items[0]["id"].as_str().unwrap(), "revoke").await.expect(201);
    assert_eq!(get(&app, "conflicts").await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_lead_alone_stays_alone_and_an_anonymous_one_brings_nobody_s_visits() {
    let app = TestApp::spawn().await;
    two_browsers(&app).await;
    let ana = json!({"email": "ana@example.com"});
    app.client.store("acme", &off([submit("o", 1, NOW, ana.clone())])).await;
    let refused = lead(&app, "o-1").await;
    assert_eq!(
        refused["person"], refused["id"],
        "who refused to be followed is not looked up by their address"
    );
    assert_eq!(refused["origin"]["first"]["reason"], "no_consent");
    app.client.store("acme", &anonymous([page_view("n", NOW, MAIL), submit("n", 1, NOW + 1, ana)])).await;
    let counted = lead(&app, "n-1").await;
    assert_eq!((&counted["person"], &counted["visitors"]), (&json!("v1"), &json!([])));
}

#[tokio::test]
async fn the_same_form_twice_in_a_moment_is_marked_and_kept() {
    let app = TestApp::spawn().await;
    let ana = json!({"email": "ana@example.com"});
    app.client
        .store("acme", &full("v1", [page_view("a", NOW, ADS), submit("a", 1, NOW + 1, ana.clone())]))
        .await;
    app.client.store("acme", &full("v2", [submit("b", 1, NOW + 60_000, ana)])).await;
    let (first, second) = (lead(&app, "a-1").await, lead(&app, "b-1").await);
    assert_eq!(second["duplicate_of"], first["id"]);
    assert_eq!(first.get("duplicate_of"), None);
    assert_eq!(app.client.leads("acme").await.len(), 2);
}

#[tokio::test]
async fn bad_input_is_explained_and_roles_hold() {
    let app = TestApp::spawn().await;
    two_browsers(&app).await;
    for none in ["persons/nobody", "persons/e_00000000000000000000000000000000", "persons/a%20b/edges"] {
        get(&app, none).await.problem(404, "not-found");
    }
    get(&app, "persons/v1?as_of=ayer").await.problem_at(400, "invalid", "as_of");
    let edge = edges(&app, "v1").await[0]["id"].as_str().unwrap().to_owned();
    say(&app, "e_00000000000000000000000000000000", "revoke").await.problem(404, "not-found");
    let path = format!("/api/v1/sites/acme/edges/{edge}/revoke");
    app.client.post_json(&path, &json!({"by": ""})).await.problem_at(400, "invalid", "/by");
    app.client.post_json(&path, &json!({})).await.problem(400, "invalid");
    assert!(edges(&app, "v1").await.iter().all(|edge| edge["active"] == true), "nothing was taken back");

    let marketing = app.client.role("marketing", "acme").await;
    marketing.post_json(&path, &json!({"by": "x"})).await.problem(403, "forbidden");
    let seen = marketing.get("/api/v1/sites/acme/persons/v1").await.expect(200);
    assert!(!seen.to_string().contains("ana@example.com"), "{seen}");
    let sales = app.client.role("sales", "acme").await;
    sales.post_json(&path, &json!({"by": "x"})).await.expect(201);
    let ingest = app.client.role("ingest", "acme").await;
    ingest.get("/api/v1/sites/acme/persons/v1").await.problem(403, "forbidden");
}

#[tokio::test]
async fn a_rebuild_agrees() {
    let app = TestApp::spawn().await;
    two_browsers(&app).await;
    let wrong = edges(&app, "v2").await.into_iter().find(|edge| edge["from"]["visitor"] == "v2").unwrap();
    say(&app, wrong["id"].as_str().unwrap(), "revoke").await.expect(201);
    let before = (person(&app, "v1").await, person(&app, "v2").await, app.client.leads("acme").await);
    let shared = app.app();
    let site = shared.directory.site("acme").unwrap().number;
    // Who looked is a fact, too.
    shared.looks.flush().await;
    app.client.settled().await;
    let dump = shared.store.dump(site).await.unwrap();
    shared.store.reset(site).await.unwrap();
    let (mut follower, _) = Follower::new(Arc::clone(&shared.store), Arc::clone(&shared.directory));
    follower.catch_up().await.unwrap();
    assert_eq!(shared.store.dump(site).await.unwrap(), dump);
    let after = (person(&app, "v1").await, person(&app, "v2").await, app.client.leads("acme").await);
    assert_eq!(before, after);
}
