//! docs/recipes.md, run as pages: the very blocks that it shows, with what each site's other scripts do around them.

use e2e::holds;
use serde_json::json;

use crate::{Stage, on_stage};

const PAGE: &str = "/r/page.html";
const NEXT: &str = "/r/next.html";

/// The block of the docs below a heading, told the stage's collector.
pub(crate) fn recipe(stage: &Stage, heading: &str, language: &str) -> String {
    let docs = include_str!("../../docs/recipes.md");
    let (_, below) = docs.split_once(&format!("\n### {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let below = below.split("\n### ").next().unwrap();
    let (_, block) =
        below.split_once(&format!("```{language}\n")).unwrap_or_else(|| panic!("{heading}: {language}"));
    let block = block.split("```").next().unwrap().trim();
    block.replace("https://t.example.com", &stage.proxy.collector.base()).replace("/t/acme.", "/t/demo.")
}

/// A page with something in its head, and with something at the end of its body.
pub(crate) fn page(stage: &Stage, path: &str, head: &str, end: &str, policy: Option<&str>) -> String {
    let html = format!(
        "<!doctype html><html lang=\"es\"><head><meta charset=\"utf-8\">{{head}}{head}<title>Receta</title></head><body>\
         <p><a id=\"call\" href=\"tel:+34900111001\">Llamar</a></p>{end}</body></html>"
    );
    stage.proxy.page(path, &html, policy);
    stage.page(path)
}

pub(crate) fn count(stage: &Stage, kind: &str) -> usize {
    stage.proxy.events().iter().filter(|event| event["kind"] == kind).count()
}

/// A page view and a call, once each, and no error in the page; what belongs to a second tag would have left by the
/// time the page was left.
async fn once(stage: &Stage, head: &str, end: &str, policy: Option<&str>) {
    let browser = &stage.browser;
    browser.open(&page(stage, PAGE, head, end, policy)).await;
    browser.becomes("!!(window.traza && traza.on)").await;
    browser.click("#call").await;
    holds("page view and call", async || count(stage, "page_view") == 1 && count(stage, "click") == 1).await;
    assert_eq!(browser.errors().await, json!([]));
    browser.open("about:blank").await;
    holds("the page was left", async || count(stage, "page_leave") == 1).await;
    assert_eq!((count(stage, "page_view"), count(stage, "click")), (1, 1), "{}", stage.told());
    assert_eq!(stage.ledger().await["rejected"], json!({}));
}

#[test]
fn plain_html_and_the_queue_before_the_tag() {
    on_stage(None, async |stage| {
        let queue = recipe(stage, "Plain HTML", "html");
        let (_, rest) = include_str!("../../docs/recipes.md").split_once("### Plain HTML").unwrap();
        let stub = rest.split("```html\n").nth(2).unwrap().split("```").next().unwrap();
        let early = format!("{stub}<script>traza('track', 'temprano', {{paso: 1}})</script>{queue}");
        once(stage, &early, "", None).await;
        let told: Vec<_> =
            stage.proxy.events().into_iter().filter(|event| event["kind"] == "custom").collect();
        assert_eq!((told.len(), &told[0]["name"]), (1, &json!("temprano")));
    });
}

#[test]
fn a_path_of_the_sites_own_host() {
    on_stage(None, async |stage| {
        let tag = recipe(stage, "The same host", "html");
        assert!(!tag.contains("http"), "{tag}");
        once(stage, &tag, "", None).await;
        let beacons = stage.proxy.requests().into_iter().filter(|request| request.starts_with("POST"));
        let host = stage.proxy.base().replace("http://", "host: ");
        assert!(
            beacons.into_iter().all(|request| request.contains(&host)),
            "each went to the page's own host"
        );
    });
}

#[test]
fn rocket_loader_leaves_the_tag_alone() {
    // It holds back every script that is not told to stay, by its type, for after the page has loaded.
    const ROCKET: &str = "<script>new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach((node) => {
        if (node.localName == 'script' && node.src && node.dataset.cfasync != 'false') node.type = 'held-text/javascript';
    }))).observe(document, {childList: true, subtree: true})</script>";
    on_stage(None, async |stage| {
        once(stage, &format!("{ROCKET}{}", recipe(stage, "WordPress", "html")), "", None).await;
    });
}

#[test]
fn who_runs_no_script_is_counted_and_nobody_twice() {
    on_stage(None, async |stage| {
        let pixel = recipe(stage, "Without scripts", "html");
        once(stage, &recipe(stage, "Plain HTML", "html"), &pixel, None).await;
        assert!(stage.proxy.requests().iter().all(|request| !request.contains(".gif")), "scripts run here");
        let counted = async || {
            let report = stage.binary.client.get("/api/v1/sites/demo/reports/counters").await.expect(200);
            report["totals"]["anonymous_visits"].as_u64()
        };
        assert_eq!(counted().await, Some(0));
        let image = reqwest::Client::new().get(pixel.split('"').nth(1).unwrap());
        let answer = image
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
        assert_eq!(answer.send().await.unwrap().headers()["content-type"], "image/gif");
        holds("it counts", async || counted().await == Some(1)).await;
    });
}

#[test]
fn tag_manager_makes_the_script_anew_after_the_load_and_twice() {
    on_stage(None, async |stage| {
        // As it runs custom HTML: its scripts are copied by their text alone into the body.
        let html = json!(recipe(stage, "Google Tag Manager", "html"))
            .to_string()
            .replace("</script>", "<\\/script>");
        let manager = format!(
            "<script>addEventListener('load', () => setTimeout(() => {{ for (let n = 0; n < 2; n++) {{
               const custom = document.createElement('div');
               custom.innerHTML = {html};
               for (const old of custom.querySelectorAll('script')) {{
                 const made = document.createElement('script');
                 made.text = old.text;
                 document.body.append(made);
               }}
             }} }}, 50))</script>"
        );
        once(stage, "", &manager, None).await;
    });
}

#[test]
fn the_policy_lets_tag_core_and_guard_in() {
    on_stage(None, async |stage| {
        let install = stage.binary.client.get("/api/v1/sites/demo/install").await.expect(200);
        let (guard, hash) = (install["guard"].as_str().unwrap(), install["guard_csp"].as_str().unwrap());
        let policy = recipe(stage, "Content-Security-Policy", "csp").replace("'sha256-GUARD'", hash);
        assert!(policy.contains(hash));
        let policy = format!("default-src 'none'; {policy}; require-trusted-types-for 'script'");
        let tag = recipe(stage, "Plain HTML", "html");
        once(stage, &format!("{guard}{tag}"), "", Some(&policy)).await;
        // The guard ran: the tag has taken over what it kept. An address that has to be judged brings the core.
        stage.browser.open(&format!("{}?who=@ana", stage.page(PAGE))).await;
        holds("the core", async || stage.proxy.beacons().iter().any(|beacon| beacon["via"] == "wasm")).await;
        assert!(stage.proxy.beacons().iter().all(|beacon| beacon["via"] != "fallback"), "{}", stage.told());
        stage.browser.becomes("window.tzg === 0").await;
    });
}

/// One banner: before the choice nothing leaves; after a yes all that was held; after a no nothing more.
fn banner(heading: &'static str, stub: &'static str, yes: &'static str, no: &'static str) {
    on_stage(None, async |stage| {
        stage.consent_default("wait").await;
        let head = format!(
            "{}<script>{stub}</script>{}",
            recipe(stage, heading, "html"),
            recipe(stage, "Plain HTML", "html")
        );
        let browser = &stage.browser;
        let url = page(stage, PAGE, &head, "", None);
        let next = page(stage, NEXT, &head, "", None);
        browser.open(&url).await;
        browser.becomes("!!(window.traza && traza.on)").await;
        browser.click("#call").await;
        browser.open(&format!("{next}?utm_source=held")).await;
        browser.becomes("!!(window.traza && traza.on)").await;
        assert_eq!(stage.proxy.texts(), Vec::<String>::new(), "{heading}: nothing before the choice");
        assert_eq!(browser.value("Object.keys(localStorage)").await, json!([]));

        browser.click("#call").await;
        browser.value(&format!("void ({yes})")).await;
        holds("what was held is sent", async || count(stage, "page_view") == 1 && count(stage, "click") == 1)
            .await;
        for beacon in stage.proxy.beacons() {
            assert_eq!(
                (&beacon["mode"], &beacon["choice"]),
                (&json!("full"), &json!("explicit")),
                "{heading}"
            );
        }
        // The next page knows.
        browser.open(&url).await;
        holds("the next page is told", async || count(stage, "page_view") == 2).await;

        browser.value(&format!("void ({no})")).await;
        holds("the device is empty", async || browser.value("localStorage.tz_v === undefined").await == true)
            .await;
        browser.click("#call").await;
        browser.open(&next).await;
        browser.becomes("!!(window.traza && traza.on)").await;
        browser.click("#call").await;
        browser.open("about:blank").await;
        assert_eq!((count(stage, "page_view"), count(stage, "click")), (2, 1), "{heading}: {}", stage.told());
        assert_eq!(stage.ledger().await["rejected"], json!({}));
    });
}

#[test]
fn complianz() {
    banner(
        "Complianz",
        "const say = (name, detail) => document.dispatchEvent(new CustomEvent(name, {detail}));
         addEventListener('load', () => say('cmplz_fire_categories', {category: 'functional', categories: ['functional']}))",
        "say('cmplz_status_change', {category: 'statistics', value: 'allow', categories: ['functional', 'statistics']}), \
         say('cmplz_status_change', {category: 'marketing', value: 'deny', categories: ['functional', 'statistics']}), \
         say('cmplz_fire_categories', {category: 'statistics', categories: ['functional', 'statistics']})",
        "say('cmplz_status_change', {category: 'statistics', value: 'deny', categories: ['functional']})",
    );
}

#[test]
fn cookieyes() {
    banner(
        "CookieYes",
        "const say = (accepted, rejected) => document.dispatchEvent(new CustomEvent('cookieyes_consent_update', {detail: {accepted, rejected}}))",
        "say(['necessary', 'analytics'], ['advertisement'])",
        "say(['necessary', 'advertisement'], ['analytics'])",
    );
}

#[test]
fn cookiebot() {
    banner(
        "Cookiebot",
        "window.Cookiebot = {hasResponse: false, consent: {necessary: true, statistics: false, marketing: false}};
         const say = (kind, statistics, marketing) => { Object.assign(Cookiebot.consent, {statistics, marketing});
           Cookiebot.hasResponse = true; dispatchEvent(new Event(kind)); }",
        "say('CookiebotOnAccept', true, false)",
        "say('CookiebotOnDecline', false, false)",
    );
}

#[test]
fn cookiebot_accepted_without_statistics_is_a_no() {
    on_stage(None, async |stage| {
        stage.consent_default("full").await;
        let stub = "<script>window.Cookiebot = {consent: {necessary: true, statistics: false, marketing: true}};</script>";
        let head =
            format!("{}{stub}{}", recipe(stage, "Cookiebot", "html"), recipe(stage, "Plain HTML", "html"));
        stage.browser.open(&page(stage, PAGE, &head, "", None)).await;
        holds("the page view", async || count(stage, "page_view") == 1).await;
        stage.browser.value("void dispatchEvent(new Event('CookiebotOnAccept'))").await;
        stage.browser.becomes("localStorage.tz_c == 'off'").await;
        stage.browser.click("#call").await;
        stage.browser.open("about:blank").await;
        assert_eq!(count(stage, "click"), 0, "{}", stage.told());
    });
}

#[test]
fn onetrust() {
    banner(
        "OneTrust",
        "let closed = false;
         window.OneTrust = {IsAlertBoxClosed: () => closed};
         window.OnetrustActiveGroups = ',C0001,';
         const say = (groups) => { closed = true; OnetrustActiveGroups = groups;
           dispatchEvent(new CustomEvent('OneTrustGroupsUpdated', {detail: groups.split(',').filter(Boolean)})); };
         addEventListener('load', () => dispatchEvent(new CustomEvent('OneTrustGroupsUpdated', {detail: ['C0001']})))",
        "say(',C0001,C0002,')",
        "say(',C0001,C0004,')",
    );
}
