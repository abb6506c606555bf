//! The writer's part in the bad-events log.

use super::{Writer, keys};
use crate::{
    domain::{
        bad_event::{BadBeacon, BadId, BadLog, KEPT_MS},
        fact::SiteNumber,
    },
    store::{
        Sealed, StoreError, bad,
        group::{Group, versioned},
        reads::packed,
    },
};

/// What is to be written of the bad-events log, decided before the group is touched.
#[derive(Default)]
pub(super) struct Change {
    /// Keys of rows that go, or change.
    rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// The reason under which the ledger counts an event that is being settled.
    pub(super) settled: Option<String>,
}

impl Change {
    pub(super) fn write(self, group: &mut Group) {
        group.pending.extend(self.rows);
    }
}

impl Writer {
    /// Takes a beacon's refused events in, and lets the oldest go for which there is no more room or time.
    pub(super) fn keep_bad(
        &self,
        group: &Group,
        site: SiteNumber,
        beacon: &BadBeacon,
        body: Option<Sealed>,
    ) -> Result<Change, StoreError> {
        let mut change = Change::default();
        let mut log = self.bad_log(group, site)?;
        let number = log.enter(beacon);
        self.let_go(group, site, &mut log, &mut change, number, beacon.received_at.saturating_sub(KEPT_MS))?;
        if let (Some(reference), Some(body)) = (beacon.vault, body) {
            change.rows.push((keys::vault_key(site, reference), Some(versioned(&body.key))));
            change.rows.push((keys::vault_value(site, reference), Some(versioned(&body.value))));
        }
        change.rows.push((keys::bad_beacon(site, number), Some(packed(beacon)?)));
        change.rows.push((keys::bad_log(site), Some(packed(&log)?)));
        Ok(change)
    }

    /// Lets everything go that came before a time.
    pub(super) fn forget_bad(
        &self,
        group: &Group,
        site: SiteNumber,
        before: i64,
    ) -> Result<Change, StoreError> {
        let mut change = Change::default();
        let mut log = self.bad_log(group, site)?;
        let end = log.last + 1;
        self.let_go(group, site, &mut log, &mut change, end, before)?;
        change.rows.push((keys::bad_log(site), Some(packed(&log)?)));
        Ok(change)
    }

    /// Takes an event off the log, or notes why it is refused again. `None` where it is not there.
    pub(super) fn settle_bad(
        &self,
        group: &Group,
        site: SiteNumber,
        id: BadId,
        again: Option<bad::Again>,
    ) -> Result<Option<Change>, StoreError> {
        let key = keys::bad_beacon(site, id.beacon);
        let Some(mut beacon) = bad::beacon(self.get(group, &key)?)? else { return Ok(None) };
        let Some(place) = beacon.events.iter().position(|event| event.index == id.index) else {
            return Ok(None);
        };
        let mut change = Change::default();
        if let (Some(again), Some(event)) = (again, beacon.events.get_mut(place)) {
            change.settled = Some(std::mem::replace(&mut event.reason, again.reason));
            event.detail = again.detail;
            change.rows.push((key, Some(packed(&beacon)?)));
            return Ok(Some(change));
        }
        change.settled = Some(beacon.events.remove(place).reason);
        let mut log = self.bad_log(group, site)?;
        log.events = log.events.saturating_sub(1);
        if beacon.events.is_empty() {
            log.bytes = log.bytes.saturating_sub(beacon.bytes);
            change.remove(site, key, &beacon);
        } else {
            change.rows.push((key, Some(packed(&beacon)?)));
        }
        change.rows.push((keys::bad_log(site), Some(packed(&log)?)));
        Ok(Some(change))
    }

    /// Drops the oldest beacons before number `end`, while there are too many or they came before a time.
    fn let_go(
        &self,
        group: &Group,
        site: SiteNumber,
        log: &mut BadLog,
        change: &mut Change,
        end: u64,
        before: i64,
    ) -> Result<(), StoreError> {
        while log.oldest < end {
            let key = keys::bad_beacon(site, log.oldest);
            if let Some(beacon) = bad::beacon(self.get(group, &key)?)? {
                if !log.is_over() && beacon.received_at >= before {
                    return Ok(());
                }
                log.drop(&beacon);
                change.remove(site, key, &beacon);
            }
            log.oldest += 1;
        }
        Ok(())
    }

    fn bad_log(&self, group: &Group, site: SiteNumber) -> Result<BadLog, StoreError> {
        bad::log(self.get(group, &keys::bad_log(site))?)
    }
}

impl Change {
    fn remove(&mut self, site: SiteNumber, key: Vec<u8>, beacon: &BadBeacon) {
        self.rows.push((key, None));
        if let Some(reference) = beacon.vault {
            self.rows.push((keys::vault_key(site, reference), None));
            self.rows.push((keys::vault_value(site, reference), None));
        }
    }
}
