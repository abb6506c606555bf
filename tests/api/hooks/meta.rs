//! Meta: the challenge, batches of lead forms whose details are asked for, WhatsApp, Messenger.

use e2e::{
    NOW, TestApp,
    beacon::{event, full, page_view},
    client::{Answer, send},
    receiver::{Receiver, Reply},
    wait::holds,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{bad_events, deliver, nothing_came, open, replay, sha256_hex, visitors};

const SECRET: &str = "app-secret-of-the-tests";
const SECONDS: i64 = NOW / 1_000;

fn hook(graph: Option<&Receiver>) -> Value {
    let mut secrets = json!({"app_secret": SECRET, "verify_token": "prove-it"});
    if let Some(graph) = graph {
        secrets["page_token"] = json!("EAAB-page-token");
        secrets["graph_url"] = json!(graph.url("/v23.0"));
    }
    json!({"adapter": "meta", "secrets": secrets})
}

async fn app() -> TestApp {
    TestApp::with(|options| options.allow_private_targets = true).await
}

async fn tell(app: &TestApp, path: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let signature = format!("sha256={}", sha256_hex(SECRET, body.as_bytes()));
    let headers = [("content-type", "application/json".to_owned()), ("x-hub-signature-256", signature)];
    deliver(app, path, body, &headers).await
}

fn form(id: u64) -> Value {
    json!({"field": "leadgen", "value": {
        "leadgen_id": id.to_string(), "page_id": "100000000000001", "form_id": "200000000000001",
        "adgroup_id": "300000000000001", "ad_id": "400000000000001", "created_time": SECONDS - 5,
    }})
}

fn notice(changes: &[Value]) -> Value {
    json!({"object": "page", "entry": [{"id": "100000000000001", "time": SECONDS, "changes": changes}]})
}

const FILLED: &str = r#"{"id":"500000000000001","created_time":"2026-11-22T01:19:55+0000","ad_id":"400000000000001",
    "ad_name":"Casa","adset_id":"300000000000009","adset_name":"Norte","campaign_id":"600000000000001",
    "campaign_name":"solar-otono","form_id":"200000000000001","field_data":[
    {"name":"full_name","values":["Ana Ejemplo"]},{"name":"email","values":["ana@example.com"]},
    {"name":"phone_number","values":["+34600000001"]},{"name":"tejado","values":["plano"]}]}"#;

async fn lead(app: &TestApp, id: u64) -> Value {
    app.client.settled().await;
    app.client.get(&format!("/api/v1/sites/acme/leads/ext:meta:{id}")).await.expect(200)
}

#[tokio::test]
async fn the_address_is_proved_to_be_ours_and_to_nobody_else() {
    let app = app().await;
    let path = open(&app, hook(None)).await;
    let ask = async |query: &str| send(app.client.bare(Method::GET, &format!("{path}?{query}"))).await;
    let right = ask("hub.mode=subscribe&hub.verify_token=prove-it&hub.challenge=1158201444").await;
    assert_eq!((right.status, right.text.as_str()), (200, "1158201444"));
    for wrong in [
        "hub.mode=subscribe&hub.verify_token=other&hub.challenge=1",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=unsubscribe&hub.verify_token=prove-it&hub.challenge=1",
        "",
    ] {
        ask(wrong).await.problem(403, "forbidden");
    }
    let body = notice(&[form(500000000000001)]).to_string();
    for signature in
        [sha256_hex(SECRET, body.as_bytes()), format!("sha256={}", sha256_hex("x", body.as_bytes()))]
    {
        let headers = [("x-hub-signature-256", signature)];
        deliver(&app, &path, body.clone(), &headers).await.problem(403, "forbidden");
    }
    deliver(&app, &path, body, &[]).await.problem(403, "forbidden");
    nothing_came(&app).await;
}

#[tokio::test]
async fn a_form_makes_its_lead_at_once_and_is_filled_in_when_meta_says_with_what() {
    let graph = Receiver::start().await;
    // Once it does not know; then it says.
    graph.answers(|_, before| match before {
        0 => Reply::Says(500, r#"{"error":{"message":"try again","code":2}}"#),
        _ => Reply::Says(200, FILLED),
    });
    let app = app().await;
    let config = json!({"domains": ["example.com"], "consent_default": "full", "lead_fields": ["tejado"]});
    app.client.put_site("acme", &config).await;
    let path = open(&app, hook(None)).await;
    assert_eq!(tell(&app, &path, &notice(&[form(500000000000001)])).await.status, 200);
    let made = lead(&app, 500000000000001).await;
    assert_eq!((&made["kind"], &made["flags"]), (&json!("platform_form"), &json!(["details_pending"])));
    let touch = &made["origin"]["first"];
    assert_eq!(
        (&touch["channel"], &touch["source"], &touch["ad"]),
        (&json!("paid_social"), &json!("meta"), &json!("400000000000001"))
    );
    assert_eq!(made["created_at"], (SECONDS - 5) * 1_000);
    // Without a token nobody is asked; with one, those that wait are.
    app.client.put(super::HOOKS, &json!({"items": [hook(Some(&graph))]})).await.expect(200);
    holds("the form is filled in", async || lead(&app, 500000000000001).await["flags"] == json!([])).await;
    let filled = lead(&app, 500000000000001).await;
    assert_eq!(filled["id"], made["id"], "the same lead");
    assert_eq!(
        filled["contact"],
        json!({"name": "Ana Ejemplo", "email": "ana@example.com", "phone": "+34600000001", "phone_raw": "+34600000001",
               "fields": {"tejado": "plano"}})
    );
    assert_eq!(
        (&filled["origin"]["first"]["campaign"], &filled["origin"]["first"]["adset"]),
        (&json!("solar-otono"), &json!("300000000000009"))
    );
    let asked = graph.got();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0].path.starts_with("/v23.0/500000000000001?fields="), "{}", asked[0].path);
    assert_eq!(asked[0].header("authorization"), "Bearer EAAB-page-token");
    assert!(!asked[0].path.contains("EAAB"), "the token stands in no address");
    // The notice again takes nothing back, and asks nobody.
    assert_eq!(tell(&app, &path, &notice(&[form(500000000000001)])).await.status, 200);
    assert_eq!(lead(&app, 500000000000001).await, filled);
    assert_eq!((graph.got().len(), app.client.leads("acme").await.len()), (2, 1));
}

#[tokio::test]
async fn what_waits_for_its_details_waits_over_a_restart() {
    let graph = Receiver::start().await;
    graph.answers(|_, _| Reply::Says(400, r#"{"error":{"message":"token","code":190}}"#));
    let mut app = app().await;
    let path = open(&app, hook(Some(&graph))).await;
    assert_eq!(tell(&app, &path, &notice(&[form(500000000000001)])).await.status, 200);
    graph.find("it was asked", |_| true).await;
    app.stop().await;
    graph.answers(|_, _| Reply::Says(200, FILLED));
    app.start().await;
    holds("the form is filled in", async || {
        lead(&app, 500000000000001).await["contact"]["name"] == "Ana Ejemplo"
    })
    .await;
}

#[tokio::test]
async fn what_failed_waits_for_its_turn_however_much_else_comes() {
    let graph = Receiver::start().await;
    graph.answers(|_, _| Reply::Says(400, r#"{"error":{"message":"token","code":190}}"#));
    let mut app = app().await;
    let path = open(&app, hook(Some(&graph))).await;
    assert_eq!(tell(&app, &path, &notice(&[form(500000000000001)])).await.status, 200);
    graph.find("it was asked", |_| true).await;
    app.restart().await;
    let before = graph.got().len();
    holds("it is asked twice more", async || {
        let page = e2e::beacon::new_id();
        let view = page_view(&page, NOW, "https://www.example.com/");
        app.client.store("acme", &full("v", [view])).await;
        graph.got().len() >= before + 2
    })
    .await;
    let got = graph.got();
    let waited = got[before + 1].came - got[before].came;
    assert!(waited >= std::time::Duration::from_millis(900), "a second at the least: {waited:?}");
}

#[tokio::test]
async fn a_batch_makes_each_lead_once_and_what_cannot_be_read_harms_none() {
    let app = app().await;
    let path = open(&app, hook(None)).await;
    let mut changes: Vec<Value> = (0..60).map(|n| form(500000000000000 + n)).collect();
    changes.insert(7, json!({"field": "leadgen", "value": {"form_id": "200000000000001"}}));
    changes.insert(9, json!({"field": "feed", "value": {"item": "like"}}));
    changes.insert(11, json!({"field": "leadgen", "value": {"leadgen_id": "../me"}}));
    for _ in 0..2 {
        assert_eq!(tell(&app, &path, &notice(&changes)).await.status, 200);
    }
    app.client.settled().await;
    assert_eq!(app.client.leads("acme").await.len(), 60);
    let kept = bad_events(&app).await;
    let details: Vec<&str> = kept.iter().map(|one| one["detail"].as_str().unwrap()).collect();
    assert_eq!(
        details,
        ["meta: leadgen_id is missing", "meta: leadgen_id must be digits"].repeat(2),
        "{kept:?}"
    );
    assert_eq!(replay(&app).await, json!({"rejected": 4}));
    for odd in ["{", "[]", "{}", r#"{"entry": 7}"#] {
        let signature = format!("sha256={}", sha256_hex(SECRET, odd.as_bytes()));
        let answer = deliver(&app, &path, odd.to_owned(), &[("x-hub-signature-256", signature)]).await;
        assert_eq!(answer.status, 200, "{odd}");
    }
    assert_eq!(bad_events(&app).await.len(), 8);
    let large = "x".repeat(256 * 1024 + 1);
    deliver(&app, &path, large, &[]).await.problem(413, "too-large");
}

#[tokio::test]
async fn whatsapp_messages_find_their_page_and_their_ad() {
    let app = app().await;
    let path = open(&app, hook(None)).await;
    let click = json!({"app": "whatsapp", "to": "34900111000", "chat_ref": "7K3QX9"});
    let url = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=solar";
    let events = [page_view("p", NOW - 9_000, url), event("p", 1, NOW - 8_000, "chat_click", click)];
    app.client.store("acme", &full("v", events)).await;
    app.client.settled().await;
    let message = |id: &str, from: &str, more: Value| {
        let mut message = json!({"from": from, "id": id, "timestamp": SECONDS.to_string(), "type": "text"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "34900111000", "phone_number_id": "1"},
            "contacts": [{"profile": {"name": "Ana Ejemplo"}, "wa_id": from}], "messages": [message],
        });
        json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
    };
    let first = message("wamid.1", "34600000001", json!({"text": {"body": "Hola (ref: 7K3QX9)"}}));
    let referral = json!({"source_type": "ad", "source_id": "400000000000001", "ctwa_clid": "ARAkLkA8rml"});
    let second = message("wamid.2", "34600000002", json!({"text": {"body": "Info"}, "referral": referral}));
    for body in [&first, &second, &first] {
        assert_eq!(tell(&app, &path, body).await.status, 200);
    }
    let statuses = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages",
        "value": {"messaging_product": "whatsapp", "statuses": [{"id": "wamid.9", "status": "read", "recipient_id": "34600000001"}]}}]}]});
    assert_eq!(tell(&app, &path, &statuses).await.status, 200);
    app.client.settled().await;
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 2, "{leads:?}");
    let of = |phone: &str| leads.iter().find(|lead| lead["contact"]["phone"] == phone).unwrap();
    assert_eq!(
        (visitors(&app, of("+34600000001")).await, &of("+34600000001")["contact"]["name"]),
        (json!(["v"]), &json!("Ana Ejemplo"))
    );
    let touch = &of("+34600000002")["origin"]["first"];
    assert_eq!(
        (&touch["channel"], &touch["ad"], &touch["click_ids"]["ctwa_clid"]),
        (&json!("paid_social"), &json!("400000000000001"), &json!("ARAkLkA8rml"))
    );
    assert_eq!(bad_events(&app).await, Vec::<Value>::new());
}

#[tokio::test]
async fn messenger_carries_the_reference_in_the_link_that_was_followed() {
    let app = app().await;
    let path = open(&app, hook(None)).await;
    let click = json!({"app": "messenger", "chat_ref": "7K3QX9"});
    app.client.store("acme", &full("v", [event("p", 1, NOW - 8_000, "chat_click", click)])).await;
    app.client.settled().await;
    let told =
        |event: Value| json!({"object": "page", "entry": [{"id": "1", "time": NOW, "messaging": [event]}]});
    let who = json!({"id": "2400000000000001"});
    let referral = json!({"ref": "traza_7K3QX9", "source": "SHORTLINK", "type": "OPEN_THREAD"});
    let opened =
        told(json!({"sender": who, "recipient": {"id": "1"}, "timestamp": NOW - 5, "referral": referral}));
    let wrote = told(json!({"sender": who, "timestamp": NOW, "message": {"mid": "m_1", "text": "Hola"}}));
    let echo = told(
        json!({"sender": {"id": "1"}, "timestamp": NOW, "message": {"mid": "m_2", "text": "Dígame", "is_echo": true}}),
    );
    let read = told(json!({"sender": who, "timestamp": NOW, "read": {"watermark": NOW}}));
    for body in [&opened, &wrote, &echo, &read, &wrote] {
        assert_eq!(tell(&app, &path, body).await.status, 200);
    }
    app.client.settled().await;
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 1, "{leads:?}");
    assert_eq!((&leads[0]["kind"], visitors(&app, &leads[0]).await), (&json!("messenger"), json!(["v"])));
    let journey = app.client.lead_journey("acme", leads[0]["id"].as_str().unwrap()).await;
    let texts: Vec<&Value> =
        journey.iter().filter(|item| item["kind"] == "message").map(|item| &item["text"]).collect();
    assert_eq!(texts, [&Value::Null, &json!("Hola")]);
}
