//! What the loader takes for plain goes without the core: of a text the core cuts nothing, and of an address no more of
//! the query than the loader does.

use wasm_bindgen_test::*;
use wire::{
    beacon::Mode,
    redact::{self, Rules},
};

use crate::page::{is_plain, raw_address, *};

/// Pieces of addresses and texts, harmless ones and those that the rules are about.
const PIECES: &str = "/|/|//|.|-|~|_|:|#|?|&|=|@|%|%40|%2|%zz|+| |(|)|\u{a0}|\u{ad}|\t|\n|\\|'|\"|€|ñ|Ñandú|…|a|ana|tel|\
    https://|http://|https:/|javascript:|data:|file:|tel:|mailto:|example.com|www.example.com:8080|ana@example.com|\
    ana%40example.com|1|600|000|600000000|600 000 000|+34|2026|2026-11-23|19,99 €|50 %|utm_source=a|gclid=b|id=7|?utm_campaign=|&gclid=|&q=|-|.|\
    #/route|#section|index.html|123e4567-e89b-12d3-a456-426614174000";

/// A walk through the pieces that is the same each time.
fn made(pieces: &[&str], seed: u32) -> String {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize % below
    };
    let length = 1 + next(6);
    let start = ["", "", "https://example.com", "/"][next(4)];
    (0..length).fold(start.to_owned(), |made, _| made + pieces[next(pieces.len())])
}

#[wasm_bindgen_test]
fn what_is_plain_is_what_the_core_leaves() {
    let keys = ["id".to_owned()];
    let pieces: Vec<_> = PIECES.split('|').collect();
    let (mut texts, mut addresses) = (0, 0);
    for seed in 0..40_000 {
        let made = made(&pieces, seed);
        if is_plain(&made, false) {
            texts += 1;
            assert_eq!(redact::text(&made), made);
        }
        if !is_plain(&made, true) {
            continue;
        }
        addresses += 1;
        for (mode, anonymous_utm) in [(Mode::Full, false), (Mode::Anonymous, false), (Mode::Anonymous, true)]
        {
            for query_keys in [&keys[..], &[]] {
                let rules = Rules { mode, query_keys, anonymous_utm };
                let raw = raw_address(&made, mode == Mode::Full, query_keys, anonymous_utm);
                let stored = redact::url(&made, rules);
                assert_eq!(redact::url(&raw, rules), stored, "{made}, sent as {raw}");
                assert!(raw.matches('…').count() >= stored.matches('…').count(), "{made} wants the core");
            }
        }
    }
    assert!(texts > 5_000 && addresses > 3_000, "{texts} texts, {addresses} addresses");
}

#[wasm_bindgen_test]
async fn what_is_plain_brings_no_core_and_what_is_not_does() {
    clean();
    show(
        r##"<a id=plain href="/prices?utm_campaign=s%C3%AD&who=ana#all">Prices</a><a id=odd href="/prices/@ana">Prices</a>"##,
    );
    go("replace", "/offers");
    let tracker = Tracker::start("full");
    click("#plain");
    tracker.track("quote", "city", &"Vigo".into());
    until("the click", || of_kind("click").len() == 1).await;
    assert_eq!((of_kind("page_view").len(), cores()), (1, 0));
    assert!(sent().iter().all(|post| post.envelope().via.is_none()));
    let plain = of_kind("click")[0].href.clone().expect("where it leads");
    assert_eq!(
        redact::url(&plain, Rules { mode: Mode::Full, query_keys: &[], anonymous_utm: true }),
        "/prices?utm_campaign=s%C3%AD#all"
    );
    assert!(!plain.contains("ana"), "{plain}");
    click("#odd");
    until("the other", || of_kind("click").len() == 2).await;
    assert_eq!(cores(), 1);
    assert_eq!(of_kind("click")[1].href.as_deref(), Some("/prices/@ana"), "{:?}", events());
}

#[wasm_bindgen_test]
async fn a_name_and_a_password_in_the_pages_own_address_stay_there() {
    clean();
    go("replace", "/offers");
    // As Firefox tells a page that was opened so.
    act("Object.defineProperty(document, 'URL', {
        configurable: true, value: location.href.replace('//', '//anna:secret@') })");
    let _tracker = Tracker::start("full");
    until("the view", || of_kind("page_view").len() == 1).await;
    act("delete document.URL");
    let url = of_kind("page_view")[0].url.clone().unwrap_or_default();
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/offers"), "{url}");
    assert!(!format!("{:?}", sent()).contains("secret"), "{url}");
    assert_eq!(cores(), 0, "there is nothing to judge");
}
