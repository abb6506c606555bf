//! A new master key: interrupted, finished, and what becomes of older backups.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use collector::clock::{Clock as _, System};
use e2e::{
    beacon::{callback, full, new_id, page_view},
    binary::{Binary, Home, path},
};
use serde_json::{Value, json};

/// Enough submissions that a rotation has batches to be killed between.
const LEADS: usize = 1_050;

async fn with_leads(home: &Home) -> Vec<Value> {
    let mut server = Binary::start(home).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let now = System.now();
    for number in 0..LEADS / 150 {
        let (visitor, page) = (new_id(), new_id());
        let lead = |n: u32| {
            let mut lead = callback(&page, n, now, "600 000 000");
            lead["lead"]["name"] = json!(format!("Person {number}.{n}"));
            lead
        };
        let mut events = vec![page_view(&page, now, "https://www.example.com/")];
        events.extend((1..=150).map(lead));
        server.client.store("acme", &full(&visitor, events)).await;
    }
    server.client.settled().await;
    let leads = server.client.leads("acme").await;
    assert!(leads.iter().all(|lead| lead["contact"]["name"].is_string()), "contacts are read");
    assert!(server.terminate().await.success());
    leads
}

/// The old keys' files.
fn old_keys(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("")).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "old")).collect()
}

#[tokio::test]
async fn a_rotation_that_is_killed_is_finished_and_loses_nothing() {
    let home = Home::new();
    let leads = with_leads(&home).await;
    let first = fs::read(home.join("data.key")).expect("a key");
    let mut killed = 0;
    for round in 0..5_u64 {
        let mut rotating = Command::new(path())
            .args(["rotate-key"])
            .current_dir(home.join(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        // Later in each round: before the link, between batches, between the last batch and the files' names.
        tokio::time::sleep(Duration::from_millis(40 + 60 * round)).await;
        killed += u32::from(rotating.try_wait().expect("a status").is_none());
        drop(rotating.kill());
        rotating.wait().expect("an end");
        // With the files as they lie, the server starts and everybody is there.
        let mut server = Binary::start(&home).await;
        assert_eq!(server.client.leads("acme").await, leads, "round {round}");
        assert!(server.terminate().await.success());
    }
    assert!(killed > 0, "none was cut off");
    home.run(&["rotate-key"]).well();
    assert!(!home.join("data.key.new").exists());
    assert_ne!(fs::read(home.join("data.key")).expect("a key"), first);
    home.run(&["verify"]).well();
    let mut server = Binary::start(&home).await;
    assert_eq!(server.client.leads("acme").await, leads);
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn the_old_key_is_refused_afterwards_and_still_opens_an_older_backup() {
    let home = Home::new();
    let leads = with_leads(&home).await;
    home.run(&["backup", "before.zst"]).well();
    let told = home.run(&["rotate-key"]).well();
    assert!(told.contains(&format!("{LEADS} keys")), "{told}");
    let [old] = old_keys(&home).try_into().expect("one old key");
    assert!(told.contains(".old: the old key"), "{told}");
    let old = old.to_str().expect("a path");
    let refused = home.run(&["backup", "x.zst", "--key-file", old]).one_line();
    assert!(refused.contains("not the one of this store"), "{refused}");
    assert!(home.run(&["doctor", "--key-file", old]).out.contains("not the key of this store"));

    // A backup is as it was made: under the key of its day.
    let line = home.run(&["import", "before.zst"]).one_line();
    assert!(line.contains("under the same master key"), "{line}");
    let told = home.run(&["restore", "before.zst", "--store", "sled:./then", "--key-file", old]).well();
    assert!(told.contains("opens it"), "{told}");
    let told =
        home.run(&["restore", "before.zst", "--store", "sled:./wrong", "--key-file", "data.key"]).well();
    assert!(told.contains("another one"), "{told}");
    home.run(&["backup", "after.zst"]).well();
    fs::rename(home.join("data"), home.join("gone")).expect("gone");
    assert!(home.run(&["restore", "after.zst"]).well().contains("opens it"));
    let mut server = Binary::start(&home).await;
    assert_eq!(server.client.leads("acme").await, leads);
    assert!(server.terminate().await.success());
    // A second one goes on from there, and neither old key is overwritten.
    home.run(&["rotate-key"]).well();
    assert_eq!(old_keys(&home).len(), 2);
}

#[tokio::test]
async fn a_key_given_as_text_is_rotated_to_another_text() {
    let home = Home::new();
    with_leads(&home).await;
    let first = fs::read_to_string(home.join("data.key")).expect("a key");
    fs::remove_file(home.join("data.key")).expect("gone");
    let second = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    let line = home.run(&["rotate-key", "--master-key", first.trim()]).one_line();
    assert!(line.contains("TRAZA_NEW_MASTER_KEY") && !line.contains(first.trim()), "{line}");
    let new = ["--new-master-key", second];
    let line = home.run(&[&["rotate-key", "--master-key", second][..], &new].concat()).one_line();
    assert!(line.contains("not the one of this store"), "{line}");
    home.run(&[&["rotate-key", "--master-key", first.trim()][..], &new].concat()).well();
    assert!(!home.join("data.key").exists());
    home.run(&["backup", "x.zst", "--master-key", second]).well();
    let line = home.run(&["backup", "y.zst", "--master-key", first.trim()]).one_line();
    assert!(line.contains("not the one of this store"), "{line}");
}
