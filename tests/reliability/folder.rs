//! A sled folder belongs to one process.

use std::process::Stdio;

use e2e::{
    NOW,
    beacon::{full, page_view},
    binary::{Binary, Home},
};
use serde_json::json;

#[tokio::test]
async fn a_second_process_on_the_same_folder_is_told_so_in_one_line() {
    let home = Home::new();
    let server = Binary::start(&home).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;

    let second = home.serve().stderr(Stdio::piped()).output().expect("a process");
    assert!(!second.status.success(), "{:?}", second.status);
    assert!(second.stdout.is_empty(), "it never said that it listens");
    let said = String::from_utf8(second.stderr).expect("text");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 1, "one line: {said}");
    for part in ["another process", "--store", &home.join("data").display().to_string()] {
        assert!(said.contains(part), "{part} in {said}");
    }

    let beacon = full("v", [page_view("p", NOW, "https://www.example.com/")]);
    let mut beacon = beacon;
    beacon["sent"] = json!(NOW);
    server.client.store("acme", &beacon).await;
    assert_eq!(
        server.client.journey("acme", "v").await.len(),
        1,
        "the first goes on as if nothing had happened"
    );
}

#[tokio::test]
async fn a_store_without_its_key_is_not_opened() {
    let home = Home::new();
    let mut server = Binary::start(&home).await;
    server.client.put_site("acme", &json!({})).await;
    assert!(server.terminate().await.success());
    let key = home.join("data.key");
    let kept = std::fs::read_to_string(&key).expect("the key");
    std::fs::remove_file(&key).expect("removed");

    let refused = home.serve().stderr(Stdio::piped()).output().expect("a process");
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(!refused.status.success());
    assert_eq!(said.lines().count(), 1, "one line: {said}");
    assert!(said.contains("TRAZA_KEY_FILE") && said.contains("data.key"), "{said}");
    assert!(!key.exists(), "no new key is made for old data");

    std::fs::write(&key, kept).expect("written");
    let server = Binary::start(&home).await;
    assert_eq!(server.client.get("/api/v1/sites/acme").await.status, 200);
}
