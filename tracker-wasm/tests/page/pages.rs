//! Page views: routes, returns, reloads, what a crash leaves, what the guard kept.

use wasm_bindgen_test::wasm_bindgen_test;
use wire::event::Event;

use crate::page::{
    Tracker, act, clean, click, events, fire, go, kept, mint, of_kind, pause, remember, sent, show, tap,
    title, until,
};

fn paths(views: &[Event]) -> Vec<String> {
    let path = |event: &Event| {
        let url = event.url.clone().unwrap_or_default();
        url.splitn(4, '/').nth(3).unwrap_or_default().to_owned()
    };
    views.iter().map(path).collect()
}

#[wasm_bindgen_test]
async fn a_route_is_a_page_view_with_its_own_title_and_leave() {
    clean();
    show("<button>More</button>");
    title("First");
    let _tracker = Tracker::start("full");
    until("the first", || of_kind("page_view").len() == 1).await;
    go("push", "/prices?plan=pro");
    pause(20).await;
    title("Prices");
    click("button");
    until("the second", || of_kind("page_view").len() == 2).await;
    go("back", "");
    until("the third", || of_kind("page_view").len() == 3).await;
    fire("pagehide", false);

    let views = of_kind("page_view");
    assert_eq!(paths(&views[1..2]), ["prices?plan=pro"]);
    let titles: Vec<_> = views.iter().map(|view| view.title.clone().unwrap_or_default()).collect();
    assert_eq!(titles[..2], ["First", "Prices"]);
    assert_eq!(views[1].referrer, views[0].url, "from within");
    let leaves = of_kind("page_leave");
    assert_eq!(leaves.len(), 3, "each has one");
    for (view, leave) in views.iter().zip(&leaves) {
        assert_eq!(leave.page, view.page);
        assert_eq!((&view.id, &leave.id), (&format!("{}-0", view.page), &format!("{}-1", view.page)));
    }
    assert_eq!(
        [&leaves[0].title, &leaves[1].title],
        [&None, &None],
        "the next page's name is none of a page's"
    );
    assert_eq!(of_kind("click")[0].page, views[1].page);
}

#[wasm_bindgen_test]
async fn a_document_that_has_a_title_is_told_at_once_and_one_that_it_settles_on_with_its_leave() {
    clean();
    title("App");
    let _tracker = Tracker::start("full");
    pause(20).await;
    assert_eq!(sent().len(), 1, "nothing is waited for");
    title("Precios");
    pause(2_200).await;
    fire("pagehide", false);
    assert_eq!(of_kind("page_view")[0].title.as_deref(), Some("App"));
    assert_eq!(of_kind("page_leave")[0].title.as_deref(), Some("Precios"));
}

#[wasm_bindgen_test]
async fn a_page_that_ends_in_the_task_that_the_tracker_came_in_is_told_all_the_same_and_once() {
    clean();
    title("App");
    let _tracker = Tracker::start("full");
    assert!(sent().is_empty(), "one task does not do all of it");
    fire("pagehide", false);
    let told = || (of_kind("page_view").len(), of_kind("page_leave").len());
    assert_eq!(told(), (1, 1));
    pause(50).await;
    assert_eq!(told(), (1, 1), "what was put off finds nothing left to tell");
}

#[wasm_bindgen_test]
async fn what_a_page_calls_itself_late_is_not_its_title() {
    clean();
    title("Precios");
    let _tracker = Tracker::start("full");
    pause(5_100).await;
    title("Come back!");
    fire("pagehide", false);
    assert_eq!(of_kind("page_leave").len(), 1);
    assert_eq!(of_kind("page_leave")[0].title, None);
}

#[wasm_bindgen_test]
async fn a_document_without_a_title_is_given_time_to_get_one() {
    clean();
    title("");
    let _tracker = Tracker::start("full");
    pause(20).await;
    assert!(sent().is_empty());
    title("Late");
    until("the page view", || of_kind("page_view").len() == 1).await;
    assert_eq!(of_kind("page_view")[0].title.as_deref(), Some("Late"));
}

#[wasm_bindgen_test]
async fn an_address_that_only_loses_its_campaign_is_the_same_page() {
    clean();
    go("replace", "/?utm_source=s&gclid=G1&plan=pro&_tz=a.b.c");
    let _tracker = Tracker::start("full");
    go("replace", "/?plan=pro");
    go("hash", "part");
    pause(1_200).await;
    let views = of_kind("page_view");
    assert_eq!(paths(&views), ["?utm_source=s&gclid=G1&plan=pro"], "as it was before it was rewritten");
}

#[wasm_bindgen_test]
async fn a_hash_is_a_page_where_the_site_says_so() {
    clean();
    let _tracker = Tracker::of("full", r#"{"hash_routes":true}"#);
    go("hash", "/prices");
    until("both", || of_kind("page_view").len() == 2).await;
}

#[wasm_bindgen_test]
async fn routes_while_waiting_are_told_when_the_visitor_agrees() {
    clean();
    go("replace", "/?utm_source=s");
    let tracker = Tracker::start("wait");
    pause(50).await;
    go("push", "/prices");
    pause(600).await;
    assert_eq!(sent().len(), 0);
    tracker.consent("full");
    until("both", || of_kind("page_view").len() == 2).await;
    assert_eq!(paths(&of_kind("page_view")), ["?utm_source=s", "prices"]);
}

#[wasm_bindgen_test]
async fn a_page_that_crashed_is_left_at_the_next_one() {
    clean();
    let beat = |page: &str, ago: f64| {
        let at = js_sys::Date::now() - ago * 1_000.0;
        let leave = r#""kind":"page_leave","engaged_ms":7000,"scroll_pct":40"#;
        remember(
            &format!("tz_h{page}"),
            &format!(r#"0{{"id":"{page}-1","at":{at},"page":"{page}",{leave}}}"#),
        );
    };
    let (crashed, alive, odd) = (mint(), mint(), mint());
    beat(&crashed, 200.0);
    beat(&alive, 100.0);
    remember(&format!("tz_h{odd}"), "x");
    remember("tz_hours", "9-18");
    let tracker = Tracker::start("full");
    until("the crashed one's", || of_kind("page_leave").len() == 1).await;
    let left = &of_kind("page_leave")[0];
    assert_eq!(
        (left.page.as_str(), left.id.as_str(), left.engaged_ms),
        (crashed.as_str(), format!("{crashed}-1").as_str(), Some(7000))
    );
    let state = |page: &str| kept(&format!("tz_h{page}"));
    assert_eq!((state(&crashed), state(&odd)), (None, None));
    assert!(state(&alive).is_some(), "another tab's");
    assert!(kept("tz_hours").is_some(), "the page's own");

    // This one keeps its own, and takes it back when it is left.
    let own =
        || format!("tz_h{}", of_kind("page_view").last().map(|view| view.page.clone()).unwrap_or_default());
    until("its own", || kept(&own()).is_some_and(|text| text.contains("-1\""))).await;
    fire("pagehide", false);
    assert_eq!(kept(&own()), None);
    drop(tracker);
}

#[wasm_bindgen_test]
async fn a_page_that_was_taken_for_dead_while_it_slept_is_shown_anew() {
    clean();
    show("<button>More</button>");
    let _tracker = Tracker::start("full");
    until("the view", || of_kind("page_view").len() == 1).await;
    let first = of_kind("page_view")[0].page.clone();
    let state = format!("tz_h{first}");
    until("its state", || kept(&state).is_some()).await;
    // Another page tells its end meanwhile.
    act(&format!(
        "localStorage.removeItem('{state}'); window.__now = Date.now; Date.now = () => __now() + 600000"
    ));
    until("another showing", || of_kind("page_view").len() == 2).await;
    act("Date.now = __now");
    click("button");
    fire("pagehide", false);
    let leaves: Vec<_> = of_kind("page_leave").into_iter().map(|leave| leave.page).collect();
    assert_eq!(leaves.len(), 1, "the first one's end was told by the other page");
    assert_ne!(leaves[0], first);
    assert_eq!(of_kind("click")[0].page, leaves[0]);
}

#[wasm_bindgen_test]
async fn nothing_of_a_page_is_kept_outside_of_full_mode() {
    for consent in ["wait", "anonymous", "off"] {
        clean();
        let _tracker = Tracker::start(consent);
        pause(1_200).await;
        let storage = storage_size();
        assert_eq!(storage, 0, "{consent}");
    }
}

fn storage_size() -> u32 {
    js_sys::eval("localStorage.length").ok().and_then(|count| count.as_f64()).unwrap_or(-1.0) as u32
}

#[wasm_bindgen_test]
async fn what_the_guard_kept_is_told_by_its_own_time_and_address() {
    clean();
    show(r#"<a id=call href="tel:+34600000000"><b>Call</b></a>"#);
    tap("b", 4_000);
    let _tracker = Tracker::start("full");
    until("the call", || of_kind("call_click").len() == 1).await;
    let call = &of_kind("call_click")[0];
    let ago = js_sys::Date::now() - call.at.unwrap_or_default() as f64;
    assert!((4_000.0..9_000.0).contains(&ago), "{ago}");
    assert!(paths(&of_kind("page_view"))[0].ends_with("?utm_source=early"));
    click("#call");
    fire("pagehide", false);
    assert_eq!(of_kind("call_click").len(), 2, "and once each");
    assert!(events().iter().all(|event| event.page == call.page));
}

#[wasm_bindgen_test]
async fn who_reloads_a_page_is_nobodys_referral_again() {
    for (kind, own) in [(0, false), (1, true), (2, true)] {
        clean();
        act(&format!(
            "Object.defineProperty(document, 'referrer', {{ configurable: true, value: 'https://www.google.com/' }});
             Object.defineProperty(performance, 'navigation', {{ configurable: true, value: {{ type: {kind} }} }})"
        ));
        let _tracker = Tracker::start("full");
        act("delete document.referrer; delete performance.navigation");
        until("the view", || of_kind("page_view").len() == 1).await;
        let view = &of_kind("page_view")[0];
        assert_eq!(view.referrer == view.url, own, "{view:?}");
        assert_eq!(view.referrer.as_deref() == Some("https://www.google.com/"), !own, "{view:?}");
    }
}
