//! Events that were refused by a rule that has been mended since: what an older binary leaves to a newer one.

use collector::{
    domain::{
        fact::{Arrival, Context, SiteNumber},
        id::Id,
        ledger::Ledger,
    },
    ingest::{
        accept::Rejected,
        bad::{Body, Gathered},
    },
    store::{Append, Store},
    vault::Vault,
};
use serde_json::{Value, value::RawValue};
use wire::{
    beacon::{Choice, Mode},
    normalise::{Reason, Reject},
};

/// Puts the events of one beacon, which are well by today's rules, into a site's bad-events log and its ledger.
pub async fn wrongly(
    store: &dyn Store,
    vault: &Vault,
    site: SiteNumber,
    visitor: &str,
    received_at: i64,
    events: &[Value],
) {
    let mut gathered = Gathered::default();
    for (index, event) in events.iter().enumerate() {
        let text = event.to_string();
        let raw: &RawValue = serde_json::from_str(&text).expect("JSON");
        let reject = Reject { reason: Reason::Kind, detail: "kind: not known yet".to_owned() };
        let id = event["id"].as_str().map(str::to_owned);
        gathered.add(index, raw, &Rejected { id, reject });
    }
    let arrival = Arrival {
        received_at,
        sent: None,
        visitor: Id::parse(visitor),
        mode: Mode::Full,
        choice: Choice::Explicit,
        via: None,
        context: Context::default(),
        user_agent: Some("Mozilla/5.0".to_owned()),
        country: None,
        region: None,
        foreign_origin: false,
        datacentre: false,
        email_link: None,
        events: Vec::new(),
    };
    let body = Body {
        arrival,
        host: Some("www.example.com".to_owned()),
        signal: false,
        events: Vec::new(),
        hook: None,
    };
    let bad = gathered.seal(vault, site, body).expect("a seal");
    let tally = Ledger { rejected: [("kind".to_owned(), events.len() as u64)].into(), ..Ledger::default() };
    let append = Append { tally, bad: Some(bad), ..Append::nothing(site) };
    store.append(append).await.expect("an append");
}
