//! `traza verify`: is everything there, does it agree, and would the same be derived again.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};

use super::{StoreOptions, folder, open, progress, rebuild::catch_up, say};
use crate::{
    domain::fact::HOUSE,
    project::{directory::Directory, follow::Follower},
    store::{
        Store, check, keys,
        kv::KvStore,
        overlay::Overlay,
        sled::{Pace, Sled},
    },
};

/// Verifies every site. An error where anything does not agree.
pub(super) async fn verify(options: &StoreOptions) -> anyhow::Result<()> {
    let settings = options.settle()?;
    let engine = open(&settings)?;
    let named = || settings_folder(&settings);
    let store: Arc<dyn Store> = Arc::new(KvStore::open(Arc::clone(&engine)).with_context(named)?);
    let mut sound = true;
    for mark in store.mark().await? {
        let bar = progress::bar(mark.head, "reading");
        let (of, site) = (Arc::clone(&engine), mark.site);
        let shown = bar.clone();
        let report = tokio::task::spawn_blocking(move || {
            check::site(of.as_ref(), site, |read| shown.set_position(read))
        })
        .await??;
        bar.finish_and_clear();
        let name = if site == HOUSE { "house".to_owned() } else { format!("site {site}") };
        let check::Report { blocks, facts, events, sealed, erased, gone, fault } = report;
        say(&format!(
            "{name}: {facts} facts in {blocks} blocks, {events} events, {sealed} sealed submissions, {erased} erased, {gone} \
             facts gone with age"
        ))?;
        if let Some(fault) = fault {
            sound = false;
            say(&format!("{name}: {fault}"))?;
        }
    }
    if sound {
        sound = derived_agrees(&engine, &store, folder(&settings)?.clone(), settings.cache_bytes).await?;
    }
    store.close().await;
    if !sound {
        bail!(
            "{}: the store is damaged; keep a copy of it, then `traza restore BACKUP --store sled:NEW_FOLDER`, or \
             `traza rebuild` where only what is derived differs",
            folder(&settings)?.display()
        );
    }
    say("Everything is there and agrees.")
}

fn settings_folder(settings: &crate::config::Settings) -> String {
    folder(settings).map(|folder| folder.display().to_string()).unwrap_or_default()
}

/// Derives everything again beside the store, and compares.
async fn derived_agrees(
    engine: &Arc<Sled>,
    store: &Arc<dyn Store>,
    mut beside: PathBuf,
    cache_bytes: u64,
) -> anyhow::Result<bool> {
    let directory = Arc::new(Directory::default());
    let (mut follower, reached) = Follower::new(Arc::clone(store), Arc::clone(&directory));
    catch_up(&mut follower, &reached, store.as_ref(), &directory, "catching up").await?;

    beside.as_mut_os_string().push(".verifying");
    if beside.exists() {
        fs::remove_dir_all(&beside)
            .with_context(|| format!("{}: left by an interrupted verify", beside.display()))?;
    }
    let scratch = Arc::new(Sled::open(&beside, cache_bytes, Pace::Bulk)?);
    let overlay = Overlay::new(Arc::clone(engine), Arc::clone(&scratch));
    let again: Arc<dyn Store> = Arc::new(KvStore::open(overlay)?);
    let (mut follower, reached) = Follower::new(Arc::clone(&again), Arc::clone(&directory));
    catch_up(&mut follower, &reached, again.as_ref(), &directory, "deriving again").await?;
    let mut same = true;
    for site in directory.sites() {
        let (there, derived) = (store.dump(site.number).await?, again.dump(site.number).await?);
        if let Some(difference) = first_difference(&there, &derived) {
            same = false;
            say(&format!("{}: derived again, it differs: {difference}", site.slug))?;
        }
    }
    again.close().await;
    drop((again, scratch));
    fs::remove_dir_all(&beside).with_context(|| beside.display().to_string())?;
    Ok(same)
}

/// The first row that two dumps do not share, by what it is.
fn first_difference(there: &[u8], derived: &[u8]) -> Option<String> {
    let (mut there, mut derived) = (rows(there), rows(derived));
    loop {
        match (there.next(), derived.next()) {
            (None, None) => return None,
            (Some((key, value)), Some((other, again))) if key == other => {
                if value != again {
                    return Some(format!("{} has another value", keys::name(key)));
                }
            }
            (Some((key, _)), Some((other, _))) if key < other => {
                return Some(format!("{} is there and not derived", keys::name(key)));
            }
            (Some((key, _)), None) => return Some(format!("{} is there and not derived", keys::name(key))),
            (_, Some((other, _))) => return Some(format!("{} is missing", keys::name(other))),
        }
    }
}

/// The keys and values of a dump: each preceded by its length.
fn rows(dump: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
        let (length, after) = rest.split_first_chunk()?;
        let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
        let (part, after) = after.split_at_checked(length)?;
        *rest = after;
        Some(part)
    }
    let mut rest = dump;
    std::iter::from_fn(move || Some((part(&mut rest)?, part(&mut rest)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(rows: &[(&[u8], &[u8])]) -> Vec<u8> {
        let part = |part: &[u8]| [&(part.len() as u64).to_be_bytes(), part].concat();
        rows.iter().flat_map(|(key, value)| [part(key), part(value)].concat()).collect()
    }

    #[test]
    fn the_first_difference_is_named_by_what_it_is() {
        let (lead, install): (&[u8], &[u8]) = (b"\0\0\0\x01\x82l_1", b"\0\0\0\x01\x86");
        let both = dump(&[(lead, b"a"), (install, b"b")]);
        assert_eq!(first_difference(&both, &both), None);
        let said = |there: &[u8], derived: &[u8]| first_difference(there, derived).unwrap();
        assert_eq!(said(&both, &dump(&[(lead, b"x"), (install, b"b")])), "lead (tag 0x82) has another value");
        assert_eq!(said(&both, &dump(&[(install, b"b")])), "lead (tag 0x82) is there and not derived");
        assert_eq!(said(&dump(&[(lead, b"a")]), &both), "install check (tag 0x86) is missing");
        assert_eq!(said(&both, &dump(&[(lead, b"a")])), "install check (tag 0x86) is there and not derived");
    }
}
