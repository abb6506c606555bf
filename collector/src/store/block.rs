//! How entries are packed: one block per group commit and site, so that a fact costs no key of its own.
//!
//! A block's value is: version (1), codec, length of the payload before compression (u32 LE), payload. The payload is, for
//! each entry: length (u32 LE), facts (u16 LE), the entry as MessagePack with field names. Names compress to next to
//! nothing, and let later versions add fields without touching what is stored. The position of the first fact is in the key.
//!
//! Blocks are small, for one entry costs as much to read as the block that it is in; and what is usual in entries is known
//! to both sides beforehand, so that small blocks are packed as densely as large ones.

use std::{cell::RefCell, io, sync::LazyLock};

use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
};

use super::{StoreError, keys};
use crate::domain::fact::{Entry, Position};

/// zstd by itself: how blocks were written up to format 2.
const ZSTD: u8 = 1;
/// zstd with [`DICTIONARY`].
const ZSTD_KNOWN: u8 = 2;
/// Fast, and within a few per cent of what higher levels give on blocks this small.
const LEVEL: i32 = 1;
const HEADER: usize = 6;
const ENTRY_HEADER: usize = 6;

/// What is usual in entries: names of fields, user agents, the ends of ids. Trained on `traza simulate`'s history by
/// `just dictionary`, which measures it, and never changed again, for what is stored cannot be read without it: a better one would be another
/// codec, beside this one.
static DICTIONARY: &[u8] = include_bytes!("block/dictionary.zstd");
static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

/// A block is closed before its payload passes this many bytes: some ten beacons.
pub const PAYLOAD_BYTES: usize = 8 * 1024;

// A context of the compressor is a good part of a megabyte: each thread that packs or unpacks keeps its own.
thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static PLAIN_DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn compressor() -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::with_prepared_dictionary(&ENCODER)?;
    // Both are known: from the block's header, and from its codec.
    compressor.include_contentsize(false)?;
    compressor.include_dictid(false)?;
    Ok(compressor)
}

fn compress(payload: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| match kept {
        Some(compressor) => compressor.compress(payload),
        None => kept.insert(compressor()?).compress(payload),
    })
}

fn decompress(codec: u8, packed: &[u8], length: usize) -> io::Result<Vec<u8>> {
    let of = if codec == ZSTD { &PLAIN_DECOMPRESSOR } else { &DECOMPRESSOR };
    of.with_borrow_mut(|kept| match kept {
        Some(decompressor) => decompressor.decompress(packed, length),
        None => {
            let decompressor = match codec {
                ZSTD => Decompressor::new(),
                _ => Decompressor::with_prepared_dictionary(&DECODER),
            };
            kept.insert(decompressor?).decompress(packed, length)
        }
    })
}

/// Gathers entries until a block is full.
#[derive(Default)]
pub struct Builder {
    payload: Vec<u8>,
    facts: u64,
}

impl Builder {
    /// Whether there is something to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }

    /// How many facts are in it.
    #[must_use]
    pub fn facts(&self) -> u64 {
        self.facts
    }

    /// Whether an entry of this many bytes belongs into the next block.
    #[must_use]
    pub fn is_full_for(&self, entry_bytes: usize) -> bool {
        !self.is_empty() && self.payload.len() + ENTRY_HEADER + entry_bytes > PAYLOAD_BYTES
    }

    /// Adds an entry that [`encode`] packed.
    pub fn push(&mut self, packed: &[u8], facts: u16) {
        self.payload.extend_from_slice(&u32::try_from(packed.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.payload.extend_from_slice(&facts.to_le_bytes());
        self.payload.extend_from_slice(packed);
        self.facts += u64::from(facts);
    }

    /// The block's value; the builder is empty afterwards.
    ///
    /// # Errors
    /// Where the compressor runs out of memory.
    pub fn finish(&mut self) -> Result<Vec<u8>, StoreError> {
        let length = u32::try_from(self.payload.len())
            .map_err(|_| StoreError::Unavailable("an entry over 4 GB".to_owned()))?;
        let packed = compress(&self.payload).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let mut value = Vec::with_capacity(HEADER + packed.len());
        value.extend_from_slice(&[keys::VERSION, ZSTD_KNOWN]);
        value.extend_from_slice(&length.to_le_bytes());
        value.extend_from_slice(&packed);
        self.payload.clear();
        self.facts = 0;
        Ok(value)
    }
}

/// Packs an entry.
///
/// # Errors
/// Never for the entries there are; the encoder's signature says it could.
pub fn encode(entry: &Entry) -> Result<Vec<u8>, StoreError> {
    rmp_serde::to_vec_named(entry).map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// A block's entries, unpacked one by one.
pub struct Block {
    payload: Vec<u8>,
    first: Position,
}

impl Block {
    /// Opens the block that stands at a position.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where the bytes are not a block, or are of a version that this program does not know.
    pub fn open(first: Position, value: &[u8]) -> Result<Self, StoreError> {
        let damaged = |what: &str| StoreError::Damaged(format!("block at position {first}: {what}"));
        let Some((&[version, codec, a, b, c, d], packed)) = value.split_first_chunk::<HEADER>() else {
            return Err(damaged("too short"));
        };
        if version != keys::VERSION || !matches!(codec, ZSTD | ZSTD_KNOWN) {
            return Err(damaged("a version that this program does not know"));
        }
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let payload = decompress(codec, packed, length).map_err(|error| damaged(&error.to_string()))?;
        Ok(Self { payload, first })
    }

    /// Calls `visit` with each entry's first position, its number of facts and its packed bytes, until it says stop.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where lengths do not add up, and whatever `visit` returns.
    pub fn each<'a>(
        &'a self,
        mut visit: impl FnMut(Position, u64, &'a [u8]) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut rest = self.payload.as_slice();
        let mut position = self.first;
        while !rest.is_empty() {
            let torn = || StoreError::Damaged(format!("block at position {}: torn", self.first));
            let (&[a, b, c, d, e, f], after) = rest.split_first_chunk::<ENTRY_HEADER>().ok_or_else(torn)?;
            let length = u32::from_le_bytes([a, b, c, d]) as usize;
            let facts = u64::from(u16::from_le_bytes([e, f]));
            let (packed, after) = after.split_at_checked(length).ok_or_else(torn)?;
            if !visit(position, facts, packed)? {
                return Ok(());
            }
            position += facts;
            rest = after;
        }
        Ok(())
    }
}

/// Unpacks an entry.
///
/// # Errors
/// [`StoreError::Damaged`] where the bytes are not an entry.
pub fn decode(position: Position, packed: &[u8]) -> Result<Entry, StoreError> {
    rmp_serde::from_slice(packed)
        .map_err(|error| StoreError::Damaged(format!("entry at {position}: {error}")))
}
