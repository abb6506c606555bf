//! Counters in the store: sums and sets of visitors by cell, and what each subject added to them.
//!
//! Sets are kept in pieces of 65,536 numbers, for numbers grow with time: a step writes the last piece of few cells,
//! however many visitors there are.

use std::collections::{BTreeMap, btree_map::Entry as Slot};

use roaring::RoaringBitmap;

use super::{
    Row, StoreError,
    engine::{Batch, Engine},
    keys,
    reads::{after, packed, row},
};
use crate::domain::{
    calendar::Day,
    channel::Channel,
    counters::{Cell, Counted, Tally},
    fact::{Position, SiteNumber},
    id::LeadId,
};

/// Of a visitor's number, the upper part, which names the piece that it is in.
pub type Piece = u32;

/// Different visitors of a cell, one piece of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Members {
    /// Those with a visit.
    pub visitors: RoaringBitmap,
    /// Those who left a lead.
    pub leads: RoaringBitmap,
}

impl Members {
    fn join(&mut self, more: &Self) {
        self.visitors |= &more.visitors;
        self.leads |= &more.leads;
    }
}

/// A row of the rollups.
#[derive(Debug, Clone, PartialEq)]
pub enum Rollup {
    /// A cell's sums.
    Sums(Cell, Tally),
    /// A piece of a cell's visitors.
    Visitors(Cell, Piece, Members),
}

/// Whose share it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Contributor {
    /// A visitor's, or an anonymous page view's.
    Subject(crate::domain::fact::Subject),
    /// A cost's, by its key.
    Cost(String),
    /// A lead's.
    Lead(LeadId),
}

/// Splits a visitor's number into its piece and its place there.
#[must_use]
pub fn place(number: Position) -> (Piece, u32) {
    (Piece::try_from(number >> 16).unwrap_or(Piece::MAX), (number & 0xffff) as u32)
}

/// Puts the two together again.
#[must_use]
pub fn number(piece: Piece, place: u32) -> Position {
    Position::from(piece) << 16 | Position::from(place)
}

/// A cell as a key: by day, then by who and where from. Texts have no control characters, so each ends with a zero.
pub(super) fn write_cell(key: &mut Vec<u8>, cell: &Cell) {
    write_day(key, cell.cta.is_some(), cell.day);
    let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
    for text in [
        cell.class.as_str(),
        cell.channel.as_str(),
        &or_none(&cell.source),
        &or_none(&cell.campaign),
        &or_none(&cell.cta),
    ] {
        key.extend_from_slice(text.as_bytes());
        key.push(0);
    }
}

fn write_day(key: &mut Vec<u8>, ctas: bool, day: Day) {
    key.push(u8::from(ctas));
    // With the sign bit turned, days sort as bytes.
    key.extend_from_slice(&(day.cast_unsigned() ^ (1 << 31)).to_be_bytes());
}

/// Reads a cell, and what stands after it.
fn read_cell(key: &[u8]) -> Option<(Cell, &[u8])> {
    let (_, key) = key.split_first()?;
    let (day, mut rest) = key.split_first_chunk()?;
    let day = (u32::from_be_bytes(*day) ^ (1 << 31)).cast_signed();
    let mut text = || {
        let end = rest.iter().position(|&byte| byte == 0)?;
        let text = std::str::from_utf8(rest.get(..end)?).ok()?.to_owned();
        rest = rest.get(end + 1..)?;
        Some(text)
    };
    let class = text()?;
    let channel = Channel::parse(&text()?)?;
    let mut some = || text().map(|text| Some(text).filter(|text| !text.is_empty()));
    let cell = Cell { day, class, channel, source: some()?, campaign: some()?, cta: some()? };
    Some((cell, rest))
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(format!("a row of {what}"))
}

fn pack_members(members: &Members) -> Result<Vec<u8>, StoreError> {
    let failed = |error: std::io::Error| StoreError::Unavailable(error.to_string());
    let length = u32::try_from(members.visitors.serialized_size()).map_err(|_| damaged("visitors"))?;
    let mut value = vec![keys::VERSION];
    value.extend_from_slice(&length.to_be_bytes());
    members.visitors.serialize_into(&mut value).map_err(failed)?;
    members.leads.serialize_into(&mut value).map_err(failed)?;
    Ok(value)
}

fn read_members(value: &[u8]) -> Result<Members, StoreError> {
    let read = || {
        let (&version, value) = value.split_first()?;
        let (length, value) = value.split_first_chunk()?;
        let (visitors, leads) = value.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        let visitors = RoaringBitmap::deserialize_from(visitors).ok()?;
        let leads = RoaringBitmap::deserialize_from(leads).ok()?;
        (version == keys::VERSION).then_some(Members { visitors, leads })
    };
    read().ok_or_else(|| damaged("visitors"))
}

/// What counters begin with: what was counted of sealed facts.
#[derive(Debug, Default)]
pub struct Base {
    /// Sums to be added.
    pub sums: Vec<(Cell, Tally)>,
    /// Visitors to be added by their numbers, and whether they left a lead.
    pub members: Vec<(Cell, Position, bool)>,
}

/// What a step does to the rollups, summed up before anything is read.
#[derive(Default)]
pub(super) struct Changes {
    sums: BTreeMap<Vec<u8>, Tally>,
    /// By key: the place of each visitor, and whether they belong to the visitors and to those with a lead.
    members: BTreeMap<Vec<u8>, Vec<(u32, bool, bool)>>,
}

impl Changes {
    /// Takes a row that is about the rollups; gives back any other.
    pub(super) fn take(&mut self, site: SiteNumber, row: Row) -> Option<Row> {
        match row {
            Row::Sums { cell, change } => {
                self.sums.entry(keys::sums(site, &cell)).or_default().add(&change, 1);
                None
            }
            Row::Member { cell, number, visitor, lead } => {
                let (piece, place) = place(number);
                let key = keys::members(site, &cell, piece);
                self.members.entry(key).or_default().push((place, visitor, lead));
                None
            }
            other => Some(other),
        }
    }

    /// Adds to what counters begin with.
    pub(super) fn begin_with(&mut self, site: SiteNumber, base: Base) {
        for (cell, change) in base.sums {
            self.sums.entry(keys::base_sums(site, &cell)).or_default().add(&change, 1);
        }
        for (cell, number, lead) in base.members {
            let (piece, place) = place(number);
            let key = keys::base_members(site, &cell, piece);
            self.members.entry(key).or_default().push((place, true, lead));
        }
    }

    /// Adds the rows as they will be.
    pub(super) fn write(self, engine: &dyn Engine, batch: &mut Batch) -> Result<(), StoreError> {
        for (key, change) in self.sums {
            let mut sums: Tally =
                engine.get(&key)?.map_or_else(|| Ok(Tally::default()), |value| row(&value))?;
            sums.add(&change, 1);
            let value = if sums.is_empty() { None } else { Some(packed(&sums)?) };
            batch.push((key, value));
        }
        for (key, places) in self.members {
            let mut members =
                engine.get(&key)?.map_or_else(|| Ok(Members::default()), |value| read_members(&value))?;
            for (place, visitor, lead) in places {
                for (set, belongs) in [(&mut members.visitors, visitor), (&mut members.leads, lead)] {
                    if belongs {
                        set.insert(place);
                    } else {
                        set.remove(place);
                    }
                }
            }
            let empty = members.visitors.is_empty() && members.leads.is_empty();
            batch.push((key, if empty { None } else { Some(pack_members(&members)?) }));
        }
        Ok(())
    }
}

pub(super) fn counted(
    engine: &dyn Engine,
    site: SiteNumber,
    contributors: &[Contributor],
) -> Result<Vec<Option<Counted>>, StoreError> {
    // Asked once: where nothing was sealed, those who are new cost one read each, not two.
    let has_sealed = engine.get(&keys::seal(site))?.is_some();
    let one = |contributor| {
        if let Some(value) = engine.get(&keys::counted(site, contributor))? {
            return row(&value).map(Some);
        }
        // Of a visitor whose first arrival was sealed nothing is left but the number.
        let Contributor::Subject(subject) = contributor else { return Ok(None) };
        if !has_sealed {
            return Ok(None);
        }
        let number = engine.get(&keys::base_number(site, subject))?;
        let number: Option<Position> = number.map(|value| row(&value)).transpose()?;
        Ok(number.map(|number| Counted { number, arrivals: 0, shares: Vec::new() }))
    };
    contributors.iter().map(one).collect()
}

/// Rows of the days `since..=until`; of calls to action, or of everything.
pub(super) fn rollups(
    engine: &dyn Engine,
    site: SiteNumber,
    ctas: bool,
    since: Day,
    until: Day,
) -> Result<Vec<Rollup>, StoreError> {
    let mut found = Vec::new();
    let days = |mut key: Vec<u8>, day| {
        write_day(&mut key, ctas, day);
        key
    };
    for (prefix, members) in [
        (keys::all_sums(site), false),
        (keys::all_base_sums(site), false),
        (keys::all_members(site), true),
        (keys::all_base_members(site), true),
    ] {
        let mut from = days(prefix.clone(), since);
        let end = keys::after_prefix(&days(prefix.clone(), until));
        loop {
            let pairs = engine.scan(&from, &end, ROWS)?;
            for (key, value) in &pairs {
                let cell = key.get(prefix.len()..).and_then(read_cell);
                let (cell, rest) = cell.ok_or_else(|| damaged("counters"))?;
                found.push(if members {
                    let piece = rest.try_into().map(Piece::from_be_bytes).map_err(|_| damaged("visitors"))?;
                    Rollup::Visitors(cell, piece, read_members(value)?)
                } else {
                    Rollup::Sums(cell, row(value)?)
                });
            }
            match pairs.len() {
                ROWS => from = after(pairs),
                _ => break,
            }
        }
    }
    Ok(found)
}

/// How many rows are fetched at a time.
const ROWS: usize = 2048;

/// Drops all that was counted of a site, so that counting starts over. The cursor and the basis go first: cut off in
/// between, it is done again before anything is counted.
pub(super) fn forget(engine: &dyn Engine, site: SiteNumber, projector: &str) -> Result<(), StoreError> {
    engine.apply(vec![(keys::cursor(site, projector), None), (keys::counters_basis(site), None)])?;
    let prefixes = [keys::all_sums(site), keys::all_members(site), keys::all_counted(site)];
    for prefix in prefixes {
        loop {
            let mut batch = Batch::new();
            let end = keys::after_prefix(&prefix);
            let pairs = engine.scan(&prefix, &end, ROWS)?;
            batch.extend(pairs.into_iter().map(|(key, _)| (key, None)));
            if batch.is_empty() {
                break;
            }
            engine.apply(batch)?;
        }
    }
    // What is told of leads is not read in the log: all of them are to be counted again.
    let prefix = keys::leads_by_time(site);
    let mut from = prefix.clone();
    loop {
        let pairs = engine.scan(&from, &keys::after_prefix(&prefix), ROWS)?;
        let leads = pairs.iter().filter_map(|(key, _)| keys::lead_by_time_id(key));
        engine.apply(leads.map(|lead| (keys::stale(site, &lead), Some(vec![keys::VERSION]))).collect())?;
        match pairs.len() {
            ROWS => from = after(pairs),
            _ => return Ok(()),
        }
    }
}

/// Leads whose share may be another than what was counted, at most so many.
pub(super) fn stale(engine: &dyn Engine, site: SiteNumber, max: usize) -> Result<Vec<LeadId>, StoreError> {
    let prefix = keys::all_stale(site);
    let pairs = engine.scan(&prefix, &keys::after_prefix(&prefix), max)?;
    let id = |(key, _): &(Vec<u8>, Vec<u8>)| key.get(prefix.len()..).and_then(keys::lead_id);
    pairs.iter().map(|pair| id(pair).ok_or_else(|| damaged("a lead to be counted"))).collect()
}

/// Adds rollup rows up: by any part of their cells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sum {
    /// The sums.
    pub tally: Tally,
    /// The different visitors, by piece.
    pub members: BTreeMap<Piece, Members>,
}

impl Sum {
    /// Takes one more row.
    pub fn add(&mut self, rollup: &Rollup) {
        match rollup {
            Rollup::Sums(_, tally) => self.tally.add(tally, 1),
            Rollup::Visitors(_, piece, more) => match self.members.entry(*piece) {
                Slot::Vacant(slot) => {
                    slot.insert(more.clone());
                }
                Slot::Occupied(mut slot) => slot.get_mut().join(more),
            },
        }
    }

    /// Takes what another sum has taken.
    pub fn join(&mut self, other: &Self) {
        self.tally.add(&other.tally, 1);
        for (piece, more) in &other.members {
            self.members.entry(*piece).or_default().join(more);
        }
    }

    /// How many different visitors there are, and how many of them left a lead.
    #[must_use]
    pub fn visitors(&self) -> (u64, u64) {
        self.members.values().fold((0, 0), |(visitors, leads), members| {
            (visitors + members.visitors.len(), leads + members.leads.len())
        })
    }
}

impl Rollup {
    /// The cell that the row is about.
    #[must_use]
    pub fn cell(&self) -> &Cell {
        match self {
            Self::Sums(cell, _) | Self::Visitors(cell, ..) => cell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_they_are_written_and_lie_by_day() {
        let some = |text: &str| Some(text.to_owned());
        let cell = |day, class: &str, source, campaign, cta| Cell {
            day,
            class: class.to_owned(),
            channel: Channel::PaidSearch,
            source,
            campaign,
            cta,
        };
        let cells = [
            cell(-1, "", None, None, None),
            cell(0, "", some("google"), None, None),
            cell(0, "crawler:x", None, some("otoño"), None),
            cell(20_000, "", some("a"), some("b"), None),
            cell(-5, "", some("a"), some("b"), some("hero")),
        ];
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for cell in &cells {
            let mut key = Vec::new();
            write_cell(&mut key, cell);
            key.extend_from_slice(&[1, 2]);
            assert_eq!(read_cell(&key), Some((cell.clone(), [1, 2].as_slice())));
            keys.push(key);
        }
        assert!(keys.is_sorted());
    }

    #[test]
    fn a_number_is_found_again_in_its_piece() {
        for number_in in [0, 1, 65_535, 65_536, 10_000_000_000] {
            let (piece, place) = place(number_in);
            assert_eq!(number(piece, place), number_in);
        }
    }

    #[test]
    fn members_are_read_as_they_are_written() {
        let members = Members { visitors: (0..5000).collect(), leads: [7].into_iter().collect() };
        let value = pack_members(&members).unwrap();
        assert_eq!(read_members(&value).unwrap(), members);
        assert!(value.len() < 9_000, "a piece is small: {}", value.len());
        assert!(read_members(&value[..5]).is_err() && read_members(&[]).is_err());
    }
}
