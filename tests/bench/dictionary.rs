//! `just dictionary`: how densely blocks are packed by what is usual in entries (`store::block`), of `traza simulate`'s history.
//! Where there is no dictionary it is trained on every eighth entry of that; the rest is measured.
//!
//! The dictionary of a released format is never made again. This is how the present one was, and how that of another codec
//! would be.

use collector::store::{
    Store as _, block,
    kv::KvStore,
    sled::{Pace, Sled},
};
use e2e::binary::Home;

use crate::say;

/// Larger ones gain nothing more.
const BYTES: usize = 16 * 1024;
/// Of the history. What a year's worth of days brings, and every kind of record.
const VISITORS: &str = "20000";
/// An entry as the writer packs it, and how many facts it holds.
type Packed = (Vec<u8>, u16);

/// Facts that are read at a time.
const STEP: usize = 4_096;
/// Every so many entries one is learnt from.
const EVERY: usize = 8;

/// How blocks were written up to format 2: by itself, and so large.
const PLAIN_BYTES: usize = 56 * 1024;
const PLAIN_LEVEL: i32 = 1;
const HEADER: usize = 6;

/// Measures, or writes `collector/src/store/block/dictionary.zstd` where there is none.
///
/// # Errors
/// Where the history cannot be simulated.
pub(crate) async fn run() -> anyhow::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../collector/src/store/block/dictionary.zstd");
    let home = Home::new();
    let folder = home.join("data");
    let store = format!("sled:{}", folder.display());
    home.run(&["simulate", "--site", "bench", "--visitors", VISITORS, "--days", "365", "--store", &store])
        .well();
    let store = KvStore::open(Sled::open(&folder, 64 << 20, Pace::Bulk)?)?;
    let (mut learnt, mut rest, mut after) = (Vec::new(), Vec::new(), 0);
    loop {
        let entries = store.read(1, after, STEP).await?;
        let Some(last) = entries.last() else { break };
        after = last.position + last.entry.facts() - 1;
        for stored in &entries {
            let of =
                if (learnt.len() + rest.len() + 1).is_multiple_of(EVERY) { &mut learnt } else { &mut rest };
            of.push((block::encode(&stored.entry)?, u16::try_from(stored.entry.facts())?));
        }
    }
    store.close().await;
    if std::fs::metadata(path).map_or(0, |file| file.len()) == 0 {
        let samples: Vec<&[u8]> = learnt.iter().map(|(packed, _)| packed.as_slice()).collect();
        let dictionary = zstd::dict::from_samples(&samples, BYTES)?;
        std::fs::write(path, &dictionary)?;
        return say(&format!(
            "{} bytes learnt from {} entries; build again",
            dictionary.len(),
            samples.len()
        ));
    }
    let mut plain = zstd::bulk::Compressor::new(PLAIN_LEVEL)?;
    let mut without = |payload: &[u8]| anyhow::Ok(plain.compress(payload)?.len() + HEADER);
    let (alone_before, alone) = (packed(&rest, 1, &mut without)?, blocks(&rest, 1)?);
    let (full_before, full) =
        (packed(&rest, PLAIN_BYTES, &mut without)?, blocks(&rest, block::PAYLOAD_BYTES)?);
    let each = |bytes: usize| bytes as f64 / rest.len() as f64;
    say(&format!(
        "{} entries that nothing was learnt from: {:.0} B each in blocks of {} bytes, {:.0} B without the dictionary in blocks of \
         {PLAIN_BYTES}; alone {:.0} B, and {:.0} B without",
        rest.len(),
        each(full),
        block::PAYLOAD_BYTES,
        each(full_before),
        each(alone),
        each(alone_before),
    ))
}

/// The bytes of entries in blocks of so many, packed in another way.
fn packed(
    entries: &[Packed],
    most: usize,
    pack: &mut impl FnMut(&[u8]) -> anyhow::Result<usize>,
) -> anyhow::Result<usize> {
    let (mut payload, mut bytes) = (Vec::new(), 0);
    for (entry, facts) in entries {
        if !payload.is_empty() && payload.len() + HEADER + entry.len() > most {
            bytes += pack(&std::mem::take(&mut payload))?;
        }
        payload.extend_from_slice(&u32::try_from(entry.len())?.to_le_bytes());
        payload.extend_from_slice(&facts.to_le_bytes());
        payload.extend_from_slice(entry);
    }
    Ok(bytes + pack(&payload)?)
}

/// The bytes of entries in blocks as the store writes them, closed at so many bytes.
fn blocks(entries: &[Packed], most: usize) -> anyhow::Result<usize> {
    let (mut builder, mut payload, mut bytes) = (block::Builder::default(), 0, 0);
    for (entry, facts) in entries {
        if payload > 0 && payload + HEADER + entry.len() > most {
            bytes += builder.finish()?.len();
            payload = 0;
        }
        builder.push(entry, *facts);
        payload += HEADER + entry.len();
    }
    Ok(bytes + builder.finish()?.len())
}
