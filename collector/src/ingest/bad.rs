//! Refused events, as they are kept and tried again.
//!
//! What was sent may hold personal data, so it goes to the vault, together with what else is needed to judge it
//! again as on the day it came. Of a visitor who refused nothing is kept but the reason.

use std::io::Read as _;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wire::{
    beacon::{Choice, Mode, effective_mode},
    limits,
};
use zeroize::Zeroizing;

use super::{
    accept::Rejected,
    hooks::Unread,
    sort::{self, Fate, Sieve},
};
use crate::{
    domain::{
        bad_event::{BadBeacon, BadEvent, BadId},
        fact::{Arrival, Context, Entry, SiteNumber},
        hook::Adapter,
        ledger::Ledger,
    },
    error::Problem,
    project::directory::Site,
    store::{Append, Bad, Sealed, bad::Again},
    vault::Vault,
};

/// How hard the bodies are packed: refused events are rare, or all alike.
const LEVEL: i32 = 3;
/// Why a hook's body is kept.
pub const HOOK: &str = "hook";
/// No body of ours unpacks to more.
const UNPACKED: u64 = 8 * limits::BODY_BYTES as u64;

/// What the vault keeps of a beacon with refused events. A field may be added with a default, nothing else.
#[derive(Serialize, Deserialize)]
pub struct Body {
    /// What the events share, as far as the visitor's choice lets it be kept; without events.
    pub arrival: Arrival,
    /// The host of the page that sent it.
    #[serde(default)]
    pub host: Option<String>,
    /// Whether the browser spoke for the visitor.
    #[serde(default)]
    pub signal: bool,
    /// The refused events by their place, as they were sent.
    pub events: Vec<(u16, String)>,
    /// Where it came in by a hook: whose, and the query of its address. Its parts stand in the place of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<(Adapter, String)>,
}

impl Body {
    fn pack(&self) -> Result<Zeroizing<Vec<u8>>, Problem> {
        let text = Zeroizing::new(rmp_serde::to_vec_named(self).map_err(Problem::internal)?);
        zstd::bulk::compress(&text, LEVEL).map(Zeroizing::new).map_err(Problem::internal)
    }

    fn unpack(packed: &[u8]) -> Result<Self, Problem> {
        let mut text = Zeroizing::new(Vec::new());
        zstd::stream::read::Decoder::new(packed)
            .and_then(|reader| reader.take(UNPACKED).read_to_end(&mut text))
            .map_err(Problem::internal)?;
        rmp_serde::from_slice(&text).map_err(Problem::internal)
    }

    /// What the vault keeps of a beacon; `None` where it keeps nothing.
    ///
    /// # Errors
    /// What the vault says.
    pub async fn of(vault: &Vault, site: SiteNumber, beacon: &BadBeacon) -> Result<Option<Self>, Problem> {
        let Some(reference) = beacon.vault else { return Ok(None) };
        match vault.get_bytes(site, reference).await? {
            Some(packed) => Self::unpack(&packed).map(Some),
            None => Ok(None),
        }
    }

    /// An event as it was sent.
    #[must_use]
    pub fn event(&self, index: u16) -> Option<&str> {
        self.events.iter().find(|(place, _)| *place == index).map(|(_, raw)| raw.as_str())
    }
}

/// A beacon's refused events, gathered while it is sorted.
#[derive(Default)]
pub struct Gathered {
    rows: Vec<BadEvent>,
    raw: Vec<(u16, String)>,
}

impl Gathered {
    /// Whether all was well.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Notes a refused event.
    pub fn add(&mut self, index: usize, raw: &RawValue, rejected: &Rejected) {
        // At most 200 events come in a beacon, of at most 64 KiB.
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        self.rows.push(BadEvent {
            index,
            id: rejected.id.clone(),
            reason: rejected.reject.reason.as_str().to_owned(),
            detail: rejected.reject.detail.clone(),
            size: u32::try_from(raw.get().len()).unwrap_or(u32::MAX),
        });
        self.raw.push((index, raw.get().to_owned()));
    }

    /// Ready for the log; the body sealed, where one may be kept.
    ///
    /// # Errors
    /// What the vault says.
    pub fn seal(self, vault: &Vault, site: SiteNumber, mut body: Body) -> Result<Bad, Problem> {
        let received_at = body.arrival.received_at;
        let (mut reference, mut sealed) = (None, None);
        if body.arrival.mode != Mode::Off {
            body.events = self.raw;
            let (at, value) = vault.seal_bytes(site, &body.pack()?)?;
            (reference, sealed) = (Some(at), Some(value));
        }
        let bytes = sealed.as_ref().map_or(0, |sealed| sealed.key.len() + sealed.value.len());
        let beacon = BadBeacon { received_at, vault: reference, bytes: bytes as u64, events: self.rows };
        Ok(Bad::Keep { beacon, body: sealed })
    }
}

/// What a hook brought that its adapter could not read, ready for the log. No page sent it, so the ledger of events knows nothing
/// of it.
///
/// # Errors
/// What the vault says.
pub fn of_hook(
    vault: &Vault,
    site: SiteNumber,
    adapter: Adapter,
    query: &str,
    received_at: i64,
    unread: Vec<Unread>,
) -> Result<(BadBeacon, Option<Sealed>), Problem> {
    let (mut rows, mut raw) = (Vec::with_capacity(unread.len()), Vec::with_capacity(unread.len()));
    for (index, part) in (0u16..).zip(unread) {
        rows.push(BadEvent {
            index,
            id: None,
            reason: HOOK.to_owned(),
            detail: format!("{}: {}", adapter.as_str(), part.detail),
            size: u32::try_from(part.raw.len()).unwrap_or(u32::MAX),
        });
        raw.push((index, part.raw));
    }
    let nobody = Arrival {
        received_at,
        sent: None,
        visitor: None,
        mode: Mode::Off,
        choice: Choice::Default,
        via: None,
        context: Context::default(),
        user_agent: None,
        country: None,
        region: None,
        foreign_origin: false,
        datacentre: false,
        email_link: None,
        events: Vec::new(),
    };
    let hook = Some((adapter, query.to_owned()));
    let body = Body { arrival: nobody, host: None, signal: false, events: raw, hook };
    let (reference, sealed) = vault.seal_bytes(site, &body.pack()?)?;
    let bytes = (sealed.key.len() + sealed.value.len()) as u64;
    Ok((BadBeacon { received_at, vault: Some(reference), bytes, events: rows }, Some(sealed)))
}

/// What another try comes to, before anything is written.
pub enum Verdict {
    /// It is an event by today's rules. Whether it is a duplicate is decided where it is appended.
    Valid,
    /// By today's rules the visitor's choice forbids to keep it.
    Withheld(&'static str),
    /// It is still none, for this reason.
    Rejected(Again),
}

/// Tries a refused event again by today's rules, at the time it came. Returns what it comes to, and what is to be
/// appended: once only, for the store does nothing where the event is settled already.
///
/// # Errors
/// 500 where what the vault kept cannot be read.
pub fn again(
    vault: &Vault,
    site: &Site,
    body: &Body,
    id: BadId,
    raw: &str,
) -> Result<(Verdict, Append), Problem> {
    let raw: &RawValue = serde_json::from_str(raw).map_err(Problem::internal)?;
    let (own, foreign_origin) = sort::own_domains(&site.config, body.host.as_deref());
    let mut arrival = Arrival { foreign_origin, ..body.arrival.clone() };
    // A site that has become stricter is so towards what it refused before, too; never the other way round.
    let default = site.config.consent_default;
    arrival.mode = arrival.mode.min(effective_mode(Some(arrival.mode), arrival.choice, body.signal, default));
    if arrival.mode != Mode::Full {
        arrival.visitor = None;
        super::policy::reduce_context(arrival.mode, &mut arrival.context);
    }
    if arrival.mode == Mode::Off {
        arrival.user_agent = None;
    }
    let fate = Sieve::new(vault, site, &own, &arrival, body.signal).fate(raw, 0)?;
    let mut append = Append::nothing(site.number);
    let mut still = None;
    let verdict = match fate {
        Fate::Kept { event, seal, .. } => {
            arrival.events = vec![*event];
            append.entry = Some(Entry::Arrival(arrival));
            append.seals.extend(seal);
            Verdict::Valid
        }
        Fate::Withheld(reason) => {
            append.tally = Ledger { withheld: [(reason.to_owned(), 1)].into(), ..Ledger::default() };
            Verdict::Withheld(reason)
        }
        Fate::Rejected(rejected) => {
            let reason = rejected.reject.reason.as_str().to_owned();
            append.tally = Ledger { rejected: [(reason.clone(), 1)].into(), ..Ledger::default() };
            let again = Again { reason, detail: rejected.reject.detail };
            still = Some(again.clone());
            Verdict::Rejected(again)
        }
    };
    append.bad = Some(Bad::Settle { id, again: still });
    Ok((verdict, append))
}
