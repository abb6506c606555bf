//! `traza token`: who may ask.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{reach::ReachOptions, say};

/// What `traza token` can be told.
#[derive(Debug, Args)]
pub struct TokenOptions {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Issue a token and print it; it is shown this once
    #[command(
        after_help = "Example: traza token create --role marketing --site acme --label 'weekly report' --expires +90d"
    )]
    Create {
        /// What it allows
        #[arg(long)]
        role: Role,
        /// A site, or * for all
        #[arg(long)]
        site: String,
        /// What it is for
        #[arg(long, default_value = "")]
        label: String,
        /// When it ends: RFC 3339, or relative such as +90d
        #[arg(long)]
        expires: Option<String>,
        #[command(flatten)]
        reach: ReachOptions,
    },
    /// List tokens; secrets are not kept, so none is shown
    #[command(after_help = "Example: traza token list")]
    List {
        #[command(flatten)]
        reach: ReachOptions,
    },
    /// Withdraw a token by its id
    #[command(after_help = "Example: traza token revoke t_0193f6e28f5e7cc1b1ff0242ac120002")]
    Revoke {
        /// As `traza token list` shows it
        id: String,
        #[command(flatten)]
        reach: ReachOptions,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    Ingest,
    Marketing,
    Sales,
    Agent,
    Admin,
}

/// Does it.
pub(super) async fn run(options: TokenOptions) -> anyhow::Result<()> {
    match options.action {
        Action::Create { role, site, label, expires, reach } => {
            let role = role.to_possible_value().map(|name| name.get_name().to_owned());
            let body = json!({"role": role, "site": site, "label": label, "expires_at": expires});
            let server = reach.reach(false).await?;
            let made = server.call("POST", "/api/v1/tokens", Some(body)).await?;
            server.leave().await?;
            let text = |name: &str| made.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            say(&format!("{}  (id {}; shown this once)", text("token"), text("id")))
        }
        Action::List { reach } => {
            let server = reach.reach(false).await?;
            let list = server.call("GET", "/api/v1/tokens?time=iso", None).await?;
            server.leave().await?;
            for token in list.get("items").and_then(Value::as_array).into_iter().flatten() {
                let text = |name: &str| token.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
                let line = ["id", "role", "site", "created_at", "expires_at", "label"].map(text).join("  ");
                say(&line)?;
            }
            Ok(())
        }
        Action::Revoke { id, reach } => {
            anyhow::ensure!(
                id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
                "the id is not one; see `traza token list`"
            );
            let server = reach.reach(false).await?;
            server.call("DELETE", &format!("/api/v1/tokens/{id}"), None).await?;
            server.leave().await?;
            say(&format!("{id} is withdrawn"))
        }
    }
}
