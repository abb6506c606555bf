//! Who looked at what only some may see: noted once an hour, with what was exported, erased, moved and configured.

use std::time::Duration;

use e2e::{
    NOW, TestApp,
    beacon::{callback, event, full, page_view},
    client::Client,
};
use serde_json::{Value, json};

const LIST: &str = "/api/v1/sites/acme/audit";
const HOUR: i64 = 3_600_000;

async fn issued(app: &TestApp, role: &str) -> (String, Client) {
    let body = json!({"role": role, "site": "acme"});
    let token = app.client.post_json("/api/v1/tokens", &body).await.expect(201);
    let client = app.client.with_token(token["token"].as_str().unwrap());
    (token["id"].as_str().unwrap().to_owned(), client)
}

async fn items(app: &TestApp, query: &str) -> Vec<Value> {
    app.client.get(&format!("{LIST}{query}")).await.expect(200)["items"].as_array().unwrap().clone()
}

async fn looks(app: &TestApp, token: &str) -> Vec<Value> {
    let items = items(app, &format!("?token={token}")).await;
    items.into_iter().filter(|item| item["kind"] == "looked").collect()
}

async fn app_with_leads(count: u32) -> (TestApp, Vec<String>) {
    let app = TestApp::spawn().await;
    for n in 0..count {
        let lead = callback(&format!("p{n}"), 1, NOW + i64::from(n), &format!("600 000 00{n}"));
        app.client.store("acme", &full(&format!("v{n}"), [lead])).await;
    }
    // Who is asked here looks at nothing: marketing sees no contact.
    let (_, marketing) = issued(&app, "marketing").await;
    let leads = marketing.leads("acme").await;
    (app, leads.iter().map(|lead| lead["id"].as_str().unwrap().to_owned()).collect())
}

#[tokio::test]
async fn whoever_asks_for_what_was_shown_waits_for_what_is_being_noted() {
    let (app, leads) = app_with_leads(1).await;
    let (_, client) = issued(&app, "sales").await;
    let shared = app.app();
    let site = shared.directory.site("acme").unwrap().number;
    let before = shared.store.head(site);
    client.get(&format!("/api/v1/sites/acme/leads/{}", leads[0])).await.expect(200);
    // The first takes what was gathered, and the second finds nothing left to take.
    let second = async {
        shared.looks.flush().await;
        shared.store.head(site)
    };
    let ((), head) = tokio::join!(shared.looks.flush(), second);
    assert_eq!(head, before + 1);
}

#[tokio::test]
async fn a_look_is_told_once_an_hour_by_token_lead_and_endpoint() {
    let (mut app, leads) = app_with_leads(2).await;
    let (sales, client) = issued(&app, "sales").await;
    for _ in 0..3 {
        client.get(&format!("/api/v1/sites/acme/leads/{}", leads[0])).await.expect(200);
    }
    client.get("/api/v1/sites/acme/leads").await.expect(200);
    let told = looks(&app, &sales).await;
    let mut seen: Vec<_> = told
        .iter()
        .map(|item| (item["through"].as_str().unwrap(), item["subjects"].as_array().unwrap().len()))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [("GET leads", 2), ("GET leads/{lead}", 1)]);
    assert!(told.iter().all(|item| item["at"] == NOW && item["token"] == sales.as_str()));
    app.clock.advance(HOUR);
    client.get(&format!("/api/v1/sites/acme/leads/{}", leads[0])).await.expect(200);
    // It is on the disk, not only in memory; also what was shown a moment before a stop.
    app.restart().await;
    let told = looks(&app, &sales).await;
    assert_eq!(told.len(), 3);
    assert_eq!(
        (&told[0]["at"], &told[0]["subjects"]),
        (&json!(NOW + HOUR), &json!([leads[0]])),
        "newest first"
    );

    let (marketing, blind) = issued(&app, "marketing").await;
    blind.get(&format!("/api/v1/sites/acme/leads/{}", leads[0])).await.expect(200);
    blind.get("/api/v1/sites/acme/leads").await.expect(200);
    assert_eq!(looks(&app, &marketing).await, [] as [Value; 0], "who sees no contact has not looked");
    let about: Vec<Value> = items(&app, &format!("?lead={}", leads[1])).await;
    assert_eq!(about.iter().filter(|item| item["token"] == sales.as_str()).count(), 1);
}

#[tokio::test]
async fn everything_of_note_is_in_one_list_newest_first_and_paged() {
    let (app, leads) = app_with_leads(1).await;
    let (sales, client) = issued(&app, "sales").await;
    app.clock.advance(1_000);
    client.get(&format!("/api/v1/sites/acme/leads/{}", leads[0])).await.expect(200);
    let stage = json!({"stage": "mql", "by": "Obdulia", "reason": "llamada"});
    client.post_json(&format!("/api/v1/sites/acme/leads/{}/stage", leads[0]), &stage).await.expect(201);
    app.clock.advance(1_000);
    let path = format!("/api/v1/sites/acme/persons/{}", leads[0]);
    app.client.get(&format!("{path}/export")).await.expect(200);
    app.clock.advance(1_000);
    let consent = json!({"withdrawn": ["contact"], "by": "Obdulia"});
    client.post_json(&format!("{path}/consent"), &consent).await.expect(201);
    app.clock.advance(1_000);
    app.client.post_json(&format!("{path}/erase"), &json!({})).await.expect(200);
    let id = format!("/api/v1/tokens/{sales}");
    let gone = app.client.request(reqwest::Method::DELETE, &id).send().await.unwrap();
    assert_eq!(gone.status(), 204);

    let all = app.client.items(LIST).await;
    let kinds: Vec<_> = all.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    for kind in [
        "erased",
        "consent",
        "exported",
        "stage",
        "looked",
        "token_issued",
        "token_revoked",
        "site_configured",
    ] {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    let times: Vec<_> = all.iter().map(|item| -item["at"].as_i64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let stage = all.iter().find(|item| item["kind"] == "stage").unwrap();
    assert_eq!(stage["by"], Value::Null, "its note went with the person");
    let erased = all.iter().find(|item| item["kind"] == "erased").unwrap();
    assert_eq!((&erased["token"], &erased["subjects"]), (&json!("admin"), &json!([leads[0]])));

    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.client.get(&format!("{LIST}?limit=2{cursor}")).await.expect(200);
        let items = page["items"].as_array().unwrap().clone();
        assert!(items.len() <= 2);
        paged.extend(items);
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, all);
    let recent = items(&app, &format!("?since={}", NOW + 3_500)).await;
    assert!(!recent.is_empty() && recent.iter().all(|item| item["at"].as_i64().unwrap() >= NOW + 3_500));
    let (_, sales) = issued(&app, "sales").await;
    sales.get(LIST).await.problem(403, "forbidden");
    app.client.get(&format!("{LIST}?since=ayer")).await.problem(400, "invalid");
}

#[tokio::test]
async fn marketing_sees_identifiers_masked_and_no_role_more_than_is_its_own() {
    let app = TestApp::spawn().await;
    let lead =
        json!({"kind": "form", "name": "Eulalia", "email": "ana.lopez@example.com", "phone": "600 000 000"});
    let submit = event("p", 1, NOW + 1, "form_submit", json!({"form": "f", "lead": lead}));
    let url = "https://www.example.com/";
    app.client.store("acme", &full("v", [page_view("p", NOW, url), submit])).await;
    let lead = app.client.leads("acme").await[0]["id"].as_str().unwrap().to_owned();
    let stage = json!({"stage": "mql", "by": "Obdulia", "reason": "pide rebaja"});
    app.client.post_json(&format!("/api/v1/sites/acme/leads/{lead}/stage"), &stage).await.expect(201);
    let clear = ["ana.lopez", "600000000", "600 000 000", "Eulalia", "Obdulia", "rebaja"];
    let shown = [
        format!("leads/{lead}"),
        "leads".to_owned(),
        format!("leads/{lead}/journey"),
        "visitors/v/journey".to_owned(),
        format!("persons/{lead}"),
        format!("persons/{lead}/edges"),
        "conflicts".to_owned(),
        "reports/counters?group_by=channel".to_owned(),
        "install".to_owned(),
        "ledger".to_owned(),
    ];
    for path in shown {
        let marketing = app.client.role("marketing", "acme").await;
        let answer = marketing.get(&format!("/api/v1/sites/acme/{path}")).await;
        assert_eq!(answer.status, 200, "{path}");
        for text in clear {
            assert!(!answer.text.contains(text), "{text} in {path}: {}", answer.text);
        }
        if path.starts_with("persons") {
            assert!(
                answer.text.contains("a***@e***.com") && answer.text.contains("+34 6** *** **0"),
                "{}",
                answer.text
            );
        }
    }
    let agent = app.client.role("agent", "acme").await;
    let one = agent.get(&format!("/api/v1/sites/acme/leads/{lead}")).await.expect(200);
    assert_eq!(one["contact"]["name"], "Eulalia");
    for path in
        ["leads".to_owned(), format!("persons/{lead}"), format!("persons/{lead}/export"), "audit".to_owned()]
    {
        agent.get(&format!("/api/v1/sites/acme/{path}")).await.problem(403, "forbidden");
    }
    let sales = app.client.role("sales", "acme").await;
    let person = sales.get(&format!("/api/v1/sites/acme/persons/{lead}")).await.expect(200);
    assert_eq!(person["identifiers"][0]["value"], "ana.lopez@example.com");
    sales.get(&format!("/api/v1/sites/acme/persons/{lead}/export")).await.problem(403, "forbidden");
    e2e::eventually("the look at the person is told", Duration::from_secs(5), async || {
        let told = app.client.items(LIST).await;
        told.iter().any(|item| item["through"] == "GET persons/{person}").then_some(())
    })
    .await;
}
