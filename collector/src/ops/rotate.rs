//! `traza rotate-key`: from one master key to the next.
//!
//! The new key lies beside the old one (`FILE.new`) from before anything is rewrapped until all is. Cut off anywhere,
//! the next start opens the store with both, and the next run goes on where this one ended.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use super::{StoreOptions, open, progress, say};
use crate::{
    config::MasterKeySource,
    domain::fact::{HOUSE, SiteNumber},
    store::{Store as _, kv::KvStore, rewrap, sled::Sled},
    vault::{
        keys::{MasterKey, next_file, write_private},
        rotation::{self, Rotation, Wrapped},
    },
};

/// Keys that are rewrapped in one atomic batch.
const BATCH: usize = 512;

/// What `traza rotate-key` can be told.
#[derive(Debug, Args)]
pub struct RotateOptions {
    /// The new key, 32 bytes in base64, where the old one is given as TRAZA_MASTER_KEY; a key file gets a new key by itself
    #[arg(long, env = "TRAZA_NEW_MASTER_KEY", hide_env_values = true, value_name = "BASE64")]
    new_master_key: Option<String>,
    #[command(flatten)]
    store: StoreOptions,
}

/// Rewraps everything that is under the master key, and says what to do with the old one.
pub(super) async fn rotate(options: RotateOptions) -> anyhow::Result<()> {
    let settings = options.store.settle()?;
    let engine = open(&settings)?;
    // Opened once, so that a damaged or a newer store is refused before anything is done to it.
    let store = KvStore::open(engine.clone())?;
    let house = store.head(HOUSE);
    let proof = store.meta("key-check").await?.context("the store holds nothing sealed yet")?;
    let link = store.meta(rotation::META).await?;
    let lookup_key = store.meta("lookup-key").await?.context("the store has no lookup key")?;
    store.close().await;
    drop(store);

    let mut keys = match &settings.master_key {
        MasterKeySource::Ephemeral => bail!("the store keeps nothing: there is no key to rotate"),
        MasterKeySource::Text(text) => {
            let new = options.new_master_key.as_deref().context(
                "the key is given as text, so the new one must be too: set TRAZA_NEW_MASTER_KEY (openssl rand -base64 \
                 32)",
            )?;
            vec![MasterKey::from_base64(text)?, MasterKey::from_base64(new)?]
        }
        MasterKeySource::File(path) => {
            ensure!(
                options.new_master_key.is_none(),
                "the key is a file, so the new one is made beside it; --new-master-key is for a key given as text"
            );
            files_ready(path, &proof, link.is_some())?
        }
    };
    let new = keys.pop().context("no master key")?;
    if link.is_some() || proof != new.proof() {
        let (rotation, lookup_key) = match &link {
            Some(link) => {
                let rotation = Rotation::resume(link, &new);
                let rotation =
                    rotation.context("a rotation to another key was begun: finish with that one")?;
                let lookup_key = rotation.lookup_key(&lookup_key)?;
                (rotation, lookup_key)
            }
            None => {
                let old = keys.pop().filter(|old| proof == old.proof());
                let old = old.context("the master key is not the one of this store")?;
                let (rotation, link) = Rotation::begin(&old, &new)?;
                let lookup_key = rotation.lookup_key(&lookup_key)?;
                rewrap::set_meta(engine.as_ref(), vec![(rotation::META, Some(link))])?;
                (rotation, lookup_key)
            }
        };
        let of = engine.clone();
        let (rewrapped, left) =
            tokio::task::spawn_blocking(move || rewrap_all(of.as_ref(), house, &rotation)).await??;
        let done = vec![
            ("key-check", Some(new.proof().to_vec())),
            ("lookup-key", Some(lookup_key)),
            (rotation::META, None),
        ];
        rewrap::set_meta(engine.as_ref(), done)?;
        say(&format!("{rewrapped} keys of submissions are under the new master key"))?;
        if left > 0 {
            say(&format!(
                "{left} opened under no key, as before: they were damaged and are left as they are"
            ))?;
        }
    }
    drop(engine);
    match &settings.master_key {
        MasterKeySource::File(path) => {
            if let Some(old) = settle_files(path)? {
                say(&format!(
                    "{}: the old key; only backups made before need it, delete it with the last of them",
                    old.display()
                ))?;
            }
            say(&format!("{}: the new key; keep a copy of it, apart from backups", path.display()))?;
        }
        _ => say(
            "Start with the new key as TRAZA_MASTER_KEY from now on; only backups made before need the old one",
        )?,
    }
    Ok(())
}

/// The keys at hand, the new one last. Makes it where none was begun with.
fn files_ready(path: &Path, proof: &[u8], is_begun: bool) -> anyhow::Result<Vec<MasterKey>> {
    let next = next_file(path);
    if !next.exists() {
        let current = MasterKey::from_file(path, false)?;
        ensure!(
            !is_begun,
            "{}: the key of the rotation that was begun is missing; put it back",
            next.display()
        );
        ensure!(proof == current.proof(), "{}: not the master key of this store", path.display());
        // Whole or not there: it has its name only when it is on the disk.
        let part = beside(path, ".new.part");
        match fs::remove_file(&part) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| part.display().to_string());
            }
            _ => {}
        }
        write_private(&part, &MasterKey::new_text()?).with_context(|| part.display().to_string())?;
        renamed(&part, &next)?;
    }
    let keys = MasterKey::all_from_file(path, false)?;
    if let [old, new] = keys.as_slice() {
        ensure!(old.proof() != new.proof(), "{}: the same key as before", next.display());
    }
    Ok(keys)
}

/// Gives the new key its file's name, and the old one another. Returns the old one's, unless it has it already.
fn settle_files(path: &Path) -> anyhow::Result<Option<PathBuf>> {
    let mut kept = None;
    if path.exists() {
        let old = MasterKey::from_file(path, false)?;
        let tag: String = old.proof().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let name = beside(path, &format!(".{tag}.old"));
        renamed(path, &name)?;
        kept = Some(name);
    }
    renamed(&next_file(path), path)?;
    Ok(kept)
}

fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// Renames a file, durably.
fn renamed(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::rename(from, to).with_context(|| to.display().to_string())?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all().with_context(|| folder.display().to_string())
}

/// Rewraps every submission's key that is under the old master key. Returns how many, and how many open under neither.
fn rewrap_all(engine: &Sled, house: u64, rotation: &Rotation) -> anyhow::Result<(u64, u64)> {
    let sites = 0..=SiteNumber::try_from(house).unwrap_or(SiteNumber::MAX);
    let mut total = 0;
    for site in sites.clone() {
        each_page(engine, site, |page| {
            total += page.len() as u64;
            Ok(())
        })?;
    }
    let bar = progress::bar(total.max(1), "keys");
    let (mut rewrapped, mut left) = (0, 0);
    for site in sites {
        each_page(engine, site, |page| {
            let read = page.len() as u64;
            let mut fresh = Vec::with_capacity(page.len());
            for (reference, wrapped) in page {
                match rotation.rewrap(site, reference, &wrapped)? {
                    Wrapped::New => {}
                    Wrapped::Old(again) => fresh.push((reference, again)),
                    Wrapped::Neither => left += 1,
                }
            }
            rewrapped += fresh.len() as u64;
            rewrap::replace_keys(engine, site, fresh)?;
            bar.inc(read);
            Ok(())
        })?;
    }
    bar.finish_and_clear();
    Ok((rewrapped, left))
}

fn each_page(
    engine: &Sled,
    site: SiteNumber,
    mut take: impl FnMut(Vec<rewrap::WrappedKey>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = rewrap::wrapped_keys(engine, site, after, BATCH)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        take(page)?;
    }
}
