//! React and Vue by their own packages: routes, a form whose fields the framework holds, and its thanks.

use std::{path::Path, process::Command};

use e2e::holds;
use serde_json::json;

use crate::{
    Stage,
    harness::kinds,
    on_stage,
    recipes::{count, page, recipe},
};

const HOME: &str = "/r/app";

/// A page's script, packed with its framework.
fn packed(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tracker-wasm/tests/frameworks");
    let packed = Command::new("node").arg(folder.join("pack.mjs")).arg(name).output();
    let packed = packed.unwrap_or_else(|error| panic!("node: {error}; run `.ci/setup build`"));
    assert!(packed.status.success(), "{name}: {}", String::from_utf8_lossy(&packed.stderr));
    String::from_utf8_lossy(&packed.stdout).into_owned()
}

async fn play(stage: &Stage, name: &str) {
    let config = json!({
        "domains": ["127.0.0.1"], "consent_default": "full",
        "forms": [{"match": "#contacto", "kind": "callback", "success": ".gracias"}],
    });
    stage.binary.client.put_site("demo", &config).await;
    let tag = recipe(stage, "Plain HTML", "html");
    let app = format!("<div id=\"app\"></div><script>{}</script>", packed(name));
    let browser = &stage.browser;
    browser.open(&format!("{}?utm_source=google&utm_medium=cpc", page(stage, HOME, &tag, &app, None))).await;
    browser.becomes("!!(window.traza && traza.on)").await;
    browser.click("#go").await;
    browser.type_into("[name=telefono]", "600000001").await;
    browser.click("#contacto button").await;
    browser.shows("Gracias").await;
    holds("the form's success is told", async || count(stage, "form_success") == 1).await;
    let views: Vec<_> =
        stage.proxy.events().into_iter().filter(|event| event["kind"] == "page_view").collect();
    let titles: Vec<_> = views.iter().map(|view| view["title"].clone()).collect();
    assert_eq!(titles, [json!("Inicio"), json!("Contacto")], "{}", stage.told());
    assert!(views[1]["url"].as_str().unwrap().ends_with("/r/app/contacto"));
    for kind in ["form_start", "form_submit"] {
        assert_eq!(count(stage, kind), 1, "{kind}: {}", stage.told());
    }
    stage.binary.client.settled().await;
    let leads = stage.leads().await;
    assert_eq!(leads.len(), 1, "{leads:?}");
    let lead = &leads[0];
    assert_eq!((&lead["kind"], &lead["contact"]["phone"]), (&json!("callback"), &json!("+34600000001")));
    assert_eq!((&lead["confirmed"], &lead["origin"]["last"]["source"]), (&json!(true), &json!("google")));
    let journey = stage.binary.client.lead_journey("demo", lead["id"].as_str().unwrap()).await;
    let told = kinds(&journey);
    let place = |kind: &str| told.iter().position(|one| *one == kind);
    assert!(
        place("page_view") < place("form_submit") && place("form_submit") < place("form_success"),
        "{told:?}"
    );

    // Back is a route, too.
    browser.value("history.back()").await;
    browser.find("#go").await;
    holds("the first route again", async || count(stage, "page_view") == 3).await;
    assert_eq!(browser.errors().await, json!([]));
    assert_eq!(stage.ledger().await["rejected"], json!({}));
}

#[test]
fn react_draws_the_page() {
    on_stage(None, async |stage| play(stage, "react.jsx").await);
}

#[test]
fn vue_draws_the_page() {
    on_stage(None, async |stage| play(stage, "vue.js").await);
}
