//! Which lead somebody means: by its id, by another system's, or by how the lead can be reached.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{auth::Caller, chat_refs};
use crate::{
    app::App,
    domain::{
        chat,
        event::{Flag, IdentifierKind},
        id::LeadId,
        record::Record,
        standing::Lead,
    },
    error::{Candidates, Problem},
    ingest::enrich,
    project::directory::Site,
    vault::contact,
};

/// More leads than this are not named as candidates.
const CANDIDATES: usize = 20;

/// Which lead is meant; by one of these.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = Match)]
#[serde(default)]
pub struct MatchBody {
    /// A server's own id of the lead.
    external_id: Option<String>,
    /// The reference that its form carried.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// A telephone number that it gave.
    phone: Option<String>,
    /// An e-mail address that it gave.
    email: Option<String>,
}

impl MatchBody {
    /// By one name and value, as a row of a file has it.
    #[must_use]
    pub fn of(name: &str, value: String) -> Self {
        let mut matching = Self::default();
        match name {
            "external_id" => matching.external_id = Some(value),
            "ref" => matching.reference = Some(value),
            "phone" => matching.phone = Some(value),
            _ => matching.email = Some(value),
        }
        matching
    }

    /// The one lead that is meant, if the caller may see it.
    ///
    /// # Errors
    /// 400 where it is not said by one thing alone, or that cannot be read; 404 where there is none; 409 where there are
    /// several, with their ids.
    pub async fn find(&self, app: &App, caller: &Caller, site: &Site) -> Result<Lead, Problem> {
        let mut leads = self.all(app, caller, site).await?;
        match leads.len() {
            1 => leads.pop().ok_or_else(none),
            0 => Err(none()),
            _ => Err(several(
                "Several leads gave it. Say which one by its id: `candidates` has them, newest first.",
                &leads,
            )),
        }
    }

    /// The newest lead of the one person that is meant, if the caller may see it.
    ///
    /// # Errors
    /// As [`Self::find`], but 409 only where the leads are of several persons.
    pub async fn find_person(&self, app: &App, caller: &Caller, site: &Site) -> Result<Lead, Problem> {
        let mut leads = self.all(app, caller, site).await?;
        if leads.windows(2).any(|two| matches!(two, [a, b] if a.person != b.person)) {
            return Err(several(
                "Leads of several persons gave it. Say which one by its id: `candidates` has them, newest first.",
                &leads,
            ));
        }
        leads.truncate(1);
        leads.pop().ok_or_else(none)
    }

    /// All leads that may be meant, newest first.
    async fn all(&self, app: &App, caller: &Caller, site: &Site) -> Result<Vec<Lead>, Problem> {
        let given = [&self.external_id, &self.reference, &self.phone, &self.email];
        if given.iter().filter(|given| given.is_some()).count() != 1 {
            return Err(Problem::invalid_at("/match", "must be one of external_id, ref, phone, email"));
        }
        if let Some(id) = &self.external_id {
            return Ok(vec![find(app, caller, site, &format!("ext:{id}")).await?]);
        }
        if let Some(reference) = &self.reference {
            return Ok(vec![find(app, caller, site, &format!("ref:{reference}")).await?]);
        }
        let (kind, normalised, pointer) = match (&self.phone, &self.email) {
            (Some(raw), _) => (IdentifierKind::Phone, phone(raw, site), "/match/phone"),
            (_, email) => (IdentifierKind::Email, email.as_deref().and_then(contact::email), "/match/email"),
        };
        let normalised = normalised
            .ok_or_else(|| Problem::invalid_at(pointer, "must be one that a person can be reached by"))?;
        let mut leads = with(app, caller, site, kind, &normalised).await?;
        // Who tries a form out, or sends rubbish through it, is not who bought.
        leads.retain(|lead| {
            !lead.flags.iter().any(|flag| matches!(flag, Flag::Test | Flag::Spam | Flag::Internal))
        });
        Ok(leads)
    }
}

/// 409, with the ids of those that may be meant.
fn several(detail: &'static str, leads: &[Lead]) -> Problem {
    let mut problem = Problem::conflict(detail);
    let ids = leads.iter().map(|lead| lead.id.to_string()).collect();
    problem.candidates = Some(Box::new(Candidates(ids)));
    problem
}

/// A number as it was given to find somebody by: as people write it, or as WhatsApp does.
fn phone(raw: &str, site: &Site) -> Option<String> {
    let region = &site.config.default_region;
    contact::phone(raw, region).or_else(|| contact::whatsapp(raw, region))
}

/// The leads that gave an identifier, newest first, of those that the caller may see.
async fn with(
    app: &App,
    caller: &Caller,
    site: &Site,
    kind: IdentifierKind,
    normalised: &str,
) -> Result<Vec<Lead>, Problem> {
    let hash = enrich::lookup(&app.vault, site.number, kind, normalised);
    let mut leads = app.store.leads_with(site.number, hash, CANDIDATES).await?;
    leads.retain(|lead| sees(caller, lead));
    Ok(leads)
}

/// The leads that a text is the id, external id, e-mail address, telephone number or chat's reference of, newest first.
///
/// # Errors
/// What the store says.
pub async fn search(app: &App, caller: &Caller, site: &Site, text: &str) -> Result<Vec<Lead>, Problem> {
    let text = text.trim();
    let mut found: Vec<Lead> = Vec::new();
    for id in [text.to_owned(), format!("ext:{text}"), format!("ref:{text}")] {
        if let Some(id) = named(app, site, &id).await? {
            found.extend(app.store.lead(site.number, &id).await?.filter(|lead| sees(caller, lead)));
        }
    }
    let region = &site.config.default_region;
    let keys = [
        (IdentifierKind::Email, contact::email(text)),
        (IdentifierKind::Phone, contact::phone(text, region)),
        (IdentifierKind::Phone, contact::whatsapp(text, region)),
        (IdentifierKind::UserId, Some(text.to_owned())),
    ];
    for (kind, normalised) in keys {
        if let Some(normalised) = normalised {
            found.extend(with(app, caller, site, kind, &normalised).await?);
        }
    }
    if let Some(chat_ref) = chat::canonical(text) {
        let leads = chat_refs::leads(app, site, &chat_ref).await?;
        found.extend(leads.into_iter().filter(|lead| sees(caller, lead)));
    }
    found.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    found.dedup_by(|b, a| a.id == b.id);
    Ok(found)
}

fn none() -> Problem {
    Problem::not_found("There is no such lead.")
}

fn sees(caller: &Caller, lead: &Lead) -> bool {
    let last = &lead.origin.last;
    caller.scope.as_ref().is_none_or(|scope| scope.covers(last.channel.as_str(), last.campaign.as_deref()))
}

/// The id of the lead that a text names: an id, `ref:` and the reference that its form carried, or `ext:` and a server's
/// own id of it.
async fn named(app: &App, site: &Site, text: &str) -> Result<Option<LeadId>, Problem> {
    if let Some(event) = text.strip_prefix("ref:") {
        return Ok(Some(LeadId::of_event(event)));
    }
    let Some(external_id) = text.strip_prefix("ext:") else { return Ok(LeadId::parse(text)) };
    told_as(app, site, "lead", external_id).await
}

/// The lead of the record that claims an external id; `None` where there is none, or it is kept no longer.
///
/// # Errors
/// What the store says.
pub async fn told_as(
    app: &App,
    site: &Site,
    kind: &'static str,
    external_id: &str,
) -> Result<Option<LeadId>, Problem> {
    let Some((position, _)) = app.store.claimed(site.number, kind, external_id).await? else {
        return Ok(None);
    };
    let entry = app.store.entries(site.number, vec![position]).await?.pop();
    Ok(entry.and_then(|stored| Record::of(&stored.entry).map(|record| record.lead().clone())))
}

/// The lead that a path names, if the caller may see it.
///
/// # Errors
/// 404 where there is none; 403 where it is outside the token's scope.
pub async fn find(app: &App, caller: &Caller, site: &Site, id: &str) -> Result<Lead, Problem> {
    let id = named(app, site, id).await?.ok_or_else(none)?;
    let lead = app.store.lead(site.number, &id).await?.ok_or_else(none)?;
    if sees(caller, &lead) {
        Ok(lead)
    } else {
        Err(Problem::forbidden("The lead is outside the token's scope."))
    }
}
