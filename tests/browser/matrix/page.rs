//! Pages of the matrix's own, and what is asked of every row.

use std::collections::BTreeMap;

use crate::harness::Stage;
use serde_json::{Value, json};

pub(crate) const LANDING: &str = "/p/landing.html";
pub(crate) const NEXT: &str = "/p/next.html";
const FENCE: &str = "/p/fence.html";

/// The tag, by the collector's own host.
pub(crate) fn tag(stage: &Stage) -> String {
    format!("<script async src=\"{}/t/demo.js\"></script>", stage.proxy.collector.base())
}

/// The inline guard as `GET install` prints it, told the collector's own host.
pub(crate) async fn guard(stage: &Stage) -> String {
    let client = &stage.binary.client;
    let install = client.get("/api/v1/sites/demo/install").await.expect(200);
    let guard = install["guard"].as_str().unwrap();
    assert!(guard.contains(client.base()), "{guard}");
    guard.replace(client.base(), &stage.proxy.collector.base())
}

/// A landing page with something first in its head; `policy` becomes its Content-Security-Policy.
pub(crate) fn landing(stage: &Stage, head: &str, policy: Option<&str>) -> String {
    let html = format!(
        r#"<!doctype html><html lang="es"><head><meta charset="utf-8">{head}{{head}}<title>Placas solares</title>{tag}</head>
<body><p>Placas solares para tu casa.</p>
<p><a id="call" href="tel:+34900111001">Llamar gratis</a></p>
<p><button id="cta" data-traza-cta="estudio">Quiero un estudio</button></p>
<p><a id="next" href="{NEXT}">Precios</a></p>
<form id="lead" name="llamadme" action="{NEXT}" method="post" data-traza-lead="callback">
<input id="phone" name="telefono" type="tel"><button id="send">Llamadme</button></form></body></html>"#,
        tag = tag(stage),
    );
    stage.proxy.page(LANDING, &html, policy);
    plain(stage, NEXT, "Precios");
    stage.page(LANDING)
}

/// A page with the tag and a title.
pub(crate) fn plain(stage: &Stage, path: &str, title: &str) -> String {
    let html = format!(
        "<!doctype html><html lang=\"es\"><head><meta charset=\"utf-8\"><title>{title}</title>{{head}}{}</head>\
         <body><p>{title}</p></body></html>",
        tag(stage)
    );
    stage.proxy.page(path, &html, None);
    stage.page(path)
}

/// Opens another page and waits for its page view: whatever was to be sent before has had its time.
pub(crate) async fn fence(stage: &Stage) {
    let url = plain(stage, FENCE, "Fin");
    stage.browser.open(&url).await;
    stage.until("the last page view", async || !of(stage, "page_view", FENCE).is_empty()).await;
}

/// The events that the collector took of one kind and one page, by the path of its page view. A second delivery of an
/// id is left out.
pub(crate) fn of(stage: &Stage, kind: &str, path: &str) -> Vec<Value> {
    let taken = by_id(stage);
    let shows = |event: &Value| {
        let view = taken.values().find(|view| view["kind"] == "page_view" && view["page"] == event["page"]);
        view.is_some_and(|view| view["url"].as_str().is_some_and(|url| url.contains(path)))
    };
    taken.values().filter(|event| event["kind"] == kind && shows(event)).cloned().collect()
}

/// Waits until as many events of a kind were taken from a page.
pub(crate) async fn told(stage: &Stage, kind: &str, path: &str, count: usize) {
    let what = format!("{count} × {kind} of {path}");
    stage.until(&what, async || of(stage, kind, path).len() >= count).await;
    assert_eq!(of(stage, kind, path).len(), count, "{what}; {}", stage.told());
}

/// Calls, told by the core or raw.
pub(crate) fn calls(stage: &Stage) -> Vec<Value> {
    let tel = |event: &Value| event["href"].as_str().is_some_and(|href| href.starts_with("tel:"));
    by_id(stage).into_values().filter(|event| event["kind"] == "call_click" || tel(event)).collect()
}

/// Waits until so many calls were told.
pub(crate) async fn called(stage: &Stage, count: usize) {
    stage.until(&format!("{count} calls"), async || calls(stage).len() >= count).await;
    assert_eq!(calls(stage).len(), count, "{}", stage.told());
}

/// Every event that was taken, by id; an id stands for one event, however often it travels.
pub(crate) fn by_id(stage: &Stage) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for event in stage.proxy.taken() {
        let id = event["id"].as_str().unwrap().to_owned();
        if let Some(earlier) = all.insert(id, event.clone()) {
            assert_eq!(earlier, event, "one id, two events");
        }
    }
    all
}

/// Panics if an event was taken twice. For pages that live: one that ends before an answer may have to say it again.
pub(crate) fn none_twice(stage: &Stage) {
    assert_eq!(stage.proxy.taken().len(), by_id(stage).len(), "sent twice; {}", stage.told());
}

/// What holds after every row: the collector counted each event once and had nothing to refuse.
pub(crate) async fn nothing_amiss(stage: &Stage) {
    let mut ledger = stage.ledger().await;
    let taken = by_id(stage).len();
    let counted = |ledger: &Value| {
        let withheld: u64 = ledger["withheld"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        ledger["stored"].as_u64().unwrap() + withheld
    };
    stage
        .until("every event is counted once", async || {
            ledger = stage.ledger().await;
            usize::try_from(counted(&ledger)).unwrap() == by_id(stage).len()
        })
        .await;
    assert!(taken > 0, "nothing was sent at all");
    assert_eq!(ledger["rejected"], json!({}), "{}", stage.told());
}
