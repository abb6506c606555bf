//! Does the tag work? What the first beacons of a site prove about its installation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wire::beacon::{Mode, Via};

use super::{event::Detail, fact::Arrival};

/// A page could have any number of hosts in its URLs, and a page anybody can write to could name them all.
const HOSTS: usize = 50;

/// What a site's beacons have shown so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Install {
    /// When the first beacon came, ms since the epoch.
    pub first_beacon_at: Option<i64>,
    /// When the last one came.
    pub last_beacon_at: Option<i64>,
    /// Page views by host; the first 50 hosts.
    pub hosts: BTreeMap<String, u64>,
    /// Beacons by the mode that held.
    pub modes: BTreeMap<String, u64>,
    /// Beacons sent by the WebAssembly core.
    pub wasm: u64,
    /// Beacons sent by the loader or the guard alone.
    pub fallback: u64,
    /// Beacons from pages on none of the site's domains.
    pub foreign: u64,
}

impl Install {
    /// Takes one more beacon into account.
    pub fn observe(&mut self, arrival: &Arrival) {
        let at = arrival.received_at;
        self.first_beacon_at = Some(self.first_beacon_at.map_or(at, |first| first.min(at)));
        self.last_beacon_at = Some(self.last_beacon_at.map_or(at, |last| last.max(at)));
        let mode = match arrival.mode {
            Mode::Off => "off",
            Mode::Anonymous => "anonymous",
            Mode::Full => "full",
        };
        *self.modes.entry(mode.to_owned()).or_default() += 1;
        match arrival.via {
            Some(Via::Wasm) => self.wasm += 1,
            Some(Via::Fallback | Via::Guard) => self.fallback += 1,
            None => {}
        }
        self.foreign += u64::from(arrival.foreign_origin);
        for event in &arrival.events {
            let Detail::PageView { url, .. } = &event.detail else { continue };
            let Some(host) = wire::arrival::host(url) else { continue };
            if self.hosts.len() < HOSTS || self.hosts.contains_key(host.as_ref()) {
                *self.hosts.entry(host.into_owned()).or_default() += 1;
            }
        }
    }
}
