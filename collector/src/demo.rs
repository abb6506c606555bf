//! `--demo`: a site to play with, its token, and what to try.

use std::{collections::BTreeMap, fmt::Write as _, fs, io::ErrorKind, path::PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use wire::beacon::ConsentDefault;

use crate::{
    api::{auth, sites, tokens},
    app::App,
    config::StoreUrl,
    domain::{
        site::{FormKind, FormRule, SiteConfig},
        token::Role,
    },
    vault::keys::write_private,
};

/// The demo's slug.
pub const SITE: &str = "demo";

/// What `traza story` needs to find a running demo; lives in the data folder, readable by its owner alone.
#[derive(Serialize, Deserialize)]
pub struct Access {
    /// Where the collector is.
    pub url: String,
    /// An admin token of the demo site.
    pub token: String,
}

impl Access {
    /// Where it is kept; `None` for the store that forgets.
    #[must_use]
    pub fn path(store: &StoreUrl) -> Option<PathBuf> {
        match store {
            StoreUrl::Sled(folder) => Some(folder.join("demo.json")),
            StoreUrl::Memory => None,
        }
    }
}

/// Makes the demo site and its token, unless they are there. Returns what to print.
///
/// # Errors
/// What the store says, or the file system.
pub async fn prepare(app: &App) -> anyhow::Result<String> {
    let host = wire::arrival::host(&app.settings.public_url).unwrap_or_default().into_owned();
    let mut domains = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    if !domains.contains(&host) && !host.is_empty() {
        domains.push(host);
    }
    let config = SiteConfig {
        name: "Tejado Claro (demo)".to_owned(),
        domains,
        consent_default: ConsentDefault::Full,
        forms: vec![FormRule {
            matches: "[data-traza-lead]".to_owned(),
            kind: FormKind::Form,
            success: Some("/demo/gracias".to_owned()),
            fields: BTreeMap::new(),
        }],
        ..SiteConfig::default()
    };
    sites::put_site(app, SITE, config).await?;
    let access = access(app).await?;
    let (url, token) = (&app.settings.public_url, &access.token);
    let api = format!("{url}/api/v1/sites/{SITE}");
    let mut text = String::new();
    let newest = "node -p 'JSON.parse(require(\"fs\").readFileSync(0)).items[0].id'";
    write!(
        text,
        "\n  Landing page   {url}/demo/?utm_source=google&utm_medium=cpc&utm_campaign=otono&gclid=demo-click\n  \
         Dashboard      {url}/   (site: {SITE})\n  \
         API docs       {url}/api/docs/\n  \
         Demo token     {token}\n\n\
         The newest lead, and its journey (paste these):\n\n  \
         curl -s -H 'Authorization: Bearer {token}' '{api}/leads?limit=1&time=iso'\n\n  \
         LEAD=$(curl -s -H 'Authorization: Bearer {token}' '{api}/leads?limit=1' | {newest})\n  \
         curl -s -H 'Authorization: Bearer {token}' \"{api}/leads/$LEAD/journey?time=iso\"\n\n\
         Or, in another terminal: just story\n"
    )?;
    Ok(text)
}

/// The token of the last time, if it still holds; else a new one.
async fn access(app: &App) -> anyhow::Result<Access> {
    let path = Access::path(&app.settings.store);
    let url = app.settings.public_url.clone();
    if let Some(path) = &path {
        match fs::read_to_string(path) {
            Ok(text) => {
                let known: Option<Access> = serde_json::from_str(&text).ok();
                let known = known.filter(|known| {
                    app.directory.token(&auth::hash(&known.token), app.clock.now()).is_some()
                });
                fs::remove_file(path).with_context(|| path.display().to_string())?;
                if let Some(known) = known {
                    let access = Access { url, token: known.token };
                    write_private(path, &serde_json::to_string(&access)?)?;
                    return Ok(access);
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        }
    }
    let wanted = tokens::Wanted {
        role: Role::Admin,
        site: SITE.to_owned(),
        scope: None,
        label: "demo".to_owned(),
        expires_at: None,
    };
    let (_, token) = tokens::issue(app, wanted).await?;
    let access = Access { url, token };
    if let Some(path) = &path {
        write_private(path, &serde_json::to_string(&access)?).with_context(|| path.display().to_string())?;
    }
    Ok(access)
}
