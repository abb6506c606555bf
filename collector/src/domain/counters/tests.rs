use wire::beacon::Mode;

use super::*;
use crate::domain::{
    bot,
    event::{Cta, LeadKind, Personal, Submission},
    fact::Arrival,
    id::{EventId, Id},
    visit::timeline,
};

const MINUTE: i64 = 60_000;
/// 2026-11-22 22:00 UTC: an hour before midnight in Madrid.
const EVENING: i64 = 1_795_384_800_000;

fn arrival(user_agent: Option<&str>, foreign_origin: bool) -> Arrival {
    Arrival {
        user_agent: user_agent.map(str::to_owned),
        foreign_origin,
        ..Arrival::bare(Id::parse("v"), Mode::Full, 0, Vec::new())
    }
}

fn event(page: &str, n: u16, at: i64, detail: Detail) -> Event {
    Event { id: EventId::Numbered(n), page: Id::parse(page).unwrap(), at, raw_at: None, detail }
}

fn view(page: &str, at: i64, query: &str) -> Event {
    let url = format!("https://example.com/?{query}");
    event(page, 0, at, Detail::PageView { url, title: None, referrer: None })
}

fn lead(page: &str, n: u16, at: i64, flags: Vec<Flag>) -> Event {
    let personal = Personal::default();
    let lead = Submission { kind: LeadKind::Form, personal, consent: None, magnet: None, flags };
    let detail =
        Detail::FormSubmit { form: "f".to_owned(), fields_filled: None, inferred: false, lead: Some(lead) };
    event(page, n, at, detail)
}

fn counted(arrival: &Arrival, events: &[Event], anonymous: bool) -> BTreeMap<Cell, Share> {
    let seen = events.iter().map(|event| Seen { arrival, event }).collect();
    let zone = calendar::zone("Europe/Madrid");
    let mut verdicts = Verdicts::default();
    shares(
        &timeline(seen, &["example.com".to_owned()]),
        anonymous,
        &mut Basis { zone: &zone, verdicts: &mut verdicts },
    )
}

#[test]
fn a_visit_counts_on_the_day_it_began_and_where_it_came_from() {
    let google = "utm_source=google&utm_medium=cpc&utm_campaign=otono";
    let events = [
        view("p1", EVENING, google),
        view("p2", EVENING + 20 * MINUTE, ""),
        lead("p2", 1, EVENING + 61 * MINUTE, Vec::new()),
        view("p3", EVENING + 300 * MINUTE, "utm_source=news&utm_medium=email"),
    ];
    let shares = counted(&arrival(None, false), &events, false);
    let found: Vec<_> = shares
        .iter()
        .map(|(cell, share)| {
            (
                calendar::text(cell.day),
                cell.source.as_deref(),
                share.tally.visits,
                share.tally.leads,
                share.lead,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("2026-11-22".to_owned(), Some("google"), 1, 1, true),
            ("2026-11-23".to_owned(), Some("news"), 1, 0, false),
        ]
    );
    let first = shares.keys().next().unwrap();
    assert_eq!((first.channel, first.campaign.as_deref()), (Channel::PaidSearch, Some("otono")));
    assert!(shares.values().all(|share| share.visitor && share.tally.anonymous_visits == 0));
}

#[test]
fn calls_to_action_have_cells_of_their_own_beside_the_whole() {
    let cta = |name: &str| Cta { cta: name.to_owned(), href: None };
    let events = [
        view("p", EVENING, ""),
        event("p", 1, EVENING, Detail::CtaView(cta("hero"))),
        event("p", 2, EVENING, Detail::CtaClick(cta("hero"))),
        event(
            "p",
            3,
            EVENING,
            Detail::CallClick { number: "+34600000000".to_owned(), cta: Some("pie".to_owned()) },
        ),
    ];
    let shares = counted(&arrival(None, false), &events, false);
    let found: Vec<_> = shares
        .iter()
        .map(|(cell, share)| {
            (cell.cta.as_deref(), share.tally.visits, share.tally.cta_views, share.tally.cta_clicks)
        })
        .collect();
    assert_eq!(found, [(None, 1, 1, 2), (Some("hero"), 1, 1, 1), (Some("pie"), 1, 0, 1)]);
}

#[test]
fn programs_and_foreign_pages_are_kept_apart() {
    let events = [view("p", EVENING, "")];
    let class = |arrival: &Arrival| counted(arrival, &events, false).into_keys().next().unwrap().class;
    assert_eq!(class(&arrival(None, false)), "");
    assert_eq!(class(&arrival(Some("curl/8.5.0"), false)), "crawler:^curl");
    assert_eq!(class(&arrival(None, true)), bot::FOREIGN_ORIGIN);
}

#[test]
fn the_anonymous_are_no_visitors_and_a_page_within_the_site_begins_no_visit() {
    let shares = counted(
        &arrival(None, false),
        &[view("p", EVENING, "utm_source=x"), lead("p", 1, EVENING, Vec::new())],
        true,
    );
    let share = shares.values().next().unwrap();
    assert_eq!((share.tally.visits, share.tally.anonymous_visits, share.tally.leads), (0, 1, 1));
    assert!(!share.visitor && !share.lead);
    let inside = Detail::PageView {
        url: "https://example.com/b".to_owned(),
        title: None,
        referrer: Some("https://example.com/a".to_owned()),
    };
    let shares = counted(&arrival(None, false), &[event("p", 0, EVENING, inside)], true);
    assert!(shares.values().all(|share| share.tally.is_empty()), "{shares:?}");
}

#[test]
fn a_test_is_no_lead() {
    let events = [view("p", EVENING, ""), lead("p", 1, EVENING, vec![Flag::Test])];
    let shares = counted(&arrival(None, false), &events, false);
    assert!(shares.values().all(|share| share.tally.leads == 0 && !share.lead));
}

#[test]
fn what_is_added_can_be_taken_back() {
    let one = Tally { visits: 3, cost: -5, cta_clicks: 7, ..Tally::default() };
    let mut sum = Tally::default();
    sum.add(&one, 1);
    assert_eq!(sum, one);
    sum.add(&one, -1);
    assert!(sum.is_empty());
}
