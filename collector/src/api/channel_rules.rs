//! `GET channel-rules`: by which rules arrivals are grouped into channels.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use crate::{
    app::App,
    domain::{
        channel::{Channel, catalogue, rules::ChannelRule},
        token::Permission,
    },
    error::Problem,
};

/// The grouping rules of a site: its own, and the built-in ones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelRules)]
pub struct RulesView {
    /// Names these rules; reports by channel name the ones that they were derived by.
    version: String,
    /// What is believed, in this order.
    order: Vec<&'static str>,
    /// The site's own, in order (`channel_rules` of the site).
    #[schema(value_type = Vec<Object>)]
    own: Vec<ChannelRule>,
    /// Words of `utm_medium`. Case, accents and what stands between words make no difference.
    mediums: Vec<MediumView>,
    /// Kinds of source.
    sources: Vec<KindView>,
    /// Click ids that are known.
    click_ids: Vec<ClickIdView>,
    /// Every channel, in the order of reports.
    #[schema(value_type = Vec<String>)]
    channels: Vec<Channel>,
}

/// Words of `utm_medium` that say the same.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MediumRule)]
pub struct MediumView {
    /// A channel; or paid, impressions, organic, referral: then the kind of the source decides.
    says: &'static str,
    words: Vec<&'static str>,
}

/// A kind of source.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceRule)]
pub struct KindView {
    kind: &'static str,
    /// The channel where neither medium nor click id says more.
    #[schema(value_type = String)]
    alone: Channel,
    /// The channel by what the medium says.
    with: Vec<WithView>,
    /// Words of `utm_source`.
    words: Vec<&'static str>,
    /// Hosts of referrers, each with everything below it.
    hosts: Vec<&'static str>,
    /// Packages of Android apps that refer.
    apps: Vec<&'static str>,
}

/// The channel of a kind of source with a medium.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceWithMedium)]
pub struct WithView {
    says: &'static str,
    #[schema(value_type = String)]
    channel: Channel,
}

/// A click id.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClickIdRule)]
pub struct ClickIdView {
    key: &'static str,
    source: &'static str,
    /// The channel that it proves by itself; `null` where it says nothing about the channel.
    #[schema(value_type = Option<String>)]
    channel: Option<Channel>,
}

/// By which rules arrivals are grouped into channels: the site's own, then the built-in ones, with their version.
#[utoipa::path(
    get, path = "/api/v1/sites/{site}/channel-rules", tag = "reports",
    params(("site" = String, Path)),
    responses((status = 200, body = RulesView), (status = 401, body = super::problem::Body), (status = 403, body = super::problem::Body)),
    security(("token" = []))
)]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    slug: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let site = caller.site(&app, &slug, Permission::Read)?;
    let catalogue::Catalogue { mediums, kinds, click_ids } = catalogue::catalogue();
    let own = site.config.channel_rules.clone();
    let view = RulesView {
        version: catalogue::version(&own),
        order: catalogue::ORDER.to_vec(),
        own,
        mediums: mediums.into_iter().map(|(says, words)| MediumView { says, words }).collect(),
        sources: kinds.into_iter().map(KindView::from).collect(),
        click_ids: click_ids
            .into_iter()
            .map(|(key, source, channel)| ClickIdView { key, source, channel })
            .collect(),
        channels: Channel::ALL.to_vec(),
    };
    Ok(HttpResponse::Ok().json(view))
}

impl From<catalogue::Kind> for KindView {
    fn from(kind: catalogue::Kind) -> Self {
        Self {
            kind: kind.name,
            alone: kind.alone,
            with: kind.with.into_iter().map(|(says, channel)| WithView { says, channel }).collect(),
            words: kind.sources,
            hosts: kind.hosts,
            apps: kind.apps,
        }
    }
}
