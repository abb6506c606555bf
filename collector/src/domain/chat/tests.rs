use super::*;

const NOW: i64 = 1_800_000_000_000;

#[test]
fn a_reference_is_read_however_people_write_it() {
    let cases = [
        ("Hola, quiero información (ref: 7K3QX9)", vec!["7K3QX9"]),
        ("hola ref 7k3qx9", vec!["7K3QX9"]),
        ("Ref.: 7K3-QX9", vec!["7K3QX9"]),
        ("REF:7K3QX9.", vec!["7K3QX9"]),
        ("(ref: OIL3Q9)", vec!["0113Q9"]),
        ("Referencia 7K3QX9, gracias", vec!["7K3QX9"]),
        ("reference: 7K3QX9", vec!["7K3QX9"]),
        ("¿Precio?\n\nref=7K3QX9", vec!["7K3QX9"]),
        ("*ref:* 7K3QX9", vec!["7K3QX9"]),
        ("ref traza_7K3QX9", vec!["7K3QX9"]),
        ("¿ref: casa de campo? (ref: 7K3QX9)", vec!["7K3QX9"]),
        ("ref: 7K3QX9 ref: 7K3QX9 ref: 8K3QX9", vec!["7K3QX9", "8K3QX9"]),
        // Not one without the mark, and no part of a word.
        ("7K3QX9", vec![]),
        ("Quiero 7K3QX9", vec![]),
        ("refresco", vec![]),
        ("ref7K3QX9", vec![]),
        ("prefiero 7K3QX9", vec![]),
        ("xref 7K3QX9", vec![]),
        ("ref: 7K3QX9A", vec![]),
        ("ref: 7K3QX", vec![]),
        ("ref: 7K3QXU", vec![]),
        ("ref: mañana", vec![]),
        ("ref:", vec![]),
        ("ref", vec![]),
        ("", vec![]),
    ];
    for (text, expected) in cases {
        assert_eq!(references_in(text), expected, "{text:?}");
    }
    let many: String = (0..99).map(|n| format!("ref: 7K3Q{n:02} ")).collect();
    assert_eq!(references_in(&many).len(), MOST);
}

#[test]
fn a_reference_has_one_spelling() {
    for text in ["7K3QX9", "7k3qx9", "7K3-QX9", " traza_7K3QX9 ", "TRAZA_7k3qx9"] {
        assert_eq!(canonical(text).as_deref(), Some("7K3QX9"), "{text}");
    }
    assert_eq!(canonical("oil3q9").as_deref(), Some("0113Q9"));
    for bad in ["", "7K3", "7K3 QX9", "ñ7K3QX", "7K3QXU", "12345678901234567", "traza_", "(7K3QX9)"] {
        assert_eq!(canonical(bad), None, "{bad:?}");
    }
}

fn clicked(visitor: &str, at: i64) -> Clicked {
    Clicked { chat_ref: "7K3QX9".to_owned(), visitor: Id::parse(visitor).unwrap(), at, position: 1 }
}

fn used(lead: Option<&str>, at: i64, position: Position) -> Used {
    Used { chat_ref: "7K3QX9".to_owned(), at, lead: lead.map(LeadId::of_event), position }
}

#[test]
fn it_leads_to_the_browser_that_showed_it_for_a_month_and_to_the_first_who_writes() {
    let nobody = |_: &LeadId| false;
    let is_a = |lead: &LeadId| *lead == LeadId::of_event("a");
    let found =
        |clicks: &[Clicked], uses: &[Used]| joined(clicks, uses, NOW, nobody).map(|id| id.to_string());
    assert_eq!(found(&[], &[]), Err(Unjoined::UnknownRef));
    assert_eq!(found(&[clicked("v", NOW - 1)], &[]), Ok("v".to_owned()));
    assert_eq!(found(&[clicked("v", NOW + EARLY_MS)], &[]), Ok("v".to_owned()), "clocks differ");
    assert_eq!(found(&[clicked("v", NOW + EARLY_MS + 1)], &[]), Err(Unjoined::UnknownRef));
    assert_eq!(found(&[clicked("v", NOW - VALID_MS)], &[]), Ok("v".to_owned()));
    assert_eq!(found(&[clicked("v", NOW - VALID_MS - 1)], &[]), Err(Unjoined::ExpiredRef));
    let two = [clicked("v", NOW - 1), clicked("w", NOW - 2)];
    assert_eq!(found(&two, &[]), Err(Unjoined::Ambiguous));
    let long_ago = [clicked("v", NOW - 1), clicked("w", NOW - VALID_MS - 1)];
    assert_eq!(found(&long_ago, &[]), Ok("v".to_owned()), "another's, who is not meant any more");
    let click = [clicked("v", NOW - 9)];
    assert_eq!(found(&click, &[used(Some("a"), NOW - 5, 7)]), Err(Unjoined::UsedRef));
    assert_eq!(
        found(&click, &[used(None, NOW - 5, 7)]),
        Ok("v".to_owned()),
        "nobody whom it could belong to"
    );
    assert_eq!(found(&click, &[used(Some("a"), NOW - VALID_MS - 1, 7)]), Ok("v".to_owned()));
    let own = joined(&click, &[used(Some("b"), NOW - 4, 8), used(Some("a"), NOW - 5, 7)], NOW, is_a);
    assert_eq!(own.map(|id| id.to_string()), Ok("v".to_owned()), "theirs was first");
    let others = joined(&click, &[used(Some("b"), NOW - 4, 6), used(Some("a"), NOW - 5, 7)], NOW, is_a);
    assert_eq!(others, Err(Unjoined::UsedRef));
}
