//! Which addresses may be spoken to. Whoever may set an endpoint must not reach what only this machine can.
//!
//! A name is resolved once, its addresses are judged, and the connection goes to one of those that were judged: what the
//! name leads to a moment later changes nothing.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Every address of a host is private.
#[derive(Debug)]
pub struct PrivateTarget;

impl fmt::Display for PrivateTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host has private addresses only")
    }
}

impl std::error::Error for PrivateTarget {}

/// Resolves names, and keeps the addresses that anybody could reach.
#[derive(Debug)]
pub struct Guard {
    names: DefaultResolver,
    allow_private: bool,
}

impl Guard {
    /// A guard; `allow_private` lets everything through, for intranets and tests.
    #[must_use]
    pub fn new(allow_private: bool) -> Self {
        Self { names: DefaultResolver::default(), allow_private }
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        if self.allow_private {
            return Ok(found);
        }
        let mut public = self.empty();
        for address in found.iter().filter(|address: &&SocketAddr| is_public(address.ip())) {
            public.push(*address);
        }
        if public.is_empty() {
            return Err(Error::Other(Box::new(PrivateTarget)));
        }
        Ok(public)
    }
}

/// Whether a host is written as an address that is not public.
#[must_use]
pub fn is_private_literal(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse().is_ok_and(|address| !is_public(address))
        || bare.eq_ignore_ascii_case("localhost")
        || bare.to_ascii_lowercase().ends_with(".localhost")
}

/// Whether anybody on the Internet could reach an address: by the registries of special addresses (RFC 6890 and later).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match a {
        // This network, private, loopback.
        0 | 10 | 127 => true,
        // Shared by a provider's customers.
        100 => (64..128).contains(&b),
        // Link-local: among it what clouds tell their machines.
        169 => b == 254,
        172 => (16..32).contains(&b),
        // Private, protocol assignments, documentation, relays of old.
        192 => b == 168 || (b == 0 && matches!(c, 0 | 2)) || (b == 88 && c == 99),
        // Benchmarks, documentation.
        198 => matches!(b, 18 | 19) || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        // Multicast, reserved, broadcast.
        224.. => true,
        _ => false,
    };
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, .., sixth, seventh, eighth] = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // Unspecified, loopback, and IPv4 in its oldest clothes.
        [0, 0, 0, 0, 0, 0, ..] => false,
        // IPv4, mapped and translated.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => embedded(seventh, eighth),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => embedded(seventh, eighth),
        [0x64, 0xff9b, ..] => false,
        // IPv4 inside 6to4; Teredo hides one too.
        [0x2002, ..] => embedded(second, address.segments()[2]),
        [0x2001, 0, ..] => false,
        // Benchmarks, identifiers, documentation, discard, segment routing.
        [0x2001, 2, 0, ..] | [0x2001, 0x10..=0x3f, ..] | [0x2001, 0xdb8, ..] => false,
        [0x3fff, 0..=0x0fff, ..] | [0x5f00, ..] | [0x100, 0, 0, ..] => false,
        // ISATAP puts an IPv4 address at the end.
        [.., 0x5efe, _, _] if matches!(sixth, 0x5efe) => embedded(seventh, eighth),
        // Global unicast is 2000::/3; unique-local, link-local, site-local and multicast lie outside.
        _ => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_anybody_could_reach_is_public() {
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "128.0.0.1",
            "169.253.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2002:101:101::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
            assert!(!is_private_literal(public));
        }
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::1.1.1.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:a00:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "2001:10::1",
            "2001:2::1",
            "100::1",
            "fc00::1",
            "fd12:3456::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2606:4700::5efe:10.0.0.1",
            "3fff::1",
            "5f00::1",
            "4000::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
            assert!(is_private_literal(private));
        }
    }

    #[test]
    fn a_name_is_no_literal_except_this_machine_s() {
        for (host, is_private) in [
            ("example.com", false),
            ("10.example.com", false),
            ("[::1]", true),
            ("[2606:4700::1111]", false),
            ("LOCALHOST", true),
            ("a.localhost", true),
        ] {
            assert_eq!(is_private_literal(host), is_private, "{host}");
        }
    }
}
