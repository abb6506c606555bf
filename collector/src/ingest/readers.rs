//! What somebody does with a message that was sent to them: opens it, follows a link in it, lands on a page.
//!
//! It is noted at their lead where the address says whom it was sent to and they agreed to `email_tracking`. All others
//! are counted, as they always were, and nobody is told the difference: neither the reader nor whoever guesses tokens.

use super::enrich::Headers;
use crate::{
    api::query::Query,
    app::App,
    domain::{
        activity::{Activity, ActivityKind},
        bot, consent,
        event::{IdentifierKind, Personal},
        fact::{EmailLink, Entry},
        standing::Lead,
    },
    project::directory::Site,
    store::{Append, Claim},
};

/// How long a message's name may be, in bytes.
pub const MOST_MESSAGE: usize = 128;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Programs that fetch the pictures of a message when somebody opens it, in their stead.
const PROXIES: [&str; 2] = ["GoogleImageProxy", "YahooMailProxy"];

/// Somebody to whom a message was sent, and who lets it be known what becomes of it.
pub struct Reader {
    /// Whose it is.
    pub lead: Lead,
    message: String,
}

impl Reader {
    /// Who a request's address says that it was sent to: `m` is the message, `r` the recipient's token. `None` where it
    /// does not say, where they did not agree, where the browser speaks against it, or a program asks.
    pub async fn of(
        app: &App,
        site: &Site,
        query: &Query,
        headers: &Headers,
        datacentre: bool,
    ) -> Option<Self> {
        let (message, token) = (query.text("m")?, query.text("r")?);
        if message.len() > MOST_MESSAGE || headers.signal || is_program(headers, datacentre) {
            return None;
        }
        let lead = app.vault.recipient(site.number, &message, &token)?;
        match app.store.lead(site.number, &lead).await {
            Ok(lead) => {
                lead.filter(|lead| lead.allows(consent::EMAIL_TRACKING)).map(|lead| Self { lead, message })
            }
            Err(error) => {
                tracing::warn!(%error, "whom a message was sent to could not be read");
                None
            }
        }
    }

    /// Notes that they opened it, once a day: programs fetch pictures again and again.
    pub async fn opened(&self, app: &App, site: &Site, campaign: Option<String>, at: i64) {
        let id = format!("traza:open:{}:{}:{}", self.message, self.lead.id, at.div_euclid(DAY_MS));
        self.note(app, site, ActivityKind::EmailOpened, id, campaign, None, at).await;
    }

    /// Notes that they followed a link, once an hour each.
    pub async fn clicked(&self, app: &App, site: &Site, link: &str, campaign: Option<String>, at: i64) {
        let hour = at.div_euclid(HOUR_MS);
        let id = format!("traza:click:{}:{}:{link}:{hour}", self.message, self.lead.id);
        let link = Some(link.to_owned());
        self.note(app, site, ActivityKind::EmailClicked, id, campaign, link, at).await;
    }

    #[expect(clippy::too_many_arguments, reason = "one fact's parts, split off what both kinds share")]
    async fn note(
        &self,
        app: &App,
        site: &Site,
        kind: ActivityKind,
        external_id: String,
        campaign: Option<String>,
        link: Option<String>,
        at: i64,
    ) {
        // The first word counts, whatever else another has.
        let claim = Claim { kind: Activity::KIND, external_id: external_id.clone(), content: [0; 32] };
        let entry = Entry::Activity(Activity {
            lead: self.lead.id.clone(),
            kind,
            at,
            received_at: at,
            external_id,
            message: Some(self.message.clone()),
            campaign: campaign.map(|campaign| wire::redact::text(&campaign)),
            link,
            score: None,
            props: std::collections::BTreeMap::new(),
            note: None,
        });
        let append = Append { claim: Some(claim), ..Append::of(site.number, entry) };
        if let Err(error) = app.store.append(append).await {
            tracing::warn!(%error, "what became of a message was counted, and not noted at its reader");
        }
    }
}

fn is_program(headers: &Headers, datacentre: bool) -> bool {
    let agent = headers.user_agent.as_deref().unwrap_or_default();
    !PROXIES.iter().any(|proxy| agent.contains(proxy)) && (datacentre || bot::rule(agent).is_some())
}

/// To whom a message was sent whose link led to the page view of an event: by the token that the page was told. `None`
/// where it is none, or they did not agree.
pub async fn landed(app: &App, site: &Site, event: String, token: &str, now: i64) -> Option<EmailLink> {
    let lead = app.vault.landing(site.number, token, now)?;
    let lead = match app.store.lead(site.number, &lead).await {
        Ok(lead) => lead.filter(|lead| lead.allows(consent::EMAIL_TRACKING))?,
        Err(error) => {
            tracing::warn!(%error, "whose click led to a page could not be read");
            return None;
        }
    };
    let Personal { vault, identifiers } = lead.personal;
    let identifier = identifiers.into_iter().find(|identifier| identifier.kind == IdentifierKind::Email)?;
    Some(EmailLink { event, identifier, vault })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fetches_pictures_for_people_is_no_program() {
        let of = |agent: &str, datacentre| is_program(&Headers::of_browser(agent), datacentre);
        let proxy =
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)";
        assert!(!of(proxy, false) && !of(proxy, true));
        assert!(!of("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", false));
        assert!(of("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", true));
        assert!(of("curl/8.5.0", false));
    }
}
