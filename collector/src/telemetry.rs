//! What an operator sees: logs and metrics. Neither ever holds personal data: no bodies, no query strings, no
//! addresses.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use tracing_subscriber::EnvFilter;

use crate::{
    domain::{
        delivery::{self, Then, Tried},
        ledger::Ledger,
        sealed::SealStatus,
    },
    store::{Description, vitals::Vitals},
};

/// Starts logging: JSON lines on standard error, or plain ones on a terminal. `RUST_LOG` chooses the level.
pub fn start_logging() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn,sled=off"));
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let result = if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        builder.compact().try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    // Tests start many collectors in one process: the first one's logging serves all.
    drop(result);
}

/// Bytes free for this user on the disk of a folder; `None` where the system does not say.
#[must_use]
pub fn free_bytes(folder: &std::path::Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The same for the command line's other verbs: they say on standard output what they did, so only what went wrong is
/// logged.
pub fn start_logging_of_tools() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error,sled=off"));
    let logging = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    drop(logging.with_target(false).compact().try_init());
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Hook {
    adapter: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabel {
    site: String,
    endpoint: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FormLabel {
    site: String,
    form: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SiteLabel {
    site: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SiteReason {
    site: String,
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
    method: String,
}

fn route_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_5, 2.0, 14))
}

/// What is counted while the process lives.
pub struct Metrics {
    registry: Registry,
    refused: Family<Status, Counter>,
    stripped: Counter,
    acknowledge: Histogram,
    answers: Family<Route, Histogram, fn() -> Histogram>,
    live: Gauge,
    live_dropped: Family<Why, Counter>,
    tried: Family<Outcome, Counter>,
    first_attempt: Histogram,
    hooks: Family<Hook, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let refused = Family::default();
        registry.register(
            "traza_beacons_refused",
            "Beacons refused whole, by the status they were answered with",
            refused.clone(),
        );
        let stripped = Counter::default();
        registry.register(
            "traza_beacons_stripped",
            "Beacons that carried more than the visitor's choice allows; the surplus was dropped",
            stripped.clone(),
        );
        let acknowledge = Histogram::new(exponential_buckets(0.000_5, 2.0, 16));
        registry.register(
            "traza_acknowledge_seconds",
            "Time from a beacon's arrival until it was durable",
            acknowledge.clone(),
        );
        let live = Gauge::default();
        registry.register("traza_live_streams", "Live streams that are open", live.clone());
        let live_dropped = Family::default();
        registry.register(
            "traza_live_dropped",
            "Live streams that were ended before their reader ended them, by reason",
            live_dropped.clone(),
        );
        let answers = Family::new_with_constructor(route_histogram as fn() -> Histogram);
        registry.register(
            "traza_answer_seconds",
            "Time until an answer of the API began, by route and method",
            answers.clone(),
        );
        let tried = Family::default();
        registry.register(
            "traza_delivery_attempts",
            "Attempts to deliver a message to an endpoint, by outcome and reason",
            tried.clone(),
        );
        let first_attempt = Histogram::new(exponential_buckets(0.005, 2.0, 14));
        registry.register(
            "traza_delivery_first_attempt_seconds",
            "Time from a fact's arrival until the first attempt to tell an endpoint of it",
            first_attempt.clone(),
        );
        let hooks = Family::default();
        registry.register(
            "traza_hooks",
            "What came in by hooks, by adapter and by what became of it: told, unread (kept as a bad event), or refused for its key, \
             signature or verify_token; and of Meta's forms: fetched, not_fetched",
            hooks.clone(),
        );
        Self {
            answers,
            registry,
            refused,
            stripped,
            acknowledge,
            live,
            live_dropped,
            tried,
            first_attempt,
            hooks,
        }
    }
}

/// What is read from the store when metrics are asked for.
pub struct Reading {
    /// Each site's slug and ledger: totals since the site was created.
    pub ledgers: Vec<(String, Ledger)>,
    /// What was sealed of each site.
    pub sealed: Vec<(String, SealStatus)>,
    /// Sites, and whether nothing comes from them at a time when something should.
    pub silent: Vec<(String, bool)>,
    /// Sites, and forms of them that nobody sends at a time when somebody should.
    pub silent_forms: Vec<(String, String)>,
    /// Messages to each site's endpoints that wait.
    pub pending: Vec<(String, usize)>,
    /// Sites, their endpoints, and whether those take nothing.
    pub endpoints: Vec<(String, String, bool)>,
    /// Facts stored that have not taken effect yet.
    pub lag: u64,
    /// What the store says of itself.
    pub store: Description,
    /// How its writer is doing.
    pub vitals: Vitals,
}

impl Metrics {
    /// A beacon was refused whole.
    pub fn refused(&self, status: u16) {
        self.refused.get_or_create(&Status { status }).inc();
    }

    /// A beacon carried more than the visitor's choice allows.
    pub fn stripped(&self) {
        self.stripped.inc();
    }

    /// How many live streams are open, to be kept up to date by them.
    #[must_use]
    pub fn live_streams(&self) -> Gauge {
        self.live.clone()
    }

    /// A live stream was ended before its reader ended it.
    pub fn live_dropped(&self, reason: &'static str) {
        self.live_dropped.get_or_create(&Why { reason }).inc();
    }

    /// A request was answered. `route` is the pattern, never the path: paths hold ids.
    pub fn answered(&self, route: &str, method: &str, after: Duration) {
        let label = Route { route: route.to_owned(), method: method.to_owned() };
        self.answers.get_or_create(&label).observe(after.as_secs_f64());
    }

    /// A message is tried for the first time, so many ms after its fact was received.
    pub fn first_attempt(&self, after: i64) {
        self.first_attempt.observe(after.max(0) as f64 / 1_000.0);
    }

    /// It was tried to deliver a message.
    pub fn tried(&self, tried: &Tried) {
        let outcome = match tried.then {
            Then::Delivered => "delivered",
            Then::Again(_) => "again",
            Then::GivenUp => "given_up",
            Then::Dropped => "dropped",
        };
        let reason = tried.why.map_or("", delivery::Why::as_str);
        self.tried.get_or_create(&Outcome { outcome, reason }).inc();
    }

    /// So many things came in by a hook.
    pub fn hook(&self, adapter: &'static str, outcome: &'static str, count: u64) {
        self.hooks.get_or_create(&Hook { adapter, outcome }).inc_by(count);
    }

    /// A beacon was acknowledged.
    pub fn acknowledged(&self, after: Duration) {
        self.acknowledge.observe(after.as_secs_f64());
    }

    /// Everything, as Prometheus reads it.
    ///
    /// # Errors
    /// Where writing to a string fails, which it does not.
    pub fn encode(&self, reading: &Reading) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode_registry(&mut text, &self.registry)?;
        text::encode_registry(&mut text, &ledgers(reading))?;
        text::encode_eof(&mut text)?;
        Ok(text)
    }
}

/// Memory that the process holds; `None` where the system does not say.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// The ledger's totals live in the store and survive a restart, so they are read rather than counted.
fn ledgers(reading: &Reading) -> Registry {
    let received = Family::<SiteLabel, Counter>::default();
    let stored = Family::<SiteLabel, Counter>::default();
    let duplicate = Family::<SiteLabel, Counter>::default();
    let rejected = Family::<SiteReason, Counter>::default();
    let withheld = Family::<SiteReason, Counter>::default();
    for (site, ledger) in &reading.ledgers {
        let label = SiteLabel { site: site.clone() };
        received.get_or_create(&label).inc_by(ledger.received());
        stored.get_or_create(&label).inc_by(ledger.stored);
        duplicate.get_or_create(&label).inc_by(ledger.duplicate);
        for (family, reasons) in [(&rejected, &ledger.rejected), (&withheld, &ledger.withheld)] {
            for (reason, count) in reasons {
                let label = SiteReason { site: site.clone(), reason: reason.clone() };
                family.get_or_create(&label).inc_by(*count);
            }
        }
    }
    let mut registry = Registry::default();
    let events = "Events of beacons that were answered 200";
    registry.register("traza_events_received", events, received);
    registry.register("traza_events_stored", format!("{events}: stored"), stored);
    registry.register("traza_events_duplicate", format!("{events}: delivered before"), duplicate);
    registry.register(
        "traza_events_rejected",
        format!("{events}: refused, by reason; less those that were since tried again with success"),
        rejected,
    );
    registry.register(
        "traza_events_withheld",
        format!("{events}: not kept, by the visitor's choice"),
        withheld,
    );
    let (facts, leads) = (Family::<SiteLabel, Counter>::default(), Family::<SiteLabel, Counter>::default());
    let passed = Family::<SiteLabel, Gauge>::default();
    for (site, sealed) in &reading.sealed {
        let label = SiteLabel { site: site.clone() };
        facts.get_or_create(&label).inc_by(sealed.facts);
        leads.get_or_create(&label).inc_by(sealed.leads);
        passed.get_or_create(&label).set(sealed.passed_at / 1000);
    }
    registry.register("traza_sealed_facts", "Facts whose content went with age", facts);
    registry.register("traza_sealed_leads", "Leads that went with age", leads);
    registry.register(
        "traza_retention_passed_timestamp_seconds",
        "When the last look for what is too old ended; 0 before the first",
        passed,
    );
    let silent = Family::<SiteLabel, Gauge>::default();
    for (site, is_silent) in &reading.silent {
        silent.get_or_create(&SiteLabel { site: site.clone() }).set(i64::from(*is_silent));
    }
    registry.register(
        "traza_site_silent",
        "1 where nothing comes from a site at a time of the week when something should",
        silent,
    );
    let silent_forms = Family::<FormLabel, Gauge>::default();
    for (site, form) in &reading.silent_forms {
        silent_forms.get_or_create(&FormLabel { site: site.clone(), form: form.clone() }).set(1);
    }
    registry.register(
        "traza_form_silent",
        "1 where nobody sends a form at a time of the week when somebody should",
        silent_forms,
    );
    let (pending, failing) =
        (Family::<SiteLabel, Gauge>::default(), Family::<EndpointLabel, Gauge>::default());
    for (site, count) in &reading.pending {
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        pending.get_or_create(&SiteLabel { site: site.clone() }).set(count);
    }
    for (site, endpoint, is_failing) in &reading.endpoints {
        let label = EndpointLabel { site: site.clone(), endpoint: endpoint.clone() };
        failing.get_or_create(&label).set(i64::from(*is_failing));
    }
    registry.register(
        "traza_deliveries_pending",
        "Messages to endpoints that wait for their next attempt, counted up to 10,000",
        pending,
    );
    registry.register(
        "traza_endpoint_failing",
        "1 where an endpoint takes nothing, or says that it is gone",
        failing,
    );
    let lag = Gauge::<i64>::default();
    lag.set(i64::try_from(reading.lag).unwrap_or(i64::MAX));
    registry.register("traza_projection_lag_facts", "Facts stored that have not taken effect yet", lag);
    let gauges = [
        ("traza_store_bytes", "Bytes of the store on disk", reading.store.disk_bytes),
        ("traza_disk_free_bytes", "Bytes free on the store's disk", reading.store.disk_free),
        ("traza_resident_bytes", "Memory that the process holds", resident_bytes()),
        (
            "traza_queued_appends",
            "Appends that wait for the writer",
            u64::try_from(reading.store.queued).ok(),
        ),
    ];
    for (name, help, value) in gauges {
        let Some(value) = value else { continue };
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    }
    let flush = "Time that it took to make a group of appends durable: write, flush, sync";
    registry.register("traza_flush_seconds", flush, reading.vitals.flush.clone());
    registry.register("traza_group_appends", "Appends that shared one sync", reading.vitals.group.clone());
    let recoveries = "Times that the store was made fit again after the disk had failed it";
    registry.register("traza_store_recoveries", recoveries, reading.vitals.recoveries.clone());
    registry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_adds_up_in_the_text() {
        let metrics = Metrics::default();
        metrics.refused(413);
        metrics.answered("/api/v1/sites/{site}/leads", "GET", Duration::from_millis(3));
        let ledger = Ledger {
            stored: 3,
            duplicate: 2,
            rejected: [("time".to_owned(), 1)].into(),
            withheld: [("off".to_owned(), 4)].into(),
        };
        let vitals = Vitals::default();
        vitals.flush.observe(0.002);
        vitals.group.observe(3.0);
        vitals.recoveries.inc();
        let store = Description { backend: "test", disk_bytes: Some(7), disk_free: Some(8), queued: 9 };
        let status = SealStatus { facts: 5, leads: 1, passed_at: 3_000, ..SealStatus::default() };
        let sealed = vec![("acme".to_owned(), status)];
        let reading = Reading {
            ledgers: vec![("acme".to_owned(), ledger)],
            sealed,
            silent: vec![("acme".to_owned(), true)],
            silent_forms: vec![("acme".to_owned(), "contacto".to_owned())],
            pending: vec![("acme".to_owned(), 3)],
            endpoints: vec![("acme".to_owned(), "crm".to_owned(), true)],
            lag: 0,
            store,
            vitals,
        };
        let text = metrics.encode(&reading).unwrap();
        for line in [
            "traza_events_received_total{site=\"acme\"} 10",
            "traza_events_stored_total{site=\"acme\"} 3",
            "traza_events_duplicate_total{site=\"acme\"} 2",
            "traza_events_rejected_total{site=\"acme\",reason=\"time\"} 1",
            "traza_events_withheld_total{site=\"acme\",reason=\"off\"} 4",
            "traza_beacons_refused_total{status=\"413\"} 1",
            "traza_sealed_facts_total{site=\"acme\"} 5",
            "traza_sealed_leads_total{site=\"acme\"} 1",
            "traza_retention_passed_timestamp_seconds{site=\"acme\"} 3",
            "traza_site_silent{site=\"acme\"} 1",
            "traza_form_silent{site=\"acme\",form=\"contacto\"} 1",
            "traza_deliveries_pending{site=\"acme\"} 3",
            "traza_endpoint_failing{site=\"acme\",endpoint=\"crm\"} 1",
            "traza_store_bytes 7",
            "traza_disk_free_bytes 8",
            "traza_queued_appends 9",
            "traza_flush_seconds_count 1",
            "traza_answer_seconds_count{route=\"/api/v1/sites/{site}/leads\",method=\"GET\"} 1",
            "traza_group_appends_sum 3.0",
            "traza_store_recoveries_total 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in:\n{text}");
        }
    }
}
