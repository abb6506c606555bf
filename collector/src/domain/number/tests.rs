//! Known answers for numbers and how many a pool needs.

use super::*;

fn number(digits: &str, source: &str, from: i64, until: Option<i64>) -> Number {
    let placement = Placement { source: Some(source.to_owned()), ..Placement::default() };
    Number {
        number: digits.to_owned(),
        stands: Stands::For { channel: Channel::PaidSearch, placement },
        from,
        until,
    }
}

fn put(at: i64, items: &[Number]) -> NumbersPut {
    NumbersPut { slug: "acme".to_owned(), at, items: items.to_vec() }
}

fn source(numbers: &Numbers, at: i64) -> Option<&str> {
    match &numbers.at("+34900111001", at)?.stands {
        Stands::For { placement, .. } => placement.source.as_deref(),
        Stands::Pool(_) | Stands::Printed => None,
    }
}

#[test]
fn intervals_of_one_number_do_not_overlap() {
    let (a, b) = (number("+1", "x", 0, Some(10)), number("+1", "y", 10, None));
    assert_eq!(overlap(&[a.clone(), b.clone()]), None, "until is exclusive");
    let open = number("+1", "z", 5, None);
    assert_eq!(overlap(&[open.clone(), a.clone()]), Some(Overlap { index: 0, with: 1 }));
    assert_eq!(overlap(&[a, number("+2", "z", 5, None), b.clone()]), None);
    assert_eq!(overlap(&[b.clone(), b]), Some(Overlap { index: 1, with: 0 }));
}

#[test]
fn a_call_of_then_keeps_its_meaning_when_a_number_moves() {
    let mut numbers = Numbers::default();
    numbers.put(&put(100, &[number("+34900111001", "google", 50, None)]));
    numbers.put(&put(200, &[number("+34900111001", "facebook", 200, None)]));
    numbers.put(&put(300, &[]));
    let told = [49, 50, 199, 200, 299, 300].map(|at| source(&numbers, at));
    assert_eq!(told, [None, Some("google"), Some("google"), Some("facebook"), Some("facebook"), None]);
    assert!(numbers.has("+34900111001") && !numbers.has("+34900111002"));
    // A list that says otherwise of the past is believed.
    numbers.put(&put(400, &[number("+34900111001", "bing", 50, Some(100))]));
    assert_eq!([60, 150].map(|at| source(&numbers, at)), [Some("bing"), Some("google")]);
}

#[test]
fn the_most_particular_number_stands_for_an_arrival() {
    let mut ad = number("+3", "google", 0, None);
    if let Stands::For { placement, .. } = &mut ad.stands {
        placement.campaign = Some("solar".to_owned());
    }
    let mut any = number("+1", "", 0, None);
    if let Stands::For { placement, .. } = &mut any.stands {
        placement.source = None;
    }
    let mut numbers = Numbers::default();
    numbers.put(&put(1, &[any, number("+2", "google", 0, None), ad]));
    let shown = |source: &str, campaign: Option<&str>| {
        let found = numbers.standing_for(Channel::PaidSearch, Some(source), campaign, 5);
        found.map(|one| one.number.as_str())
    };
    assert_eq!(shown("google", Some("solar")), Some("+3"));
    assert_eq!(shown("google", Some("otra")), Some("+2"));
    assert_eq!(shown("bing", None), Some("+1"));
    assert_eq!(numbers.standing_for(Channel::Email, Some("google"), None, 5), None);
}

#[test]
fn erlangs_b_formula_says_how_many_numbers_a_pool_needs() {
    // Known values of the formula: B(2 erlang, 5 lines) = 0.0367, B(10, 10) = 0.2146, B(10, 18) = 0.0071.
    for (load, numbers, expected) in [(2.0, 5, 0.0367), (10.0, 10, 0.2146), (10.0, 18, 0.0071)] {
        assert!(
            (blocked(load, numbers) - expected).abs() < 0.0001,
            "{load} {numbers}: {}",
            blocked(load, numbers)
        );
    }
    assert_eq!(blocked(3.0, 0), 1.0);
    assert_eq!(needed(10.0, 0.01), 18);
    assert_eq!(needed(0.0, 0.01), 1);
    assert_eq!(needed(1e9, 0.01), 10_000, "no site has more");
}
