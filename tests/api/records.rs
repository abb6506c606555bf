//! What servers and the contact centre tell about leads: attempts, sales, moves by match, marks, what is known.

use e2e::{
    DAY, NOW, TestApp,
    beacon::{callback, event, full, page_view},
    client::Answer,
};
use serde_json::{Value, json};

const LEADS: &str = "/api/v1/sites/acme/leads";

async fn app_with_lead() -> (TestApp, String) {
    let app = TestApp::spawn().await;
    let url = "https://www.example.com/";
    app.client
        .store("acme", &full("v", [page_view("p", NOW, url), callback("p", 1, NOW + 1, "600 000 001")]))
        .await;
    let lead = app.client.leads("acme").await[0]["id"].as_str().unwrap().to_owned();
    (app, lead)
}

async fn post(app: &TestApp, path: &str, body: &Value) -> Answer {
    app.client.post_json(&format!("/api/v1/sites/acme/{path}"), body).await
}

async fn lead(app: &TestApp, id: &str) -> Value {
    app.client.settled().await;
    app.client.get(&format!("{LEADS}/{id}")).await.expect(200)
}

fn of_kind<'a>(journey: &'a [Value], kind: &str) -> Vec<&'a Value> {
    journey.iter().filter(|item| item["kind"] == kind).collect()
}

#[tokio::test]
async fn attempts_are_counted_and_amended() {
    let (app, id) = app_with_lead().await;
    let path = format!("leads/{id}/attempts");
    let first =
        json!({"at": NOW + 1000, "outcome": "no_answer", "external_id": "c-1", "agent": "Eva Ejemplo"});
    let told = post(&app, &path, &first).await.expect(201);
    let expected = json!({"count": 1, "first_attempt_at": NOW + 1000, "first_contact_at": null});
    assert_eq!(told["attempts"], expected);
    assert_eq!(post(&app, &path, &first).await.expect(200), told, "the same again changes nothing");

    let second = json!({"at": NOW + 5000, "outcome": "contacted", "disposition": "interested", "product": "solar",
                        "objection": "precio", "external_id": "c-2"});
    let told = post(&app, &path, &second).await.expect(201);
    let expected = json!({"count": 2, "first_attempt_at": NOW + 1000, "first_contact_at": NOW + 5000});
    assert_eq!(told["attempts"], expected);
    assert_eq!((&told["product"], &told["objection"]), (&json!("solar"), &json!("precio")));
    assert_eq!(told["stage"], "lead", "an attempt moves nobody");

    let mut amended = second.clone();
    amended["at"] = json!(NOW + 4000);
    let told = post(&app, &path, &amended).await.expect(200);
    let expected = json!({"count": 2, "first_attempt_at": NOW + 1000, "first_contact_at": NOW + 4000});
    assert_eq!(told["attempts"], expected);
    let journey = app.client.lead_journey("acme", &id).await;
    let attempts = of_kind(&journey, "attempt");
    let at: Vec<_> = attempts.iter().map(|item| (&item["at"], &item["amended"])).collect();
    let (none, yes) = (json!(null), json!(true));
    let (a, b, c) = (json!(NOW + 1000), json!(NOW + 4000), json!(NOW + 5000));
    assert_eq!(at, [(&a, &none), (&b, &none), (&c, &yes)], "what it said before stays");
    assert_eq!((&attempts[0]["agent"], &attempts[0]["evidence"]), (&json!("Eva Ejemplo"), &json!("record")));

    let marketing = app.client.role("marketing", "acme").await;
    let seen = marketing.lead_journey("acme", &id).await;
    assert!(!json!(seen).to_string().contains("Ejemplo"), "who called is nobody's business: {seen:?}");
}

#[tokio::test]
async fn a_sale_makes_a_customer_and_can_be_given_back_but_not_twice() {
    let (app, id) = app_with_lead().await;
    let path = format!("leads/{id}/sales");
    let sale = json!({"amount": 10_000, "currency": "EUR", "at": NOW + 1000, "external_id": "s-1"});
    let sold = post(&app, &path, &sale).await.expect(201);
    assert_eq!((&sold["stage"], &sold["entered_at"]), (&json!("customer"), &json!(NOW + 1000)));
    let item = json!({"external_id": "s-1", "at": NOW + 1000, "amount": 10_000, "currency": "EUR", "confirmed": true});
    assert_eq!(sold["sales"], json!({"count": 1, "amounts": {"EUR": 10_000}, "items": [item]}));
    assert_eq!(post(&app, &path, &sale).await.expect(200), sold);

    let refund = |id: &str, amount: i64, of: &str| json!({"amount": amount, "currency": "EUR", "at": NOW + 2000, "external_id": id, "refund_of": of});
    let back = post(&app, &path, &refund("r-1", -4_000, "s-1")).await.expect(201);
    assert_eq!((&back["sales"]["count"], &back["sales"]["amounts"]), (&json!(1), &json!({"EUR": 6_000})));
    assert_eq!(back["stage"], "customer");
    let cases = [
        (refund("r-2", -6_001, "s-1"), "/amount"),
        (refund("r-2", 100, "s-1"), "/amount"),
        (refund("r-2", -100, "s-9"), "/refund_of"),
        (refund("r-2", -100, "r-1"), "/refund_of"),
        (json!({"amount": -100, "currency": "EUR", "external_id": "r-2"}), "/amount"),
        (json!({"amount": -100, "currency": "USD", "external_id": "r-2", "refund_of": "s-1"}), "/currency"),
        (json!({"amount": 3_999, "currency": "EUR", "external_id": "s-1"}), "/amount"),
        (json!({"amount": 100, "currency": "eur", "external_id": "s-2"}), "/currency"),
        (json!({"amount": 100, "currency": "XXX", "external_id": "s-2"}), "/currency"),
        (json!({"amount": 1.5, "currency": "EUR", "external_id": "s-2"}), "/amount"),
        (json!({"amount": 2_000_000_000_000_i64, "currency": "EUR", "external_id": "s-2"}), "/amount"),
        (json!({"amount": 100, "currency": "EUR", "external_id": ""}), "/external_id"),
        (json!({"amount": 100, "currency": "EUR", "external_id": "s-2", "at": NOW + 2 * DAY}), "/at"),
    ];
    for (body, pointer) in cases {
        post(&app, &path, &body).await.problem_at(400, "invalid", pointer);
    }
    assert_eq!(
        lead(&app, &id).await["sales"]["items"].as_array().unwrap().len(),
        2,
        "nothing was left behind"
    );
    post(&app, &path, &refund("r-2", -6_000, "s-1")).await.expect(201);
    assert_eq!(lead(&app, &id).await["sales"]["amounts"], json!({"EUR": 0}));

    let amended = json!({"amount": 12_000, "currency": "EUR", "at": NOW + 1500, "external_id": "s-1"});
    let told = post(&app, &path, &amended).await.expect(200);
    assert_eq!(
        (&told["sales"]["amounts"], &told["entered_at"]),
        (&json!({"EUR": 2_000}), &json!(NOW + 1500))
    );
    let journey = app.client.lead_journey("acme", &id).await;
    assert_eq!(of_kind(&journey, "sale").len(), 4, "the sale twice, and two refunds");
}

#[tokio::test]
async fn two_refunds_at_once_do_not_give_back_more_than_was_paid() {
    let (app, id) = app_with_lead().await;
    let path = format!("leads/{id}/sales");
    let sale = json!({"amount": 100, "currency": "EUR", "external_id": "s"});
    post(&app, &path, &sale).await.expect(201);
    let refund = |id: &str| json!({"amount": -60, "currency": "EUR", "external_id": id, "refund_of": "s"});
    let refunds = ["r1", "r2", "r3"].map(refund);
    let [a, b, c] = &refunds;
    let answers = tokio::join!(post(&app, &path, a), post(&app, &path, b), post(&app, &path, c));
    let statuses = [answers.0.status, answers.1.status, answers.2.status];
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(lead(&app, &id).await["sales"]["amounts"], json!({"EUR": 40}));
}

#[tokio::test]
async fn a_person_s_move_beats_the_sale_s_where_it_is_later() {
    let (app, id) = app_with_lead().await;
    let sale = json!({"amount": 100, "currency": "EUR", "at": NOW + 2000, "external_id": "s"});
    post(&app, &format!("leads/{id}/sales"), &sale).await.expect(201);
    let lost = json!({"stage": "lost", "by": "jefa", "reason": "se arrepintió", "at": NOW + 3000});
    let moved = post(&app, &format!("leads/{id}/stage"), &lost).await.expect(201);
    assert_eq!(moved["stage"], "lost");
    let stays: Vec<_> = moved["stays"].as_array().unwrap().iter().collect();
    let told: Vec<_> = stays.iter().map(|stay| (stay["stage"].as_str().unwrap(), &stay["ms"])).collect();
    let (a, b, none) = (json!(1999), json!(1000), json!(null));
    assert_eq!(told, [("lead", &a), ("customer", &b), ("lost", &none)]);
    assert_eq!(stays.iter().map(|stay| stay["manual"] == true).collect::<Vec<_>>(), [false, false, true]);
}

fn purchase(page: &str, n: u32, at: i64, order: &str, amount: i64) -> Value {
    event(page, n, at, "purchase", json!({"order_id": order, "amount": amount, "currency": "EUR"}))
}

#[tokio::test]
async fn a_purchase_on_a_page_is_a_sale_until_the_server_says_otherwise() {
    let (app, id) = app_with_lead().await;
    app.client.store("acme", &full("v", [purchase("p", 3, NOW + 500, "o-1", 5_000)])).await;
    app.client.store("acme", &full("v", [purchase("p", 4, NOW + 600, "o-1", 5_000)])).await;
    let bought = lead(&app, &id).await;
    assert_eq!((&bought["stage"], &bought["sales"]["amounts"]), (&json!("customer"), &json!({"EUR": 5_000})));
    assert_eq!(bought["sales"]["items"][0]["confirmed"], false, "{bought}");
    assert_eq!(bought["sales"]["count"], 1, "a page that is loaded twice sells once");

    let sale = json!({"amount": 4_500, "currency": "EUR", "at": NOW + 700, "external_id": "o-1"});
    let told = post(&app, &format!("leads/{id}/sales"), &sale).await.expect(201);
    let item = json!({"external_id": "o-1", "at": NOW + 700, "amount": 4_500, "currency": "EUR", "confirmed": true,
                      "page": {"amount": 5_000, "currency": "EUR", "difference": -500}});
    assert_eq!(told["sales"]["items"], json!([item]));
}

#[tokio::test]
async fn a_purchase_is_the_lead_s_that_the_server_says_and_counts_once() {
    let (app, id) = app_with_lead().await;
    let other = json!({"kind": "call", "phone": "600 000 002", "external_id": "l-2"});
    post(&app, "leads", &other).await.expect(201);
    app.client.store("acme", &full("v", [purchase("p", 3, NOW + 500, "o-1", 5_000)])).await;
    assert_eq!(lead(&app, &id).await["sales"]["count"], 1);
    let sale = json!({"amount": 5_000, "currency": "EUR", "external_id": "o-1"});
    post(&app, "leads/ext:l-2/sales", &sale).await.expect(201);
    assert_eq!(lead(&app, "ext:l-2").await["sales"]["count"], 1);
    let first = lead(&app, &id).await;
    assert_eq!((&first["sales"]["count"], &first["stage"]), (&json!(0), &json!("lead")));
    // Who bought before they ever left a lead has it on their journey alone.
    app.client.store("acme", &full("w", [purchase("q", 1, NOW, "o-2", 7)])).await;
    app.client.store("acme", &full("w", [callback("q", 2, NOW + 1, "600 000 003")])).await;
    let newest = app.client.leads("acme").await;
    assert!(newest.iter().all(|lead| lead["sales"]["amounts"] != json!({"EUR": 7})), "{newest:?}");
    assert_eq!(of_kind(&app.client.journey("acme", "w").await, "purchase").len(), 1);
}

#[tokio::test]
async fn a_record_finds_its_lead_by_how_it_can_be_reached() {
    let (app, id) = app_with_lead().await;
    let attempt = |n: u32, matching: &Value| json!({"match": matching, "outcome": "attempted", "external_id": format!("a{n}"), "at": NOW});
    let in_app =
        json!({"kind": "form", "email": "ana@example.com", "phone": "600 000 005", "external_id": "l-5"});
    post(&app, "leads", &in_app).await.expect(201);
    let found = [
        (json!({"phone": "+34 600 000 001"}), id.clone()),
        (json!({"phone": "600000001"}), id.clone()),
        (json!({"ref": "p-1"}), id.clone()),
        (json!({"external_id": "l-5"}), "ext:l-5".to_owned()),
        (json!({"email": " ANA@example.com"}), "ext:l-5".to_owned()),
    ];
    for (n, (matching, expected)) in (0..).zip(&found) {
        let told = post(&app, "attempts", &attempt(n, matching)).await.expect(201);
        assert_eq!(told["id"], lead(&app, expected).await["id"], "{matching}");
    }
    let unknown = [
        json!({"phone": "600 000 009"}),
        json!({"email": "b@example.com"}),
        json!({"ref": "x-1"}),
        json!({"external_id": "l-9"}),
    ];
    for matching in &unknown {
        post(&app, "attempts", &attempt(50, matching)).await.problem(404, "not-found");
    }
    let bad = [
        (json!({}), "/match"),
        (json!({"phone": "600 000 001", "email": "ana@example.com"}), "/match"),
        (json!({"phone": "123"}), "/match/phone"),
        (json!({"email": "ana"}), "/match/email"),
    ];
    for (matching, pointer) in &bad {
        post(&app, "attempts", &attempt(50, matching)).await.problem_at(400, "invalid", pointer);
    }
    post(&app, "attempts", &json!({"outcome": "attempted", "external_id": "a"}))
        .await
        .problem_at(400, "invalid", "/match");
    let sold =
        json!({"match": {"email": "ana@example.com"}, "amount": 5, "currency": "EUR", "external_id": "s"});
    assert_eq!(post(&app, "sales", &sold).await.expect(201)["sales"]["count"], 1);
    let moved = json!({"match": {"phone": "600 000 001"}, "stage": "mql", "by": "crm"});
    assert_eq!(post(&app, "stages", &moved).await.expect(201)["stage"], "mql");
}

#[tokio::test]
async fn who_may_be_several_is_asked_about() {
    let (app, first) = app_with_lead().await;
    app.client.store("acme", &full("w", [callback("q", 1, NOW + 5, "+34600000001")])).await;
    let second = app.client.leads("acme").await[0]["id"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let sale = json!({"match": {"phone": "600 000 001"}, "amount": 5, "currency": "EUR", "external_id": "s"});
    let problem = post(&app, "sales", &sale).await.problem(409, "conflict");
    assert_eq!(problem["candidates"], json!([second, first]), "newest first");
    for id in [&first, &second] {
        assert_eq!(lead(&app, id).await["sales"]["count"], 0, "nobody was guessed");
    }
    // A test is not who bought.
    post(&app, &format!("leads/{first}/flag"), &json!({"flag": "test"})).await.expect(200);
    assert_eq!(post(&app, "sales", &sale).await.expect(201)["id"], second);
}

#[tokio::test]
async fn an_external_id_stays_with_its_lead() {
    let (app, id) = app_with_lead().await;
    post(&app, "leads", &json!({"kind": "call", "phone": "600 000 002", "external_id": "l-2"}))
        .await
        .expect(201);
    let attempt = json!({"outcome": "attempted", "external_id": "a", "at": NOW});
    post(&app, &format!("leads/{id}/attempts"), &attempt).await.expect(201);
    post(&app, "leads/ext:l-2/attempts", &attempt).await.problem(409, "conflict");
    assert_eq!(lead(&app, "ext:l-2").await["attempts"]["count"], 0);
}

#[tokio::test]
async fn a_mark_is_put_and_taken_away_and_the_lead_stays() {
    let (app, id) = app_with_lead().await;
    let path = format!("leads/{id}/flag");
    for flag in ["test", "spam", "internal"] {
        let marked = post(&app, &path, &json!({"flag": flag})).await.expect(200);
        assert_eq!(marked["flags"], json!([flag]), "the last one counts");
        let listed = app.client.get(&format!("{LEADS}?flag={flag}")).await.expect(200);
        assert_eq!(listed["items"][0]["id"], id);
    }
    let clear = post(&app, &path, &json!({"flag": "none"})).await.expect(200);
    assert_eq!(clear["flags"], json!([]));
    for bad in [json!({"flag": "nonsense"}), json!({"flag": ""})] {
        post(&app, &path, &bad).await.problem_at(400, "invalid", "/flag");
    }
    assert_eq!(of_kind(&app.client.lead_journey("acme", &id).await, "flag").len(), 4);
}

#[tokio::test]
async fn what_is_known_is_filled_in_bit_by_bit() {
    let (app, id) = app_with_lead().await;
    let patch = async |body: &Value| {
        let path = format!("{LEADS}/{id}");
        e2e::client::send(app.client.request(reqwest::Method::PATCH, &path).json(body)).await
    };
    let first = json!({"product": "solar", "value": 900_000, "objection": "precio", "fit": {"empleados": 50, "sector": "retail"},
                       "crm": {"dueña": "Eva Ejemplo", "nota": "llamar a ana@example.com"}});
    let told = patch(&first).await.expect(200);
    assert_eq!(
        (&told["product"], &told["value"], &told["fit"]),
        (&first["product"], &first["value"], &first["fit"])
    );
    assert_eq!(told["crm"], first["crm"]);
    let told =
        patch(&json!({"objection": null, "fit": {"sector": null}, "crm": {"nota": null}})).await.expect(200);
    assert_eq!((&told["product"], &told["objection"]), (&json!("solar"), &json!(null)));
    assert_eq!((&told["fit"], &told["crm"]), (&json!({"empleados": 50}), &json!({"dueña": "Eva Ejemplo"})));
    let bad = [
        (json!({"value": "mucho"}), "/value"),
        (json!({"value": 2_000_000_000_000_i64}), "/value"),
        (json!({"product": ""}), "/product"),
        (json!({"fit": {"x": {"y": 1}}}), "/fit/x"),
        (json!({"fit": {"": 1}}), "/fit/"),
        (json!({"crm": {"x": 1}}), "/crm/x"),
        (json!({"crm": {"x": "y".repeat(2049)}}), "/crm/x"),
        (json!([]), ""),
    ];
    for (body, pointer) in bad {
        patch(&body).await.problem_at(400, "invalid", pointer);
    }
    assert_eq!(lead(&app, &id).await["fit"], json!({"empleados": 50}), "nothing of those was kept");
    let marketing = app.client.role("marketing", "acme").await;
    let seen = marketing.get(&format!("{LEADS}/{id}")).await.expect(200);
    assert!(seen.get("crm").is_none() && !seen.to_string().contains("Ejemplo"), "{seen}");
}

#[tokio::test]
async fn each_role_tells_what_it_may() {
    let (app, id) = app_with_lead().await;
    let attempt = json!({"outcome": "attempted", "external_id": "a", "at": NOW, "match": {"ref": "p-1"}});
    let lead_in = json!({"kind": "call", "phone": "600 000 002", "external_id": "l"});
    let moved = json!({"stage": "mql", "by": "crm", "match": {"ref": "p-1"}});
    // By path, by match, a lead, a move by match.
    let expected = [
        ("ingest", [200, 200, 200, 403]),
        ("marketing", [403, 403, 403, 403]),
        ("sales", [200, 200, 403, 201]),
        ("agent", [200, 403, 403, 403]),
        ("admin", [200, 200, 200, 201]),
    ];
    post(&app, "attempts", &attempt).await.expect(201);
    post(&app, "leads", &lead_in).await.expect(201);
    for (role, statuses) in expected {
        let client = app.client.role(role, "acme").await;
        let requests = [
            (format!("leads/{id}/attempts"), &attempt),
            ("attempts".to_owned(), &attempt),
            ("leads".to_owned(), &lead_in),
            ("stages".to_owned(), &moved),
        ];
        for ((path, body), status) in requests.iter().zip(statuses) {
            let answer = client.post_json(&format!("/api/v1/sites/acme/{path}"), body).await;
            assert_eq!(answer.status, status, "{role} {path}: {answer:?}");
            if role == "ingest" && status == 200 && path != "leads" {
                assert_eq!(answer.json(), json!({"lead": id}), "it reads nothing");
            }
        }
        let search = client.post_json(&format!("{LEADS}/search"), &json!({"q": "600 000 001"})).await;
        let may = matches!(role, "marketing" | "sales" | "admin");
        assert_eq!(search.status, if may { 200 } else { 403 }, "{role}");
    }
}

#[tokio::test]
async fn leads_are_found_by_exactly_what_they_gave() {
    let (app, id) = app_with_lead().await;
    let other = json!({"kind": "chat", "email": "ana@example.com", "user_id": "u-7", "external_id": "l-2"});
    let other = post(&app, "leads", &other).await.expect(201)["lead"].as_str().unwrap().to_owned();
    let found = async |q: &str| {
        let answer = app.client.post_json(&format!("{LEADS}/search"), &json!({"q": q})).await.expect(200);
        let ids =
            answer["items"].as_array().unwrap().iter().map(|lead| lead["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    for q in ["600 000 001", "+34600000001", &id, "p-1", " 0034 600 000 001 "] {
        assert_eq!(found(q).await, [id.as_str()], "{q}");
    }
    for q in ["ANA@example.com", "l-2", "u-7"] {
        assert_eq!(found(q).await, [other.as_str()], "{q}");
    }
    for q in ["ana", "600 000", "example.com", "%", "l-"] {
        assert!(found(q).await.is_empty(), "{q}");
    }
    app.client
        .post_json(&format!("{LEADS}/search"), &json!({"q": " "}))
        .await
        .problem_at(400, "invalid", "/q");
}

#[tokio::test]
async fn all_of_it_survives_a_rebuild_and_the_size_of_steps() {
    let (mut app, id) = app_with_lead().await;
    post(
        &app,
        "leads",
        &json!({"kind": "call", "phone": "600 000 002", "external_id": "l-2", "visitor": "w"}),
    )
    .await
    .expect(201);
    app.client.store("acme", &full("v", [purchase("p", 3, NOW + 500, "o-1", 5_000)])).await;
    let sale = json!({"amount": 5_000, "currency": "EUR", "external_id": "o-1", "at": NOW + 600});
    post(&app, "leads/ext:l-2/sales", &sale).await.expect(201);
    for (path, body) in [
        ("attempts", json!({"outcome": "contacted", "external_id": "a", "product": "x"})),
        ("attempts", json!({"outcome": "no_answer", "external_id": "a"})),
        ("flag", json!({"flag": "internal"})),
        ("stage", json!({"stage": "sql", "by": "crm"})),
    ] {
        let answer = post(&app, &format!("leads/{id}/{path}"), &body).await;
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    }
    let before = app.client.leads("acme").await;
    let site = app.app().directory.site("acme").unwrap().number;
    // Who looked is a fact, too.
    app.app().looks.flush().await;
    app.client.settled().await;
    let dump = app.app().store.dump(site).await.unwrap();
    app.app().store.reset(site).await.unwrap();
    app.restart().await;
    app.client.settled().await;
    assert_eq!(app.app().store.dump(site).await.unwrap(), dump);
    assert_eq!(app.client.leads("acme").await, before);
}
