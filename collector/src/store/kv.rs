//! The store over a key-value engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Append, Appended, BadPage, BadQuery, Carried, ChatRef, Contributor, Description, Hold, LeadPage,
    LeadQuery, LogMark, Pair, Refused, Rollup, SealStep, Sealed, Step, Store, StoreError, Stored, Taken, bad,
    calls, carry, chats,
    engine::Engine,
    erase, forms, index, keys, opening,
    outbox::Claims,
    people, reads, rollup, seal,
    shares::{self, Shares},
    tail::Tail,
    together::may_wait,
    trail,
    vitals::Vitals,
    waiting::{self, Lists},
    writer::{Heads, QUEUE, Shared, Tails, Task, Writer, read_ledger},
};
use crate::domain::{
    bad_event::{BadBeacon, BadLog},
    calendar::Day,
    call::Lease,
    counters::Counted,
    fact::{Position, SiteNumber, Subject},
    id::{Id, LeadId, Token, VaultRef},
    identity::{Edge, EdgeId, Node, profile::Profile},
    install::Install,
    ledger::Ledger,
    sealed::SealStatus,
    silence::{FormHours, Hour},
    standing::Lead,
};

/// What of the logs' ends stays in memory, in packed bytes: some seconds of full load, for projectors and live streams.
const TAIL_BYTES: usize = 8 * 1024 * 1024;

/// A store over an engine: one writer thread, a bounded queue, reads on the blocking pool. Which engine is known as it
/// runs: compiled once, for what a call costs more is nothing beside what an engine does.
pub struct KvStore {
    engine: Arc<dyn Engine>,
    /// Taken by `close`: the writer ends when the last sender is gone.
    queue: RwLock<Option<mpsc::Sender<Task>>>,
    /// What waits in it.
    shares: Arc<Shares>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
    heads: Heads,
    tails: Tails,
    vitals: Vitals,
    changes: watch::Receiver<u64>,
    /// Keeps projectors' steps apart: the check of a cursor and its move are one.
    steps: Arc<Mutex<()>>,
    /// Held for reading by those who need the logs as they are, for writing while something is sealed.
    holds: Arc<tokio::sync::RwLock<()>>,
    /// Messages that somebody works on.
    claims: Arc<Mutex<Claims>>,
    /// Leads that wait, as the rows say.
    lists: Arc<Lists>,
}

impl KvStore {
    /// Opens the store that an engine holds, or begins one. Blocks: call it before the server runs.
    ///
    /// # Errors
    /// Where the engine fails, or holds a newer format than this program knows.
    pub fn open(engine: impl Engine) -> anyhow::Result<Self> {
        Self::over(Arc::new(engine))
    }

    fn over(engine: Arc<dyn Engine>) -> anyhow::Result<Self> {
        opening::check_format(engine.as_ref())?;
        let heads = opening::read_heads(engine.as_ref())?;
        opening::check_attested(engine.as_ref(), heads.values().sum())?;
        let heads = Heads::new(std::sync::RwLock::new(heads));
        let (changed, changes) = watch::channel(0);
        let (queue, tasks) = mpsc::channel(QUEUE);
        let tails = Tails::new(Mutex::new(Tail::new(TAIL_BYTES)));
        let (vitals, steps) = (Vitals::default(), Arc::default());
        let shared = Shared {
            heads: Arc::clone(&heads),
            tails: Arc::clone(&tails),
            steps: Arc::clone(&steps),
            vitals: vitals.clone(),
            changes: changed,
        };
        let writer = Writer::new(Arc::clone(&engine), shared);
        let writer =
            std::thread::Builder::new().name("store-writer".to_owned()).spawn(|| writer.run(tasks))?;
        Ok(Self {
            engine,
            queue: RwLock::new(Some(queue)),
            shares: Shares::new(QUEUE),
            writer: Mutex::new(Some(writer)),
            heads,
            tails,
            vitals,
            changes,
            steps,
            holds: Arc::default(),
            claims: Arc::default(),
            lists: Arc::default(),
        })
    }

    /// What keeps steps apart.
    pub(super) fn steps(&self) -> Arc<Mutex<()>> {
        Arc::clone(&self.steps)
    }

    /// Messages that somebody works on.
    pub(super) fn claims(&self) -> Arc<Mutex<Claims>> {
        Arc::clone(&self.claims)
    }

    /// Leads that wait.
    pub(super) fn lists(&self) -> Arc<Lists> {
        Arc::clone(&self.lists)
    }

    /// Runs a read where it may block.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Engine) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if may_wait() {
            return read(self.engine.as_ref());
        }
        let engine = Arc::clone(&self.engine);
        let (answer, answered) = oneshot::channel();
        // Boxed: the machinery of a task is compiled once, and not for each of a hundred reads.
        let work: Box<dyn FnOnce() + Send> = Box::new(move || {
            let found = read(engine.as_ref());
            // Before the answer: who has it may close the store and open it again.
            drop(engine);
            drop(answer.send(found));
        });
        tokio::task::spawn_blocking(work);
        answered
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("a read came to an unexpected end".to_owned())))
    }

    /// Queues a task and waits until its group is durable.
    async fn queued<T>(
        &self,
        task: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Task,
    ) -> Result<T, StoreError> {
        let stopped = || StoreError::Unavailable("it is being closed".to_owned());
        let (answer, answered) = oneshot::channel();
        {
            let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
            queue.as_ref().ok_or_else(stopped)?.try_send(task(answer)).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => StoreError::Busy,
                mpsc::error::TrySendError::Closed(_) => stopped(),
            })?;
        }
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

#[async_trait]
impl Store for KvStore {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let place = self.shares.enter(append.site, shares::weight(&append)).ok_or(StoreError::Busy)?;
        self.queued(|answer| Task::Append(Box::new(append), answer, place)).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.queued(Task::Probe).await
    }

    async fn read(&self, site: SiteNumber, after: Position, max: usize) -> Result<Vec<Stored>, StoreError> {
        let head = self.head(site);
        let recent = self.tails.lock().unwrap_or_else(PoisonError::into_inner).read(site, after, head, max);
        if let Some(recent) = recent {
            return Ok(recent);
        }
        self.blocking(move |engine| reads::log(engine, site, after, head, max)).await
    }

    fn head(&self, site: SiteNumber) -> Position {
        self.heads.read().unwrap_or_else(PoisonError::into_inner).get(&site).copied().unwrap_or(0)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    async fn cursor(&self, projector: &'static str, site: SiteNumber) -> Result<Position, StoreError> {
        self.blocking(move |engine| reads::cursor(engine, projector, site)).await
    }

    async fn commit(&self, step: Step) -> Result<(), StoreError> {
        let (steps, lists) = (Arc::clone(&self.steps), self.lists());
        self.blocking(move |engine| {
            let _alone = steps.lock().unwrap_or_else(PoisonError::into_inner);
            let (site, news) = (step.site, waiting::news(&step.rows));
            reads::commit(engine, step)?;
            lists.note(site, news);
            Ok(())
        })
        .await
    }

    async fn reset(&self, site: SiteNumber) -> Result<(), StoreError> {
        let (steps, lists) = (Arc::clone(&self.steps), self.lists());
        self.blocking(move |engine| {
            let _alone = steps.lock().unwrap_or_else(PoisonError::into_inner);
            lists.forget(site);
            reads::reset(engine, site)
        })
        .await
    }

    async fn dump(&self, site: SiteNumber) -> Result<Vec<u8>, StoreError> {
        self.blocking(move |engine| reads::dump(engine, site)).await
    }

    async fn journey(&self, site: SiteNumber, subject: &Subject) -> Result<Vec<Stored>, StoreError> {
        let subject = subject.clone();
        self.blocking(move |engine| reads::journey(engine, site, &subject)).await
    }

    async fn whole_journey(&self, site: SiteNumber, subject: &Subject) -> Result<Vec<Stored>, StoreError> {
        let subject = subject.clone();
        self.blocking(move |engine| erase::whole_journey(engine, site, &subject)).await
    }

    async fn records(&self, site: SiteNumber, lead: &LeadId) -> Result<Vec<Stored>, StoreError> {
        let lead = lead.clone();
        self.blocking(move |engine| reads::records(engine, site, &lead)).await
    }

    async fn lead(&self, site: SiteNumber, lead: &LeadId) -> Result<Option<Lead>, StoreError> {
        let lead = lead.clone();
        self.blocking(move |engine| reads::lead(engine, site, &lead)).await
    }

    async fn leads_of(&self, site: SiteNumber, subjects: Vec<Subject>) -> Result<Vec<Lead>, StoreError> {
        self.blocking(move |engine| index::leads_of(engine, site, &subjects)).await
    }

    async fn leads(&self, site: SiteNumber, query: LeadQuery) -> Result<LeadPage, StoreError> {
        self.blocking(move |engine| reads::leads(engine, site, &query)).await
    }

    async fn edges(&self, site: SiteNumber, nodes: Vec<Node>) -> Result<Vec<Vec<Edge>>, StoreError> {
        self.blocking(move |engine| people::edges(engine, site, &nodes)).await
    }

    async fn edge(&self, site: SiteNumber, id: &EdgeId) -> Result<Option<Edge>, StoreError> {
        let id = id.clone();
        self.blocking(move |engine| people::edge(engine, site, &id)).await
    }

    async fn profiles(
        &self,
        site: SiteNumber,
        subjects: Vec<Subject>,
    ) -> Result<Vec<Option<Profile>>, StoreError> {
        self.blocking(move |engine| people::profiles(engine, site, &subjects)).await
    }

    async fn profiled(
        &self,
        site: SiteNumber,
        after: Option<Subject>,
        max: usize,
    ) -> Result<Vec<Subject>, StoreError> {
        self.blocking(move |engine| people::profiled(engine, site, after.as_ref(), max)).await
    }

    async fn conflicts(
        &self,
        site: SiteNumber,
        after: Option<(i64, EdgeId)>,
        max: usize,
    ) -> Result<Vec<Refused>, StoreError> {
        self.blocking(move |engine| people::conflicts(engine, site, after.as_ref(), max)).await
    }

    async fn leads_with(
        &self,
        site: SiteNumber,
        hash: [u8; 32],
        max: usize,
    ) -> Result<Vec<Lead>, StoreError> {
        self.blocking(move |engine| index::leads_with(engine, site, &hash, max)).await
    }

    async fn claimed(
        &self,
        site: SiteNumber,
        kind: &'static str,
        external_id: &str,
    ) -> Result<Option<(Position, [u8; 32])>, StoreError> {
        let external_id = external_id.to_owned();
        self.blocking(move |engine| index::claimed(engine, site, kind, &external_id)).await
    }

    async fn buyers(&self, site: SiteNumber, order_id: &str) -> Result<Vec<Subject>, StoreError> {
        let order_id = order_id.to_owned();
        self.blocking(move |engine| index::buyers(engine, site, &order_id)).await
    }

    async fn install(&self, site: SiteNumber) -> Result<Install, StoreError> {
        self.blocking(move |engine| reads::install(engine, site)).await
    }

    async fn pulse(&self, site: SiteNumber, from: Hour, to: Hour) -> Result<BTreeMap<Hour, u64>, StoreError> {
        self.blocking(move |engine| reads::pulse(engine, site, from, to)).await
    }

    async fn forms(&self, site: SiteNumber, max: usize) -> Result<Vec<FormHours>, StoreError> {
        self.blocking(move |engine| forms::forms(engine, site, max)).await
    }

    async fn form_pulse(
        &self,
        site: SiteNumber,
        form: &str,
        hours: RangeInclusive<Hour>,
    ) -> Result<BTreeMap<Hour, u64>, StoreError> {
        let form = form.to_owned();
        self.blocking(move |engine| forms::pulse(engine, site, &form, hours)).await
    }

    async fn basis(&self, site: SiteNumber) -> Result<Option<Vec<String>>, StoreError> {
        self.blocking(move |engine| reads::basis(engine, site)).await
    }

    async fn entries(&self, site: SiteNumber, positions: Vec<Position>) -> Result<Vec<Stored>, StoreError> {
        self.blocking(move |engine| reads::entries(engine, site, &positions)).await
    }

    async fn numbered(
        &self,
        site: SiteNumber,
        numbers: Vec<Position>,
    ) -> Result<Vec<(Position, Id)>, StoreError> {
        self.blocking(move |engine| reads::numbered(engine, site, &numbers)).await
    }

    async fn counted(
        &self,
        site: SiteNumber,
        contributors: Vec<Contributor>,
    ) -> Result<Vec<Option<Counted>>, StoreError> {
        self.blocking(move |engine| rollup::counted(engine, site, &contributors)).await
    }

    async fn stale(&self, site: SiteNumber, max: usize) -> Result<Vec<LeadId>, StoreError> {
        self.blocking(move |engine| rollup::stale(engine, site, max)).await
    }

    async fn rollups(
        &self,
        site: SiteNumber,
        ctas: bool,
        since: Day,
        until: Day,
    ) -> Result<Vec<Rollup>, StoreError> {
        self.blocking(move |engine| rollup::rollups(engine, site, ctas, since, until)).await
    }

    async fn counters_basis(&self, site: SiteNumber) -> Result<Option<String>, StoreError> {
        self.blocking(move |engine| reads::counters_basis(engine, site)).await
    }

    async fn forget_counters(&self, site: SiteNumber, projector: &'static str) -> Result<(), StoreError> {
        let steps = Arc::clone(&self.steps);
        self.blocking(move |engine| {
            let _alone = steps.lock().unwrap_or_else(PoisonError::into_inner);
            rollup::forget(engine, site, projector)
        })
        .await
    }

    async fn ledger(&self, site: SiteNumber) -> Result<Ledger, StoreError> {
        self.blocking(move |engine| read_ledger(engine, site)).await
    }

    async fn bad_log(&self, site: SiteNumber) -> Result<BadLog, StoreError> {
        self.blocking(move |engine| bad::log(engine.get(&keys::bad_log(site))?)).await
    }

    async fn bad_events(&self, site: SiteNumber, query: BadQuery) -> Result<BadPage, StoreError> {
        self.blocking(move |engine| bad::list(engine, site, &query)).await
    }

    async fn bad_beacon(&self, site: SiteNumber, number: u64) -> Result<Option<BadBeacon>, StoreError> {
        self.blocking(move |engine| bad::beacon(engine.get(&keys::bad_beacon(site, number))?)).await
    }

    async fn leases(
        &self,
        site: SiteNumber,
        number: String,
        since: i64,
        max: usize,
    ) -> Result<Vec<Lease>, StoreError> {
        self.blocking(move |engine| calls::leases(engine, site, &number, since, max)).await
    }

    async fn chat_ref(&self, site: SiteNumber, name: String, max: usize) -> Result<ChatRef, StoreError> {
        self.blocking(move |engine| chats::of_ref(engine, site, &name, max)).await
    }

    async fn audited(&self, site: SiteNumber, to: Position, max: usize) -> Result<Vec<Stored>, StoreError> {
        self.blocking(move |engine| trail::audited(engine, site, to, max)).await
    }

    async fn hashes(&self, site: SiteNumber, tokens: BTreeSet<Token>) -> Result<Vec<[u8; 32]>, StoreError> {
        self.blocking(move |engine| erase::hashes(engine, site, &tokens)).await
    }

    async fn sealed(&self, site: SiteNumber, reference: VaultRef) -> Result<Option<Sealed>, StoreError> {
        self.blocking(move |engine| reads::sealed(engine, site, reference)).await
    }

    async fn meta(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError> {
        self.blocking(move |engine| engine.get(&keys::meta(name))).await
    }

    async fn meta_or_set(&self, name: &'static str, value: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        self.queued(|answer| Task::Meta(name, value, answer)).await
    }

    async fn mark(&self) -> Result<Vec<LogMark>, StoreError> {
        self.queued(Task::Mark).await
    }

    async fn belongings(&self, after: Vec<u8>, max: usize) -> Result<Vec<Pair>, StoreError> {
        self.blocking(move |engine| carry::belongings(engine, after, max)).await
    }

    async fn take(&self, carried: Carried) -> Result<Taken, StoreError> {
        self.queued(|answer| Task::Take(Box::new(carried), answer)).await
    }

    async fn seal(&self, step: SealStep) -> Result<(), StoreError> {
        let alone = Arc::clone(&self.holds).try_write_owned().map_err(|_| StoreError::Busy)?;
        let (steps, tails, lists) = (Arc::clone(&self.steps), Arc::clone(&self.tails), self.lists());
        self.blocking(move |engine| {
            let _alone = (alone, steps.lock().unwrap_or_else(PoisonError::into_inner));
            let site = step.site;
            // Read again when somebody asks: leads may go.
            lists.forget_if(site, !step.leads.is_empty());
            let done = seal::seal(engine, step);
            // Also where it failed: the engine may hold it.
            tails.lock().unwrap_or_else(PoisonError::into_inner).forget(site);
            done
        })
        .await
    }

    async fn sealed_status(&self, site: SiteNumber) -> Result<SealStatus, StoreError> {
        self.blocking(move |engine| seal::status(engine, site)).await
    }

    async fn hold(&self) -> Hold {
        Hold(Arc::clone(&self.holds).read_owned().await)
    }

    fn vitals(&self) -> Vitals {
        self.vitals.clone()
    }

    fn describe(&self) -> Description {
        let queue = self.queue.read().unwrap_or_else(PoisonError::into_inner);
        let queued = queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity());
        Description { queued, ..self.engine.describe() }
    }

    async fn close(&self) {
        drop(self.queue.write().unwrap_or_else(PoisonError::into_inner).take());
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // The writer drains its queue before it ends; a panic in it was logged by the panic hook.
            drop(tokio::task::spawn_blocking(move || writer.join()).await);
        }
    }
}
