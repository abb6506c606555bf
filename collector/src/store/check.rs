//! Reads all of a site's log and what belongs to it, and says what does not agree.

use sha2::{Digest as _, Sha256};

use super::{
    StoreError,
    block::{self, Block},
    dedupe::Bitmap,
    engine::Engine,
    keys,
    reads::each_pair,
    writer::read_ledger,
};
use crate::domain::{
    event::Event,
    fact::{Entry, Position, SiteNumber},
    id::{EventId, VaultRef},
    sealed::SealedPage,
};

/// What was read of a site, and the first thing that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Blocks of the log.
    pub blocks: u64,
    /// Facts in them: the last position.
    pub facts: u64,
    /// Events among the facts.
    pub events: u64,
    /// Sealed submissions that the log refers to.
    pub sealed: u64,
    /// Submissions that it refers to and whose key is gone: erased.
    pub erased: u64,
    /// Facts whose content was sealed with age.
    pub gone: u64,
    /// What does not agree; `None` where all does.
    pub fault: Option<String>,
}

/// A fingerprint of a set: the sum of its members' hashes. Two sets with one fingerprint are the same set, whatever
/// the order, at no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Fingerprint {
    count: u64,
    sum: u128,
}

impl Fingerprint {
    fn add(&mut self, key: &[u8], number: Option<u16>) {
        let mut hash = Sha256::new_with_prefix(key);
        if let Some(number) = number {
            hash.update(number.to_be_bytes());
        }
        let hash = hash.finalize();
        let part = hash.first_chunk().map_or(0, |bytes| u128::from_be_bytes(*bytes));
        self.count += 1;
        self.sum = self.sum.wrapping_add(part);
    }
}

/// Reads everything of a site. `progress` is called with the facts read so far.
///
/// # Errors
/// Where the engine fails; a damage that it names is reported instead.
pub fn site(
    engine: &dyn Engine,
    site: SiteNumber,
    mut progress: impl FnMut(u64),
) -> Result<Report, StoreError> {
    let mut report = Report::default();
    match read(engine, site, &mut report, &mut progress) {
        Ok(fault) => report.fault = fault,
        Err(StoreError::Damaged(what)) => report.fault = Some(what),
        Err(error) => return Err(error),
    }
    Ok(report)
}

fn read(
    engine: &dyn Engine,
    site: SiteNumber,
    report: &mut Report,
    progress: &mut impl FnMut(u64),
) -> Result<Option<String>, StoreError> {
    let (mut logged, mut next) = (Fingerprint::default(), 1);
    let mut gap = None;
    each_pair(engine, &keys::logs(site), |key, value| {
        let first = keys::log_position(key).unwrap_or_default();
        if first != next && gap.is_none() {
            gap = Some(format!("the log goes on at position {first}; {next} is missing"));
        }
        next = first;
        Block::open(first, value)?.each(|position, facts, packed| {
            let entry = block::decode(position, packed)?;
            if entry.facts() != facts {
                return Err(StoreError::Damaged(format!("entry at {position}: another number of facts")));
            }
            note(engine, site, position, &entry, &mut logged, report)?;
            next += facts;
            Ok(true)
        })?;
        report.blocks += 1;
        report.facts = next - 1;
        progress(report.facts);
        Ok(())
    })?;
    if gap.is_some() {
        return Ok(gap);
    }
    let mut seen = Fingerprint::default();
    each_pair(engine, &keys::bitmaps(site), |key, value| {
        let bitmap = Bitmap::decode(value)
            .ok_or_else(|| StoreError::Damaged("a bitmap of an unknown version".to_owned()))?;
        bitmap.numbers().for_each(|number| seen.add(key, Some(number)));
        Ok(())
    })?;
    each_pair(engine, &keys::all_seen(site), |key, _| {
        seen.add(key, None);
        Ok(())
    })?;
    if seen != logged {
        return Ok(Some(explain(engine, site, logged, seen)?));
    }
    let ledger = read_ledger(engine, site)?;
    if ledger.stored != report.events {
        return Ok(Some(format!("the ledger says {} events, the log has {}", ledger.stored, report.events)));
    }
    Ok(None)
}

fn note(
    engine: &dyn Engine,
    site: SiteNumber,
    position: Position,
    entry: &Entry,
    logged: &mut Fingerprint,
    report: &mut Report,
) -> Result<(), StoreError> {
    for (key, number) in ids(site, entry) {
        report.events += 1;
        logged.add(&key, number);
    }
    if let Entry::Sealed(sealed) = entry {
        report.gone += sealed.facts;
    }
    if let Entry::Erased(erased) = entry {
        for reference in &erased.references {
            if engine.get(&keys::vault_key(site, *reference))?.is_some() {
                return Err(StoreError::Damaged(format!(
                    "entry at {position}: {reference} was erased, and its key is there again"
                )));
            }
        }
    }
    for reference in entry.references() {
        let key = engine.get(&keys::vault_key(site, reference))?;
        match (key, engine.get(&keys::vault_value(site, reference))?) {
            (Some(_), Some(_)) => report.sealed += 1,
            (None, _) => report.erased += 1,
            (Some(_), None) => return Err(missing(position, reference)),
        }
    }
    Ok(())
}

/// The events of an entry by where their ids are marked: the key, and the number where it is of a bitmap.
fn ids(site: SiteNumber, entry: &Entry) -> Vec<(Vec<u8>, Option<u16>)> {
    let of_event = |event: &Event| match &event.id {
        EventId::Numbered(number) => (keys::bitmap(site, &event.page), Some(*number)),
        EventId::Opaque(id) => (keys::seen(site, id), None),
    };
    match entry {
        Entry::Arrival(arrival) => arrival.events.iter().map(of_event).collect(),
        Entry::Sealed(sealed) => {
            let of_page = |page: &SealedPage| {
                let key = keys::bitmap(site, &page.page);
                page.numbers.iter().map(|number| (key.clone(), Some(*number))).collect::<Vec<_>>()
            };
            let opaque = sealed.ids.iter().map(|id| (keys::seen(site, id), None));
            sealed.pages.iter().flat_map(of_page).chain(opaque).collect()
        }
        _ => Vec::new(),
    }
}

fn missing(position: Position, reference: VaultRef) -> StoreError {
    StoreError::Damaged(format!(
        "entry at {position}: the vault has the key of {reference} and not its value"
    ))
}

/// Reads the log once more, to name the first id that is not marked seen.
fn explain(
    engine: &dyn Engine,
    site: SiteNumber,
    logged: Fingerprint,
    seen: Fingerprint,
) -> Result<String, StoreError> {
    let mut first = None;
    each_pair(engine, &keys::logs(site), |key, value| {
        Block::open(keys::log_position(key).unwrap_or_default(), value)?.each(|position, _, packed| {
            for (key, number) in ids(site, &block::decode(position, packed)?) {
                let value = engine.get(&key)?;
                let marked = match number {
                    Some(number) => value
                        .and_then(|value| Bitmap::decode(&value))
                        .is_some_and(|bitmap| bitmap.contains(number)),
                    None => value.is_some(),
                };
                if !marked && first.is_none() {
                    first = Some(format!("an id at position {position} is in the log and not marked seen"));
                }
            }
            Ok(first.is_none())
        })
    })?;
    Ok(first.unwrap_or_else(|| {
        format!(
            "{} ids are in the log, {} are marked seen: one is twice, or not there",
            logged.count, seen.count
        )
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wire::beacon::Mode;

    use super::*;
    use crate::{
        domain::{
            event::{Detail, Event},
            fact::{Arrival, HOUSE},
            id::Id,
            site::{SiteConfig, SitePut},
        },
        store::{Append, Store as _, kv::KvStore, memory::Memory},
    };

    /// A sound store of three arrivals, each in a block of its own; one has an opaque id.
    async fn sound() -> Memory {
        let memory = Memory::default();
        let store = KvStore::open(memory.clone()).unwrap();
        let put = SitePut { slug: "acme".to_owned(), at: 1, config: SiteConfig::default() };
        store.append(Append::of(HOUSE, Entry::Site(put))).await.unwrap();
        for (page, ids) in [("p", ["p-0", "p-1"]), ("q", ["q-0", "q-9"]), ("r", ["r-0", "opaque"])] {
            let events = ids.map(|id| Event {
                id: EventId::parse(page, id).unwrap(),
                page: Id::parse(page).unwrap(),
                at: 5,
                raw_at: None,
                detail: Detail::PageLeave { engaged_ms: 0, scroll_pct: 0, title: None },
            });
            let arrival = Arrival::bare(Id::parse("v"), Mode::Full, 1, events.to_vec());
            store.append(Append::of(1, Entry::Arrival(arrival))).await.unwrap();
        }
        store.close().await;
        memory
    }

    fn fault(memory: &Memory) -> Option<String> {
        site(&Arc::new(memory.clone()), 1, |_| {}).unwrap().fault
    }

    #[tokio::test]
    async fn what_is_missing_or_too_much_is_named() {
        let memory = sound().await;
        let report = site(&memory, 1, |_| {}).unwrap();
        let expected = Report { blocks: 3, facts: 6, events: 6, ..Report::default() };
        assert_eq!(report, expected);
        let id = |text: &str| Id::parse(text).unwrap();
        type Damage = (Vec<u8>, Option<Vec<u8>>, &'static str);
        let damages: [Damage; 7] = [
            (keys::log(1, 3), None, "the log goes on at position 5; 3 is missing"),
            (keys::log(1, 3), Some(vec![1, 1, 9]), "block at position 3: too short"),
            (keys::bitmap(1, &id("q")), None, "an id at position 3 is in the log and not marked seen"),
            (keys::seen(1, &id("opaque")), None, "an id at position 5 is in the log and not marked seen"),
            (
                keys::bitmap(1, &id("q")),
                Some(vec![keys::VERSION, 1, 2, 1]),
                "6 ids are in the log, 7 are marked",
            ),
            (keys::seen(1, &id("other")), Some(vec![keys::VERSION]), "6 ids are in the log, 7 are marked"),
            (keys::ledger(1), None, "the ledger says 0 events, the log has 6"),
        ];
        for (key, value, said) in damages {
            let memory = sound().await;
            memory.apply(vec![(key, value)]).unwrap();
            let fault = fault(&memory).unwrap_or_default();
            assert!(fault.starts_with(said), "{said}: {fault}");
        }
    }
}
