//! Where a request comes from, as far as anybody can be believed. Used within the request and forgotten.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
};

use actix_web::{HttpRequest, http::header::HeaderMap};

use crate::config::Settings;

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Somebody at this address.
    Address(IpAddr),
    /// Somebody behind a proxy that does not say who, or is not trusted to.
    Unknown,
}

impl Client {
    /// Who sent a request.
    #[must_use]
    pub fn of(settings: &Settings, request: &HttpRequest) -> Self {
        match request.peer_addr() {
            Some(peer) => seen(&settings.trusted_proxies, peer.ip(), request.headers()),
            None => Self::Unknown,
        }
    }

    /// The address, where it is known.
    #[must_use]
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Unknown => None,
        }
    }
}

/// Whether a trusted proxy hands a request on: then what its headers say of the client is believed.
#[must_use]
pub fn is_proxied(settings: &Settings, request: &HttpRequest) -> bool {
    request.peer_addr().is_some_and(|peer| settings.trusted_proxies.contains(&peer.ip().to_canonical()))
}

/// `X-Forwarded-For` grows to the right, and anybody may begin it: what counts is the last address that is none of
/// the trusted proxies', and only where the one who tells is a trusted proxy.
fn seen(trusted: &[IpAddr], peer: IpAddr, headers: &HeaderMap) -> Client {
    let peer = peer.to_canonical();
    let forwarded = headers.get_all("x-forwarded-for");
    if !trusted.contains(&peer) {
        if is_inside(peer) && headers.contains_key("x-forwarded-for") {
            // A proxy that nobody told us of. To take all its visitors for one would throttle them together.
            warn_once();
            return Client::Unknown;
        }
        return Client::Address(peer);
    }
    let lines: Vec<&str> = forwarded.map(|line| line.to_str().unwrap_or("?")).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        match hop.trim().parse::<IpAddr>().map(|hop| hop.to_canonical()) {
            Ok(hop) if trusted.contains(&hop) => {}
            Ok(hop) => return Client::Address(hop),
            Err(_) => return Client::Unknown,
        }
    }
    Client::Unknown
}

/// An address of the machine or of a private network: nobody on the open internet has it.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

fn warn_once() {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "a proxy on this machine or network sends X-Forwarded-For and is not trusted: name it in \
             TRAZA_TRUSTED_PROXIES, or its visitors cannot be told apart"
        );
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn from(peer: &str, forwarded: &[&str]) -> Client {
        let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(line).unwrap());
        }
        seen(&trusted, peer.parse().unwrap(), &headers)
    }

    fn at(address: &str) -> Client {
        Client::Address(address.parse().unwrap())
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let cases: [(&str, &[&str], Client); 13] = [
            ("203.0.113.7", &[], at("203.0.113.7")),
            ("203.0.113.7", &["198.51.100.1"], at("203.0.113.7")),
            ("127.0.0.1", &["198.51.100.1"], at("198.51.100.1")),
            ("127.0.0.1", &["1.1.1.1, 198.51.100.1"], at("198.51.100.1")),
            ("127.0.0.1", &["1.1.1.1", "198.51.100.1, 10.0.0.2"], at("198.51.100.1")),
            ("::ffff:127.0.0.1", &["2001:db8::1"], at("2001:db8::1")),
            ("127.0.0.1", &["198.51.100.1, unknown"], Client::Unknown),
            ("127.0.0.1", &["198.51.100.1:443"], Client::Unknown),
            ("127.0.0.1", &["10.0.0.2"], Client::Unknown),
            ("127.0.0.1", &[], Client::Unknown),
            ("127.0.0.1", &[""], Client::Unknown),
            ("192.168.1.1", &["198.51.100.1"], Client::Unknown),
            ("192.168.1.1", &[], at("192.168.1.1")),
        ];
        for (peer, forwarded, expected) in cases {
            assert_eq!(from(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }
}
