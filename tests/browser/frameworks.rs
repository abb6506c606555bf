//! React, Vue and Next by their own packages: routes, a form whose fields the framework holds, and its thanks.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use e2e::holds;
use serde_json::{Value, json};

use crate::{
    Stage,
    harness::kinds,
    on_stage,
    recipes::{count, page, recipe},
};

const HOME: &str = "/r/app";

/// The tag's address as Next's layout has it.
const TAG: &str = "https://t.example.com/t/acme.js";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tracker-wasm/tests/frameworks")
}

/// What a command prints that has to succeed.
fn run(command: &mut Command) -> String {
    let ran = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; run `.ci/setup test`"));
    let (said, wrong) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{command:?}: {said}{wrong}");
    said.into_owned()
}

/// The page of a script that is packed with its framework.
fn packed(stage: &Stage, name: &str) -> String {
    let script = run(Command::new("node").arg(folder().join("pack.mjs")).arg(name));
    let app = format!("<div id=\"app\"></div><script>{script}</script>");
    page(stage, HOME, &recipe(stage, "Plain HTML", "html"), &app, None)
}

/// What Next builds of its folder: plain files, by the address that each has.
fn built_by_next() -> Vec<(String, PathBuf)> {
    let next = folder().join("next");
    let program = next.join("node_modules/.bin/next");
    run(Command::new(program).arg("build").current_dir(&next).env("NEXT_TELEMETRY_DISABLED", "1"));
    let root = next.join("out");
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), path));
            }
        }
    }
    files
}

/// Puts them where the browser finds them, with the tag's address as the recipe has it on this stage.
fn laid_out(stage: &Stage, files: &[(String, PathBuf)]) -> String {
    let tag = recipe(stage, "React, Vue, Next", "jsx");
    let layout = fs::read_to_string(folder().join("next/app/layout.jsx")).unwrap();
    let address = tag.split('"').nth(1).unwrap();
    assert!(layout.replace(TAG, address).contains(&tag), "the layout has the recipe's line: {tag}");
    let mut told = 0;
    for (name, path) in files {
        let text = fs::read_to_string(path).unwrap();
        told += text.matches(TAG).count();
        let text = text.replace(TAG, address);
        match name.strip_suffix(".html") {
            Some(page) => {
                let at = if page == "index" { HOME.to_owned() } else { format!("{HOME}/{page}") };
                stage.proxy.page(&at, &text.replacen("<head>", "<head>{head}", 1), None);
            }
            None => stage.proxy.file(&format!("{HOME}/{name}"), media_type(name), text),
        }
    }
    assert!(told > 0, "the tag is in what Next built");
    stage.page(HOME)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        _ => "text/plain; charset=utf-8",
    }
}

/// The visit, from an advertisement, of the page that is made for the stage.
async fn play(stage: &Stage, address: impl FnOnce(&Stage) -> String) {
    let config = json!({
        "domains": ["127.0.0.1"], "consent_default": "full",
        "forms": [{"match": "#contacto", "kind": "callback", "success": ".gracias"}],
    });
    stage.binary.client.put_site("demo", &config).await;
    let browser = &stage.browser;
    browser.open(&format!("{}?utm_source=google&utm_medium=cpc", address(stage))).await;
    browser.becomes("!!(window.traza && traza.on)").await;
    browser.click("#go").await;
    browser.type_into("[name=telefono]", "600000001").await;
    browser.click("#contacto button").await;
    browser.shows("Gracias").await;
    holds("the form's success is told", async || count(stage, "form_success") == 1).await;
    let views: Vec<_> =
        stage.proxy.events().into_iter().filter(|event| event["kind"] == "page_view").collect();
    // Where the tag was faster than the framework, the page says with its end what it has been called since.
    let late = |view: &Value| {
        let ends = stage.proxy.events().into_iter().filter(|event| event["kind"] == "page_leave");
        ends.filter(|leave| leave["page"] == view["page"]).find_map(|leave| leave.get("title").cloned())
    };
    let titles: Vec<_> =
        views.iter().map(|view| late(view).unwrap_or_else(|| view["title"].clone())).collect();
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
    on_stage(None, async |stage| play(stage, |stage| packed(stage, "react.jsx")).await);
}

#[test]
fn vue_draws_the_page() {
    on_stage(None, async |stage| play(stage, |stage| packed(stage, "vue.js")).await);
}

#[test]
fn next_builds_the_pages_and_loads_the_tag() {
    let files = built_by_next();
    on_stage(None, async |stage| play(stage, |stage| laid_out(stage, &files)).await);
}
