//! The visitor's choice: what is held, what is sent, what is stored.

use wasm_bindgen_test::wasm_bindgen_test;
use wire::{
    beacon::{Choice, Mode},
    id,
};

use crate::page::{
    Tracker, act, clean, click, events, fire, kept, of_kind, pause, remember, sent, show, submit, until,
};

const PAGE: &str = r#"<a id=call href="tel:+34600000000">Call</a><a id=in href="/a?gclid=G1&utm_source=s">In</a>
    <form data-traza-lead=callback><input name=phone value=600000000></form>"#;

async fn started(consent: &str) -> Tracker {
    clean();
    show(PAGE);
    let tracker = Tracker::start(consent);
    pause(20).await;
    tracker
}

fn nothing_stored() -> bool {
    ["tz_v", "tz_c", "tz_q"].iter().all(|key| kept(key).is_none())
}

#[wasm_bindgen_test]
async fn full_keeps_a_visitor_and_sends_with_cookies() {
    let _tracker = started("full").await;
    click("#call");
    until("the call", || of_kind("call_click").len() == 1).await;
    let post = &sent()[0];
    let visitor = post.envelope().visitor.clone().expect("a visitor");
    assert_eq!((post.envelope().mode, post.envelope().choice), (Some(Mode::Full), Choice::Default));
    assert_eq!((post.credentials.as_str(), post.how.as_str()), ("include", "keepalive"));
    let context = &post.envelope().context;
    assert_eq!(
        (&context.tz, &context.screen),
        (&None, &None),
        "no calendars loaded for it, nor what asks for the screen"
    );
    let screen = sent()[1].envelope().context.screen.clone().unwrap_or_default();
    assert!(
        screen
            .split_once('x')
            .is_some_and(|(width, height)| width.parse::<u32>().is_ok() && height.parse::<u32>().is_ok()),
        "{screen}"
    );
    assert_eq!(kept("tz_v"), Some(visitor));
    let view = &of_kind("page_view")[0];
    assert_eq!(id::event_number(&view.page, &view.id), Some(0));
}

#[wasm_bindgen_test]
async fn waiting_stores_and_sends_nothing_and_then_tells_all() {
    let tracker = started("wait").await;
    click("#call");
    pause(1_200).await;
    fire("pagehide", false);
    assert_eq!(sent().len(), 0);
    assert!(nothing_stored());
    tracker.consent("full");
    until("what was held", || of_kind("consent").len() == 1).await;
    // The form may have been seen for a second by then.
    let mut kinds: Vec<_> =
        events().into_iter().map(|event| event.kind).filter(|kind| kind != "form_view").collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["call_click", "consent", "page_leave", "page_view"]);
    assert_eq!(sent()[0].envelope().choice, Choice::Explicit);
    assert_eq!(kept("tz_c").as_deref(), Some("full"));
}

#[wasm_bindgen_test]
async fn what_was_held_for_a_refusal_is_forgotten() {
    let tracker = started("wait").await;
    click("#call");
    tracker.consent("off");
    click("#call");
    fire("pagehide", false);
    pause(50).await;
    assert_eq!(sent().len(), 0);
    assert!(nothing_stored(), "the default keeps no more: nothing to remember");
}

#[wasm_bindgen_test]
async fn a_lead_goes_alone_while_waiting_and_when_off() {
    for consent in ["wait", "off"] {
        let _tracker = started(consent).await;
        submit("form");
        until("the lead", || of_kind("form_submit").len() == 1).await;
        let posts = sent();
        assert_eq!(posts.len(), 1);
        let envelope = posts[0].envelope();
        assert_eq!((envelope.mode, envelope.visitor.as_ref()), (Some(Mode::Off), None));
        assert_eq!((envelope.context.lang.as_ref(), envelope.context.tz.as_ref()), (None, None));
        assert_eq!((posts[0].events().len(), posts[0].credentials.as_str()), (1, "omit"));
        assert!(nothing_stored());
    }
}

#[wasm_bindgen_test]
async fn anonymous_has_no_visitor_no_storage_and_no_click_id_values() {
    let tracker = started("anonymous").await;
    click("#in");
    tracker.identify("ana@example.com");
    fire("pagehide", false);
    pause(20).await;
    for (at, post) in sent().iter().enumerate() {
        let envelope = post.envelope();
        assert_eq!((envelope.mode, envelope.visitor.as_ref()), (Some(Mode::Anonymous), None));
        assert_eq!(envelope.context.tz, None);
        match envelope.context.screen.as_deref() {
            None => assert_eq!(at, 0, "only an arrival is told without it"),
            Some(class) => assert!(at > 0 && matches!(class, "small" | "medium" | "large"), "{class}"),
        }
        // A beacon would carry the cookie.
        assert_eq!((post.credentials.as_str(), post.how.as_str()), ("omit", "keepalive"));
    }
    let href = of_kind("click")[0].href.clone().unwrap_or_default();
    assert!(href.contains("utm_source=s") && !href.contains("G1"), "{href}");
    assert!(of_kind("identify").is_empty(), "who says their name is not anonymous");
    assert!(nothing_stored());
}

#[wasm_bindgen_test]
async fn withdrawal_removes_what_was_stored_and_tells_the_collector_once() {
    let tracker = started("full").await;
    click("#call");
    until("the call", || of_kind("call_click").len() == 1).await;
    let before = sent().len();
    click("#in");
    tracker.consent("off");
    assert_eq!(
        (kept("tz_v").as_deref(), kept("tz_q")),
        (Some("0"), None),
        "no id: only that it is to be told"
    );
    // The default would keep more at the next page.
    assert_eq!(kept("tz_c").as_deref(), Some("off"));
    click("#call");
    fire("pagehide", false);
    pause(1_200).await;
    let posts = sent();
    assert_eq!(posts.len(), before + 1, "one word, and nothing after it");
    assert_eq!(kept("tz_v"), None, "it was heard");
    let last = &posts[before];
    assert_eq!((last.envelope().mode, last.envelope().visitor.as_ref()), (Some(Mode::Off), None));
    assert_eq!(last.credentials, "include", "so that the collector can drop its cookie");
    assert_eq!(last.events().iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["consent"]);
}

#[wasm_bindgen_test]
async fn nothing_joins_what_was_anonymous_to_what_is_not() {
    let tracker = started("anonymous").await;
    tracker.consent("full");
    until("both views", || of_kind("page_view").len() == 2).await;
    fire("pagehide", false);
    let mut pages = [Vec::new(), Vec::new()];
    for post in sent() {
        let full = post.envelope().mode == Some(Mode::Full);
        assert_eq!(post.envelope().visitor.is_some(), full);
        pages[usize::from(full)].extend(post.events().iter().map(|event| event.page.clone()));
    }
    assert!(!pages[0].is_empty() && !pages[1].is_empty());
    assert!(pages[0].iter().all(|page| !pages[1].contains(page)), "a page view has one mode");
    assert_eq!(of_kind("page_leave").len(), 2);
}

#[wasm_bindgen_test]
async fn who_allows_more_came_from_where_they_came() {
    clean();
    act("Object.defineProperty(document, 'referrer', { configurable: true, value: 'https://www.google.com/' });
         history.replaceState(null, '', '?utm_source=news&gclid=G1')");
    let tracker = Tracker::start("anonymous");
    act("history.replaceState(null, '', location.pathname); delete document.referrer");
    tracker.consent("full");
    until("both views", || of_kind("page_view").len() == 2).await;
    let views = of_kind("page_view");
    assert!(
        views[1].url.as_deref().is_some_and(|url| url.ends_with("?utm_source=news&gclid=G1")),
        "{views:?}"
    );
    assert_eq!(views[1].referrer.as_deref(), Some("https://www.google.com/"));
    // The other way nothing of it goes along.
    tracker.consent("anonymous");
    until("the third", || of_kind("page_view").len() == 3).await;
    let last = &of_kind("page_view")[2];
    assert!(!last.url.as_deref().unwrap_or_default().contains("utm_") && last.referrer.is_none(), "{last:?}");
}

#[wasm_bindgen_test]
async fn a_withdrawal_holds_in_every_tab_and_on_the_way_back() {
    for way in ["stays", "closes", "back"] {
        let _tracker = started("full").await;
        click("#call");
        until("the call", || of_kind("call_click").len() == 1).await;
        if way == "back" {
            fire("pagehide", true);
        }
        let before = events().len();
        // Said on another page, which takes away what was kept.
        act("localStorage.clear()");
        remember("tz_c", "off");
        match way {
            "stays" => {
                until("it is heard of here", || {
                    sent().last().is_some_and(|post| post.envelope().mode == Some(Mode::Off))
                })
                .await;
                click("#in");
            }
            "back" => {
                fire("pageshow", true);
                click("#in");
            }
            _ => {}
        }
        fire("pagehide", false);
        pause(50).await;
        let after: Vec<_> = sent().iter().flat_map(|post| post.events().to_vec()).skip(before).collect();
        assert_eq!(after.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["consent"], "{way}");
        assert_eq!((kept("tz_v"), kept("tz_q"), kept("tz_c").as_deref()), (None, None, Some("off")), "{way}");
    }
}

#[wasm_bindgen_test]
async fn a_smaller_word_that_is_the_default_is_heard_of_too_and_a_page_that_clears_its_storage_says_none() {
    for (default, becomes) in [("anonymous", Mode::Anonymous), ("full", Mode::Full)] {
        let tracker = started(default).await;
        tracker.consent("full");
        until("a visitor", || kept("tz_v").is_some()).await;
        click("#call");
        until("the call", || of_kind("call_click").len() == 1).await;
        let views = of_kind("page_view").len();
        act("localStorage.clear()");
        pause(2_500).await;
        click("#call");
        until("another call", || of_kind("call_click").len() == 2).await;
        let posts = sent();
        let call = posts.iter().rfind(|post| post.events().iter().any(|event| event.kind == "click"));
        assert_eq!(call.and_then(|post| post.envelope().mode), Some(becomes), "{default}");
        assert_eq!(kept("tz_c"), None, "{default}");
        assert_eq!(of_kind("page_view").len() - views, usize::from(becomes != Mode::Full), "{default}");
    }
}

#[wasm_bindgen_test]
async fn who_agrees_in_another_tab_is_told_of_on_the_way_back_as_one_showing() {
    let _tracker = started("wait").await;
    fire("pagehide", true);
    remember("tz_c", "full");
    fire("pageshow", true);
    until("both showings", || of_kind("page_view").len() == 2).await;
    fire("pagehide", false);
    let told = events();
    let views: Vec<_> =
        told.iter().filter(|event| event.kind == "page_view").map(|event| &event.page).collect();
    assert!(
        told.iter().all(|event| views.contains(&&event.page)),
        "nothing of a page that nobody saw: {told:?}"
    );
}

#[wasm_bindgen_test]
async fn a_withdrawal_that_was_not_heard_is_told_by_the_next_page() {
    for (default, word, status) in [("full", Some("off"), 0), ("wait", None, 429)] {
        clean();
        remember("tz_c", "full");
        let tracker = Tracker::start(default);
        until("a visitor", || kept("tz_v").is_some() && sent().len() == 1).await;
        crate::page::answer(status, None, None);
        tracker.consent("off");
        until("it was tried", || sent().len() == 2).await;
        pause(50).await;
        assert_eq!(kept("tz_v").as_deref(), Some("0"));
        drop(tracker);
        let _next = Tracker::start(default);
        until("it is tried again, and heard", || kept("tz_v").is_none()).await;
        let posts = sent();
        assert_eq!((posts.len(), kept("tz_c").as_deref()), (3, word));
        let last = posts[2].envelope();
        assert_eq!((last.mode, last.visitor.as_ref()), (Some(Mode::Off), None));
        assert_eq!(posts[2].credentials, "include");
    }
}

#[wasm_bindgen_test]
async fn the_pages_own_storage_is_left_alone() {
    clean();
    for key in ["tz_hours", "tz_offset", "tz"] {
        remember(key, "theirs");
    }
    let tracker = Tracker::start("full");
    until("a visitor", || kept("tz_v").is_some()).await;
    tracker.consent("off");
    for key in ["tz_hours", "tz_offset", "tz"] {
        assert_eq!(kept(key).as_deref(), Some("theirs"), "{key}");
    }
}

#[wasm_bindgen_test]
async fn an_explicit_word_is_remembered_at_the_next_page() {
    clean();
    remember("tz_c", "full");
    let _tracker = Tracker::start("wait");
    until("the view", || of_kind("page_view").len() == 1).await;
    assert_eq!(sent()[0].envelope().choice, Choice::Explicit);
}

#[wasm_bindgen_test]
async fn the_visitor_is_whom_the_collector_knows() {
    clean();
    crate::page::answer(200, None, Some(("visitor", "from-cookie")));
    let _tracker = Tracker::start("full");
    until("the answer", || kept("tz_v").as_deref() == Some("from-cookie")).await;
    fire("pagehide", false);
    assert_eq!(
        sent().last().and_then(|post| post.envelope().visitor.clone()).as_deref(),
        Some("from-cookie")
    );
}

#[wasm_bindgen_test]
async fn do_not_track_is_a_no_as_good_as_any() {
    clean();
    act("Object.defineProperty(navigator, 'doNotTrack', { configurable: true, value: '1' })");
    show(PAGE);
    let _tracker = Tracker::start("full");
    pause(20).await;
    click("#call");
    submit("form");
    until("the lead, which the visitor sends", || of_kind("form_submit").len() == 1).await;
    fire("pagehide", false);
    act("delete navigator.doNotTrack");
    assert_eq!((events().len(), sent()[0].envelope().choice), (1, Choice::Signal));
    assert!(nothing_stored());
}

#[wasm_bindgen_test]
async fn what_waited_for_the_choice_is_bounded_and_what_it_cost_is_told() {
    clean();
    let tracker = Tracker::start("wait");
    pause(20).await;
    for _ in 0..210 {
        tracker.track("paso", "n", &1.into());
    }
    assert!(sent().is_empty());
    tracker.consent("full");
    until("the loss", || of_kind("tracker_error").len() == 1).await;
    let lost = &of_kind("tracker_error")[0];
    // The page view is one of two hundred.
    assert_eq!((lost.code.as_deref(), lost.count), (Some("lost_held"), Some(11)));
    until("and the rest", || of_kind("custom").len() == 199).await;
}
