//! Google's lead forms.

use e2e::{NOW, TestApp};
use serde_json::{Value, json};

use super::{bad_events, deliver, nothing_came, open};

fn body(key: &str, test: bool) -> Value {
    json!({
        "lead_id": "TeSter-0123456789", "api_version": "1.0", "form_id": 20000000001u64, "campaign_id": 30000000001u64,
        "adgroup_id": 40000000001u64, "creative_id": 50000000001u64, "gcl_id": "EAIaIQobChMI", "google_key": key, "is_test": test,
        "lead_submit_time": "2026-11-22T01:19:00Z",
        "user_column_data": [
            {"column_id": "FULL_NAME", "column_name": "Full Name", "string_value": "Ana Ejemplo"},
            {"column_id": "EMAIL", "string_value": "ana@example.com"},
            {"column_id": "PHONE_NUMBER", "string_value": "+34600000001"},
            {"column_id": "CITY", "string_value": "Soria"},
        ],
    })
}

#[tokio::test]
async fn a_form_is_a_lead_with_its_ad_and_a_test_is_marked_as_one() {
    let app = TestApp::spawn().await;
    let config = json!({"domains": ["example.com"], "consent_default": "full", "lead_fields": ["city"]});
    app.client.put_site("acme", &config).await;
    let path = open(&app, json!({"adapter": "google-lead-form", "secrets": {"google_key": "k-1"}})).await;
    let wrong = deliver(&app, &path, body("k-2", false).to_string(), &[]).await;
    wrong.problem(403, "forbidden");
    let mut none = body("", false);
    none.as_object_mut().unwrap().remove("google_key");
    deliver(&app, &path, none.to_string(), &[]).await.problem(403, "forbidden");
    nothing_came(&app).await;
    for _ in 0..2 {
        assert_eq!(deliver(&app, &path, body("k-1", false).to_string(), &[]).await.expect(200), json!({}));
    }
    app.client.settled().await;
    let leads = app.client.leads("acme").await;
    assert_eq!(leads.len(), 1, "{leads:?}");
    let (lead, touch) = (&leads[0], &leads[0]["origin"]["first"]);
    assert_eq!((&lead["kind"], &lead["flags"]), (&json!("platform_form"), &json!([])));
    assert_eq!(lead["created_at"], NOW - 60_000, "{lead}");
    assert_eq!(
        (&lead["contact"]["name"], &lead["contact"]["fields"]),
        (&json!("Ana Ejemplo"), &json!({"city": "Soria"}))
    );
    assert_eq!(
        (&touch["channel"], &touch["source"], &touch["campaign_id"], &touch["click_ids"]["gclid"]),
        (&json!("paid_search"), &json!("google"), &json!("30000000001"), &json!("EAIaIQobChMI"))
    );
    let mut test = body("k-1", true);
    test["lead_id"] = json!("TeSter-2");
    deliver(&app, &path, test.to_string(), &[]).await.expect(200);
    app.client.settled().await;
    let marked = app.client.get("/api/v1/sites/acme/leads/ext:google:TeSter-2").await.expect(200);
    assert_eq!(marked["flags"], json!(["test"]));
    // What cannot be read stands by.
    for odd in [json!({"google_key": "k-1"}).to_string(), "{".to_owned()] {
        assert_eq!(deliver(&app, &path, odd, &[]).await.status, 200);
    }
    assert_eq!(bad_events(&app).await.len(), 2);
}
