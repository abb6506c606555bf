//! What happens before anybody arrives: ads that are shown, links in ads and e-mails that are followed, and what it
//! costs.

use serde::{Deserialize, Serialize};

use super::{
    calendar::Day,
    channel::{self, Channel, rules::Grouping},
    touch::Touch,
};

/// What a pixel tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PixelKind {
    /// An ad was shown.
    Imp,
    /// A message was opened.
    Open,
    /// A page was viewed by a browser without scripts.
    View,
}

/// Where an ad, a link or a cost belongs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Placement {
    /// As in `utm_source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// As in `utm_medium`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// As in `utm_campaign`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// As in `utm_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<String>,
    /// As in `utm_content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// As in `utm_term`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
}

impl Placement {
    /// Every value with its name, in the order of the wire.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, Option<&str>); 6] {
        [
            ("source", self.source.as_deref()),
            ("medium", self.medium.as_deref()),
            ("campaign", self.campaign.as_deref()),
            ("campaign_id", self.campaign_id.as_deref()),
            ("content", self.content.as_deref()),
            ("term", self.term.as_deref()),
        ]
    }

    /// The channel that arrivals from there are counted in, so that views, clicks and costs stand in the same row.
    #[must_use]
    pub fn channel(&self, grouping: Grouping<'_>) -> Channel {
        let campaign = wire::arrival::Campaign {
            source: self.source.clone(),
            medium: self.medium.clone(),
            campaign: self.campaign.clone(),
            ..wire::arrival::Campaign::default()
        };
        let grouped = channel::group(&campaign, None, grouping.own);
        let touch = Touch {
            source: self.source.clone(),
            medium: self.medium.clone(),
            campaign: self.campaign.clone(),
            ..Touch::unknown(0, "")
        };
        grouping.channel(&touch).unwrap_or(grouped.channel)
    }
}

/// A pixel was fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pixel {
    /// When, ms since the epoch.
    pub at: i64,
    /// What it tells.
    pub kind: PixelKind,
    /// Of which ad.
    pub placement: Placement,
    /// The sender's own name of the message that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// As the client sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// It came from a network of a data centre, by the operator's list; the address is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub datacentre: bool,
}

/// A counted link was followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkClick {
    /// When, ms since the epoch.
    pub at: i64,
    /// Which link.
    pub link: String,
    /// Where the link belonged then.
    pub placement: Placement,
    /// As the client sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// It came from a network of a data centre, by the operator's list; the address is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub datacentre: bool,
}

/// A counted link: where it leads is said beforehand, so that nobody can send people anywhere in the site's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name in the address.
    pub id: String,
    /// Where it leads.
    pub target: String,
    /// Where it belongs.
    #[serde(default)]
    pub placement: Placement,
}

/// The site's counted links, from here on (house log).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinksPut {
    /// Which site.
    pub slug: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// All of them.
    pub items: Vec<Link>,
}

/// Money spent on a day, as a platform says. A second one with the same key replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The day.
    pub day: Day,
    /// On what.
    pub placement: Placement,
    /// Minor units.
    pub cost: i64,
    /// ISO 4217.
    pub currency: String,
    /// How often ads were shown, by the platform's count.
    pub impressions: u64,
    /// How often they were clicked.
    pub clicks: u64,
    /// What the platform says that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_conversions: Option<u64>,
    /// When it was said, ms since the epoch.
    pub received_at: i64,
}

impl Cost {
    /// What a later one must share to replace it: the day and all names given.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = super::calendar::text(self.day);
        for (name, value) in self.placement.fields() {
            if let Some(value) = value {
                key.push('\u{1f}');
                key.push_str(name);
                key.push('=');
                key.push_str(value);
            }
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placement(source: &str, medium: Option<&str>) -> Placement {
        Placement {
            source: Some(source.to_owned()),
            medium: medium.map(str::to_owned),
            ..Placement::default()
        }
    }

    #[test]
    fn what_is_paid_for_stands_where_its_visits_stand() {
        let grouping = Grouping::default();
        assert_eq!(placement("google", Some("cpc")).channel(grouping), Channel::PaidSearch);
        assert_eq!(placement("facebook", Some("paid_social")).channel(grouping), Channel::PaidSocial);
    }

    #[test]
    fn a_cost_is_replaced_by_one_of_the_same_key_alone() {
        let cost = |placement: Placement, cost: i64| Cost {
            day: 0,
            placement,
            cost,
            currency: "EUR".to_owned(),
            impressions: 0,
            clicks: 0,
            platform_conversions: None,
            received_at: cost,
        };
        let one = cost(placement("google", Some("cpc")), 1);
        assert_eq!(one.key(), cost(placement("google", Some("cpc")), 2).key());
        assert_ne!(one.key(), cost(placement("google", None), 1).key());
        assert_ne!(one.key(), Cost { day: 1, ..one.clone() }.key());
        let term = Placement { term: Some("x".to_owned()), ..one.placement.clone() };
        assert_ne!(one.key(), cost(term, 1).key());
    }
}
