//! The writer's part in giving a store away and taking one back.

use std::sync::{Arc, PoisonError};

use super::{
    Carried, Engine, Group, LogMark, StoreError, Taken, Verdict, Writer, last_position, read_ledger,
};
use crate::{
    domain::{
        fact::{HOUSE, Position, SiteNumber},
        ledger::Ledger,
    },
    store::{Append, Stored, keys, reads},
};

impl<E: Engine> Writer<E> {
    /// Where every log ends, and its ledger. Called between groups, when what the engine holds is what was shown.
    pub(super) fn marks(&self) -> Result<Vec<LogMark>, StoreError> {
        if !self.unshown.is_empty() {
            return Err(StoreError::Unavailable("the last group was not made durable".to_owned()));
        }
        let heads: Vec<(SiteNumber, Position)> = {
            let heads = self.heads.read().unwrap_or_else(PoisonError::into_inner);
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
        let planned = self.plan_take(&mut group, carried);
        let done = planned.and_then(|taken| self.commit(group).map(|()| taken));
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
                     from, can take it"
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
                let head = next - 1;
                let there = reads::log(self.engine.as_ref(), site, position - 1, head, 1)?;
                if there.first().is_none_or(|there| there.position != position || there.entry != entry) {
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
}
