//! Lists as CSV: the same items, in columns that do not depend on the page.

use e2e::{
    NOW, TestApp,
    beacon::{event, full, page_view},
    client::{Answer, Client, send},
};
use reqwest::Method;
use serde_json::{Value, json};

const URL: &str = "https://www.example.com/?utm_source=google&utm_medium=cpc&utm_campaign=otono";

/// Three leads, one of whom is called like a formula, and an event that was refused.
async fn filled() -> TestApp {
    let app = TestApp::spawn().await;
    for (number, name) in ["Ana", "=1+1", "Eva, \"la de abajo\""].into_iter().enumerate() {
        let (visitor, page) = (format!("v{number}"), format!("p{number}"));
        let lead =
            json!({"form": "contacto", "lead": {"kind": "form", "name": name, "email": "ana@example.com"}});
        let at = NOW + i64::try_from(number).unwrap();
        let events = [page_view(&page, at, URL), event(&page, 1, at + 5, "form_submit", lead)];
        app.client.store("acme", &full(&visitor, events)).await;
    }
    let refused = full("v0", [json!({"id": "p0-9", "at": NOW, "page": "p0", "kind": "nothing"})]);
    assert_eq!(app.client.beacon("acme", &refused).await.expect(200)["accepted"], 0);
    let link = json!({"id": "otono", "target": "https://www.example.com/oferta", "source": "boletin"});
    app.client.put("/api/v1/sites/acme/links", &json!({"items": [link]})).await.expect(200);
    app.client.settled().await;
    app
}

async fn table(client: &Client, path: &str) -> (Answer, Vec<Vec<String>>) {
    let answer = send(client.request(Method::GET, path).header("accept", "text/csv")).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"), "{path}");
    assert!(answer.header("vary").is_some_and(|vary| vary.contains("accept")), "{path}: {answer:?}");
    let rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(answer.text.as_bytes())
        .into_records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    (answer, rows)
}

/// The paths of everything in an item that is no object.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, &path, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

#[tokio::test]
async fn every_list_is_a_table_too_and_says_as_much() {
    let app = filled().await;
    for (list, at_least) in [
        ("leads", 3),
        ("bad-events?raw=true", 1),
        ("links", 1),
        ("reports/counters?group_by=channel,campaign", 1),
        ("reports/counters/visitors", 3),
        ("reports/bots", 0),
    ] {
        let path = format!("/api/v1/sites/acme/{list}");
        let body = app.client.get(&path).await.expect(200);
        let items = body["items"].as_array().or_else(|| body["rows"].as_array()).unwrap();
        let (_, rows) = table(&app.client, &path).await;
        assert!(items.len() >= at_least && rows.len() == items.len() + 1, "{list}: {rows:?} of {body}");
        for (item, row) in items.iter().zip(&rows[1..]) {
            let mut paths = Vec::new();
            leaves(item, "", &mut paths);
            for leaf in paths.iter().filter(|leaf| *leaf != "explain") {
                let column = rows[0].iter().position(|column| column == leaf);
                let column = column.unwrap_or_else(|| panic!("{list}: no column for {leaf}: {:?}", rows[0]));
                let value = leaf.split('.').fold(item, |value, name| &value[name]);
                match value {
                    Value::Null => assert_eq!(row[column], "", "{list}: {leaf}"),
                    Value::String(text) => {
                        assert_eq!(row[column].trim_start_matches('\''), text, "{list}: {leaf}");
                    }
                    Value::Number(_) | Value::Bool(_) => assert_eq!(row[column], value.to_string()),
                    _ => {}
                }
            }
        }
    }
}

#[tokio::test]
async fn a_table_goes_on_by_its_link_and_shows_no_more_than_json_does() {
    let app = filled().await;
    let mut path = "/api/v1/sites/acme/leads?limit=2&campaign=otono&format=csv".to_owned();
    let mut names = Vec::new();
    loop {
        let (answer, rows) = table(&app.client, &path).await;
        let column = rows[0].iter().position(|column| column == "contact.name").unwrap();
        names.extend(rows[1..].iter().map(|row| row[column].clone()));
        let Some(link) = answer.header("link") else { break };
        path =
            link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
        assert!(path.contains("campaign=otono") && path.contains("format=csv"), "{path}");
    }
    assert_eq!(names, ["Eva, \"la de abajo\"", "'=1+1", "Ana"], "newest first, and no formula");

    let marketer = app.client.role("marketing", "acme").await;
    let (answer, rows) = table(&marketer, "/api/v1/sites/acme/leads").await;
    assert_eq!(rows.len(), 4);
    assert!(!answer.text.contains("Ana") && !answer.text.contains("ana@example.com"), "{answer:?}");
}

#[tokio::test]
async fn json_is_what_comes_unless_a_table_is_wanted_more() {
    let app = filled().await;
    let path = "/api/v1/sites/acme/leads";
    for (accept, query, expected) in [
        ("*/*", "", "application/json"),
        ("application/json, text/csv", "", "application/json"),
        ("application/json;q=0.5, text/csv", "", "text/csv; charset=utf-8"),
        ("text/csv", "?format=json", "application/json"),
        ("application/json", "?format=csv", "text/csv; charset=utf-8"),
    ] {
        let request = app.client.request(Method::GET, &format!("{path}{query}")).header("accept", accept);
        assert_eq!(send(request).await.header("content-type"), Some(expected), "{accept} {query}");
    }
    app.client.get(&format!("{path}?format=xlsx")).await.problem_at(400, "invalid", "format");
    // Nobody is there yet: the columns are, all the same.
    app.client.put_site("empty", &json!({})).await;
    let (_, rows) = table(&app.client, "/api/v1/sites/empty/leads").await;
    assert_eq!((rows.len(), rows[0][0].as_str()), (1, "id"));
}
