//! Pages that do what they please with the browser around the tag: it works, or stays away, and no error is its own.

use e2e::holds;
use serde_json::json;

use crate::{Stage, on_stage};

const PAGE: &str = "/h/page.html";

fn count(stage: &Stage, kind: &str) -> usize {
    stage.proxy.events().iter().filter(|event| event["kind"] == kind).count()
}

fn page(stage: &Stage, head: &str, end: &str) -> String {
    let html = format!(
        "<!doctype html><html lang=\"es\"><head><meta charset=\"utf-8\">{{head}}{head}<title>Hostil</title></head>\
         <body><p><a id=\"call\" href=\"tel:+34900111001\">Llamar</a></p>{end}</body></html>"
    );
    stage.proxy.page(PAGE, &html, None);
    stage.page(PAGE)
}

fn tag(stage: &Stage) -> String {
    format!("<script async src=\"{}/t/demo.js\"></script>", stage.proxy.collector.base())
}

/// Page view, call and leave, once each, and nothing thrown.
async fn works(stage: &Stage, head: &str, after: &str) {
    let browser = &stage.browser;
    browser.open(&page(stage, &format!("{head}{}", tag(stage)), after)).await;
    browser.becomes("!!(window.traza && traza.on)").await;
    browser.click("#call").await;
    holds("page view and call", async || count(stage, "page_view") == 1 && count(stage, "click") == 1).await;
    assert_eq!(browser.errors().await, json!([]));
    browser.open("about:blank").await;
    holds("the page was left", async || count(stage, "page_leave") == 1).await;
    assert_eq!((count(stage, "page_view"), count(stage, "click")), (1, 1), "{}", stage.told());
    assert_eq!(count(stage, "tracker_error"), 0, "{}", stage.told());
}

fn run(head: &str, after: &str) {
    on_stage(None, async |stage| works(stage, head, after).await);
}

#[test]
fn wrapped_requests_are_used_as_they_are() {
    run(
        "<script>
           window.fetch = new Proxy(fetch, {apply: (target, self, args) => Reflect.apply(target, window, args)});
           navigator.sendBeacon = new Proxy(navigator.sendBeacon, {apply: (target, self, args) => target.apply(navigator, args)});
         </script>",
        "",
    );
}

#[test]
fn natives_patched_the_old_way_are_survived() {
    // As MooTools and Prototype did: methods of their own on everything, enumerable.
    run(
        "<script>
           Array.prototype.each = function (work) { for (var n = 0; n < this.length; n++) work(this[n]); };
           Array.prototype.toJSON = function () { return '[' + this.join() + ']'; };
           Object.prototype.extend = function () { return this; };
           String.prototype.test = function (what) { return this.indexOf(what) >= 0; };
           Function.prototype.bind = function (self) { var work = this; return function () { return work.apply(self, arguments); }; };
           Array.from = function (list) { var out = []; for (var n = 0; n < list.length; n++) out.push(list[n]); return out; };
           Element.prototype.getProperty = Element.prototype.getAttribute;
         </script>",
        "",
    );
}

#[test]
fn frozen_prototypes_are_survived() {
    run(
        "<script>for (const kind of [Object, Array, String, Function, Promise, Event, EventTarget, Element, Document])
           Object.freeze(kind.prototype);</script>",
        "",
    );
}

#[test]
fn getters_that_throw_cost_nothing_else() {
    run(
        "<script>
           const no = {configurable: true, get() { throw new Error('hands off'); }};
           Object.defineProperty(document, 'referrer', no);
           Object.defineProperty(navigator, 'globalPrivacyControl', no);
           Object.defineProperty(window, 'dataLayer', no);
           Object.defineProperty(document, 'currentScript', no);
         </script>",
        "",
    );
}

#[test]
fn a_tag_that_is_taken_out_goes_on() {
    run(
        "",
        "<script>addEventListener('load', () => document.querySelectorAll('script[src]').forEach((tag) => tag.remove()))</script>",
    );
}

#[test]
fn two_tags_are_one() {
    on_stage(None, async |stage| {
        let two = tag(stage).repeat(2);
        stage.browser.open(&page(stage, &two, &two)).await;
        stage.browser.click("#call").await;
        holds("the call", async || count(stage, "click") == 1).await;
        stage.browser.open("about:blank").await;
        holds("the page was left", async || count(stage, "page_leave") == 1).await;
        assert_eq!((count(stage, "page_view"), count(stage, "click")), (1, 1), "{}", stage.told());
    });
}

#[test]
fn a_sandboxed_frame_harms_nobody() {
    on_stage(None, async |stage| {
        let inside = format!("<!doctype html><title>Dentro</title>{{head}}{}<p>Dentro", tag(stage));
        stage.proxy.page("/h/inside.html", &inside, None);
        let frame = "<iframe id=\"frame\" sandbox=\"allow-scripts\" src=\"/h/inside.html\"></iframe>
            <script>addEventListener('message', (event) => { window.said = event.data; });</script>";
        let watch = inside.replace(
            "<p>Dentro",
            "<script>setInterval(() => parent.postMessage({on: !!(window.traza && traza.on), errors: window.__errors}, '*'), 50)</script>",
        );
        stage.proxy.page("/h/inside.html", &watch, None);
        stage.browser.open(&page(stage, &tag(stage), frame)).await;
        stage.browser.becomes("!!(window.said && window.said.on)").await;
        stage.browser.click("#call").await;
        holds("the page around it tells", async || count(stage, "click") == 1).await;
        assert_eq!(stage.browser.value("window.said.errors").await, json!([]));
        assert_eq!(stage.browser.errors().await, json!([]));
        stage.browser.open("about:blank").await;
        let outside = stage.proxy.events().into_iter().filter(|event| {
            event["kind"] == "page_view" && event["url"].as_str().is_some_and(|url| url.contains(PAGE))
        });
        assert_eq!(outside.count(), 1, "{}", stage.told());
    });
}

#[test]
fn pages_that_are_no_sites_are_left_alone() {
    on_stage(None, async |stage| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.html");
        let mark = "<script>window.ran = true</script>";
        std::fs::write(&file, format!("<!doctype html><title>Fichero</title>{}{mark}", tag(stage))).unwrap();
        stage.browser.open(&format!("file://{}", file.display())).await;
        stage.browser.becomes("window.ran").await;
        assert_eq!(stage.browser.value("window.traza").await, json!(null));
        // A blank frame that a page puts the tag into.
        let blank = format!(
            "<iframe id=\"frame\"></iframe><script>const tag = frame.contentDocument.createElement('script');
             tag.src = '{}/t/demo.js'; frame.contentDocument.body.append(tag);</script>",
            stage.proxy.collector.base()
        );
        stage.browser.open(&page(stage, "", &blank)).await;
        let asked =
            || stage.proxy.requests().iter().filter(|request| request.starts_with("GET /t/demo.js")).count();
        holds("the tag came", async || asked() >= 1).await;
        stage.browser.click("#call").await;
        stage.browser.open("about:blank").await;
        assert_eq!(stage.proxy.texts(), Vec::<String>::new());
    });
}
