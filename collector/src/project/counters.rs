//! Counters: sums and sets of visitors, kept up to date as facts come.
//!
//! It follows the journeys' projector, whose pieces it reads, and has a position of its own: where it is dropped, or
//! a store is of before there were counters, it counts the log from its beginning while everything else is served.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::journeys;
use crate::{
    domain::{
        bot::{self, Verdicts},
        calendar,
        channel::Channel,
        counters::{self, ARRIVALS, Basis, Cell, Counted, Share, Tally},
        fact::{Entry, Position, SiteNumber, Subject},
        id::LeadId,
        promotion::{Cost, PixelKind, Placement},
        site::SiteConfig,
        visit::{self, Seen},
    },
    store::{Contributor, Row, Step, Store, StoreError, Stored},
};

/// The projector's name in the store.
pub const NAME: &str = "counters";

/// Facts taken in one step.
const STEP: usize = 4_000;
/// Leads counted anew in one step.
const LEADS: usize = 2_000;

/// Arrivals of visitors who were here a moment ago, so that few journeys are read again; in all.
const RECENT: usize = 16_384;

/// What counters are derived with: where it changes, they are counted anew.
#[must_use]
pub fn basis(config: &SiteConfig) -> String {
    let versions = format!("{} {}", counters::VERSION, bot::VERSION);
    format!("{versions} {} {} {}", config.timezone, config.currency, config.basis().join("; "))
}

/// Counts, with a memory that makes it quick and changes no number.
#[derive(Default)]
pub struct Counters {
    recent: HashMap<(SiteNumber, Subject), Vec<Stored>>,
    held: usize,
    verdicts: Verdicts,
}

impl Counters {
    /// Forgets what was counted of a site, where it was derived with something else than is now. Answers the position
    /// that counting stands at.
    ///
    /// # Errors
    /// What the store says.
    pub async fn begin(
        &mut self,
        store: &dyn Store,
        site: SiteNumber,
        config: &SiteConfig,
    ) -> Result<Position, StoreError> {
        let basis = basis(config);
        if store.counters_basis(site).await?.is_none_or(|known| known != basis) {
            self.clear();
            store.forget_counters(site, NAME).await?;
            let rows = vec![Row::CountersBasis(basis)];
            store.commit(Step { projector: NAME, site, from: 0, to: 0, rows }).await?;
        }
        store.cursor(NAME, site).await
    }

    /// Takes one step in a site's log, no further than the journeys are. Returns the position reached; `from` again
    /// where there was nothing to do.
    ///
    /// # Errors
    /// What the store says; [`StoreError::Fenced`] where another projector is at work.
    pub async fn step(
        &mut self,
        store: &dyn Store,
        site: SiteNumber,
        config: &SiteConfig,
        from: Position,
        journeys_at: Position,
    ) -> Result<Position, StoreError> {
        let zone = calendar::zone(&config.timezone);
        let stale = store.stale(site, LEADS).await?;
        let more = stale.len() == LEADS;
        let mut changes = Changes::default();
        leads(store, site, config, stale, &mut changes).await?;
        // Who waits for a position waits for the leads, too: they come first.
        let mut facts = if more { Vec::new() } else { store.read(site, from, STEP).await? };
        facts.retain(|stored| stored.last() <= journeys_at);
        let to = facts.last().map_or(from, Stored::last);
        if changes.rows.is_empty() && to == from {
            return Ok(from);
        }
        let mut basis = Basis { zone: &zone, verdicts: &mut self.verdicts };
        let mut news: BTreeMap<Subject, Vec<Stored>> = BTreeMap::new();
        let mut costs: BTreeMap<String, (Cell, Share)> = BTreeMap::new();
        for stored in &facts {
            match stored.entry.as_ref() {
                Entry::Arrival(arrival) => {
                    for (cell, tally) in alone(&stored.entry, config, &mut basis) {
                        changes.sum(cell, &tally, 1);
                    }
                    let subjects: BTreeSet<Subject> =
                        arrival.events.iter().filter_map(|event| arrival.subject(event)).collect();
                    for subject in subjects {
                        news.entry(subject).or_default().push(stored.clone());
                    }
                }
                Entry::Pixel(_) | Entry::LinkClick(_) => {
                    for (cell, tally) in alone(&stored.entry, config, &mut basis) {
                        changes.sum(cell, &tally, 1);
                    }
                }
                Entry::Cost(cost) => {
                    costs.insert(
                        cost.key(),
                        (cell(cost.day, String::new(), &cost.placement, config), share(cost)),
                    );
                }
                // These are told of leads, or stand in the house's log.
                Entry::Stage(_)
                | Entry::EdgeMark(_)
                | Entry::Lead(_)
                | Entry::Attempt(_)
                | Entry::Sale(_)
                | Entry::Call(_)
                | Entry::Message(_)
                | Entry::Lease(_)
                | Entry::Numbers(_)
                | Entry::Hooks(_)
                | Entry::Flag(_)
                | Entry::Patch(_)
                | Entry::ConversionSent(_)
                | Entry::Activity(_)
                | Entry::Breach(_)
                | Entry::DoNotCall(_)
                | Entry::Site(_)
                | Entry::Token(_)
                | Entry::TokenRevoked(_)
                | Entry::Links(_)
                | Entry::Silent(_)
                | Entry::FormSilent(_)
                | Entry::Exported(_)
                | Entry::Erased(_)
                | Entry::Looked(_)
                | Entry::Consent(_)
                | Entry::ConsentTexts(_)
                | Entry::Webhooks(_)
                | Entry::Endpoint(_)
                | Entry::Tried(_)
                | Entry::Replay(_)
                // What these added is what counters begin with.
                | Entry::Sealed(_) => {}
            }
        }
        let subjects: Vec<Subject> = news.keys().cloned().collect();
        let known = store.counted(site, subjects.into_iter().map(Contributor::Subject).collect()).await?;
        for ((subject, fresh), before) in news.into_iter().zip(known) {
            self.subject(store, site, config, &zone, from, subject, fresh, before, &mut changes).await?;
        }
        let keys: Vec<String> = costs.keys().cloned().collect();
        let known = store.counted(site, keys.into_iter().map(Contributor::Cost).collect()).await?;
        for ((key, share), before) in costs.into_iter().zip(known) {
            let counted = Counted { number: 0, arrivals: 1, shares: vec![share] };
            changes.replace(Contributor::Cost(key), before.as_ref(), counted);
        }
        store.commit(Step { projector: NAME, site, from, to, rows: changes.rows() }).await?;
        Ok(to)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one subject's part of a step, split off to be read by itself"
    )]
    async fn subject(
        &mut self,
        store: &dyn Store,
        site: SiteNumber,
        config: &SiteConfig,
        zone: &jiff::tz::TimeZone,
        from: Position,
        subject: Subject,
        mut fresh: Vec<Stored>,
        before: Option<Counted>,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        let key = (site, subject);
        let mut arrivals = match &before {
            None => Vec::new(),
            Some(before) if before.arrivals as usize >= ARRIVALS => return Ok(()),
            Some(before) => match self.recall(&key).filter(|held| held.len() == before.arrivals as usize) {
                Some(held) => held,
                None => {
                    let mut arrivals = store.whole_journey(site, &key.1).await?;
                    arrivals.retain(|stored| stored.position <= from);
                    arrivals
                }
            },
        };
        arrivals.append(&mut fresh);
        arrivals.truncate(ARRIVALS);
        let number = match (&before, arrivals.first()) {
            (Some(before), _) => before.number,
            (None, first) => first.map_or(0, |stored| stored.position),
        };
        let timeline = visit::timeline(journeys::seen(&arrivals, &key.1), config.grouping());
        let anonymous = matches!(key.1, Subject::Page(_));
        let shares =
            counters::shares(&timeline, anonymous, &mut Basis { zone, verdicts: &mut self.verdicts });
        let counted = Counted {
            number,
            arrivals: u32::try_from(arrivals.len()).unwrap_or(u32::MAX),
            shares: shares.into_iter().collect(),
        };
        changes.replace(Contributor::Subject(key.1.clone()), before.as_ref(), counted);
        self.remember(key, arrivals);
        Ok(())
    }

    fn recall(&mut self, key: &(SiteNumber, Subject)) -> Option<Vec<Stored>> {
        let held = self.recent.remove(key)?;
        self.held -= held.len();
        Some(held)
    }

    fn remember(&mut self, key: (SiteNumber, Subject), arrivals: Vec<Stored>) {
        if self.held + arrivals.len() > RECENT {
            self.clear();
        }
        self.held += arrivals.len();
        if let Some(old) = self.recent.insert(key, arrivals) {
            self.held -= old.len();
        }
    }

    fn clear(&mut self) {
        self.recent.clear();
        self.held = 0;
    }
}

/// Counts leads anew that may be others than what was counted.
async fn leads(
    store: &dyn Store,
    site: SiteNumber,
    config: &SiteConfig,
    stale: Vec<LeadId>,
    changes: &mut Changes,
) -> Result<(), StoreError> {
    let zone = calendar::zone(&config.timezone);
    let contributors: Vec<Contributor> = stale.iter().cloned().map(Contributor::Lead).collect();
    let known = store.counted(site, contributors).await?;
    for (id, before) in stale.into_iter().zip(known) {
        if let Some(lead) = store.lead(site, &id).await? {
            let shares = counters::lead_share(&lead, &zone, &config.currency).into_iter().collect();
            let now = Counted { number: lead.position, arrivals: 1, shares };
            changes.replace(Contributor::Lead(id.clone()), before.as_ref(), now);
        }
        changes.rows.push(Row::Fresh(id));
    }
    Ok(())
}

/// What an entry adds by itself, whoever it is of: leads alone, views and clicks of ads.
fn alone(entry: &Entry, config: &SiteConfig, basis: &mut Basis<'_>) -> Vec<(Cell, Tally)> {
    let (at, placement, user_agent, datacentre, tally) = match entry {
        Entry::Arrival(arrival) => {
            let alone = arrival.events.iter().filter(|event| arrival.subject(event).is_none());
            return alone.filter_map(|event| counters::lead_alone(Seen { arrival, event }, basis)).collect();
        }
        Entry::Pixel(pixel) => {
            let tally = match pixel.kind {
                PixelKind::Imp => Tally { ad_views: 1, ..Tally::default() },
                PixelKind::View => Tally { anonymous_visits: 1, ..Tally::default() },
                // Mail programs fetch it by themselves: an opening proves little, and is no view of an ad.
                PixelKind::Open => return Vec::new(),
            };
            (pixel.at, &pixel.placement, &pixel.user_agent, pixel.datacentre, tally)
        }
        Entry::LinkClick(click) => {
            let tally = Tally { ad_clicks: 1, ..Tally::default() };
            (click.at, &click.placement, &click.user_agent, click.datacentre, tally)
        }
        _ => return Vec::new(),
    };
    let day = calendar::day_of(at, basis.zone);
    let class = basis.verdicts.of_client(user_agent.as_deref(), datacentre).unwrap_or_default().into_owned();
    vec![(cell(day, class, placement, config), tally)]
}

fn cell(day: calendar::Day, class: String, placement: &Placement, config: &SiteConfig) -> Cell {
    let channel: Channel = placement.channel(config.grouping());
    Cell {
        day,
        class,
        channel,
        source: counters::text(placement.source.as_deref()),
        campaign: counters::text(placement.campaign.as_deref()),
        cta: None,
    }
}

fn share(cost: &Cost) -> Share {
    let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let tally = Tally {
        cost: cost.cost,
        costs: 1,
        ad_views_imported: count(cost.impressions),
        ad_clicks_imported: count(cost.clicks),
        ..Tally::default()
    };
    Share { tally, ..Share::default() }
}

/// What a step changes.
#[derive(Default)]
struct Changes {
    sums: BTreeMap<Cell, Tally>,
    rows: Vec<Row>,
}

impl Changes {
    fn sum(&mut self, cell: Cell, tally: &Tally, times: i64) {
        self.sums.entry(cell).or_default().add(tally, times);
    }

    /// Takes back what was counted of somebody, and adds what is counted now.
    fn replace(&mut self, who: Contributor, before: Option<&Counted>, now: Counted) {
        let old = before.map(|before| before.shares.as_slice()).unwrap_or_default();
        if before.is_some_and(|before| *before == now) {
            return;
        }
        let mut cells: BTreeMap<&Cell, (Share, Share)> = BTreeMap::new();
        for (cell, share) in old {
            cells.entry(cell).or_default().0 = *share;
        }
        for (cell, share) in &now.shares {
            cells.entry(cell).or_default().1 = *share;
        }
        for (cell, (was, is)) in cells {
            let mut change = is.tally;
            change.add(&was.tally, -1);
            if !change.is_empty() {
                self.sums.entry(cell.clone()).or_default().add(&change, 1);
            }
            if (was.visitor, was.lead) != (is.visitor, is.lead) {
                self.rows.push(Row::Member {
                    cell: Box::new(cell.clone()),
                    number: now.number,
                    visitor: is.visitor,
                    lead: is.lead,
                });
            }
        }
        self.rows.push(Row::Counted(who, Box::new(now)));
    }

    fn rows(self) -> Vec<Row> {
        let sums = self.sums.into_iter().filter(|(_, change)| !change.is_empty());
        let sums = sums.map(|(cell, change)| Row::Sums { cell: Box::new(cell), change: Box::new(change) });
        self.rows.into_iter().chain(sums).collect()
    }
}

/// The counters of every site, and how far each is.
pub(super) struct Sites {
    counters: Counters,
    /// What each site's counters were derived with, once that is known.
    basis: HashMap<SiteNumber, String>,
    reached: tokio::sync::watch::Sender<HashMap<SiteNumber, Position>>,
}

/// How far the counters of each site are.
pub(super) type Reached = tokio::sync::watch::Receiver<HashMap<SiteNumber, Position>>;

impl Sites {
    pub(super) fn new() -> (Self, Reached) {
        let (reached, receiver) = tokio::sync::watch::channel(HashMap::new());
        (Self { counters: Counters::default(), basis: HashMap::new(), reached }, receiver)
    }

    /// Forgets what is known of the store: the next step asks it again.
    pub(super) fn forget(&mut self) {
        self.counters.clear();
        self.basis.clear();
    }

    /// Takes one step for a site. Answers whether there is more to do up to where the journeys are.
    pub(super) async fn step(
        &mut self,
        store: &Arc<dyn Store>,
        site: SiteNumber,
        config: &SiteConfig,
        journeys_at: Position,
    ) -> Result<bool, StoreError> {
        let basis = basis(config);
        let known = self.reached.borrow().get(&site).copied();
        let mut position = match known.filter(|_| self.basis.get(&site) == Some(&basis)) {
            Some(position) => position,
            None => {
                // Before anything is forgotten: a report that finds it gone says that it is pending.
                if known.is_some() {
                    self.reach(site, 0);
                }
                let position = self.counters.begin(store.as_ref(), site, config).await?;
                self.basis.insert(site, basis);
                self.reach(site, position);
                position
            }
        };
        if position < journeys_at || !store.stale(site, 1).await?.is_empty() {
            let before = position;
            let step = self.counters.step(store.as_ref(), site, config, position, journeys_at).await;
            if step.is_err() {
                // What is remembered may be of a step that was not taken.
                self.counters.clear();
            }
            position = step?;
            self.reach(site, position);
            let moved = position > before || !store.stale(site, 1).await?.is_empty();
            return Ok(moved && (position < journeys_at || position == before));
        }
        Ok(false)
    }

    fn reach(&self, site: SiteNumber, position: Position) {
        self.reached.send_modify(|reached| {
            reached.insert(site, position);
        });
    }
}

mod seal;
#[cfg(test)]
mod tests;

pub(super) use self::seal::Moves;
