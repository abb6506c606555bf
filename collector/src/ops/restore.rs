//! `traza restore` and `traza import`: a store from a file.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use tokio::sync::mpsc;

use super::{StoreOptions, folder, progress, say};
use crate::{
    archive::{Line, Reader, erasures::Erasures},
    config::{MasterKeySource, Settings},
    store::{
        Carried, Store, Stored, Taken, check,
        kv::KvStore,
        sled::{Pace, Sled},
    },
    vault::{
        keys::{MasterKey, next_file},
        rotation::{self, Rotation},
    },
};

/// What `traza restore` can be told.
#[derive(Debug, Args)]
pub struct RestoreOptions {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    store: StoreOptions,
}

/// What `traza import` can be told.
#[derive(Debug, Args)]
pub struct ImportOptions {
    /// The archive: a backup, or an export of all sites
    file: PathBuf,
    #[command(flatten)]
    store: StoreOptions,
}

/// Facts, or rows, that are made durable in one go.
const BATCH: u64 = 4_000;

/// Makes a store where there is none. It has its name only when it is whole and was checked.
pub(super) async fn restore(options: RestoreOptions) -> anyhow::Result<()> {
    let settings = options.store.settle()?;
    let target = folder(&settings)?;
    let is_free = !target.exists() || fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
    ensure!(
        is_free,
        "{}: there is something already; restore into a new folder (--store sled:NEW_FOLDER), or move this one away",
        target.display()
    );
    whole(&options.file)?;
    let mut part = target.as_os_str().to_owned();
    part.push(".restoring");
    let part = PathBuf::from(part);
    if part.exists() {
        fs::remove_dir_all(&part)
            .with_context(|| format!("{}: left by an interrupted restore", part.display()))?;
    }
    let engine = Arc::new(Sled::open(&part, settings.cache_bytes, Pace::Bulk)?);
    let store = KvStore::open(Arc::clone(&engine))?;
    let taken = take_all(&store, &options.file).await?;
    let erased = erase_again(&settings, &store).await?;
    for mark in store.mark().await? {
        let report = check::site(engine.as_ref(), mark.site, |_| {})?;
        if let Some(fault) = report.fault {
            bail!("{}: what was restored of site {} does not agree: {fault}", part.display(), mark.site);
        }
    }
    let key = key_of(&settings, &store).await?;
    store.close().await;
    drop((store, engine));
    if target.exists() {
        fs::remove_dir(target).with_context(|| target.display().to_string())?;
    }
    fs::rename(&part, target).with_context(|| target.display().to_string())?;
    say(&format!(
        "{}: {} facts restored and checked; reports are derived at the first start",
        target.display(),
        taken.new
    ))?;
    say(&erased)?;
    say(&key)
}

/// Takes an archive into a store that is empty, or that the archive is a part of.
pub(super) async fn import(options: ImportOptions) -> anyhow::Result<()> {
    let settings = options.store.settle()?;
    let target = folder(&settings)?;
    whole(&options.file)?;
    let engine = Arc::new(Sled::begin_import(target, settings.cache_bytes)?);
    let store = KvStore::open(Arc::clone(&engine))?;
    let was_empty = store.head(crate::domain::fact::HOUSE) == 0;
    let taken = take_all(&store, &options.file).await;
    let taken = match taken {
        Ok(taken) => taken,
        Err(error) => {
            store.close().await;
            // A store that had been there is as good as before: what was taken went together with it.
            if !was_empty {
                engine.finish_import()?;
            }
            return Err(error);
        }
    };
    let erased = erase_again(&settings, &store).await?;
    let key = key_of(&settings, &store).await?;
    store.close().await;
    engine.finish_import()?;
    say(&format!("{}: {} facts new, {} there already", target.display(), taken.new, taken.known))?;
    say(&erased)?;
    say(&key)
}

/// Erases again whoever was erased since the archive was made.
async fn erase_again(settings: &Settings, store: &dyn Store) -> anyhow::Result<String> {
    let erasures = Erasures::at(settings.erasures.clone());
    let Some(path) = erasures.path().map(Path::to_owned) else { return Ok(String::new()) };
    if !path.exists() {
        return Ok(format!(
            "{}: there is none, so nobody was erased since; where somebody was, name the file that remembers it with \
             TRAZA_ERASURES before the first start",
            path.display()
        ));
    }
    let again = erasures.apply(store).await?;
    Ok(format!("{}: {again} erasures that were made since the archive were made again", path.display()))
}

/// Whether the master key at hand opens what was taken.
async fn key_of(settings: &Settings, store: &dyn Store) -> anyhow::Result<String> {
    let Some(proof) = store.meta("key-check").await? else {
        return Ok("It holds nothing sealed.".to_owned());
    };
    let keys = match &settings.master_key {
        MasterKeySource::Text(text) => vec![MasterKey::from_base64(text)?],
        MasterKeySource::File(path) if path.exists() || next_file(path).exists() => {
            MasterKey::all_from_file(path, false)?
        }
        MasterKeySource::File(_) | MasterKeySource::Ephemeral => Vec::new(),
    };
    // Of a backup made while a rotation was under way, the new key opens it.
    let link = store.meta(rotation::META).await?;
    let opens = |key: &MasterKey| match &link {
        Some(link) => Rotation::resume(link, key).is_some(),
        None => key.proof() == proof,
    };
    Ok(match keys.first() {
        Some(_) if keys.iter().any(opens) => "The master key at hand opens it.".to_owned(),
        Some(_) => "The master key at hand is another one: it will not start without the key that the backup was made \
                    under (TRAZA_KEY_FILE)."
            .to_owned(),
        None => "It starts only with the master key that the backup was made under: put the key's file beside the \
                 store, or name it with TRAZA_KEY_FILE."
            .to_owned(),
    })
}

/// Opens an archive that a store can be made from.
fn whole(file: &Path) -> anyhow::Result<Reader<File>> {
    let named = || file.display().to_string();
    let reader = Reader::open(File::open(file).with_context(named)?).with_context(named)?;
    if let Some(site) = &reader.header().site {
        bail!(
            "{}: it is of the site {site} alone; a store is made from a backup, or an export of all sites",
            named()
        );
    }
    Ok(reader)
}

/// Takes a whole archive, batch by batch, each durable before the next.
async fn take_all(store: &dyn Store, file: &Path) -> anyhow::Result<Taken> {
    let named = || file.display().to_string();
    let reader = whole(file)?;
    let bar = progress::bar(reader.header().facts, "facts");
    // Reading and unpacking go on while a batch is being synced.
    let (batches, mut waiting) = mpsc::channel(2);
    let reading = tokio::task::spawn_blocking(move || send_batches(reader, &batches));
    let mut all = Taken::default();
    while let Some(batch) = waiting.recv().await {
        let taken = store.take(batch).await.with_context(named)?;
        all.new += taken.new;
        all.known += taken.known;
        bar.set_position(all.new + all.known);
    }
    reading.await?.with_context(named)?;
    bar.finish_and_clear();
    Ok(all)
}

fn send_batches(mut reader: Reader<File>, batches: &mpsc::Sender<Carried>) -> anyhow::Result<()> {
    let mut batch = Carried::default();
    let mut size = 0;
    let send = |batch: Carried| batches.blocking_send(batch).is_ok();
    while let Some(line) = reader.next_line()? {
        match line {
            Line::Row(row) => {
                batch.rows.push((row.key, row.value));
                size += 1;
            }
            Line::Fact(fact) => {
                size += fact.entry.facts();
                let stored = Stored { position: fact.position, entry: Arc::new(fact.entry) };
                batch.entries.push((fact.site, stored));
            }
            Line::End(end) => {
                // The ledgers hold when all entries are there, so they come by themselves.
                let marks = end.logs.into_iter().map(Into::into).collect();
                if send(std::mem::take(&mut batch)) {
                    send(Carried { marks, ..Carried::default() });
                }
                return Ok(());
            }
            Line::Archive(_) => {}
        }
        if size >= BATCH {
            size = 0;
            if !send(std::mem::take(&mut batch)) {
                // The taker has an error to tell.
                return Ok(());
            }
        }
    }
    Ok(())
}
