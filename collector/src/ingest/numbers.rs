//! Which telephone number a page shows to whom: one of a pool that is theirs alone as long as there are enough, or the one
//! that stands for where the visitor came from.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use wire::beacon::Mode;

use crate::{
    app::App,
    domain::{
        bot,
        call::Lease,
        channel::Channel,
        event::Detail,
        fact::{Arrival, Entry, SiteNumber, Subject},
        id::Id,
        visit::{self, Seen},
    },
    project::{directory::Site, journeys},
    store::{Append, StoreError},
    vault::contact,
};

/// A number is somebody's alone for so long after they were last seen, in ms: half an hour, the end of a visit.
const HELD_MS: i64 = 30 * 60 * 1000;
/// Where none is free and no other number says anything of a visitor, one is given on when its holder was not seen for so long,
/// in ms: calls to it say that they may be either's.
const SHARED_MS: i64 = 60 * 1000;
/// The query of a beacon whose page can show numbers.
pub const ASKED: &str = "numbers";
/// How far back holders are looked for after a start, in ms.
const BEFORE_START_MS: i64 = 12 * 60 * 60 * 1000;

/// Who sees which number now.
#[derive(Default)]
pub struct Pools {
    sites: Mutex<HashMap<SiteNumber, Pool>>,
}

#[derive(Default)]
struct Pool {
    /// By number.
    holders: HashMap<String, Holder>,
    /// By visitor.
    numbers: HashMap<Id, String>,
}

struct Holder {
    visitor: Id,
    last_seen: i64,
}

/// A number for a visitor.
#[derive(Debug, PartialEq, Eq)]
enum Given {
    /// The one that they have.
    Kept(String),
    /// One that was free.
    Fresh(String),
}

impl Pool {
    /// A number for a visitor, if one is theirs or free: of the free ones that which was free for longest, so that late calls
    /// to it are no more. It is free when its holder was not seen for more than `held` ms.
    fn give<'a>(
        &mut self,
        all: impl Iterator<Item = &'a str>,
        visitor: &Id,
        now: i64,
        held: i64,
    ) -> Option<Given> {
        let mut free: Option<(i64, &str)> = None;
        let own = self.numbers.get(visitor).cloned();
        for number in all {
            if own.as_deref() == Some(number)
                && let Some(holder) = self.holders.get_mut(number).filter(|holder| holder.visitor == *visitor)
            {
                holder.last_seen = holder.last_seen.max(now);
                return Some(Given::Kept(number.to_owned()));
            }
            let since = match self.holders.get(number) {
                None => i64::MIN,
                Some(holder) if holder.last_seen + held < now => holder.last_seen,
                Some(_) => continue,
            };
            if free.is_none_or(|(earlier, _)| since < earlier) {
                free = Some((since, number));
            }
        }
        let number = free?.1.to_owned();
        self.hold(&number, visitor.clone(), now);
        Some(Given::Fresh(number))
    }

    fn hold(&mut self, number: &str, visitor: Id, last_seen: i64) {
        if let Some(before) =
            self.holders.insert(number.to_owned(), Holder { visitor: visitor.clone(), last_seen })
        {
            self.numbers.remove(&before.visitor);
        }
        self.numbers.insert(visitor, number.to_owned());
    }

    fn release(&mut self, number: &str) {
        if let Some(before) = self.holders.remove(number) {
            self.numbers.remove(&before.visitor);
        }
    }
}

impl Pools {
    fn sites(&self) -> MutexGuard<'_, HashMap<SiteNumber, Pool>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that somebody is still there.
    fn seen(&self, site: SiteNumber, visitor: &Id, now: i64) {
        let mut sites = self.sites();
        let Some(pool) = sites.get_mut(&site) else { return };
        if let Some(number) = pool.numbers.get(visitor)
            && let Some(holder) = pool.holders.get_mut(number)
        {
            holder.last_seen = holder.last_seen.max(now);
        }
    }
}

/// The numbers that a site's pages say and may show others in place of, each with a blank after the country's code: pages
/// write it with that code and without. None while there is nothing to show.
#[must_use]
pub fn printed(site: &Site, now: i64) -> Vec<String> {
    let numbers = &site.numbers;
    if !numbers.has_others(now) {
        return Vec::new();
    }
    let spaced = |number: &str| {
        let (code, _) = contact::halves(number)?;
        let national = number.strip_prefix('+')?.strip_prefix(&*code)?;
        Some(format!("+{code} {national}"))
    };
    numbers.printed(now).filter_map(spaced).collect()
}

/// Notes that whoever a beacon tells of is still there: the number that they see stays theirs.
pub fn seen(app: &App, site: &Site, arrival: &Arrival) {
    // Of most sites, and their beacons wait for nobody.
    if site.numbers.current.is_empty() {
        return;
    }
    if let Some(visitor) = arrival.visitor.as_ref().filter(|_| !arrival.foreign_origin) {
        app.pools.seen(site.number, visitor, app.clock.now());
    }
}

/// What a beacon asks for: the page view in it, where its site shows numbers and it may be shown one.
pub struct Asked {
    visitor: Option<Id>,
    channel: Channel,
    source: Option<String>,
    campaign: Option<String>,
    is_arrival: bool,
}

/// What the page of an arrival may be shown. `None` where nothing: no page was viewed, the site shows none, or it is a program
/// that looks.
#[must_use]
pub fn asked(app: &App, site: &Site, arrival: &Arrival) -> Option<Asked> {
    if site.numbers.current.is_empty() || arrival.mode == Mode::Off || arrival.foreign_origin {
        return None;
    }
    let event = arrival.events.iter().rfind(|event| matches!(event.detail, Detail::PageView { .. }))?;
    let is_program = bot::Verdicts::default().of(arrival).is_some();
    if is_program || site.numbers.printed(app.clock.now()).next().is_none() {
        return None;
    }
    let timeline = visit::timeline(vec![Seen { arrival, event }], site.config.grouping());
    let touch = timeline.visits.first().and_then(|visit| visit.touches.last())?;
    Some(Asked {
        visitor: arrival.visitor.clone(),
        channel: touch.channel,
        source: touch.source.clone(),
        campaign: touch.campaign.clone(),
        is_arrival: timeline.entries.first().is_some_and(|entry| entry.touch.is_some()),
    })
}

/// The numbers to show in place of those that are printed on the page. Nothing where the printed ones are to stay.
pub async fn shown(app: &App, site: &Site, asked: Asked) -> BTreeMap<String, String> {
    let now = app.clock.now();
    let numbers = &site.numbers;
    let pooled = async |held| match &asked.visitor {
        Some(visitor) if numbers.pooled(now).next().is_some() => leased(app, site, visitor, now, held).await,
        _ => None,
    };
    let standing = || {
        let of = numbers.standing_for(asked.channel, asked.source.as_deref(), asked.campaign.as_deref(), now);
        of.filter(|_| asked.is_arrival).map(|one| one.number.clone())
    };
    let number = match pooled(HELD_MS).await.or_else(standing) {
        Some(number) => Some(number),
        None => pooled(SHARED_MS).await,
    };
    let Some(number) = number else { return BTreeMap::new() };
    numbers.printed(now).map(|printed| (printed.to_owned(), number.clone())).collect()
}

/// A pool's number for a visitor. That it is shown is a fact before it is.
async fn leased(app: &App, site: &Site, visitor: &Id, now: i64, held: i64) -> Option<String> {
    if !app.pools.sites().contains_key(&site.number) {
        match holders(app, site, now).await {
            Ok(pool) => drop(app.pools.sites().entry(site.number).or_insert(pool)),
            Err(error) => {
                tracing::warn!(%error, site = site.number, "who sees which number could not be read");
                return None;
            }
        }
    }
    let given = {
        let mut sites = app.pools.sites();
        sites.entry(site.number).or_default().give(site.numbers.pooled(now), visitor, now, held)?
    };
    match given {
        Given::Kept(number) => Some(number),
        Given::Fresh(number) => {
            let lease = Lease { number: number.clone(), visitor: visitor.clone(), at: now };
            match app.store.append(Append::of(site.number, Entry::Lease(lease))).await {
                Ok(_) => Some(number),
                Err(error) => {
                    tracing::warn!(%error, site = site.number, "a number is not shown: that it is could not be stored");
                    app.pools.sites().entry(site.number).or_default().release(&number);
                    None
                }
            }
        }
    }
}

/// Who saw which number before this start.
async fn holders(app: &App, site: &Site, now: i64) -> Result<Pool, StoreError> {
    let mut pool = Pool::default();
    let numbers: Vec<String> = site.numbers.pooled(now).map(str::to_owned).collect();
    for number in numbers {
        let last = app.store.leases(site.number, number, now - BEFORE_START_MS, 1).await?.pop();
        let Some(lease) = last else { continue };
        let subject = Subject::Visitor(lease.visitor.clone());
        let arrivals = app.store.journey(site.number, &subject).await?;
        let last_seen = journeys::seen(&arrivals, &subject).iter().map(|seen| seen.event.at).max();
        pool.hold(
            &lease.number,
            lease.visitor,
            last_seen.map_or(lease.at, |last_seen| last_seen.max(lease.at)),
        );
    }
    Ok(pool)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: [&str; 2] = ["+34900111001", "+34900111002"];

    fn id(name: &str) -> Id {
        Id::parse(name).unwrap()
    }

    fn give(pool: &mut Pool, visitor: &str, now: i64) -> Option<Given> {
        pool.give(NUMBERS.into_iter(), &id(visitor), now, HELD_MS)
    }

    #[test]
    fn a_number_is_one_visitors_until_they_are_gone() {
        let mut pool = Pool::default();
        let fresh = |number: usize| Some(Given::Fresh(NUMBERS[number].to_owned()));
        let kept = |number: usize| Some(Given::Kept(NUMBERS[number].to_owned()));
        assert_eq!(give(&mut pool, "v", 0), fresh(0));
        assert_eq!(give(&mut pool, "w", 1), fresh(1));
        assert_eq!(give(&mut pool, "x", 2), None, "none is free");
        assert_eq!(give(&mut pool, "v", 10), kept(0));
        assert_eq!(give(&mut pool, "x", 1 + HELD_MS), None);
        assert_eq!(give(&mut pool, "x", 2 + HELD_MS), fresh(1), "w is gone");
        assert_eq!(give(&mut pool, "w", 3 + HELD_MS), None, "and has no number any more");
        assert_eq!(give(&mut pool, "y", 20 + 2 * HELD_MS), fresh(0), "free for longest");
        pool.release(NUMBERS[0]);
        assert_eq!(give(&mut pool, "z", 21 + 2 * HELD_MS), fresh(0));
    }

    #[test]
    fn when_all_are_taken_the_one_whose_holder_is_away_for_longest_is_shared() {
        let mut pool = Pool::default();
        let share = |pool: &mut Pool, visitor: &str, now| {
            pool.give(NUMBERS.into_iter(), &id(visitor), now, SHARED_MS)
        };
        give(&mut pool, "v", 0);
        give(&mut pool, "w", 1);
        assert_eq!(share(&mut pool, "x", SHARED_MS), None, "both were here a moment ago");
        give(&mut pool, "v", SHARED_MS);
        assert_eq!(give(&mut pool, "x", 2 + SHARED_MS), None);
        let given = share(&mut pool, "x", 2 + SHARED_MS);
        assert_eq!(given, Some(Given::Fresh(NUMBERS[1].to_owned())), "v is still here");
        assert_eq!(share(&mut pool, "w", 3 + SHARED_MS), None, "who comes back has none until one is away");
    }
}
