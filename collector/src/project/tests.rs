//! What is derived depends on the facts alone: not on when, nor in how many steps, it was derived.

use std::sync::Arc;

use proptest::prelude::*;
use wire::beacon::Mode;

use super::{directory::Directory, follow::Follower, journeys};
use crate::{
    domain::{
        channel::Channel,
        event::{Detail, Event, Identifier, IdentifierKind, LeadKind, Personal, Submission},
        fact::{Arrival, EdgeMark, EmailLink, Entry, HOUSE, StageMove},
        id::{EventId, Id, LeadId, Token, VaultRef},
        identity::{EdgeId, Node},
        site::{SiteConfig, SitePut},
        standing::Lead,
    },
    store::{Append, Store, kv::KvStore, memory::Memory, poisoned::Poisoned},
};

const SITE: u32 = 1;
const MINUTE: i64 = 60_000;

async fn store_with_site(domains: &[&str]) -> (Arc<dyn Store>, Arc<Directory>) {
    let store: Arc<dyn Store> = Arc::new(KvStore::open(Memory::default()).unwrap());
    put_domains(store.as_ref(), domains).await;
    (store, Arc::new(Directory::default()))
}

async fn put_domains(store: &dyn Store, domains: &[&str]) {
    let config =
        SiteConfig { domains: domains.iter().map(ToString::to_string).collect(), ..SiteConfig::default() };
    let put = SitePut { slug: "acme".to_owned(), at: 0, config };
    store.append(Append::of(HOUSE, Entry::Site(put))).await.unwrap();
}

fn page_view(page: &str, at: i64, url: &str, referrer: Option<&str>) -> Event {
    let detail = Detail::PageView { url: url.to_owned(), title: None, referrer: referrer.map(str::to_owned) };
    Event { id: EventId::Numbered(0), page: Id::parse(page).unwrap(), at, raw_at: None, detail }
}

fn lead(page: &str, number: u16, at: i64) -> Event {
    let lead = Submission {
        kind: LeadKind::Callback,
        personal: Personal::default(),
        consent: None,
        magnet: None,
        flags: Vec::new(),
    };
    let detail = Detail::FormSubmit {
        form: "callback".to_owned(),
        fields_filled: None,
        inferred: false,
        lead: Some(lead),
    };
    Event { id: EventId::Numbered(number), page: Id::parse(page).unwrap(), at, raw_at: None, detail }
}

fn arrival(visitor: Option<&str>, mode: Mode, received_at: i64, events: Vec<Event>) -> Entry {
    Entry::Arrival(Arrival::bare(visitor.and_then(Id::parse), mode, received_at, events))
}

async fn add(store: &dyn Store, entry: Entry) {
    store.append(Append::of(SITE, entry)).await.unwrap();
}

async fn the_lead(store: &dyn Store, event: &str) -> Lead {
    store.lead(SITE, &LeadId::of_event(event)).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_late_page_view_changes_where_a_lead_came_from() {
    let (store, directory) = store_with_site(&["example.com"]).await;
    let (mut follower, _) = Follower::new(Arc::clone(&store), directory);
    let direct = page_view("p2", 10 * MINUTE, "https://example.com/", None);
    add(store.as_ref(), arrival(Some("v"), Mode::Full, 0, vec![direct, lead("p2", 1, 11 * MINUTE)])).await;
    follower.catch_up().await.unwrap();
    assert_eq!(the_lead(store.as_ref(), "p2-1").await.origin.first.channel, Channel::Direct);

    let late = page_view("p1", 0, "https://example.com/?gclid=x", None);
    add(store.as_ref(), arrival(Some("v"), Mode::Full, 1, vec![late])).await;
    follower.catch_up().await.unwrap();
    let origin = the_lead(store.as_ref(), "p2-1").await.origin;
    assert_eq!(origin.first.channel, Channel::PaidSearch);
    assert_eq!(origin.last_non_direct.click_ids["gclid"], "x");

    let after = page_view("p3", 12 * MINUTE, "https://example.com/?utm_source=news&utm_medium=email", None);
    add(store.as_ref(), arrival(Some("v"), Mode::Full, 2, vec![after])).await;
    follower.catch_up().await.unwrap();
    assert_eq!(
        the_lead(store.as_ref(), "p2-1").await.origin,
        origin,
        "what came later did not bring the lead"
    );
}

#[tokio::test]
async fn what_was_derived_and_lost_with_a_failing_disk_is_derived_again() {
    let engine = Poisoned::default();
    let store: Arc<dyn Store> = Arc::new(KvStore::open(engine.clone()).unwrap());
    put_domains(store.as_ref(), &["example.com"]).await;
    let (mut follower, progress) = Follower::new(Arc::clone(&store), Arc::default());
    let page = page_view("p", 0, "https://example.com/?gclid=x", None);
    add(store.as_ref(), arrival(Some("v"), Mode::Full, 0, vec![page, lead("p", 1, 5)])).await;
    follower.catch_up().await.unwrap();
    let (derived, changes) = (store.dump(SITE).await.unwrap(), store.changes());
    // Nothing was appended since, so nothing synced it.
    engine.fill(true);
    assert!(store.probe().await.is_err());
    engine.fill(false);
    engine.recovered(store.as_ref()).await;
    assert!(store.lead(SITE, &LeadId::of_event("p-1")).await.unwrap().is_none(), "it was lost");

    assert!(changes.has_changed().unwrap(), "whoever follows is woken");
    follower.catch_up().await.unwrap();
    assert_eq!(store.dump(SITE).await.unwrap(), derived);
    assert_eq!((progress.reached(SITE), progress.counted(SITE)), (2, 2));
}

#[tokio::test]
async fn a_lead_alone_has_no_journey_and_says_why() {
    let (store, directory) = store_with_site(&[]).await;
    let (mut follower, _) = Follower::new(Arc::clone(&store), directory);
    add(store.as_ref(), arrival(None, Mode::Off, 0, vec![lead("p", 1, 5)])).await;
    follower.catch_up().await.unwrap();
    let lead = the_lead(store.as_ref(), "p-1").await;
    assert_eq!((lead.subject, lead.origin.first.reason.as_deref()), (None, Some("no_consent")));
    assert_eq!(lead.origin.first.channel, Channel::Unknown);
}

#[tokio::test]
async fn new_domains_apply_to_all_of_history_also_after_a_restart() {
    let (store, directory) = store_with_site(&["example.com"]).await;
    let referred = page_view("p", 0, "https://example.com/", Some("https://tienda.example.net/carro"));
    add(store.as_ref(), arrival(Some("v"), Mode::Full, 0, vec![referred, lead("p", 1, 5)])).await;
    let (mut follower, _) = Follower::new(Arc::clone(&store), directory);
    follower.catch_up().await.unwrap();
    assert_eq!(the_lead(store.as_ref(), "p-1").await.origin.first.channel, Channel::Referral);

    put_domains(store.as_ref(), &["example.com", "example.net"]).await;
    let (mut restarted, _) = Follower::new(Arc::clone(&store), Arc::default());
    restarted.catch_up().await.unwrap();
    assert_eq!(the_lead(store.as_ref(), "p-1").await.origin.first.channel, Channel::Direct);
}

#[tokio::test]
async fn the_latest_move_counts_in_whatever_order_they_are_told() {
    let (store, directory) = store_with_site(&[]).await;
    let (mut follower, _) = Follower::new(Arc::clone(&store), directory);
    add(store.as_ref(), arrival(Some("v"), Mode::Full, 0, vec![lead("p", 0, 100)])).await;
    for (stage, at) in [("sql", 300), ("mql", 200), ("lead", 50)] {
        let stage = StageMove {
            lead: LeadId::of_event("p-0"),
            stage: stage.to_owned(),
            at,
            received_at: 400,
            note: VaultRef([0; 16]),
            external_id: None,
        };
        add(store.as_ref(), Entry::Stage(stage)).await;
        follower.catch_up().await.unwrap();
    }
    let lead = the_lead(store.as_ref(), "p-0").await;
    assert_eq!((lead.stage.as_str(), lead.stage_at, lead.updated_at), ("sql", 300, 400));
    assert_eq!(store.records(SITE, &lead.id).await.unwrap().len(), 3);
}

#[tokio::test]
async fn two_projectors_do_not_work_on_one_site() {
    let (store, directory) = store_with_site(&[]).await;
    add(store.as_ref(), arrival(Some("v"), Mode::Full, 0, vec![lead("p", 0, 1)])).await;
    let (mut first, _) = Follower::new(Arc::clone(&store), Arc::clone(&directory));
    first.catch_up().await.unwrap();
    let again = journeys::step(store.as_ref(), SITE, &SiteConfig::default(), 0).await;
    assert!(again.is_err(), "a projector that stands elsewhere is fenced");
}

type Beacon = (u8, u8, u16, i64, u8);

/// A beacon of a small world: three visitors (and nobody in particular), few pages, close times, few names. Of `what`
/// is below 8, but not all of it can happen in any order.
fn beacons(what: std::ops::Range<u8>) -> impl Strategy<Value = Vec<Beacon>> {
    prop::collection::vec((0u8..4, 0u8..6, 0u16..8, 0i64..90, what), 1..25)
}

fn known_by(kind: IdentifierKind, name: u8) -> Identifier {
    // A token is one identifier's.
    Identifier { kind, token: Token([name + 16 * kind as u8; 16]) }
}

/// By what the sender of a form is known: some by nothing, some by two things.
fn signed(page: u8, number: u16) -> Vec<Identifier> {
    let all = [known_by(IdentifierKind::Email, page % 4), known_by(IdentifierKind::Phone, page % 3)];
    all.into_iter().skip(usize::from(number % 3)).collect()
}

fn entry(index: usize, (visitor, page, number, minute, what): Beacon) -> Entry {
    let (name, who) = (page, visitor);
    let visitor = (visitor > 0).then(|| format!("v{visitor}"));
    let mode = if visitor.is_some() { Mode::Full } else { Mode::Anonymous };
    let page = format!("p{page}{}", visitor.as_deref().unwrap_or("x"));
    let at = minute * MINUTE;
    let event = match what {
        0 => page_view(&page, at, "https://example.com/?utm_source=a&utm_medium=cpc", None),
        1 => page_view(&page, at, "https://example.com/", Some("https://www.google.com/")),
        2 => page_view(&page, at, "https://example.com/x", Some("https://example.com/")),
        3 => {
            let detail = Detail::FormSuccess { form: "callback".to_owned(), submit: format!("{page}-7") };
            Event { id: EventId::Numbered(number), page: Id::parse(&page).unwrap(), at, raw_at: None, detail }
        }
        4 | 5 => {
            let mut lead = lead(&page, number, at);
            if let Some(personal) = lead.detail.personal_mut() {
                personal.identifiers = signed(name, number);
            }
            lead
        }
        6 => {
            let user = known_by(IdentifierKind::UserId, name % 2);
            let personal = Personal { vault: None, identifiers: vec![user] };
            let id = EventId::Numbered(number);
            let detail = Detail::Identify { personal };
            Event { id, page: Id::parse(&page).unwrap(), at, raw_at: None, detail }
        }
        _ => {
            let node = Node::Visitor(Id::parse(&format!("v{who}")).unwrap());
            let other = Node::Identifier(signed(name, 0)[0]);
            return Entry::EdgeMark(EdgeMark {
                edge: EdgeId::of(&format!("{page}-{number}"), &node, &other),
                active: minute % 3 == 0,
                received_at: i64::try_from(index).unwrap(),
                note: VaultRef([0; 16]),
            });
        }
    };
    let mut entry = arrival(visitor.as_deref(), mode, i64::try_from(index).unwrap(), vec![event]);
    if let (2, Entry::Arrival(arrival)) = (what, &mut entry) {
        // Half of them were opened by a link in a message.
        let link = EmailLink { event: format!("{page}-0"), identifier: signed(name, 0)[0], vault: None };
        arrival.email_link = visitor.filter(|_| minute % 2 == 0).map(|_| link);
    }
    entry
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_rebuild_gives_the_same_bytes(beacons in beacons(0..8), pauses in prop::collection::vec(any::<bool>(), 25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (store, directory) = store_with_site(&["example.com"]).await;
            let (mut follower, _) = Follower::new(Arc::clone(&store), Arc::clone(&directory));
            for (index, beacon) in beacons.into_iter().enumerate() {
                add(store.as_ref(), entry(index, beacon)).await;
                if pauses[index] {
                    follower.catch_up().await.unwrap();
                }
            }
            follower.catch_up().await.unwrap();
            let step_by_step = store.dump(SITE).await.unwrap();
            store.reset(SITE).await.unwrap();
            let (mut anew, _) = Follower::new(Arc::clone(&store), directory);
            anew.catch_up().await.unwrap();
            let at_once = store.dump(SITE).await.unwrap();
            assert!(!at_once.is_empty());
            assert_eq!(step_by_step, at_once);
        });
    }
}

/// The visits and events of every visitor, and where every lead came from: as text, to be compared.
async fn told(store: &dyn Store) -> String {
    let mut told = String::new();
    let domains = ["example.com".to_owned()];
    for visitor in ["v1", "v2", "v3"] {
        let subject = crate::domain::fact::Subject::Visitor(Id::parse(visitor).unwrap());
        let arrivals = store.journey(SITE, &subject).await.unwrap();
        let timeline = crate::domain::visit::timeline(journeys::seen(&arrivals, &subject), &domains);
        let events: Vec<_> =
            timeline.entries.iter().map(|entry| (entry.visit, entry.touch, entry.seen.event)).collect();
        told.push_str(&format!("{visitor}: {:?} {events:?}\n", timeline.visits));
    }
    let leads =
        store.leads(SITE, crate::store::LeadQuery { limit: 500, ..Default::default() }).await.unwrap();
    for lead in leads.items {
        let Lead { id, person, duplicate_of, confirmed, origin, .. } = lead;
        told.push_str(&format!("{id}: {person} {duplicate_of:?} {confirmed} {origin:?}\n"));
    }
    let refused = store.conflicts(SITE, None, 500).await.unwrap();
    told.push_str(&format!("{refused:?}"));
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_and_any_copies_of_the_same_events_give_the_same_journeys(
        (beacons, others) in beacons(0..7).prop_flat_map(|beacons| {
            // An id says one thing: of two events with one id the first would count, and that is another matter.
            let mut known = std::collections::BTreeSet::new();
            let beacons: Vec<_> = beacons
                .into_iter()
                .filter(|(visitor, page, number, _, what)| {
                    let number = if *what < 3 { 0 } else { *number };
                    known.insert((*visitor, *page, number))
                })
                .collect();
            let copies = prop::collection::vec(0..beacons.len(), 0..10);
            (Just(beacons), copies).prop_flat_map(|(beacons, copies)| {
                let mut more = beacons.clone();
                more.extend(copies.into_iter().map(|index| beacons[index]));
                (Just(beacons), Just(more).prop_shuffle())
            })
        }),
        pauses in prop::collection::vec(any::<bool>(), 40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut all = Vec::new();
            for beacons in [beacons, others] {
                let (store, directory) = store_with_site(&["example.com"]).await;
                let (mut follower, _) = Follower::new(Arc::clone(&store), Arc::clone(&directory));
                for (beacon, pause) in beacons.into_iter().zip(&pauses) {
                    add(store.as_ref(), entry(0, beacon)).await;
                    if *pause {
                        follower.catch_up().await.unwrap();
                    }
                }
                follower.catch_up().await.unwrap();
                all.push(told(store.as_ref()).await);
            }
            assert_eq!(all[0], all[1]);
        });
    }
}

mod erasure;
mod outbox;
