//! The one thread that appends, by group commit: take what is queued, decide, write, flush, sync, then answer all.
//!
//! While one group is being synced the next one queues up, so groups grow with the load and the cost of a sync is
//! shared. Position, dedupe and tokens are decided here and nowhere else.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::sync::{mpsc, watch};

use self::{bad::Change, health::Health, task::Answer};
use super::{
    Append, Appended, Bad, Carried, Claim, LogMark, Seal, StoreError, Taken, Verdict, block,
    dedupe::{Bitmap, Recent},
    engine::{Batch, Engine},
    erase::token,
    group::Group,
    keys,
    tail::Tail,
    vitals::Vitals,
};
use crate::domain::{
    event::{Event, Personal},
    fact::{Arrival, Entry, Position, SiteNumber},
    id::EventId,
    ledger::Ledger,
};

mod bad;
mod erase;
mod health;
mod task;

pub use task::Task;

/// What may wait, as [`super::shares`] weighs it; past it a caller is told that the store is busy.
/// 32 MiB of bodies, or 65,536 beacons of one event.
pub const QUEUE: usize = 131_072;
/// Appends in one group at most: bounds the time to the answer.
const GROUP: usize = 1024;
/// Page views whose bitmaps stay in memory, per generation.
const RECENT_PAGES: usize = 32_768;

/// Last visible position of each site's log, shared with readers.
pub type Heads = Arc<std::sync::RwLock<HashMap<SiteNumber, Position>>>;

/// The ends of the logs, shared with readers.
pub type Tails = Arc<std::sync::Mutex<Tail>>;

/// What the writer shares with those who read, commit and watch.
pub struct Shared {
    /// What is visible.
    pub heads: Heads,
    /// What was appended last.
    pub tails: Tails,
    /// Held by whoever moves a cursor: the engine is not opened anew between its check and its move.
    pub steps: Arc<Mutex<()>>,
    /// How the writer is doing.
    pub vitals: Vitals,
    /// Changes whenever something becomes visible, or the engine was opened anew.
    pub changes: watch::Sender<u64>,
}

/// What the writer knows between groups. All of it can be read back from the engine.
pub struct Writer {
    engine: Arc<dyn Engine>,
    shared: Shared,
    recent: Recent,
    /// Next position to give, per site. Ahead of the visible head while a group is under way.
    next: HashMap<SiteNumber, Position>,
    ledgers: HashMap<SiteNumber, Ledger>,
    /// Sites of groups that failed: the engine may hold facts of theirs that nobody was shown. The next sync makes
    /// those durable, whatever else it writes, and then they are shown.
    unshown: BTreeSet<SiteNumber>,
    health: Health,
}

impl Writer {
    /// A writer over an engine.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, shared: Shared) -> Self {
        Self {
            engine,
            shared,
            recent: Recent::new(RECENT_PAGES),
            next: HashMap::new(),
            ledgers: HashMap::new(),
            unshown: BTreeSet::new(),
            health: Health::default(),
        }
    }

    /// Works until every sender is gone and the queue is empty.
    pub fn run(mut self, mut queue: mpsc::Receiver<Task>) {
        let mut tasks = Vec::with_capacity(GROUP);
        while queue.blocking_recv_many(&mut tasks, GROUP) > 0 {
            self.group(&mut tasks);
        }
    }

    fn group(&mut self, tasks: &mut Vec<Task>) {
        if let Err(error) = self.recover() {
            self.health.say(&error, tasks.len());
            tasks.drain(..).for_each(Task::refuse);
            return;
        }
        let mut group = Group::default();
        let mut answers = Vec::with_capacity(tasks.len());
        let mut takes = Vec::new();
        for task in tasks.drain(..) {
            match task {
                Task::Append(append, answer, _place) => match self.plan(&mut group, *append) {
                    Ok(appended) => answers.push(Answer::Append(answer, appended)),
                    // `plan` fails before it touches the group: the caller is told, its neighbours go on.
                    Err(error) => drop(answer.send(Err(self.health.suspect(error)))),
                },
                Task::Probe(answer) => {
                    group.pending.insert(keys::meta("probe"), Some(vec![keys::VERSION]));
                    answers.push(Answer::Probe(answer));
                }
                Task::Meta(name, value, answer) => match self.plan_meta(&mut group, name, value) {
                    Ok(value) => answers.push(Answer::Meta(answer, value)),
                    Err(error) => drop(answer.send(Err(self.health.suspect(error)))),
                },
                // Nothing of this group is written yet, so the engine tells of one moment.
                Task::Mark(answer) => drop(answer.send(self.marks())),
                Task::Take(carried, answer) => takes.push((carried, answer)),
            }
        }
        self.finish(group, answers);
        for (carried, answer) in takes {
            drop(answer.send(self.take_in(*carried)));
        }
    }

    /// Makes a group durable, and answers those who wait for it.
    fn finish(&mut self, group: Group, answers: Vec<Answer>) {
        if answers.is_empty() {
            return;
        }
        let sites: Vec<SiteNumber> = group.logs.keys().copied().collect();
        let began = Instant::now();
        let outcome = self.commit(group);
        self.shared.vitals.flush.observe(began.elapsed().as_secs_f64());
        self.shared.vitals.group.observe(answers.len() as f64);
        if let Err(error) = &outcome {
            self.health.fail(error, answers.len());
            self.forget();
            self.unshown.extend(sites);
        }
        for answer in answers {
            answer.send(&outcome);
        }
    }

    /// Forgets what is known: the engine may hold some of a plan, and is asked anew.
    fn forget(&mut self) {
        self.recent.clear();
        self.next.clear();
        self.ledgers.clear();
    }

    /// Decides one append: positions, duplicates, tokens. Nothing is written yet.
    fn plan(&mut self, group: &mut Group, append: Append) -> Result<Appended, StoreError> {
        let Append { site, entry, seals, mut tally, claim, bad, hashes, bytes: _, first } = append;
        // Where what follows cannot be planned this stays: it is whole by itself, and is found when the sender tries again.
        if let Some(first) = first {
            self.plan(group, *first)?;
        }
        let change = match bad {
            None => Change::default(),
            Some(Bad::Keep { beacon, body }) => self.keep_bad(group, site, &beacon, body)?,
            Some(Bad::Forget { before }) => self.forget_bad(group, site, before)?,
            Some(Bad::Settle { id, again }) => match self.settle_bad(group, site, id, again)? {
                Some(change) => change,
                None => return Ok(Appended { verdicts: Vec::new(), void: true }),
            },
        };
        let appended = match entry {
            None => {
                self.ledger(site)?;
                Appended::of(Vec::new())
            }
            Some(Entry::Arrival(arrival)) => self.plan_arrival(group, site, arrival, seals, &mut tally)?,
            Some(mut entry) => {
                let erased = match &entry {
                    Entry::Erased(erased) => self.erasable(group, site, erased, &hashes)?,
                    _ => Vec::new(),
                };
                if let Some(claim) = &claim
                    && self.is_repeated(group, site, claim)?
                {
                    // An older archive may have brought it back since.
                    group.pending.extend(erased.into_iter().map(|key| (key, None)));
                    return Ok(Appended::of(vec![Verdict::Duplicate]));
                }
                let personal = match &mut entry {
                    Entry::Lead(lead) => Some(&mut lead.personal),
                    Entry::Call(call) => Some(&mut call.personal),
                    Entry::Message(message) => Some(&mut message.personal),
                    _ => None,
                };
                if let Some(personal) = personal {
                    for seal in &seals {
                        self.resolve_tokens(group, site, personal, seal)?;
                    }
                }
                let packed = block::encode(&entry)?;
                if let Entry::Sealed(sealed) = &entry {
                    self.mark_sealed(group, site, sealed)?;
                }
                let position = self.take(site, entry.facts())?;
                if let Some(claim) = claim {
                    let mut value = vec![keys::VERSION];
                    value.extend_from_slice(&claim.content);
                    value.extend_from_slice(&position.to_be_bytes());
                    group.pending.insert(keys::claim(site, claim.kind, &claim.external_id), Some(value));
                }
                for seal in seals {
                    group.seal(site, seal);
                }
                group.pending.extend(erased.into_iter().map(|key| (key, None)));
                group.push(site, position, &packed, entry)?;
                Appended::of(vec![Verdict::Stored(position)])
            }
        };
        if tally != Ledger::default() {
            let ledger = self.ledger(site)?;
            if let Some(reason) = &change.settled {
                ledger.take_back(reason);
            }
            ledger.add(&tally);
            group.tallied.insert(site);
        }
        change.write(group);
        Ok(appended)
    }

    fn plan_arrival(
        &mut self,
        group: &mut Group,
        site: SiteNumber,
        mut arrival: Arrival,
        seals: Vec<Seal>,
        tally: &mut Ledger,
    ) -> Result<Appended, StoreError> {
        // Everything that can fail comes first: an arrival that cannot be decided must leave no id marked.
        for events in arrival.events.chunk_by(same_bitmap) {
            self.look_up(group, site, events)?;
        }
        for seal in &seals {
            let event = arrival.events.get_mut(seal.event);
            if let Some(personal) = event.and_then(|event| event.detail.personal_mut()) {
                self.resolve_tokens(group, site, personal, seal)?;
            }
        }
        self.next_position(site)?;
        self.ledger(site)?;

        let mut fresh: Vec<bool> = Vec::with_capacity(arrival.events.len());
        for events in arrival.events.chunk_by(same_bitmap) {
            self.mark(group, site, events, &mut fresh);
        }
        for seal in seals {
            if fresh.get(seal.event) == Some(&true) {
                group.seal(site, seal);
            }
        }
        let mut stored = fresh.iter();
        arrival.events.retain(|_| stored.next() == Some(&true));
        let count = arrival.events.len() as u64;
        tally.stored += count;
        tally.duplicate += fresh.len() as u64 - count;

        let mut position = 0;
        if count > 0 {
            let entry = Entry::Arrival(arrival);
            let packed = block::encode(&entry)?;
            position = self.take(site, count)?;
            group.push(site, position, &packed, entry)?;
        }
        let verdicts = fresh
            .into_iter()
            .map(|fresh| {
                if !fresh {
                    return Verdict::Duplicate;
                }
                position += 1;
                Verdict::Stored(position - 1)
            })
            .collect();
        Ok(Appended::of(verdicts))
    }

    /// Fetches what [`Self::mark`] needs to know of the ids of some events that [`same_bitmap`] keeps together.
    fn look_up(&mut self, group: &mut Group, site: SiteNumber, events: &[Event]) -> Result<(), StoreError> {
        let Some(event) = events.first() else { return Ok(()) };
        match &event.id {
            EventId::Numbered(_) => {
                let key = keys::bitmap(site, &event.page);
                let engine = &self.engine;
                // What this very group marked comes before what is on the disk: a page may be forgotten in between.
                let pending = group.pending.get(&key);
                self.recent.load(&key, || {
                    match pending.map_or_else(|| engine.get(&key), |new| Ok(new.clone()))? {
                        None => Ok(Bitmap::default()),
                        Some(value) => Bitmap::decode(&value)
                            .ok_or_else(|| StoreError::Damaged("a bitmap of an unknown version".to_owned())),
                    }
                })?;
            }
            EventId::Opaque(id) => {
                let key = keys::seen(site, id);
                if !group.pending.contains_key(&key)
                    && let Some(there) = self.engine.get(&key)?
                {
                    group.pending.insert(key, Some(there));
                }
            }
        }
        Ok(())
    }

    /// Marks the ids of such events seen, and notes for each whether it is new.
    fn mark(&mut self, group: &mut Group, site: SiteNumber, events: &[Event], fresh: &mut Vec<bool>) {
        let Some(event) = events.first() else { return };
        if let EventId::Opaque(id) = &event.id {
            let key = keys::seen(site, id);
            fresh.push(group.pending.insert(key, Some(vec![keys::VERSION])).is_none());
            return;
        }
        let key = keys::bitmap(site, &event.page);
        let bitmap = self.recent.get(key.clone());
        let before = fresh.len();
        fresh.extend(events.iter().map(|event| match &event.id {
            EventId::Numbered(number) => bitmap.insert(*number),
            EventId::Opaque(_) => false,
        }));
        if fresh.get(before..).is_some_and(|fresh| fresh.contains(&true)) {
            group.pending.insert(key, Some(bitmap.encode()));
        }
    }

    /// Gives each identifier the token that its hash already has, or keeps the one that came along (which
    /// [`Group::seal`] writes, if the event turns out to be new).
    fn resolve_tokens(
        &self,
        group: &mut Group,
        site: SiteNumber,
        personal: &mut Personal,
        seal: &Seal,
    ) -> Result<(), StoreError> {
        for (hash, proposed) in &seal.lookups {
            let key = keys::lookup(site, hash);
            let Some(value) = self.get(group, &key)? else { continue };
            let known = token(&value)?;
            group.pending.insert(key, Some(value));
            for identifier in
                personal.identifiers.iter_mut().filter(|identifier| identifier.token == *proposed)
            {
                identifier.token = known;
            }
        }
        Ok(())
    }

    /// Whether a record with this external id and this very content is there.
    fn is_repeated(&self, group: &Group, site: SiteNumber, claim: &Claim) -> Result<bool, StoreError> {
        let value = self.get(group, &keys::claim(site, claim.kind, &claim.external_id))?;
        Ok(value.is_some_and(|value| value.get(1..33) == Some(claim.content.as_slice())))
    }

    fn plan_meta(&self, group: &mut Group, name: &str, value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let key = keys::meta(name);
        if let Some(there) = self.get(group, &key)? {
            return Ok(there);
        }
        group.pending.insert(key, Some(value.clone()));
        Ok(value)
    }

    /// A value as the group will leave it.
    fn get(&self, group: &Group, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match group.pending.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.engine.get(key),
        }
    }

    /// The next positions of a site's log.
    fn take(&mut self, site: SiteNumber, count: u64) -> Result<Position, StoreError> {
        let next = self.next_position(site)?;
        let first = *next;
        *next += count;
        Ok(first)
    }

    fn next_position(&mut self, site: SiteNumber) -> Result<&mut Position, StoreError> {
        if !self.next.contains_key(&site) {
            let next = last_position(self.engine.as_ref(), site)? + 1;
            self.next.insert(site, next);
        }
        Ok(self.next.entry(site).or_default())
    }

    fn ledger(&mut self, site: SiteNumber) -> Result<&mut Ledger, StoreError> {
        if !self.ledgers.contains_key(&site) {
            let stored = read_ledger(self.engine.as_ref(), site)?;
            self.ledgers.insert(site, stored);
        }
        Ok(self.ledgers.entry(site).or_default())
    }

    /// Writes the group, flushes, syncs, and only then shows it to readers.
    fn commit(&mut self, mut group: Group) -> Result<(), StoreError> {
        let mut heads = HashMap::new();
        for (site, mut log) in std::mem::take(&mut group.logs) {
            log.close(site)?;
            heads.insert(site, log.last);
            group.pending.extend(log.blocks.into_iter().map(|(key, value)| (key, Some(value))));
        }
        for site in std::mem::take(&mut group.tallied) {
            let mut value = vec![keys::VERSION];
            let ledger = self.ledger(site)?;
            rmp_serde::encode::write_named(&mut value, ledger)
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
            group.pending.insert(keys::ledger(site), Some(value));
        }
        let batch: Batch = group.pending.into_iter().collect();
        for site in &self.unshown {
            heads.entry(*site).or_insert(last_position(self.engine.as_ref(), *site)?);
        }
        self.engine.apply(batch)?;
        self.engine.sync()?;
        self.unshown.clear();
        {
            let mut tails = self.shared.tails.lock().unwrap_or_else(PoisonError::into_inner);
            for (site, stored, bytes) in group.entries {
                tails.push(site, stored, bytes);
            }
        }
        if !heads.is_empty() {
            let durable: u64 = {
                let mut visible = self.shared.heads.write().unwrap_or_else(PoisonError::into_inner);
                visible.extend(heads);
                visible.values().sum()
            };
            self.engine.attest(durable);
            self.shared.changes.send_modify(|changes| *changes += 1);
        }
        Ok(())
    }
}

/// Whether two neighbours share a page view's bitmap, which is then fetched and written once for both. An opaque id
/// stands by itself.
fn same_bitmap(a: &Event, b: &Event) -> bool {
    matches!((&a.id, &b.id), (EventId::Numbered(_), EventId::Numbered(_))) && a.page == b.page
}

/// The last position of a site's log, as the engine has it.
///
/// # Errors
/// What the engine says; [`StoreError::Damaged`] where the last block is none.
pub fn last_position(engine: &dyn Engine, site: SiteNumber) -> Result<Position, StoreError> {
    let last = engine.last(&keys::log(site, 0), &keys::log(site, Position::MAX))?;
    let Some((key, value)) = last else { return Ok(0) };
    let first = keys::log_position(&key).ok_or_else(|| StoreError::Damaged("a short key".to_owned()))?;
    let mut end = first;
    block::Block::open(first, &value)?.each(|_, facts, _| {
        end += facts;
        Ok(true)
    })?;
    Ok(end - 1)
}

/// A site's ledger, as the engine has it.
///
/// # Errors
/// What the engine says; [`StoreError::Damaged`] where the row is of an unknown version.
pub fn read_ledger(engine: &dyn Engine, site: SiteNumber) -> Result<Ledger, StoreError> {
    match engine.get(&keys::ledger(site))? {
        None => Ok(Ledger::default()),
        Some(value) => super::reads::row(&value),
    }
}

mod carry;
#[cfg(test)]
mod tests;
