//! A tracked property and its configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wire::beacon::ConsentDefault;

use super::{
    channel::{
        catalogue,
        rules::{ChannelRule, Grouping},
    },
    funnel::{self, Owner, Stage},
    hours::Hours,
    queue,
    retention::Retention,
    score::Scoring,
    sla::Promise,
};

/// A site was created, or its configuration changed. The position of the first one of a slug is the site's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SitePut {
    /// The site's name in URLs.
    pub slug: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// The whole configuration from here on.
    pub config: SiteConfig,
}

/// A site's own word on forms that its pages cannot be edited to declare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormRule {
    /// A CSS selector of the forms.
    #[serde(rename = "match")]
    pub matches: String,
    /// What a sent one is.
    #[serde(default)]
    pub kind: FormKind,
    /// How success shows: a CSS selector of what appears, or, from `/` on, how the path of the thank-you page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<String>,
    /// Which fields are what, by CSS selectors, where their types, names and labels do not say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<FieldRole, String>,
}

/// The kinds of lead that a form makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FormKind {
    /// An enquiry.
    #[default]
    Form,
    /// A request to be called.
    Callback,
}

/// What a field of a lead form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldRole {
    /// What the visitor is called, or a part of it.
    Name,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// The box that agrees.
    Consent,
}

/// How a site wants to be tracked and reported. Everything has a default: `{}` is a valid configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SiteConfig {
    /// What people call it; empty means the slug.
    pub name: String,
    /// Its own domains: never a source, allowed credentials, and the cookie's domain. A domain stands for itself
    /// and everything below it.
    pub domains: Vec<String>,
    /// IANA time zone of its days.
    pub timezone: String,
    /// ISO 4217, of its money.
    pub currency: String,
    /// ISO 3166, for telephone numbers without a country code.
    pub default_region: String,
    /// What holds until a visitor chooses.
    pub consent_default: ConsentDefault,
    /// Whether anonymous page views keep their `utm_*`.
    pub anonymous_utm: bool,
    /// Further fields of lead forms that may be kept.
    pub lead_fields: Vec<String>,
    /// Query keys that are kept, beside `utm_*` and click ids.
    pub query_keys: Vec<String>,
    /// Whether what follows the `#` of an address tells pages apart.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hash_routes: bool,
    /// Whether links to WhatsApp and Messenger carry a reference while a visitor follows them.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub chat_refs: bool,
    /// The stages of its funnel, in order.
    pub stages: Vec<Stage>,
    /// Its own grouping rules, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channel_rules: Vec<ChannelRule>,
    /// Its lead forms that are not declared in the page; the first that matches counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<FormRule>,
    /// How long it keeps what.
    #[serde(skip_serializing_if = "is_default")]
    pub retention: Retention,
    /// When its people are there, in its time zone.
    #[serde(skip_serializing_if = "Hours::is_always")]
    pub hours: Hours,
    /// When a lead may be called, in the lead's time zone.
    #[serde(skip_serializing_if = "is_usual_window")]
    pub call_window: Hours,
    /// How soon which leads are called; the first that fits counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sla: Vec<Promise>,
    /// What gives points.
    #[serde(skip_serializing_if = "is_usual_scoring")]
    pub scoring: Box<Scoring>,
    /// How it orders those who are to be called.
    #[serde(skip_serializing_if = "is_usual_queue")]
    pub queue: queue::Settings,
}

/// A site that keeps what all do is stored as it was before there was a choice.
fn is_default(retention: &Retention) -> bool {
    *retention == Retention::default()
}

fn is_usual_window(window: &Hours) -> bool {
    *window == Hours::spanish()
}

fn is_usual_scoring(scoring: &Scoring) -> bool {
    *scoring == Scoring::default()
}

fn is_usual_queue(queue: &queue::Settings) -> bool {
    *queue == queue::Settings::default()
}

impl Default for SiteConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            domains: Vec::new(),
            timezone: "Europe/Madrid".to_owned(),
            currency: "EUR".to_owned(),
            default_region: "ES".to_owned(),
            consent_default: ConsentDefault::Wait,
            anonymous_utm: true,
            lead_fields: Vec::new(),
            query_keys: Vec::new(),
            hash_routes: false,
            chat_refs: true,
            stages: funnel::usual(),
            channel_rules: Vec::new(),
            forms: Vec::new(),
            retention: Retention::default(),
            hours: Hours::always(),
            call_window: Hours::spanish(),
            sla: Vec::new(),
            scoring: Box::default(),
            queue: queue::Settings::default(),
        }
    }
}

impl SiteConfig {
    /// The stage that a new lead stands in.
    pub const FIRST_LEAD_STAGE: &'static str = "lead";

    /// The stage that a sale moves a lead to.
    pub const CUSTOMER_STAGE: &'static str = "customer";

    /// Whether its funnel has a stage.
    #[must_use]
    pub fn has_stage(&self, name: &str) -> bool {
        self.stages.iter().any(|stage| stage.name == name)
    }

    /// Who answers for a stage, also for one that its funnel has no more.
    #[must_use]
    pub fn owner(&self, name: &str) -> Owner {
        let known = self.stages.iter().find(|stage| stage.name == name);
        known.map_or_else(|| Owner::usual(name), |stage| stage.owner)
    }

    /// What of the configuration origins depend on: where it changes, they are derived anew. Its domains, a line
    /// for each of its rules, and the version of the built-in ones; no domain has a space.
    #[must_use]
    pub fn basis(&self) -> Vec<String> {
        let rules = self.channel_rules.iter().map(|rule| {
            let conditions =
                rule.when.conditions().into_iter().filter_map(|(name, pattern)| Some((name, pattern?)));
            let conditions: Vec<String> =
                conditions.map(|(name, pattern)| format!("{name}={pattern:?}")).collect();
            format!("{} when {}", rule.channel.as_str(), conditions.join(" "))
        });
        let built_in = format!("built-in rules {}", catalogue::VERSION);
        self.domains.iter().cloned().chain(rules).chain([built_in]).collect()
    }

    /// By what its arrivals are grouped.
    #[must_use]
    pub fn grouping(&self) -> Grouping<'_> {
        Grouping { own: &self.domains, rules: &self.channel_rules }
    }
}
