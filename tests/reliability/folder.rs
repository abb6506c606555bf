//! A sled folder belongs to one process.

use std::process::{Command, Stdio};

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

/// What makes a folder read-only for what is run under it: a mount in a namespace of its own, or, where none may be
/// made, permissions, which root is bound by without a capability.
fn read_only(home: &Home) -> Command {
    let mount = "mount --bind data data && mount -o remount,ro,bind data && exec \"$0\" \"$@\"";
    let may = Command::new("unshare").args(["-rm", "true"]).output();
    if may.is_ok_and(|may| may.status.success()) {
        let mut unshare = Command::new("unshare");
        unshare.args(["-rm", "sh", "-c", mount]);
        return unshare;
    }
    for name in ["data/db", "data"] {
        let path = home.join(name);
        let mut permissions = std::fs::metadata(&path).expect("it is there").permissions();
        permissions.set_readonly(true);
        std::fs::set_permissions(&path, permissions).expect("set");
    }
    let bound = "[ \"$(id -u)\" != 0 ] || exec setpriv --bounding-set=-dac_override -- \"$0\" \"$@\"; exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", bound]);
    shell
}

#[cfg_attr(not(unix), ignore = "permissions of another kind")]
#[tokio::test]
async fn a_read_only_store_is_named_in_one_line_and_left_as_it_is() {
    let home = Home::new();
    let mut server = Binary::start(&home).await;
    server.client.put_site("acme", &json!({})).await;
    assert!(server.terminate().await.success());
    let before = std::fs::read(home.join("data/db")).expect("the file");

    let refused = home.serve_under(read_only(&home)).stderr(Stdio::piped()).output().expect("a process");
    let said = String::from_utf8(refused.stderr).expect("text");
    assert!(!refused.status.success() && refused.stdout.is_empty(), "it never said that it listens");
    assert_eq!(said.lines().count(), 1, "one line: {said}");
    let reasons = ["read-only", "may not read and write"];
    assert!(said.contains("data") && reasons.iter().any(|reason| said.contains(reason)), "{said}");
    assert_eq!(std::fs::read(home.join("data/db")).expect("the file"), before);
}
