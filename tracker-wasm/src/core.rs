//! What happens to an event between the page and the queue, and what the page's life does to both.

use std::mem;

use js_sys::JSON;
use wasm_bindgen::JsCast;
use wire::{beacon::Mode, event::Kind, redact::Rules};

use crate::{
    code,
    config::Config,
    consent::{self, Consent},
    engagement::Engagement,
    host::{Host, Seen},
    queue::{self, Item},
    seen,
    transport::{self, Flush, Transport},
};

/// The tracker of one document.
#[derive(Debug)]
pub struct Core {
    host: Host,
    config: Config,
    consent: Consent,
    engagement: Engagement,
    transport: Transport,
    held: Vec<Seen>,
    /// The page view has been recorded: then leaving it is worth recording too.
    viewed: bool,
}

/// What is listened to: on the document or the window, which event, under which code, at most once in how many ms.
const WATCHED: [(bool, &str, u32, u32); 10] = [
    (false, "pagehide", code::HIDE, 0),
    (false, "pageshow", code::SHOW, 0),
    (true, "visibilitychange", code::VISIBILITY, 0),
    (false, "online", code::RETRY, 0),
    (false, "scroll", code::SCROLL, 250),
    (false, "pointerdown", code::ACTIVE, 1_000),
    (false, "pointermove", code::ACTIVE, 1_000),
    (false, "touchmove", code::ACTIVE, 1_000),
    (false, "wheel", code::ACTIVE, 1_000),
    (false, "keydown", code::ACTIVE, 1_000),
];

impl Core {
    /// Takes over from the loader: the page view, what it caught, the listeners.
    #[must_use]
    pub fn start(host: Host) -> Self {
        let config = Config::read(&host.config());
        let mut core = Self {
            consent: Consent::new(config.consent, host.signal(), consent::parse(&host.word())),
            engagement: Engagement::new(host.clock(), host.visible()),
            transport: Transport::default(),
            held: Vec::new(),
            viewed: host.viewed(),
            host,
            config,
        };
        core.consent.tell(&core.host);
        core.settle_device(Mode::Off);
        for (document, kind, code, gap) in WATCHED {
            core.host.listen(document, kind, code, gap);
        }
        if !core.viewed {
            core.view();
        }
        for event in core.host.raw().iter() {
            core.take(event.unchecked_into());
        }
        core
    }

    /// What the loader saw, or a call of `traza()`.
    pub fn take(&mut self, event: Seen) {
        if event.kind() == Kind::Consent.as_str() {
            if let Some(mode) = event.get("mode").as_deref().and_then(consent::parse) {
                self.choose(mode);
            }
        } else {
            self.record(event);
        }
    }

    /// The page's life, and the timers. `persisted` says, of a `pageshow`, that the page came back from a cache.
    pub fn on(&mut self, code: u32, persisted: bool) {
        let now = self.host.clock();
        match code {
            code::HIDE => {
                self.leave();
                self.flush(Flush::End);
            }
            code::SHOW => {
                if persisted {
                    self.transport.settle();
                    self.settle_device(Mode::Off);
                    self.turn();
                    self.view();
                }
            }
            code::VISIBILITY => {
                let visible = self.host.visible();
                self.engagement.shown(now, visible);
                if !visible {
                    self.flush(Flush::All);
                }
            }
            code::FLUSH => self.transport.due(&self.host, self.consent),
            code::RETRY => self.transport.resume(&self.host, self.consent),
            _ => {
                self.engagement.active(now);
                if code == code::SCROLL {
                    self.engagement.reached(self.host.depth());
                }
            }
        }
    }

    /// The answer to a beacon: see [`Transport::answered`]. Full mode takes the visitor that the collector knows.
    pub fn answered(&mut self, ticket: u32, status: u32, retry_after: u32, visitor: Option<&str>) {
        if visitor.is_some() && self.consent.mode() == Mode::Full {
            self.host.adopt(visitor);
        }
        self.transport.answered(ticket, status, retry_after, &self.host, self.consent);
    }

    /// The visitor chooses. Events stay with the mode they were recorded in; what was held is recorded now; a page
    /// view that was sent under one mode does not go on under another, so that nothing joins the two.
    pub fn choose(&mut self, word: Mode) {
        let waited = self.consent.waits();
        let before = self.consent.mode();
        let mut next = self.consent;
        next.say(word, &self.host);
        let after = next.mode();
        if before == Mode::Anonymous && after == Mode::Full {
            self.leave();
            self.flush(Flush::All);
        }
        self.consent = next;
        if after < before {
            self.transport.lower(after);
        }
        self.settle_device(before);
        let held = mem::take(&mut self.held);
        if waited && after > Mode::Off {
            for event in held {
                self.record(event);
            }
        } else if after != before || waited {
            self.turn();
            self.view();
        }
        self.record(self.consent_event());
    }

    /// Brings the device in line with the mode in force, which was `before` until now.
    fn settle_device(&mut self, before: Mode) {
        let host = &self.host;
        if self.consent.waits() {
            return;
        }
        if self.consent.mode() == Mode::Full {
            self.transport.restore(host);
        } else if before == Mode::Full || host.recall("tz_v").is_some() {
            host.adopt(None);
            host.keep(transport::KEY, None);
            // The collector's cookie can only be taken back by the collector.
            self.transport.revoke(&text(&self.consent_event()), host, self.consent);
        }
    }

    fn consent_event(&self) -> Seen {
        let event = self.host.event(Kind::Consent.as_str());
        event.set("mode", Some(consent::name(self.consent.mode())));
        event
    }

    /// Another page view begins now.
    fn turn(&mut self) {
        self.host.turn();
        self.engagement = Engagement::new(self.host.clock(), self.host.visible());
    }

    fn view(&mut self) {
        self.viewed = self.consent.waits() || self.consent.mode() > Mode::Off;
        if self.viewed {
            self.record(self.host.view());
        }
    }

    /// The page view is over: once for each. Also the time to say what had to be dropped.
    fn leave(&mut self) {
        if !mem::take(&mut self.viewed) {
            return;
        }
        self.engagement.reached(self.host.depth());
        let event = self.host.event(Kind::PageLeave.as_str());
        event.set_engaged_ms(self.engagement.engaged_ms(self.host.clock()));
        event.set_scroll_pct(self.engagement.depth());
        self.record(event);
        let dropped = mem::take(&mut self.transport.dropped);
        if dropped > 0 {
            let event = self.host.event(Kind::TrackerError.as_str());
            event.set("code", Some("dropped"));
            event.set_count(dropped);
            self.record(event);
        }
    }

    /// Decides what becomes of an event, by the choice in force.
    fn record(&mut self, event: Seen) {
        let lead = event.lead();
        let mode = self.consent.mode();
        if !lead && self.consent.waits() {
            if self.held.len() < queue::EVENTS {
                self.held.push(event);
            } else {
                self.transport.dropped += 1;
            }
            return;
        }
        if !lead && mode == Mode::Off {
            return;
        }
        let rules =
            Rules { mode, query_keys: &self.config.keys, anonymous_utm: self.config.anonymous_utm };
        let Some(kind) = seen::settle(&event, rules, &self.config.domains) else {
            self.transport.dropped += 1;
            return;
        };
        // Who says their name is not anonymous.
        if kind == Kind::Identify && mode != Mode::Full {
            return;
        }
        let urgent = lead
            || matches!(
                kind,
                Kind::CallClick
                    | Kind::ChatClick
                    | Kind::EmailClick
                    | Kind::SmsClick
                    | Kind::OutboundClick
                    | Kind::Download
            );
        self.transport.push(Item { json: text(&event), mode, lead }, urgent, &self.host, self.consent);
    }

    fn flush(&mut self, how: Flush) {
        self.transport.flush(how, &self.host, self.consent);
        self.transport.persist(&self.host, self.consent);
    }
}

fn text(event: &Seen) -> String {
    JSON::stringify(event.as_ref()).map(String::from).unwrap_or_default()
}
