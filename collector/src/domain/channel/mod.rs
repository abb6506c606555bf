//! The grouping rules: one answer for where an arrival is counted.
//!
//! What is believed, in this order:
//! 1. `utm_source` and `utm_medium`: somebody tagged the link by hand. What only one of them says is completed from
//!    the click id, then from the referrer.
//! 2. A click id, by the traffic that it proves. Where several are present, the one of the platform that the
//!    referrer names, for a link with a click id in it may have been shared.
//! 3. The referrer, by the tables in `hosts`; a host that they do not know is a referral. The site's own hosts
//!    are never a source.
//! 4. Nothing of that: direct.
//!
//! A site's own [`rules`] come last and win.
//!
//! What could not be known, or was contradicted, is said in a [`reason`].

pub mod catalogue;
mod hosts;
pub mod reason;
pub mod rules;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wire::arrival::{CLICK_IDS, Campaign, ClickId, Traffic};

use hosts::Class;
use words::Medium;
pub(super) use words::said;

/// Where an arrival is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the field's own")]
pub enum Channel {
    PaidSearch,
    OrganicSearch,
    PaidSocial,
    OrganicSocial,
    Display,
    Video,
    Shopping,
    Affiliate,
    Email,
    Sms,
    AiAssistant,
    Referral,
    Call,
    Other,
    Direct,
    Unknown,
}

impl Channel {
    /// Every channel, in the order of reports.
    pub const ALL: [Self; 16] = [
        Self::PaidSearch,
        Self::OrganicSearch,
        Self::PaidSocial,
        Self::OrganicSocial,
        Self::Display,
        Self::Video,
        Self::Shopping,
        Self::Affiliate,
        Self::Email,
        Self::Sms,
        Self::AiAssistant,
        Self::Referral,
        Self::Call,
        Self::Other,
        Self::Direct,
        Self::Unknown,
    ];

    /// The name in the API and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PaidSearch => "paid_search",
            Self::OrganicSearch => "organic_search",
            Self::PaidSocial => "paid_social",
            Self::OrganicSocial => "organic_social",
            Self::Display => "display",
            Self::Video => "video",
            Self::Shopping => "shopping",
            Self::Affiliate => "affiliate",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::AiAssistant => "ai_assistant",
            Self::Referral => "referral",
            Self::Call => "call",
            Self::Other => "other",
            Self::Direct => "direct",
            Self::Unknown => "unknown",
        }
    }

    /// The channel of a name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }
}

/// The grouping rules' answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouped {
    /// Where the arrival is counted.
    pub channel: Channel,
    /// `utm_source` as it was written, or what the click id or the referrer stands for.
    pub source: Option<String>,
    /// `utm_medium` as it was written, or what the click id or the referrer stands for.
    pub medium: Option<String>,
    /// What is unknown or contradicted, one of [`reason`]; the weightiest where there are several.
    pub reason: Option<String>,
}

/// Groups one arrival by what its landing URL and its referrer say. `own` are the site's domains.
#[must_use]
pub fn group(campaign: &Campaign, referrer: Option<&str>, own: &[String]) -> Grouped {
    let referrer = hosts::read(referrer, own);
    let click = Click::of(&campaign.click_ids, &referrer);
    let (source, medium) = (said(campaign.source.as_deref()), said(campaign.medium.as_deref()));
    let mut grouped = if source.is_some() || medium.is_some() {
        by_utm(source, medium, click.as_ref(), &referrer)
    } else if let Some(click) = &click {
        by_click(click)
    } else {
        by_referrer(campaign, &referrer)
    };
    if grouped.reason.is_none() {
        grouped.reason = remark(campaign, grouped.channel).map(str::to_owned);
    }
    grouped
}

/// What remains to be said about an arrival that is otherwise clear.
fn remark(campaign: &Campaign, channel: Channel) -> Option<&'static str> {
    let fields = [&campaign.source, &campaign.medium, &campaign.campaign, &campaign.content, &campaign.term];
    if fields.into_iter().flatten().any(|value| words::is_placeholder(value)) {
        return Some(reason::PLACEHOLDER);
    }
    let search = matches!(channel, Channel::PaidSearch | Channel::OrganicSearch);
    (search && campaign.term.is_none()).then_some(reason::TERM_NOT_PROVIDED)
}

/// The click id that an arrival is believed to come by.
struct Click {
    id: ClickId,
    class: Option<Class>,
    /// Another platform's click id is there as well.
    contested: bool,
    /// Every kind of traffic that some id proves.
    proven: Vec<Traffic>,
}

impl Click {
    fn of(click_ids: &BTreeMap<String, String>, referrer: &hosts::Referrer) -> Option<Self> {
        let mut proofs: Vec<ClickId> = click_ids
            .keys()
            .filter_map(|key| CLICK_IDS.iter().find(|known| known.key == key))
            .filter(|known| known.traffic != Traffic::Unknown)
            .copied()
            .collect();
        let by = |id: &ClickId| referrer.source().is_some_and(|source| words::same_source(source, id.source));
        proofs.sort_by_key(|id| (!by(id), rank(id.traffic), id.key));
        let id = *proofs.first()?;
        Some(Self {
            id,
            class: words::source(id.source),
            contested: proofs.iter().any(|other| other.source != id.source),
            proven: proofs.iter().map(|id| id.traffic).collect(),
        })
    }

    fn channel(&self) -> Channel {
        match self.id.traffic {
            Traffic::PaidSearch => Channel::PaidSearch,
            Traffic::PaidSocial => Channel::PaidSocial,
            Traffic::PaidOther => match self.class {
                Some(Class::Affiliate) => Channel::Affiliate,
                Some(Class::Shopping) => Channel::Shopping,
                _ => Channel::Display,
            },
            Traffic::Social => Channel::OrganicSocial,
            Traffic::Email => Channel::Email,
            Traffic::Unknown => Channel::Unknown,
        }
    }

    fn medium(&self) -> &'static str {
        match self.channel() {
            Channel::PaidSearch => "cpc",
            Channel::OrganicSocial => "social",
            other => other.as_str(),
        }
    }

    /// Whether some id fits a channel that the tags name. Ads of a search platform run in videos, shops and
    /// banners too.
    fn fits(&self, channel: Channel) -> bool {
        self.proven.iter().any(|traffic| match traffic {
            Traffic::PaidSearch => {
                use Channel::{Display, PaidSearch, Shopping, Video};
                matches!(channel, PaidSearch | Display | Shopping | Video)
            }
            Traffic::PaidSocial => matches!(channel, Channel::PaidSocial | Channel::Display | Channel::Video),
            Traffic::PaidOther => {
                use Channel::{Affiliate, Display, PaidSearch, Shopping, Video};
                matches!(channel, Affiliate | Display | PaidSearch | Shopping | Video)
            }
            Traffic::Social => {
                matches!(channel, Channel::PaidSocial | Channel::OrganicSocial | Channel::Video)
            }
            Traffic::Email => channel == Channel::Email,
            Traffic::Unknown => true,
        })
    }
}

/// The more an id proves, the lower.
fn rank(traffic: Traffic) -> u8 {
    match traffic {
        Traffic::PaidSearch => 0,
        Traffic::PaidSocial => 1,
        Traffic::PaidOther => 2,
        Traffic::Email => 3,
        Traffic::Social => 4,
        Traffic::Unknown => 5,
    }
}

fn by_utm(
    source: Option<&str>,
    medium: Option<&str>,
    click: Option<&Click>,
    referrer: &hosts::Referrer,
) -> Grouped {
    let class = match (source, click) {
        (Some(source), _) => words::source(source),
        (None, Some(click)) => click.class,
        (None, None) => referrer.class(),
    };
    let word = medium.map(words::medium);
    let (channel, mut reason) = match word {
        Some(Some(word)) => by_medium(word, class, click),
        Some(None) => (without_medium(class, click), Some(reason::MEDIUM_UNKNOWN)),
        None => (without_medium(class, click), None),
    };
    let own_source = source.map(str::to_owned);
    let source = own_source.or_else(|| match click {
        Some(click) => Some(click.id.source.to_owned()),
        None => referrer.source().map(str::to_owned),
    });
    let medium = medium.map(str::to_owned).or_else(|| match click {
        Some(click) => Some(click.medium().to_owned()),
        // The referrer completes only a tag that names the same kind of place.
        None if class.is_some() && referrer.class() == class => referrer.medium().map(str::to_owned),
        None => None,
    });
    if source.is_none() && channel != Channel::Direct {
        // A source that is not there is not one that the tables do not know.
        let other = reason.filter(|&found| found != reason::SOURCE_UNKNOWN);
        reason = other.or(Some(reason::SOURCE_MISSING));
    }
    if medium.is_none() {
        reason = reason.or(Some(reason::MEDIUM_MISSING));
    }
    if click.is_some_and(|click| !click.fits(channel)) {
        reason = Some(reason::CLICK_ID_DISAGREES);
    }
    Grouped { channel, source, medium, reason: reason.map(str::to_owned) }
}

/// A medium that is known decides; where it says only "paid" or "organic", the source says of what.
fn by_medium(word: Medium, class: Option<Class>, click: Option<&Click>) -> (Channel, Option<&'static str>) {
    let channel = match word {
        Medium::Paid => match class {
            Some(Class::Search) => Channel::PaidSearch,
            Some(Class::Social) => Channel::PaidSocial,
            // An ad in a mailbox is a banner, not a letter of the site's.
            Some(Class::Mail | Class::Display) => Channel::Display,
            Some(class) => class.channel(),
            None => match click {
                Some(click) if click.id.traffic == Traffic::Social => Channel::PaidSocial,
                Some(click) => click.channel(),
                None => return (Channel::Other, Some(reason::SOURCE_UNKNOWN)),
            },
        },
        Medium::Impressions => match class {
            Some(Class::Social) => Channel::PaidSocial,
            Some(Class::Video) => Channel::Video,
            _ => Channel::Display,
        },
        Medium::Organic => match class {
            None | Some(Class::Search | Class::Display | Class::Affiliate) => Channel::OrganicSearch,
            Some(class) => class.channel(),
        },
        Medium::Referral => match class {
            None | Some(Class::Search | Class::Display) => Channel::Referral,
            Some(class) => class.channel(),
        },
        Medium::Is(channel) => channel,
    };
    (channel, None)
}

/// Without a medium that says something, a click id proves more than a name.
fn without_medium(class: Option<Class>, click: Option<&Click>) -> Channel {
    match (click, class) {
        (Some(click), _) if click.id.traffic != Traffic::Social => click.channel(),
        (_, Some(class)) => class.channel(),
        (Some(click), None) => click.channel(),
        (None, None) => Channel::Other,
    }
}

fn by_click(click: &Click) -> Grouped {
    let reason = if click.contested {
        reason::CLICK_IDS_DISAGREE
    } else if click.id.traffic == Traffic::Social {
        reason::PAID_UNCLEAR
    } else {
        reason::CLICK_ID_ONLY
    };
    Grouped {
        channel: click.channel(),
        source: Some(click.id.source.to_owned()),
        medium: Some(click.medium().to_owned()),
        reason: Some(reason.to_owned()),
    }
}

fn by_referrer(campaign: &Campaign, referrer: &hosts::Referrer) -> Grouped {
    if let (Some(source), Some(medium)) = (referrer.source(), referrer.medium()) {
        let paid = matches!(referrer.class(), Some(Class::Display));
        return Grouped {
            channel: referrer.class().map_or(Channel::Referral, Class::channel),
            source: Some(source.to_owned()),
            medium: Some(medium.to_owned()),
            reason: paid.then(|| reason::PAID_REFERRER.to_owned()),
        };
    }
    let hint = campaign
        .click_ids
        .keys()
        .filter(|key| !is_linker(key))
        .find_map(|key| CLICK_IDS.iter().find(|known| known.key == key));
    let tagged = [&campaign.campaign, &campaign.campaign_id, &campaign.content, &campaign.term]
        .into_iter()
        .any(Option::is_some);
    let (channel, source, reason) = match hint {
        Some(hint) => (Channel::Unknown, Some(hint.source.to_owned()), Some(reason::CLICK_ID_UNCLEAR)),
        None if tagged => (Channel::Other, None, Some(reason::SOURCE_MISSING)),
        None if referrer.is_unreadable() => (Channel::Direct, None, Some(reason::REFERRER_UNREADABLE)),
        None => (Channel::Direct, None, None),
    };
    Grouped { channel, source, medium: None, reason: reason.map(str::to_owned) }
}

/// Query keys that carry a visitor from one of a site's domains to another. The landing URL keeps them; they are no
/// sign of an arrival.
const LINKERS: &[&str] = &["_gl"];

fn is_linker(key: &str) -> bool {
    LINKERS.contains(&key)
}

/// The campaign that a landing URL names, for telling one campaign from another: linkers apart, they differ from
/// click to click within one visit.
pub(super) fn campaign_of(url: &str) -> Campaign {
    let mut campaign = Campaign::of(url);
    campaign.click_ids.retain(|key, _| !is_linker(key));
    campaign
}

/// Whether a referrer is a page that takes a payment for others.
pub(super) fn is_payment(referrer: &str) -> bool {
    hosts::is_payment(referrer)
}

/// Whether a referrer names somebody else's place.
pub(super) fn is_external(referrer: Option<&str>, own: &[String]) -> bool {
    hosts::read(referrer, own).source().is_some()
}
