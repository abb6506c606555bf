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
