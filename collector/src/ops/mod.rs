//! The operator's verbs: what is done to a store beside serving from it.
//!
//! - `reach`: a running server, or the store itself where none runs; `progress`: what people see meanwhile
//! - `token`, `site`: who may ask, and about what
//! - `backup`: export and backup; `restore`: import and restore
//! - `rebuild`, `verify`: what is derived, made again and compared
//! - `rotate`: from one master key to the next
//! - `simulate`: a history whose truth is known; `bench`: load, and a count of what came of it
//! - `doctor`: is everything in place
//!
//! Every verb may be interrupted: a source is only read, a target is whole or says that it is not.

mod backup;
mod bench;
mod doctor;
mod progress;
mod reach;
mod rebuild;
mod restore;
mod rotate;
mod simulate;
mod site;
mod token;
mod verify;

use std::{io::Write as _, path::PathBuf, sync::Arc};

use clap::{Args, Subcommand};

use crate::{
    config::{ServeOptions, Settings, StoreUrl},
    store::sled::{Pace, Sled},
};

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Issue, list and withdraw tokens
    #[command(
        after_help = "Example: traza token create --role sales --site acme --label 'contact centre'\n         TRAZA_URL=http://127.0.0.1:8787 TRAZA_TOKEN=tz_… traza token list"
    )]
    Token(token::TokenOptions),
    /// Create, configure and list sites
    #[command(after_help = "Example: traza site put acme --from acme.json\n         traza site list")]
    Site(site::SiteOptions),
    /// Write facts as lines of JSON (zstd), to be read elsewhere
    #[command(
        after_help = "Example: traza export acme.ndjson.zst --site acme\n         zstdcat acme.ndjson.zst | jq 'select(.fact).fact.entry'"
    )]
    Export(backup::ExportOptions),
    /// Take an archive into a store, again and again if need be (the server must be stopped)
    #[command(after_help = "Example: traza import backup.ndjson.zst --store sled:/var/lib/traza")]
    Import(restore::ImportOptions),
    /// Write everything to a file while the server goes on
    #[command(
        after_help = "Example: TRAZA_URL=http://127.0.0.1:8787 TRAZA_TOKEN=tz_… traza backup /backup/traza.ndjson.zst"
    )]
    Backup(backup::BackupOptions),
    /// Make a store from a backup; an existing one is never touched (the server must be stopped)
    #[command(after_help = "Example: traza restore /backup/traza.ndjson.zst --store sled:/var/lib/traza")]
    Restore(restore::RestoreOptions),
    /// Drop what is derived and derive it again (the server must be stopped)
    #[command(after_help = "Example: traza rebuild --store sled:/var/lib/traza")]
    Rebuild(StoreOptions),
    /// Read everything, derive it again beside, and tell the first difference (the server must be stopped)
    #[command(after_help = "Example: traza verify --store sled:/var/lib/traza")]
    Verify(StoreOptions),
    /// Put everything personal under a new master key (the server must be stopped)
    #[command(after_help = "Example: traza rotate-key --store sled:/var/lib/traza")]
    RotateKey(rotate::RotateOptions),
    /// Make a site's history whose truth is known, and print that truth
    #[command(
        after_help = "Example: traza simulate --visitors 100000 --store sled:./try\n         TRAZA_URL=http://127.0.0.1:8787 TRAZA_TOKEN=tz_… traza simulate --visitors 1000"
    )]
    Simulate(simulate::SimulateOptions),
    /// Put load on a running collector, and compare what it acknowledged with what is there
    #[command(
        after_help = "Example: TRAZA_URL=http://127.0.0.1:8787 TRAZA_TOKEN=tz_… traza bench --seconds 30 (server with TRAZA_LIMITS=off)"
    )]
    Bench(bench::BenchOptions),
    /// Check disk, permissions, key, clock, port, store and address
    #[command(after_help = "Example: traza doctor --config /etc/traza.toml")]
    Doctor(Box<ServeOptions>),
}

/// Which store.
#[derive(Debug, Clone, Default, Args)]
pub struct StoreOptions {
    /// Where facts are kept: sled:FOLDER [default: sled:./data]
    #[arg(long, env = "TRAZA_STORE", value_name = "URL")]
    store: Option<String>,
    /// File with the settings of `traza serve`
    #[arg(long, env = "TRAZA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// File with the master key [default: the store's folder + ".key"]
    #[arg(long, env = "TRAZA_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The master key itself, 32 bytes in base64; wins over the file
    #[arg(long, env = "TRAZA_MASTER_KEY", hide_env_values = true, value_name = "BASE64")]
    master_key: Option<String>,
    /// File that remembers who was erased [default: the key's file, or the store's folder, + ".erasures"]
    #[arg(long, env = "TRAZA_ERASURES", value_name = "FILE")]
    erasures: Option<PathBuf>,
    /// Memory for the store's cache, in MB [default: 128]
    #[arg(long, env = "TRAZA_CACHE_MB", value_name = "MB")]
    cache_mb: Option<u64>,
}

impl StoreOptions {
    fn settle(&self) -> anyhow::Result<Settings> {
        ServeOptions {
            // Nothing is served to anybody else: any address will do.
            listen: Some("127.0.0.1:0".to_owned()),
            store: self.store.clone(),
            config: self.config.clone(),
            key_file: self.key_file.clone(),
            master_key: self.master_key.clone(),
            erasures: self.erasures.clone(),
            cache_mb: self.cache_mb,
            ..ServeOptions::default()
        }
        .settle()
    }
}

/// The folder of a store that must be one on the disk.
fn folder(settings: &Settings) -> anyhow::Result<&PathBuf> {
    match &settings.store {
        StoreUrl::Sled(folder) => Ok(folder),
        StoreUrl::Memory => {
            anyhow::bail!("store: memory: keeps nothing; name a folder with --store sled:FOLDER")
        }
    }
}

/// Opens a store that must be there. Nothing is begun where a path was mistyped.
fn open(settings: &Settings) -> anyhow::Result<Arc<Sled>> {
    let folder = folder(settings)?;
    anyhow::ensure!(
        folder.is_dir(),
        "{}: there is no store; name its folder with --store sled:FOLDER",
        folder.display()
    );
    Ok(Arc::new(Sled::open(folder, settings.cache_bytes, Pace::Bulk)?))
}

/// Writes a line for people, or for a pipe that may be closed by now.
fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// Does what was asked.
///
/// # Errors
/// One line for the operator.
pub async fn run(verb: Verb) -> anyhow::Result<()> {
    crate::telemetry::start_logging_of_tools();
    match verb {
        Verb::Token(options) => token::run(options).await,
        Verb::Site(options) => site::run(options).await,
        Verb::Export(options) => backup::export(options).await,
        Verb::Import(options) => restore::import(options).await,
        Verb::Backup(options) => backup::backup(options).await,
        Verb::Restore(options) => restore::restore(options).await,
        Verb::Rebuild(options) => rebuild::rebuild(&options).await,
        Verb::Verify(options) => verify::verify(&options).await,
        Verb::RotateKey(options) => rotate::rotate(options).await,
        Verb::Simulate(options) => simulate::simulate(options).await,
        Verb::Bench(options) => bench::bench(options).await,
        Verb::Doctor(options) => doctor::doctor(*options).await,
    }
}
