//! How much one site, and one network of clients, may send: token buckets (GCRA), in memory, of a fixed size.
//!
//! An address is looked at within the request and never kept: what stays is a number of nanoseconds in one of many
//! slots, which a random hash chooses.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};

use super::client::Client;
use crate::{config::Rates, domain::fact::SiteNumber, error::Problem};

/// Networks that are told apart; a power of two. Two that share a slot share a bucket, which is why the limits are
/// generous and the hash is random: nobody can choose whom to share with. One megabyte.
const NETWORKS: usize = 1 << 17;
/// Sites that are told apart.
const SITES: usize = 1 << 12;
/// A bucket holds what comes in so many seconds at its rate: pages come in bursts.
const BURST_SECONDS: u32 = 10;
/// Nobody is told to wait longer than this, in seconds: a bucket is full again after `BURST_SECONDS`.
const WAIT_SECONDS: u64 = 60;

/// The buckets. None where limits are off.
pub struct Limits<C: Clock = MonotonicClock> {
    buckets: Option<Buckets<C>>,
}

type Bucket<C> = RateLimiter<usize, Slots, C, NoOpMiddleware<<C as Clock>::Instant>>;

struct Buckets<C: Clock> {
    sites: Bucket<C>,
    networks: Bucket<C>,
    hasher: RandomState,
}

/// Where a bucket stands, for each of a fixed number of keys.
struct Slots(Box<[InMemoryState]>);

impl Slots {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| InMemoryState::default()).collect())
    }
}

impl StateStore for Slots {
    type Key = usize;

    fn measure_and_replace<T, F, E>(&self, key: &usize, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        match self.0.get(key % self.0.len().max(1)) {
            Some(slot) => slot.measure_and_replace(&NotKeyed::NonKey, f),
            // No slots at all: every bucket is full.
            None => f(None).map(|(decided, _)| decided),
        }
    }
}

impl Limits {
    /// Buckets that fill at these rates; none where limits are off.
    #[must_use]
    pub fn new(rates: Option<Rates>) -> Self {
        Self::with_clock(rates, MonotonicClock)
    }
}

impl<C: Clock + Clone> Limits<C> {
    /// The same by another clock. It must never go back: the machine's wall clock may.
    fn with_clock(rates: Option<Rates>, clock: C) -> Self {
        let quota = |rate: NonZeroU32| {
            let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(BURST_SECONDS - 1));
            Quota::per_second(rate).allow_burst(burst)
        };
        let buckets = rates.map(|rates| Buckets {
            sites: RateLimiter::new(quota(rates.site), Slots::new(SITES), clock.clone()),
            networks: RateLimiter::new(quota(rates.network), Slots::new(NETWORKS), clock),
            hasher: RandomState::new(),
        });
        Self { buckets }
    }

    /// Takes one request from a site's bucket and from that of the client's network.
    ///
    /// # Errors
    /// 429 with the seconds to wait where one of them is empty. A network that sends too much takes nothing from its
    /// site's bucket.
    pub fn admit(&self, site: SiteNumber, client: Client) -> Result<(), Problem> {
        let Some(buckets) = &self.buckets else { return Ok(()) };
        if let Client::Address(address) = client {
            let slot = usize::try_from(buckets.hasher.hash_one(network(address))).unwrap_or(usize::MAX);
            let now = buckets.networks.clock().now();
            buckets.networks.check_key(&slot).map_err(|until| {
                too_many(
                    until.wait_time_from(now),
                    "This network sends more than a network of visitors does.",
                )
            })?;
        }
        let now = buckets.sites.clock().now();
        buckets.sites.check_key(&(site as usize)).map_err(|until| {
            too_many(until.wait_time_from(now), "The site is sent more than it may be sent.")
        })
    }
}

fn too_many(wait: Duration, detail: &'static str) -> Problem {
    let seconds = wait.as_secs_f64().ceil().clamp(1.0, WAIT_SECONDS as f64);
    Problem::too_many(detail, seconds as u32)
}

/// A client's network: addresses within it are one household, one office, one provider's gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    /// The first 24 bits.
    V4([u8; 3]),
    /// The first 48 bits.
    V6([u8; 6]),
}

fn network(address: IpAddr) -> Network {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Network::V4([a, b, c])
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, e, f, ..] = address.octets();
            Network::V6([a, b, c, d, e, f])
        }
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn rates(site: u32, network: u32) -> Option<Rates> {
        Some(Rates { site: NonZeroU32::new(site).unwrap(), network: NonZeroU32::new(network).unwrap() })
    }

    fn from(address: &str) -> Client {
        Client::Address(address.parse().unwrap())
    }

    /// How many of so many requests are admitted.
    fn admitted(limits: &Limits<FakeRelativeClock>, site: SiteNumber, address: &str, tries: u32) -> u32 {
        (0..tries).map(|_| u32::from(limits.admit(site, from(address)).is_ok())).sum()
    }

    #[test]
    fn a_network_has_its_burst_then_its_rate_and_harms_no_other() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::with_clock(rates(1_000, 5), clock.clone());
        assert_eq!(admitted(&limits, 1, "203.0.113.7", 100), 50);
        assert_eq!(admitted(&limits, 1, "203.0.113.200", 100), 0, "the same /24");
        assert_eq!(admitted(&limits, 2, "203.0.113.7", 1), 0, "a network is one over all sites");
        assert_eq!(admitted(&limits, 1, "::ffff:203.0.113.9", 1), 0, "the same address, written as IPv6");
        assert_eq!(admitted(&limits, 1, "203.0.114.7", 1), 1, "another /24");
        let problem = limits.admit(1, from("203.0.113.7")).unwrap_err();
        assert_eq!((problem.status, problem.retry_after), (429, Some(1)));
        clock.advance(Duration::from_secs(2));
        assert_eq!(admitted(&limits, 1, "203.0.113.7", 100), 10);
    }

    #[test]
    fn ipv6_clients_are_told_apart_by_their_first_48_bits() {
        let limits = Limits::with_clock(rates(1_000, 1), FakeRelativeClock::default());
        assert_eq!(admitted(&limits, 1, "2001:db8:1:2::3", 100), 10);
        assert_eq!(admitted(&limits, 1, "2001:db8:1:ffff::4", 100), 0);
        assert_eq!(admitted(&limits, 1, "2001:db8:2::3", 100), 10);
    }

    #[test]
    fn a_site_that_is_sent_too_much_starves_no_other() {
        let limits = Limits::with_clock(rates(3, 1_000), FakeRelativeClock::default());
        assert_eq!(admitted(&limits, 1, "203.0.113.7", 100), 30);
        assert_eq!(admitted(&limits, 2, "203.0.113.7", 20), 20);
        assert_eq!(limits.admit(1, Client::Unknown).unwrap_err().status, 429);
    }

    #[test]
    fn nothing_is_counted_where_limits_are_off_and_nobody_where_clients_cannot_be_told_apart() {
        let off = Limits::with_clock(None, FakeRelativeClock::default());
        assert_eq!(admitted(&off, 1, "203.0.113.7", 10_000), 10_000);
        let limits = Limits::with_clock(rates(1_000, 1), FakeRelativeClock::default());
        assert!((0..1_000).all(|_| limits.admit(1, Client::Unknown).is_ok()));
    }
}
