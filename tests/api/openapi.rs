//! The OpenAPI document: kept beside this file, so that a change of the API shows in review.

use std::{collections::BTreeSet, fs, path::Path};

use e2e::{TestApp, client::send};
use reqwest::Method;
use serde_json::Value;

const ROUTES: &str = include_str!("../../collector/src/api/routes.rs");

/// What is no part of the API: files for browsers, and how a browser asks before it sends.
const NOT_API: [(&str, &str); 9] = [
    ("GET", "/t/{site}"),
    ("HEAD", "/t/{site}"),
    ("HEAD", "/t/{site}/r/{link}"),
    ("OPTIONS", "/t/{site}"),
    ("GET", "/api/docs/{path:.*}"),
    ("GET", "/api/openapi.json"),
    ("GET", "/demo"),
    ("POST", "/demo/gracias"),
    ("GET", "/demo/{path:.*}"),
];

async fn document(app: &TestApp) -> Value {
    send(app.client.bare(Method::GET, "/api/openapi.json")).await.expect(200)
}

/// Every method and path that `routes.rs` wires: it calls `at(path, "its methods", …)` for each, and nothing else.
fn wired() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for call in ROUTES.split("at(").skip(1) {
        let Some((arguments, _)) = call.split_once('[') else { continue };
        let texts: Vec<&str> = arguments.split('"').collect();
        let (path, methods) = match texts.as_slice() {
            [_, path, _, methods, ..] => ((*path).to_owned(), *methods),
            // The path is the variable that holds the site's.
            [_, methods, ..] => ("{site}".to_owned(), *methods),
            _ => continue,
        };
        let path = path.replace("{{", "{").replace("}}", "}").replace("{prefix}", "/t");
        let path = match path.strip_prefix("{site}") {
            Some(rest) => format!("/api/v1/sites/{{site}}{rest}"),
            None => path,
        };
        found.extend(methods.split(", ").map(|method| (method.to_owned(), path.clone())));
    }
    found
}

fn documented(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = |path: &Value| path.as_object().expect("operations").keys().cloned().collect::<Vec<_>>();
    paths
        .iter()
        .flat_map(|(path, item)| {
            operations(item).into_iter().map(move |method| (method.to_ascii_uppercase(), path.clone()))
        })
        .collect()
}

#[tokio::test]
async fn every_route_is_documented_and_every_document_is_a_route() {
    let app = TestApp::spawn().await;
    let wired = wired();
    assert!(wired.len() > 20, "routes.rs is written in a way that this test cannot read: {wired:?}");
    let files: BTreeSet<_> =
        NOT_API.iter().map(|(method, path)| ((*method).into(), (*path).into())).collect();
    assert!(files.is_subset(&wired), "an exception for what is gone: {files:?}");
    let expected: BTreeSet<_> = wired.difference(&files).cloned().collect();
    assert_eq!(documented(&document(&app).await), expected);
}

#[tokio::test]
async fn what_is_documented_answers() {
    let app = TestApp::spawn().await;
    let link = serde_json::json!({"id": "l", "target": "https://example.com/"});
    app.client.put("/api/v1/sites/acme/links", &serde_json::json!({"items": [link]})).await.expect(200);
    for (method, path) in documented(&document(&app).await) {
        let filled = path.replace("{site}", "acme").replace("{lead}", "l").replace("{token}", "t");
        let filled = filled.replace("{visitor}", "v").replace("{link}", "l").replace("{kind}", "leads");
        let filled = filled.replace("{adapter}", "meta").replace("{key}", "k");
        let method: Method = method.parse().unwrap();
        let answer = send(app.client.bare(method.clone(), &filled)).await;
        let needs_token = filled.starts_with("/api/v1/");
        assert_eq!(answer.status == 401, needs_token, "{method} {path}: {answer:?}");
        assert!(!matches!(answer.status, 404 | 405 | 500..), "{method} {path}: {answer:?}");
    }
}

#[tokio::test]
async fn every_operation_says_what_it_is_and_needs() {
    let app = TestApp::spawn().await;
    let document = document(&app).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let case = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{case}: its id is taken");
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{case}");
            assert!(!operation["responses"].as_object().unwrap().is_empty(), "{case}");
            let holes = path.matches('{').count();
            let parameters = operation["parameters"]
                .as_array()
                .map_or(0, |all| all.iter().filter(|parameter| parameter["in"] == "path").count());
            assert_eq!(parameters, holes, "{case}");
            assert_eq!(operation.get("security").is_some(), path.starts_with("/api/v1/"), "{case}");
        }
    }
}

#[tokio::test]
async fn the_document_is_the_one_that_was_reviewed() {
    let app = TestApp::spawn().await;
    let current = format!("{:#}\n", document(&app).await);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("api/openapi.json");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let reviewed = fs::read_to_string(&path).unwrap_or_default();
    let line = current.lines().zip(reviewed.lines()).position(|(now, then)| now != then);
    assert!(
        current == reviewed,
        "the API changed, first at line {}; if that is meant: UPDATE=1 cargo test -p e2e --test api document, and \
         look at the difference of tests/api/openapi.json",
        line.unwrap_or_else(|| current.lines().count().min(reviewed.lines().count())) + 1
    );
}
