//! Whose page a chat's reference was shown on.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use tokio::sync::{Mutex, MutexGuard};

use crate::{
    app::App,
    domain::{
        chat::{self, ChatApp, Clicked, Found, Unjoined},
        event::LeadKind,
        fact::{SiteNumber, Subject},
        id::{Id, LeadId},
        standing::Lead,
    },
    error::Problem,
    project::directory::Site,
};

/// Clicks on a reference that are looked at, and messages with it.
const MOST: usize = 50;
/// Conversations that are kept apart.
const TURNS: usize = 64;

/// Messages of one sender are taken one after the other, and so are those with one reference: else two that come at once would
/// make two leads, or have the reference both.
pub struct Turns {
    senders: Vec<Mutex<()>>,
    references: Vec<Mutex<()>>,
}

impl Default for Turns {
    fn default() -> Self {
        let some = || (0..TURNS).map(|_| Mutex::default()).collect();
        Self { senders: some(), references: some() }
    }
}

impl Turns {
    /// Waits for the turn of whoever writes, and of what they may have written with. It lasts until it is dropped.
    pub async fn of(
        &self,
        site: SiteNumber,
        sender: Option<&str>,
        references: &[String],
    ) -> Vec<MutexGuard<'_, ()>> {
        let place = |text: &str| {
            let mut hasher = DefaultHasher::new();
            (site, text).hash(&mut hasher);
            usize::try_from(hasher.finish() % TURNS as u64).unwrap_or(0)
        };
        let mut turns = Vec::new();
        if let Some(one) = sender.and_then(|sender| self.senders.get(place(sender))) {
            turns.push(one.lock().await);
        }
        // Everybody waits in the same order, so nobody waits for who waits for them.
        let mut places: Vec<usize> = references.iter().map(|reference| place(reference)).collect();
        places.sort_unstable();
        places.dedup();
        for one in places.into_iter().filter_map(|place| self.references.get(place)) {
            turns.push(one.lock().await);
        }
        turns
    }
}

/// Where a message with one of these references came from, and with which. `own` are the leads of whoever wrote it.
///
/// # Errors
/// What the store says.
pub async fn find(
    app: &App,
    site: &Site,
    references: &[String],
    at: i64,
    own: &[Lead],
) -> Result<(Option<String>, Found), Problem> {
    let mut why: Option<(Option<String>, Unjoined)> = None;
    for chat_ref in references {
        let (clicks, uses) = app.store.chat_ref(site.number, chat_ref.clone(), MOST).await?;
        let clicks = present(app, site, clicks).await?;
        let is_own = |lead: &LeadId| own.iter().any(|one| one.id == *lead);
        match chat::joined(&clicks, &uses, at, is_own) {
            Ok(visitor) => {
                let was_known = own.iter().any(is_somebody);
                let found = Found { visitor: Some(visitor), was_known, ..Found::default() };
                return Ok((Some(chat_ref.clone()), found));
            }
            // What looks like a reference and is none says less than one that is.
            Err(Unjoined::UnknownRef) if why.is_some() => {}
            Err(reason) => why = Some((Some(chat_ref.clone()), reason)),
        }
    }
    let (chat_ref, reason) = why.unwrap_or((None, Unjoined::NoRef));
    Ok((chat_ref, Found { reason: Some(reason), ..Found::default() }))
}

/// The leads that a reference leads to, newest first: of those who wrote with it, or of whoever clicked it.
///
/// # Errors
/// What the store says.
pub async fn leads(app: &App, site: &Site, chat_ref: &str) -> Result<Vec<Lead>, Problem> {
    let (clicks, uses) = app.store.chat_ref(site.number, chat_ref.to_owned(), MOST).await?;
    let mut leads = Vec::new();
    for used in uses.iter().filter_map(|used| used.lead.as_ref()) {
        leads.extend(app.store.lead(site.number, used).await?);
    }
    let mut subjects: Vec<Subject> =
        present(app, site, clicks).await?.into_iter().map(|click| Subject::Visitor(click.visitor)).collect();
    subjects.sort();
    subjects.dedup();
    leads.extend(app.store.leads_of(site.number, subjects).await?);
    Ok(leads)
}

/// Without the clicks of those who were forgotten since.
async fn present(app: &App, site: &Site, mut clicks: Vec<Clicked>) -> Result<Vec<Clicked>, Problem> {
    let mut journeys: BTreeMap<Id, Vec<(u64, u64)>> = BTreeMap::new();
    for click in &clicks {
        if !journeys.contains_key(&click.visitor) {
            let subject = Subject::Visitor(click.visitor.clone());
            let arrivals = app.store.journey(site.number, &subject).await?;
            let spans = arrivals.iter().map(|stored| (stored.position, stored.last())).collect();
            journeys.insert(click.visitor.clone(), spans);
        }
    }
    clicks.retain(|click| {
        let spans = journeys.get(&click.visitor);
        spans.is_some_and(|spans| spans.iter().any(|(from, to)| (*from..=*to).contains(&click.position)))
    });
    Ok(clicks)
}

/// Whether a lead says more of whoever left it than that they once wrote.
fn is_somebody(lead: &Lead) -> bool {
    let wrote = [ChatApp::Whatsapp, ChatApp::Messenger, ChatApp::Chat].map(ChatApp::lead_kind);
    let is_chat = |kind: LeadKind| wrote.contains(&kind);
    !is_chat(lead.kind) || lead.person != lead.id.as_str()
}
