//! `traza site`: the tracked properties.

use std::{io::Read as _, path::PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{reach::ReachOptions, say};

/// What `traza site` can be told.
#[derive(Debug, Args)]
pub struct SiteOptions {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create or configure a site; what is not given becomes the default
    #[command(
        after_help = "Example: traza site put acme --domain example.com --domain example.es\n         traza site put acme --from acme.json"
    )]
    Put {
        /// Its name in URLs: a-z 0-9 -
        site: String,
        /// Its whole configuration as JSON, as the API takes it; - reads standard input
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// One of its domains; may be given more than once
        #[arg(long = "domain", conflicts_with = "from")]
        domains: Vec<String>,
        #[command(flatten)]
        reach: ReachOptions,
    },
    /// Print a site's configuration as JSON
    #[command(after_help = "Example: traza site show acme > acme.json")]
    Show {
        /// Its name in URLs
        site: String,
        #[command(flatten)]
        reach: ReachOptions,
    },
    /// List the sites
    #[command(after_help = "Example: traza site list")]
    List {
        #[command(flatten)]
        reach: ReachOptions,
    },
}

/// Does it.
pub(super) async fn run(options: SiteOptions) -> anyhow::Result<()> {
    match options.action {
        Action::Put { site, from, domains, reach } => {
            let body = match from {
                Some(path) => read(&path)?,
                None => json!({"domains": domains}),
            };
            let server = reach.reach(true).await?;
            let put = server.call("PUT", &path_of(&site)?, Some(body)).await?;
            server.leave().await?;
            say(&format!("{put:#}"))
        }
        Action::Show { site, reach } => {
            let server = reach.reach(false).await?;
            let shown = server.call("GET", &path_of(&site)?, None).await?;
            server.leave().await?;
            say(&format!("{shown:#}"))
        }
        Action::List { reach } => {
            let server = reach.reach(false).await?;
            let list = server.call("GET", "/api/v1/sites", None).await?;
            server.leave().await?;
            for site in list.get("items").and_then(Value::as_array).into_iter().flatten() {
                say(site.get("site").and_then(Value::as_str).unwrap_or_default())?;
            }
            Ok(())
        }
    }
}

fn path_of(site: &str) -> anyhow::Result<String> {
    anyhow::ensure!(wire::id::is_valid_site(site), "site: must be 1 to 32 characters of a-z 0-9 -");
    Ok(format!("/api/v1/sites/{site}"))
}

fn read(path: &PathBuf) -> anyhow::Result<Value> {
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    }
    serde_json::from_str(&text).with_context(|| format!("{}: is not JSON", path.display()))
}
