//! Where facts are kept, and what is derived from them.
//!
//! [`Store`] is shaped by the domain, not by a database. [`kv::KvStore`] implements it over any ordered key-value
//! engine; [`sled`] (the embedded default) and [`memory`] (tests) are such engines. One conformance suite holds for
//! all of them.
//!
//! - [`keys`]: which key holds what
//! - [`block`]: how entries are packed
//! - [`tail`]: the ends of the logs, in memory
//! - [`dedupe`]: which event ids were seen, in a few bits each
//! - [`bad`]: refused events, kept for another try
//! - [`writer`]: the one thread that appends, by group commit
//! - [`shares`]: how the writer's queue is shared among the sites
//! - [`rollup`]: counters, as sums and sets of visitors
//! - [`step`]: what a projector commits
//! - [`outbox`]: messages on their way to endpoints
//! - `people`: who is who, in rows; `index`: by what else leads are found
//! - [`seal`]: facts that are too old give up their content
//! - `erase`: somebody is forgotten; `trail`: who did what
//! - [`vitals`]: how the writer is doing
//! - [`kv`]: the store over an engine
//! - `lead_query`: which leads are asked for; [`waiting`]: those that nobody has reached
//! - `opening`: what is looked at before a store is used
//! - `forms`: how often forms are sent
//! - [`carry`]: a store given away whole, and taken back
//! - [`check`]: reads all of a log and says what does not agree
//! - [`rewrap`]: what a rotation of the master key changes
//! - [`overlay`]: a second set of derived rows over the same log
//!
//! **Invariants.** A position is visible only when it and all lower ones are durable. An append is answered only
//! after its group was flushed and synced. Everything that blocks stays in here: on the writer's thread or on the
//! blocking pool.

pub mod bad;
pub mod block;
mod calls;
pub mod carry;
mod chats;
pub mod check;
pub mod dedupe;
pub mod engine;
mod erase;
mod error;
mod forms;
mod group;
mod index;
pub mod keys;
pub mod kv;
mod lead_query;
pub mod memory;
mod opening;
pub mod outbox;
pub mod overlay;
mod people;
mod reads;
pub mod rewrap;
pub mod rollup;
pub mod seal;
pub mod shares;
pub mod sled;
pub mod step;
pub mod tail;
mod together;
mod trail;
pub mod vitals;
pub mod waiting;
pub mod writer;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod golden;
#[cfg(test)]
pub mod poisoned;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::Arc,
};

use async_trait::async_trait;

pub use self::{
    bad::{Bad, BadPage, BadQuery},
    carry::{Carried, LogMark, Taken},
    chats::ChatRef,
    engine::Pair,
    error::StoreError,
    lead_query::{LeadPage, LeadQuery, Reading},
    outbox::Outbox,
    people::Refused,
    rollup::{Contributor, Rollup},
    seal::SealStep,
    step::{Row, Step},
    together::together,
    waiting::WaitingList,
};

use crate::domain::{
    bad_event::{BadBeacon, BadLog},
    calendar::Day,
    call::Lease,
    counters::Counted,
    fact::{Entry, Position, SiteNumber, Subject},
    id::{Id, LeadId, Token, VaultRef},
    identity::{Edge, EdgeId, Node, profile::Profile},
    install::Install,
    ledger::Ledger,
    sealed::SealStatus,
    silence::{FormHours, Hour},
    standing::Lead,
};

/// Keeps facts and what is derived from them. All methods may wait; none blocks the thread that calls it.
#[async_trait]
pub trait Store: Outbox + WaitingList + Send + Sync {
    /// Appends a piece. When this returns, it is on the disk.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where the site has its share of the queue, [`StoreError::NotDurable`] where the disk would
    /// not take it, [`StoreError::Unavailable`] where the engine cannot be asked. In all cases nothing was acknowledged, and the same append may be tried again.
    async fn append(&self, append: Append) -> Result<Appended, StoreError>;

    /// Writes and syncs something of no meaning: proof that appends would be taken.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Entries after a position, in order; about `max` facts.
    async fn read(&self, site: SiteNumber, after: Position, max: usize) -> Result<Vec<Stored>, StoreError>;

    /// The last visible position of a site's log.
    fn head(&self, site: SiteNumber) -> Position;

    /// Changes whenever any head did. Followers wait on this; it carries nothing.
    fn changes(&self) -> tokio::sync::watch::Receiver<u64>;

    /// Where a projector stands in a site's log.
    async fn cursor(&self, projector: &'static str, site: SiteNumber) -> Result<Position, StoreError>;

    /// Commits a projector's rows together with its new position.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] where the projector does not stand at `from`: somebody else moved it.
    async fn commit(&self, step: Step) -> Result<(), StoreError>;

    /// Drops everything derived of a site, so that projectors start over.
    async fn reset(&self, site: SiteNumber) -> Result<(), StoreError>;

    /// Everything derived of a site, in one canonical order: equal stores give equal bytes.
    async fn dump(&self, site: SiteNumber) -> Result<Vec<u8>, StoreError>;

    /// The arrivals that a subject's journey is made of, by position; none from before its person was erased.
    async fn journey(&self, site: SiteNumber, subject: &Subject) -> Result<Vec<Stored>, StoreError>;

    /// The same with what was erased: for what counts, and for what grows old.
    async fn whole_journey(&self, site: SiteNumber, subject: &Subject) -> Result<Vec<Stored>, StoreError>;

    /// The entries that are about a lead, by position.
    async fn records(&self, site: SiteNumber, lead: &LeadId) -> Result<Vec<Stored>, StoreError>;

    /// One lead.
    async fn lead(&self, site: SiteNumber, lead: &LeadId) -> Result<Option<Lead>, StoreError>;

    /// The leads of some subjects, in one go.
    async fn leads_of(&self, site: SiteNumber, subjects: Vec<Subject>) -> Result<Vec<Lead>, StoreError>;

    /// Leads, newest first, and where to go on.
    async fn leads(&self, site: SiteNumber, query: LeadQuery) -> Result<LeadPage, StoreError>;

    /// The evidence about each node of who it is: all of it, or one piece more than
    /// [`MOST_EDGES`](crate::domain::identity::MOST_EDGES).
    async fn edges(&self, site: SiteNumber, nodes: Vec<Node>) -> Result<Vec<Vec<Edge>>, StoreError>;

    /// One piece of evidence.
    async fn edge(&self, site: SiteNumber, id: &EdgeId) -> Result<Option<Edge>, StoreError>;

    /// What is remembered of each subject; `None` of those who are nobody in particular.
    async fn profiles(
        &self,
        site: SiteNumber,
        subjects: Vec<Subject>,
    ) -> Result<Vec<Option<Profile>>, StoreError>;

    /// Subjects of whom something is remembered, after one and in order.
    async fn profiled(
        &self,
        site: SiteNumber,
        after: Option<Subject>,
        max: usize,
    ) -> Result<Vec<Subject>, StoreError>;

    /// Evidence that was refused, after one (when it happened, and which it is), newest first.
    async fn conflicts(
        &self,
        site: SiteNumber,
        after: Option<(i64, EdgeId)>,
        max: usize,
    ) -> Result<Vec<Refused>, StoreError>;

    /// Leads that gave the identifier with this keyed hash, newest first, at most `max`.
    async fn leads_with(&self, site: SiteNumber, hash: [u8; 32], max: usize)
    -> Result<Vec<Lead>, StoreError>;

    /// Where the record stands that claims an external id, and the hash of its content; `None` where there is none. It
    /// may be sealed by now.
    async fn claimed(
        &self,
        site: SiteNumber,
        kind: &'static str,
        external_id: &str,
    ) -> Result<Option<(Position, [u8; 32])>, StoreError>;

    /// Whose pages said that an order was bought.
    async fn buyers(&self, site: SiteNumber, order_id: &str) -> Result<Vec<Subject>, StoreError>;

    /// What a site's beacons have shown.
    async fn install(&self, site: SiteNumber) -> Result<Install, StoreError>;

    /// How many beacons came in each of the hours `from..=to`; those without any are left out.
    async fn pulse(&self, site: SiteNumber, from: Hour, to: Hour) -> Result<BTreeMap<Hour, u64>, StoreError>;

    /// The forms that were sent, with their first hour and their last, at most `max`.
    async fn forms(&self, site: SiteNumber, max: usize) -> Result<Vec<FormHours>, StoreError>;

    /// How often a form was sent in each of some hours; those in which it was not are left out.
    async fn form_pulse(
        &self,
        site: SiteNumber,
        form: &str,
        hours: RangeInclusive<Hour>,
    ) -> Result<BTreeMap<Hour, u64>, StoreError>;

    /// The own domains and grouping rules that origins were derived with; `None` where nothing was derived yet.
    async fn basis(&self, site: SiteNumber) -> Result<Option<Vec<String>>, StoreError>;

    /// The entries that begin at these positions (ascending); those that were sealed are left out.
    async fn entries(&self, site: SiteNumber, positions: Vec<Position>) -> Result<Vec<Stored>, StoreError>;

    /// The visitors that are counted by these numbers (ascending); those of whom nothing is kept are left out.
    async fn numbered(
        &self,
        site: SiteNumber,
        numbers: Vec<Position>,
    ) -> Result<Vec<(Position, Id)>, StoreError>;

    /// What was counted of each of these; `None` of those that are new.
    async fn counted(
        &self,
        site: SiteNumber,
        contributors: Vec<Contributor>,
    ) -> Result<Vec<Option<Counted>>, StoreError>;

    /// Leads whose share of the counters may be another than what was counted, at most so many.
    async fn stale(&self, site: SiteNumber, max: usize) -> Result<Vec<LeadId>, StoreError>;

    /// The counters of the days `since..=until`: of calls to action (`ctas`), or of everything.
    async fn rollups(
        &self,
        site: SiteNumber,
        ctas: bool,
        since: Day,
        until: Day,
    ) -> Result<Vec<Rollup>, StoreError>;

    /// What counters were derived with; `None` where nothing was counted yet.
    async fn counters_basis(&self, site: SiteNumber) -> Result<Option<String>, StoreError>;

    /// Drops all that this projector counted, so that it starts over; the rest of what is derived stays.
    async fn forget_counters(&self, site: SiteNumber, projector: &'static str) -> Result<(), StoreError>;

    /// What became of a site's events.
    async fn ledger(&self, site: SiteNumber) -> Result<Ledger, StoreError>;

    /// What the site's bad-events log holds, and what it let go.
    async fn bad_log(&self, site: SiteNumber) -> Result<BadLog, StoreError>;

    /// Refused events, newest beacon first, and where to go on.
    async fn bad_events(&self, site: SiteNumber, query: BadQuery) -> Result<BadPage, StoreError>;

    /// The refused events of one beacon, by its number in the log; `None` where all are settled or let go.
    async fn bad_beacon(&self, site: SiteNumber, number: u64) -> Result<Option<BadBeacon>, StoreError>;

    /// Whom a number was shown to since a moment (ms since the epoch), the latest first, at most `max`.
    async fn leases(
        &self,
        site: SiteNumber,
        number: String,
        since: i64,
        max: usize,
    ) -> Result<Vec<Lease>, StoreError>;

    /// Who clicked a chat's reference, the latest first, and who wrote with it, in the order they came; at most `max` of each.
    async fn chat_ref(&self, site: SiteNumber, name: String, max: usize) -> Result<ChatRef, StoreError>;

    /// The entries of the audit trail before a position, newest first, at most `max`; fewer only at the end.
    async fn audited(
        &self,
        site: SiteNumber,
        before: Position,
        max: usize,
    ) -> Result<Vec<Stored>, StoreError>;

    /// The keyed hashes that lead to these tokens. Reads all hashes of the site.
    async fn hashes(&self, site: SiteNumber, tokens: BTreeSet<Token>) -> Result<Vec<[u8; 32]>, StoreError>;

    /// A submission's wrapped key and sealed value; `None` where it was erased or never was.
    async fn sealed(&self, site: SiteNumber, reference: VaultRef) -> Result<Option<Sealed>, StoreError>;

    /// A small value of the store itself (the vault's lookup key and key check).
    async fn meta(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Sets such a value, durably, unless it is there; returns what is there now.
    async fn meta_or_set(&self, name: &'static str, value: Vec<u8>) -> Result<Vec<u8>, StoreError>;

    /// Where every log ends and what the ledgers say, all at one moment.
    async fn mark(&self) -> Result<Vec<LogMark>, StoreError>;

    /// What belongs to the logs beside their entries, after a key and in order, at most `max` rows. What can be had
    /// from the entries is left out: which ids were seen, and everything derived.
    async fn belongings(&self, after: Vec<u8>, max: usize) -> Result<Vec<Pair>, StoreError>;

    /// Takes what another store gave away. What is there already is passed over, so the same may be taken twice.
    ///
    /// # Errors
    /// [`StoreError::Contradicts`] where it cannot go together with what is there; nothing of it was taken then.
    async fn take(&self, carried: Carried) -> Result<Taken, StoreError>;

    /// Seals facts that are too old, all of the step or nothing.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while somebody [holds](Self::hold) the logs; what the engine says.
    async fn seal(&self, step: SealStep) -> Result<(), StoreError>;

    /// What was sealed of a site so far.
    async fn sealed_status(&self, site: SiteNumber) -> Result<SealStatus, StoreError>;

    /// Keeps everything from being sealed until it is dropped: for who reads a log and what belongs to it one after the
    /// other.
    async fn hold(&self) -> Hold;

    /// How the writer is doing.
    fn vitals(&self) -> vitals::Vitals;

    /// Where it is, how large on disk, what waits for it.
    fn describe(&self) -> Description;

    /// Answers what is queued, writes it, and stops. Later appends are [`StoreError::Unavailable`].
    async fn close(&self);
}

/// While it lives, nothing is sealed.
pub struct Hold(#[expect(dead_code, reason = "held, not read")] tokio::sync::OwnedRwLockReadGuard<()>);

/// What a store says of itself.
#[derive(Debug, Clone)]
pub struct Description {
    /// Which backend.
    pub backend: &'static str,
    /// Bytes on the disk, where there is one.
    pub disk_bytes: Option<u64>,
    /// Bytes free on that disk.
    pub disk_free: Option<u64>,
    /// Appends that wait for the writer.
    pub queued: usize,
}

/// Something to append.
#[derive(Debug)]
pub struct Append {
    /// Whose log.
    pub site: SiteNumber,
    /// The entry; `None` where only the tally counts.
    pub entry: Option<Entry>,
    /// Personal data that was split off, sealed.
    pub seals: Vec<Seal>,
    /// What became of the events that are not in the entry.
    pub tally: Ledger,
    /// A claim on the sender's own id of a record.
    pub claim: Option<Claim>,
    /// What it does to the bad-events log.
    pub bad: Option<Bad>,
    /// Where the entry is an erasure: the keyed hashes of its tokens.
    pub hashes: Vec<[u8; 32]>,
    /// Length of the body it came by, for the queue to know what it holds; 0 for what is small.
    pub bytes: usize,
    /// What comes before it, in the same commit: both are there after a crash, or neither. It must be whole without what
    /// follows, which is never there without it.
    pub first: Option<Box<Append>>,
}

impl Append {
    /// Nothing yet: a start for what appends no entry.
    #[must_use]
    pub fn nothing(site: SiteNumber) -> Self {
        Self {
            site,
            entry: None,
            seals: Vec::new(),
            tally: Ledger::default(),
            claim: None,
            bad: None,
            hashes: Vec::new(),
            bytes: 0,
            first: None,
        }
    }

    /// An entry by itself.
    #[must_use]
    pub fn of(site: SiteNumber, entry: Entry) -> Self {
        Self { entry: Some(entry), ..Self::nothing(site) }
    }
}

/// Personal data on its way to the vault, in the same commit as the fact that refers to it.
#[derive(Debug, Clone)]
pub struct Seal {
    /// Index of the event in the arrival; ignored for other entries.
    pub event: usize,
    /// What the fact holds in its place.
    pub reference: VaultRef,
    /// The key and the value.
    pub sealed: Sealed,
    /// Keyed hash of each identifier, with the token to use if the hash is new.
    pub lookups: Vec<([u8; 32], Token)>,
}

/// A submission in the vault: dropping `key` makes `value` unreadable for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The submission's own key, wrapped by the master key.
    pub key: Vec<u8>,
    /// The data, sealed by that key.
    pub value: Vec<u8>,
}

/// The sender's own id of a record: the same content again is a duplicate, other content an amendment.
#[derive(Debug, Clone)]
pub struct Claim {
    /// What kind of record: ids are unique within it.
    pub kind: &'static str,
    /// The sender's id.
    pub external_id: String,
    /// A hash of the content.
    pub content: [u8; 32],
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// One verdict per event of an arrival; one for any other entry.
    pub verdicts: Vec<Verdict>,
    /// It was to settle a bad event that is not there any more, so nothing at all was done.
    pub void: bool,
}

impl Appended {
    pub(super) fn of(verdicts: Vec<Verdict>) -> Self {
        Self { verdicts, void: false }
    }
}

/// What became of one fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Appended at this position.
    Stored(Position),
    /// Seen before: nothing changed.
    Duplicate,
}

/// An entry with the position of its first fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Position of the first fact.
    pub position: Position,
    /// The entry.
    pub entry: Arc<Entry>,
}

impl Stored {
    /// Position of the last fact.
    #[must_use]
    pub fn last(&self) -> Position {
        self.position + self.entry.facts().saturating_sub(1)
    }
}
