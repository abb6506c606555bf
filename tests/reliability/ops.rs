//! The operator's verbs, as an operator uses them.

use std::{collections::BTreeMap, fs};

use collector::clock::{Clock as _, System};
use e2e::{
    ADMIN,
    beacon::{callback, full, new_id, page_view},
    binary::{Binary, Home},
    load::Load,
};
use serde_json::{Value, json};

const NAME: &str = "Eulalia Quintanilla";

/// A server with visits, a lead and its contact.
async fn busy(home: &Home) -> Binary {
    let server = Binary::start(home).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let (visitor, page, now) = (new_id(), new_id(), System.now());
    let mut lead = callback(&page, 1, now, "600 123 987");
    lead["lead"]["name"] = json!(NAME);
    let events = [page_view(&page, now, "https://www.example.com/?utm_source=google&utm_medium=cpc"), lead];
    server.client.store("acme", &full(&visitor, events)).await;
    let load = Load::start(&server.client, "acme", 4, now);
    load.reached(40).await;
    load.stop().await;
    server.client.settled().await;
    server
}

#[tokio::test]
async fn a_backup_of_a_running_server_restores_to_the_same_answers() {
    let home = Home::new();
    let mut server = busy(&home).await;
    let load = Load::start(&server.client, "acme", 4, System.now());
    load.reached(20).await;
    let url = server.client.base().to_owned();
    let backup = ["backup", "b.zst", "--url", &url, "--token", ADMIN];
    assert!(home.run(&backup).well().contains("facts"), "it goes on under load");
    let outcome = load.stop().await;
    outcome.assert_holds(&server.client, "acme").await;
    assert!(home.run(&backup).one_line().contains("--force"), "an older backup is not overwritten");
    // That contacts are looked at is a fact: noted before the backup, it is none after it.
    server.client.leads("acme").await;
    server.client.get("/api/v1/sites/acme/audit").await.expect(200);
    home.run(&["backup", "b.zst", "--force", "--url", &url, "--token", ADMIN]).well();
    let bytes = fs::read(home.join("b.zst")).expect("a backup");
    let text = String::from_utf8(zstd::decode_all(bytes.as_slice()).expect("zstd")).expect("text");
    for personal in ["Eulalia", "600123987", "600 123 987"] {
        assert!(!text.contains(personal), "{personal} stands in a backup");
    }
    let (leads, ledger) = (server.client.leads("acme").await, server.client.ledger("acme").await);
    assert!(server.terminate().await.success());
    let told = home.run(&["verify"]).well();

    // Elsewhere, with the key put beside it.
    fs::rename(home.join("data"), home.join("lost")).expect("gone");
    home.run(&["restore", "b.zst"]).well();
    assert!(!home.join("data.restoring").exists());
    let server = Binary::start(&home).await;
    assert_eq!(server.client.leads("acme").await, leads, "contacts included");
    assert_eq!(server.client.ledger("acme").await, ledger);
    outcome.assert_holds(&server.client, "acme").await;
    server.kill();
    let again = home.run(&["verify"]).well();
    let count = |told: &str| told.lines().find(|line| line.starts_with("site 1")).map(facts);
    assert_eq!(count(&told), count(&again));
    assert!(home.run(&["restore", "b.zst"]).one_line().contains("something already"));
}

fn facts(line: &str) -> u64 {
    let number = line.split_whitespace().nth(2).expect("a count");
    number.parse().unwrap_or_else(|_| panic!("a count in {line}"))
}

#[tokio::test]
async fn what_is_cut_off_is_no_backup_and_leaves_no_store() {
    let home = Home::new();
    let mut server = busy(&home).await;
    assert!(server.terminate().await.success());
    assert!(home.run(&["backup", "b.zst"]).well().contains("facts"), "without a server the store is opened");
    let bytes = fs::read(home.join("b.zst")).expect("a backup");
    let lines = zstd::decode_all(bytes.as_slice()).expect("zstd");
    let part = zstd::encode_all(&lines[..lines.len() / 2], 1).expect("zstd");
    fs::write(home.join("cut.zst"), part).expect("written");
    let line = home.run(&["restore", "cut.zst", "--store", "sled:./new"]).one_line();
    assert!(line.contains("cut.zst"), "{line}");
    assert!(!home.join("new").exists(), "a part of a store has no name");
    // An import in place says that it is not whole, and goes on when it is asked to.
    let line = home.run(&["import", "cut.zst", "--store", "sled:./new"]).one_line();
    assert!(line.contains("cut.zst"), "{line}");
    let line = home.run(&["verify", "--store", "sled:./new"]).one_line();
    assert!(line.contains("traza import"), "{line}");
    assert!(home.run(&["import", "b.zst", "--store", "sled:./new"]).well().contains("facts new"));
    assert!(home.run(&["import", "b.zst", "--store", "sled:./new"]).well().contains(" 0 facts new"));
    home.run(&["verify", "--store", "sled:./new"]).well();
    // Another store's facts do not mix with these.
    let other = Home::new();
    let mut server = busy(&other).await;
    assert!(server.terminate().await.success());
    let line = other.run(&["import", home.join("b.zst").to_str().expect("a path")]).one_line();
    assert!(line.contains("vault of its own") || line.contains("another store"), "{line}");
    other.run(&["verify"]).well();
}

#[tokio::test]
async fn an_export_shows_contacts_only_where_they_are_asked_for() {
    let home = Home::new();
    let server = busy(&home).await;
    let url = server.client.base().to_owned();
    let export = |file: &str, more: &[&str]| {
        let first = ["export", file, "--site", "acme", "--url", &url, "--token", ADMIN];
        home.run(&[&first, more].concat()).well();
        let bytes = fs::read(home.join(file)).expect("an export");
        String::from_utf8(zstd::decode_all(bytes.as_slice()).expect("zstd")).expect("text")
    };
    assert!(!export("sealed.zst", &[]).contains("Eulalia"));
    let clear = export("clear.zst", &["--contacts"]);
    assert_eq!(clear.matches(NAME).count(), 1);
    assert!(clear.contains("\"slug\":\"acme\""));
    let line = home.run(&["restore", "clear.zst", "--store", "sled:./new"]).one_line();
    assert!(line.contains("acme alone"), "{line}");
    assert!(!home.errors().contains("Eulalia"));
}

#[tokio::test]
async fn tokens_and_sites_are_made_with_and_without_a_server() {
    let home = Home::new();
    assert!(home.run(&["token", "list"]).one_line().contains("no store"));
    home.run(&["site", "put", "acme", "--domain", "example.com"]).well();
    let made = home.run(&["token", "create", "--role", "admin", "--site", "*", "--label", "ops"]).well();
    let secret = made.split_whitespace().next().expect("a secret").to_owned();
    assert!(secret.starts_with("tz_"), "{made}");
    let server = Binary::start(&home).await;
    let url = server.client.base().to_owned();
    assert!(home.run(&["site", "list"]).one_line().contains("another process"), "the folder is the server's");
    let reach = ["--url", &url, "--token", &secret];
    assert_eq!(home.run(&[&["site", "list"][..], &reach].concat()).well().trim(), "acme");
    let list = home.run(&[&["token", "list"][..], &reach].concat()).well();
    assert!(list.contains("ops") && !list.contains(&secret), "{list}");
    let id = list.split_whitespace().next().expect("an id").to_owned();
    home.run(&[&["token", "revoke", &id][..], &reach].concat()).well();
    let line = home.run(&[&["site", "list"][..], &reach].concat()).one_line();
    assert!(line.contains("401"), "{line}");
}

#[tokio::test]
async fn a_rebuild_gives_the_same_and_a_changed_row_is_named() {
    let home = Home::new();
    let mut server = busy(&home).await;
    for verb in ["rebuild", "verify"] {
        assert!(home.run(&[verb]).one_line().contains("another process"), "{verb} wants it stopped");
    }
    assert!(server.terminate().await.success());
    let told = home.run(&["rebuild"]).well();
    assert!(told.contains("acme") && told.contains(": the same"), "{told}");
    home.run(&["verify"]).well();
    assert!(home.run(&["doctor"]).well().contains("opens"));

    // A lead that is not what the facts say.
    let folder = home.join("data");
    let db = sled::open(&folder).expect("a store");
    let (key, value) = db.scan_prefix(b"\0\0\0\x01\x82").next().expect("a lead").expect("a lead");
    let text = value.to_vec();
    let at = text.windows(4).position(|window| window == b"lead").expect("its stage");
    let mut changed = text;
    changed[at..at + 4].copy_from_slice(b"sold");
    db.insert(key, changed).expect("written");
    db.flush().expect("flushed");
    drop(db);
    let told = home.run(&["verify"]);
    assert!(!told.success && told.out.contains("lead (tag 0x82) has another value"), "{told:?}");
    assert!(home.run(&["rebuild"]).well().contains("DIFFERENT"));
    home.run(&["verify"]).well();
    assert!(!home.join("data.verifying").exists());
}

#[tokio::test]
async fn what_is_simulated_is_what_reports_say() {
    let home = Home::new();
    let simulate = ["simulate", "--visitors", "400", "--seed", "3", "--until", "1795310400000"];
    let told: Value = serde_json::from_str(&home.run(&simulate).well()).expect("JSON");
    let truth = &told["truth"];
    assert_eq!(told["stored"], truth["events"]);
    let server = Binary::start(&home).await;
    assert_eq!(server.client.ledger("simulated").await.stored, truth["events"].as_u64().expect("a count"));
    let leads = server.client.leads("simulated").await;
    assert!(leads.len() > 10, "{}", leads.len());
    for (which, name) in [("last", "leads_by_last_channel"), ("first", "leads_by_first_channel")] {
        let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
        for lead in &leads {
            *counted.entry(lead["origin"][which]["channel"].as_str().expect("a channel")).or_default() += 1;
        }
        assert_eq!(json!(counted), truth[name], "{which}");
    }
    let report = server
        .client
        .get("/api/v1/sites/simulated/reports/campaigns?since_day=2026-09-01&until_day=2026-12-31");
    let report = report.await.expect(200);
    let sum = |name: &str| {
        let rows = report["rows"].as_array().expect("rows").iter();
        rows.map(|row| row["values"][name].as_u64().expect("a number")).sum::<u64>()
    };
    assert!(truth["sales"].as_u64().expect("a count") > 0);
    assert_eq!(
        (sum("sales"), sum("revenue")),
        (truth["sales"].as_u64().unwrap(), truth["revenue"].as_u64().unwrap())
    );
    // The same seed over HTTP: the same events and sales, so all of them were there.
    let reach = ["--url", server.client.base(), "--token", ADMIN];
    let again: Value =
        serde_json::from_str(&home.run(&[&simulate[..], &reach].concat()).well()).expect("JSON");
    assert_eq!((&again["stored"], &again["truth"]), (&json!(0), truth));
    assert_eq!(server.client.leads("simulated").await.len(), leads.len());
    // And load, with what was acknowledged counted against what is there.
    let bench = home.run(&[&["bench", "--seconds", "1", "--connections", "4"][..], &reach].concat()).well();
    let bench: Value = serde_json::from_str(&bench).expect("JSON");
    assert_eq!((&bench["missing"], &bench["surplus"]), (&json!(0), &json!(0)), "{bench}");
    assert_eq!(bench["acknowledged"], bench["there"]);
    assert!(bench["there"].as_u64().expect("a count") > 50, "{bench}");
}

#[tokio::test]
async fn who_was_erased_is_erased_in_an_older_backup_too() {
    let home = Home::new();
    let mut server = busy(&home).await;
    let url = server.client.base().to_owned();
    home.run(&["backup", "b.zst", "--url", &url, "--token", ADMIN]).well();
    let leads = server.client.leads("acme").await;
    let of_name = leads.iter().find(|lead| lead["contact"]["name"] == NAME).expect("the lead");
    let id = of_name["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/sites/acme/persons/{id}/erase");
    server.client.post_json(&path, &json!({})).await.expect(200);
    assert!(server.terminate().await.success());
    home.run(&["rebuild"]).well();
    let told = home.run(&["verify"]).well();
    assert!(told.contains(" 1 erased"), "{told}");

    // Into the store that has gone on, and into a new one.
    let told = home.run(&["import", "b.zst"]).well();
    assert!(told.contains("0 facts new"), "{told}");
    home.run(&["verify"]).well();
    fs::rename(home.join("data"), home.join("lost")).expect("gone");
    let told = home.run(&["restore", "b.zst"]).well();
    assert!(told.contains("1 erasures that were made since"), "{told}");
    let mut server = Binary::start(&home).await;
    server.client.settled().await;
    let lead = server.client.get(&format!("/api/v1/sites/acme/leads/{id}")).await.expect(200);
    assert_eq!((&lead["contact"], &lead["flags"]), (&Value::Null, &json!(["erased"])));
    assert!(server.terminate().await.success());
    home.run(&["verify"]).well();
    // Without the file that remembers, it says what that means.
    fs::rename(home.join("data.key.erasures"), home.join("e")).expect("gone");
    let told = home.run(&["restore", "b.zst", "--store", "sled:./new", "--key-file", "data.key"]).well();
    assert!(told.contains("there is none"), "{told}");
    let told = home.run(&["restore", "b.zst", "--store", "sled:./other", "--erasures", "e"]).well();
    assert!(told.contains("1 erasures"), "{told}");
}
