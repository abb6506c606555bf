//! What a lead form of Meta was filled in with: its notice does not say, so it is asked for.
//!
//! A lead whose details are missing has a flag for that, so nothing else needs to be remembered: after a start all that have it are
//! asked for again. What is answered is told like any lead's amendment, and takes the flag away.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use super::{first_of, joined, meta::by_form, platform_form, secrets::Secrets};
use crate::{
    api::leads_in::{self, LeadBody},
    app::App,
    deliver::client::Client,
    domain::{event::Flag, fact::Position, hook::Adapter},
    error::Problem,
    project::directory::Site,
    store::LeadQuery,
};

/// Where it is asked, unless the site says otherwise.
const GRAPH: &str = "https://graph.facebook.com/v23.0";
/// What is asked for.
const FIELDS: &str =
    "created_time,ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name,form_id,field_data";
/// After how long it is asked again, in seconds; the last one goes on.
const PAUSES: [u64; 8] = [1, 5, 30, 120, 600, 1_800, 3_600, 6 * 3_600];
/// Meta keeps what was filled in for so long, in ms: 90 days.
const KEPT_MS: i64 = 90 * 86_400_000;
/// Between two looks at nothing.
const IDLE: Duration = Duration::from_secs(3_600);
/// Between two looks whether leads were derived that are to be looked through.
const CATCHING_UP: Duration = Duration::from_millis(200);
/// Leads that are looked through at a time after a start.
const PAGE: usize = 500;
/// Bytes of an answer.
const ANSWER: u64 = 256 * 1024;

/// A lead of a site, by its external id.
type Form = (String, String);

/// By which it is said that a form's details are missing.
#[derive(Clone)]
pub struct Forms {
    news: mpsc::UnboundedSender<Form>,
}

impl Forms {
    /// The way to say it, and where it is heard.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Form>) {
        let (news, heard) = mpsc::unbounded_channel();
        (Self { news }, heard)
    }

    /// A lead's details are to be asked for.
    pub fn ask(&self, site: &Site, external_id: &str) {
        // Nobody listens where nobody asks: a verb of the command line.
        drop(self.news.send((site.slug.clone(), external_id.to_owned())));
    }

    /// The site's hooks were set: with another token what failed may succeed, so that nothing waits on for what failed before.
    pub fn ask_all(&self, site: &Site) {
        self.ask(site, "");
    }
}

/// When a form is asked for next, and how often it was.
struct Waiting {
    due: Instant,
    tries: usize,
}

/// Asks for what forms were filled in with, until it is told to stop.
pub struct Asker {
    app: Arc<App>,
    client: Client,
    heard: mpsc::UnboundedReceiver<Form>,
    waiting: BTreeMap<Form, Waiting>,
    /// Sites whose leads were looked through at the start before all of them were derived, by the position that is to be reached.
    behind: BTreeMap<String, Position>,
}

impl Asker {
    /// One for all sites.
    #[must_use]
    pub fn new(app: Arc<App>, heard: mpsc::UnboundedReceiver<Form>) -> Self {
        let client = Client::new(app.settings.allow_private_targets);
        Self { app, client, heard, waiting: BTreeMap::new(), behind: BTreeMap::new() }
    }

    /// Asks until `stop` changes.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        for site in self.app.directory.sites() {
            self.gather(&site).await;
            // A lead may be told and acknowledged right before a stop, and be there only some time after the next start.
            let head = self.app.store.head(site.number);
            if self.app.progress.reached(site.number) < head {
                self.behind.insert(site.slug.clone(), head);
            }
        }
        loop {
            let next = self.waiting.values().map(|waiting| waiting.due).min();
            let longest = if self.behind.is_empty() { IDLE } else { CATCHING_UP };
            let longest = Instant::now() + longest;
            let pause = next.map_or(longest, |next| next.min(longest));
            tokio::select! {
                biased;
                _ = stop.changed() => break,
                heard = self.heard.recv() => match heard {
                    Some((slug, external_id)) if external_id.is_empty() => {
                        self.waiting.retain(|(of, _), _| *of != slug);
                        if let Some(site) = self.app.directory.site(&slug) {
                            self.gather(&site).await;
                        }
                    }
                    Some(form) => self.note(form),
                    None => break,
                },
                () = sleep_until(pause) => tokio::select! {
                    biased;
                    _ = stop.changed() => break,
                    () = async {
                        self.look_again().await;
                        self.ask_due().await;
                    } => {}
                },
            }
        }
    }

    /// What is waited for already is asked for when its time comes.
    fn note(&mut self, form: Form) {
        self.waiting.entry(form).or_insert_with(|| Waiting { due: Instant::now(), tries: 0 });
    }

    /// Looks through the leads of sites that have caught up with what was in their logs at the start.
    async fn look_again(&mut self) {
        for (slug, position) in std::mem::take(&mut self.behind) {
            let Some(site) = self.app.directory.site(&slug) else { continue };
            match self.app.progress.reached(site.number) >= position {
                true => self.gather(&site).await,
                false => drop(self.behind.insert(slug, position)),
            }
        }
    }

    /// Notes all leads of a site whose details are missing.
    async fn gather(&mut self, site: &Site) {
        if !site.hooks.iter().any(|hook| hook.adapter == Adapter::Meta) {
            return;
        }
        let since = self.app.clock.now().saturating_sub(KEPT_MS);
        let mut query = LeadQuery {
            since: Some(since),
            flag: Some(Flag::DetailsPending),
            limit: PAGE,
            ..LeadQuery::default()
        };
        loop {
            let page = match self.app.store.leads(site.number, query.clone()).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "leads without details could not be read");
                    return;
                }
            };
            for lead in page.items {
                if let Some(external_id) = lead.external_id {
                    self.note((site.slug.clone(), external_id));
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return,
            }
        }
    }

    /// Asks for one that is due.
    async fn ask_due(&mut self) {
        let now = Instant::now();
        let due = self.waiting.iter().filter(|(_, waiting)| waiting.due <= now);
        let Some(form) = due.min_by_key(|(_, waiting)| waiting.due).map(|(form, _)| form.clone()) else {
            return;
        };
        let became = self.ask(&form).await;
        match (became, self.waiting.get_mut(&form)) {
            (Ok(true), _) => drop(self.waiting.remove(&form)),
            (became, Some(waiting)) => {
                if let Err(problem) = became {
                    tracing::warn!(%problem, "what a lead form was filled in with could not be noted");
                }
                let pause = PAUSES.get(waiting.tries).or(PAUSES.last()).copied().unwrap_or(60);
                waiting.tries += 1;
                waiting.due = Instant::now() + Duration::from_secs(pause);
            }
            (_, None) => {}
        }
    }

    /// Asks for what a form was filled in with, and tells it. Whether nothing is to be asked any more.
    async fn ask(&self, (slug, external_id): &Form) -> Result<bool, Problem> {
        let (Some(site), Some(id)) = (self.app.directory.site(slug), external_id.strip_prefix("meta:"))
        else {
            return Ok(true);
        };
        let Some(secrets) = Secrets::of(&self.app, &site, Adapter::Meta).await? else { return Ok(true) };
        let token = secrets.value("page_token");
        if token.is_empty() {
            // It is asked again when there is one.
            return Ok(true);
        }
        let graph = Some(secrets.value("graph_url")).filter(|url| !url.is_empty()).unwrap_or(GRAPH);
        let url = format!("{}/{id}?fields={FIELDS}", graph.trim_end_matches('/'));
        // In a header, so that it stands in nobody's log of addresses.
        let headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        let reply = self.client.get(url, headers, ANSWER).await;
        let outcome = if reply.status == Some(200) { "fetched" } else { "not_fetched" };
        self.app.metrics.hook(Adapter::Meta.as_str(), outcome, 1);
        if reply.status != Some(200) {
            tracing::warn!(status = reply.status, why = ?reply.why, "Meta did not say what a lead form was filled in with");
            return Ok(false);
        }
        let Ok(answer) = serde_json::from_slice::<Value>(&reply.said) else { return Ok(false) };
        let lead = filled_in(&answer, external_id, self.app.clock.now());
        leads_in::record_unseen(&self.app, &site, lead).await?;
        Ok(true)
    }
}

/// A lead with what its form was filled in with.
fn filled_in(answer: &Value, external_id: &str, now: i64) -> LeadBody {
    let field = |name: &str| first_of(answer, &[name]);
    // `2026-11-26T08:00:00+0000` is no RFC 3339.
    let at = field("created_time").and_then(|text| {
        let zoned = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%z", &text).ok()?;
        zoned.to_timestamp().ok().map(jiff::Timestamp::as_millisecond)
    });
    let at = at.unwrap_or(now).min(now);
    let mut came = by_form(at, field("ad_id"), field("adset_id"), field("form_id").as_deref());
    came.campaign = field("campaign_name");
    came.campaign_id = field("campaign_id");
    let mut lead = LeadBody {
        at: Some(json!(at)),
        came: Some(Box::new(came)),
        contactless: true,
        ..platform_form(external_id.to_owned())
    };
    let (mut first, mut last) = (None, None);
    for one in answer.get("field_data").and_then(Value::as_array).into_iter().flatten() {
        let (Some(name), Some(value)) =
            (first_of(one, &["name"]), one.pointer("/values/0").and_then(super::text))
        else {
            continue;
        };
        // Meta's own tool to try forms out fills in this.
        if value.starts_with("<test lead:") {
            lead.flag = Some("test".to_owned());
        }
        match name.as_str() {
            "full_name" => lead.name = Some(value),
            "first_name" => first = Some(value),
            "last_name" => last = Some(value),
            "email" | "work_email" => lead.email = lead.email.or(Some(value)),
            "phone_number" | "work_phone_number" => lead.phone = lead.phone.or(Some(value)),
            _ => drop(lead.fields.insert(name, value)),
        }
    }
    lead.name = lead.name.or_else(|| joined(first, last));
    lead
}
