//! Damaged stores: one line that names the file and the way out, never a panic, never a smaller store in silence.

use std::{
    fs,
    path::{Path, PathBuf},
};

use collector::clock::{Clock as _, System};
use e2e::{
    binary::{Binary, Home, Told},
    load::Load,
};
use serde_json::json;

/// Places in the file where a byte is turned, evenly spread.
const FLIPS: u64 = 24;

/// A store with some thousand facts, closed, and what `verify` says of it.
async fn filled() -> (Home, String) {
    let home = Home::new();
    let mut server = Binary::start(&home).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let load = Load::start(&server.client, "acme", 16, System.now());
    load.reached(600).await;
    assert!(load.stop().await.events() >= 1_800);
    server.client.settled().await;
    assert!(server.terminate().await.success());
    let sound = home.run(&["verify"]).well();
    assert!(sound.contains("Everything is there and agrees."), "{sound}");
    (home, sound)
}

/// Verifies a damaged copy. Either nothing is amiss, and everything is counted that was there, or one line says what to
/// do.
fn judge(home: &Home, sound: &str, what: &str) -> bool {
    let told = home.run(&["verify", "--store", "sled:./copy"]);
    let said = format!("{}{}", told.out, told.errors);
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{what}: {said}");
    if told.success {
        assert_eq!(told.out, sound, "{what}: a damaged store was called sound");
        return true;
    }
    let line = told.one_line();
    assert!(line.contains("copy") && line.contains("traza restore"), "{what}: {line}");
    false
}

fn copy(home: &Home) -> PathBuf {
    let (from, to) = (home.join("data"), home.join("copy"));
    drop(fs::remove_dir_all(&to));
    copy_folder(&from, &to);
    to
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

fn serve(home: &Home) -> Told {
    home.run(&["serve", "--listen", "127.0.0.1:0", "--store", "sled:./copy"])
}

#[tokio::test]
async fn a_missing_or_shortened_file_is_named_and_no_empty_store_begins() {
    let (home, sound) = filled().await;
    for name in ["db", "conf"] {
        let folder = copy(&home);
        fs::remove_file(folder.join(name)).expect("removed");
        for told in [serve(&home), home.run(&["verify", "--store", "sled:./copy"])] {
            let line = told.one_line();
            assert!(line.contains(&format!("copy/{name}")) && line.contains("traza restore"), "{line}");
        }
        assert!(!folder.join(name).exists(), "no empty store was begun");
    }
    let length = fs::metadata(home.join("data/db")).expect("a file").len();
    let mut refused = 0;
    for lost in [1, 100, 5_000, length / 4, length / 2, length - 100, length] {
        let folder = copy(&home);
        let file = fs::OpenOptions::new().write(true).open(folder.join("db")).expect("a file");
        file.set_len(length - lost).expect("a shorter file");
        refused += u32::from(!judge(&home, &sound, &format!("{lost} of {length} bytes lost")));
    }
    assert!(refused >= 3, "half a store was called sound");
    // Nothing was damaged there.
    copy(&home);
    assert!(judge(&home, &sound, "an untouched copy"));
}

#[tokio::test]
async fn a_turned_byte_is_found_wherever_it_matters() {
    let (home, sound) = filled().await;
    let bytes = fs::read(home.join("data/db")).expect("a file");
    let mut found = 0;
    for n in 0..FLIPS {
        let at = (bytes.len() as u64 * n / FLIPS + 77) as usize;
        let folder = copy(&home);
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        fs::write(folder.join("db"), damaged).expect("written");
        found += u32::from(!judge(&home, &sound, &format!("byte {at} turned")));
    }
    assert!(found > 0, "not one of {FLIPS} turned bytes mattered");
    println!("{found} of {FLIPS} turned bytes were found; the others lie in what is no longer used");
}

#[tokio::test]
async fn an_older_copy_of_the_file_is_not_taken_for_the_store() {
    let home = Home::new();
    let mut server = Binary::start(&home).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    assert!(server.terminate().await.success());
    let older = fs::read(home.join("data/db")).expect("a file");
    let mut server = Binary::start(&home).await;
    let load = Load::start(&server.client, "acme", 4, System.now());
    load.reached(50).await;
    load.stop().await;
    assert!(server.terminate().await.success());
    let folder = copy(&home);
    fs::write(folder.join("db"), older).expect("written");
    let line = serve(&home).one_line();
    assert!(line.contains("copy") && line.contains("traza restore"), "{line}");
}

#[tokio::test]
async fn a_store_of_a_later_format_is_left_alone() {
    let home = Home::new();
    let mut server = Binary::start(&home).await;
    server.client.put_site("acme", &json!({})).await;
    assert!(server.terminate().await.success());
    let folder = copy(&home);
    let db = sled::open(&folder).expect("a store");
    db.insert(b"\0\0\0\0!format", &[1, 0, 0, 0, 99]).expect("written");
    db.flush().expect("flushed");
    drop(db);
    for told in [serve(&home), home.run(&["verify", "--store", "sled:./copy"])] {
        let line = told.one_line();
        assert!(line.contains("newer version") && line.contains("copy"), "{line}");
    }
}
