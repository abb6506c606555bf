//! Counters, bots, ads, links, costs, grouping rules, countries.

use std::collections::BTreeSet;

use e2e::{
    NOW, TestApp,
    beacon::{anonymous, callback, event, full, page_view},
    client::{Answer, Client, send},
};
use reqwest::Method;
use serde_json::{Value, json};

const ADS: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono";
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                      Chrome/131.0.0.0 Safari/537.36";

async fn report(client: &Client, query: &str) -> Value {
    client.settled().await;
    client.get(&format!("/api/v1/sites/acme/reports/counters?{query}")).await.expect(200)
}

async fn beacon_by(client: &Client, agent: &str, beacon: &Value) {
    let answer = send(client.post("acme", beacon.to_string()).header("user-agent", agent)).await.expect(200);
    assert_eq!(answer["accepted"], beacon["events"].as_array().unwrap().len(), "{answer}");
}

async fn bare(client: &Client, path: &str) -> Answer {
    send(client.bare(Method::GET, path)).await
}

fn numbers<const N: usize>(values: &Value, names: [&str; N]) -> [i64; N] {
    names.map(|name| values[name].as_i64().unwrap_or_else(|| panic!("{name} of {values}")))
}

const VISITORS: [&str; 4] = ["visits", "visitors", "visitors_with_lead", "visitors_without_lead"];

#[tokio::test]
async fn visitors_are_those_with_a_lead_and_those_without() {
    let app = TestApp::spawn().await;
    let client = &app.client;
    for n in 0..5 {
        let page = format!("p{n}");
        client.store("acme", &full(&format!("v{n}"), [page_view(&page, NOW, ADS)])).await;
        if n < 2 {
            client.store("acme", &full(&format!("v{n}"), [callback(&page, 1, NOW, "600 000 000")])).await;
        }
    }
    client
        .store(
            "acme",
            &full("v0", [page_view("q0", NOW + 1, "https://example.com/?utm_source=x&utm_medium=email")]),
        )
        .await;
    client.store("acme", &anonymous([page_view("a", NOW, ADS)])).await;
    let body = report(client, "group_by=channel,campaign").await;
    assert_eq!((&body["metric_version"], &body["pending"]), (&json!(2), &json!(0)));
    assert_eq!(numbers(&body["totals"], VISITORS), [6, 5, 2, 3], "a visitor of two channels is one: {body}");
    assert_eq!(body["totals"]["anonymous_visits"], 1);
    let row = |channel: &str| {
        let rows = body["rows"].as_array().unwrap();
        rows.iter()
            .find(|row| row["key"]["channel"] == channel)
            .unwrap_or_else(|| panic!("{channel} in {body}"))
    };
    assert_eq!(row("paid_search")["key"], json!({"channel": "paid_search", "campaign": "otono"}));
    assert_eq!(numbers(&row("paid_search")["values"], VISITORS), [5, 5, 2, 3]);
    assert_eq!(numbers(&row("email")["values"], VISITORS), [1, 1, 0, 1]);

    // Every number explains itself.
    let explain = row("paid_search")["explain"].as_str().unwrap();
    let behind = client.get(&format!("{explain}&lead=true")).await.expect(200);
    let who: Vec<_> = behind["items"].as_array().unwrap().iter().map(|item| &item["visitor"]).collect();
    assert_eq!(who, ["v0", "v1"]);
    assert_eq!(behind["items"][0]["leads"].as_array().unwrap().len(), 1);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("{explain}&lead=false&limit=2{cursor}")).await.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["visitor"].clone()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["v2", "v3", "v4"]);
    let journey = client.get(behind["items"][0]["journey"].as_str().unwrap()).await.expect(200);
    assert_eq!(journey["visitor"], "v0");

    let email = row("email")["explain"].as_str().unwrap();
    let campaign = client.get(email).await.expect(200);
    assert_eq!(campaign["items"][0]["visitor"], "v0", "a campaign that is none can be asked for: {email}");
}

#[tokio::test]
async fn days_are_the_sites_and_calls_to_action_have_rows_of_their_own() {
    let app = TestApp::spawn().await;
    let client = &app.client;
    // 22:30 and 23:30 UTC: two days in Madrid.
    let evening = NOW - 2 * 3_600_000 - 50 * 60_000;
    client.store("acme", &full("v", [page_view("p", evening, ADS)])).await;
    client.store("acme", &full("w", [page_view("q", evening + 3_600_000, ADS)])).await;
    let cta = |page: &str, n, kind: &str| event(page, n, evening, kind, json!({"cta": "hero"}));
    client.store("acme", &full("v", [cta("p", 1, "cta_view"), cta("p", 2, "cta_click")])).await;
    let body = report(client, "group_by=day&since_day=2026-11-01&until_day=2026-11-30").await;
    let days: Vec<_> = body["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["key"]["day"], &row["values"]["visits"]))
        .collect();
    assert_eq!(days, [(&json!("2026-11-21"), &json!(1)), (&json!("2026-11-22"), &json!(1))]);
    assert_eq!(
        report(client, "group_by=day&since_day=2026-11-22&until_day=2026-11-22").await["totals"]["visits"],
        1
    );

    let body = report(client, "group_by=cta").await;
    assert_eq!(body["rows"].as_array().unwrap().len(), 1, "{body}");
    let row = &body["rows"][0];
    assert_eq!(row["key"], json!({"cta": "hero"}));
    assert_eq!(numbers(&row["values"], ["visits", "cta_views", "cta_clicks"]), [1, 1, 1]);
    assert_eq!(body["totals"]["visits"], 2, "the whole has visits without any call to action");

    for (query, at) in [
        ("since_day=hoy", "since_day"),
        ("since_day=2026-11-02&until_day=2026-11-01", "since_day"),
        ("since_day=1990-01-01", "since_day"),
        ("group_by=weekday", "group_by"),
        ("channel=radio", "channel"),
        ("bots=some", "bots"),
    ] {
        client
            .get(&format!("/api/v1/sites/acme/reports/counters?{query}"))
            .await
            .problem_at(400, "invalid", at);
    }
}

#[tokio::test]
async fn programs_are_kept_apart_and_shown() {
    let app = TestApp::spawn().await;
    let client = &app.client;
    beacon_by(client, CHROME, &full("v", [page_view("p", NOW, ADS)])).await;
    beacon_by(client, "Googlebot/2.1", &full("g", [page_view("q", NOW, ADS)])).await;
    let foreign = full("f", [page_view("r", NOW, ADS)]).to_string();
    send(client.post("acme", foreign).header("origin", "https://example.org").header("user-agent", CHROME))
        .await
        .expect(200);
    assert_eq!(report(client, "").await["totals"]["visitors"], 1);
    assert_eq!(report(client, "bots=include").await["totals"]["visitors"], 3);
    let bots = client.get("/api/v1/sites/acme/reports/bots").await.expect(200);
    assert_eq!((&bots["without_bots"]["visits"], &bots["with_bots"]["visits"]), (&json!(1), &json!(3)));
    let rules: Vec<_> = bots["rows"].as_array().unwrap().iter().map(|row| &row["key"]["rule"]).collect();
    assert_eq!(rules, ["crawler:Googlebot/", "foreign_origin"]);
    let journey = client.journey("acme", "g").await;
    assert_eq!(
        (&journey[0]["bot"], &journey[0]["device"]["class"]),
        (&json!("crawler:Googlebot/"), &json!("unknown"))
    );
    let journey = client.journey("acme", "v").await;
    assert_eq!(journey[0]["device"], json!({"browser": "Chrome", "os": "Windows", "class": "desktop"}));
    assert!(journey[0].get("bot").is_none(), "{journey:?}");
}

#[tokio::test]
async fn the_pixel_counts_and_always_is_a_picture() {
    let app = TestApp::spawn().await;
    let client = &app.client;
    let ad = "/t/acme.gif?k=imp&c=otono&source=google&medium=cpc";
    for path in
        [ad, ad, &format!("{ad}&id=x"), &format!("{ad}&id=x"), "/t/acme.gif?k=wrong", "/t/nobody.gif?k=imp"]
    {
        let answer = bare(client, path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/gif")), "{path}");
        assert!(answer.header("cache-control").is_some_and(|text| text.contains("no-store")), "{path}");
        assert!(answer.header("set-cookie").is_none(), "{path}");
        assert!(answer.text.starts_with("GIF89a"), "{path}");
    }
    let body = report(client, "group_by=channel,campaign").await;
    assert_eq!(body["totals"]["ad_views"], 3, "one id counts once: {body}");
    assert_eq!(body["rows"][0]["key"], json!({"channel": "paid_search", "campaign": "otono"}));
    assert_eq!(body["totals"]["visits"], 0);
}

#[tokio::test]
async fn a_counted_link_leads_to_its_target_alone() {
    let app = TestApp::spawn().await;
    let client = &app.client;
    let links = "/api/v1/sites/acme/links";
    let target = "https://www.example.com/oferta";
    let item =
        json!({"id": "otono", "target": target, "source": "boletin", "medium": "email", "campaign": "otono"});
    let answer = client.put(links, &json!({"items": [item]})).await.expect(200);
    let url = answer["items"][0]["url"].as_str().unwrap();
    assert!(url.ends_with("/t/acme/r/otono"), "{url}");
    assert_eq!(client.get(links).await.expect(200), answer);

    let answer = bare(client, "/t/acme/r/otono?gclid=G").await;
    assert_eq!(answer.status, 302);
    let expected = format!("{target}?gclid=G&utm_source=boletin&utm_medium=email&utm_campaign=otono");
    assert_eq!(answer.header("location"), Some(expected.as_str()));
    for path in ["/t/acme/r/other", "/t/nobody/r/otono", "/t/acme/r/https:%2F%2Fexample.org"] {
        bare(client, path).await.problem(404, "not-found");
    }
    let head = send(client.bare(Method::HEAD, "/t/acme/r/otono")).await;
    assert_eq!(head.status, 302);
    send(client.bare(Method::GET, "/t/acme/r/otono").header("user-agent", "Googlebot/2.1")).await;
    let body = report(client, "group_by=channel,source").await;
    assert_eq!(body["totals"]["ad_clicks"], 1, "neither a look nor a program is a click: {body}");
    assert_eq!(body["rows"][0]["key"], json!({"channel": "email", "source": "boletin"}));

    for (body, at) in [
        (json!({"items": [{"id": "a b", "target": target}]}), "/items/0/id"),
        (json!({"items": [{"id": "a", "target": "javascript:alert(1)"}]}), "/items/0/target"),
        (json!({"items": [{"id": "a", "target": "//example.org"}]}), "/items/0/target"),
        (json!({"items": [{"id": "a", "target": target}, {"id": "a", "target": target}]}), "/items/1/id"),
    ] {
        client.put(links, &body).await.problem_at(400, "invalid", at);
    }
    let mut app = app;
    app.restart().await;
    assert_eq!(bare(&app.client, "/t/acme/r/otono").await.status, 302, "links are kept");
    app.client.put(links, &json!({"items": []})).await.expect(200);
    bare(&app.client, "/t/acme/r/otono").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_cost_is_replaced_by_its_key() {
    let app = TestApp::spawn().await;
    let client = &app.client;
    let path = "/api/v1/sites/acme/costs";
    let cost = |cost: i64, source: &str| {
        json!({"items": [{"day": "2026-11-22", "source": source, "medium": "cpc", "campaign": "otono", "cost": cost,
                          "currency": "EUR", "impressions": 100, "clicks": 4}]})
    };
    let ingest = client.role("ingest", "acme").await;
    assert_eq!(
        ingest.post_json(path, &cost(500, "google")).await.expect(200),
        json!({"accepted": 1, "duplicate": 0})
    );
    assert_eq!(
        ingest.post_json(path, &cost(500, "google")).await.expect(200),
        json!({"accepted": 0, "duplicate": 1})
    );
    let totals =
        |body: Value| numbers(&body["totals"], ["cost", "ad_views", "ad_clicks", "ad_clicks_imported"]);
    assert_eq!(totals(report(client, "").await), [500, 100, 4, 4]);
    assert_eq!(report(client, "since_day=2026-11-22").await["currency"], "EUR");
    ingest.post_json(path, &cost(700, "google")).await.expect(200);
    ingest.post_json(path, &cost(11, "bing")).await.expect(200);
    assert_eq!(totals(report(client, "").await), [711, 200, 8, 8]);
    ingest.post_json(path, &cost(500, "google")).await.expect(200);
    assert_eq!(totals(report(client, "").await), [511, 200, 8, 8], "a cost can be set back");

    client.role("marketing", "acme").await.post_json(path, &cost(1, "x")).await.problem(403, "forbidden");
    let wrong = |name: &str, value: Value| {
        let mut body = cost(1, "x");
        body["items"][0][name] = value;
        body
    };
    for (body, at) in [
        (wrong("day", json!("22/11/2026")), "/items/0/day"),
        (wrong("currency", json!("USD")), "/items/0/currency"),
        (wrong("impressions", json!(1e18 as u64)), "/items/0/impressions"),
        (json!({"items": []}), "/items"),
    ] {
        client.post_json(path, &body).await.problem_at(400, "invalid", at);
    }
    assert_eq!(totals(report(client, "").await), [511, 200, 8, 8], "what is wrong changes nothing");
}

#[tokio::test]
async fn a_change_of_rules_is_applied_to_all_of_history() {
    let app = TestApp::spawn().await;
    let client = &app.client;
    client.store("acme", &full("v", [page_view("p", NOW, ADS), callback("p", 1, NOW, "600 000 000")])).await;
    assert_eq!(report(client, "").await["rows"][0]["key"]["channel"], "paid_search");
    let site =
        |rules: Value| json!({"domains": ["example.com"], "consent_default": "full", "channel_rules": rules});
    client.put_site("acme", &site(json!([{"channel": "affiliate", "when": {"campaign": "OTO*"}}]))).await;
    let body = report(client, "").await;
    assert_eq!(body["rows"].as_array().unwrap().len(), 1, "nothing is left of the old channel: {body}");
    assert_eq!(body["rows"][0]["key"]["channel"], "affiliate");
    assert_eq!(client.leads("acme").await[0]["origin"]["last"]["channel"], "affiliate");
    assert_eq!(client.journey("acme", "v").await[0]["touch"]["channel"], "affiliate");
    let path = "/api/v1/sites/acme";
    for (rules, at) in [
        (json!([{"channel": "affiliate", "when": {}}]), "/channel_rules/0/when"),
        (json!([{"channel": "radio", "when": {"source": "x"}}]), "/channel_rules/0/channel"),
        (json!([{"channel": "sms", "when": {"colour": "x"}}]), "/channel_rules/0/when/colour"),
    ] {
        client.put(path, &site(rules)).await.problem_at(400, "invalid", at);
    }
}

#[tokio::test]
async fn a_country_is_believed_from_trusted_proxies_alone() {
    for (trusted, expected) in [(true, json!("MX")), (false, Value::Null)] {
        let app = TestApp::with(|options| {
            options.country_header = Some("CF-IPCountry".to_owned());
            if trusted {
                options.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
            }
        })
        .await;
        let client = &app.client;
        let say = async |beacon: Value| {
            send(client.post("acme", beacon.to_string()).header("cf-ipcountry", "MX")).await.expect(200);
        };
        say(full("v", [page_view("p", NOW, ADS)])).await;
        assert_eq!(client.journey("acme", "v").await[0]["country"], expected);
    }
}

#[tokio::test]
async fn a_scope_sees_its_own_rows_and_totals_of_them() {
    let app = TestApp::spawn().await;
    let client = &app.client;
    client.store("acme", &full("v", [page_view("p", NOW, ADS)])).await;
    client
        .store(
            "acme",
            &full("w", [page_view("q", NOW, "https://example.com/?utm_source=x&utm_medium=email")]),
        )
        .await;
    let token = json!({"role": "marketing", "site": "acme", "scope": {"channels": ["email"]}});
    let token = client.post_json("/api/v1/tokens", &token).await.expect(201);
    let scoped = client.with_token(token["token"].as_str().unwrap());
    let body = report(&scoped, "").await;
    assert_eq!(body["totals"]["visitors"], 1, "{body}");
    assert_eq!(body["rows"].as_array().unwrap().len(), 1, "{body}");
    client
        .role("agent", "acme")
        .await
        .get("/api/v1/sites/acme/reports/counters")
        .await
        .problem(403, "forbidden");
    client
        .role("ingest", "acme")
        .await
        .get("/api/v1/sites/acme/reports/bots")
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn every_value_of_a_report_is_in_the_dictionary() {
    let app = TestApp::spawn().await;
    let body = report(&app.client, "").await;
    let dictionary = app.client.get("/api/v1/sites/acme/metrics-dictionary").await.expect(200);
    let mut named: Vec<_> =
        dictionary["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    let campaigns = app.client.get("/api/v1/sites/acme/reports/campaigns").await.expect(200);
    let sla = app.client.get("/api/v1/sites/acme/reports/sla").await.expect(200);
    let totals =
        [&body["totals"], &campaigns["totals"], &sla["totals"]].map(|totals| totals.as_object().unwrap());
    let served: BTreeSet<&str> = totals.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    named.sort_unstable();
    let served: Vec<&str> = served.into_iter().collect();
    assert_eq!(named, served);
}

#[tokio::test]
async fn a_data_centres_network_is_a_hint_and_its_address_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("networks");
    std::fs::write(&list, "# hosting\n203.0.113.0/24\n").unwrap();
    let app = TestApp::with(|options| {
        options.datacentres = Some(list.clone());
        options.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let client = &app.client;
    for (visitor, address, agent) in
        [("v0", "203.0.113.9", CHROME), ("v1", "198.51.100.9", CHROME), ("v2", "203.0.113.10", "curl/8.5.0")]
    {
        let beacon = full(visitor, [page_view(&format!("p-{visitor}"), NOW, ADS)]);
        let request = client.post("acme", beacon.to_string());
        let request = request.header("user-agent", agent).header("x-forwarded-for", address);
        assert_eq!(send(request).await.expect(200)["accepted"], 1);
    }
    client.settled().await;
    let bots = client.get("/api/v1/sites/acme/reports/bots").await.expect(200);
    let rules: Vec<_> =
        bots["rows"].as_array().unwrap().iter().map(|row| row["key"]["rule"].clone()).collect();
    assert_eq!(rules, [json!("crawler:^curl"), json!("datacentre")], "the user agent says more: {bots}");
    assert_eq!(numbers(&bots["without_bots"], ["visitors"]), [1]);
    let bot = |visitor: &'static str| async move { client.journey("acme", visitor).await[0]["bot"].clone() };
    assert_eq!((bot("v0").await, bot("v1").await), (json!("datacentre"), json!(null)));

    // Shown and followed, by a program there and by a person elsewhere.
    let links =
        json!({"items": [{"id": "otono", "target": "https://www.example.com/", "source": "boletin"}]});
    client.put("/api/v1/sites/acme/links", &links).await.expect(200);
    for address in ["203.0.113.9", "198.51.100.9"] {
        for (path, status) in [("/t/acme.gif?k=imp&source=boletin", 200), ("/t/acme/r/otono", 302)] {
            let request = client.bare(Method::GET, path).header("user-agent", CHROME);
            assert_eq!(send(request.header("x-forwarded-for", address)).await.status, status);
        }
    }
    for (asked, expected) in [("bots=exclude", [1, 1]), ("bots=include", [2, 2])] {
        let body = report(client, &format!("source=boletin&{asked}")).await;
        assert_eq!(numbers(&body["totals"], ["ad_views", "ad_clicks"]), expected, "{asked}: {body}");
    }

    let log = app.app().store.read(1, 0, 100).await.unwrap();
    let text =
        serde_json::to_string(&log.iter().map(|stored| stored.entry.as_ref()).collect::<Vec<_>>()).unwrap();
    assert!(!text.contains("203.0.113") && !text.contains("198.51.100"), "no address is kept");
}

#[tokio::test]
async fn the_rules_can_be_read_and_reports_name_them() {
    let app = TestApp::spawn().await;
    let client = &app.client;
    let marketer = client.role("marketing", "acme").await;
    let read = async || marketer.get("/api/v1/sites/acme/channel-rules").await.expect(200);
    let named = async |query: &str| report(&marketer, query).await["channel_rules_version"].clone();
    let rules = read().await;
    assert_eq!((&rules["version"], &rules["own"]), (&json!("2"), &json!([])));
    assert_eq!(named("group_by=day,channel").await, rules["version"]);
    assert_eq!(named("group_by=day&channel=email").await, rules["version"]);
    assert_eq!(named("group_by=day").await, Value::Null, "a report without channels follows none");
    let search = rules["sources"].as_array().unwrap().iter().find(|kind| kind["kind"] == "search").unwrap();
    assert_eq!(search["alone"], "organic_search");
    assert!(search["words"].as_array().unwrap().contains(&json!("google")), "{search}");
    assert!(search["with"].as_array().unwrap().contains(&json!({"says": "paid", "channel": "paid_search"})));

    let own = json!([{"channel": "affiliate", "when": {"source": "blog*"}}]);
    let site = json!({"domains": ["example.com"], "consent_default": "full", "channel_rules": own});
    client.put_site("acme", &site).await;
    let rules = read().await;
    assert_eq!(rules["own"], own);
    assert_ne!(rules["version"], "2");
    assert_eq!(named("group_by=channel").await, rules["version"]);
    client
        .role("ingest", "acme")
        .await
        .get("/api/v1/sites/acme/channel-rules")
        .await
        .problem(403, "forbidden");
}
