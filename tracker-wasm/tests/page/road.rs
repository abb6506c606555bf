//! How events leave.

use std::collections::BTreeSet;

use wasm_bindgen_test::wasm_bindgen_test;
use wire::{beacon::Via, limits};

use crate::page::{
    Tracker, act, answer, beacons, clean, click, cores, crowd, events, fire, is_click_id, kept, mint,
    of_kind, pause, remember, sent, show, submit, title, until,
};

const PAGE: &str = r#"<a id=call href="tel:+34600000000">Call</a><button>More</button>
    <form data-traza-lead=callback><input name=phone value=600000000></form>"#;

/// A document without a title, whose page view waits for one, and so leaves with what is done first.
fn untitled() {
    title("");
}

async fn started() -> Tracker {
    clean();
    show(PAGE);
    let tracker = Tracker::start("full");
    pause(20).await;
    tracker
}

#[wasm_bindgen_test]
fn no_request_is_over_48_kb_and_no_event_is_lost_by_it() {
    for (count, size) in [(1, 100), (200, 300), (120, 1_000), (40, 5_000), (3, 30_000)] {
        clean();
        let posts = crowd("full", count, size);
        assert!(posts.iter().all(|post| post.bytes <= limits::SEND_BYTES), "{count} of {size}");
        let ids: Vec<_> = posts.iter().flat_map(|post| post.events()).map(|event| event.id.clone()).collect();
        assert_eq!(ids.len(), count as usize);
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), count as usize);
        // As few requests as can be: no two neighbours would fit into one, after the twenty that left at once.
        for pair in posts.windows(2).skip(1) {
            assert!(pair[0].bytes + size as usize > limits::SEND_BYTES, "{count} of {size}");
        }
    }
}

#[wasm_bindgen_test]
fn what_outlives_the_page_stays_within_the_browsers_quota() {
    clean();
    let posts = crowd("full", 180, 1_000);
    // None has had its answer yet.
    let outlives: usize = posts.iter().filter(|post| post.how == "keepalive").map(|post| post.bytes).sum();
    assert!((16 * 1024..64 * 1024).contains(&outlives), "{outlives}");
    assert!(posts.iter().any(|post| post.how == "fetch"), "the rest needs the page to live on");
    assert_eq!(of_kind("custom").len(), 180);
}

#[wasm_bindgen_test]
fn memory_is_bounded_and_what_it_cost_is_told() {
    clean();
    crowd("full", 260, 400);
    // The first twenty left at once, and while their answer is awaited no more than that many wait.
    assert_eq!(of_kind("custom").len(), 20 + limits::EVENTS);
    let lost = &of_kind("tracker_error")[0];
    assert_eq!((lost.code.as_deref(), lost.count), (Some("lost_overflow"), Some(40)));
}

#[wasm_bindgen_test]
async fn a_page_end_is_a_beacon_and_one_that_is_not_taken_a_fetch() {
    for taken in [true, false] {
        let tracker = started().await;
        tracker.track("quote", "who", &"@ana".into());
        pause(20).await;
        assert_eq!(cores(), 1);
        beacons(taken);
        click("button");
        fire("pagehide", false);
        let posts = sent();
        let last = posts.last().expect("something");
        assert_eq!(last.how, if taken { "beacon" } else { "keepalive" });
        assert_eq!(last.envelope().via, Some(Via::Wasm));
        // Taken by the browser is not received by the collector.
        assert!(kept("tz_q").is_some_and(|text| text.contains("page_leave")));
        let leave = of_kind("page_leave");
        assert_eq!(leave.len(), 1);
        assert!(leave[0].engaged_ms.is_some() && leave[0].scroll_pct.is_some_and(|percent| percent <= 100));
        // Once for each page view, however often the page ends.
        fire("pagehide", false);
        assert_eq!(of_kind("page_leave").len(), 1);
        drop(tracker);
    }
}

#[wasm_bindgen_test]
async fn a_return_from_the_cache_is_another_page_view() {
    let _tracker = started().await;
    fire("pagehide", true);
    fire("pageshow", true);
    fire("pagehide", false);
    let views = of_kind("page_view");
    assert_eq!(views.len(), 2);
    assert_ne!(views[0].page, views[1].page);
    // What had no answer was told once more, as it was.
    let told = events();
    for (n, event) in told.iter().enumerate() {
        let same = told[..n].iter().find(|other| other.id == event.id);
        assert!(same.is_none_or(|other| (&other.kind, other.at) == (&event.kind, event.at)), "{event:?}");
    }
}

#[wasm_bindgen_test]
async fn a_busy_collector_gets_the_same_events_again_when_it_asked_for() {
    clean();
    untitled();
    answer(503, Some(("Retry-After", "1")), None);
    show(PAGE);
    let _tracker = Tracker::start("full");
    pause(20).await;
    click("#call");
    until("the first try", || sent().len() == 1).await;
    pause(500).await;
    assert_eq!(sent().len(), 1, "not before it was asked for");
    assert!(kept("tz_q").is_some_and(|text| text.contains("tel:+34600000000")), "and safe meanwhile");
    until("the second", || sent().len() == 2).await;
    let posts = sent();
    let ids = |at: usize| posts[at].events().iter().map(|event| event.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(0), ids(1));
    until("nothing is left behind", || kept("tz_q").is_none()).await;
}

#[wasm_bindgen_test]
async fn what_the_collector_refuses_is_not_sent_again() {
    clean();
    untitled();
    answer(400, None, None);
    show(PAGE);
    let _tracker = Tracker::start("full");
    pause(20).await;
    click("#call");
    until("the first try", || sent().len() == 1).await;
    pause(2_500).await;
    let posts = sent();
    let (refused, later) = posts.split_first().expect("the first try");
    let ids: Vec<_> = later.iter().flat_map(|post| post.events()).map(|event| &event.id).collect();
    assert!(refused.events().iter().all(|event| !ids.contains(&&event.id)), "{ids:?}");
    fire("pagehide", false);
    let lost = of_kind("tracker_error");
    assert_eq!((lost[0].code.as_deref(), lost[0].count), (Some("lost_refused"), Some(2)));
}

#[wasm_bindgen_test]
async fn a_lead_survives_a_collector_that_is_down_and_a_page_that_ends() {
    clean();
    answer(0, None, None);
    show(PAGE);
    let tracker = Tracker::start("full");
    pause(20).await;
    submit("form");
    until("the try", || kept("tz_q").is_some()).await;
    beacons(false);
    answer(0, None, None);
    fire("pagehide", false);
    pause(20).await;
    drop(tracker);

    show("");
    let before = sent().len();
    let _next = Tracker::start("full");
    until("the next page's", || {
        sent()[before..].iter().any(|post| post.events().iter().any(|event| event.lead.is_some()))
    })
    .await;
    let ids: BTreeSet<_> = of_kind("form_submit").into_iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 1, "the same event, however often");
}

#[wasm_bindgen_test]
async fn what_has_no_answer_when_the_page_ends_is_kept_however_well_it_went_before() {
    let tracker = started().await;
    until("the collector was seen", || sent().len() == 1).await;
    pause(50).await;
    assert_eq!(kept("tz_q"), None);
    // The lead is under way, the click waits, and the network goes with the page.
    submit("form");
    click("button");
    fire("pagehide", false);
    let text = kept("tz_q").expect("what was told and not answered");
    for what in ["600000000", "\"click\"", "page_leave"] {
        assert!(text.contains(what), "{what}: {text}");
    }
    assert!(text.starts_with('1'), "the lead first: {text}");
    drop(tracker);

    let before = sent().len();
    let _next = Tracker::start("full");
    until("the next page tells it", || {
        let again: Vec<_> = sent()[before..].iter().flat_map(|post| post.events().to_vec()).collect();
        ["form_submit", "click", "page_leave"]
            .iter()
            .all(|kind| again.iter().any(|event| event.kind == *kind))
    })
    .await;
    let ids: BTreeSet<_> = of_kind("form_submit").into_iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), 1, "the same event");
    until("and has nothing left", || kept("tz_q").is_none() && kept("tz_l").is_none()).await;
}

#[wasm_bindgen_test]
async fn what_another_tab_has_kept_stays_for_whoever_comes_next() {
    clean();
    untitled();
    let at = js_sys::Date::now();
    let line =
        |name: &str| format!(r#"1{{"kind":"custom","id":"x-{name}","at":{at},"page":"x","name":"{name}"}}"#);
    answer(503, Some(("Retry-After", "1")), None);
    show(PAGE);
    let _tracker = Tracker::start("full");
    pause(20).await;
    click("#call");
    until("its own is kept", || kept("tz_q").is_some()).await;
    let own = kept("tz_q").unwrap_or_default();
    remember("tz_q", &format!("{own}\n{}", line("theirs")));
    until("its own was delivered", || sent().len() == 2).await;
    until("and the other's is left", || kept("tz_q").as_deref() == Some(line("theirs").as_str())).await;
    assert!(of_kind("custom").is_empty(), "whose it is tells it");
}

#[wasm_bindgen_test]
async fn a_collector_that_asked_to_be_left_alone_is_so_in_the_background_and_by_the_next_page() {
    clean();
    untitled();
    answer(503, Some(("Retry-After", "2")), None);
    show(PAGE);
    let tracker = Tracker::start("full");
    pause(20).await;
    let asked = js_sys::Date::now();
    click("#call");
    until("the first try", || kept("tz_p").is_some()).await;
    act("Object.defineProperty(document, 'hidden', { configurable: true, value: true });
         document.dispatchEvent(new Event('visibilitychange')); delete document.hidden");
    assert_eq!(sent().len(), 1, "a tab that is put away");
    drop(tracker);
    title("Next");
    let _next = Tracker::start("full");
    pause(500).await;
    assert_eq!(sent().len(), 1, "the next page");
    until("then all of it", || of_kind("page_view").len() == 3).await;
    assert!(js_sys::Date::now() - asked >= 2_000.0);
    until("and nothing is left", || kept("tz_q").is_none() && kept("tz_p").is_none()).await;
}

#[wasm_bindgen_test]
async fn a_lease_or_a_pause_of_a_clock_that_was_set_back_holds_nobody_up() {
    clean();
    let far = (js_sys::Date::now() + 4e9).to_string();
    remember("tz_l", &far);
    remember("tz_p", &far);
    let at = js_sys::Date::now();
    remember("tz_q", &format!(r#"0{{"kind":"custom","id":"x-1","at":{at},"page":"x","name":"young"}}"#));
    let _tracker = Tracker::start("full");
    until("what was kept", || of_kind("custom").len() == 1).await;
    assert_eq!(of_kind("page_view").len(), 1);
}

#[wasm_bindgen_test]
async fn what_is_kept_for_a_day_is_sent_and_what_is_older_is_counted() {
    clean();
    let line = |name: &str, hours: f64| {
        let at = js_sys::Date::now() - hours * 3_600_000.0;
        format!(r#"1{{"id":"old-{name}","at":{at},"page":"old","kind":"custom","name":"{name}"}}"#)
    };
    remember("tz_q", &format!("{}\nrubbish\n0{{\n\n17\n{}", line("stale", 25.0), line("young", 23.0)));
    let _tracker = Tracker::start("full");
    until("the young one", || of_kind("custom").len() == 1).await;
    until("the other is told of", || of_kind("tracker_error").len() == 1).await;
    let lost = &of_kind("tracker_error")[0];
    assert_eq!((lost.code.as_deref(), lost.count), (Some("lost_stale"), Some(1)));
    assert_eq!(of_kind("custom")[0].name.as_deref(), Some("young"));
    until("nothing is left behind", || kept("tz_q").is_none() && kept("tz_l").is_none()).await;
}

#[wasm_bindgen_test]
async fn without_the_core_the_page_still_tells() {
    clean();
    show(PAGE);
    let tracker = Tracker::without_core("full");
    pause(20).await;
    click("#call");
    submit("form");
    tracker.track("quote", "who", &"ana@example.com".into());
    until("the lead", || of_kind("form_submit").len() == 1).await;
    fire("pagehide", false);
    let ways: Vec<_> = sent().iter().filter_map(|post| post.envelope().via).collect();
    assert!(!ways.is_empty() && ways.iter().all(|via| *via == Via::Fallback), "{ways:?}");
    assert_eq!(of_kind("call_click")[0].number.as_deref(), Some("+34600000000"));
    assert_eq!(of_kind("page_view").len(), 1);
    assert!(!format!("{:?}", events()).contains("ana@"));
}

#[wasm_bindgen_test]
fn the_loader_knows_every_click_id_and_no_ordinary_field() {
    for id in wire::arrival::CLICK_IDS {
        assert!(is_click_id(id.key), "{}", id.key);
    }
    for field in ["email", "telefono", "name", "nombre", "q", "token", "password", "id", "user_id", "phone"] {
        assert!(!is_click_id(field), "{field}");
    }
}

#[wasm_bindgen_test]
async fn without_the_core_no_typed_value_leaves_in_an_address() {
    for (consent, expected) in
        [("full", "/next?plan=pro&utm_source=a&gclid=G1#/x?"), ("anonymous", "/next?utm_source=a&gclid=#/x?")]
    {
        clean();
        show(r#"<a href="/next?telefono=600000000&plan=pro&utm_source=a&gclid=G1#/x?p=SECRET">Next</a>"#);
        let _tracker = Tracker::without_core(consent);
        pause(20).await;
        click("a");
        fire("pagehide", false);
        assert_eq!(of_kind("click")[0].href.as_deref(), Some(expected));
    }
}

#[wasm_bindgen_test]
fn ids_are_uuids_of_version_7() {
    let mut ids: BTreeSet<_> = (0..100).map(|_| mint()).collect();
    // A page without TLS, or in an older browser, cannot ask for one.
    act("Object.defineProperty(crypto, 'randomUUID', { configurable: true, value: undefined })");
    ids.extend((0..100).map(|_| mint()));
    act("delete crypto.randomUUID");
    assert_eq!(ids.len(), 200);
    let now = js_sys::Date::now();
    for id in ids {
        let groups: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12], "{id}");
        assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-')), "{id}");
        assert_eq!(&id[14..15], "7");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
        let at = i64::from_str_radix(&id.replace('-', "")[..12], 16).expect("hex");
        assert!((now - at as f64).abs() < 5_000.0, "{id}");
    }
}

#[wasm_bindgen_test]
async fn what_is_more_than_may_be_kept_is_counted() {
    let tracker = started().await;
    for _ in 0..100 {
        tracker.track("paso", "texto", &"x".repeat(1_000).into());
    }
    submit("form");
    fire("pagehide", false);
    let text = kept("tz_q").expect("as much as fits");
    assert!((60_000..66_000).contains(&text.len()), "{}", text.len());
    assert!(text.starts_with('1') && text.contains("600000000"), "the lead first");
    let stays = text.matches("\"paso\"").count();
    let last = text.lines().last().unwrap_or_default();
    assert!(last.contains("lost_storage"), "{last}");
    let count: usize = last.split("\"count\":").nth(1).unwrap().trim_end_matches('}').parse().unwrap();
    // All but the first beacon, which was answered, and with the page's end.
    assert!(count > 20 && stays + count <= 102, "{stays} kept, {count} not");
}

#[wasm_bindgen_test]
async fn what_waits_for_another_try_leaves_as_the_tab_is_put_away() {
    clean();
    answer(503, None, None);
    show(PAGE);
    let _tracker = Tracker::start("anonymous");
    until("the first try", || sent().len() == 1).await;
    pause(50).await;
    submit("form");
    assert!(of_kind("form_submit").is_empty(), "it waits its two seconds");
    act("Object.defineProperty(document, 'hidden', { configurable: true, value: true });
         document.dispatchEvent(new Event('visibilitychange')); delete document.hidden");
    assert_eq!(of_kind("form_submit").len(), 1, "nothing is kept in this mode: it may be the last chance");
}

#[wasm_bindgen_test]
async fn what_was_given_to_the_browser_stays_kept_while_another_tab_delivers() {
    let tracker = started().await;
    until("the collector was seen", || sent().len() == 1).await;
    pause(50).await;
    fire("pagehide", true);
    let own = kept("tz_q").expect("the page's end");
    assert!(own.contains("page_leave"));
    // Another tab has begun to deliver it when this page comes back.
    let lease = (js_sys::Date::now() + 5_000.0).to_string();
    remember("tz_l", &lease);
    fire("pageshow", true);
    tracker.track("paso", "n", &1.into());
    until("its own", || of_kind("custom").len() == 1).await;
    pause(50).await;
    assert_eq!((kept("tz_q"), kept("tz_l")), (Some(own), Some(lease)), "the other's business");
}
