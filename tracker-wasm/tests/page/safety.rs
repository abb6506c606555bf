//! A page that does its worst.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{
    Tracker, clean, click, events, fire, hostile, of_kind, pause, show, submit, uncaught, until,
};

#[wasm_bindgen_test]
async fn three_strikes_and_it_turns_itself_off_and_says_so_once() {
    clean();
    show(r#"<a id=bad href="/x">Bad</a><a id=call href="tel:+34600000000">Call</a>"#);
    let _tracker = Tracker::start("full");
    pause(20).await;
    hostile("#bad");
    click("#bad");
    click("#bad");
    click("#call");
    until("two strikes do no harm", || of_kind("call_click").len() == 1).await;
    click("#bad");
    until("the third is reported", || of_kind("tracker_error").len() == 1).await;
    let told = &of_kind("tracker_error")[0];
    assert_eq!((told.code.as_deref(), told.count), (Some("strikes"), Some(3)));
    let before = events().len();
    click("#bad");
    click("#call");
    fire("pagehide", false);
    pause(1_200).await;
    assert_eq!(events().len(), before, "off is off");
    assert_eq!(uncaught(), 0, "and the page heard nothing of it");
}

#[wasm_bindgen_test]
async fn what_waits_for_the_core_is_told_before_it_turns_itself_off() {
    clean();
    show(
        r#"<a id=bad href="/x">Bad</a><form data-traza-lead=callback><input name=phone value=600000000></form>"#,
    );
    let tracker = Tracker::with_slow_core("full");
    pause(20).await;
    tracker.track("quote", "who", &"@ana".into());
    submit("form");
    assert!(of_kind("form_submit").is_empty(), "it waits");
    hostile("#bad");
    for _ in 0..3 {
        click("#bad");
    }
    until("the lead", || of_kind("form_submit").len() == 1).await;
    assert_eq!(of_kind("tracker_error").len(), 1);
}

#[wasm_bindgen_test]
async fn a_submit_that_is_no_forms_and_a_click_on_nothing_are_no_strikes() {
    clean();
    show(r#"<div id=widget></div><a id=call href="tel:+34600000000">Call</a>"#);
    let _tracker = Tracker::start("full");
    pause(20).await;
    for _ in 0..5 {
        submit("#widget");
        click("#widget");
    }
    click("#call");
    until("it still works", || of_kind("call_click").len() == 1).await;
    assert!(of_kind("form_submit").is_empty() && of_kind("tracker_error").is_empty());
}

/// A page's own script.
fn script(code: &str) {
    js_sys::eval(code).expect("the page's script runs");
}

#[wasm_bindgen_test]
async fn a_page_that_says_json_its_own_way_is_understood() {
    clean();
    let tracker = Tracker::start("full");
    pause(20).await;
    // For a moment alone: the browser's driver speaks JSON on this page too.
    script("Array.prototype.toJSON = function () { return '[' + this.join() + ']'; }");
    script("Object.defineProperty(Object.prototype, 'toJSON', { configurable: true, value: () => 'mine' })");
    tracker.lead(r#"{"email":"ana@example.com","consent":{"purposes":["marketing","ads"]}}"#);
    script("delete Array.prototype.toJSON; delete Object.prototype.toJSON");
    until("the lead", || !of_kind("form_submit").is_empty()).await;
    let agreed =
        of_kind("form_submit")[0].lead.clone().and_then(|lead| lead.consent).expect("what was agreed to");
    assert_eq!(agreed.purposes, ["marketing", "ads"]);
}

#[wasm_bindgen_test]
async fn what_throws_when_it_is_looked_at_costs_nothing_but_itself() {
    clean();
    show(r#"<a id=call href="tel:+34600000000">Call</a>"#);
    script(
        "window.was = [[document, 'title'], [document, 'referrer'], [window, 'localStorage'],
                       [navigator, 'globalPrivacyControl'], [performance, 'getEntriesByType']].map(([on, name]) => {
             const before = Object.getOwnPropertyDescriptor(on, name);
             Object.defineProperty(on, name, { configurable: true, get() { throw new Error('hands off'); } });
             return () => before ? Object.defineProperty(on, name, before) : delete on[name];
         })",
    );
    let _tracker = Tracker::start("full");
    pause(20).await;
    click("#call");
    until("the call", || of_kind("call_click").len() == 1).await;
    fire("pagehide", false);
    script("window.was.map((back) => back())");
    let kinds: Vec<_> = events().into_iter().map(|event| event.kind).collect();
    assert!(
        ["page_view", "page_leave"].iter().all(|kind| kinds.iter().any(|told| told == kind)),
        "{kinds:?}"
    );
    assert!(of_kind("tracker_error").is_empty());
    assert_eq!(uncaught(), 0);
}

#[wasm_bindgen_test]
async fn frozen_prototypes_are_no_trouble() {
    clean();
    show(r#"<form data-traza-lead=callback><input name=phone value=600000000></form>"#);
    // What the page froze stays frozen: it must not be what the other tests stand on.
    script(
        "Object.freeze(EventTarget.prototype); Object.freeze(Event.prototype); Object.freeze(HTMLFormElement.prototype)",
    );
    let _tracker = Tracker::start("full");
    pause(20).await;
    submit("form");
    until("the lead", || of_kind("form_submit").len() == 1).await;
    assert!(of_kind("tracker_error").is_empty());
}

#[wasm_bindgen_test]
async fn the_page_may_be_kept_in_the_browsers_cache() {
    clean();
    show(r#"<a id=call href="tel:+34600000000">Call</a><form><input name=phone></form>"#);
    script(
        "window.kinds = []; window.add = window.addEventListener;
         Object.defineProperty(window, 'addEventListener', { configurable: true, writable: true, value(kind, ...rest) {
             kinds.push(kind); return add.call(this, kind, ...rest); } })",
    );
    let _tracker = Tracker::start("full");
    click("#call");
    pause(2_200).await;
    fire("pagehide", true);
    script("delete window.addEventListener");
    let kinds = js_sys::eval("kinds.join()").ok().and_then(|kinds| kinds.as_string()).unwrap_or_default();
    assert!(kinds.contains("pagehide") && kinds.contains("click"), "{kinds}");
    assert!(!kinds.contains("unload"), "a listener for it keeps a page out: {kinds}");
}
