//! One beacon, sorted: what is appended, what is only counted, and what stands by for another try.

use serde_json::value::RawValue;
use wire::{
    beacon::{Choice, Mode, effective_mode},
    redact::Rules,
};

use super::{
    accept::{self, Judge, Rejected},
    bad::{self, Body},
    beacon::Refusal,
    convert,
    enrich::{self, Headers},
    place::Place,
    policy::{self, Ruling},
};
use crate::{
    app::App,
    domain::{
        clock_skew,
        event::Event,
        fact::{Arrival, Entry},
        id::Id,
        ledger::Ledger,
        site::SiteConfig,
    },
    error::Problem,
    project::directory::Site,
    store::{Append, Seal},
    vault::Vault,
};

/// A beacon, sorted.
pub struct Sorted {
    /// What is appended.
    pub append: Append,
    /// What is told of the events that were refused.
    pub refusals: Vec<Refusal>,
    /// The choice that holds.
    pub mode: Mode,
    /// Whose browser it is. In full mode only.
    pub visitor: Option<Id>,
    /// The page view that a click in a message led to, and by whose click. In full mode only.
    pub email_click: Option<(String, String)>,
}

/// Sorts a beacon. `cookie` is the visitor that the browser was known by before; `place` finds where it is,
/// as far as the mode lets that be known.
///
/// # Errors
/// 400 and 413 where the body is no beacon; 500 where the vault fails.
pub fn beacon(
    app: &App,
    site: &Site,
    headers: &Headers,
    place: impl FnOnce(Mode) -> Place,
    body: &[u8],
    cookie: Option<Id>,
    received_at: i64,
) -> Result<Sorted, Problem> {
    let config = &site.config;
    let mut beacon = accept::parse(body)?;
    let mode = effective_mode(beacon.mode, beacon.choice, headers.signal, config.consent_default);
    let visitor = match mode {
        Mode::Full => {
            let proposed = beacon.visitor.as_deref().and_then(Id::parse);
            Some(cookie.or(proposed).unwrap_or_else(|| app.new_visitor()))
        }
        Mode::Anonymous | Mode::Off => None,
    };
    let host = headers.origin_host();
    let (own, foreign_origin) = own_domains(config, host.as_deref());
    let mut context = convert::context(std::mem::take(&mut beacon.context));
    let stripped = policy::reduce_context(mode, &mut context);
    if stripped || (mode != Mode::Full && beacon.visitor.is_some()) {
        app.metrics.stripped();
    }
    let Place { country, region, datacentre } = place(mode);
    let mut arrival = Arrival {
        received_at,
        sent: beacon.sent,
        visitor: visitor.clone(),
        mode,
        choice: beacon.choice,
        via: beacon.via,
        context,
        // A lead alone says nothing of the browser it came from.
        user_agent: headers.user_agent.clone().filter(|_| mode != Mode::Off),
        country,
        region,
        foreign_origin,
        datacentre,
        email_link: None,
        events: Vec::new(),
    };
    let sieve = Sieve::new(&app.vault, site, &own, &arrival, headers.signal);

    let mut events = Vec::with_capacity(beacon.events.len());
    let mut tally = Ledger::default();
    let mut refusals = Vec::new();
    let mut bad = bad::Gathered::default();
    let mut seals: Vec<Seal> = Vec::new();
    let mut email_click = None;
    for (index, raw) in beacon.events.iter().enumerate() {
        match sieve.fate(raw, events.len())? {
            Fate::Kept { event, seal, email } => {
                let may = visitor.is_some() && !foreign_origin && email_click.is_none();
                email_click = email.filter(|_| may).map(|token| (event.id_text(), token)).or(email_click);
                events.push(*event);
                seals.extend(seal);
            }
            Fate::Withheld(reason) => *tally.withheld.entry(reason.to_owned()).or_default() += 1,
            Fate::Rejected(rejected) => {
                let reason = rejected.reject.reason.as_str().to_owned();
                *tally.rejected.entry(reason).or_default() += 1;
                bad.add(index, raw, &rejected);
                refusals.push(Refusal { index, id: rejected.id, reason: rejected.reject.detail });
            }
        }
    }
    let bad = match bad.is_empty() {
        true => None,
        false => {
            let body = Body {
                arrival: arrival.clone(),
                host,
                signal: headers.signal,
                events: Vec::new(),
                hook: None,
            };
            Some(bad.seal(&app.vault, site.number, body)?)
        }
    };
    let entry = (!events.is_empty()).then(|| {
        arrival.events = events;
        Entry::Arrival(arrival)
    });
    Ok(Sorted {
        append: Append { entry, seals, tally, bad, bytes: body.len(), ..Append::nothing(site.number) },
        refusals,
        mode,
        visitor,
        email_click,
    })
}

/// The domains that count as the site's for a beacon, and whether its page is on none of the site's own. The host of
/// a page that is the site's counts too: a site may not have said its domains yet.
#[must_use]
pub fn own_domains(config: &SiteConfig, host: Option<&str>) -> (Vec<String>, bool) {
    let mut own = config.domains.clone();
    let foreign = !own.is_empty() && host.is_some_and(|host| !wire::arrival::is_own(host, &own));
    if let Some(host) = host.filter(|_| !foreign) {
        own.push(host.to_owned());
    }
    (own, foreign)
}

/// What becomes of one event.
pub enum Fate {
    /// It is appended.
    Kept {
        /// As it is stored.
        event: Box<Event>,
        /// What is personal about it.
        seal: Option<Seal>,
        /// Whose click in a message led to it, as the page was told.
        email: Option<String>,
    },
    /// The visitor's choice forbids to keep it; counted by this reason.
    Withheld(&'static str),
    /// It is none.
    Rejected(Rejected),
}

/// All that the events of one beacon are judged by.
pub struct Sieve<'a> {
    vault: &'a Vault,
    site: &'a Site,
    judge: Judge<'a>,
    mode: Mode,
    choice: Choice,
    signal: bool,
}

impl<'a> Sieve<'a> {
    /// By today's rules of a site: for a beacon that comes now, and for one that is tried again.
    #[must_use]
    pub fn new(vault: &'a Vault, site: &'a Site, own: &'a [String], arrival: &Arrival, signal: bool) -> Self {
        let config = &site.config;
        let rules =
            Rules { mode: arrival.mode, query_keys: &config.query_keys, anonymous_utm: config.anonymous_utm };
        let shift = clock_skew::shift(arrival.sent, arrival.received_at);
        let judge = Judge { rules, own, shift, received_at: arrival.received_at };
        Self { vault, site, judge, mode: arrival.mode, choice: arrival.choice, signal }
    }

    /// Judges one event. `place` is where it will stand in its arrival.
    ///
    /// # Errors
    /// 500 where the vault has no random bytes, or what was found valid is not.
    pub fn fate(&self, raw: &RawValue, place: usize) -> Result<Fate, Problem> {
        let config = &self.site.config;
        let mut valid = match self.judge.judge(raw) {
            Ok(valid) => valid,
            Err(rejected) => return Ok(Fate::Rejected(rejected)),
        };
        let Some(mut event) = convert::event(&mut valid.event, valid.kind, valid.at) else {
            return Err(Problem::internal(format!(
                "a normalised {} could not be converted",
                valid.kind.as_str()
            )));
        };
        let ruling = |event: &Event| {
            let lead = event.detail.lead().is_some();
            policy::rule(self.mode, self.choice, self.signal, config.consent_default, valid.kind, lead)
        };
        let email = enrich::take_email_click(&mut event);
        let mut seal = None;
        if ruling(&event) == Ruling::Keep {
            policy::reduce_event(self.mode, &mut event);
            let number = self.site.number;
            seal = enrich::split_personal(self.vault, number, config, place, &mut valid.event, &mut event)?;
        }
        // Asked again: a lead without any way of contact is none.
        Ok(match ruling(&event) {
            Ruling::Keep => Fate::Kept { event: Box::new(event), seal, email },
            Ruling::Withhold(reason) => Fate::Withheld(reason),
        })
    }
}
