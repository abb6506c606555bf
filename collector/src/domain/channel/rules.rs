//! A site's own grouping rules: which channel an arrival is counted in, where the site knows better than the tables.
//!
//! Rules are tried in order, after the tables have said what source, medium and channel an arrival has; the first
//! that fits decides. They are part of the site's configuration, so every version of them stays in the house's log,
//! and a change is applied to all of history.

use serde::{Deserialize, Serialize};
use wire::arrival;

use super::Channel;
use crate::domain::touch::Touch;

/// One rule: the channel of arrivals that all of the conditions fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelRule {
    /// Where such arrivals are counted.
    pub channel: Channel,
    /// When.
    pub when: When,
}

/// Conditions, each a pattern with `*` for any text; upper and lower case are the same. All that are given must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// On `utm_source`, or what stands for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// On `utm_medium`, or what stands for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// On `utm_campaign`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// On the name of a click id, such as `gclid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub click_id: Option<String>,
    /// On the referrer's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
}

impl When {
    /// Every condition with its name.
    #[must_use]
    pub fn conditions(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("source", self.source.as_deref()),
            ("medium", self.medium.as_deref()),
            ("campaign", self.campaign.as_deref()),
            ("click_id", self.click_id.as_deref()),
            ("referrer", self.referrer.as_deref()),
        ]
    }

    /// Whether all conditions fit an arrival. No condition at all fits none: a rule that would take everything is a
    /// mistake.
    #[must_use]
    pub fn fits(&self, touch: &Touch) -> bool {
        let given = self.conditions().into_iter().filter_map(|(name, pattern)| Some((name, pattern?)));
        let mut any = false;
        for (name, pattern) in given {
            any = true;
            let fits = match name {
                "source" => touch.source.as_deref().is_some_and(|text| glob(pattern, text)),
                "medium" => touch.medium.as_deref().is_some_and(|text| glob(pattern, text)),
                "campaign" => touch.campaign.as_deref().is_some_and(|text| glob(pattern, text)),
                "click_id" => touch.click_ids.keys().any(|key| glob(pattern, key)),
                _ => {
                    touch.referrer.as_deref().and_then(arrival::host).is_some_and(|host| glob(pattern, &host))
                }
            };
            if !fits {
                return false;
            }
        }
        any
    }
}

/// What a site says about where arrivals come from: its own domains, which are no source, and its own rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct Grouping<'a> {
    /// Its domains.
    pub own: &'a [String],
    /// Its rules, in order.
    pub rules: &'a [ChannelRule],
}

impl Grouping<'_> {
    /// The channel that a site's rule gives an arrival; `None` where none fits.
    #[must_use]
    pub fn channel(&self, touch: &Touch) -> Option<Channel> {
        self.rules.iter().find(|rule| rule.when.fits(touch)).map(|rule| rule.channel)
    }
}

impl<'a> From<&'a [String]> for Grouping<'a> {
    fn from(own: &'a [String]) -> Self {
        Self { own, rules: &[] }
    }
}

impl<'a> From<&'a Vec<String>> for Grouping<'a> {
    fn from(own: &'a Vec<String>) -> Self {
        own.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [String; N]> for Grouping<'a> {
    fn from(own: &'a [String; N]) -> Self {
        own.as_slice().into()
    }
}

/// Whether a text fits a pattern, in which `*` stands for any text, also none. Letters of either case are the same.
/// Takes at most as many steps as the two lengths multiplied.
pub fn glob(pattern: &str, text: &str) -> bool {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let (pattern, text) = (lower(pattern), lower(text));
    let (mut at, mut here) = (0, 0);
    // Where the last star stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while here < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(letter) if text.get(here) == Some(letter) => {
                at += 1;
                here += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    at = place + 1;
                    here = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|&letter| letter == '*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::touch;

    fn rule(channel: Channel, when: When) -> ChannelRule {
        ChannelRule { channel, when }
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn channel_of(rules: &[ChannelRule], url: &str, referrer: Option<&str>) -> Channel {
        let grouping = Grouping { own: &[], rules };
        touch::of_page_view(0, url, referrer, grouping, true).unwrap().channel
    }

    #[test]
    fn patterns_fit_as_people_expect() {
        let cases = [
            ("google", "Google", true),
            ("google", "google ads", false),
            ("*google*", "my google ads", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("*.example.org", "www.example.org", true),
            ("*.example.org", "example.org", false),
            ("OTOÑO-*", "otoño-2026", true),
            ("**a", "ba", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = [
            rule(Channel::Affiliate, When { source: some("blog*"), medium: some("cpc"), ..When::default() }),
            rule(Channel::Referral, When { source: some("blog*"), ..When::default() }),
            rule(
                Channel::Display,
                When { click_id: some("gclid"), campaign: some("*display*"), ..When::default() },
            ),
            rule(Channel::PaidSocial, When { referrer: some("*.example.org"), ..When::default() }),
            rule(Channel::Sms, When::default()),
        ];
        let url = |query: &str| format!("https://example.com/?{query}");
        let of = |query: &str| channel_of(&rules, &url(query), None);
        assert_eq!(of("utm_source=blogA&utm_medium=cpc"), Channel::Affiliate);
        assert_eq!(of("utm_source=blogA&utm_medium=email"), Channel::Referral);
        assert_eq!(of("gclid=x&utm_campaign=Q4-Display-ES"), Channel::Display);
        assert_eq!(of("gclid=x&utm_campaign=Q4"), Channel::PaidSearch, "the tables, where no rule fits");
        assert_eq!(of(""), Channel::Direct, "a rule without conditions fits nothing");
        let referrer = Some("https://www.example.org/lista");
        assert_eq!(channel_of(&rules, &url(""), referrer), Channel::PaidSocial);
    }
}
