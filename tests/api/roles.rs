//! Who may do what: no token, a wrong one, and every role on every route.

use e2e::{
    NOW, TestApp,
    beacon::{callback, full},
    client::{Answer, Client, send},
};
use reqwest::Method;
use serde_json::{Value, json};

/// Every route behind a token: method, path, body, and the roles that may. `{lead}` and `{token}` are filled in.
fn routes() -> Vec<(Method, &'static str, Option<Value>, &'static [&'static str])> {
    let read: &[&str] = &["marketing", "sales", "admin"];
    let one_lead: &[&str] = &["marketing", "sales", "agent", "admin"];
    let revoke: &[&str] = &["sales", "admin"];
    let work: &[&str] = &["sales", "agent", "admin"];
    let admin: &[&str] = &["admin"];
    let stage = json!({"stage": "mql", "by": "crm"});
    vec![
        (Method::GET, "/api/v1/sites/acme/install", None, read),
        (Method::GET, "/api/v1/sites/acme/ledger", None, read),
        (Method::GET, "/api/v1/sites/acme/visitors/v/journey", None, read),
        (Method::GET, "/api/v1/sites/acme/leads", None, read),
        (Method::GET, "/api/v1/sites/acme/persons/v", None, read),
        (Method::GET, "/api/v1/sites/acme/persons/v/export", None, admin),
        (
            Method::POST,
            "/api/v1/sites/acme/persons/v/consent",
            Some(json!({"granted": ["ads"], "by": "crm"})),
            work,
        ),
        (Method::GET, "/api/v1/sites/acme/consent-texts", None, read),
        (Method::PUT, "/api/v1/sites/acme/consent-texts", Some(json!({"items": []})), admin),
        (Method::GET, "/api/v1/sites/acme/audit", None, admin),
        (Method::GET, "/api/v1/sites/acme/numbers", None, read),
        (Method::PUT, "/api/v1/sites/acme/numbers", Some(json!({"items": []})), admin),
        (Method::GET, "/api/v1/sites/acme/numbers/advice?visitors_per_hour=5", None, read),
        (
            Method::POST,
            "/api/v1/sites/acme/calls",
            Some(json!({"external_id": "c", "to": "900111001"})),
            &["ingest", "admin"],
        ),
        (Method::GET, "/api/v1/sites/acme/hooks", None, admin),
        (Method::PUT, "/api/v1/sites/acme/hooks", Some(json!({"items": []})), admin),
        (
            Method::POST,
            "/api/v1/sites/acme/messages",
            Some(json!({"external_id": "m", "app": "whatsapp", "from": "34600000000"})),
            &["ingest", "admin"],
        ),
        (Method::POST, "/api/v1/sites/acme/exports/google?conversion=lead", None, admin),
        (Method::PUT, "/api/v1/sites/acme/webhooks", Some(json!({"items": []})), admin),
        (Method::GET, "/api/v1/sites/acme/webhooks", None, admin),
        (Method::GET, "/api/v1/sites/acme/deliveries", None, admin),
        (Method::GET, "/api/v1/sites/acme/deliveries?lead={lead}", None, one_lead),
        (Method::GET, "/api/v1/sites/acme/persons/v/edges", None, read),
        (Method::GET, "/api/v1/sites/acme/conflicts", None, read),
        (Method::POST, "/api/v1/sites/acme/edges/{edge}/revoke", Some(json!({"by": "ana"})), revoke),
        (Method::POST, "/api/v1/sites/acme/edges/{edge}/restore", Some(json!({"by": "ana"})), revoke),
        (Method::GET, "/api/v1/sites/acme/stages", None, one_lead),
        (Method::GET, "/api/v1/sites/acme/leads/{lead}", None, one_lead),
        (Method::GET, "/api/v1/sites/acme/leads/{lead}/journey", None, one_lead),
        (Method::POST, "/api/v1/sites/acme/leads/{lead}/stage", Some(stage), work),
        (Method::GET, "/api/v1/sites/acme/queue", None, work),
        (Method::GET, "/api/v1/sites/acme/do-not-call", None, admin),
        (Method::POST, "/api/v1/sites/acme/do-not-call", Some(json!({"phone": "600 000 009"})), work),
        (Method::GET, "/api/v1/sites/acme/bad-events", None, admin),
        (Method::POST, "/api/v1/sites/acme/bad-events/replay", Some(json!({})), admin),
        (Method::GET, "/api/v1/sites/acme", None, admin),
        (Method::PUT, "/api/v1/sites/acme", Some(json!({"consent_default": "full"})), admin),
        (Method::GET, "/api/v1/tokens", None, admin),
        (Method::POST, "/api/v1/tokens", Some(json!({"role": "sales", "site": "acme"})), admin),
        (Method::DELETE, "/api/v1/tokens/{token}", None, admin),
    ]
}

async fn call(client: &Client, method: &Method, path: &str, body: Option<&Value>) -> Answer {
    let mut request = client.request(method.clone(), path);
    if let Some(body) = body {
        request = request.json(body);
    }
    send(request).await
}

async fn app_with_lead() -> (TestApp, String) {
    let app = TestApp::spawn().await;
    app.client.store("acme", &full("v", [callback("p", 1, NOW, "600 000 000")])).await;
    let lead = app.client.leads("acme").await[0]["id"].as_str().unwrap().to_owned();
    (app, lead)
}

/// A path with its holes filled. The token is one that may be withdrawn.
async fn filled(app: &TestApp, path: &str, lead: &str) -> String {
    let mut path = path.replace("{lead}", lead);
    if path.contains("{edge}") {
        let edges = app.client.items("/api/v1/sites/acme/persons/v/edges").await;
        path = path.replace("{edge}", edges[0]["id"].as_str().unwrap());
    }
    if path.contains("{token}") {
        let body = json!({"role": "ingest", "site": "acme"});
        let token = app.client.post_json("/api/v1/tokens", &body).await.expect(201);
        path = path.replace("{token}", token["id"].as_str().unwrap());
    }
    path
}

#[tokio::test]
async fn every_role_reaches_its_routes_and_no_others() {
    let (app, lead) = app_with_lead().await;
    for role in ["ingest", "marketing", "sales", "agent", "admin"] {
        for site in ["acme", "*"] {
            let client = app.client.role(role, site).await;
            for (method, path, body, allowed) in routes() {
                let path = filled(&app, path, &lead).await;
                let answer = call(&client, &method, &path, body.as_ref()).await;
                let case = format!("{role} of {site}: {method} {path}");
                if allowed.contains(&role) {
                    assert!((200..300).contains(&answer.status), "{case}: {answer:?}");
                } else {
                    assert_eq!(answer.status, 403, "{case}: {answer:?}");
                    answer.problem(403, "forbidden");
                }
            }
        }
    }
}

#[tokio::test]
async fn without_a_good_token_nothing_is_told() {
    let (app, lead) = app_with_lead().await;
    let revoked = app.client.role("admin", "*").await;
    let tokens = app.client.get("/api/v1/tokens").await.expect(200);
    let id = tokens["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(send(app.client.request(Method::DELETE, &format!("/api/v1/tokens/{id}"))).await.status, 204);

    for (method, path, body, _) in routes() {
        let path = path.replace("{lead}", &lead).replace("{token}", &id);
        let with = |header: Option<&str>| {
            let mut request = app.client.bare(method.clone(), &path);
            if let Some(body) = &body {
                request = request.json(body);
            }
            header.map_or(request.try_clone().unwrap(), |value| request.header("authorization", value))
        };
        let wrong = [
            None,
            Some("Bearer"),
            Some("Bearer "),
            Some("Bearer tz_nobody"),
            Some("Basic dHpfYTp0el9i"),
            Some(e2e::ADMIN),
            Some("Bearer an-admin-token-for-tests-x"),
        ];
        for header in wrong {
            let answer = send(with(header)).await;
            assert_eq!(answer.status, 401, "{method} {path} with {header:?}: {answer:?}");
            answer.problem(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
        call(&revoked, &method, &path, body.as_ref()).await.problem(401, "unauthorized");
    }
    assert_eq!(app.client.leads("acme").await[0]["stage"], "lead", "and nothing was done");
}

#[tokio::test]
async fn a_token_of_one_site_learns_nothing_of_others() {
    let (app, lead) = app_with_lead().await;
    app.client.put_site("otra", &json!({})).await;
    let stranger = app.client.role("admin", "otra").await;
    for (method, path, body, _) in routes() {
        if path.contains("/sites/acme") {
            let path = path.replace("{lead}", &lead);
            call(&stranger, &method, &path, body.as_ref()).await.problem(403, "forbidden");
        }
    }
    let there = stranger.get("/api/v1/sites/acme/leads").await;
    let not_there = stranger.get("/api/v1/sites/nobody/leads").await;
    assert_eq!(there.text, not_there.text, "not even whether a site exists");
    call(&stranger, &Method::PUT, "/api/v1/sites/nuevo", Some(&json!({}))).await.problem(403, "forbidden");

    let sites = stranger.get("/api/v1/sites").await.expect(200);
    let names: Vec<_> = sites["items"].as_array().unwrap().iter().map(|site| &site["site"]).collect();
    assert_eq!(names, ["otra"]);
    for site in ["acme", "*"] {
        let body = json!({"role": "ingest", "site": site});
        stranger.post_json("/api/v1/tokens", &body).await.problem(403, "forbidden");
    }
    let tokens = stranger.get("/api/v1/tokens").await.expect(200);
    assert!(tokens["items"].as_array().unwrap().iter().all(|token| token["site"] == "otra"), "{tokens}");
}

#[tokio::test]
async fn contact_details_are_for_those_who_call() {
    let (app, lead) = app_with_lead().await;
    let stage = json!({"stage": "mql", "by": "Marta", "reason": "quiere precio"});
    app.client.post_json(&format!("/api/v1/sites/acme/leads/{lead}/stage"), &stage).await.expect(201);
    for (role, sees) in [("marketing", false), ("sales", true), ("agent", true), ("admin", true)] {
        let client = app.client.role(role, "acme").await;
        let one = client.get(&format!("/api/v1/sites/acme/leads/{lead}")).await;
        let story = client.get(&format!("/api/v1/sites/acme/leads/{lead}/journey")).await;
        assert_eq!(one.expect(200).get("contact").is_some(), sees, "{role}: {one:?}");
        assert_eq!(story.expect(200).to_string().contains("Marta"), sees, "{role}: {story:?}");
        let mut answers = vec![one, story];
        if role != "agent" {
            answers.push(client.get("/api/v1/sites/acme/leads").await);
        }
        for answer in answers.iter().filter(|_| !sees) {
            for personal in ["600 0", "6000000", "phone", "contact\"", "Marta", "precio"] {
                let text = answer.text.replace("[\"contact\"]", "");
                assert!(!text.contains(personal), "{role}: {personal} in {text}");
            }
        }
    }
}

#[tokio::test]
async fn a_scope_narrows_what_a_token_sees() {
    let app = TestApp::spawn().await;
    for (visitor, campaign, phone) in [("a", "otono", "600 000 000"), ("b", "invierno", "600 000 001")] {
        let url =
            format!("https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign={campaign}");
        let view = e2e::beacon::page_view(visitor, NOW, &url);
        app.client.store("acme", &full(visitor, [view, callback(visitor, 1, NOW + 1, phone)])).await;
    }
    let leads = app.client.leads("acme").await;
    let id = |visitor: &str| {
        let lead = leads.iter().find(|lead| lead["visitors"][0] == visitor).unwrap();
        lead["id"].as_str().unwrap().to_owned()
    };
    let scope = json!({"campaigns": ["otono"]});
    let body = json!({"role": "sales", "site": "acme", "scope": scope});
    let token = app.client.post_json("/api/v1/tokens", &body).await.expect(201);
    let client = app.client.with_token(token["token"].as_str().unwrap());

    let seen = client.get("/api/v1/sites/acme/leads").await.expect(200);
    assert_eq!(seen["items"].as_array().unwrap().len(), 1);
    assert_eq!(seen["items"][0]["visitors"], json!(["a"]));
    for (visitor, status) in [("a", 200), ("b", 403)] {
        let lead = id(visitor);
        for path in [
            format!("/api/v1/sites/acme/leads/{lead}"),
            format!("/api/v1/sites/acme/leads/{lead}/journey"),
            format!("/api/v1/sites/acme/visitors/{visitor}/journey"),
        ] {
            assert_eq!(client.get(&path).await.status, status, "{path}");
        }
        let moved = client
            .post_json(&format!("/api/v1/sites/acme/leads/{lead}/stage"), &json!({"stage": "mql", "by": "x"}))
            .await;
        assert_eq!(moved.status, if status == 200 { 201 } else { 403 });
    }
}
