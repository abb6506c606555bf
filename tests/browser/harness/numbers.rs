//! Pages with printed telephone numbers, and what is shown in their place.

use serde_json::{Value, json};

use super::Stage;

/// Before a page's own scripts: `followed` is the address of the link that was followed last, as a browser would open it.
pub(crate) const FOLLOWED: &str = "addEventListener('click', (e) => { window.followed = e.composedPath().find((node) => node.href)?.href; });";

/// Sets the demo site's numbers.
pub(crate) async fn put(stage: &Stage, items: &Value) {
    let numbers = json!({"items": items});
    stage.binary.client.put("/api/v1/sites/demo/numbers", &numbers).await.expect(200);
}

/// A page with the tag.
pub(crate) fn page(stage: &Stage, path: &str, body: &str) -> String {
    page_with(stage, path, "", body)
}

/// The same with more in its head.
pub(crate) fn page_with(stage: &Stage, path: &str, head: &str, body: &str) -> String {
    page_under(stage, path, None, head, body)
}

/// The same under a Content-Security-Policy.
pub(crate) fn page_under(stage: &Stage, path: &str, policy: Option<&str>, head: &str, body: &str) -> String {
    let html = format!(
        "<!doctype html><html lang=\"es\"><head><meta charset=\"utf-8\"><title>Contacto</title>{{head}}\
         <script async src=\"{}/t/demo.js\"></script>{head}</head><body>{body}</body></html>",
        stage.proxy.collector.base()
    );
    stage.proxy.page(path, &html, policy);
    stage.page(path)
}
