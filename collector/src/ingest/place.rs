//! Country and region of a client: from a file in MaxMind's format, or from what a trusted proxy says. Decided within
//! the request; the address is forgotten with it.

use std::{net::IpAddr, path::Path};

use actix_web::HttpRequest;
use anyhow::Context as _;
use maxminddb::{Reader, geoip2};

use super::client::{Client, is_proxied};
use crate::config::Settings;

/// Where somebody is, coarsely.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// ISO 3166-1, two letters.
    pub country: Option<String>,
    /// ISO 3166-2 subdivision, without the country.
    pub region: Option<String>,
    /// Whether the network is a data centre's.
    pub datacentre: bool,
}

/// Finds places.
#[derive(Default)]
pub struct Places {
    file: Option<Reader<Vec<u8>>>,
}

impl Places {
    /// Reads the file that the settings name, if they name one. Blocks: call it before the server runs.
    ///
    /// # Errors
    /// Where the file is not there, or no such database.
    pub fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let file = path
            .map(|path| Reader::open_readfile(path).with_context(|| format!("geoip: {}", path.display())))
            .transpose()?;
        Ok(Self { file })
    }

    /// Where a client is: what the file says of its address; where there is no file, or the file does not
    /// know it, what the trusted proxy in front says.
    #[must_use]
    pub fn of(&self, client: Client, settings: &Settings, request: &HttpRequest) -> Place {
        let found = client.address().and_then(|address| self.look_up(address));
        found.unwrap_or_else(|| told(settings, request))
    }

    fn look_up(&self, address: IpAddr) -> Option<Place> {
        let found: geoip2::City<'_> = self.file.as_ref()?.lookup(address).ok()?.decode().ok()??;
        let country = found.country.iso_code.or(found.registered_country.iso_code).and_then(code)?;
        let region = found.subdivisions.first().and_then(|region| region.iso_code).and_then(subdivision);
        Some(Place { country: Some(country), region, datacentre: false })
    }
}

/// What the proxy in front says, where it is a trusted one.
fn told(settings: &Settings, request: &HttpRequest) -> Place {
    let Some(header) = settings.country_header.as_ref().filter(|_| is_proxied(settings, request)) else {
        return Place::default();
    };
    let said = request.headers().get(header.as_str()).and_then(|value| value.to_str().ok());
    Place { country: said.and_then(code), region: None, datacentre: false }
}

/// A country's code; `XX` and `T1` are how proxies say that they do not know.
fn code(text: &str) -> Option<String> {
    let code = text.trim().to_ascii_uppercase();
    let valid = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) && code != "XX";
    valid.then_some(code)
}

fn subdivision(text: &str) -> Option<String> {
    let valid = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    valid.then(|| text.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_are_countries() {
        for (text, expected) in
            [("es", Some("ES")), (" MX ", Some("MX")), ("XX", None), ("T1", None), ("ESP", None), ("", None)]
        {
            assert_eq!(code(text).as_deref(), expected, "{text}");
        }
        assert_eq!(subdivision("md").as_deref(), Some("MD"));
        assert_eq!(subdivision("Madrid"), None);
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("geo.mmdb");
        assert!(Places::open(Some(&path)).is_err());
        std::fs::write(&path, "no database").unwrap();
        let error = Places::open(Some(&path)).err().map(|error| format!("{error:#}")).unwrap();
        assert!(error.contains("geo.mmdb"), "{error}");
        assert!(Places::open(None).is_ok());
    }

    /// A database as small as they come: 203.0.113.0/24 is in Madrid, nothing else is anywhere.
    pub(super) fn tiny() -> Vec<u8> {
        // The tree: one node for each of the 24 bits of the network (IPv4), 24-bit records.
        let network: u32 = u32::from_be_bytes([203, 0, 113, 0]);
        let nodes = 24_u32;
        let mut tree = Vec::new();
        for depth in 0..nodes {
            let bit = network >> (31 - depth) & 1;
            let next = if depth + 1 == nodes { nodes + 16 } else { depth + 1 };
            let records = if bit == 0 { [next, nodes] } else { [nodes, next] };
            for record in records {
                tree.extend_from_slice(&record.to_be_bytes()[1..]);
            }
        }
        let text = |text: &str| {
            let mut bytes = vec![0x40 | u8::try_from(text.len()).unwrap()];
            bytes.extend_from_slice(text.as_bytes());
            bytes
        };
        let map = |pairs: &[(&str, Vec<u8>)]| {
            let mut bytes = vec![0xe0 | u8::try_from(pairs.len()).unwrap()];
            for (name, value) in pairs {
                bytes.extend(text(name));
                bytes.extend_from_slice(value);
            }
            bytes
        };
        let mut array = vec![0x01, 0x04];
        array.extend(map(&[("iso_code", text("MD"))]));
        let data = map(&[("country", map(&[("iso_code", text("ES"))])), ("subdivisions", array)]);
        let u16_of = |value: u8| vec![0xa1, value];
        let u32_of = |value: u8| vec![0xc1, value];
        let meta = map(&[
            ("binary_format_major_version", u16_of(2)),
            ("binary_format_minor_version", vec![0xa0]),
            ("build_epoch", vec![0x01, 0x02, 1]),
            ("database_type", text("GeoLite2-City")),
            ("description", map(&[("en", text("test"))])),
            ("ip_version", u16_of(4)),
            ("languages", vec![0x00, 0x04]),
            ("node_count", u32_of(24)),
            ("record_size", u16_of(24)),
        ]);
        [tree, vec![0; 16], data, b"\xab\xcd\xefMaxMind.com".to_vec(), meta].concat()
    }

    #[test]
    fn a_files_answer_is_country_and_region() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("geo.mmdb");
        std::fs::write(&path, tiny()).unwrap();
        let places = Places::open(Some(&path)).unwrap();
        let place = |address: &str| places.look_up(address.parse().unwrap());
        let madrid =
            Place { country: Some("ES".to_owned()), region: Some("MD".to_owned()), datacentre: false };
        assert_eq!(place("203.0.113.7"), Some(madrid));
        assert_eq!(place("203.0.114.7"), None);
        assert_eq!(place("2001:db8::1"), None);
    }
}
