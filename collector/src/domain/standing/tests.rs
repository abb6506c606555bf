//! Known answers of the fold.

use super::*;
use crate::domain::{
    event::IdentifierKind,
    fact::{Entry, StageMove},
    funnel::Stage,
    id::Token,
    record::{self, Attempt, FlagSet, LeadIn, LeadPatch, Sale},
};

fn id() -> LeadId {
    LeadId::of_record("lead", "crm-1")
}

fn personal(number: u8) -> Personal {
    let identifier = Identifier { kind: IdentifierKind::Phone, token: Token([number; 16]) };
    Personal { vault: Some(VaultRef([number; 16])), identifiers: vec![identifier] }
}

fn lead_in(at: i64, received_at: i64, number: u8) -> Entry {
    Entry::Lead(LeadIn {
        lead: id(),
        kind: LeadKind::Whatsapp,
        at,
        received_at,
        external_id: "crm-1".to_owned(),
        visitor: None,
        inferred: false,
        came: None,
        event: None,
        personal: personal(number),
        consent: None,
        flags: Vec::new(),
    })
}

fn stage(at: i64, name: &str, external_id: Option<&str>) -> Entry {
    Entry::Stage(StageMove {
        lead: id(),
        stage: name.to_owned(),
        at,
        received_at: at,
        note: VaultRef([9; 16]),
        external_id: external_id.map(str::to_owned),
    })
}

fn sale(at: i64, amount: i64, external_id: &str) -> Entry {
    Entry::Sale(Sale {
        lead: id(),
        at,
        received_at: at,
        amount,
        currency: "EUR".to_owned(),
        external_id: external_id.to_owned(),
        refund_of: (amount < 0).then(|| "s".to_owned()),
    })
}

fn attempt(at: i64, outcome: Outcome, external_id: &str) -> Entry {
    Entry::Attempt(Attempt {
        lead: id(),
        at,
        received_at: at,
        outcome,
        disposition: None,
        product: Some(format!("p{at}")),
        objection: None,
        note: None,
        external_id: external_id.to_owned(),
    })
}

fn born() -> Born {
    Born {
        kind: LeadKind::Form,
        event: "p-1".to_owned(),
        position: 50,
        at: 10,
        received_at: 11,
        subject: Some(Subject::Visitor(Id::parse("v").unwrap())),
        form: Some("contacto".to_owned()),
        personal: personal(1),
        consent: None,
        magnet: None,
        flags: vec![Flag::Test],
        tz: None,
    }
}

fn stand(born: Option<Born>, entries: &[Entry]) -> Option<Lead> {
    Lead::stand(&id(), born, &record::told((1..).zip(entries)), &SiteConfig::default())
}

fn stays(entries: &[Entry]) -> Vec<(String, i64)> {
    let lead = stand(Some(born()), entries).unwrap();
    assert_eq!(lead.stays.last().map(|stay| (&stay.stage, stay.at)), Some((&lead.stage, lead.stage_at)));
    lead.stays.into_iter().map(|stay| (stay.stage, stay.at)).collect()
}

fn named(stays: &[(&str, i64)]) -> Vec<(String, i64)> {
    stays.iter().map(|(stage, at)| ((*stage).to_owned(), *at)).collect()
}

#[test]
fn records_of_nobody_make_no_lead() {
    assert_eq!(stand(None, &[stage(5, "mql", None), sale(6, 100, "s")]), None);
}

#[test]
fn a_server_s_lead_is_the_page_s_whichever_came_first() {
    let entries = [lead_in(7, 40, 2), stage(20, "mql", None)];
    let alone = stand(None, &entries).unwrap();
    assert_eq!((alone.kind, alone.created_at, alone.event.as_str()), (LeadKind::Whatsapp, 7, "lead:crm-1"));
    assert_eq!((alone.position, alone.updated_at, alone.confirmed), (1, 40, true));
    assert_eq!(alone.origin.last.reason.as_deref(), Some(reason::NO_VISITOR));
    let both = stand(Some(born()), &entries).unwrap();
    assert_eq!((both.kind, both.created_at, both.event.as_str()), (LeadKind::Form, 10, "p-1"));
    assert_eq!((both.personal.vault, &both.submissions), (Some(VaultRef([1; 16])), &vec![VaultRef([2; 16])]));
    assert_eq!(both.personal.identifiers.len(), 2, "found by either");
    assert_eq!(
        (both.external_id.as_deref(), both.flags.as_slice()),
        (Some("crm-1"), [Flag::Test].as_slice())
    );
}

#[test]
fn what_was_amended_counts_as_it_says_now() {
    let lead = stand(None, &[lead_in(7, 7, 2), lead_in(8, 30, 3)]).unwrap();
    assert_eq!((lead.created_at, lead.personal.vault, lead.updated_at), (8, Some(VaultRef([3; 16])), 30));
    assert!(lead.submissions.is_empty());
    let moved = [stage(20, "mql", Some("x")), stage(15, "sql", Some("x"))];
    assert_eq!(stays(&moved), named(&[("lead", 10), ("sql", 15)]));
    let tried = [attempt(20, Outcome::NoAnswer, "a"), attempt(25, Outcome::Contacted, "a")];
    let lead = stand(Some(born()), &tried).unwrap();
    let at = Some(25);
    let expected = Attempts { count: 1, first_attempt_at: at, first_contact_at: at, last_attempt_at: at };
    assert_eq!(lead.attempts, expected);
}

#[test]
fn the_latest_move_counts_and_a_persons_word_beats_a_rules() {
    let cases = [
        (vec![stage(30, "sql", None), stage(20, "mql", None)], vec![("lead", 10), ("mql", 20), ("sql", 30)]),
        (vec![stage(5, "mql", None)], vec![("lead", 10), ("mql", 10)]),
        (vec![sale(20, 100, "s")], vec![("lead", 10), ("customer", 20)]),
        (vec![sale(20, 100, "s"), sale(30, 100, "t")], vec![("lead", 10), ("customer", 20)]),
        (
            vec![sale(20, 100, "s"), stage(25, "lost", None)],
            vec![("lead", 10), ("customer", 20), ("lost", 25)],
        ),
        (
            vec![stage(20, "lost", None), sale(20, 100, "s")],
            vec![("lead", 10), ("customer", 20), ("lost", 20)],
        ),
        (vec![sale(20, 100, "s"), sale(30, -100, "r")], vec![("lead", 10), ("customer", 20)]),
        (vec![stage(20, "mql", None), stage(30, "mql", None)], vec![("lead", 10), ("mql", 20)]),
    ];
    for (entries, expected) in cases {
        assert_eq!(stays(&entries), named(&expected), "{entries:?}");
    }
    let config = SiteConfig { stages: vec![Stage::usual("lead")], ..SiteConfig::default() };
    let entries = [sale(20, 100, "s")];
    let lead = Lead::stand(&id(), Some(born()), &record::told((1..).zip(&entries)), &config).unwrap();
    assert_eq!(lead.stage, "lead", "the site has no customers");
}

#[test]
fn the_last_word_counts_of_marks_and_of_what_is_known() {
    let mark = |flag| Entry::Flag(FlagSet { lead: id(), received_at: 30, flag, by: "t_1".to_owned() });
    let flags = |entries: &[Entry]| stand(Some(born()), entries).unwrap().flags;
    assert_eq!(flags(&[mark(Some(Flag::Spam))]), [Flag::Test, Flag::Spam]);
    assert_eq!(flags(&[mark(Some(Flag::Test))]), [Flag::Test]);
    assert_eq!(flags(&[mark(Some(Flag::Spam)), mark(None)]), [Flag::Test]);
    let patch = |product: Option<&str>, cleared: &[&str]| {
        Entry::Patch(LeadPatch {
            lead: id(),
            received_at: 31,
            by: "t_1".to_owned(),
            product: product.map(str::to_owned),
            objection: None,
            value: Some(5),
            fit: BTreeMap::from([("size".to_owned(), Prop::Int(7))]),
            cleared: cleared.iter().map(|name| (*name).to_owned()).collect(),
            crm: None,
        })
    };
    let known = |entries: &[Entry]| stand(Some(born()), entries).unwrap().known;
    let both = known(&[patch(Some("a"), &[]), attempt(40, Outcome::Attempted, "a")]);
    assert_eq!((both.product.as_deref(), both.value), (Some("p40"), Some(5)));
    let cleared = known(&[patch(Some("a"), &[]), patch(None, &["product", "fit.size"])]);
    assert_eq!((cleared.product, cleared.fit.len()), (None, 1), "cleared first, then filled in");
}

#[test]
fn what_was_bought_on_a_page_makes_a_customer_until_the_server_says_how() {
    let entries = [sale(40, 90, "o1")];
    let told = record::told((1..).zip(&entries));
    let bought = |order: &str| Purchase {
        order_id: order.to_owned(),
        at: 20,
        received_at: 60,
        amount: 100,
        currency: "EUR".to_owned(),
    };
    let mut lead = Lead::stand(&id(), Some(born()), &[], &SiteConfig::default()).unwrap();
    lead.bought(vec![bought("o1")], &[], &SiteConfig::default());
    assert_eq!((lead.stage.as_str(), lead.stage_at, lead.updated_at), ("customer", 20, 60));
    let mut lead = Lead::stand(&id(), Some(born()), &told, &SiteConfig::default()).unwrap();
    lead.bought(vec![bought("o1")], &told, &SiteConfig::default());
    assert_eq!((lead.stage_at, lead.sales.len(), lead.sales[0].confirmed), (40, 1, true));
}
