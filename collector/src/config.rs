//! How a collector is run. Every setting is a flag, an environment variable and a line of `traza.toml`; the flag
//! wins over the variable, the variable over the file, the file over the default.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde::Deserialize;

/// Where a collector listens unless told otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8787";
const DEFAULT_STORE: &str = "sled:./data";
/// Far above what a busy site sends: 200 a second from one network are 17 million a day.
const DEFAULT_LIMITS: &str = "site=5000,network=200";

/// What `traza serve` can be told.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServeOptions {
    /// Address and port to listen on [default: 127.0.0.1:8787, or the next free port]
    #[arg(long, env = "TRAZA_LISTEN", value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Where facts are kept: sled:FOLDER, or memory: (which forgets) [default: sled:./data]
    #[arg(long, env = "TRAZA_STORE", value_name = "URL")]
    pub store: Option<String>,
    /// The address that pages reach this collector by; needed unless it listens on loopback
    #[arg(long, env = "TRAZA_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Path under which pages reach the tracker [default: /t]
    #[arg(long, env = "TRAZA_PREFIX", value_name = "PATH")]
    pub prefix: Option<String>,
    /// File with these settings, by the same names
    #[arg(long, env = "TRAZA_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Add the site `demo` with its landing pages at /demo/
    #[arg(long, env = "TRAZA_DEMO")]
    pub demo: bool,
    /// Accept this text (16 characters or more) as an admin token
    #[arg(long, env = "TRAZA_ADMIN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub admin_token: Option<String>,
    /// File with the master key; made if missing [default: the store's folder + ".key"]
    #[arg(long, env = "TRAZA_KEY_FILE", value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// The master key itself, 32 bytes in base64; wins over the file
    #[arg(long, env = "TRAZA_MASTER_KEY", hide_env_values = true, value_name = "BASE64")]
    pub master_key: Option<String>,
    /// File that remembers who was erased, so that no older backup brings them back [default: the key's file, or the store's
    /// folder, + ".erasures"]
    #[arg(long, env = "TRAZA_ERASURES", value_name = "FILE")]
    pub erasures: Option<PathBuf>,
    /// Addresses whose X-Forwarded-For and -Proto count, separated by commas
    #[arg(long, env = "TRAZA_TRUSTED_PROXIES", value_delimiter = ',', value_name = "ADDR")]
    pub trusted_proxies: Vec<IpAddr>,
    /// File in MaxMind's format, for the visitors' country and region
    #[arg(long, env = "TRAZA_GEOIP", value_name = "FILE")]
    pub geoip: Option<PathBuf>,
    /// File with networks of data centres, one a line such as 203.0.113.0/24: who comes from there is flagged
    #[arg(long, env = "TRAZA_DATACENTRES", value_name = "FILE")]
    pub datacentres: Option<PathBuf>,
    /// Header in which a trusted proxy says the visitor's country, such as CF-IPCountry
    #[arg(long, env = "TRAZA_COUNTRY_HEADER", value_name = "NAME")]
    pub country_header: Option<String>,
    /// Beacons per second that are taken for one site and from one network of clients, or `off` [default:
    /// site=5000,network=200; ten seconds' worth may come at once]
    #[arg(long, env = "TRAZA_LIMITS", value_name = "RATES")]
    pub limits: Option<String>,
    /// Let webhooks reach private and loopback addresses, over http too: for intranets and tests
    #[arg(long, env = "TRAZA_ALLOW_PRIVATE_TARGETS")]
    pub allow_private_targets: bool,
    /// Memory for the store's cache, in MB [default: 128]
    #[arg(long, env = "TRAZA_CACHE_MB", value_name = "MB")]
    pub cache_mb: Option<u64>,
    /// Threads that answer requests [default: one per core]
    #[arg(long, env = "TRAZA_WORKERS", value_name = "N")]
    pub workers: Option<usize>,
}

/// Where facts are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A sled folder.
    Sled(PathBuf),
    /// Nowhere: for tests.
    Memory,
}

/// How many beacons per second are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// For one site.
    pub site: NonZeroU32,
    /// From one network of clients: an IPv4 /24, an IPv6 /48.
    pub network: NonZeroU32,
}

/// Settings, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether another port will do if that one is taken: only where nobody asked for it.
    pub may_move: bool,
    /// Where facts are kept.
    pub store: StoreUrl,
    /// Without a slash at the end. Filled in at start-up where it was not given.
    pub public_url: String,
    /// With a slash in front and none at the end.
    pub prefix: String,
    /// Whether the demo site is wanted.
    pub demo: bool,
    /// Accepted as an admin token.
    pub admin_token: Option<String>,
    /// Where the master key is, or the key itself.
    pub master_key: MasterKeySource,
    /// The file that remembers who was erased; `None` for the store that forgets.
    pub erasures: Option<PathBuf>,
    /// Addresses whose X-Forwarded-For and -Proto count.
    pub trusted_proxies: Vec<IpAddr>,
    /// Database of the visitors' country and region.
    pub geoip: Option<PathBuf>,
    /// List of networks of data centres.
    pub datacentres: Option<PathBuf>,
    /// The header in which a trusted proxy says the country, in lower case.
    pub country_header: Option<String>,
    /// How many beacons are taken; `None` where limits are off.
    pub limits: Option<Rates>,
    /// Whether webhooks may reach private and loopback addresses.
    pub allow_private_targets: bool,
    /// The store's cache, in bytes.
    pub cache_bytes: u64,
    /// Threads that answer requests.
    pub workers: Option<usize>,
}

/// Where the master key comes from.
#[derive(Clone)]
pub enum MasterKeySource {
    /// Base64.
    Text(String),
    /// A file outside the data folder.
    File(PathBuf),
    /// A new one each time: for the store that forgets.
    Ephemeral,
}

impl std::fmt::Debug for MasterKeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(…)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Ephemeral => f.write_str("Ephemeral"),
        }
    }
}

impl ServeOptions {
    /// Fills what was not given from the configuration file, and checks everything.
    ///
    /// # Errors
    /// One line that says which setting is wrong and what it should be.
    pub fn settle(self) -> anyhow::Result<Settings> {
        let file = match &self.config {
            Some(path) => Self::read(path)?,
            None => Self::default(),
        };
        let listen = self.listen.or(file.listen);
        let may_move = listen.is_none();
        let listen: SocketAddr = listen
            .as_deref()
            .unwrap_or(DEFAULT_LISTEN)
            .parse()
            .context("listen: must be an address and a port, such as 127.0.0.1:8787")?;
        let store = parse_store(self.store.or(file.store).as_deref().unwrap_or(DEFAULT_STORE))?;
        let public_url = self.public_url.or(file.public_url).map(|url| url.trim_end_matches('/').to_owned());
        if let Some(url) = &public_url {
            ensure!(
                wire::arrival::host(url).is_some(),
                "public-url: must be an address such as https://t.example.com"
            );
        } else if !listen.ip().is_loopback() {
            bail!(
                "public-url: needed, because {listen} is reached from elsewhere: snippets and links are printed with it"
            );
        }
        let prefix = self.prefix.or(file.prefix).unwrap_or_else(|| "/t".to_owned());
        let plain = |segment: &str| {
            !segment.is_empty()
                && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        ensure!(
            prefix.strip_prefix('/').is_some_and(|rest| rest.split('/').all(plain)),
            "prefix: must be a path such as /t"
        );
        let admin_token = self.admin_token.or(file.admin_token).filter(|token| !token.is_empty());
        ensure!(
            admin_token.as_ref().is_none_or(|token| token.len() >= 16),
            "admin-token: must have 16 characters or more"
        );
        let master_key = match (self.master_key.or(file.master_key), self.key_file.or(file.key_file), &store)
        {
            (Some(text), _, _) => MasterKeySource::Text(text),
            (None, Some(path), _) => MasterKeySource::File(path),
            (None, None, StoreUrl::Sled(folder)) => {
                let mut path = folder.as_os_str().to_owned();
                path.push(".key");
                MasterKeySource::File(path.into())
            }
            (None, None, StoreUrl::Memory) => MasterKeySource::Ephemeral,
        };
        if let (MasterKeySource::File(key), StoreUrl::Sled(folder)) = (&master_key, &store) {
            ensure!(
                !tidy(key).starts_with(folder),
                "key-file: must lie outside the store's folder, or a copy of the folder would be a copy of the key"
            );
        }
        let erasures = match (self.erasures.or(file.erasures), &master_key, &store) {
            (_, _, StoreUrl::Memory) => None,
            (Some(path), ..) => Some(path),
            (None, MasterKeySource::File(path), _) => Some(beside(path)),
            (None, _, StoreUrl::Sled(folder)) => Some(beside(folder)),
        };
        if let (Some(path), StoreUrl::Sled(folder)) = (&erasures, &store) {
            ensure!(
                !tidy(path).starts_with(folder),
                "erasures: must lie outside the store's folder, or an older copy of the folder would bring back who was \
                 erased"
            );
        }
        let trusted_proxies =
            if self.trusted_proxies.is_empty() { file.trusted_proxies } else { self.trusted_proxies };
        let country_header =
            self.country_header.or(file.country_header).map(|name| name.to_ascii_lowercase());
        ensure!(
            country_header.as_ref().is_none_or(|name| {
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            }),
            "country-header: must be the name of a header, such as CF-IPCountry"
        );
        Ok(Settings {
            listen,
            may_move,
            store,
            public_url: public_url.unwrap_or_default(),
            prefix,
            demo: self.demo || file.demo,
            admin_token,
            master_key,
            erasures,
            trusted_proxies,
            geoip: self.geoip.or(file.geoip),
            datacentres: self.datacentres.or(file.datacentres),
            country_header,
            limits: parse_limits(self.limits.or(file.limits).as_deref().unwrap_or(DEFAULT_LIMITS))?,
            allow_private_targets: self.allow_private_targets || file.allow_private_targets,
            cache_bytes: self.cache_mb.or(file.cache_mb).unwrap_or(128) << 20,
            workers: self.workers.or(file.workers),
        })
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("config: {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("config: {}", path.display()))
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".erasures");
    name.into()
}

/// `./data`, `data` and `data/` are one folder: the key's file is named after it, and must not lie in it.
fn tidy(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != std::path::Component::CurDir).collect()
}

fn parse_store(url: &str) -> anyhow::Result<StoreUrl> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(StoreUrl::Memory),
        Some(("sled", folder)) if !folder.is_empty() => {
            Ok(StoreUrl::Sled(tidy(Path::new(folder.trim_start_matches("//")))))
        }
        _ => bail!("store: {url:?} is none; it must be sled:FOLDER or memory:"),
    }
}

fn parse_limits(text: &str) -> anyhow::Result<Option<Rates>> {
    if text == "off" {
        return Ok(None);
    }
    let (mut site, mut network) = (None, None);
    for part in text.split(',') {
        let (name, rate) = part.trim().split_once('=').unwrap_or((part, ""));
        let place = match name {
            "site" => &mut site,
            "network" => &mut network,
            _ => bail!("limits: must be off, or rates such as {DEFAULT_LIMITS}"),
        };
        *place =
            Some(rate.parse::<NonZeroU32>().ok().with_context(|| {
                format!("limits: {name} must be a number of beacons per second, 1 or more")
            })?);
    }
    match (site, network) {
        (Some(site), Some(network)) => Ok(Some(Rates { site, network })),
        _ => bail!("limits: must be off, or rates such as {DEFAULT_LIMITS}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(change: impl FnOnce(&mut ServeOptions)) -> anyhow::Result<Settings> {
        let mut options = ServeOptions::default();
        change(&mut options);
        options.settle()
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let settings = settle(|_| {}).unwrap();
        assert_eq!(settings.listen.to_string(), DEFAULT_LISTEN);
        assert!(settings.may_move);
        assert_eq!(settings.limits.map(|rates| (rates.site.get(), rates.network.get())), Some((5000, 200)));
        assert_eq!(settle(|options| options.limits = Some("off".to_owned())).unwrap().limits, None);
        assert_eq!(settings.store, StoreUrl::Sled("data".into()));
        assert!(matches!(settings.master_key, MasterKeySource::File(path) if path == Path::new("data.key")));
        assert_eq!(settings.erasures, Some("data.key.erasures".into()));
    }

    #[test]
    fn a_wrong_setting_is_named() {
        type Change = fn(&mut ServeOptions);
        let cases: [(&str, Change); 11] = [
            ("listen", |options| options.listen = Some("nowhere".to_owned())),
            ("store", |options| options.store = Some("mysql://x".to_owned())),
            ("public-url", |options| options.listen = Some("0.0.0.0:80".to_owned())),
            ("public-url", |options| options.public_url = Some("t.example.com".to_owned())),
            ("prefix", |options| options.prefix = Some("t/".to_owned())),
            ("admin-token", |options| options.admin_token = Some("short".to_owned())),
            ("limits", |options| options.limits = Some("on".to_owned())),
            ("limits", |options| options.limits = Some("site=5".to_owned())),
            ("limits", |options| options.limits = Some("site=5,network=0".to_owned())),
            ("erasures", |options| options.erasures = Some("./data/gone".into())),
            ("key-file", |options| options.key_file = Some("data/key".into())),
        ];
        for (name, change) in cases {
            let error = settle(change).unwrap_err().to_string();
            assert!(error.starts_with(name), "{name}: {error}");
        }
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traza.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\nprefix = \"/x\"\ncache-mb = 1\n").unwrap();
        let settings = settle(|options| {
            options.config = Some(path.clone());
            options.prefix = Some("/y".to_owned());
        })
        .unwrap();
        assert_eq!(settings.listen.port(), 1);
        assert_eq!(settings.prefix, "/y");
        assert_eq!(settings.cache_bytes, 1 << 20);
        std::fs::write(&path, "lissten = 1\n").unwrap();
        assert!(settle(|options| options.config = Some(path.clone())).is_err());
    }
}
