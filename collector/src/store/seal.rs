//! Sealing: facts that are too old give up their content. What they added to counters and to the install check becomes
//! what those begin with, their ids stay seen, their place in the log is kept; the rest of them goes, with the keys of
//! what the vault holds of them.
//!
//! A step is one atomic batch: cut off before or after it, the store is whole and the rest can be sealed later. What
//! is derived is changed in the same batch to what a rebuild would derive from then on.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Row, StoreError,
    block::{self, Block, Builder, PAYLOAD_BYTES},
    engine::{Batch, Engine, Pair},
    index, keys, outbox, people,
    reads::{self, packed, row},
    rollup::{Base, Changes, Contributor},
};
use crate::domain::{
    chat::Clicked,
    event::Detail,
    fact::{Entry, Position, SiteNumber, Subject},
    id::LeadId,
    identity::Edge,
    install::Install,
    sealed::{SealStatus, Sealed},
    standing::Lead,
};

/// A sealed entry is joined with its neighbour while it has no more facts, and takes no more bytes, than this.
const MOST_FACTS: u64 = 60_000;
const MOST_BYTES: usize = PAYLOAD_BYTES / 2;

/// Some facts that are sealed together.
#[derive(Debug, Default)]
pub struct SealStep {
    /// Whose log.
    pub site: SiteNumber,
    /// The entries that go, by their first positions.
    pub entries: BTreeSet<Position>,
    /// What becomes of derived counters.
    pub rows: Vec<Row>,
    /// What counters begin with from now on, in addition.
    pub base: Base,
    /// Subjects that lose arrivals.
    pub subjects: Vec<SealedSubject>,
    /// Leads that go.
    pub leads: Vec<Lead>,
    /// Evidence of who is who that goes.
    pub edges: Vec<Edge>,
    /// Records about leads that go.
    pub records: Vec<(LeadId, Position)>,
    /// Where this was the last step of a pass: when it ended, and what is kept.
    pub passed: Option<(i64, crate::domain::retention::Retention)>,
}

/// A subject that loses arrivals.
#[derive(Debug)]
pub struct SealedSubject {
    /// Who.
    pub subject: Subject,
    /// Which arrivals.
    pub gone: BTreeSet<Position>,
    /// Whether others are left.
    pub stays: bool,
    /// The number that a visitor is counted by.
    pub number: Position,
}

pub(super) fn status(engine: &dyn Engine, site: SiteNumber) -> Result<SealStatus, StoreError> {
    engine.get(&keys::seal(site))?.map_or_else(|| Ok(SealStatus::default()), |value| row(&value))
}

/// Makes a step. The caller keeps it apart from projectors' steps.
pub(super) fn seal(engine: &dyn Engine, step: SealStep) -> Result<(), StoreError> {
    let SealStep { site, entries, mut rows, base, subjects, leads, edges, records, passed } = step;
    let mut batch = Batch::new();
    let mut status = status(engine, site)?;
    if !entries.is_empty() {
        let mut install = begin_install(engine, site)?;
        let mut log = Log { engine, site, pending: BTreeMap::new() };
        for (stored, first) in log.seal(&entries)?.into_iter().zip(&entries) {
            if !matches!(stored, Entry::Arrival(_)) {
                batch.push((keys::audited(site, *first), None));
            }
            status.facts += stored.facts();
            if let Entry::Lease(lease) = &stored {
                batch.push((keys::lease(site, &lease.number, lease.at, &lease.visitor), None));
            }
            if let Entry::Message(message) = &stored
                && let Some(used) = message.used(*first)
            {
                batch.push((keys::chat_use(site, &used.chat_ref, used.position), None));
            }
            if let Entry::Arrival(arrival) = &stored {
                install.observe(arrival);
                rows.extend(Row::pulse(arrival, -1));
                rows.extend(Row::form_pulses(arrival, -1));
                for (position, event) in (*first..).zip(&arrival.events) {
                    if let (Detail::Purchase { order_id, .. }, Some(subject)) =
                        (&event.detail, arrival.subject(event))
                    {
                        batch.push((keys::order(site, order_id, &subject, position), None));
                    }
                    let clicked = Clicked::of(arrival, event, position);
                    batch.extend(clicked.map(|clicked| (keys::chat_click(site, &clicked), None)));
                }
            }
            for reference in stored.references() {
                batch.push((keys::vault_key(site, reference), None));
                batch.push((keys::vault_value(site, reference), None));
            }
        }
        batch.extend(log.pending);
        batch.push((keys::base_install(site), Some(packed(&install)?)));
    }
    let mut counters = Changes::default();
    counters.begin_with(site, base);
    reads::write(engine, site, rows, counters, &mut batch)?;
    for sealed in subjects {
        forget_pieces(engine, site, &sealed.subject, &sealed.gone, &mut batch)?;
        if !sealed.stays {
            batch.push((keys::profile(site, &sealed.subject), None));
            batch.push((keys::counted(site, &Contributor::Subject(sealed.subject.clone())), None));
        }
        if matches!(sealed.subject, Subject::Visitor(_)) {
            let kept = |value: Vec<u8>| sealed.stays.then_some(value);
            let number = keys::base_number(site, &sealed.subject);
            batch.push((number, kept(packed(&sealed.number)?)));
            batch.push((keys::numbered(site, sealed.number), kept(packed(&sealed.subject)?)));
        }
    }
    for lead in &leads {
        batch.push((keys::lead(site, &lead.id), None));
        batch.push((keys::waiting(site, &lead.id), None));
        batch.extend(index::listed_under(site, lead).into_iter().map(|key| (key, None)));
        batch.push((keys::counted(site, &Contributor::Lead(lead.id.clone())), None));
        outbox::forget(engine, site, &lead.id, &mut batch)?;
    }
    for edge in &edges {
        people::forget_edge(site, edge, &mut batch);
    }
    for (lead, position) in &records {
        batch.push((keys::record(site, lead, *position), None));
    }
    status.leads += leads.len() as u64;
    if let Some((at, policy)) = passed {
        (status.passed_at, status.policy) = (at, policy);
    }
    batch.push((keys::seal(site), Some(packed(&status)?)));
    engine.apply(batch)?;
    engine.sync()
}

/// Takes some pieces out of a journey.
fn forget_pieces(
    engine: &dyn Engine,
    site: SiteNumber,
    subject: &Subject,
    gone: &BTreeSet<Position>,
    batch: &mut Batch,
) -> Result<(), StoreError> {
    for prefix in [keys::pieces(site, subject), keys::erased_pieces(site, subject)] {
        reads::each_pair(engine, &prefix, |key, value| {
            let mut positions = reads::pieces(key, value)?;
            let before = positions.len();
            positions.retain(|position| !gone.contains(position));
            if positions.len() < before {
                batch.push((key.to_vec(), None));
                batch.extend(reads::row_of_pieces(&prefix, &positions)?);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What the install check begins with. It names every host known by now: no other will be counted where there are as
/// many as are kept, whatever is sealed.
fn begin_install(engine: &dyn Engine, site: SiteNumber) -> Result<Install, StoreError> {
    let mut base: Install =
        engine.get(&keys::base_install(site))?.map_or_else(|| Ok(Install::default()), |value| row(&value))?;
    for host in reads::install(engine, site)?.hosts.into_keys() {
        base.hosts.entry(host).or_default();
    }
    Ok(base)
}

/// A log that is being rewritten.
struct Log<'e> {
    engine: &'e dyn Engine,
    site: SiteNumber,
    pending: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Log<'_> {
    /// Seals entries, and gives them as they were.
    fn seal(&mut self, entries: &BTreeSet<Position>) -> Result<Vec<Entry>, StoreError> {
        let mut before = Vec::with_capacity(entries.len());
        let mut sealed_blocks = Vec::new();
        let mut wanted = entries.iter().copied().peekable();
        while let Some(&position) = wanted.peek() {
            let missing = || StoreError::Damaged(format!("no entry at position {position}"));
            let (key, value) = self.block_at(position)?.ok_or_else(missing)?;
            let first = keys::log_position(&key).ok_or_else(missing)?;
            let found = before.len();
            let mut after = Vec::new();
            for (at, entry) in read(first, &value)? {
                if wanted.next_if_eq(&at).is_some() {
                    push(&mut after, Entry::Sealed(Sealed::of(&entry)))?;
                    before.push(entry);
                } else {
                    push(&mut after, entry)?;
                }
            }
            if before.len() == found {
                return Err(missing());
            }
            if after.iter().all(|(entry, _)| matches!(entry, Entry::Sealed(_))) {
                sealed_blocks.push(first);
            }
            self.pending.insert(key, Some(pack(&after)?));
        }
        for first in sealed_blocks {
            self.join(first)?;
        }
        Ok(before)
    }

    /// Joins a block that is wholly sealed with its neighbours that are so: else there would be one for each block that
    /// ever was.
    fn join(&mut self, first: Position) -> Result<(), StoreError> {
        let key = keys::log(self.site, first);
        // It may have been joined with the one before it already.
        let Some(Some(mut value)) = self.pending.get(&key).cloned() else { return Ok(()) };
        let mut key = key;
        while let Some(last) = keys::log_position(&key).and_then(|first| first.checked_sub(1))
            && let Some((left, before)) = self.block_at(last)?
            && let Some(joined) = joined(&left, &before, &key, &value)?
        {
            self.pending.insert(key, None);
            self.pending.insert(left.clone(), Some(joined.clone()));
            (key, value) = (left, joined);
        }
        while let Some((right, after)) = self.block_after(&key)?
            && let Some(joined) = joined(&key, &value, &right, &after)?
        {
            self.pending.insert(right, None);
            self.pending.insert(key.clone(), Some(joined.clone()));
            value = joined;
        }
        Ok(())
    }

    /// The block that holds a position, as it will be.
    fn block_at(&self, position: Position) -> Result<Option<Pair>, StoreError> {
        let (from, mut to) = (keys::log(self.site, 0), keys::log(self.site, position));
        loop {
            let stored = self.engine.last(&from, &to)?;
            let Some((key, value)) = stored else { return Ok(None) };
            match self.pending.get(&key) {
                None => return Ok(Some((key, value))),
                Some(Some(value)) => return Ok(Some((key, value.clone()))),
                Some(None) => match keys::log_position(&key).and_then(|first| first.checked_sub(1)) {
                    Some(before) => to = keys::log(self.site, before),
                    None => return Ok(None),
                },
            }
        }
    }

    /// The block after one, as it will be.
    fn block_after(&self, key: &[u8]) -> Result<Option<Pair>, StoreError> {
        let end = keys::after_prefix(&keys::logs(self.site));
        let mut from = [key, &[0]].concat();
        loop {
            let Some((key, value)) = self.engine.scan(&from, &end, 1)?.pop() else { return Ok(None) };
            match self.pending.get(&key) {
                None => return Ok(Some((key, value))),
                Some(Some(value)) => return Ok(Some((key, value.clone()))),
                Some(None) => from = [key.as_slice(), &[0]].concat(),
            }
        }
    }
}

/// An entry and its packed form.
type Packed = (Entry, Vec<u8>);

/// Adds an entry behind others; sealed ones become one.
fn push(entries: &mut Vec<Packed>, entry: Entry) -> Result<(), StoreError> {
    if let Entry::Sealed(more) = &entry
        && let Some((Entry::Sealed(last), bytes)) = entries.last()
        && last.facts + more.facts <= MOST_FACTS
        && bytes.len() <= MOST_BYTES
    {
        let joined = Entry::Sealed(last.clone().joined(more.clone()));
        let bytes = block::encode(&joined)?;
        entries.pop();
        entries.push((joined, bytes));
        return Ok(());
    }
    let bytes = block::encode(&entry)?;
    entries.push((entry, bytes));
    Ok(())
}

fn read(first: Position, value: &[u8]) -> Result<Vec<(Position, Entry)>, StoreError> {
    let mut entries = Vec::new();
    Block::open(first, value)?.each(|at, _, packed| {
        entries.push((at, block::decode(at, packed)?));
        Ok(true)
    })?;
    Ok(entries)
}

fn pack(entries: &[Packed]) -> Result<Vec<u8>, StoreError> {
    let mut builder = Builder::default();
    for (entry, bytes) in entries {
        let facts = u16::try_from(entry.facts())
            .map_err(|_| StoreError::Unavailable("an entry of over 65,535 facts".to_owned()))?;
        builder.push(bytes, facts);
    }
    builder.finish()
}

/// Two neighbours as one block; `None` where one of them has something that is not sealed, or both are too large.
fn joined(left: &[u8], before: &[u8], right: &[u8], after: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let mut entries = Vec::new();
    for (key, value) in [(left, before), (right, after)] {
        let first = keys::log_position(key).unwrap_or_default();
        if !is_sealed(first, value)? {
            return Ok(None);
        }
        for (_, entry) in read(first, value)? {
            push(&mut entries, entry)?;
        }
    }
    let bytes: usize = entries.iter().map(|(_, bytes)| bytes.len()).sum();
    if bytes > PAYLOAD_BYTES / 2 {
        return Ok(None);
    }
    pack(&entries).map(Some)
}

/// Whether a block is wholly sealed: its first entry that is not ends the search.
fn is_sealed(first: Position, value: &[u8]) -> Result<bool, StoreError> {
    let mut sealed = true;
    Block::open(first, value)?.each(|at, _, packed| {
        sealed = matches!(block::decode(at, packed)?, Entry::Sealed(_));
        Ok(sealed)
    })?;
    Ok(sealed)
}
