//! Stores of every released format, kept for ever: a newer program reads them all.
//!
//! `golden/v1.pairs` holds a store's keys and values in hex, `golden/v1.json` what reading it gave when it was
//! written (which is the export format, too). They are never written again. A new format adds files of its own:
//! `TRAZA_GOLDEN=v6 cargo test -p collector golden` writes those.

use std::{fmt::Write as _, fs, path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use wire::beacon::{Choice, Mode, Via};

use super::{
    Append, Claim, Seal, SealStep, Sealed, Store, Verdict,
    engine::{Batch, Engine as _},
    kv::KvStore,
    memory::Memory,
};
use crate::domain::{
    channel::{
        Channel,
        rules::{ChannelRule, When},
    },
    event::{
        Consent, Contact, Cta, Detail, Event, Flag, Form, Identifier, IdentifierKind, Item, LeadKind,
        Personal, Prop, Submission, Target,
    },
    fact::{Arrival, Context, Entry, Exported, HOUSE, StageMove},
    id::{EventId, Id, LeadId, Token, VaultRef},
    ledger::Ledger,
    promotion::{Cost, Link, LinkClick, LinksPut, Pixel, PixelKind, Placement},
    retention::Retention,
    silence::Silent,
    site::{FieldRole, FormKind, FormRule, SiteConfig, SitePut},
    token::{Role, Scope, TokenPut, TokenRevoked},
};

const SITE: u32 = 1;
const PAGE: &str = "0193f6e2-8f5e-7cc1-b1ff-0242ac120002";

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/store/golden").join(name)
}

/// One of every kind of event.
fn details() -> Vec<Detail> {
    let some = |text: &str| Some(text.to_owned());
    let cta = || Cta { cta: "hero".to_owned(), href: some("https://example.com/precios") };
    let form = || Form { form: "callback".to_owned(), field: some("telefono"), fields_filled: Some(1) };
    let target = || Target { href: "https://example.org/folleto.pdf".to_owned(), asset: some("folleto.pdf") };
    let contact = || Contact { to: "hola@example.com".to_owned(), cta: some("pie") };
    let personal = || Personal {
        vault: Some(VaultRef([7; 16])),
        identifiers: vec![Identifier { kind: IdentifierKind::Phone, token: Token([8; 16]) }],
    };
    vec![
        Detail::PageView {
            url: "https://example.com/?gclid=x".to_owned(),
            title: some("Inicio"),
            referrer: None,
        },
        Detail::PageLeave { engaged_ms: 8200, scroll_pct: 75, title: None },
        Detail::Click { target: some("a#x"), text: some("Más"), href: None },
        Detail::CtaView(cta()),
        Detail::CtaClick(cta()),
        Detail::CallClick { number: "+34900111001".to_owned(), cta: None },
        Detail::ChatClick {
            app: "whatsapp".to_owned(),
            to: some("34600000000"),
            chat_ref: some("TZ1"),
            cta: None,
        },
        Detail::EmailClick(contact()),
        Detail::SmsClick(contact()),
        Detail::OutboundClick(target()),
        Detail::Download(target()),
        Detail::FormView(form()),
        Detail::FormStart(form()),
        Detail::FormAbandon(form()),
        Detail::FormError(form()),
        Detail::FormSubmit {
            form: "callback".to_owned(),
            fields_filled: Some(1),
            inferred: true,
            lead: Some(Submission {
                kind: LeadKind::Callback,
                personal: personal(),
                consent: Some(Consent {
                    text_version: some("2026-01"),
                    purposes: vec!["contact".to_owned()],
                }),
                magnet: some("folleto"),
                flags: vec![Flag::Test, Flag::InvalidEmail],
            }),
        },
        Detail::FormSuccess { form: "callback".to_owned(), submit: format!("{PAGE}-15") },
        Detail::Purchase {
            order_id: "o-1".to_owned(),
            amount: 12_345,
            currency: "EUR".to_owned(),
            items: vec![Item { id: some("sku"), name: some("Panel"), quantity: Some(2), price: Some(100) }],
        },
        Detail::Custom {
            name: "video".to_owned(),
            props: [
                ("a".to_owned(), Prop::Bool(true)),
                ("b".to_owned(), Prop::Int(-3)),
                ("c".to_owned(), Prop::Number(0.5)),
                ("d".to_owned(), Prop::Text("x".to_owned())),
            ]
            .into(),
        },
        Detail::Identify { personal: personal() },
        Detail::Consent { mode: Mode::Full, text_version: some("2026-01"), purposes: vec!["ads".to_owned()] },
        Detail::TrackerError { code: "queue".to_owned(), count: 2 },
    ]
}

fn appends() -> Vec<Append> {
    let page = Id::parse(PAGE).unwrap();
    let events: Vec<Event> = (0u16..)
        .zip(details())
        .map(|(number, detail)| Event {
            id: EventId::Numbered(number),
            page: page.clone(),
            at: 1_795_310_400_000 + i64::from(number),
            raw_at: (number == 3).then_some(1_795_310_300_003),
            detail,
        })
        .collect();
    let arrival = Arrival {
        received_at: 1_795_310_401_000,
        sent: Some(1_795_310_400_900),
        visitor: Id::parse("0193f6e2-8f5e-7cc1-b1ff-0242ac120001"),
        mode: Mode::Full,
        choice: Choice::Explicit,
        via: Some(Via::Wasm),
        context: Context {
            lang: Some("es-MX".to_owned()),
            screen: Some("390x844".to_owned()),
            tz: Some("America/Mexico_City".to_owned()),
        },
        user_agent: Some("Mozilla/5.0".to_owned()),
        country: Some("MX".to_owned()),
        region: None,
        foreign_origin: true,
        datacentre: false,
        email_link: None,
        events,
    };
    let opaque = Event {
        id: EventId::Opaque(Id::parse("opaque").unwrap()),
        page: Id::parse("p1").unwrap(),
        at: 5,
        raw_at: None,
        detail: Detail::PageLeave { engaged_ms: 0, scroll_pct: 0, title: None },
    };
    let second = Arrival {
        sent: None,
        visitor: Id::parse("v-1"),
        mode: Mode::Anonymous,
        choice: Choice::Default,
        via: None,
        context: Context::default(),
        user_agent: None,
        country: None,
        region: None,
        foreign_origin: false,
        datacentre: false,
        email_link: None,
        events: vec![opaque],
        ..arrival.clone()
    };
    let seal = Seal {
        event: 15,
        reference: VaultRef([7; 16]),
        sealed: Sealed { key: vec![1, 2, 3], value: vec![4, 5, 6] },
        lookups: vec![([9; 32], Token([8; 16]))],
    };
    let token = TokenPut {
        id: "t_1".to_owned(),
        hash: "00ff".to_owned(),
        role: Role::Marketing,
        site: "acme".to_owned(),
        scope: Some(Scope { channels: vec!["paid_search".to_owned()], campaigns: vec!["otono".to_owned()] }),
        label: "agencia".to_owned(),
        at: 2,
        expires_at: Some(3),
    };
    let stage = StageMove {
        lead: LeadId::of_event(&format!("{PAGE}-15")),
        stage: "mql".to_owned(),
        at: 7,
        received_at: 8,
        note: VaultRef([6; 16]),
        external_id: Some("crm-1".to_owned()),
    };
    let tally = Ledger {
        rejected: [("time".to_owned(), 1)].into(),
        withheld: [("off".to_owned(), 2)].into(),
        ..Ledger::default()
    };
    let claim = Claim { kind: "stage", external_id: "crm-1".to_owned(), content: [3; 32] };
    let site = SitePut { slug: "acme".to_owned(), at: 1, config: SiteConfig::default() };
    vec![
        Append::of(HOUSE, Entry::Site(site)),
        Append::of(HOUSE, Entry::Token(token)),
        Append::of(HOUSE, Entry::TokenRevoked(TokenRevoked { id: "t_1".to_owned(), at: 4 })),
        Append { seals: vec![seal], tally, ..Append::of(SITE, Entry::Arrival(arrival)) },
        Append::of(SITE, Entry::Arrival(second)),
        Append { claim: Some(claim), ..Append::of(SITE, Entry::Stage(stage)) },
    ]
}

/// What came after the first release, by the version whose golden store has it.
fn additions() -> Vec<Append> {
    let some = |text: &str| Some(text.to_owned());
    let placement = Placement {
        source: some("google"),
        medium: some("cpc"),
        campaign: some("otono"),
        campaign_id: some("7"),
        content: some("rojo"),
        term: some("placas"),
    };
    let pixel = Pixel {
        at: 10,
        kind: PixelKind::Imp,
        placement: placement.clone(),
        message: some("m-1"),
        user_agent: some("Mozilla/5.0"),
        datacentre: false,
    };
    let click = LinkClick {
        at: 11,
        link: "otono".to_owned(),
        placement: placement.clone(),
        user_agent: some("Mozilla/5.0"),
        datacentre: false,
    };
    let cost = Cost {
        day: 20_779,
        placement: placement.clone(),
        cost: 12_345,
        currency: "EUR".to_owned(),
        impressions: 1000,
        clicks: 40,
        platform_conversions: Some(2),
        received_at: 12,
    };
    let link = Link { id: "otono".to_owned(), target: "https://example.com/oferta".to_owned(), placement };
    let links = LinksPut { slug: "acme".to_owned(), at: 13, items: vec![link] };
    let when = When {
        source: some("blog*"),
        medium: some("cpc"),
        campaign: some("*"),
        click_id: some("gclid"),
        referrer: some("*.example.org"),
    };
    let config = SiteConfig {
        channel_rules: vec![ChannelRule { channel: Channel::Affiliate, when }],
        ..SiteConfig::default()
    };
    let site = SitePut { slug: "acme".to_owned(), at: 14, config };
    let placed = Arrival {
        received_at: 15,
        sent: None,
        visitor: Id::parse("v-2"),
        mode: Mode::Full,
        choice: Choice::Explicit,
        via: None,
        context: Context::default(),
        user_agent: None,
        country: some("ES"),
        region: some("MD"),
        foreign_origin: false,
        datacentre: false,
        email_link: None,
        events: vec![Event {
            id: EventId::Numbered(0),
            page: Id::parse("p2").unwrap(),
            at: 15,
            raw_at: None,
            detail: Detail::PageLeave { engaged_ms: 1, scroll_pct: 2, title: None },
        }],
    };
    let claim = |kind: &'static str, external_id: &str| {
        Some(Claim { kind, external_id: external_id.to_owned(), content: [4; 32] })
    };
    vec![
        Append { claim: claim("links", "l"), ..Append::of(HOUSE, Entry::Links(links)) },
        Append { claim: claim("site", "s"), ..Append::of(HOUSE, Entry::Site(site)) },
        Append { claim: claim("pixel", "p"), ..Append::of(SITE, Entry::Pixel(pixel)) },
        Append { claim: claim("click", "c"), ..Append::of(SITE, Entry::LinkClick(click)) },
        Append { claim: claim("cost", "k"), ..Append::of(SITE, Entry::Cost(cost)) },
        Append::of(SITE, Entry::Arrival(placed)),
    ]
}

/// What came with the third: that a site went quiet, that contacts were exported.
fn third() -> Vec<Append> {
    let claim = |kind: &'static str| Some(Claim { kind, external_id: "third".to_owned(), content: [5; 32] });
    let silent = Silent { since: 20, at: 21, expected: 22 };
    let exported = Exported {
        at: 23,
        by: "t_1".to_owned(),
        site: Some("acme".to_owned()),
        submissions: Some(3),
        person: None,
    };
    vec![
        Append { claim: claim("silent"), ..Append::of(SITE, Entry::Silent(silent)) },
        Append { claim: claim("exported"), ..Append::of(SITE, Entry::Exported(exported)) },
    ]
}

/// What came with the fourth: rules for forms, how long a site keeps what, programs of data centres among those who fetch
/// pixels and follow links; and last an arrival that is sealed.
fn fourth() -> Vec<Append> {
    let claim = |kind: &'static str| Some(Claim { kind, external_id: "fourth".to_owned(), content: [6; 32] });
    let rule = FormRule {
        matches: "form#presupuesto".to_owned(),
        kind: FormKind::Callback,
        success: Some("/gracias".to_owned()),
        fields: [(FieldRole::Phone, "input.tel".to_owned())].into(),
    };
    let retention = Retention { events_months: Some(13), leads_months: None };
    let config = SiteConfig { forms: vec![rule], retention, ..SiteConfig::default() };
    let site = SitePut { slug: "acme".to_owned(), at: 30, config };
    let pixel = Pixel {
        at: 31,
        kind: PixelKind::View,
        placement: Placement::default(),
        message: None,
        user_agent: None,
        datacentre: true,
    };
    let click = LinkClick {
        at: 32,
        link: "otono".to_owned(),
        placement: Placement::default(),
        user_agent: None,
        datacentre: true,
    };
    let leave = |id: EventId| Event {
        id,
        page: Id::parse("p4").unwrap(),
        at: 33,
        raw_at: None,
        detail: Detail::PageLeave { engaged_ms: 1, scroll_pct: 2, title: None },
    };
    let ids = [EventId::Numbered(0), EventId::Numbered(7), EventId::Opaque(Id::parse("suyo-4").unwrap())];
    let old = Arrival::bare(Id::parse("v-4"), Mode::Full, 33, ids.map(leave).into());
    vec![
        Append { claim: claim("site"), ..Append::of(HOUSE, Entry::Site(site)) },
        Append { claim: claim("pixel"), ..Append::of(SITE, Entry::Pixel(pixel)) },
        Append { claim: claim("click"), ..Append::of(SITE, Entry::LinkClick(click)) },
        Append::of(SITE, Entry::Arrival(old)),
    ]
}

/// What a golden store was written with, and is known to it: everything but what bears no id.
fn known_to(version: &str) -> Vec<Append> {
    let mut known = appends().split_off(3);
    if version != "v1" {
        known.extend(additions());
    }
    if !matches!(version, "v1" | "v2") {
        known.extend(third());
    }
    if !matches!(version, "v1" | "v2" | "v3") {
        known.extend(fourth());
    }
    known
}

/// Everything that reading a store gives, as JSON.
async fn read(store: &dyn Store) -> Value {
    let mut logs = Vec::new();
    for site in [HOUSE, SITE] {
        for stored in store.read(site, 0, usize::MAX).await.unwrap() {
            logs.push(json!({"site": site, "position": stored.position, "entry": *stored.entry}));
        }
    }
    let sealed = store.sealed(SITE, VaultRef([7; 16])).await.unwrap().unwrap();
    json!({
        "entries": logs,
        "ledger": store.ledger(SITE).await.unwrap(),
        "sealed": [sealed.key, sealed.value],
        "meta": store.meta("name").await.unwrap(),
    })
}

async fn write(version: &str) {
    let memory = Memory::default();
    let store: Arc<dyn Store> = Arc::new(KvStore::open(memory.clone()).unwrap());
    let mut last = None;
    for append in appends().into_iter().chain(additions()).chain(third()).chain(fourth()) {
        last = store.append(append).await.unwrap().verdicts.first().copied();
    }
    let Some(Verdict::Stored(old)) = last else { panic!("the last was not stored: {last:?}") };
    store.seal(SealStep { site: SITE, entries: [old].into(), ..SealStep::default() }).await.unwrap();
    store.meta_or_set("name", vec![1, 2]).await.unwrap();
    let value = read(store.as_ref()).await;
    store.close().await;
    let mut text = String::new();
    for (key, value) in memory.scan(&[], &[0xff; 8], usize::MAX).unwrap() {
        let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        writeln!(text, "{} {}", hex(&key), hex(&value)).unwrap();
    }
    fs::write(golden(&format!("{version}.pairs")), text).unwrap();
    let value = serde_json::to_string_pretty(&value).unwrap();
    fs::write(golden(&format!("{version}.json")), value + "\n").unwrap();
}

fn load(version: &str) -> Memory {
    let text = fs::read_to_string(golden(&format!("{version}.pairs"))).unwrap();
    let unhex = |text: &str| -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    let batch: Batch = text
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(key, value)| (unhex(key), Some(unhex(value))))
        .collect();
    let memory = Memory::default();
    memory.apply(batch).unwrap();
    memory
}

#[tokio::test]
async fn every_golden_store_is_read_and_appended_to() {
    if let Ok(version) = std::env::var("TRAZA_GOLDEN") {
        write(&version).await;
    }
    for version in ["v1", "v2", "v3", "v4", "v5"] {
        let store: Arc<dyn Store> = Arc::new(KvStore::open(load(version)).unwrap());
        let expected: Value =
            serde_json::from_str(&fs::read_to_string(golden(&format!("{version}.json"))).unwrap()).unwrap();
        assert_eq!(read(store.as_ref()).await, expected, "{version}");
        // What it has seen, it has seen: every id, token and claim is known.
        for append in known_to(version) {
            let appended = store.append(append).await.unwrap();
            assert!(appended.verdicts.iter().all(|verdict| *verdict == Verdict::Duplicate), "{version}");
        }
        store.close().await;
    }
}

#[test]
fn the_golden_store_has_every_kind_of_event() {
    let kinds: Vec<_> = details().iter().map(Detail::kind).collect();
    assert_eq!(kinds, wire::event::Kind::ALL);
    // The export's JSON reads back as the very same entries.
    for append in appends().into_iter().chain(additions()).chain(third()).chain(fourth()) {
        let entry = append.entry.unwrap();
        let text = serde_json::to_string(&entry).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
    }
}
