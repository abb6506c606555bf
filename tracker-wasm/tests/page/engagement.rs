//! Engagement arithmetic.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::attention;

/// `IDLE_MS` of attention.js.
const IDLE_MS: f64 = 30_000.0;

struct Page(js_sys::Function);

impl Page {
    fn new() -> Self {
        Self(attention())
    }

    fn attend(&self, now: f64, visible: bool, alive: bool) -> f64 {
        let answer = self.0.call3(&JsValue::NULL, &now.into(), &visible.into(), &alive.into());
        answer.expect("arithmetic").as_f64().expect("a number")
    }
}

fn opened() -> Page {
    let page = Page::new();
    page.attend(0.0, true, true);
    page
}

#[wasm_bindgen_test]
fn a_visible_active_page_counts_every_ms() {
    let page = opened();
    assert_eq!(page.attend(4_000.0, true, true), 4_000.0);
    assert_eq!(page.attend(9_500.0, true, false), 9_500.0);
}

#[wasm_bindgen_test]
fn a_visitor_who_does_nothing_is_away_after_the_idle_time() {
    let page = opened();
    assert_eq!(page.attend(100_000.0, true, false), IDLE_MS);
    // Back, and at it again for a second.
    page.attend(200_000.0, true, true);
    assert_eq!(page.attend(201_000.0, true, false), IDLE_MS + 1_000.0);
}

#[wasm_bindgen_test]
fn a_hidden_page_counts_nothing_whatever_happens_on_it() {
    let page = opened();
    page.attend(1_000.0, false, false);
    page.attend(2_000.0, false, true);
    assert_eq!(page.attend(60_000.0, true, false), 1_000.0);
    // Shown again is a sign of life by itself.
    assert_eq!(page.attend(65_000.0, true, false), 6_000.0);
}

#[wasm_bindgen_test]
fn sleep_and_clocks_that_jump_add_no_more_than_the_idle_time() {
    let page = opened();
    assert_eq!(page.attend(8.0 * 3_600_000.0, true, true), IDLE_MS);
    // Backwards adds nothing.
    assert_eq!(page.attend(0.0, true, true), IDLE_MS);
    assert_eq!(page.attend(10.0, true, true), IDLE_MS + 10.0);
}

#[wasm_bindgen_test]
fn a_clock_set_back_makes_nobody_active_for_longer_than_the_idle_time() {
    let page = Page::new();
    page.attend(3_600_000.0, true, true);
    // An hour earlier, and nothing done since.
    page.attend(0.0, true, false);
    assert_eq!(page.attend(3_000_000.0, true, false), IDLE_MS);
}

#[wasm_bindgen_test]
fn a_page_opened_in_the_background_starts_when_it_is_shown() {
    let page = Page::new();
    page.attend(0.0, false, true);
    assert_eq!(page.attend(20_000.0, true, false), 0.0);
    assert_eq!(page.attend(21_000.0, true, false), 1_000.0);
}
