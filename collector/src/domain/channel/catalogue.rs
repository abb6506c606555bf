//! The built-in grouping rules, written out of the very tables that they are made of: for a marketer to read.

use sha2::{Digest as _, Sha256};
use wire::arrival::{CLICK_IDS, Traffic};

use super::{
    Channel, Click, by_medium,
    hosts::{self, Class},
    rules::ChannelRule,
    words::{self, Medium},
};

/// Changes whenever the same arrival may be grouped otherwise by the built-in rules. Reports name it; where it changes,
/// what was derived by the one before is derived anew.
pub const VERSION: u32 = 2;

/// What is believed, in this order.
pub const ORDER: [&str; 5] = [
    "The site's own rules (channel_rules): the first that fits decides the channel, whatever is said below.",
    "utm_source and utm_medium. A medium that names a channel decides; one that says only paid, organic or referral is \
     completed by the kind of the source. What one of the two leaves open is completed from a click id, then from the \
     referrer.",
    "A click id, by the traffic that it proves; of several, the one of the platform that the referrer names.",
    "The referrer: a host or app of the list has its channel, any other is a referral; the site's own domains and payment \
     pages are none.",
    "None of these: direct.",
];

/// Everything that the built-in rules know.
#[derive(Debug)]
pub struct Catalogue {
    /// Words of `utm_medium`, and what they say.
    pub mediums: Vec<(&'static str, Vec<&'static str>)>,
    /// Kinds of source.
    pub kinds: Vec<Kind>,
    /// Click ids: key, source, channel.
    pub click_ids: Vec<(&'static str, &'static str, Option<Channel>)>,
}

/// A kind of source: the channels of arrivals from it, and what belongs to it.
#[derive(Debug)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// With neither medium nor click id.
    pub alone: Channel,
    /// By what the medium says: the word, and the channel.
    pub with: Vec<(&'static str, Channel)>,
    /// Words of `utm_source`.
    pub sources: Vec<&'static str>,
    /// Hosts of referrers.
    pub hosts: Vec<&'static str>,
    /// Packages of apps that refer.
    pub apps: Vec<&'static str>,
}

const KINDS: [(Class, &str); 8] = [
    (Class::Search, "search"),
    (Class::Social, "social"),
    (Class::Video, "video"),
    (Class::Mail, "mail"),
    (Class::Assistant, "ai_assistant"),
    (Class::Display, "display"),
    (Class::Affiliate, "affiliate"),
    (Class::Shopping, "shopping"),
];

fn says(medium: Medium) -> &'static str {
    match medium {
        Medium::Paid => "paid",
        Medium::Impressions => "impressions",
        Medium::Organic => "organic",
        Medium::Referral => "referral",
        Medium::Is(channel) => channel.as_str(),
    }
}

/// The built-in rules.
#[must_use]
pub fn catalogue() -> Catalogue {
    let mediums = words::MEDIUMS.iter().map(|(medium, list)| (says(*medium), split(list)));
    let kinds = KINDS.iter().map(|&(class, name)| Kind {
        name,
        alone: class.channel(),
        with: [Medium::Paid, Medium::Impressions, Medium::Organic, Medium::Referral]
            .map(|medium| (says(medium), by_medium(medium, Some(class), None).0))
            .to_vec(),
        sources: of_class(words::SOURCES, class).into_iter().flat_map(split).collect(),
        hosts: hosts::HOSTS.iter().filter(|(.., of)| *of == class).map(|(host, ..)| *host).collect(),
        apps: hosts::APPS.iter().filter(|(.., of)| *of == class).map(|(app, ..)| *app).collect(),
    });
    let click_ids = CLICK_IDS.iter().map(|id| {
        let ids = [(id.key.to_owned(), String::new())].into();
        let click = Click::of(&ids, &hosts::Referrer::None).filter(|_| id.traffic != Traffic::Unknown);
        (id.key, id.source, click.map(|click| click.channel()))
    });
    Catalogue { mediums: mediums.collect(), kinds: kinds.collect(), click_ids: click_ids.collect() }
}

fn of_class(table: &[(Class, &'static str)], class: Class) -> Vec<&'static str> {
    table.iter().filter(|(of, _)| *of == class).map(|(_, list)| *list).collect()
}

fn split(list: &'static str) -> Vec<&'static str> {
    list.split_ascii_whitespace().collect()
}

/// Names the rules that a site's arrivals are grouped by: the version of the built-in ones and, where the site has its
/// own, a mark of those (`2+3f8a01c2`).
#[must_use]
pub fn version(own: &[ChannelRule]) -> String {
    if own.is_empty() {
        return VERSION.to_string();
    }
    let mut hash = Sha256::new();
    for rule in own {
        hash.update(rule.channel.as_str());
        for (name, pattern) in rule.when.conditions() {
            hash.update(name);
            hash.update([0, u8::from(pattern.is_some())]);
            hash.update(pattern.unwrap_or_default());
        }
        hash.update([1]);
    }
    let mark: String = hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{VERSION}+{mark}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::rules::When;

    /// What the rules know, as one number.
    fn fingerprint() -> String {
        format!("{:x}", Sha256::digest(format!("{:?}", catalogue()))).chars().take(16).collect()
    }

    #[test]
    fn other_tables_are_another_version() {
        // Where this fails because a table was changed: raise VERSION, then write both down.
        assert_eq!((VERSION, fingerprint().as_str()), (2, "f38817f25125b7f1"));
    }

    #[test]
    fn the_catalogue_says_what_the_rules_do() {
        let all = catalogue();
        let kind = |name: &str| all.kinds.iter().find(|kind| kind.name == name).unwrap();
        let search = kind("search");
        assert_eq!(search.alone, Channel::OrganicSearch);
        assert_eq!(search.with.first(), Some(&("paid", Channel::PaidSearch)));
        assert!(
            search.sources.contains(&"google") && search.hosts.iter().any(|host| host.contains("duckduckgo"))
        );
        assert_eq!(kind("social").with.first(), Some(&("paid", Channel::PaidSocial)));
        assert!(all.mediums.iter().any(|(says, words)| *says == "email" && words.contains(&"boletin")));
        let channel =
            |key: &str| all.click_ids.iter().find(|(of, ..)| *of == key).map(|(.., channel)| *channel);
        assert_eq!(channel("gclid"), Some(Some(Channel::PaidSearch)));
        assert_eq!(channel("_gl"), Some(None), "it links two domains");
        for kind in &all.kinds {
            assert!(!kind.sources.is_empty(), "{}", kind.name);
        }
    }

    #[test]
    fn a_sites_own_rules_show_in_the_version() {
        let rule = |source: &str, medium: Option<&str>| ChannelRule {
            channel: Channel::Affiliate,
            when: When {
                source: Some(source.to_owned()),
                medium: medium.map(str::to_owned),
                ..When::default()
            },
        };
        let versions = [
            version(&[]),
            version(&[rule("a", None)]),
            version(&[rule("a", Some(""))]),
            version(&[rule("b", None)]),
        ];
        assert_eq!(versions[0], "2");
        for (index, one) in versions.iter().enumerate() {
            assert!(versions.iter().skip(index + 1).all(|other| other != one), "{versions:?}");
        }
        assert_eq!(version(&[rule("a", None)]), versions[1]);
    }
}
