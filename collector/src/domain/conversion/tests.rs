//! Known answers: the platforms' own examples, and what stays here.

use super::*;
use crate::domain::{
    event::{Consent, LeadKind, Personal},
    fact::{Entry, StageMove},
    id::VaultRef,
    record::{self, LeadIn, Sale},
    site::SiteConfig,
};

fn id() -> LeadId {
    LeadId::of_record("lead", "crm-1")
}

fn stand(more: Vec<Entry>) -> Lead {
    let lead = LeadIn {
        lead: id(),
        kind: LeadKind::Call,
        at: 1_000,
        received_at: 1_000,
        external_id: "crm-1".to_owned(),
        visitor: None,
        inferred: false,
        came: None,
        event: None,
        personal: Personal::default(),
        consent: Some(Consent { text_version: None, purposes: vec!["ads".to_owned()] }),
        flags: Vec::new(),
    };
    let entries: Vec<Entry> = [Entry::Lead(lead)].into_iter().chain(more).collect();
    let entries = entries.iter().enumerate().map(|(index, entry)| (index as u64 + 1, entry));
    let told = record::told(entries);
    Lead::stand(&id(), None, &told, &SiteConfig::default()).unwrap()
}

fn sale(name: &str, at: i64, amount: i64, refund_of: Option<&str>) -> Entry {
    Entry::Sale(Sale {
        lead: id(),
        at,
        received_at: at,
        amount,
        currency: "EUR".to_owned(),
        external_id: name.to_owned(),
        refund_of: refund_of.map(str::to_owned),
    })
}

#[test]
fn google_hashes_as_its_guide_says() {
    let google = |address: &str| email(Platform::Google, address);
    let expected = "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a";
    assert_eq!(google(" Alexz@Example.com ").as_deref(), Some(expected));
    assert_eq!(google("Jane.Doe+shopping@gmail.com"), Some(hashed("janedoe@gmail.com")));
    assert_eq!(google("Jane.Doe+shopping@example.com"), Some(hashed("jane.doe+shopping@example.com")));
    assert_eq!((google("+x@gmail.com"), google("nobody")), (None, None));
    let expected = "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30";
    assert_eq!(phone(Platform::Google, "+18005550100").as_deref(), Some(expected));
    assert_eq!(phone(Platform::Google, "++++"), None);
}

#[test]
fn meta_hashes_as_its_parameters_say() {
    assert_eq!(email(Platform::Meta, "  John_Smith@gmail.com "), Some(hashed("john_smith@gmail.com")));
    assert_eq!(email(Platform::Meta, "a.b+c@gmail.com"), Some(hashed("a.b+c@gmail.com")));
    assert_eq!(phone(Platform::Meta, "+1 (616) 954-78 88"), Some(hashed("16169547888")));
    let expected = "24ac59106a8bb7df670910d26a1485daf91c463bf2f7332be35413a5466c774c";
    assert_eq!(phone(Platform::Meta, "+34900123456").as_deref(), Some(expected));
}

#[test]
fn a_sale_is_worth_what_is_left_of_it() {
    let lead = stand(vec![
        sale("s-1", 2_000, 10_000, None),
        sale("s-2", 3_000, 5_000, None),
        sale("r-1", 4_000, -4_000, Some("s-1")),
        sale("r-2", 4_000, -5_000, Some("s-2")),
    ]);
    let found = conversions(&lead, &Goal::Sale);
    let told: Vec<_> =
        found.iter().map(|one| (one.id.as_str(), one.at, one.value.clone(), one.doubt)).collect();
    let euros = |amount: i64| Some((amount, "EUR".to_owned()));
    assert_eq!(
        told,
        [("s-1", 2_000, euros(6_000), None), ("s-2", 3_000, euros(0), Some(Reason::Refunded))],
        "a refund is no conversion"
    );
}

#[test]
fn a_stage_is_reached_once() {
    let moved = |stage: &str, at: i64| {
        Entry::Stage(StageMove {
            lead: id(),
            stage: stage.to_owned(),
            at,
            received_at: at,
            note: VaultRef([0; 16]),
            external_id: None,
        })
    };
    let lead = stand(vec![moved("sql", 2_000), moved("mql", 3_000), moved("sql", 4_000)]);
    let found = conversions(&lead, &Goal::Stage("sql".to_owned()));
    assert_eq!(found.iter().map(|one| one.at).collect::<Vec<_>>(), [2_000]);
    assert_eq!(found[0].id, format!("{}.sql", id()));
    assert!(conversions(&lead, &Goal::Stage("customer".to_owned())).is_empty());
}

#[test]
fn nothing_leaves_of_those_who_did_not_agree() {
    let lead = stand(Vec::new());
    assert_eq!(refusal(&lead, true), None);
    assert_eq!(refusal(&lead, false), Some(Reason::NotCounted));
    let silent = Lead { consent: None, ..lead.clone() };
    assert_eq!(refusal(&silent, true), Some(Reason::NoConsent));
    let again = Lead { duplicate_of: Some(id()), ..lead.clone() };
    assert_eq!(refusal(&again, true), Some(Reason::Duplicate));
    let forgotten = Lead { flags: vec![Flag::Erased], ..lead };
    assert_eq!(refusal(&forgotten, true), Some(Reason::Erased));
}

#[test]
fn clicks_and_people_are_known_to_platforms_for_so_long() {
    let mut lead = stand(Vec::new());
    let mut touch = Touch::unknown(500, "");
    touch.click_ids.insert("gbraid".to_owned(), "B".to_owned());
    lead.origin.first = touch.clone();
    let found = click(&lead, Platform::Google).unwrap();
    assert_eq!((found.kind, found.id.as_str(), found.at), ("gbraid", "B", 500));
    touch.click_ids.insert("gclid".to_owned(), "G".to_owned());
    lead.origin.last_non_direct = touch;
    assert_eq!(click(&lead, Platform::Google).unwrap().kind, "gclid");
    assert_eq!(click(&lead, Platform::Meta), None);

    let conversion = Conversion { id: "x".to_owned(), at: 1_000, value: None, doubt: None };
    let days = |days: i64| 1_000 + days * DAY_MS;
    let google = Platform::Google;
    assert!(takes_click(google, &found, &conversion, 500 + 90 * DAY_MS));
    assert!(!takes_click(google, &found, &conversion, 501 + 90 * DAY_MS));
    let earlier = Conversion { at: 499, ..conversion.clone() };
    assert!(!takes_click(google, &found, &earlier, 1_000), "before the click");
    assert!(takes_person(google, &lead, &conversion, days(63)));
    assert!(!takes_person(google, &lead, &conversion, days(63) + 1));
    assert!(takes_at_all(Platform::Meta, &conversion, days(7)));
    assert!(!takes_at_all(Platform::Meta, &conversion, days(7) + 1));
}
