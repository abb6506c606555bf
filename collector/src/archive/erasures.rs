//! Who was erased, remembered beside the master key: so that no older backup, and no older copy of the store's folder,
//! brings them back.
//!
//! One line of JSON for each erasure: the site's number and the fact, which is of random references only. A line is on
//! the disk before the erasure is made, and the erasure before it is answered; so one that was cut off in between is made
//! at the next start. Erasures have ids: made twice is made once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    domain::{
        erasure::Erased,
        fact::{Entry, HOUSE, Position, SiteNumber},
        id::Token,
    },
    store::{Append, Claim, Store, StoreError, Verdict},
};

/// Erasures that are made again in one group.
const TOGETHER: usize = 256;

/// The file's business.
#[derive(Debug, Clone)]
pub struct Erasures {
    path: Option<PathBuf>,
    /// One line at a time.
    writing: Arc<tokio::sync::Mutex<()>>,
}

/// A line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    site: SiteNumber,
    erased: Erased,
}

impl Erasures {
    /// Those in a file, which may be yet to be made; nowhere for a store that forgets.
    #[must_use]
    pub fn at(path: Option<PathBuf>) -> Self {
        Self { path, writing: Arc::default() }
    }

    /// Where they are.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Erases, durably: first remembered, then done. Returns the position of the fact.
    ///
    /// # Errors
    /// [`StoreError::NotDurable`] where it could not be remembered, and was not done; what the store says.
    pub async fn erase(
        &self,
        store: &dyn Store,
        site: SiteNumber,
        erased: Erased,
    ) -> Result<Position, StoreError> {
        {
            let _alone = self.writing.lock().await;
            self.remember(Line { site, erased: erased.clone() }).await.map_err(|error| {
                tracing::error!(
                    error = format!("{error:#}"),
                    "an erasure could not be remembered, so nothing was erased"
                );
                StoreError::NotDurable
            })?;
        }
        let hashes = store.hashes(site, erased.tokens.iter().copied().collect()).await?;
        let appended = store.append(append(site, erased, hashes)).await?;
        Ok(match appended.verdicts.first() {
            Some(Verdict::Stored(position)) => *position,
            _ => 0,
        })
    }

    async fn remember(&self, line: Line) -> anyhow::Result<()> {
        let Some(path) = self.path.clone() else { return Ok(()) };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        tokio::task::spawn_blocking(move || write(&path, &text).with_context(|| path.display().to_string()))
            .await?
    }

    /// Makes those again that the store does not know, or has brought back. Returns how many it did not know.
    ///
    /// # Errors
    /// Where the file is damaged; what the store says.
    pub async fn apply(&self, store: &dyn Store) -> anyhow::Result<u64> {
        let Some(path) = self.path.clone() else { return Ok(0) };
        let lines = tokio::task::spawn_blocking(move || read(&path)).await??;
        let mut tokens: BTreeMap<SiteNumber, BTreeSet<Token>> = BTreeMap::new();
        for line in &lines {
            tokens.entry(line.site).or_default().extend(&line.erased.tokens);
        }
        let mut hashes = BTreeMap::new();
        for (site, tokens) in tokens {
            hashes.insert(site, store.hashes(site, tokens).await?);
        }
        let sites = store.head(HOUSE);
        let mut again = 0;
        let mut lines = lines.into_iter().filter(|line| u64::from(line.site) <= sites).peekable();
        while lines.peek().is_some() {
            let group = lines.by_ref().take(TOGETHER).map(|Line { site, erased }| {
                let hashes = hashes.get(&site).cloned().unwrap_or_default();
                store.append(append(site, erased, hashes))
            });
            let appended = try_join_all(group).await?;
            let new = |verdict: &Verdict| matches!(verdict, Verdict::Stored(_));
            again += appended
                .iter()
                .flat_map(|appended| &appended.verdicts)
                .filter(|verdict| new(verdict))
                .count();
        }
        Ok(again as u64)
    }
}

fn append(site: SiteNumber, erased: Erased, hashes: Vec<[u8; 32]>) -> Append {
    let content = Sha256::digest(&erased.id).into();
    let claim = Claim { kind: "erasure", external_id: erased.id.clone(), content };
    Append { claim: Some(claim), hashes, ..Append::of(site, Entry::Erased(erased)) }
}

/// Adds a line, durably. What a write that was cut off left of another is taken away first.
fn write(path: &Path, line: &[u8]) -> std::io::Result<()> {
    let is_new = !path.exists();
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let text = std::fs::read(path)?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    file.set_len(whole as u64)?;
    file.write_all(line)?;
    file.sync_all()?;
    if is_new {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<Line>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    // The last one may have been cut off: then nothing was erased by it.
    let whole =
        text.iter().rposition(|byte| *byte == b'\n').and_then(|end| text.get(..end)).unwrap_or_default();
    let lines = whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate();
    lines
        .map(|(number, line)| {
            serde_json::from_slice(line).ok().with_context(|| {
                format!("{}: line {} is damaged: who was erased must be known", path.display(), number + 1)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::site::{SiteConfig, SitePut},
        store::{kv::KvStore, memory::Memory},
    };

    fn erased(id: &str) -> Erased {
        Erased {
            id: id.to_owned(),
            at: 5,
            by: "t".to_owned(),
            tokens: vec![Token([3; 16])],
            ..Erased::default()
        }
    }

    async fn store() -> Arc<dyn Store> {
        let store = KvStore::open(Memory::default()).unwrap();
        let put = SitePut { slug: "acme".to_owned(), at: 1, config: SiteConfig::default() };
        store.append(Append::of(HOUSE, Entry::Site(put))).await.unwrap();
        Arc::new(store)
    }

    #[tokio::test]
    async fn an_older_store_is_caught_up_with_and_no_erasure_is_made_twice() {
        let folder = tempfile::tempdir().unwrap();
        let erasures = Erasures::at(Some(folder.path().join("e")));
        let first = store().await;
        assert_eq!(erasures.apply(first.as_ref()).await.unwrap(), 0, "nobody was erased yet");
        assert_eq!(erasures.erase(first.as_ref(), 1, erased("a")).await.unwrap(), 1);
        assert_eq!(erasures.erase(first.as_ref(), 1, erased("b")).await.unwrap(), 2);
        assert_eq!(erasures.apply(first.as_ref()).await.unwrap(), 0);
        let older = store().await;
        assert_eq!(erasures.apply(older.as_ref()).await.unwrap(), 2);
        assert_eq!(erasures.apply(older.as_ref()).await.unwrap(), 0);
        assert_eq!((first.head(1), older.head(1)), (2, 2));
    }

    #[tokio::test]
    async fn what_was_cut_off_is_no_erasure_and_what_is_damaged_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e");
        let erasures = Erasures::at(Some(path.clone()));
        let store = store().await;
        erasures.erase(store.as_ref(), 1, erased("a")).await.unwrap();
        let line = std::fs::read(&path).unwrap();
        std::fs::write(&path, [line.as_slice(), &line[..line.len() / 2]].concat()).unwrap();
        assert_eq!(erasures.apply(store.as_ref()).await.unwrap(), 0);
        erasures.erase(store.as_ref(), 1, erased("b")).await.unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.is_ascii() && text.ends_with("}}\n"), "{text}");
        std::fs::write(&path, [b"{}\n".as_slice(), &line].concat()).unwrap();
        let error = erasures.apply(store.as_ref()).await.unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
        // Where nothing can be remembered nothing is erased.
        let nowhere = Erasures::at(Some(folder.path().join("no/such/folder")));
        assert!(matches!(nowhere.erase(store.as_ref(), 1, erased("c")).await, Err(StoreError::NotDurable)));
        assert_eq!(store.head(1), 2);
    }
}
