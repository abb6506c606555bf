//! Reads over an engine. They block: [`super::kv`] runs them on the blocking pool.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    LeadPage, LeadQuery, Row, Sealed, Step, StoreError, Stored,
    block::{self, Block},
    engine::{Batch, Engine, Pair},
    erase, index, keys, outbox, people, rollup, waiting,
};
use crate::domain::{
    fact::{Entry, Position, SiteNumber, Subject},
    id::{Id, LeadId, VaultRef},
    install::Install,
    silence::Hour,
    standing::Lead,
};

/// How many index keys are fetched at a time.
const PAGE: usize = 512;

/// How many blocks are fetched at a time.
const BLOCKS: usize = 64;

/// Reads a row: version byte, then MessagePack.
pub(super) fn row<T: DeserializeOwned>(value: &[u8]) -> Result<T, StoreError> {
    match value.split_first() {
        Some((&keys::VERSION, packed)) => {
            rmp_serde::from_slice(packed).map_err(|error| StoreError::Damaged(error.to_string()))
        }
        _ => Err(StoreError::Damaged("a row of a version that this program does not know".to_owned())),
    }
}

pub(super) fn packed<T: Serialize>(row: &T) -> Result<Vec<u8>, StoreError> {
    let mut value = vec![keys::VERSION];
    rmp_serde::encode::write_named(&mut value, row)
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(value)
}

/// Every key below a prefix.
pub(super) fn each_key(
    engine: &dyn Engine,
    prefix: &[u8],
    mut visit: impl FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    each_pair(engine, prefix, |key, _| visit(key))
}

/// Every key below a prefix with its value, page by page.
pub(super) fn each_pair(
    engine: &dyn Engine,
    prefix: &[u8],
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let end = keys::after_prefix(prefix);
    let mut from = prefix.to_vec();
    loop {
        let pairs = engine.scan(&from, &end, PAGE)?;
        for (key, value) in &pairs {
            visit(key, value)?;
        }
        match pairs.len() {
            PAGE => from = after(pairs),
            _ => return Ok(()),
        }
    }
}

/// The key right after the last one of a page.
pub(super) fn after(pairs: Vec<Pair>) -> Vec<u8> {
    let mut key = pairs.into_iter().next_back().map(|(key, _)| key).unwrap_or_default();
    key.push(0);
    key
}

pub(super) fn log(
    engine: &dyn Engine,
    site: SiteNumber,
    after: Position,
    head: Position,
    max: usize,
) -> Result<Vec<Stored>, StoreError> {
    let mut found = Vec::new();
    let mut facts = 0;
    let end = keys::log(site, head.saturating_add(1));
    // The block that holds `after + 1` may begin before it.
    let mut from = match engine.last(&keys::log(site, 0), &keys::log(site, after.saturating_add(1)))? {
        Some((key, _)) => key,
        None => keys::log(site, 0),
    };
    while facts < max {
        let blocks = engine.scan(&from, &end, BLOCKS)?;
        let Some((last, _)) = blocks.last() else { break };
        from = last.clone();
        from.push(0);
        for (key, value) in &blocks {
            let first = position_of(key)?;
            Block::open(first, value)?.each(|position, count, packed| {
                if position > after && position <= head && facts < max {
                    found.push(Stored { position, entry: Arc::new(block::decode(position, packed)?) });
                    facts += usize::try_from(count).unwrap_or(usize::MAX);
                }
                Ok(facts < max)
            })?;
            if facts >= max {
                break;
            }
        }
    }
    Ok(found)
}

pub(super) fn position_of(key: &[u8]) -> Result<Position, StoreError> {
    keys::trailing_position(key).ok_or_else(|| StoreError::Damaged("a key without position".to_owned()))
}

/// The entries at these positions (ascending), opening each block once.
pub(super) fn entries(
    engine: &dyn Engine,
    site: SiteNumber,
    positions: &[Position],
) -> Result<Vec<Stored>, StoreError> {
    let mut found = Vec::with_capacity(positions.len());
    let mut wanted = positions.iter().copied().peekable();
    while let Some(&position) = wanted.peek() {
        let missing = || StoreError::Damaged(format!("no entry at position {position}"));
        let (key, value) =
            engine.last(&keys::log(site, 0), &keys::log(site, position))?.ok_or_else(missing)?;
        let mut after = None;
        Block::open(position_of(&key)?, &value)?.each(|at, facts, packed| {
            after = Some(at + facts);
            if wanted.peek().is_some_and(|&position| position < at + facts) {
                let entry = block::decode(at, packed)?;
                // What was sealed since the position was written down is no more.
                let is_sealed = matches!(entry, Entry::Sealed(_));
                while let Some(position) = wanted.next_if(|&position| position < at + facts) {
                    match (is_sealed, position == at) {
                        (true, _) => {}
                        (false, true) => found.push(Stored { position: at, entry: Arc::new(entry.clone()) }),
                        (false, false) => return Err(missing()),
                    }
                }
            }
            Ok(wanted.peek().is_some())
        })?;
        if after.is_none_or(|after| position >= after) {
            return Err(missing());
        }
    }
    Ok(found)
}

/// The visitors with these numbers (ascending).
pub(super) fn numbered(
    engine: &dyn Engine,
    site: SiteNumber,
    numbers: &[Position],
) -> Result<Vec<(Position, Id)>, StoreError> {
    let mut found = BTreeMap::new();
    for stored in entries(engine, site, numbers)? {
        if let Entry::Arrival(arrival) = stored.entry.as_ref()
            && let Some(visitor) = &arrival.visitor
        {
            found.insert(stored.position, visitor.clone());
        }
    }
    for number in numbers {
        if !found.contains_key(number)
            && let Some(value) = engine.get(&keys::numbered(site, *number))?
            && let Subject::Visitor(visitor) = row(&value)?
        {
            found.insert(*number, visitor);
        }
    }
    Ok(found.into_iter().collect())
}

pub(super) fn journey(
    engine: &dyn Engine,
    site: SiteNumber,
    subject: &Subject,
) -> Result<Vec<Stored>, StoreError> {
    let mut positions = Vec::new();
    each_pair(engine, &keys::pieces(site, subject), |key, value| {
        positions.append(&mut pieces(key, value)?);
        Ok(())
    })?;
    entries(engine, site, &positions)
}

/// A row of pieces: the position of the first is in its key, how far on each further one stands is in its value.
pub(super) fn pieces(key: &[u8], value: &[u8]) -> Result<Vec<Position>, StoreError> {
    let gaps: Vec<u64> = if value == [keys::VERSION] { Vec::new() } else { row(value)? };
    let mut position = position_of(key)?;
    let mut positions = vec![position];
    for gap in gaps {
        position = position
            .checked_add(gap)
            .ok_or_else(|| StoreError::Damaged("a piece beyond the last position".to_owned()))?;
        positions.push(position);
    }
    Ok(positions)
}

pub(super) fn records(
    engine: &dyn Engine,
    site: SiteNumber,
    lead: &LeadId,
) -> Result<Vec<Stored>, StoreError> {
    let mut positions = Vec::new();
    each_key(engine, &keys::records(site, lead), |key| {
        positions.push(position_of(key)?);
        Ok(())
    })?;
    entries(engine, site, &positions)
}

pub(super) fn lead(engine: &dyn Engine, site: SiteNumber, lead: &LeadId) -> Result<Option<Lead>, StoreError> {
    engine.get(&keys::lead(site, lead))?.map(|value| row(&value)).transpose()
}

pub(super) fn leads(
    engine: &dyn Engine,
    site: SiteNumber,
    query: &LeadQuery,
) -> Result<LeadPage, StoreError> {
    let prefix = keys::leads_by_time(site);
    let end = keys::after_prefix(&prefix);
    let mut from = match (&query.after, query.until) {
        (Some((at, id)), _) => {
            let mut key = keys::lead_by_time(site, *at, id);
            key.push(0);
            key
        }
        // `until` is exclusive, and newer leads have smaller keys.
        (None, Some(until)) => {
            let mut key = keys::lead_by_time(site, until.saturating_sub(1), &LeadId::default());
            key.truncate(prefix.len() + 8);
            key
        }
        (None, None) => prefix.clone(),
    };
    let mut items: Vec<Lead> = Vec::new();
    loop {
        let pairs = engine.scan(&from, &end, PAGE)?;
        for (key, _) in &pairs {
            let id =
                keys::lead_by_time_id(key).ok_or_else(|| StoreError::Damaged("a lead's key".to_owned()))?;
            let Some(lead) = lead(engine, site, &id)? else {
                // Sealed between the two reads, it is listed no more.
                match engine.get(key)? {
                    None => continue,
                    Some(_) => {
                        return Err(StoreError::Damaged(format!("lead {id} is listed and not there")));
                    }
                }
            };
            if query.since.is_some_and(|since| lead.created_at < since) {
                return Ok(LeadPage { items, next: None });
            }
            if !query.matches(&lead) {
                continue;
            }
            if items.len() == query.limit {
                let next = items.last().map(|last| (last.created_at, last.id.clone()));
                return Ok(LeadPage { items, next });
            }
            items.push(lead);
        }
        match pairs.len() {
            PAGE => from = after(pairs),
            _ => return Ok(LeadPage { items, next: None }),
        }
    }
}

pub(super) fn install(engine: &dyn Engine, site: SiteNumber) -> Result<Install, StoreError> {
    let known = match engine.get(&keys::install(site))? {
        None => engine.get(&keys::base_install(site))?,
        known => known,
    };
    known.map_or_else(|| Ok(Install::default()), |value| row(&value))
}

pub(super) fn pulse(
    engine: &dyn Engine,
    site: SiteNumber,
    from: Hour,
    to: Hour,
) -> Result<BTreeMap<Hour, u64>, StoreError> {
    let (mut from, end) = (keys::pulse(site, from), keys::after_prefix(&keys::pulse(site, to)));
    let mut found = BTreeMap::new();
    loop {
        let pairs = engine.scan(&from, &end, PAGE)?;
        for (key, value) in &pairs {
            let hour = key.last_chunk().map(|bytes| Hour::from_be_bytes(*bytes));
            found.insert(hour.ok_or_else(|| StoreError::Damaged("an hour's key".to_owned()))?, row(value)?);
        }
        match pairs.len() {
            PAGE => from = after(pairs),
            _ => return Ok(found),
        }
    }
}

pub(super) fn basis(engine: &dyn Engine, site: SiteNumber) -> Result<Option<Vec<String>>, StoreError> {
    engine.get(&keys::basis(site))?.map(|value| row(&value)).transpose()
}

pub(super) fn counters_basis(engine: &dyn Engine, site: SiteNumber) -> Result<Option<String>, StoreError> {
    engine.get(&keys::counters_basis(site))?.map(|value| row(&value)).transpose()
}

pub(super) fn sealed(
    engine: &dyn Engine,
    site: SiteNumber,
    reference: VaultRef,
) -> Result<Option<Sealed>, StoreError> {
    let unversioned = |value: Vec<u8>| match value.split_first() {
        Some((&keys::VERSION, bytes)) => Ok(bytes.to_vec()),
        _ => Err(StoreError::Damaged("a vault row of an unknown version".to_owned())),
    };
    let key = engine.get(&keys::vault_key(site, reference))?.map(unversioned).transpose()?;
    let value = engine.get(&keys::vault_value(site, reference))?.map(unversioned).transpose()?;
    Ok(key.zip(value).map(|(key, value)| Sealed { key, value }))
}

pub(super) fn cursor(engine: &dyn Engine, projector: &str, site: SiteNumber) -> Result<Position, StoreError> {
    match engine.get(&keys::cursor(site, projector))? {
        None => Ok(0),
        Some(value) => row(&value),
    }
}

/// A projector's step as one atomic batch. The caller holds the lock that keeps steps apart.
pub(super) fn commit(engine: &dyn Engine, step: Step) -> Result<(), StoreError> {
    let Step { projector, site, from, to, rows } = step;
    if cursor(engine, projector, site)? != from {
        return Err(StoreError::Fenced(projector));
    }
    let mut batch: Batch = Vec::with_capacity(rows.len() + 1);
    write(engine, site, rows, rollup::Changes::default(), &mut batch)?;
    batch.push((keys::cursor(site, projector), Some(packed(&to)?)));
    engine.apply(batch)
}

/// Adds what is derived to a batch, and what else is to become of the counters.
pub(super) fn write(
    engine: &dyn Engine,
    site: SiteNumber,
    rows: Vec<Row>,
    mut counters: rollup::Changes,
    batch: &mut Batch,
) -> Result<(), StoreError> {
    let mut pieces: HashMap<Subject, Vec<Position>> = HashMap::new();
    let mut pulses: BTreeMap<Hour, i64> = BTreeMap::new();
    let mut of_forms: BTreeMap<(String, Hour), i64> = BTreeMap::new();
    for row in rows.into_iter().filter_map(|row| counters.take(site, row)) {
        match row {
            Row::Piece { subject, position } => pieces.entry(subject).or_default().push(position),
            Row::Pulse { hour, change } => *pulses.entry(hour).or_default() += change,
            Row::FormPulse { form, hour, change } => *of_forms.entry((form, hour)).or_default() += change,
            Row::Record { lead, position } => {
                batch.push((keys::record(site, &lead, position), Some(vec![keys::VERSION])));
            }
            Row::Edge(edge) => people::write_edge(site, &edge, batch)?,
            Row::Profile(subject, profile) => {
                people::write_profile(site, subject, profile.map(|profile| *profile), batch)?;
            }
            Row::Conflict { at, edge, why } => people::write_conflict(engine, site, (at, edge), why, batch)?,
            Row::Lease(lease) => {
                let key = keys::lease(site, &lease.number, lease.at, &lease.visitor);
                batch.push((key, Some(packed(&lease)?)));
            }
            Row::DoNotCall(said) => waiting::write_do_not_call(site, &said, batch)?,
            Row::Clicked(clicked) => {
                batch.push((keys::chat_click(site, &clicked), Some(packed(&clicked)?)));
            }
            Row::Used(used) => {
                let key = keys::chat_use(site, &used.chat_ref, used.position);
                batch.push((key, Some(packed(&used)?)));
            }
            Row::Audited(position) => batch.push((keys::audited(site, position), Some(vec![keys::VERSION]))),
            Row::Unsaid(edge) => people::forget_edge(site, &edge, batch),
            Row::Ended(subject) => erase::end(engine, site, &subject, batch)?,
            Row::Basis(domains) => batch.push((keys::basis(site), Some(packed(&domains)?))),
            Row::Counted(contributor, counted) => {
                batch.push((keys::counted(site, &contributor), Some(packed(&*counted)?)));
            }
            Row::Fresh(lead) => batch.push((keys::stale(site, &lead), None)),
            Row::CountersBasis(basis) => batch.push((keys::counters_basis(site), Some(packed(&basis)?))),
            Row::Desk(desk) => outbox::write_desk(site, &desk, batch)?,
            Row::Delivery(delivery) => outbox::write(engine, site, &delivery, batch)?,
            // These were taken before.
            Row::Sums { .. } | Row::Member { .. } => {}
            Row::Install(install) => batch.push((keys::install(site), Some(packed(&install)?))),
            Row::Order { order_id, subject, position } => {
                batch.push((keys::order(site, &order_id, &subject, position), Some(packed(&subject)?)));
            }
            Row::Lead(now) => {
                let listed = index::listed_under(site, &now);
                if let Some(before) = lead(engine, site, &now.id)? {
                    let gone =
                        index::listed_under(site, &before).into_iter().filter(|key| !listed.contains(key));
                    batch.extend(gone.map(|key| (key, None)));
                }
                batch.extend(listed.into_iter().map(|key| (key, Some(vec![keys::VERSION]))));
                batch.push((keys::stale(site, &now.id), Some(vec![keys::VERSION])));
                waiting::write(site, &now, batch)?;
                batch.push((keys::lead(site, &now.id), Some(packed(&*now)?)));
            }
        }
    }
    counters.write(engine, batch)?;
    let pulses = pulses.into_iter().map(|(hour, change)| (keys::pulse(site, hour), change));
    let of_forms =
        of_forms.into_iter().map(|((form, hour), change)| (keys::form_pulse(site, &form, hour), change));
    for (key, change) in pulses.chain(of_forms) {
        let count: u64 = engine.get(&key)?.map_or(Ok(0), |value| row(&value))?;
        let count = count.saturating_add_signed(change);
        let value = if count == 0 { None } else { Some(packed(&count)?) };
        batch.push((key, value));
    }
    // What a step adds to one journey takes one key: keys are what costs.
    for (subject, positions) in pieces {
        batch.extend(row_of_pieces(&keys::pieces(site, &subject), &positions)?);
    }
    Ok(())
}

/// The row of some pieces, ascending, under their subject's prefix; none where there are none.
pub(super) fn row_of_pieces(prefix: &[u8], positions: &[Position]) -> Result<Batch, StoreError> {
    let Some(&first) = positions.first() else { return Ok(Batch::new()) };
    let gaps: Vec<u64> =
        positions.iter().zip(positions.iter().skip(1)).map(|(one, next)| next - one).collect();
    let value = if gaps.is_empty() { vec![keys::VERSION] } else { packed(&gaps)? };
    Ok(vec![([prefix, &first.to_be_bytes()].concat(), Some(value))])
}

pub(super) fn reset(engine: &dyn Engine, site: SiteNumber) -> Result<(), StoreError> {
    let (from, to) = keys::derived(site);
    loop {
        let pairs = engine.scan(&from, &to, PAGE)?;
        if pairs.is_empty() {
            return Ok(());
        }
        engine.apply(pairs.into_iter().map(|(key, _)| (key, None)).collect())?;
    }
}

pub(super) fn dump(engine: &dyn Engine, site: SiteNumber) -> Result<Vec<u8>, StoreError> {
    let (mut from, to) = keys::derived(site);
    let mut bytes = Vec::new();
    let mut write = |key: &[u8], value: &[u8]| {
        for part in [key, value] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
    };
    loop {
        let pairs = engine.scan(&from, &to, PAGE)?;
        for (key, value) in &pairs {
            if !keys::is_piece(key) {
                write(key, value);
                continue;
            }
            // How pieces share rows depends on the steps that they came in, and is nobody's business.
            let subject = key.get(..key.len() - size_of::<Position>()).unwrap_or_default();
            for position in pieces(key, value)? {
                write(&[subject, &position.to_be_bytes()].concat(), &[keys::VERSION]);
            }
        }
        match pairs.len() {
            PAGE => from = after(pairs),
            _ => return Ok(bytes),
        }
    }
}
