//! `traza doctor`: is everything in place, before it matters.

use std::{
    fs,
    io::ErrorKind,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::say;
use crate::{
    clock::{Clock as _, System},
    config::{MasterKeySource, ServeOptions, Settings, StoreUrl},
    store::{
        Store,
        kv::KvStore,
        sled::{Pace, Sled},
    },
    vault::{
        keys::{MasterKey, next_file},
        rotation::{self, Rotation},
    },
};

/// Less than this free is a warning: a store that fills its disk answers 503.
const ROOM_MB: u64 = 1024;
/// When this program was written, it was later than this: 2026-01-01.
const NOT_BEFORE: i64 = 1_767_225_600_000;

/// What a check found.
enum Found {
    Good(String),
    /// It will run; somebody should look at it.
    Odd(String),
    Bad(String),
}

use Found::{Bad, Good, Odd};

/// Checks everything and says so; an error where something is bad.
pub(super) async fn doctor(options: ServeOptions) -> anyhow::Result<()> {
    let settings = options.settle()?;
    let mut all = vec![("settings", Good(format!("listens on {}", settings.listen)))];
    all.push(("clock", clock(System.now())));
    all.push(("address", address(&settings)));
    let store = match &settings.store {
        StoreUrl::Memory => {
            all.push(("store", Odd("memory: forgets everything when it ends".to_owned())));
            None
        }
        StoreUrl::Sled(folder) => {
            all.push(("disk", disk(folder)));
            all.push(("permissions", permissions(folder)));
            let (found, store) = opens(folder, settings.cache_bytes);
            all.push(("store", found));
            store
        }
    };
    // Where a server runs on it, the port is the server's.
    all.push(("port", port(&settings)));
    all.push(("key", key(&settings, store.as_deref()).await));
    if let Some(store) = store {
        store.close().await;
    }
    let mut bad = 0;
    for (what, found) in all {
        let (mark, text) = match found {
            Good(text) => ("ok  ", text),
            Odd(text) => ("look", text),
            Bad(text) => {
                bad += 1;
                ("BAD ", text)
            }
        };
        say(&format!("{mark}  {what:<12}{text}"))?;
    }
    anyhow::ensure!(bad == 0, "{bad} of these must be put right");
    Ok(())
}

fn clock(now: i64) -> Found {
    if now < NOT_BEFORE {
        return Bad(
            "the clock is years behind: events would be refused as too far ahead; set it, keep it by NTP"
                .to_owned(),
        );
    }
    let time = jiff::Timestamp::from_millisecond(now).map(|time| time.to_string()).unwrap_or_default();
    Good(format!("{time}; keep it by NTP"))
}

fn address(settings: &Settings) -> Found {
    let url = &settings.public_url;
    if url.is_empty() {
        return Odd("no --public-url: pages of other machines cannot reach it".to_owned());
    }
    if url.starts_with("http://") && !settings.listen.ip().is_loopback() {
        return Odd(format!("{url}: without https browsers refuse beacons from https pages"));
    }
    Good(format!("{url}{}/SITE.js", settings.prefix))
}

/// The nearest folder that is there: the store's own may be yet to be made.
fn nearest(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/")).to_owned()
}

fn disk(folder: &Path) -> Found {
    let Some(free) = crate::telemetry::free_bytes(&nearest(folder)) else {
        return Odd("the free space cannot be read".to_owned());
    };
    let text = format!("{} MB free at {}", free >> 20, folder.display());
    if free >> 20 < ROOM_MB {
        Odd(format!("{text}: little; about 200 bytes are needed an event"))
    } else {
        Good(text)
    }
}

fn permissions(folder: &Path) -> Found {
    let probe = nearest(folder).join(".traza-doctor");
    let written = fs::write(&probe, b"x").and_then(|()| fs::remove_file(&probe));
    if let Err(error) = written {
        return Bad(format!("{}: cannot be written by this user: {error}", nearest(folder).display()));
    }
    #[cfg(unix)]
    if let Ok(data) = fs::metadata(folder) {
        use std::os::unix::fs::PermissionsExt as _;
        if data.permissions().mode() & 0o007 != 0 {
            return Odd(format!("{}: everybody on this machine may read it; chmod 750", folder.display()));
        }
    }
    Good(format!("{}: writable", folder.display()))
}

fn opens(folder: &Path, cache_bytes: u64) -> (Found, Option<Arc<dyn Store>>) {
    if !folder.join("db").exists() && !folder.join("conf").exists() {
        return (Odd(format!("{}: none yet; the first start makes one", folder.display())), None);
    }
    match Sled::open(folder, cache_bytes, Pace::Serving).and_then(KvStore::open) {
        Ok(store) => (Good("opens; `traza verify` reads all of it".to_owned()), Some(Arc::new(store))),
        Err(error) if format!("{error:#}").contains("another process") => {
            (Good(format!("{}: in use by a running server", folder.display())), None)
        }
        Err(error) => (Bad(format!("{error:#}")), None),
    }
}

fn port(settings: &Settings) -> Found {
    match TcpListener::bind(settings.listen) {
        Ok(_) => Good(format!("{} is free", settings.listen)),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Odd(format!("{} is taken; rightly so if a collector runs there", settings.listen))
        }
        Err(error) => Bad(format!("{}: {error}", settings.listen)),
    }
}

async fn key(settings: &Settings, store: Option<&dyn Store>) -> Found {
    let keys = match &settings.master_key {
        MasterKeySource::Ephemeral => return Good("made anew at each start".to_owned()),
        MasterKeySource::Text(text) => MasterKey::from_base64(text).map(|key| vec![key]),
        MasterKeySource::File(path) if !path.exists() && !next_file(path).exists() && store.is_none() => {
            return Odd(format!("{}: none; the first start on a new store makes it", path.display()));
        }
        MasterKeySource::File(path) => MasterKey::all_from_file(path, false),
    };
    let keys = match keys {
        Ok(keys) => keys,
        Err(error) => return Bad(format!("{error:#}")),
    };
    if let Some(store) = store {
        if let Ok(Some(link)) = store.meta(rotation::META).await {
            return match keys.iter().find_map(|key| Rotation::resume(&link, key)) {
                Some(_) => Odd("a rotation was cut off; finish it with `traza rotate-key`".to_owned()),
                None => Bad("a rotation to another key was begun: put that key's file back".to_owned()),
            };
        }
        if let Ok(Some(proof)) = store.meta("key-check").await
            && keys.iter().all(|key| proof != key.proof())
        {
            return Bad("it is not the key of this store".to_owned());
        }
    }
    #[cfg(unix)]
    if let MasterKeySource::File(path) = &settings.master_key
        && let Ok(file) = fs::metadata(path)
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.permissions().mode() & 0o077 != 0 {
            return Bad(format!("{}: others than its owner may read it; chmod 600", path.display()));
        }
    }
    Good("there, private, outside the store's folder; keep a copy apart from backups".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stands_in_the_past_is_bad() {
        assert!(matches!(clock(0), Bad(_)));
        assert!(matches!(clock(NOT_BEFORE + 1), Good(_)));
    }

    #[test]
    fn a_port_that_is_taken_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let options = ServeOptions {
            listen: Some(taken.local_addr().unwrap().to_string()),
            store: Some("memory:".to_owned()),
            ..ServeOptions::default()
        };
        let settings = options.settle().unwrap();
        assert!(matches!(port(&settings), Odd(said) if said.contains("taken")));
        drop(taken);
        assert!(matches!(port(&settings), Good(_)));
    }
}
