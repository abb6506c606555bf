//! Telephone numbers that give way to others in the page, and the chats that carry a reference.

use e2e::holds;
use serde_json::{Value, json};

use crate::{Stage, harness::numbers as shown, on_stage};

const AD: &str = "?utm_source=google&utm_medium=cpc&utm_campaign=otono";
const SEARCH: &str = "+34900111008";
const POOL: &str = "+34911222333";

/// A number in every style, and where none may be touched.
const STYLES: &str = r#"<p id="plain">Llama al 900 111 000.</p><p id="dots">(+34) 900.11.10.00</p>
    <a id="call" href="tel:+34900111000" aria-label="Llamar al 900 111 000" title="900111000">900&nbsp;111&nbsp;000</a>
    <p id="kept" data-traza-noswap>900 111 000 <a href="tel:900111000">900 111 000</a></p>
    <textarea id="typed">900 111 000</textarea><p id="edited" contenteditable>900 111 000</p>
    <p id="other">900 111 009</p><script type="application/ld+json" id="data">{"telephone":"900 111 000"}</script>"#;

fn printed() -> Value {
    json!({"number": "+34900111000", "kind": "printed"})
}

fn search() -> Value {
    json!({"number": SEARCH, "kind": "static", "channel": "paid_search"})
}

fn pool() -> Value {
    json!({"number": POOL, "kind": "pool", "pool": "web"})
}

async fn text(stage: &Stage, selector: &str) -> String {
    let text = stage.browser.value(&format!("document.querySelector('{selector}').textContent")).await;
    text.as_str().unwrap().to_owned()
}

async fn attribute(stage: &Stage, selector: &str, name: &str) -> String {
    let value =
        stage.browser.value(&format!("document.querySelector('{selector}').getAttribute('{name}')")).await;
    value.as_str().unwrap().to_owned()
}

async fn stored(stage: &Stage) -> Value {
    stage.browser.value("Object.keys(localStorage).concat(Object.keys(sessionStorage))").await
}

fn modules(stage: &Stage) -> usize {
    stage
        .proxy
        .requests()
        .iter()
        .filter(|request| request.starts_with("GET /t/") && request.contains(".mjs\n"))
        .count()
}

/// Waits until the page has read the answer to its page view: the next beacon leaves after that, and not before.
async fn answered(stage: &Stage, views: usize) {
    holds("the page view is taken", async || stage.ids("page_view").len() == views).await;
    let before = stage.ids("custom").len();
    stage.browser.value("void traza('track', 'next')").await;
    holds("the next beacon is taken", async || stage.ids("custom").len() > before).await;
}

#[test]
fn the_number_of_a_channel_is_shown_to_whom_it_stands_for_without_anything_stored() {
    on_stage(None, async |stage| {
        stage.consent_default("anonymous").await;
        stage.proxy.person();
        shown::put(stage, &json!([printed(), search(), pool()])).await;
        let browser = &stage.browser;
        let url = shown::page(stage, "/n/styles.html", STYLES);
        browser.open(&url).await;
        answered(stage, 1).await;
        assert_eq!(
            text(stage, "#plain").await,
            "Llama al 900 111 000.",
            "nobody's number: the printed one stays"
        );

        browser.open(&format!("{url}{AD}")).await;
        browser.shows("Llama al 900 111 008.").await;
        assert_eq!(text(stage, "#dots").await, "(+34) 900.11.10.08");
        assert_eq!(text(stage, "#call").await, "900\u{a0}111\u{a0}008");
        assert_eq!(attribute(stage, "#call", "href").await, format!("tel:{SEARCH}"));
        assert_eq!(attribute(stage, "#call", "aria-label").await, "Llamar al 900 111 008");
        assert_eq!(attribute(stage, "#call", "title").await, "900111008");
        assert_eq!(text(stage, "#kept").await, "900 111 000 900 111 000");
        assert_eq!(attribute(stage, "#kept a", "href").await, "tel:900111000");
        assert_eq!(browser.value("document.querySelector('#typed').value").await, "900 111 000");
        assert_eq!(text(stage, "#edited").await, "900 111 000");
        assert_eq!(text(stage, "#other").await, "900 111 009");
        assert_eq!(text(stage, "#data").await, r#"{"telephone":"900 111 000"}"#);
        // What is copied, searched and printed is what is shown.
        let selected =
            "(getSelection().selectAllChildren(document.querySelector('#plain')), '' + getSelection())";
        assert_eq!(browser.value(selected).await, "Llama al 900 111 008.");

        browser.click("#call").await;
        holds("the call", async || !stage.ids("click").is_empty()).await;
        let calls: Vec<_> =
            stage.proxy.taken().into_iter().filter(|event| event["kind"] == "click").collect();
        assert_eq!(calls[0]["href"], format!("tel:{SEARCH}"), "it tells the number that was shown");
        assert_eq!(stored(stage).await, json!([]), "an anonymous page keeps nothing");
        assert_eq!(browser.errors().await, json!([]));
    });
}

#[test]
fn a_number_of_the_pool_follows_its_visitor_from_page_to_page_and_goes_with_their_word() {
    on_stage(None, async |stage| {
        stage.proxy.person();
        shown::put(stage, &json!([printed(), search(), pool()])).await;
        let browser = &stage.browser;
        browser.open(&format!("{}{AD}", shown::page(stage, "/n/first.html", STYLES))).await;
        browser.shows("Llama al 911 222 333.").await;

        // On the next page it is there before anything is painted.
        stage.proxy.script_after("/n/late.js", "/n/ready");
        let head = r#"<script>
              window.painted = new Set();
              (function look() {
                if (document.body) painted.add(document.body.innerText.replace(/\D+/g, ""));
                requestAnimationFrame(look);
              })();
              // A title that nobody sees tells when the tag shows numbers.
              const root = document.documentElement;
              root.title = "900 111 000";
              const ready = () => (root.title == "911 222 333" ? fetch("/n/ready") : setTimeout(ready, 20));
              ready();
            </script><script src="/n/late.js"></script>"#;
        browser.open(&shown::page_with(stage, "/n/next.html", head, r#"<p id="plain">900 111 000</p><div id="app"></div><div id="host"></div><x-phone id="late"></x-phone>"#)).await;
        browser.becomes("[...painted].some(Boolean)").await;
        assert_eq!(browser.value("[...painted].filter(Boolean)").await, json!(["911222333"]));
        answered(stage, 2).await;

        // A framework that draws it again, anew or in the same node; and what has a shadow.
        browser
            .value("void (document.querySelector('#app').innerHTML = '<ul><li>Tel. 900 111 000</li></ul>')")
            .await;
        browser.becomes("document.querySelector('#app').innerText == 'Tel. 911 222 333'").await;
        browser.value("void (document.querySelector('#app li').firstChild.data = '+34 900 111 000')").await;
        browser.becomes("document.querySelector('#app').innerText == '+34 911 222 333'").await;
        browser
            .value("void (document.querySelector('#host').attachShadow({ mode: 'open' }).innerHTML = '<a href=\"tel:900111000\">900 111 000</a>', document.querySelector('#app').append(document.querySelector('#host')))")
            .await;
        browser.becomes("document.querySelector('#host').shadowRoot.innerHTML == '<a href=\"tel:+34911222333\">911 222 333</a>'").await;
        let define = "void customElements.define('x-phone', class extends HTMLElement {
              constructor() { super().attachShadow({ mode: 'open' }).innerHTML = '<p>900 111 000</p>'; }
            })";
        browser.value(define).await;
        browser.becomes("document.querySelector('#late').shadowRoot.innerHTML == '<p>911 222 333</p>'").await;
        assert_eq!(browser.value("[...painted].some((text) => text.includes('900111000'))").await, false);

        // Who calls it is who saw it.
        let visitor = stage.proxy.beacons()[0]["visitor"].as_str().unwrap().to_owned();
        let client = &stage.binary.client;
        client.settled().await;
        let call = json!({"external_id": "CA1", "to": POOL, "from": "+34600000000", "status": "ringing"});
        let answer = client.post_json("/api/v1/sites/demo/calls", &call).await.expect(201);
        assert_eq!(answer["candidates"][0]["visitor"], *visitor, "{answer}");
        assert_eq!((&answer["reason"], &answer["campaign"]), (&Value::Null, &json!("otono")), "{answer}");
        assert!(stored(stage).await.as_array().unwrap().contains(&json!("tz_n")));

        browser.value("traza('consent', 'off')").await;
        assert_eq!(text(stage, "#plain").await, "900 111 000");
        assert_eq!(text(stage, "#app").await, "+34 900 111 000");
        assert_eq!(
            browser.value("document.querySelector('#host').shadowRoot.innerHTML").await,
            r#"<a href="tel:900111000">900 111 000</a>"#
        );
        assert!(!stored(stage).await.as_array().unwrap().contains(&json!("tz_n")));
        browser.value("void (document.querySelector('#app').innerHTML = '<b>900 111 000</b>')").await;
        browser.open(&stage.page("/n/first.html")).await;
        browser.becomes("!!(window.traza && traza.on)").await;
        assert_eq!(text(stage, "#plain").await, "Llama al 900 111 000.");
        assert_eq!(browser.errors().await, json!([]));
    });
}

#[test]
fn a_page_that_puts_its_number_back_gets_its_way() {
    on_stage(None, async |stage| {
        stage.proxy.person();
        shown::put(stage, &json!([printed(), pool()])).await;
        let body = r#"<p id="plain">900 111 000</p><p id="mine">900 111 000</p><p id="new"><b>900 111 000</b></p><script>
            const mine = document.querySelector('#mine'), own = document.querySelector('#new');
            window.times = 0;
            new MutationObserver(() => {
              if (mine.textContent != "900 111 000") times++, (mine.firstChild.data = "900 111 000");
              if (own.textContent != "900 111 000") times++, (own.innerHTML = "<b>900 111 000</b>");
            }).observe(document.body, { subtree: true, childList: true, characterData: true });
          </script>"#;
        let browser = &stage.browser;
        browser.open(&shown::page(stage, "/n/stubborn.html", body)).await;
        browser.becomes("document.querySelector('#plain').textContent == '911 222 333'").await;
        // The page lives: neither of the two is in the other's way any more.
        browser.becomes("document.querySelector('#mine').textContent == '900 111 000'").await;
        let times = browser.value("times").await.as_u64().unwrap();
        assert!((5..100).contains(&times), "{times}");
        browser.value("void (document.querySelector('#plain').innerHTML = 'Tel. 900 111 000')").await;
        // Observers are heard before a script's turn is over.
        assert_eq!(browser.value("times").await.as_u64(), Some(times), "and none goes on");
        assert_eq!(browser.errors().await, json!([]));
        holds("the page view", async || stage.ids("page_view").len() == 1).await;
        assert!(stage.ids("tracker_error").is_empty(), "{}", stage.told());
    });
}

#[test]
fn what_a_framework_takes_over_is_left_until_it_has() {
    on_stage(None, async |stage| {
        stage.proxy.person();
        shown::put(stage, &json!([printed(), pool()])).await;
        let body = r#"<p id="plain">900 111 000</p><div id="__next"><p id="taken">900 111 000</p></div><script>
            // As a framework does: what differs from what it would draw is an error.
            addEventListener("load", () => (window.found = document.querySelector('#taken').textContent));
          </script><img src="/n/late.js" alt="">"#;
        stage.proxy.script_after("/n/late.js", "/n/ready");
        let browser = &stage.browser;
        browser.open_early(&shown::page(stage, "/n/next.html", body)).await;
        browser.becomes("document.querySelector('#plain').textContent == '911 222 333'").await;
        assert_eq!(text(stage, "#taken").await, "900 111 000");
        browser.value("void fetch('/n/ready')").await;
        browser.becomes("document.querySelector('#taken').textContent == '911 222 333'").await;
        assert_eq!(browser.value("found").await, "900 111 000");
    });
}

#[test]
fn programs_and_pages_without_a_collector_show_what_is_printed() {
    on_stage(None, async |stage| {
        let browser = &stage.browser;
        let url = shown::page(stage, "/n/styles.html", STYLES);
        // Nothing to show, nothing to load.
        browser.open(&format!("{url}{AD}")).await;
        answered(stage, 1).await;
        assert_eq!(modules(stage), 0);
        assert!(!stage.proxy.requests().iter().any(|request| request.contains("?numbers")));

        // A browser that says that nobody sits before it. In a new one: the loader may be kept for minutes.
        shown::put(stage, &json!([printed(), search(), pool()])).await;
        browser.devtools("Network.clearBrowserCache", json!({})).await;
        browser.open(&format!("{url}{AD}")).await;
        answered(stage, 2).await;
        assert_eq!(modules(stage), 1);
        assert_eq!(text(stage, "#plain").await, "Llama al 900 111 000.");

        stage.proxy.person();
        stage.proxy.refuse(Some((503, Some(1))));
        browser.open(&format!("{url}{AD}")).await;
        holds("it was tried", async || stage.proxy.attempts().iter().any(|attempt| attempt.status == 503))
            .await;
        assert_eq!(text(stage, "#plain").await, "Llama al 900 111 000.");
        stage.proxy.refuse(None);
        browser.shows("Llama al 911 222 333.").await;
        assert_eq!(browser.errors().await, json!([]));
    });
}

#[test]
fn a_number_is_given_up_by_a_tab_of_which_nothing_was_heard_for_half_an_hour() {
    on_stage(None, async |stage| {
        stage.proxy.person();
        shown::put(stage, &json!([printed(), pool()])).await;
        let browser = &stage.browser;
        browser.open(&shown::page(stage, "/n/styles.html", STYLES)).await;
        browser.shows("Llama al 911 222 333.").await;
        // It is somebody else's by then, for all that this tab knows.
        browser.value("void (Date.now = ((now) => () => now() + 30 * 60 * 1000)(Date.now))").await;
        browser.becomes("document.querySelector('#plain').textContent == 'Llama al 900 111 000.'").await;
        assert_eq!(attribute(stage, "#call", "href").await, "tel:+34900111000");
        assert!(!stored(stage).await.as_array().unwrap().contains(&json!("tz_n")));
        browser.open(&stage.page("/n/styles.html")).await;
        browser.shows("Llama al 911 222 333.").await;
        assert_eq!(browser.errors().await, json!([]));
    });
}

#[test]
fn a_page_that_lets_the_tag_in_and_no_more_tells_its_view_and_shows_what_is_printed() {
    on_stage(None, async |stage| {
        stage.proxy.person();
        shown::put(stage, &json!([printed(), pool()])).await;
        let host = stage.proxy.collector.base();
        let policy = format!("script-src 'self' {host}/t/demo.js; connect-src {host}");
        let url =
            shown::page_under(stage, "/n/strict.html", Some(&policy), "", "<p id=\"plain\">900 111 000</p>");
        let browser = &stage.browser;
        browser.open(&format!("{url}{AD}")).await;
        answered(stage, 1).await;
        assert_eq!(text(stage, "#plain").await, "900 111 000");
        assert!(
            !stage.proxy.requests().iter().any(|request| request.contains("?numbers")),
            "{}",
            stage.told()
        );
        assert_eq!((modules(stage), browser.errors().await), (0, json!([])));
    });
}

#[test]
fn a_chat_begins_with_a_reference_that_its_click_tells() {
    on_stage(None, async |stage| {
        let browser = &stage.browser;
        stage.before_every_page(shown::FOLLOWED);
        browser.open(&stage.page("/demo/")).await;
        browser.becomes("!!(window.traza && traza.on)").await;
        browser.click("#whatsapp-link").await;
        let followed = browser.value("followed").await.as_str().unwrap().to_owned();
        let (before, rest) = followed.split_once("%20(ref%3A%20").unwrap_or_else(|| panic!("{followed}"));
        let reference = rest.strip_suffix(')').unwrap_or_else(|| panic!("{followed}"));
        browser.becomes("!document.querySelector('#whatsapp-link').href.includes('ref')").await;
        assert_eq!(
            attribute(stage, "#whatsapp-link", "href").await,
            before,
            "the page's own words come first"
        );
        // A reader of Crockford's alphabet takes no letter for another.
        assert!(
            reference.len() == 6
                && reference.bytes().all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte))
        );
        holds("the click", async || !stage.ids("click").is_empty()).await;
        let visitor = stage.proxy.beacons()[0]["visitor"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/sites/demo/visitors/{visitor}/journey");
        let mut chat = Value::Null;
        holds("the chat is told", async || {
            let page = stage.binary.client.get(&path).await.expect(200);
            let found =
                page["items"].as_array().unwrap().iter().find(|item| item["kind"] == "chat_click").cloned();
            chat = found.unwrap_or_default();
            !chat.is_null()
        })
        .await;
        assert_eq!((&chat["chat_ref"], &chat["app"]), (&json!(reference), &json!("whatsapp")), "{chat}");
        for text in stage.proxy.texts() {
            assert!(
                !text.contains("estudio%20solar"),
                "what the visitor would write stays with them: {text}"
            );
        }

        browser.value("traza('consent', 'anonymous')").await;
        // The word stays until the collector has heard of it.
        holds("the browser is forgotten", async || stored(stage).await == json!(["tz_c"])).await;
        browser.click("#whatsapp-link").await;
        assert_eq!(browser.value("followed").await, *before);
    });
}
