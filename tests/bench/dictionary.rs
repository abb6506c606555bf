//! `just dictionary`: trains what blocks are compressed with (`store::block`) on entries as the writer packs them, of
//! `traza simulate`'s history.
//!
//! The dictionary of a released format is never made again. This is how the present one was, and how that of another codec
//! would be.

use anyhow::ensure;
use collector::store::{Store as _, block, kv::KvStore, sled::Sled};
use e2e::binary::Home;

use crate::say;

/// Larger ones gain nothing more.
const BYTES: usize = 16 * 1024;
/// Of the history. What a year's worth of days brings, and every kind of record.
const VISITORS: &str = "20000";
/// Facts that are read at a time.
const STEP: usize = 4_096;
/// Every so many entries one is learnt from.
const EVERY: usize = 8;

/// Writes `collector/src/store/block/dictionary.zstd`.
///
/// # Errors
/// Where there is one, or the history cannot be simulated.
pub(crate) async fn run() -> anyhow::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../collector/src/store/block/dictionary.zstd");
    ensure!(
        std::fs::metadata(path).map_or(0, |file| file.len()) == 0,
        "{path} is there, and stores cannot be read without it; a new one is for a new codec"
    );
    let home = Home::new();
    let folder = home.join("data");
    let store = format!("sled:{}", folder.display());
    home.run(&["simulate", "--site", "bench", "--visitors", VISITORS, "--days", "365", "--store", &store])
        .well();
    let store = KvStore::open(Sled::open(&folder, 64 << 20)?)?;
    let (mut samples, mut after, mut count) = (Vec::new(), 0, 0_usize);
    loop {
        let entries = store.read(1, after, STEP).await?;
        let Some(last) = entries.last() else { break };
        after = last.position + last.entry.facts() - 1;
        for stored in &entries {
            count += 1;
            if count.is_multiple_of(EVERY) {
                samples.push(block::encode(&stored.entry)?);
            }
        }
    }
    let dictionary = zstd::dict::from_samples(&samples, BYTES)?;
    std::fs::write(path, &dictionary)?;
    say(&format!("{} bytes learnt from {} of {count} entries", dictionary.len(), samples.len()))
}
