//! Writing an archive while the store goes on: the logs up to where they stood at one moment.

use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{End, Fact, Header, Line, Row, VERSION};
use crate::{
    domain::fact::{Entry, HOUSE, Position, SiteNumber},
    store::{Store, StoreError, Stored, keys},
    vault::{Vault, VaultError},
};

/// Fast enough for a disk, and half the size of the fastest.
const LEVEL: i32 = 3;
/// Facts, or rows, taken at a time.
const PAGE: usize = 2_000;
/// How long somebody may leave a piece lying. Nothing is sealed meanwhile, so a reader that went to sleep must not hold it.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Compressed bytes in one piece.
const CHUNK: usize = 128 * 1024;

/// What an archive is to hold.
pub struct Contents<'a> {
    /// Of one site alone, by number and slug; of everything where `None`.
    pub site: Option<(SiteNumber, String)>,
    /// Opens contact details, where they are wanted in clear.
    pub contacts: Option<&'a Vault>,
    /// The sites there are.
    pub slugs: BTreeMap<SiteNumber, String>,
    /// When it is made, ms since the epoch.
    pub made_at: i64,
    /// Counts the submissions that were opened.
    pub opened: Arc<AtomicU64>,
    /// How long a piece may wait to be taken: [`PATIENCE`].
    pub patience: Duration,
}

/// Writes an archive, piece by piece. Ends early where nobody takes the pieces any more.
///
/// # Errors
/// What the store or the vault says; that a piece was not taken in time. What was sent by then has no end, and so is no archive.
pub async fn write(
    store: &dyn Store,
    contents: Contents<'_>,
    pieces: &mpsc::Sender<Vec<u8>>,
) -> Result<(), VaultError> {
    // Rows and entries are read one after the other: what is sealed in between would be in neither.
    let _hold = store.hold().await;
    // The moment that the archive is of. Rows are read after it, so every entry up to it finds its own.
    let mut marks = store.mark().await?;
    if let Some((site, _)) = &contents.site {
        marks.retain(|mark| mark.site == *site || mark.site == HOUSE);
    }
    let heads: BTreeMap<SiteNumber, Position> = marks.iter().map(|mark| (mark.site, mark.head)).collect();
    let mut out = Output::new(pieces, contents.patience)?;
    let header = Header {
        version: VERSION,
        made_at: contents.made_at,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        site: contents.site.as_ref().map(|(_, slug)| slug.clone()),
        contacts: contents.contacts.is_some(),
        facts: heads.values().sum(),
    };
    out.lines(vec![Line::Archive(header)]).await?;

    let mut after = Vec::new();
    loop {
        let page = store.belongings(after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = last.clone();
        let wanted = page.into_iter().filter(|(key, value)| is_wanted(key, value, &contents, &heads));
        out.lines(wanted.map(|(key, value)| Line::Row(Row { key, value })).collect()).await?;
    }
    for (&site, &head) in &heads {
        let mut position = 0;
        while position < head {
            let page = store.read(site, position, PAGE).await?;
            let Some(last) = page.last() else { break };
            position = last.last();
            let mut lines = Vec::with_capacity(page.len());
            for stored in page.into_iter().filter(|stored| stored.last() <= head) {
                if site == HOUSE && !is_wanted_of_the_house(&stored.entry, &contents) {
                    continue;
                }
                lines.push(Line::Fact(Box::new(fact(site, stored, &contents).await?)));
            }
            out.lines(lines).await?;
        }
    }
    let logs = marks.into_iter().map(Into::into).collect();
    out.end(logs).await
}

fn is_wanted(
    key: &[u8],
    value: &[u8],
    contents: &Contents<'_>,
    heads: &BTreeMap<SiteNumber, Position>,
) -> bool {
    let site = keys::site_of(key).unwrap_or_default();
    if contents.site.as_ref().is_some_and(|(only, _)| *only != site) {
        return false;
    }
    // A claim made since belongs to a fact that is not in the archive: it must be free to be made again.
    let since = || keys::trailing_position(value) > heads.get(&site).copied().or(Some(0));
    !(keys::is_claim(key) && since())
}

fn is_wanted_of_the_house(entry: &Entry, contents: &Contents<'_>) -> bool {
    match (&contents.site, entry) {
        (None, _) => true,
        (Some((_, slug)), Entry::Site(put)) => put.slug == *slug,
        (Some(_), _) => false,
    }
}

async fn fact(site: SiteNumber, stored: Stored, contents: &Contents<'_>) -> Result<Fact, VaultError> {
    let mut contacts = BTreeMap::new();
    if let Some(vault) = contents.contacts {
        for reference in stored.entry.references() {
            if let Some(data) = vault.get(site, reference).await? {
                contacts.insert(reference.to_string(), data);
                contents.opened.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    let slug = contents.slugs.get(&site).cloned();
    let Stored { position, entry } = stored;
    Ok(Fact { site, slug, position, entry: Arc::unwrap_or_clone(entry), contacts })
}

/// Lines on their way out: counted, hashed, compressed, cut into pieces.
struct Output<'a> {
    pieces: &'a mpsc::Sender<Vec<u8>>,
    patience: Duration,
    state: Option<Box<State>>,
}

struct State {
    encoder: zstd::stream::write::Encoder<'static, Vec<u8>>,
    hash: Sha256,
    entries: u64,
    facts: u64,
    rows: u64,
}

fn failed(error: impl std::fmt::Display) -> VaultError {
    VaultError::Store(StoreError::Unavailable(error.to_string()))
}

impl<'a> Output<'a> {
    fn new(pieces: &'a mpsc::Sender<Vec<u8>>, patience: Duration) -> Result<Self, VaultError> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), LEVEL).map_err(failed)?;
        encoder.include_checksum(true).map_err(failed)?;
        let state = State { encoder, hash: Sha256::new(), entries: 0, facts: 0, rows: 0 };
        Ok(Self { pieces, patience, state: Some(Box::new(state)) })
    }

    /// Writes lines where it may block, and sends what is ready.
    async fn lines(&mut self, lines: Vec<Line>) -> Result<(), VaultError> {
        let Some(mut state) = self.state.take() else { return Ok(()) };
        let done = tokio::task::spawn_blocking(move || {
            for line in &lines {
                state.line(line)?;
            }
            Ok::<_, std::io::Error>(state)
        });
        let state = self.state.insert(done.await.map_err(failed)?.map_err(failed)?);
        if state.encoder.get_ref().len() >= CHUNK {
            let piece = std::mem::take(state.encoder.get_mut());
            self.send(piece).await?;
        }
        Ok(())
    }

    async fn send(&self, piece: Vec<u8>) -> Result<(), VaultError> {
        match tokio::time::timeout(self.patience, self.pieces.send(piece)).await {
            Ok(sent) => sent.map_err(failed),
            Err(_) => {
                Err(failed(format!("its reader took nothing for {:?}, and was dropped", self.patience)))
            }
        }
    }

    async fn end(mut self, logs: Vec<super::LogEnd>) -> Result<(), VaultError> {
        let Some(mut state) = self.state.take() else { return Ok(()) };
        let sha256 = format!("{:x}", std::mem::take(&mut state.hash).finalize());
        let end = End { entries: state.entries, facts: state.facts, rows: state.rows, logs, sha256 };
        state.line(&Line::End(end)).map_err(failed)?;
        let piece = state.encoder.finish().map_err(failed)?;
        self.send(piece).await
    }
}

impl State {
    fn line(&mut self, line: &Line) -> std::io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        match line {
            Line::Row(_) => self.rows += 1,
            Line::Fact(fact) => {
                self.entries += 1;
                self.facts += fact.entry.facts();
            }
            Line::Archive(_) | Line::End(_) => {}
        }
        self.hash.update(&text);
        self.encoder.write_all(&text)
    }
}
