//! The writer's part in giving a store away and taking one back.

use std::sync::{Arc, PoisonError};

use super::{Carried, Group, LogMark, StoreError, Taken, Verdict, Writer, last_position, read_ledger};
use crate::{
    domain::{
        event::{Detail, Event},
        fact::{Entry, HOUSE, Position, SiteNumber},
        id::{EventId, Id},
        ledger::Ledger,
        sealed::Sealed,
    },
    store::{
        Append, Stored,
        block::{self, Block},
        keys,
    },
};

impl Writer {
    /// Where every log ends, and its ledger. Called between groups, when what the engine holds is what was shown.
    pub(super) fn marks(&self) -> Result<Vec<LogMark>, StoreError> {
        if !self.unshown.is_empty() {
            return Err(StoreError::Unavailable("the last group was not made durable".to_owned()));
        }
        let heads: Vec<(SiteNumber, Position)> = {
            let heads = self.shared.heads.read().unwrap_or_else(PoisonError::into_inner);
            heads.iter().map(|(site, head)| (*site, *head)).collect()
        };
        let engine = self.engine.as_ref();
        let mut marks: Vec<LogMark> = heads
            .into_iter()
            .map(|(site, head)| Ok(LogMark { site, head, ledger: read_ledger(engine, site)? }))
            .collect::<Result<_, StoreError>>()?;
        // A site whose events were all refused has a ledger and no log.
        let house = marks.iter().find(|mark| mark.site == HOUSE).map_or(0, |mark| mark.head);
        for site in 1..=SiteNumber::try_from(house).unwrap_or(SiteNumber::MAX) {
            if marks.iter().all(|mark| mark.site != site) {
                let ledger = read_ledger(engine, site)?;
                if ledger != Ledger::default() {
                    marks.push(LogMark { site, head: 0, ledger });
                }
            }
        }
        marks.sort_by_key(|mark| mark.site);
        Ok(marks)
    }

    /// Takes what another store gave away, in a group of its own: all of it or nothing.
    pub(super) fn take_in(&mut self, carried: Carried) -> Result<Taken, StoreError> {
        let mut group = Group::default();
        let planned = self.plan_take(&mut group, carried).map_err(|error| self.health.suspect(error));
        let done = planned.and_then(|taken| {
            self.commit(group).inspect_err(|error| self.health.fail(error, 1)).map(|()| taken)
        });
        if done.is_err() {
            self.forget();
        }
        done
    }

    fn plan_take(&mut self, group: &mut Group, carried: Carried) -> Result<Taken, StoreError> {
        let mut taken = Taken::default();
        for (key, value) in carried.rows {
            if !keys::is_carried(&key) {
                return Err(StoreError::Contradicts(format!("a {} is not carried", keys::name(&key))));
            }
            let there = self.engine.get(&key)?;
            if keys::is_meta(&key) && there.as_ref().is_some_and(|there| *there != value) {
                return Err(StoreError::Contradicts(
                    "the store has a vault of its own: only an empty store, or the one that the archive was made \
                     from, under the same master key, can take it"
                        .to_owned(),
                ));
            }
            if there.is_none() {
                group.pending.insert(key, Some(value));
            }
        }
        for (site, Stored { position, entry }) in carried.entries {
            let facts = entry.facts();
            let next = *self.next_position(site)?;
            if position < next {
                if !self.is_there(site, position, &entry)? {
                    return Err(StoreError::Contradicts(format!(
                        "another fact stands at position {position} of site {site}: the archive is of another store"
                    )));
                }
                taken.known += facts;
                continue;
            }
            if position > next {
                return Err(StoreError::Contradicts(format!(
                    "position {next} of site {site} is missing in the archive, or in the store"
                )));
            }
            let entry = Arc::unwrap_or_clone(entry);
            let appended = self.plan(group, Append::of(site, entry))?;
            if !appended.verdicts.iter().all(|verdict| matches!(verdict, Verdict::Stored(_))) {
                return Err(StoreError::Contradicts(format!(
                    "an id at position {position} of site {site} was stored before"
                )));
            }
            taken.new += facts;
        }
        for mark in carried.marks {
            // A store that has gone on since has a later ledger.
            let there = self.ledger(mark.site)?.received();
            if last_position(self.engine.as_ref(), mark.site)? == mark.head && there < mark.ledger.received()
            {
                *self.ledger(mark.site)? = mark.ledger;
                group.tallied.insert(mark.site);
            }
        }
        Ok(taken)
    }

    /// Whether an entry stands at a position, or what is left of it.
    fn is_there(&self, site: SiteNumber, position: Position, entry: &Entry) -> Result<bool, StoreError> {
        let engine = self.engine.as_ref();
        let block = engine.last(&keys::log(site, 0), &keys::log(site, position))?;
        let Some((key, value)) = block else { return Ok(false) };
        let mut is_there = false;
        Block::open(keys::log_position(&key).unwrap_or_default(), &value)?.each(|at, facts, packed| {
            let (end, wanted) = (at + facts, position + entry.facts());
            if (at..end).contains(&position) {
                is_there = match block::decode(at, packed)? {
                    Entry::Sealed(_) => wanted <= end,
                    there => at == position && there == *entry,
                };
            }
            Ok(end <= position)
        })?;
        Ok(is_there)
    }

    /// Marks the ids of a sealed stretch seen, as those of the events that it was.
    pub(super) fn mark_sealed(
        &mut self,
        group: &mut Group,
        site: SiteNumber,
        sealed: &Sealed,
    ) -> Result<(), StoreError> {
        let event = |page: &Id, id| Event {
            id,
            page: page.clone(),
            at: 0,
            raw_at: None,
            detail: Detail::PageLeave { engaged_ms: 0, scroll_pct: 0, title: None },
        };
        let pages = sealed.pages.iter().map(|page| {
            let numbers = page.numbers.iter().map(|number| event(&page.page, EventId::Numbered(*number)));
            numbers.collect::<Vec<_>>()
        });
        let opaque = sealed.ids.iter().map(|id| vec![event(id, EventId::Opaque(id.clone()))]);
        let mut fresh = Vec::new();
        for events in pages.chain(opaque) {
            self.look_up(group, site, &events)?;
            self.mark(group, site, &events, &mut fresh);
        }
        if fresh.contains(&false) {
            return Err(StoreError::Contradicts("an id of a sealed fact was stored before".to_owned()));
        }
        Ok(())
    }
}
