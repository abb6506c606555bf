//! How events leave: cut into beacons, one at a time, tried again when the collector was not there.
//!
//! While the page lives every beacon is a keepalive `fetch` whose answer is awaited; at its end they are handed to
//! the browser, and what was not confirmed is kept on the device, in full mode, for the next page.

use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wire::{
    beacon::{Choice, Context, Envelope, Mode, Via},
    limits,
};

use crate::{
    code,
    consent::Consent,
    host::Host,
    queue::{self, Item, Queue},
};

/// Where undelivered events wait for the next page.
pub const KEY: &str = "tz_q";
/// How long events are collected before they go, in ms.
const GATHER_MS: u32 = 1_000;
/// So many events go at once.
const GATHER_EVENTS: usize = 20;
/// The first pause after a failure, in ms; it doubles up to 32 times that.
const RETRY_MS: u32 = 2_000;
/// A collector that asks for more patience than this, in s, gets this much.
const PATIENCE_S: u32 = 3_600;

/// How much of what waits leaves now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// One beacon, whose answer brings the next.
    Next,
    /// All of it: the page was hidden, and may never run again.
    All,
    /// All of it, and the page is over.
    End,
}

/// The road to the collector.
#[derive(Debug, Default)]
pub struct Transport {
    /// What waits to leave.
    pub queue: Queue,
    /// How many events were dropped since it was last said.
    pub dropped: u32,
    flight: Vec<(u32, Vec<Item>)>,
    ticket: u32,
    failures: u32,
    paused: bool,
    timed: bool,
    kept: String,
}

impl Transport {
    /// Takes an event on its way; an urgent one leaves at once.
    pub fn push(&mut self, item: Item, urgent: bool, to: &Host, consent: Consent) {
        self.dropped += self.queue.push(item);
        if urgent || self.queue.len() >= GATHER_EVENTS {
            self.flush(Flush::Next, to, consent);
        } else if !self.timed {
            self.timed = true;
            to.after(GATHER_MS, code::FLUSH);
        }
    }

    /// The gathering time is over.
    pub fn due(&mut self, to: &Host, consent: Consent) {
        self.timed = false;
        self.flush(Flush::Next, to, consent);
    }

    /// The pause after a failure is over, or the browser is online again.
    pub fn resume(&mut self, to: &Host, consent: Consent) {
        self.paused = false;
        self.flush(Flush::Next, to, consent);
    }

    /// Sends what waits.
    pub fn flush(&mut self, how: Flush, to: &Host, consent: Consent) {
        let one = how == Flush::Next;
        if one && (self.paused || !self.flight.is_empty()) {
            return;
        }
        while let Some(mode) = self.queue.mode() {
            let full = mode == Mode::Full;
            let visitor = full.then(|| to.visitor());
            let Some(head) = envelope(mode, consent.choice(), visitor, to) else { return };
            // Beside the envelope: `,"events":[` and `]}`, less its own brace.
            let batch = self.queue.take(head.len() + 13);
            let body = compose(&head, &batch);
            self.ticket += 1;
            if to.post(&body, full, how == Flush::End, self.ticket) {
                // A beacon has no answer. What must not be lost counts as unconfirmed, the rest as gone.
                let unsure = batch.into_iter().filter(|item| item.lead || self.failures > 0).collect();
                self.flight.push((0, unsure));
            } else {
                self.flight.push((self.ticket, batch));
            }
            if one {
                return;
            }
        }
    }

    /// Keeps what is not confirmed for the next page: all of it if the collector was last seen failing, else what
    /// must not be lost. Its ids are the same, so a second delivery changes nothing.
    pub fn persist(&mut self, to: &Host, consent: Consent) {
        if consent.mode() != Mode::Full {
            return;
        }
        let flying = self.flight.iter().flat_map(|(_, batch)| batch).filter(|item| item.lead || self.failures > 0);
        let mut text = queue::freeze(minute(), &self.queue.iter().chain(flying));
        if text.is_empty() {
            return;
        }
        // Another tab may have left something here: its lines stay.
        for line in to.recall(KEY).unwrap_or_default().split('\n').skip(1) {
            let known = text.split('\n').any(|ours| ours == line);
            if !known && text.len() + line.len() < queue::KEPT_BYTES {
                text.push_str(line);
                text.push('\n');
            }
        }
        to.keep(KEY, Some(&text));
        self.kept = text;
    }

    /// Takes what an earlier page could not deliver.
    pub fn restore(&mut self, to: &Host) {
        if let Some(text) = to.recall(KEY) {
            to.keep(KEY, None);
            for item in queue::thaw(minute(), &text) {
                self.dropped += self.queue.push(item);
            }
        }
    }

    /// After the page came back from a cache, beacons without an answer will not get one.
    pub fn settle(&mut self) {
        self.flight.retain(|(ticket, _)| *ticket != 0);
    }

    /// The visitor allows less: see [`Queue::lower`]. What is in flight has left; if it fails it stays lowered.
    pub fn lower(&mut self, mode: Mode) {
        let flying = std::mem::take(&mut self.flight);
        for (_, batch) in flying {
            self.dropped += self.queue.put_back(batch.into_iter().filter(|item| item.lead).collect());
        }
        self.queue.lower(mode);
    }

    /// Tells the collector, once, that this browser is to be forgotten: it answers by dropping its cookie, which no
    /// script can reach. The only thing that mode `off` ever sends by itself; it is counted there, not stored.
    pub fn revoke(&mut self, event: &str, to: &Host, consent: Consent) {
        if let Some(head) = envelope(Mode::Off, consent.choice(), None, to) {
            let item = Item { json: event.to_owned(), mode: Mode::Off, lead: false };
            to.post(&compose(&head, &[item]), true, false, 0);
        }
    }

    /// An answer came: `status` 0 is none at all, `retry_after` is in s, 0 where the collector asks for nothing.
    pub fn answered(&mut self, ticket: u32, status: u32, retry_after: u32, to: &Host, consent: Consent) {
        let found = self.flight.iter().position(|(flying, _)| *flying == ticket && ticket != 0);
        let Some(at) = found else { return };
        let (_, batch) = self.flight.swap_remove(at);
        match status {
            200..=299 => self.failures = 0,
            // The collector will never take it: a retry would only cost.
            400..=407 | 409..=424 | 426..=428 | 430..=499 => self.dropped += batch.len() as u32,
            _ => {
                self.dropped += self.queue.put_back(batch);
                self.failures += 1;
                self.paused = true;
                let pause = match retry_after.min(PATIENCE_S) {
                    0 => RETRY_MS << (self.failures.min(6) - 1),
                    asked => asked * 1_000,
                };
                to.after(pause, code::RETRY);
                self.persist(to, consent);
            }
        }
        if self.queue.is_empty() && self.flight.is_empty() && !self.kept.is_empty() {
            // Delivered after all. If another tab wrote since, the rest is its own to clear.
            if to.recall(KEY).as_ref() == Some(&self.kept) {
                to.keep(KEY, None);
            }
            self.kept = String::new();
        }
        self.flush(Flush::Next, to, consent);
    }
}

/// Minutes since the epoch.
fn minute() -> u32 {
    (js_sys::Date::now() / 60_000.0) as u32
}

/// The envelope's JSON. In anonymous mode the surroundings are a language and a class of screen; in `off` nothing.
fn envelope(mode: Mode, choice: Choice, visitor: Option<String>, host: &Host) -> Option<String> {
    let context = match mode {
        Mode::Off => Context::default(),
        Mode::Anonymous => Context { lang: host.lang(), screen: host.screen(true), tz: None },
        Mode::Full => Context { lang: host.lang(), screen: host.screen(false), tz: host.tz() },
    };
    json(&Envelope {
        v: limits::VERSION,
        visitor,
        sent: Some(js_sys::Date::now() as i64),
        mode: Some(mode),
        choice,
        via: Some(Via::Wasm),
        context,
    })
}

/// Envelope and events in one object.
fn compose(head: &str, batch: &[Item]) -> String {
    let mut body = String::from(head.strip_suffix('}').unwrap_or(head));
    let mut before = ",\"events\":[";
    for item in batch {
        body.push_str(before);
        body.push_str(&item.json);
        before = ",";
    }
    body.push_str("]}");
    body
}

/// JSON by way of the browser: `serde-wasm-bindgen` builds an object, `JSON.stringify` writes it. A writer of our
/// own would be a second truth about the contract, and `serde_json` weighs as much as the whole core.
fn json(envelope: &Envelope) -> Option<String> {
    let object = envelope.serialize(&Serializer::json_compatible()).ok()?;
    js_sys::JSON::stringify(&object).ok().map(String::from)
}
