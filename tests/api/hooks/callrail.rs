//! CallRail: before, after, and when more is known.

use e2e::{NOW, TestApp, client::Answer};
use serde_json::{Value, json};

use super::{bad_events, deliver, nothing_came, open, sha1};

const KEY: &str = "callrail-signing-key";

async fn tell(app: &TestApp, path: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let headers =
        [("signature", sha1(KEY, body.as_bytes())), ("content-type", "application/json".to_owned())];
    deliver(app, path, body, &headers).await
}

fn call(more: &Value) -> Value {
    let mut call = json!({
        "resource_id": "CAL0000000000000000000000000000001", "customer_phone_number": "+34600000001",
        "tracking_phone_number": "+34900111009", "customer_name": "EJEMPLO ANA", "direction": "inbound",
        "start_time": "2026-11-22T02:19:00.000+01:00", "answered": false, "duration": 0, "voicemail": false,
    });
    call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call
}

#[tokio::test]
async fn a_call_is_one_before_it_after_it_and_when_it_is_modified() {
    let app = TestApp::spawn().await;
    let path = open(&app, json!({"adapter": "callrail", "secrets": {"signing_key": KEY}})).await;
    let body = call(&json!({})).to_string();
    deliver(&app, &path, body.clone(), &[("signature", sha1("other", body.as_bytes()))])
        .await
        .problem(403, "forbidden");
    deliver(&app, &path, body, &[]).await.problem(403, "forbidden");
    nothing_came(&app).await;
    let stages = [
        (json!({}), json!("ringing"), Value::Null),
        (json!({"answered": true, "duration": 61}), json!("completed"), json!(61)),
        (
            json!({"answered": true, "duration": 61, "recording_player": "https://calls.example.com/1"}),
            json!("completed"),
            json!(61),
        ),
        // The first one again, late.
        (json!({}), json!("completed"), json!(61)),
    ];
    for (more, status, duration) in stages {
        assert_eq!(tell(&app, &path, &call(&more)).await.status, 200);
        app.client.settled().await;
        let leads = app.client.leads("acme").await;
        assert_eq!(leads.len(), 1, "{leads:?}");
        let journey = app.client.lead_journey("acme", leads[0]["id"].as_str().unwrap()).await;
        let current = journey.iter().find(|item| item["kind"] == "call" && item["amended"] != true).unwrap();
        assert_eq!((&current["status"], &current["duration_s"]), (&status, &duration), "{current}");
        assert_eq!(current["at"], NOW - 60_000, "when it began");
    }
    let outbound = call(
        &json!({"resource_id": "CAL2", "direction": "outbound", "customer_phone_number": "+34600000002"}),
    );
    assert_eq!(tell(&app, &path, &outbound).await.status, 200);
    let missed = call(&json!({"resource_id": "CAL3", "customer_phone_number": "+34600000003"}));
    assert_eq!(tell(&app, &format!("{path}?event=post-call"), &missed).await.status, 200);
    assert_eq!(tell(&app, &path, &json!({"resource_id": "CAL4"})).await.status, 200);
    app.client.settled().await;
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 2, "{leads:?}");
    assert_eq!(bad_events(&app).await[0]["detail"], "callrail: tracking_phone_number is missing");
}
