//! Signed pixels and links: what becomes of a message is noted at whoever agreed to it, and at nobody else.

use e2e::{
    DAY, NOW, TestApp,
    beacon::{event, full, page_view},
    client::{Answer, send},
};
use reqwest::Method;
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000;
const ANA: &str = "ana@example.com";
const LUIS: &str = "luis@example.com";

fn form(page: &str, at: i64, email: &str, purposes: &Value) -> Value {
    let lead =
        json!({"kind": "form", "email": email, "consent": {"text_version": "1", "purposes": purposes}});
    event(page, 1, at, "form_submit", json!({"form": "contacto", "lead": lead}))
}

/// Ana agreed that it is known what becomes of her messages; Luis did not.
async fn app_with_people() -> TestApp {
    let app = TestApp::spawn().await;
    let links = json!({"items": [
        {"id": "oferta", "target": "https://www.example.com/oferta#a", "source": "boletin", "medium": "email", "campaign": "otono"},
        {"id": "fuera", "target": "https://tienda.example.org/"},
    ]});
    app.client.put("/api/v1/sites/acme/links", &links).await.expect(200);
    app.client
        .store("acme", &full("v", [form("p", NOW - HOUR, ANA, &json!(["email_tracking", "marketing"]))]))
        .await;
    app.client.store("acme", &full("w", [form("q", NOW - HOUR, LUIS, &json!(["marketing"]))])).await;
    app.client.settled().await;
    app
}

async fn emails(app: &TestApp, body: &Value) -> Answer {
    app.client.post_json("/api/v1/sites/acme/emails", body).await
}

/// The addresses of a message for somebody: of its picture and of its links, short of the host.
async fn addresses(app: &TestApp, email: &str) -> (String, String, String) {
    let body = json!({"message": "otoño 1", "campaign": "otono", "recipients": [{"match": {"email": email}}], "links": ["oferta", "fuera"]});
    let item = emails(app, &body).await.expect(200)["items"][0].clone();
    let path = |url: &Value| {
        let url = url.as_str().unwrap_or_else(|| panic!("{item}"));
        url.get(url.find("/t/acme").expect("the public face")..).unwrap().to_owned()
    };
    assert!(!item.to_string().contains("example.com\""), "nothing personal: {item}");
    (path(&item["open"]), path(&item["links"]["oferta"]), path(&item["links"]["fuera"]))
}

async fn fetch(app: &TestApp, path: &str) -> Answer {
    send(app.client.bare(Method::GET, path).header("user-agent", "Mozilla/5.0 Firefox/132.0")).await
}

async fn journey(app: &TestApp, reference: &str) -> Value {
    app.client.settled().await;
    app.client.get(&format!("/api/v1/sites/acme/leads/ref:{reference}/journey?limit=500")).await.expect(200)
}

fn kinds(journey: &Value) -> Vec<&str> {
    journey["items"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_becomes_of_a_message_is_noted_at_whoever_agreed() {
    let app = app_with_people().await;
    let (open, oferta, fuera) = addresses(&app, ANA).await;
    for _ in 0..3 {
        assert_eq!(fetch(&app, &open).await.header("content-type"), Some("image/gif"));
    }
    for _ in 0..2 {
        let clicked = fetch(&app, &oferta).await;
        assert_eq!(clicked.status, 302);
        let location = clicked.header("location").unwrap();
        let (target, rest) = location.split_once("?tzclid=").expect(location);
        assert_eq!(target, "https://www.example.com/oferta");
        assert!(rest.ends_with("&utm_source=boletin&utm_medium=email&utm_campaign=otono#a"), "{location}");
        assert!(!location.contains("m=oto") && !location.contains("&r="), "{location}");
    }
    app.clock.advance(1000);
    let away = fetch(&app, &fuera).await;
    assert_eq!(away.header("location"), Some("https://tienda.example.org/"), "others learn nothing");

    let ana = journey(&app, "p-1").await;
    assert_eq!(kinds(&ana), ["form_submit", "email_opened", "email_clicked", "email_clicked"]);
    assert_eq!((&ana["items"][1]["trust"], &ana["items"][2]["trust"]), (&json!("low"), &Value::Null));
    let email = &ana["emails"][0];
    assert_eq!((&email["message"], &email["campaign"]), (&json!("otoño 1"), &json!("otono")));
    assert_eq!((&email["opened"], &email["opens"], &email["clicks"]), (&json!(true), &json!(1), &json!(2)));
    assert_eq!(email["clicked"], json!(["oferta", "fuera"]));
    assert_eq!(ana["items"][0]["kind"], "form_submit");
    assert_eq!(kinds(&journey(&app, "q-1").await), ["form_submit"], "nobody else's");

    // The next day, or an hour later, it is another time.
    app.clock.advance(DAY);
    fetch(&app, &open).await;
    fetch(&app, &oferta).await;
    let email = journey(&app, "p-1").await["emails"][0].clone();
    assert_eq!((&email["opens"], &email["clicks"]), (&json!(2), &json!(3)));
}

#[tokio::test]
async fn without_the_purpose_or_a_true_token_it_is_counted_and_no_more() {
    let app = app_with_people().await;
    let (ana_open, ana_link, _) = addresses(&app, ANA).await;
    let (open, link, _) = addresses(&app, LUIS).await;
    let clicks = async || {
        app.client.settled().await;
        let path = "/api/v1/sites/acme/reports/counters?group_by=channel";
        app.client.get(path).await.expect(200)["totals"]["ad_clicks"].as_u64().unwrap()
    };
    let token = |path: &str| path.rsplit("r=").next().unwrap().get(..43).unwrap().to_owned();
    let forged = |path: &str| path.replace(&token(path), &"A".repeat(43));
    let another = |path: &str| path.replace("m=oto%C3%B1o%201", "m=invierno");
    for path in [open.clone(), forged(&ana_open), another(&ana_open), ana_open.replace("&r=", "&x=")] {
        assert_eq!(fetch(&app, &path).await.status, 200, "{path}");
    }
    let of_nobody = [link.clone(), forged(&ana_link), another(&ana_link)];
    for path in &of_nobody {
        let answer = fetch(&app, path).await;
        let location = answer.header("location").unwrap();
        assert!(
            answer.status == 302 && !location.contains("tzclid") && !location.contains("r="),
            "{path}: {location}"
        );
    }
    assert_eq!(clicks().await, 3, "each is a click of the campaign");
    // Who only looks, a program, and whoever speaks against it.
    for path in [&ana_open, &ana_link] {
        let get = || app.client.bare(Method::GET, path).header("user-agent", "Mozilla/5.0 Firefox/132.0");
        send(app.client.bare(Method::HEAD, path).header("user-agent", "Mozilla/5.0 Firefox/132.0")).await;
        send(app.client.bare(Method::GET, path).header("user-agent", "curl/8.5.0")).await;
        send(get().header("sec-gpc", "1")).await;
    }
    for reference in ["p-1", "q-1"] {
        assert_eq!(kinds(&journey(&app, reference).await), ["form_submit"], "{reference}");
    }
    // She changes her mind, and he his.
    let person = async |reference: &str| {
        app.client.get(&format!("/api/v1/sites/acme/leads/ref:{reference}")).await.expect(200)["person"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let consent = async |person: String, body: Value| {
        let path = format!("/api/v1/sites/acme/persons/{person}/consent");
        let answer = app.client.post_json(&path, &body).await;
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    };
    consent(person("p-1").await, json!({"withdrawn": ["email_tracking"], "by": "Ana"})).await;
    consent(person("q-1").await, json!({"granted": ["email_tracking"], "by": "Luis"})).await;
    app.client.settled().await;
    for path in [&ana_open, &ana_link, &open, &link] {
        fetch(&app, path).await;
    }
    assert!(!kinds(&journey(&app, "p-1").await).iter().any(|kind| kind.starts_with("email_")));
    let his = journey(&app, "q-1").await;
    assert_eq!(kinds(&his).iter().filter(|kind| kind.starts_with("email_")).count(), 2, "{his}");
}

#[tokio::test]
async fn the_browser_that_a_click_opened_is_tied_to_whoever_was_written_to() {
    let mut app = app_with_people().await;
    let (_, oferta, _) = addresses(&app, ANA).await;
    let url = fetch(&app, &oferta).await.header("location").unwrap().to_owned();
    land(&app, "a", "home", &url).await;
    let ana = journey(&app, "p-1").await;
    let of_home: Vec<&Value> =
        ana["items"].as_array().unwrap().iter().filter(|item| item["evidence"] == "email_link").collect();
    assert_eq!(of_home.len(), 2, "{ana}");
    assert_eq!(of_home[0]["touch"]["channel"], "email");
    assert_eq!(ana["visitors"], json!(["home", "v"]));
    let token = url.split_once("tzclid=").unwrap().1.get(..48).unwrap();
    for text in [ana.to_string(), json!(app.client.journey("acme", "home").await).to_string()] {
        assert!(text.contains("tzclid=") && !text.contains(token), "it is for the collector alone: {text}");
    }
    let edges = app.client.get("/api/v1/sites/acme/persons/home/edges").await.expect(200);
    let link = edges["items"].as_array().unwrap().iter().find(|edge| edge["kind"] == "email_link").unwrap();
    assert_eq!((&link["strength"], &link["fact"]), (&json!("weak"), &json!("a-0")), "{link}");

    // An address that was copied, or made up, ties nobody; nor does it in a browser that is known as somebody else's.
    app.clock.advance(2 * HOUR);
    land(&app, "b", "friend", &url).await;
    app.clock.advance(-2 * HOUR);
    land(&app, "c", "other", "https://www.example.com/?tzclid=AAAA").await;
    land(&app, "d", "w", &url).await;
    app.client.settled().await;
    assert_eq!(journey(&app, "p-1").await["visitors"], json!(["home", "v"]));
    let him = app.client.get("/api/v1/sites/acme/leads/ref:q-1").await.expect(200);
    let her = app.client.get("/api/v1/sites/acme/leads/ref:p-1").await.expect(200);
    assert_ne!(him["person"], her["person"]);
    let conflicts = app.client.get("/api/v1/sites/acme/conflicts").await.expect(200);
    assert_eq!(conflicts["items"][0]["conflict"], "weak_between_identified", "{conflicts}");

    // Taken back, she never opened it there.
    let path = format!("/api/v1/sites/acme/edges/{}/revoke", link["id"].as_str().unwrap());
    app.client.post_json(&path, &json!({"by": "Eva", "reason": "reenviado"})).await.expect(201);
    assert_eq!(journey(&app, "p-1").await["visitors"], json!(["v"]));

    let site = app.app().directory.site("acme").unwrap().number;
    // A stop writes down who looked, which is a fact, too.
    app.restart().await;
    app.client.settled().await;
    let dump = app.app().store.dump(site).await.unwrap();
    app.app().store.reset(site).await.unwrap();
    app.restart().await;
    app.client.settled().await;
    assert_eq!(app.app().store.dump(site).await.unwrap(), dump);
}

/// A page is opened, and from it another.
async fn land(app: &TestApp, page: &str, visitor: &str, url: &str) {
    let referrer = json!({"url": "https://www.example.com/next", "referrer": url});
    let next = event(&format!("{page}x"), 0, NOW + 9, "page_view", referrer);
    app.client.store("acme", &full(visitor, [page_view(page, NOW + 5, url), next])).await;
}

#[tokio::test]
async fn a_message_s_addresses_are_made_for_each_recipient_or_say_why_not() {
    let app = app_with_people().await;
    let body = |change: &dyn Fn(&mut Value)| {
        let mut body =
            json!({"message": "m", "recipients": [{"match": {"email": ANA}}], "links": ["oferta"]});
        change(&mut body);
        body
    };
    let cases: [(Value, &str); 7] = [
        (body(&|body| body["message"] = json!("")), "/message"),
        (body(&|body| body["message"] = json!("x".repeat(129))), "/message"),
        (body(&|body| body["campaign"] = json!("")), "/campaign"),
        (body(&|body| body["recipients"] = json!([])), "/recipients"),
        (body(&|body| body["recipients"] = json!(vec![json!({"lead": "x"}); 501])), "/recipients"),
        (body(&|body| body["links"] = json!(["oferta", "nada"])), "/links/1"),
        (body(&|body| body["links"] = json!(vec!["oferta"; 51])), "/links"),
    ];
    for (body, pointer) in cases {
        emails(&app, &body).await.problem_at(400, "invalid", pointer);
    }
    let recipients = json!([
        {"match": {"email": ANA}}, {"lead": "ref:q-1"}, {"match": {"email": "nadie@example.com"}}, {}, {"match": {"email": "x"}},
    ]);
    let answer = emails(&app, &json!({"message": "m", "recipients": recipients})).await.expect(200);
    let items = answer["items"].as_array().unwrap();
    let told: Vec<_> = items
        .iter()
        .map(|item| (&item["tracked"], item["open"].is_string(), item["detail"].is_string()))
        .collect();
    let (yes, no, none) = (json!(true), json!(false), Value::Null);
    assert_eq!(
        told,
        [
            (&yes, true, false),
            (&no, true, false),
            (&none, false, true),
            (&none, false, true),
            (&none, false, true)
        ]
    );
    for (role, status) in
        [("ingest", 200), ("marketing", 403), ("sales", 200), ("agent", 403), ("admin", 200)]
    {
        let client = app.client.role(role, "acme").await;
        let answer = client.post_json("/api/v1/sites/acme/emails", &body(&|_| ())).await;
        assert_eq!(answer.status, status, "{role}: {answer:?}");
    }
}

#[tokio::test]
async fn whoever_is_forgotten_is_noted_no_more() {
    let app = app_with_people().await;
    let (open, oferta, _) = addresses(&app, ANA).await;
    let url = fetch(&app, &oferta).await.header("location").unwrap().to_owned();
    app.client.store("acme", &full("home", [page_view("a", NOW, &url)])).await;
    app.client.settled().await;
    let lead = app.client.get("/api/v1/sites/acme/leads/ref:p-1").await.expect(200)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let erased = app
        .client
        .post_json(&format!("/api/v1/sites/acme/persons/{lead}/erase"), &json!({}))
        .await
        .expect(200);
    assert_eq!(erased["visitors"], json!(["home", "v"]), "{erased}");
    let before = journey(&app, "p-1").await;
    fetch(&app, &open).await;
    assert!(!fetch(&app, &oferta).await.header("location").unwrap().contains("tzclid"));
    app.client.store("acme", &full("again", [page_view("b", NOW, &url)])).await;
    assert_eq!(journey(&app, "p-1").await, before);
    let again = app.client.get("/api/v1/sites/acme/persons/again/edges").await;
    assert!(again.status == 404 || again.json()["items"] == json!([]), "{again:?}");
}
