//! The hand-over between the site's own domains.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Tracker, clean, followed, go, kept, of_kind, remember, sent, show, signal, until};

const LINKS: &str = r#"<a id=shop href="https://shop.example.org/a?x=1#top">Shop</a>
    <a id=plain href="https://example.org">Plain</a>
    <a id=foreign href="https://example.net/">Foreign</a><a id=in href="/in">In</a>"#;

// The page of the tests stands on an address of its own.
const DOMAINS: &str = r#"{"domains":["127.0.0.1","localhost","example.org"]}"#;

#[wasm_bindgen_test]
async fn a_link_to_another_own_domain_carries_the_visitor_while_it_is_followed() {
    clean();
    show(LINKS);
    let _tracker = Tracker::of("full", DOMAINS);
    until("a visitor", || kept("tz_v").is_some()).await;
    let visitor = kept("tz_v").unwrap_or_default();
    let (during, after) = followed("#shop").await;
    assert!(during.starts_with(&format!("https://shop.example.org/a?x=1&_tz={visitor}.")), "{during}");
    assert!(during.ends_with("#top"), "{during}");
    assert_eq!(after, "https://shop.example.org/a?x=1#top", "as it was");
    assert!(followed("#plain").await.0.starts_with("https://example.org?_tz="));
    for id in ["#foreign", "#in"] {
        let (during, after) = followed(id).await;
        assert_eq!(during, after);
    }
    let told: Vec<_> = of_kind("click")
        .into_iter()
        .chain(of_kind("outbound_click"))
        .filter_map(|event| event.href)
        .collect();
    assert!(!told.iter().any(|href| href.contains("_tz")), "{told:?}");
}

#[wasm_bindgen_test]
async fn nobody_is_carried_without_consent_or_where_one_domain_is_all() {
    for (consent, domains) in [
        ("anonymous", DOMAINS),
        ("wait", DOMAINS),
        ("full", r#"{"domains":["127.0.0.1"]}"#),
        // A page on none of them has nobody of theirs to hand over.
        ("full", r#"{"domains":["example.org","example.com"]}"#),
    ] {
        clean();
        show(LINKS);
        let _tracker = Tracker::of(consent, domains);
        let (during, after) = followed("#shop").await;
        assert_eq!(during, after, "{consent} {domains}");
    }
}

/// The mark that a page of another domain puts on a link to this one.
async fn marked() -> String {
    clean();
    let here = js_sys::eval("location.origin").ok().and_then(|origin| origin.as_string()).unwrap_or_default();
    // `localhost` is another of the domains; the check is for the host that the link leads to.
    let there = here.replace("127.0.0.1", "localhost");
    show(&format!(r#"<a href="{there}/next">Next</a>"#));
    let _tracker = Tracker::of("full", DOMAINS);
    until("a visitor", || kept("tz_v").is_some()).await;
    followed("a").await.0.split("_tz=").nth(1).unwrap_or_default().to_owned()
}

#[wasm_bindgen_test]
async fn a_mark_is_for_one_host_and_two_minutes() {
    let mark = marked().await;
    let visitor = mark.split('.').next().unwrap_or_default().to_owned();
    assert_eq!(visitor.len(), 36, "{mark}");
    // Made for another host than this page's.
    clean();
    go("replace", &format!("/?_tz={mark}"));
    let _tracker = Tracker::of("full", DOMAINS);
    until("a visitor of its own", || kept("tz_v").is_some()).await;
    assert_ne!(kept("tz_v"), Some(visitor));
    until("the view", || of_kind("page_view").len() == 1).await;
    assert!(!format!("{:?}", sent()).contains("_tz"));
}

/// As `link.js` signs.
fn sign(id: &str, time: &str) -> String {
    let script = format!(
        "(() => {{ let sum = 7; for (const letter of '{id}{time}' + location.hostname + navigator.userAgent) \
         sum = (sum * 31 + letter.codePointAt()) % 4294967296; return sum.toString(36); }})()"
    );
    js_sys::eval(&script).ok().and_then(|sum| sum.as_string()).unwrap_or_default()
}

fn time(ago: f64) -> String {
    let script = format!("(Date.now() - {ago}).toString(36)");
    js_sys::eval(&script).ok().and_then(|time| time.as_string()).unwrap_or_default()
}

#[wasm_bindgen_test]
async fn a_visitor_who_comes_from_another_own_domain_is_known() {
    for (ago, known, taken) in [(60_000.0, false, true), (130_000.0, false, false), (60_000.0, true, false)] {
        clean();
        if known {
            remember("tz_v", "here-before");
        }
        let time = time(ago);
        go("replace", &format!("/?plan=pro&_tz=from-there.{time}.{}", sign("from-there", &time)));
        let _tracker = Tracker::of("full", DOMAINS);
        until("the view", || of_kind("page_view").len() == 1).await;
        let visitor = sent()[0].envelope().visitor.clone().unwrap_or_default();
        assert_eq!(visitor == "from-there", taken, "{ago} {visitor}");
        let url = of_kind("page_view")[0].url.clone().unwrap_or_default();
        assert!(url.ends_with("/?plan=pro"), "{url}");
    }
    // Without consent the mark is nobody's.
    clean();
    signal(true);
    let time = time(1_000.0);
    go("replace", &format!("/?_tz=from-there.{time}.{}", sign("from-there", &time)));
    let _tracker = Tracker::of("full", DOMAINS);
    assert_eq!(kept("tz_v"), None);
}
