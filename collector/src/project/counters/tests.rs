//! Counters depend on the facts alone: not on their order, on second copies, or on steps.

use proptest::prelude::*;
use wire::beacon::Mode;

use super::*;
use crate::{
    domain::{
        event::{Cta, Detail, Event, LeadKind, Personal, Submission},
        fact::{Arrival, HOUSE},
        id::{EventId, Id},
        promotion::Pixel,
        site::SitePut,
    },
    project::{directory::Directory, follow::Follower},
    store::{Append, kv::KvStore, memory::Memory, rollup::Sum},
};

const SITE: SiteNumber = 1;
const MINUTE: i64 = 60_000;
/// 2026-11-22 22:00 UTC.
const START: i64 = 1_795_384_800_000;

async fn store() -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(KvStore::open(Memory::default()).unwrap());
    configure(store.as_ref(), SiteConfig::default()).await;
    store
}

async fn configure(store: &dyn Store, config: SiteConfig) {
    let config = SiteConfig { domains: vec!["example.com".to_owned()], ..config };
    let put = SitePut { slug: "acme".to_owned(), at: 0, config };
    store.append(Append::of(HOUSE, Entry::Site(put))).await.unwrap();
}

fn follower(store: &Arc<dyn Store>) -> Follower {
    Follower::new(Arc::clone(store), Arc::new(Directory::default())).0
}

fn event(page: &str, n: u16, at: i64, detail: Detail) -> Event {
    Event { id: EventId::Numbered(n), page: Id::parse(page).unwrap(), at: START + at, raw_at: None, detail }
}

fn view(page: &str, at: i64, query: &str) -> Event {
    let url = format!("https://example.com/?{query}");
    event(page, 0, at, Detail::PageView { url, title: None, referrer: None })
}

fn lead(page: &str, n: u16, at: i64) -> Event {
    let personal = Personal::default();
    let lead = Submission { kind: LeadKind::Form, personal, consent: None, magnet: None, flags: Vec::new() };
    let detail =
        Detail::FormSubmit { form: "f".to_owned(), fields_filled: None, inferred: false, lead: Some(lead) };
    event(page, n, at, detail)
}

fn arrival(visitor: Option<&str>, mode: Mode, user_agent: Option<&str>, events: Vec<Event>) -> Entry {
    Entry::Arrival(Arrival {
        user_agent: user_agent.map(str::to_owned),
        ..Arrival::bare(visitor.and_then(Id::parse), mode, START, events)
    })
}

/// What happened, one event at a time: two visitors of several visits, a page of nobody's, a program, a lead alone.
fn happenings() -> Vec<Entry> {
    let cta = || Detail::CtaClick(Cta { cta: "hero".to_owned(), href: None });
    let google = "utm_source=google&utm_medium=cpc&utm_campaign=otono";
    let ana = vec![
        view("a1", 0, google),
        event("a1", 1, MINUTE, cta()),
        view("a2", 20 * MINUTE, ""),
        lead("a2", 1, 50 * MINUTE),
        view("a3", 200 * MINUTE, "utm_source=news&utm_medium=email"),
        event("a3", 1, 201 * MINUTE, cta()),
    ];
    let ben =
        vec![view("b1", 10 * MINUTE, google), view("b2", 45 * MINUTE, ""), view("b3", 2000 * MINUTE, "")];
    let of = |visitor: &'static str, agent: Option<&'static str>, events: Vec<Event>| {
        events.into_iter().map(move |event| arrival(Some(visitor), Mode::Full, agent, vec![event]))
    };
    let mut all: Vec<Entry> = of("ana", None, ana).chain(of("ben", None, ben)).collect();
    all.extend(of("robot", Some("curl/8.5.0"), vec![view("r1", 0, google)]));
    all.push(arrival(None, Mode::Anonymous, None, vec![view("n1", 0, google)]));
    all.push(arrival(None, Mode::Anonymous, None, vec![lead("n1", 1, MINUTE)]));
    all.push(arrival(None, Mode::Off, None, vec![lead("o1", 1, MINUTE)]));
    all
}

/// Every cell with its sums, its different visitors, and those with a lead.
async fn counts(store: &dyn Store) -> BTreeMap<Cell, (Tally, (u64, u64))> {
    let mut sums: BTreeMap<Cell, Sum> = BTreeMap::new();
    for ctas in [false, true] {
        for rollup in store.rollups(SITE, ctas, -1000, 100_000).await.unwrap() {
            sums.entry(rollup.cell().clone()).or_default().add(&rollup);
        }
    }
    sums.into_iter().map(|(cell, sum)| (cell, (sum.tally, sum.visitors()))).collect()
}

async fn append(store: &dyn Store, entry: &Entry) {
    store.append(Append::of(SITE, entry.clone())).await.unwrap();
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What the happenings come to, in the order in which they happened, counted in one go.
fn expected() -> BTreeMap<Cell, (Tally, (u64, u64))> {
    block_on(async {
        let store = store().await;
        for entry in happenings() {
            append(store.as_ref(), &entry).await;
        }
        follower(&store).catch_up().await.unwrap();
        let counts = counts(store.as_ref()).await;
        store.close().await;
        counts
    })
}

#[test]
fn the_whole_is_what_happened() {
    let mut people = Tally::default();
    let (mut visitors, mut with_lead) = (0, 0);
    for (cell, (tally, (v, l))) in expected() {
        if cell.class.is_empty() && cell.cta.is_none() {
            people.add(&tally, 1);
            visitors += v;
            with_lead += l;
        }
    }
    // Ana: two visits; Ben: three, for he paused; the nobody and the lead alone each left a lead, as did Ana.
    assert_eq!((people.visits, people.anonymous_visits, people.leads, people.cta_clicks), (5, 1, 3, 2));
    assert_eq!((visitors, with_lead), (5, 1), "by cell: Ana in two of them, Ben in three");
    assert!(expected().keys().any(|cell| cell.class == "crawler:^curl"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn order_copies_and_steps_make_no_difference(
        order in Just((0..happenings().len()).collect::<Vec<_>>()).prop_shuffle(),
        again in prop::collection::vec(0..happenings().len(), 0..8),
        steps in prop::collection::vec(any::<bool>(), 32),
    ) {
        let all = happenings();
        let expected = expected();
        block_on(async {
            let store = store().await;
            let mut follower = follower(&store);
            for (place, step) in order.iter().chain(&again).zip(steps) {
                append(store.as_ref(), &all[*place]).await;
                if step {
                    follower.catch_up().await.unwrap();
                }
            }
            follower.catch_up().await.unwrap();
            let found = counts(store.as_ref()).await;
            let dump = store.dump(SITE).await.unwrap();
            store.reset(SITE).await.unwrap();
            self::follower(&store).catch_up().await.unwrap();
            let again = store.dump(SITE).await.unwrap();
            store.close().await;
            prop_assert_eq!(found, expected);
            prop_assert!(dump == again, "made again, byte for byte");
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn another_time_zone_moves_visits_to_other_days_and_leaves_nothing_behind() {
    let store = store().await;
    for entry in happenings() {
        append(store.as_ref(), &entry).await;
    }
    let mut running = follower(&store);
    running.catch_up().await.unwrap();
    let madrid = counts(store.as_ref()).await;
    let utc = SiteConfig { timezone: "Pacific/Auckland".to_owned(), ..SiteConfig::default() };
    configure(store.as_ref(), utc).await;
    running.catch_up().await.unwrap();
    let auckland = counts(store.as_ref()).await;
    assert_ne!(auckland, madrid);
    configure(store.as_ref(), SiteConfig::default()).await;
    running.catch_up().await.unwrap();
    assert_eq!(counts(store.as_ref()).await, madrid);
}

#[tokio::test]
async fn ads_are_added_up_and_a_second_cost_takes_the_firsts_place() {
    let store = store().await;
    let mut follower = follower(&store);
    let placement = Placement {
        source: Some("google".to_owned()),
        medium: Some("cpc".to_owned()),
        campaign: Some("otono".to_owned()),
        ..Placement::default()
    };
    let pixel = |kind, user_agent: Option<&str>| {
        Entry::Pixel(Pixel {
            at: START,
            kind,
            placement: placement.clone(),
            message: None,
            user_agent: user_agent.map(str::to_owned),
            datacentre: false,
        })
    };
    for entry in [pixel(PixelKind::Imp, None), pixel(PixelKind::Imp, None), pixel(PixelKind::Open, None)] {
        append(store.as_ref(), &entry).await;
    }
    append(store.as_ref(), &pixel(PixelKind::Imp, Some("curl/8"))).await;
    let day = calendar::day_of(START, &calendar::zone("Europe/Madrid"));
    for (cost, impressions) in [(100, 7), (250, 9)] {
        append(
            store.as_ref(),
            &Entry::Cost(Cost {
                day,
                placement: placement.clone(),
                cost,
                currency: "EUR".to_owned(),
                impressions,
                clicks: 1,
                platform_conversions: None,
                received_at: START,
            }),
        )
        .await;
        follower.catch_up().await.unwrap();
    }
    let counts = counts(store.as_ref()).await;
    let people: Vec<_> = counts.iter().filter(|(cell, _)| cell.class.is_empty()).collect();
    assert_eq!(people.len(), 1, "{people:?}");
    let (cell, (tally, _)) = people[0];
    assert_eq!((cell.channel, cell.campaign.as_deref(), cell.day), (Channel::PaidSearch, Some("otono"), day));
    let expected = Tally {
        ad_views: 2,
        ad_views_imported: 9,
        ad_clicks_imported: 1,
        cost: 250,
        costs: 1,
        ..Tally::default()
    };
    assert_eq!(*tally, expected);
}

#[tokio::test]
async fn a_visitor_without_end_is_counted_up_to_the_limit_and_no_further() {
    let store = store().await;
    let first = arrival(Some("v"), Mode::Full, None, vec![view("p", 0, "")]);
    append(store.as_ref(), &first).await;
    for n in 1..=u16::try_from(ARRIVALS).unwrap_or(u16::MAX).min(4095) {
        let click = Detail::CtaClick(Cta { cta: "x".to_owned(), href: None });
        append(store.as_ref(), &arrival(Some("v"), Mode::Full, None, vec![event("p", n, 1, click)])).await;
    }
    let mut follower = follower(&store);
    follower.catch_up().await.unwrap();
    let before = counts(store.as_ref()).await;
    append(store.as_ref(), &arrival(Some("v"), Mode::Full, None, vec![view("q", 9000 * MINUTE, "")])).await;
    follower.catch_up().await.unwrap();
    assert_eq!(counts(store.as_ref()).await, before);
}
