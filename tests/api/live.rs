//! What happens, as it happens: in order, resumable, within role and scope, and gone when its reader is.

use std::time::{Duration, Instant};

use collector::{
    clock::Clock as _,
    domain::{fact::Entry, id::Id},
    store::Append,
};
use e2e::{
    NOW, TestApp,
    beacon::{anonymous, callback, event, full, page_view},
    client::Client,
    eventually, holds,
};
use reqwest::Method;
use serde_json::{Value, json};

const LIVE: &str = "/api/v1/sites/acme/live";
const AD: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono";

/// A reader of a stream.
pub(crate) struct Reader {
    response: reqwest::Response,
    text: String,
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    pub(crate) event: String,
    pub(crate) id: String,
    pub(crate) data: Value,
}

impl Message {
    /// `event 3` and what it is about, for lists.
    fn brief(&self) -> String {
        let what = ["event", "id", "stage", "reason"].iter().find_map(|name| self.data[*name].as_str());
        let what = if self.event == "lead" { "lead" } else { what.unwrap_or("") };
        format!("{} {} {what}", self.id, self.event)
    }
}

impl Reader {
    pub(crate) async fn open(client: &Client, query: &str, last: Option<&str>) -> Self {
        let mut request =
            client.request(Method::GET, &format!("{LIVE}{query}")).timeout(Duration::from_secs(120));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!((header("cache-control"), header("x-accel-buffering")), ("no-store".into(), "no".into()));
        let mut reader = Self { response, text: String::new() };
        // The first line says that the stream stands.
        while !reader.text.contains("\n\n") {
            assert!(reader.more().await, "it ended at once");
        }
        reader
    }

    /// Reads more; false at the end.
    async fn more(&mut self) -> bool {
        match tokio::time::timeout(Duration::from_secs(60), self.response.chunk()).await.expect("in time") {
            Ok(Some(bytes)) => {
                self.text.push_str(std::str::from_utf8(&bytes).expect("text"));
                true
            }
            Ok(None) | Err(_) => false,
        }
    }

    /// The next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let prefix = format!("{name}: ");
                    block.lines().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned)
                };
                let message = field("data").map(|data| Message {
                    event: field("event").expect("a type"),
                    id: field("id").unwrap_or_default(),
                    data: serde_json::from_str(&data).expect("JSON"),
                });
                self.text = rest.to_owned();
                if message.is_some() {
                    return message;
                }
            } else if !self.more().await {
                return None;
            }
        }
    }

    async fn take(&mut self, count: usize) -> Vec<String> {
        let mut briefs = Vec::new();
        for _ in 0..count {
            briefs.push(self.next().await.expect("a message").brief());
        }
        briefs
    }
}

async fn streams(client: &Client) -> f64 {
    client.metric("traza_live_streams").await.unwrap()
}

async fn send(client: &Client, visitor: &str, page: &str) {
    let lead = callback(page, 2, NOW + 2, "600 000 001");
    let click = event(page, 1, NOW + 1, "call_click", json!({"number": "+34900111001"}));
    client.store("acme", &full(visitor, [page_view(page, NOW, AD), click, lead])).await;
}

#[tokio::test]
async fn events_leads_and_stages_come_in_the_order_of_the_log() {
    let app = TestApp::spawn().await;
    send(&app.client, "before", "o").await;
    let mut reader = Reader::open(&app.client, "", None).await;
    send(&app.client, "v", "p").await;
    let briefs = reader.take(4).await;
    assert_eq!(briefs, ["4 event p-0", "5 event p-1", "6 event p-2", "6.1 lead lead"]);
    let lead = app.client.leads("acme").await[0]["id"].as_str().unwrap().to_owned();
    let moved = json!({"stage": "mql", "by": "ana", "reason": "interesada"});
    app.client.post_json(&format!("/api/v1/sites/acme/leads/{lead}/stage"), &moved).await;
    let stage = reader.next().await.unwrap();
    assert_eq!(stage.brief(), "7 stage mql");
    assert_eq!((&stage.data["lead"], &stage.data["by"]), (&json!(lead), &json!("ana")));

    let mut again = Reader::open(&app.client, "?after=0", None).await;
    let all = again.take(9).await;
    assert_eq!(all[..4], ["1 event o-0", "2 event o-1", "3 event o-2", "3.1 lead lead"]);
    assert_eq!(all[4..8], briefs[..]);
}

#[tokio::test]
async fn a_message_tells_what_the_journey_and_the_list_of_leads_tell() {
    let app = TestApp::spawn().await;
    let mut reader = Reader::open(&app.client, "", None).await;
    send(&app.client, "v", "p").await;
    let view = reader.next().await.unwrap().data;
    assert_eq!(
        (&view["visitor"], &view["kind"], &view["url"]),
        (&json!("v"), &json!("page_view"), &json!(AD))
    );
    assert_eq!((&view["position"], &view["received_at"]), (&json!(1), &json!(NOW)));
    assert_eq!(view["touch"]["channel"], "paid_search");
    let call = reader.next().await.unwrap().data;
    assert_eq!(
        (&call["number"], &call["at"], call.get("touch")),
        (&json!("+34900111001"), &json!(NOW + 1), None)
    );
    reader.next().await.unwrap();
    let mut told = reader.next().await.unwrap().data;
    assert_eq!(told["contact"]["phone"], "+34600000001");
    told.as_object_mut().unwrap().remove("position");
    assert_eq!(told, app.client.leads("acme").await[0]);
    let mut iso = Reader::open(&app.client, "?after=0&time=iso", None).await;
    assert_eq!(iso.next().await.unwrap().data["at"], "2026-11-22T01:20:00Z");
}

#[tokio::test]
async fn a_reader_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let mut app = TestApp::spawn().await;
    for n in 0..3 {
        send(&app.client, &format!("v{n}"), &format!("p{n}")).await;
    }
    app.client.settled().await;
    let mut whole = Reader::open(&app.client, "?after=0", None).await;
    let mut all = Vec::new();
    for _ in 0..12 {
        all.push(whole.next().await.unwrap());
    }
    drop(whole);
    app.restart().await;
    for (seen, last) in all.iter().enumerate().take(11) {
        let mut rest = Reader::open(&app.client, "?after=0", Some(&last.id)).await;
        let next = rest.next().await.unwrap();
        assert_eq!(next, all[seen + 1], "after {}", last.id);
    }
    // Beyond the end: of a store that was since replaced. It begins now.
    let mut beyond = Reader::open(&app.client, "?after=99999", None).await;
    send(&app.client, "w", "q").await;
    // Who looked at contact details is a fact, too: positions go on.
    assert!(beyond.take(1).await[0].ends_with(" event q-0"));
}

#[tokio::test]
async fn filters_choose_by_type_kind_visitor_channel_and_campaign() {
    let app = TestApp::spawn().await;
    send(&app.client, "v", "p").await;
    let direct = callback("q", 1, NOW + 9, "600 000 002");
    app.client.store("acme", &full("w", [page_view("q", NOW, "https://www.example.com/"), direct])).await;
    app.client.store("acme", &anonymous([page_view("r", NOW, AD)])).await;
    app.client.settled().await;
    let cases: [(&str, &[&str]); 11] = [
        ("types=lead", &["3.1 lead lead", "5.1 lead lead"]),
        ("types=stage,lead", &["3.1 lead lead", "5.1 lead lead"]),
        ("kind=call_click", &["2 event p-1"]),
        ("kind=callback", &["3.1 lead lead", "5.1 lead lead"]),
        ("kind=page_view", &["1 event p-0", "4 event q-0", "6 event r-0"]),
        ("visitor=w", &["4 event q-0", "5 event q-1", "5.1 lead lead"]),
        ("visitor=w&types=lead", &["5.1 lead lead"]),
        ("channel=direct", &["4 event q-0", "5 event q-1", "5.1 lead lead"]),
        ("channel=paid_search&types=event", &["1 event p-0", "2 event p-1", "3 event p-2", "6 event r-0"]),
        ("campaign=otono&types=lead", &["3.1 lead lead"]),
        ("channel=email", &[]),
    ];
    for (query, expected) in cases {
        let mut reader = Reader::open(&app.client, &format!("?after=0&{query}"), None).await;
        assert_eq!(reader.take(expected.len()).await, expected, "{query}");
    }
    let mut quiet = Reader::open(&app.client, "?after=0&types=event&channel=paid_search", None).await;
    let views = quiet.next().await.unwrap().data;
    assert!(views["visit"].is_string(), "a filter by source knows the visit: {views}");
    for (query, name) in
        [("after=x", "after"), ("types=all", "types"), ("visitor=a%20b", "visitor"), ("after=-1", "after")]
    {
        app.client.get(&format!("{LIVE}?{query}")).await.problem_at(400, "invalid", name);
    }
}

#[tokio::test]
async fn role_and_scope_are_obeyed() {
    let app = TestApp::spawn().await;
    send(&app.client, "v", "p").await;
    app.client.store("acme", &full("w", [page_view("q", NOW, "https://www.example.com/")])).await;
    let lead = app.client.leads("acme").await[0]["id"].as_str().unwrap().to_owned();
    let moved = json!({"stage": "mql", "by": "ana", "reason": "interesada"});
    app.client.post_json(&format!("/api/v1/sites/acme/leads/{lead}/stage"), &moved).await;
    app.client.settled().await;
    for role in ["ingest", "agent"] {
        app.client.role(role, "acme").await.get(LIVE).await.problem(403, "forbidden");
    }
    app.client.put_site("otra", &json!({})).await;
    app.client.role("marketing", "otra").await.get(LIVE).await.problem(403, "forbidden");
    app.client.with_token("tz_none").get(LIVE).await.problem(401, "unauthorized");

    let marketing = app.client.role("marketing", "acme").await;
    let mut reader = Reader::open(&marketing, "?after=0", None).await;
    let mut whole = String::new();
    for _ in 0..6 {
        let message = reader.next().await.unwrap();
        whole += &format!("{} {}", message.event, message.data);
    }
    for hidden in ["600000001", "600 000 001", "\"contact\":", "ana", "interesada"] {
        assert!(!whole.contains(hidden), "{hidden} in {whole}");
    }
    let body = json!({"role": "marketing", "site": "acme", "scope": {"channels": ["paid_search"]}});
    let token = app.client.post_json("/api/v1/tokens", &body).await.expect(201);
    let agency = app.client.with_token(token["token"].as_str().unwrap());
    let mut reader = Reader::open(&agency, "?after=0", None).await;
    let seen = reader.take(5).await;
    assert_eq!(seen, ["1 event p-0", "2 event p-1", "3 event p-2", "3.1 lead lead", "5 stage mql"]);
    let body = json!({"role": "marketing", "site": "acme", "scope": {"channels": ["email"]}});
    let token = app.client.post_json("/api/v1/tokens", &body).await.expect(201);
    let other = app.client.with_token(token["token"].as_str().unwrap());
    let mut reader = Reader::open(&other, "?after=0", None).await;
    app.client
        .store(
            "acme",
            &full("x", [page_view("s", NOW, "https://www.example.com/?utm_medium=email&utm_source=n")]),
        )
        .await;
    let first = reader.take(1).await;
    assert!(first[0].ends_with(" event s-0"), "nothing of what is outside the scope came before: {first:?}");
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let app = TestApp::in_memory().await;
    let token =
        app.client.post_json("/api/v1/tokens", &json!({"role": "sales", "site": "acme"})).await.expect(201);
    let mut reader = Reader::open(&app.client.with_token(token["token"].as_str().unwrap()), "", None).await;
    let id = token["id"].as_str().unwrap();
    let path = format!("/api/v1/tokens/{id}");
    assert!(e2e::client::send(app.client.request(Method::DELETE, &path)).await.status < 300);
    let last = reader.next().await.unwrap();
    assert_eq!((last.event.as_str(), &last.data["reason"]), ("dropped", &json!("token")));
    assert!(reader.next().await.is_none());
    holds("its place is free", async || streams(&app.client).await == 0.0).await;
}

#[tokio::test]
async fn a_reader_that_goes_away_leaves_nothing_behind() {
    let app = TestApp::in_memory().await;
    let mut readers = Vec::new();
    for _ in 0..20 {
        readers.push(Reader::open(&app.client, "", None).await);
    }
    assert_eq!(streams(&app.client).await, 20.0);
    drop(readers);
    eventually("every place is free", Duration::from_secs(45), async || {
        (streams(&app.client).await == 0.0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stop_waits_for_no_reader_and_tells_it() {
    let mut app = TestApp::spawn().await;
    let mut reader = Reader::open(&app.client, "", None).await;
    let began = Instant::now();
    app.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let last = reader.next().await.unwrap();
    assert_eq!(
        (last.event.as_str(), &last.data["reason"], &last.data["after"]),
        ("dropped", &json!("shutdown"), &json!("0.255"))
    );
    assert!(reader.next().await.is_none());
    app.start().await;
    send(&app.client, "v", "p").await;
    let mut back = Reader::open(&app.client, "", Some(last.data["after"].as_str().unwrap())).await;
    assert_eq!(back.take(1).await, ["1 event p-0"]);
}

#[tokio::test]
async fn a_reader_that_reads_too_slowly_is_dropped_and_told_so() {
    let app = TestApp::in_memory().await;
    // More than every buffer on the way takes.
    for beacon in 0..150 {
        let (visitor, page) = (format!("v{beacon}"), format!("p{beacon}"));
        let text = "x".repeat(250);
        let events =
            (0..190).map(|n| event(&page, n, NOW, "custom", json!({"name": "x", "props": {"a": text}})));
        let beacon = full(&visitor, events);
        let body = beacon.to_string();
        assert!(body.len() < 64 * 1024, "{}", body.len());
        app.client.store("acme", &beacon).await;
    }
    app.client.settled().await;
    let mut reader = Reader::open(&app.client, "?after=0", None).await;
    eventually("it is dropped", Duration::from_secs(40), async || {
        (streams(&app.client).await == 0.0).then_some(())
    })
    .await;
    let mut count = 0_u64;
    let last = loop {
        let message = reader.next().await.expect("a last message");
        if message.event == "dropped" {
            break message;
        }
        count += 1;
        assert_eq!(message.id, count.to_string(), "no message is missing before the end");
    };
    assert_eq!(last.data["reason"], "slow");
    assert!(count < 150 * 190, "it was slow");
    assert!(reader.next().await.is_none());
    let metrics = app.client.metrics().await;
    assert!(metrics.contains("traza_live_dropped_total{reason=\"slow\"} 1"), "{metrics}");
    // Where the last message that came says, it goes on.
    let mut back = Reader::open(&app.client, "", Some(&count.to_string())).await;
    assert_eq!(back.next().await.unwrap().id, (count + 1).to_string());
}

#[tokio::test]
async fn what_was_acknowledged_is_seen_within_200_ms() {
    let app = TestApp::spawn().await;
    let mut reader = Reader::open(&app.client, "?types=event", None).await;
    let mut times = Vec::new();
    for n in 0..100 {
        let page = format!("p{n}");
        app.client.store("acme", &full(&format!("v{n}"), [page_view(&page, NOW, AD)])).await;
        let acknowledged = Instant::now();
        assert_eq!(reader.next().await.unwrap().data["page"], json!(page));
        times.push(acknowledged.elapsed());
    }
    times.sort();
    println!("visible after the ack: p50 {:?}, p95 {:?}, worst {:?}", times[49], times[94], times[99]);
    assert!(times[94] < Duration::from_millis(200), "p95 {:?}", times[94]);
}

#[tokio::test]
async fn what_happened_elsewhere_is_told_with_its_lead() {
    let app = TestApp::spawn().await;
    send(&app.client, "v", "p").await;
    app.client.settled().await;
    let mut reader = Reader::open(&app.client, "?types=event&kind=email_opened", None).await;
    for (id, kind) in [("a", "email_sent"), ("b", "email_opened")] {
        let told = json!({"external_id": id, "kind": kind, "lead": "ref:p-2", "props": {"message": "m"}});
        app.client.post_json("/api/v1/sites/acme/events", &told).await.expect(201);
    }
    let message = reader.next().await.expect("a message");
    let lead = app.client.leads("acme").await[0]["id"].clone();
    assert_eq!((message.event.as_str(), &message.data["lead"]), ("event", &lead));
    assert_eq!((&message.data["trust"], &message.data["props"]), (&json!("low"), &json!({"message": "m"})));
}

#[tokio::test]
async fn a_site_that_goes_quiet_is_told_once() {
    const WEEK: i64 = 7 * 86_400_000;
    let mut app = TestApp::spawn().await;
    // Thirty beacons in this hour of each of the four weeks before, and one now.
    app.client.store("acme", &full("v", [page_view("now", NOW, AD)])).await;
    let shared = app.app();
    let Entry::Arrival(now) = shared.store.read(1, 0, 1).await.unwrap()[0].entry.as_ref().clone() else {
        panic!("a beacon")
    };
    for before in (1..=4).flat_map(|week| (0..30).map(move |n| (week, n))) {
        let mut arrival = now.clone();
        arrival.received_at -= before.0 * WEEK;
        arrival.events[0].page = Id::parse(&format!("w{}n{}", before.0, before.1)).unwrap();
        shared.store.append(Append::of(1, Entry::Arrival(arrival))).await.unwrap();
    }
    drop(shared);
    app.client.settled().await;
    let silent = "traza_site_silent{site=\"acme\"}";
    app.clock.advance(29 * 60_000);
    assert_eq!(app.client.metric(silent).await, Some(0.0));
    let mut reader = Reader::open(&app.client, "?types=silent", None).await;
    app.clock.advance(16 * 60_000);
    let told = reader.next().await.expect("a message");
    assert_eq!(told.event, "silent");
    assert_eq!((&told.data["since"], &told.data["kind"]), (&json!(NOW), &json!("silent")));
    assert!(told.data["expected"].as_u64() >= Some(20), "{told:?}");
    let is = |expected: f64| {
        let client = app.client.clone();
        async move {
            eventually("the gauge", Duration::from_secs(20), async || {
                (client.metric(silent).await == Some(expected)).then_some(())
            })
            .await;
        }
    };
    is(1.0).await;
    drop(reader);

    app.restart().await;
    let is = |expected: f64| {
        let client = app.client.clone();
        async move {
            eventually("the gauge", Duration::from_secs(20), async || {
                (client.metric(silent).await == Some(expected)).then_some(())
            })
            .await;
        }
    };
    is(1.0).await;
    app.client.store("acme", &full("v", [page_view("back", app.clock.now(), AD)])).await;
    app.clock.advance(60_000);
    is(0.0).await;
    let mut again = Reader::open(&app.client, "?after=0&types=silent,event&kind=silent", None).await;
    assert_eq!(again.next().await, Some(told), "after a restart it is the same one");
    let scoped = json!({"role": "marketing", "site": "acme", "scope": {"channels": ["email"]}});
    let token = app.client.post_json("/api/v1/tokens", &scoped).await.expect(201);
    let scoped = app.client.with_token(token["token"].as_str().unwrap());
    let mut apart = Reader::open(&scoped, "?after=0&types=silent", None).await;
    app.handle().stop(false).await;
    while let Some(message) = apart.next().await {
        assert_eq!(message.event, "dropped", "who sees a part is not told about the whole");
    }
}
