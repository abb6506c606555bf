//! Networks of data centres, from a list that the operator has. Who browses from there is more often a program than a
//! person: a hint, looked up within the request; of the address nothing is kept but the answer.

use std::{net::IpAddr, path::Path};

use anyhow::Context as _;
use ipnet::IpNet;

use super::client::Client;

/// Networks, in the order of their addresses, none within another.
#[derive(Debug, Default)]
pub struct Datacentres {
    networks: Vec<IpNet>,
}

impl Datacentres {
    /// Reads the list that the settings name, if they name one: a network a line, such as 203.0.113.0/24 or
    /// 2001:db8::/32; what follows a `#` is a remark. Blocks: call it before the server runs.
    ///
    /// # Errors
    /// Where the file is not there, or a line is no network.
    pub fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let named = || format!("datacentres: {}", path.display());
        let text = std::fs::read_to_string(path).with_context(named)?;
        Self::read(&text).with_context(named)
    }

    fn read(text: &str) -> anyhow::Result<Self> {
        let mut networks = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                networks.push(network(line).with_context(|| {
                    format!("line {number}: {line:?} is no network such as 203.0.113.0/24")
                })?);
            }
        }
        let mut networks = IpNet::aggregate(&networks);
        networks.sort_unstable_by_key(IpNet::network);
        Ok(Self { networks })
    }

    /// Whether a client's address is known, and of one of the networks.
    #[must_use]
    pub fn have_client(&self, client: Client) -> bool {
        client.address().is_some_and(|address| self.have(address))
    }

    fn have(&self, address: IpAddr) -> bool {
        // An IPv4 address may come as the IPv6 address that it is mapped to.
        let address = address.to_canonical();
        let after = self.networks.partition_point(|network| network.network() <= address);
        let network = after.checked_sub(1).and_then(|index| self.networks.get(index));
        network.is_some_and(|network| network.contains(&address))
    }
}

/// A network, or one address as a network of its own.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_a_network_or_it_is_not() {
        let list = "# hosting\n203.0.113.0/25  # a half\n\n203.0.113.128/25\n198.51.100.7\n2001:db8:1::/48\n10.1.2.3/8\n";
        let networks = Datacentres::read(list).unwrap();
        assert_eq!(networks.networks.len(), 4, "neighbours are one");
        for (address, of_one) in [
            ("203.0.113.0", true),
            ("203.0.113.255", true),
            ("203.0.114.0", false),
            ("203.0.112.255", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("2001:db8:1:ffff::1", true),
            ("2001:db8:2::", false),
            ("::ffff:198.51.100.7", true),
        ] {
            assert_eq!(networks.have(address.parse().unwrap()), of_one, "{address}");
        }
        assert!(!Datacentres::default().have("10.0.0.1".parse().unwrap()));
        assert!(Datacentres::read("::/0").unwrap().have("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_named_by_its_line() {
        for bad in [
            "10.0.0.0/33",
            "2001:db8::/129",
            "ten",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "example.com",
        ] {
            let error =
                Datacentres::read(&format!("10.0.0.0/8\n{bad}\n")).err().map(|error| format!("{error:#}"));
            assert!(error.is_some_and(|error| error.contains("line 2") && error.contains(bad)), "{bad}");
        }
        let missing =
            Datacentres::open(Some(Path::new("/nowhere/list"))).err().map(|error| format!("{error:#}"));
        assert!(missing.is_some_and(|error| error.contains("/nowhere/list")));
    }
}
