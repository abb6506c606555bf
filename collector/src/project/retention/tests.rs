//! What is too old goes, and nothing else does; no number changes; what is left derives what is left.

use std::sync::Arc;

use proptest::prelude::*;
use wire::beacon::Mode;

use super::*;
use crate::{
    domain::{
        call::Lease,
        counters::{Cell, Tally},
        event::{Cta, Detail, Event, Identifier, IdentifierKind, LeadKind, Personal, Submission},
        fact::{HOUSE, StageMove},
        id::{EventId, Id, Token, VaultRef},
        promotion::{LinkClick, Pixel, PixelKind, Placement},
        record::{LeadIn, Sale},
        site::{SiteConfig, SitePut},
    },
    project::{directory::Directory, follow::Follower},
    store::{
        Append, Seal, Sealed, Verdict, check, engine::Engine as _, keys, kv::KvStore, memory::Memory,
        rollup::Sum,
    },
};

const SITE: SiteNumber = 1;
const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
/// 2026-06-01 12:00 UTC.
const START: i64 = 1_780_315_200_000;
/// 120 days later: what is 30 days old and older goes, leads with nothing new for 61 days.
const NOW: i64 = START + 120 * DAY;

/// One thing that happens: what, who, page view, number, day, days until it is received.
type Happening = (u8, u8, u8, u16, i64, i64);

fn config() -> SiteConfig {
    SiteConfig {
        domains: vec!["example.com".to_owned()],
        timezone: "UTC".to_owned(),
        retention: Policy { events_months: Some(1), leads_months: Some(2) },
        ..SiteConfig::default()
    }
}

fn happening() -> impl Strategy<Value = Happening> {
    (0u8..19, 0u8..4, 0u8..4, 0u16..4, 0i64..119, 0i64..2)
}

fn event(page: &str, number: u16, at: i64, detail: Detail) -> Event {
    Event { id: EventId::Numbered(number), page: Id::parse(page).unwrap(), at, raw_at: None, detail }
}

fn view(page: &str, at: i64, who: u8) -> Event {
    let url = format!("https://example.com/?utm_source=s{who}&utm_medium=email");
    event(page, 0, at, Detail::PageView { url, title: None, referrer: None })
}

fn reference(index: usize) -> VaultRef {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(index as u64).to_be_bytes());
    VaultRef(bytes)
}

/// Some forms are signed with one of two addresses, so that people of several browsers hang together.
fn lead(page: &str, number: u16, at: i64, index: usize) -> Event {
    let token = |name| Identifier { kind: IdentifierKind::Email, token: Token([name; 16]) };
    let identifiers = match number {
        0 => vec![token(1)],
        1 => vec![token(2)],
        _ => Vec::new(),
    };
    let personal = Personal { vault: Some(reference(index)), identifiers };
    let lead = Submission { kind: LeadKind::Form, personal, consent: None, magnet: None, flags: Vec::new() };
    let detail =
        Detail::FormSubmit { form: "f".to_owned(), fields_filled: None, inferred: false, lead: Some(lead) };
    event(page, 10 + number, at, detail)
}

fn arrival(visitor: Option<&str>, mode: Mode, received_at: i64, events: Vec<Event>) -> Entry {
    Entry::Arrival(Arrival::bare(visitor.and_then(Id::parse), mode, received_at, events))
}

fn entry(index: usize, (what, who, page, number, day, late): Happening) -> Entry {
    let at = START + day * DAY + i64::from(number) * 7 * MINUTE + i64::from(page) * 25 * MINUTE;
    let received = at + late * 20 * DAY;
    let visitor = format!("v{who}");
    let visitor = Some(visitor.as_str());
    let own = format!("p{who}{page}d{}", day / 3);
    let placement = Placement { source: Some("google".to_owned()), ..Placement::default() };
    match what {
        0..=2 => arrival(visitor, Mode::Full, received, vec![view(&own, at, who)]),
        3 => {
            let cta = Detail::CtaClick(Cta { cta: "hero".to_owned(), href: None });
            arrival(visitor, Mode::Full, received, vec![event(&own, 20 + number, at, cta)])
        }
        4 if who < 2 => arrival(visitor, Mode::Full, received, vec![lead(&own, number, at, index)]),
        4 | 5 => {
            let (one, other) = (format!("a{page}"), format!("a{}", page + 1));
            arrival(None, Mode::Anonymous, received, vec![view(&one, at, who), view(&other, at, who)])
        }
        6 => arrival(None, Mode::Anonymous, received, vec![lead(&format!("a{page}"), number, at, index)]),
        7 => arrival(None, Mode::Off, received, vec![lead(&format!("o{page}"), number, at, index)]),
        8 => Entry::Pixel(Pixel {
            at: received,
            kind: PixelKind::Imp,
            placement,
            message: None,
            user_agent: None,
            datacentre: false,
        }),
        9 => Entry::LinkClick(LinkClick {
            at: received,
            link: "l".to_owned(),
            placement,
            user_agent: None,
            datacentre: false,
        }),
        15 => erased::entry(index, who, received),
        16 => Entry::Lease(Lease {
            number: format!("+3490011100{number}"),
            visitor: Id::parse(&format!("v{who}")).unwrap(),
            at: received,
        }),
        17 => chats::message(index, (who, page, number, day), (at, received)),
        18 => arrival(visitor, Mode::Full, received, vec![chats::click(&own, page, 40 + number, at)]),
        10 => Entry::Stage(StageMove {
            lead: LeadId::of_event(&format!("p{}{page}d{}-{}", who % 2, day / 3, 10 + number)),
            stage: "mql".to_owned(),
            at,
            received_at: received,
            note: reference(index),
            external_id: None,
        }),
        11 => {
            let detail = Detail::Purchase {
                order_id: format!("o{number}"),
                amount: 100 + i64::from(page),
                currency: "EUR".to_owned(),
                items: Vec::new(),
            };
            arrival(visitor, Mode::Full, received, vec![event(&own, 30 + number, at, detail)])
        }
        12 => {
            let external_id = format!("crm{who}{page}{}", day / 20);
            let event = (who == 1).then(|| format!("p{}{page}d{}-{}", who % 2, day / 3, 10 + number));
            let lead = event.as_deref().map(LeadId::of_event);
            Entry::Lead(LeadIn {
                lead: lead.unwrap_or_else(|| LeadId::of_record("lead", &external_id)),
                kind: LeadKind::Call,
                at,
                received_at: received,
                external_id,
                visitor: if who > 1 { visitor.and_then(Id::parse) } else { None },
                inferred: false,
                came: None,
                event,
                personal: Personal {
                    vault: Some(reference(index)),
                    identifiers: vec![Identifier { kind: IdentifierKind::Phone, token: Token([page; 16]) }],
                },
                consent: None,
                flags: Vec::new(),
            })
        }
        13 => Entry::Sale(Sale {
            lead: match page % 2 {
                0 => LeadId::of_record("lead", &format!("crm{who}{page}{}", day / 20)),
                _ => LeadId::of_event(&format!("p{}{page}d{}-{}", who % 2, day / 3, 10 + number)),
            },
            at,
            received_at: received,
            amount: 100,
            currency: "EUR".to_owned(),
            external_id: format!("o{number}"),
            refund_of: None,
        }),
        _ => {
            let id = EventId::Opaque(Id::parse(&format!("x{who}{page}{number}")).unwrap());
            let detail = Detail::PageLeave { engaged_ms: 5, scroll_pct: 1, title: None };
            let page = Id::parse(&own).unwrap();
            arrival(visitor, Mode::Full, received, vec![Event { id, page, at, raw_at: None, detail }])
        }
    }
}

fn append(index: usize, entry: Entry) -> Append {
    let sealed = Sealed { key: vec![1; 40], value: vec![2; 60] };
    let seals = match entry.references().is_empty() {
        true => Vec::new(),
        false => vec![Seal { event: 0, reference: reference(index), sealed, lookups: Vec::new() }],
    };
    Append { seals, ..Append::of(SITE, entry) }
}

/// A store in which all of it happened, in the order in which it was received, and was derived.
async fn filled(happenings: &[Happening]) -> (Memory, Arc<dyn Store>, Vec<Entry>) {
    let memory = Memory::default();
    let store: Arc<dyn Store> = Arc::new(KvStore::open(memory.clone()).unwrap());
    let put = SitePut { slug: "acme".to_owned(), at: 0, config: config() };
    store.append(Append::of(HOUSE, Entry::Site(put))).await.unwrap();
    let mut entries: Vec<Entry> =
        happenings.iter().enumerate().map(|(index, happening)| entry(index, *happening)).collect();
    entries.sort_by_key(Entry::received_at);
    for entry in &entries {
        let index = entry
            .references()
            .first()
            .map_or(0, |reference| u64::from_be_bytes(reference.0[..8].try_into().unwrap()) as usize);
        store.append(append(index, entry.clone())).await.unwrap();
    }
    follow(&store).await;
    (memory, store, entries)
}

async fn follow(store: &Arc<dyn Store>) {
    Follower::new(Arc::clone(store), Arc::default()).0.catch_up().await.unwrap();
}

async fn sites(store: &dyn Store) -> Vec<Arc<Site>> {
    let directory = Directory::default();
    directory.refresh(store).await.unwrap();
    directory.sites()
}

/// Passes to the end, `facts` at a time; cut off once after `cut` steps.
async fn retain(store: &dyn Store, facts: usize, cut: usize) {
    let sites = sites(store).await;
    let mut retention = noticed(facts, store, &sites, NOW).await;
    for _ in 0..cut {
        retention.step(store, &sites, NOW).await.unwrap();
    }
    let mut retention = noticed(facts, store, &sites, NOW).await;
    while retention.step(store, &sites, NOW).await.unwrap() {}
}

/// A retention that noticed an hour ago what is due.
async fn noticed(facts: usize, store: &dyn Store, sites: &[Arc<Site>], now: i64) -> Retention {
    let mut retention = Retention::in_steps_of(facts);
    assert!(!retention.step(store, sites, now - NOTICE_MS).await.unwrap(), "not at once");
    retention
}

type Counts = BTreeMap<Option<Cell>, (Tally, (u64, u64))>;

/// Every cell with its sums and visitors, and the visitors of all together.
async fn counts(store: &dyn Store) -> Counts {
    let mut sums: BTreeMap<Option<Cell>, Sum> = BTreeMap::new();
    for ctas in [false, true] {
        for rollup in store.rollups(SITE, ctas, -1000, 100_000).await.unwrap() {
            sums.entry(Some(rollup.cell().clone())).or_default().add(&rollup);
            sums.entry(None).or_default().add(&rollup);
        }
    }
    let sums = sums.into_iter().map(|(cell, sum)| (cell, (sum.tally, sum.visitors())));
    sums.filter(|(_, (tally, visitors))| !tally.is_empty() || *visitors != (0, 0)).collect()
}

async fn rebuilt(store: &Arc<dyn Store>) -> Vec<u8> {
    store.reset(SITE).await.unwrap();
    follow(store).await;
    store.dump(SITE).await.unwrap()
}

/// The log, and all that belongs to it.
fn base(memory: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs = memory.scan(&[], &[0xff; 8], usize::MAX).unwrap();
    pairs.retain(|(key, _)| !keys::is_derived(key));
    pairs
}

fn assert_same(one: &[(Vec<u8>, Vec<u8>)], other: &[(Vec<u8>, Vec<u8>)]) {
    let differs: Vec<String> = one
        .iter()
        .filter(|pair| !other.contains(pair))
        .chain(other.iter().filter(|pair| !one.contains(pair)))
        .map(|(key, _)| keys::name(key))
        .collect();
    assert_eq!(differs, [""; 0]);
}

fn check_site(memory: &Memory) -> check::Report {
    check::site(&Arc::new(memory.clone()), SITE, |_| {}).unwrap()
}

/// What must be gone is gone, and what must be there is there.
async fn assert_kept_as_asked(store: &dyn Store, entries: &[Entry]) {
    let cutoffs = config().retention.cutoffs(NOW, &calendar::zone("UTC"));
    let left = store.read(SITE, 0, usize::MAX).await.unwrap();
    let all_of = |visitor: &Id| -> Vec<&Entry> {
        let is_of_visitor = |entry: &&Entry| matches!(entry, Entry::Arrival(arrival) if arrival.visitor.as_ref() == Some(visitor));
        entries.iter().filter(is_of_visitor).collect()
    };
    let has_lead = |entry: &&Entry| matches!(entry, Entry::Arrival(arrival) if arrival.events.iter().any(|event| event.detail.lead().is_some()));
    let is_signed = |entry: &Entry| matches!(entry, Entry::Arrival(arrival) if arrival.events.iter().any(|event| event.detail.personal().is_some_and(|personal| !personal.identifiers.is_empty())));
    for stored in &left {
        match stored.entry.as_ref() {
            Entry::Pixel(Pixel { at, .. }) | Entry::LinkClick(LinkClick { at, .. }) => {
                assert!(*at >= cutoffs.events);
            }
            Entry::Arrival(Arrival { visitor: Some(visitor), .. }) => {
                let is_told = |entry: &Entry| matches!(entry, Entry::Lead(lead) if lead.visitor.as_ref() == Some(visitor));
                if all_of(visitor).into_iter().any(is_signed) || entries.iter().any(is_told) {
                    // Somebody whom evidence ties to them may be there still: what a rebuild says tells.
                    continue;
                }
                let cutoff =
                    if all_of(visitor).iter().any(has_lead) { cutoffs.leads } else { cutoffs.events };
                let stage = entries.iter().any(|entry| {
                    Record::of(entry).is_some() && entry.received_at().is_some_and(|at| at >= cutoff)
                });
                let last = all_of(visitor).into_iter().filter_map(Entry::received_at).max();
                assert!(last >= Some(cutoff) || stage, "{visitor} was last seen before {cutoff}");
            }
            Entry::Arrival(arrival) if arrival.mode == Mode::Off => {
                assert!(arrival.received_at >= cutoffs.leads);
            }
            _ => {}
        }
        for reference in stored.entry.references() {
            assert!(store.sealed(SITE, reference).await.unwrap().is_some(), "its contact is there");
        }
    }
    let kept: BTreeSet<VaultRef> = left.iter().flat_map(|stored| stored.entry.references()).collect();
    let mut seen = BTreeSet::new();
    for entry in entries {
        for reference in entry.references().into_iter().filter(|reference| !kept.contains(reference)) {
            assert!(store.sealed(SITE, reference).await.unwrap().is_none(), "contacts go with their leads");
        }
        let is_fresh = entry.received_at().is_some_and(|at| at >= cutoffs.events.max(cutoffs.leads));
        let Entry::Arrival(arrival) = entry else { continue };
        for id in arrival.events.iter().map(Event::id_text) {
            let is_left = left.iter().any(|stored| {
                matches!(stored.entry.as_ref(), Entry::Arrival(left) if left.events.iter().any(|event| event.id_text() == id))
            });
            assert!(!seen.insert(id.clone()) || !is_fresh || is_left, "{id} is fresh, and gone");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_number_changes_and_what_is_left_derives_what_is_left(
        happenings in prop::collection::vec(happening(), 1..60),
        later in prop::collection::vec(happening(), 0..6),
        cut in 0usize..8,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (memory, store, entries) = filled(&happenings).await;
            let (before, ledger) = (counts(store.as_ref()).await, store.ledger(SITE).await.unwrap());
            let head = store.head(SITE);
            retain(store.as_ref(), 1000, 0).await;
            assert_eq!(counts(store.as_ref()).await, before);
            assert_eq!(store.ledger(SITE).await.unwrap(), ledger);
            assert_kept_as_asked(store.as_ref(), &entries).await;
            let report = check_site(&memory);
            assert_eq!((report.fault, report.facts), (None, head));
            let left = store.dump(SITE).await.unwrap();
            assert_eq!(rebuilt(&store).await, left);
            assert_eq!(counts(store.as_ref()).await, before, "a rebuild begins with what was counted");

            // Cut off on the way, and in other steps, it comes to the very same store.
            let (other_memory, other, _) = filled(&happenings).await;
            retain(other.as_ref(), 3, cut).await;
            assert_same(&base(&other_memory), &base(&memory));
            assert!(other.dump(SITE).await.unwrap() == left, "what is derived");

            // An id counts once for ever, also in a store made of an archive of this one.
            let (copied_memory, copied) = carried(store.as_ref()).await;
            assert_eq!(copied.dump(SITE).await.unwrap(), left);
            assert_eq!(counts(copied.as_ref()).await, before);
            assert_eq!(check_site(&copied_memory).fault, None);
            for store in [&store, &copied] {
                for entry in entries.iter().filter(|entry| matches!(entry, Entry::Arrival(_))) {
                    let appended = store.append(Append::of(SITE, entry.clone())).await.unwrap();
                    assert!(appended.verdicts.iter().all(|verdict| *verdict == Verdict::Duplicate));
                }
            }

            // Life goes on.
            for (index, happening) in later.iter().enumerate() {
                let (what, who, page, number, day, late) = *happening;
                store.append(append(900 + index, entry(900 + index, (what, who, page, number, day + 121, late)))).await.unwrap();
            }
            follow(&store).await;
            let after = store.dump(SITE).await.unwrap();
            assert_eq!(rebuilt(&store).await, after);
        });
    }
}

#[tokio::test]
async fn a_visitor_who_came_back_stays_one_visitor_and_is_found_by_number() {
    let came = [(0, 3, 0, 0, 0, 0), (0, 3, 0, 0, 119, 0)];
    let (_, store, _) = filled(&came).await;
    let visitor = Id::parse("v3").unwrap();
    assert_eq!(store.numbered(SITE, vec![1]).await.unwrap(), [(1, visitor.clone())]);
    let before = counts(store.as_ref()).await;
    retain(store.as_ref(), 1000, 0).await;
    assert_eq!(counts(store.as_ref()).await, before);
    assert_eq!(before[&None].1, (1, 0), "of two days, and one visitor");
    assert_eq!(store.journey(SITE, &Subject::Visitor(visitor.clone())).await.unwrap().len(), 1);
    assert_eq!(store.numbered(SITE, vec![1]).await.unwrap(), [(1, visitor)]);
    assert_eq!(store.sealed_status(SITE).await.unwrap().facts, 1);
}

#[tokio::test]
async fn a_lead_keeps_its_journey_for_as_long_as_something_happens_about_it() {
    let visit = (0, 0, 0, 0, 0, 0);
    let lead = (4, 0, 0, 0, 0, 0);
    let moved = (10, 0, 0, 0, 1, 0);
    for (moved, leads) in [(None, 0), (Some((moved.4, 0)), 0), (Some((1, 1)), 0), (Some((2, 4)), 1)] {
        let mut happenings = vec![visit, lead];
        happenings.extend(moved.map(|(day, late)| (10, 0, 0, 0, day, late)));
        let (_, store, _) = filled(&happenings).await;
        retain(store.as_ref(), 1000, 0).await;
        let page =
            store.leads(SITE, crate::store::LeadQuery { limit: 9, ..Default::default() }).await.unwrap();
        let journey = store.journey(SITE, &Subject::Visitor(Id::parse("v0").unwrap())).await.unwrap();
        assert_eq!((page.items.len(), journey.len()), (leads, leads * 2), "{moved:?}");
        assert_eq!(store.sealed_status(SITE).await.unwrap().leads, 1 - leads as u64);
    }
}

#[tokio::test]
async fn nothing_is_sealed_while_an_archive_is_made_or_before_it_is_counted() {
    let (_, store, _) = filled(&[(0, 3, 0, 0, 0, 0)]).await;
    let sites = sites(store.as_ref()).await;
    let hold = store.hold().await;
    let mut retention = noticed(1000, store.as_ref(), &sites, NOW).await;
    let busy = retention.step(store.as_ref(), &sites, NOW).await;
    assert!(matches!(busy, Err(StoreError::Busy)), "{busy:?}");
    drop(hold);
    store.forget_counters(SITE, counters::NAME).await.unwrap();
    assert!(!retention.step(store.as_ref(), &sites, NOW).await.unwrap());
    assert_eq!(store.sealed_status(SITE).await.unwrap().facts, 0);
    follow(&store).await;
    assert!(retention.step(store.as_ref(), &sites, NOW).await.unwrap());
    assert_eq!(store.sealed_status(SITE).await.unwrap().facts, 1);
}

#[tokio::test]
async fn a_pass_comes_once_a_day_and_when_something_else_is_to_be_kept() {
    const HOUR: i64 = NOTICE_MS;
    let (_, store, _) = filled(&[(0, 3, 0, 0, 0, 0)]).await;
    let known = sites(store.as_ref()).await;
    let mut retention = noticed(1000, store.as_ref(), &known, NOW).await;
    assert!(retention.step(store.as_ref(), &known, NOW).await.unwrap());
    let next = NOW + DAY;
    for (at, passes) in [
        (NOW, false),
        (next - 1, false),
        (next, false),
        (next + HOUR - 1, false),
        (next + HOUR, true),
        (next + 2 * HOUR, false),
    ] {
        assert_eq!(retention.step(store.as_ref(), &known, at).await.unwrap(), passes, "{at}");
    }
    let keep = |events_months| async move {
        let retention = Policy { events_months, leads_months: None };
        SitePut { slug: "acme".to_owned(), at: 1, config: SiteConfig { retention, ..config() } }
    };
    for months in [Some(7), None] {
        store.append(Append::of(HOUSE, Entry::Site(keep(months).await))).await.unwrap();
        let changed = sites(store.as_ref()).await;
        let at = next + 3 * HOUR;
        assert!(!retention.step(store.as_ref(), &changed, at).await.unwrap());
        if months.is_none() {
            assert!(!retention.step(store.as_ref(), &changed, at + HOUR - 1).await.unwrap(), "noticed anew");
            assert!(retention.step(store.as_ref(), &changed, at + HOUR).await.unwrap());
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_for_a_moment_costs_nothing() {
    let (_, store, _) = filled(&[(0, 3, 0, 0, 118, 0)]).await;
    let known = sites(store.as_ref()).await;
    let mut retention = Retention::default();
    let wrong = NOW + 3_000 * DAY;
    for at in [wrong, wrong + 1_000, NOW, NOW + 1_000, wrong + 2_000, NOW + 2_000, NOW + NOTICE_MS] {
        assert!(!retention.step(store.as_ref(), &known, at).await.unwrap(), "{at}");
    }
    assert!(retention.step(store.as_ref(), &known, NOW + NOTICE_MS + 2_000).await.unwrap());
    assert_eq!(store.sealed_status(SITE).await.unwrap().facts, 0);
}

mod chats;
mod copies;
mod erased;

use self::copies::carried;
