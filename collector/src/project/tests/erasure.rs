//! Somebody is forgotten: what is derived agrees whenever it is derived, and no number changes.

use super::*;
use crate::domain::counters::Tally;
use crate::{
    domain::{
        erasure::{Erased, ErasedLead},
        event::Flag,
        fact::Subject,
    },
    project::holdings::Holdings,
    store::LeadQuery,
};

/// Erases whoever a visitor is by what was appended so far.
async fn erase(store: &dyn Store, visitor: &str) {
    let Some(held) = Holdings::of(store, SITE, &SiteConfig::default(), visitor).await.unwrap() else {
        return;
    };
    let erased = Erased {
        id: format!("{visitor} {}", store.head(SITE)),
        at: 1_000,
        by: "t".to_owned(),
        visitors: held.visitors.clone(),
        leads: held.leads.iter().map(ErasedLead::from).collect(),
        tokens: held.tokens.iter().copied().collect(),
        ..Erased::default()
    };
    add(store, Entry::Erased(erased)).await;
}

async fn counters(store: &dyn Store) -> String {
    told(store, |tally| tally).await
}

/// What visits add up to; nothing of what leads do.
async fn visits(store: &dyn Store) -> String {
    let of_visits = |tally: Tally| Tally {
        visits: tally.visits,
        anonymous_visits: tally.anonymous_visits,
        leads: tally.leads,
        cta_views: tally.cta_views,
        cta_clicks: tally.cta_clicks,
        ..Tally::default()
    };
    told(store, of_visits).await
}

async fn told(store: &dyn Store, of: impl Fn(Tally) -> Tally) -> String {
    let mut told = String::new();
    for ctas in [false, true] {
        for rollup in store.rollups(SITE, ctas, -1000, 100_000).await.unwrap() {
            let mut sum = crate::store::rollup::Sum::default();
            sum.add(&rollup);
            let (tally, visitors) = (of(sum.tally), sum.visitors());
            if tally != Tally::default() || visitors != (0, 0) {
                told.push_str(&format!("{:?} {tally:?} {visitors:?}\n", rollup.cell()));
            }
        }
    }
    told
}

fn visitor(name: &str) -> Subject {
    Subject::Visitor(Id::parse(name).unwrap())
}

#[tokio::test]
async fn the_story_ends_and_what_comes_after_begins_another() {
    let (store, directory) = store_with_site(&["example.com"]).await;
    let (mut follower, _) = Follower::new(Arc::clone(&store), directory);
    let ad = page_view("p", 0, "https://example.com/?gclid=x", None);
    add(store.as_ref(), arrival(Some("v"), Mode::Full, 0, vec![ad, lead("p", 1, 5)])).await;
    add(
        store.as_ref(),
        arrival(Some("w"), Mode::Full, 0, vec![page_view("o", 0, "https://example.com/", None)]),
    )
    .await;
    follower.catch_up().await.unwrap();
    let before = counters(store.as_ref()).await;
    erase(store.as_ref(), "v").await;
    follower.catch_up().await.unwrap();

    let gone = the_lead(store.as_ref(), "p-1").await;
    assert_eq!(
        (gone.subject.as_ref(), gone.flags.as_slice(), gone.updated_at),
        (None, [Flag::Erased].as_slice(), 1_000)
    );
    assert_eq!(gone.origin.first.channel, Channel::PaidSearch, "where it came from counts on");
    assert!(gone.origin.first.click_ids.is_empty());
    assert_eq!(store.journey(SITE, &visitor("v")).await.unwrap(), []);
    assert_eq!(store.whole_journey(SITE, &visitor("v")).await.unwrap().len(), 1);
    assert_eq!(store.journey(SITE, &visitor("w")).await.unwrap().len(), 1, "nobody else's");
    assert_eq!(counters(store.as_ref()).await, before);

    // The browser comes back: a lead of then knows nothing of the ad.
    let again = page_view("q", 10 * MINUTE, "https://example.com/", None);
    add(store.as_ref(), arrival(Some("v"), Mode::Full, 2, vec![again, lead("q", 1, 11 * MINUTE)])).await;
    follower.catch_up().await.unwrap();
    let new = the_lead(store.as_ref(), "q-1").await;
    assert_eq!((new.origin.first.channel, new.flags.len()), (Channel::Direct, 0));
    assert_eq!(store.journey(SITE, &visitor("v")).await.unwrap().len(), 1);
    assert_eq!(the_lead(store.as_ref(), "p-1").await, gone);
    let flagged = LeadQuery { flag: Some(Flag::Erased), limit: 10, ..LeadQuery::default() };
    assert_eq!(store.leads(SITE, flagged).await.unwrap().items, [gone]);
    // Erased twice, both stories are over.
    erase(store.as_ref(), "v").await;
    follower.catch_up().await.unwrap();
    assert_eq!(store.journey(SITE, &visitor("v")).await.unwrap(), []);
    assert_eq!(store.whole_journey(SITE, &visitor("v")).await.unwrap().len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn erased_at_any_time_a_rebuild_gives_the_same_and_no_number_changes(
        beacons in beacons(0..7),
        pauses in prop::collection::vec(any::<bool>(), 25),
        erasures in prop::collection::vec(0u8..8, 25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (store, directory) = store_with_site(&["example.com"]).await;
            let (unerased, other_directory) = store_with_site(&["example.com"]).await;
            let (mut follower, _) = Follower::new(Arc::clone(&store), Arc::clone(&directory));
            for (index, beacon) in beacons.into_iter().enumerate() {
                add(store.as_ref(), entry(index, beacon)).await;
                add(unerased.as_ref(), entry(index, beacon)).await;
                if pauses[index] {
                    follower.catch_up().await.unwrap();
                }
                if (1..4).contains(&erasures[index]) {
                    // Who they are is asked of what was derived.
                    follower.catch_up().await.unwrap();
                    let before = counters(store.as_ref()).await;
                    erase(store.as_ref(), &format!("v{}", erasures[index])).await;
                    follower.catch_up().await.unwrap();
                    assert_eq!(counters(store.as_ref()).await, before);
                }
            }
            follower.catch_up().await.unwrap();
            let step_by_step = store.dump(SITE).await.unwrap();
            store.reset(SITE).await.unwrap();
            Follower::new(Arc::clone(&store), directory).0.catch_up().await.unwrap();
            assert!(step_by_step == store.dump(SITE).await.unwrap(), "a rebuild differs");
            Follower::new(Arc::clone(&unerased), other_directory).0.catch_up().await.unwrap();
            // Positions differ by the erasures, the numbers do not; save that whoever comes back after it is a stranger, so a
            // lead of theirs is none that repeats another.
            assert_eq!(visits(store.as_ref()).await, visits(unerased.as_ref()).await);
        });
    }
}
