//! Who is who, in rows: evidence under both its ends, what is remembered of identified subjects, what was refused.

use serde::{Deserialize, Serialize};

use super::{
    StoreError,
    engine::{Batch, Engine},
    keys,
    reads::{after, packed, row},
};
use crate::domain::{
    fact::{SiteNumber, Subject},
    identity::{Edge, EdgeId, MOST_EDGES, Node, person::Conflict, profile::Profile},
};

/// Evidence that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When it happened, ms since the epoch.
    pub at: i64,
    /// Which evidence.
    pub edge: EdgeId,
    /// Why.
    pub why: Conflict,
}

/// What is remembered of a subject, and of which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Remembered {
    /// Of which.
    pub subject: Subject,
    /// What.
    pub profile: Profile,
}

/// The evidence about each node, one more than [`MOST_EDGES`] at the most.
pub(super) fn edges(
    engine: &dyn Engine,
    site: SiteNumber,
    nodes: &[Node],
) -> Result<Vec<Vec<Edge>>, StoreError> {
    let of = |node: &Node| {
        let prefix = keys::edges(site, node);
        let pairs = engine.scan(&prefix, &keys::after_prefix(&prefix), MOST_EDGES + 1)?;
        pairs.iter().map(|(_, value)| row(value)).collect::<Result<Vec<Edge>, StoreError>>()
    };
    nodes.iter().map(of).collect()
}

/// One piece of evidence.
pub(super) fn edge(engine: &dyn Engine, site: SiteNumber, id: &EdgeId) -> Result<Option<Edge>, StoreError> {
    let Some(end) = engine.get(&keys::edge_end(site, id))? else { return Ok(None) };
    let end: Node = row(&end)?;
    engine.get(&keys::edge(site, &end, id))?.map(|value| row(&value)).transpose()
}

/// What is remembered of each subject.
pub(super) fn profiles(
    engine: &dyn Engine,
    site: SiteNumber,
    subjects: &[Subject],
) -> Result<Vec<Option<Profile>>, StoreError> {
    let of = |subject: &Subject| {
        let value = engine.get(&keys::profile(site, subject))?;
        value.map(|value| row::<Remembered>(&value)).transpose().map(|found| found.map(|found| found.profile))
    };
    subjects.iter().map(of).collect()
}

/// Subjects of whom something is remembered, after one and in order.
pub(super) fn profiled(
    engine: &dyn Engine,
    site: SiteNumber,
    from: Option<&Subject>,
    max: usize,
) -> Result<Vec<Subject>, StoreError> {
    let prefix = keys::profiles(site);
    let from = from.map_or_else(
        || prefix.clone(),
        |subject| {
            let mut key = keys::profile(site, subject);
            key.push(0);
            key
        },
    );
    let pairs = engine.scan(&from, &keys::after_prefix(&prefix), max)?;
    pairs.iter().map(|(_, value)| Ok(row::<Remembered>(value)?.subject)).collect()
}

/// What was refused, newest first, after one.
pub(super) fn conflicts(
    engine: &dyn Engine,
    site: SiteNumber,
    from: Option<&(i64, EdgeId)>,
    max: usize,
) -> Result<Vec<Refused>, StoreError> {
    let prefix = keys::conflicts(site);
    let from = match from {
        Some((at, edge)) => after(vec![(keys::conflict(site, *at, edge), Vec::new())]),
        None => prefix.clone(),
    };
    let pairs = engine.scan(&from, &keys::after_prefix(&prefix), max)?;
    let refused = |(key, value): &(Vec<u8>, Vec<u8>)| {
        let (at, edge) =
            keys::conflict_of(key).ok_or_else(|| StoreError::Damaged("a conflict's key".to_owned()))?;
        Ok(Refused { at, edge, why: row(value)? })
    };
    pairs.iter().map(refused).collect()
}

pub(super) fn write_edge(site: SiteNumber, edge: &Edge, batch: &mut Batch) -> Result<(), StoreError> {
    let value = packed(edge)?;
    batch.push((keys::edge(site, &edge.b, &edge.id), Some(value.clone())));
    batch.push((keys::edge(site, &edge.a, &edge.id), Some(value)));
    batch.push((keys::edge_end(site, &edge.id), Some(packed(&edge.a)?)));
    Ok(())
}

/// Takes a piece of evidence out, as if it had never been.
pub(super) fn forget_edge(site: SiteNumber, edge: &Edge, batch: &mut Batch) {
    batch.push((keys::edge(site, &edge.a, &edge.id), None));
    batch.push((keys::edge(site, &edge.b, &edge.id), None));
    batch.push((keys::edge_end(site, &edge.id), None));
    batch.push((keys::conflict(site, edge.at, &edge.id), None));
}

pub(super) fn write_profile(
    site: SiteNumber,
    subject: Subject,
    profile: Option<Profile>,
    batch: &mut Batch,
) -> Result<(), StoreError> {
    let key = keys::profile(site, &subject);
    let value = profile.map(|profile| packed(&Remembered { subject, profile })).transpose()?;
    batch.push((key, value));
    Ok(())
}

/// Most evidence is refused never: a row is dropped only where there is one.
pub(super) fn write_conflict(
    engine: &dyn Engine,
    site: SiteNumber,
    (at, edge): (i64, EdgeId),
    why: Option<Conflict>,
    batch: &mut Batch,
) -> Result<(), StoreError> {
    let key = keys::conflict(site, at, &edge);
    match why {
        Some(why) => batch.push((key, Some(packed(&why)?))),
        None if engine.get(&key)?.is_some() => batch.push((key, None)),
        None => {}
    }
    Ok(())
}
