//! An arrival with a source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wire::arrival;

use super::channel::{self, Channel, reason, rules::Grouping, said};

/// An arrival with a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    /// When, ms since the epoch.
    pub at: i64,
    /// The grouping rules' answer.
    pub channel: Channel,
    /// utm_source, or what the click id or the referrer stands for.
    #[serde(default)]
    pub source: Option<String>,
    /// utm_medium, or what the click id or the referrer stands for.
    #[serde(default)]
    pub medium: Option<String>,
    /// utm_campaign
    #[serde(default)]
    pub campaign: Option<String>,
    /// The platform's own id of the campaign.
    #[serde(default)]
    pub campaign_id: Option<String>,
    /// The platform's ad set or ad group, where the URL names it.
    #[serde(default)]
    pub adset: Option<String>,
    /// The platform's ad, where the URL names it.
    #[serde(default)]
    pub ad: Option<String>,
    /// utm_content
    #[serde(default)]
    pub content: Option<String>,
    /// utm_term
    #[serde(default)]
    pub term: Option<String>,
    /// Click ids by key.
    #[serde(default)]
    pub click_ids: BTreeMap<String, String>,
    /// The page's address.
    #[serde(default)]
    pub landing: Option<String>,
    /// Where the visitor came from.
    #[serde(default)]
    pub referrer: Option<String>,
    /// Why something is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Touch {
    /// A touch that nobody saw: what is known is that somebody was there at `at` (ms since the epoch), and why no
    /// more is. `why` is one of [`reason`].
    #[must_use]
    pub fn unknown(at: i64, why: &str) -> Self {
        Self {
            at,
            channel: Channel::Unknown,
            source: None,
            medium: None,
            campaign: None,
            campaign_id: None,
            adset: None,
            ad: None,
            content: None,
            term: None,
            click_ids: BTreeMap::new(),
            landing: None,
            referrer: None,
            reason: Some(why.to_owned()),
        }
    }

    /// Whether the visitor came by none of the ways that leave a trace.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.channel == Channel::Direct
    }

    /// Whether it tells where the visitor came from, at least in part: neither direct nor wholly unknown.
    #[must_use]
    pub fn has_source(&self) -> bool {
        !matches!(self.channel, Channel::Direct | Channel::Unknown) || self.source.is_some()
    }

    /// Whether another touch says the same: equal in all but when, where to and from which page exactly. Reloads, and
    /// pages of a site that carry the landing URL's query along, repeat a touch; they are no second arrival.
    #[must_use]
    pub fn repeats(&self, other: &Self) -> bool {
        let Self { at: _, landing: _, referrer: _, channel, source, medium, campaign, campaign_id, .. } =
            self;
        let names = (channel, source, medium, campaign, campaign_id)
            == (&other.channel, &other.source, &other.medium, &other.campaign, &other.campaign_id);
        names
            && (&self.adset, &self.ad, &self.content, &self.term)
                == (&other.adset, &other.ad, &other.content, &other.term)
            && self.click_ids == other.click_ids
    }
}

/// The touch that a page view brings, if it brings one. A campaign in the URL is one, and so is a referrer that is
/// not the site's. A page view that opens a visit with neither is direct, with the reason `internal_referrer` where
/// it came from the site itself; one in mid-visit is none.
///
/// `at` is in ms since the epoch; `grouping` has the site's domains and its rules. The page's own host is never a
/// source, whether the site lists it or not.
#[must_use]
pub fn of_page_view<'a>(
    at: i64,
    url: &str,
    referrer: Option<&str>,
    grouping: impl Into<Grouping<'a>>,
    opens_visit: bool,
) -> Option<Touch> {
    let grouping = grouping.into();
    let own = grouping.own;
    let referrer = referrer.filter(|referrer| !referrer.trim().is_empty());
    let internal = referrer.is_some_and(|referrer| is_internal(url, referrer, own));
    let campaign = channel::campaign_of(url);
    let external = !internal && channel::is_external(referrer, own);
    if campaign.is_empty() && !external && !opens_visit {
        return None;
    }
    let mut grouped = channel::group(&campaign, referrer.filter(|_| !internal), own);
    if grouped.channel == Channel::Direct && internal {
        grouped.reason = Some(reason::INTERNAL_REFERRER.to_owned());
    } else if grouped.channel == Channel::Direct && referrer.is_some_and(channel::is_payment) {
        grouped.reason = Some(reason::PAYMENT_RETURN.to_owned());
    }
    let text = |value: Option<String>| said(value.as_deref()).map(str::to_owned);
    let mut touch = Touch {
        at,
        channel: grouped.channel,
        source: grouped.source,
        medium: grouped.medium,
        campaign: text(campaign.campaign),
        campaign_id: text(campaign.campaign_id),
        adset: parameter(url, ADSET),
        ad: parameter(url, AD),
        content: text(campaign.content),
        term: text(campaign.term),
        click_ids: campaign.click_ids,
        landing: Some(url.to_owned()),
        referrer: referrer.map(str::to_owned),
        reason: grouped.reason,
    };
    if let Some(channel) = grouping.channel(&touch) {
        touch.channel = channel;
    }
    Some(touch)
}

fn is_internal(url: &str, referrer: &str, own: &[String]) -> bool {
    let Some(from) = arrival::host(referrer) else { return false };
    arrival::is_own(&from, own) || arrival::host(url).is_some_and(|page| arrival::is_own(&from, &[page]))
}

/// Query keys that name an ad set or ad group, the most explicit first.
const ADSET: &[&str] =
    &["utm_adset", "utm_adset_id", "utm_adgroup", "adset_id", "adset", "adgroup_id", "adgroupid", "hsa_grp"];

/// Query keys that name an ad.
const AD: &[&str] = &["utm_ad", "utm_ad_id", "ad_id", "adid", "ad", "hsa_ad"];

/// The first of some query keys that has a value, in the URL's query or in that of its hash route.
fn parameter(url: &str, keys: &[&str]) -> Option<String> {
    let (address, fragment) = url.split_once('#').unwrap_or((url, ""));
    let queries = [address, fragment].map(|part| part.split_once('?').map_or("", |(_, query)| query));
    let value = |key: &str| {
        let pairs = queries.iter().flat_map(|query| query.split('&'));
        let mut values = pairs.filter_map(|pair| pair.split_once('=')).filter(|(name, _)| *name == key);
        values.find_map(|(_, value)| said(Some(&decoded(value))).map(str::to_owned))
    };
    keys.iter().find_map(|key| value(key))
}

/// A query value as it was meant; bytes that are no UTF-8 become U+FFFD.
fn decoded(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| value.get(at + 1..at + 3)).flatten();
        // `from_str_radix` would take a sign for a digit.
        let escaped = escaped.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(escaped) => {
                out.push(escaped);
                at += 3;
            }
            None => {
                out.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Vec<String> {
        vec!["example.com".to_owned()]
    }

    fn touch(url: &str, referrer: Option<&str>, opens_visit: bool) -> Option<Touch> {
        of_page_view(7, url, referrer, &own(), opens_visit)
    }

    #[test]
    fn a_payment_page_is_no_source() {
        let own = vec!["example.com".to_owned()];
        for referrer in [
            "https://sis.redsys.es/sis/realizarPago",
            "https://www.paypal.com/",
            "https://checkout.stripe.com/c/pay",
        ] {
            let thanks = |opens| of_page_view(1, "https://example.com/gracias", Some(referrer), &own, opens);
            assert_eq!(thanks(false), None, "{referrer}: in mid-visit it is no touch");
            let touch = thanks(true).unwrap();
            assert_eq!((touch.channel, touch.source), (Channel::Direct, None), "{referrer}");
            assert_eq!(touch.reason.as_deref(), Some(reason::PAYMENT_RETURN));
        }
        let elsewhere =
            of_page_view(1, "https://example.com/", Some("https://notpaypal.com/"), &own, false).unwrap();
        assert_eq!(elsewhere.source.as_deref(), Some("notpaypal.com"));
        let tagged = of_page_view(
            1,
            "https://example.com/?utm_source=paypal&utm_medium=email",
            Some("https://www.paypal.com/"),
            &own,
            false,
        );
        assert_eq!(
            tagged.map(|touch| touch.channel),
            Some(Channel::Email),
            "what was tagged by hand is believed"
        );
    }

    #[test]
    fn a_tagged_arrival_keeps_everything_the_url_names() {
        let url = "https://example.com/oferta?utm_source=fb&utm_medium=paid_social&utm_campaign=Oto%C3%B1o+26&utm_id=77\
                   &utm_content=banner-b&utm_term=zapatos&utm_adset=Mujeres+30%2B&ad_id=991&fbclid=AbC";
        let touch = touch(url, Some("https://l.facebook.com/"), true).unwrap();
        assert_eq!(touch.at, 7);
        assert_eq!(touch.channel, Channel::PaidSocial);
        assert_eq!(touch.source.as_deref(), Some("fb"));
        assert_eq!(touch.medium.as_deref(), Some("paid_social"));
        assert_eq!(touch.campaign.as_deref(), Some("Otoño 26"));
        assert_eq!(touch.campaign_id.as_deref(), Some("77"));
        assert_eq!(touch.content.as_deref(), Some("banner-b"));
        assert_eq!(touch.term.as_deref(), Some("zapatos"));
        assert_eq!(touch.adset.as_deref(), Some("Mujeres 30+"));
        assert_eq!(touch.ad.as_deref(), Some("991"));
        assert_eq!(touch.click_ids, BTreeMap::from([("fbclid".to_owned(), "AbC".to_owned())]));
        assert_eq!(touch.landing.as_deref(), Some(url));
        assert_eq!(touch.referrer.as_deref(), Some("https://l.facebook.com/"));
        assert_eq!(touch.reason, None);
    }

    #[test]
    fn pages_in_mid_visit_bring_a_touch_only_from_elsewhere() {
        let page = "https://example.com/b";
        assert_eq!(touch(page, None, false), None);
        assert_eq!(touch(page, Some(""), false), None);
        assert_eq!(touch(page, Some("https://www.example.com/a"), false), None);
        assert_eq!(touch(page, Some("https://shop.example.com/a"), false), None);
        assert_eq!(touch(page, Some("about:blank"), false), None);
        let referral = touch(page, Some("https://www.example.org/list"), false).unwrap();
        assert_eq!((referral.channel, referral.source.as_deref()), (Channel::Referral, Some("example.org")));
        let tagged = touch("https://example.com/b?utm_source=x&utm_medium=social", None, false).unwrap();
        assert_eq!(tagged.channel, Channel::OrganicSocial);
    }

    #[test]
    fn a_visit_without_a_source_is_direct_and_says_when_it_began_inside() {
        let page = "https://example.com/b";
        let plain = touch(page, None, true).unwrap();
        assert!(plain.is_direct() && !plain.has_source());
        assert_eq!((plain.source, plain.reason), (None, None));
        let inside = touch(page, Some("https://example.com/a"), true).unwrap();
        assert!(inside.is_direct());
        assert_eq!(inside.reason.as_deref(), Some(reason::INTERNAL_REFERRER));
        assert_eq!(inside.source, None);
        let strange = touch(page, Some("about:blank"), true).unwrap();
        assert_eq!(strange.reason.as_deref(), Some(reason::REFERRER_UNREADABLE));
    }

    #[test]
    fn the_pages_own_host_is_no_source_even_where_the_site_lists_no_domains() {
        let inside =
            of_page_view(0, "https://www.example.net/b", Some("https://example.net/a"), &[], true).unwrap();
        assert_eq!(inside.reason.as_deref(), Some(reason::INTERNAL_REFERRER));
        assert_eq!(
            of_page_view(0, "https://www.example.net/b", Some("https://example.net/a"), &[], false),
            None
        );
    }

    #[test]
    fn a_visit_that_begins_on_another_of_the_sites_domains_began_inside() {
        let own = ["example.com".to_owned(), "example.net".to_owned()];
        let inside =
            of_page_view(0, "https://example.com/b", Some("https://pay.example.net/a"), &own, true).unwrap();
        assert_eq!(
            (inside.channel, inside.reason.as_deref()),
            (Channel::Direct, Some(reason::INTERNAL_REFERRER))
        );
        assert_eq!(inside.referrer.as_deref(), Some("https://pay.example.net/a"));
    }

    #[test]
    fn a_link_between_own_domains_is_no_arrival() {
        let url = "https://example.com/b?_gl=1*abc*_ga*MTIz";
        assert_eq!(touch(url, Some("https://example.com/a"), false), None);
    }

    #[test]
    fn placeholders_count_as_absent_and_are_said() {
        let url = "https://example.com/?utm_source=google&utm_medium=cpc&utm_campaign={{campaign.name}}&utm_term=%7Bkeyword%7D&utm_ad=%7B%7Bad.name%7D%7D";
        let touch = touch(url, None, true).unwrap();
        assert_eq!((touch.campaign, touch.term, touch.ad), (None, None, None));
        assert_eq!(touch.reason.as_deref(), Some(reason::PLACEHOLDER));
    }

    #[test]
    fn ad_sets_and_ads_are_found_in_hash_routes_too_and_broken_escapes_harm_nothing() {
        let found = |url: &str| (parameter(url, ADSET), parameter(url, AD));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(found("https://example.com/#/p?hsa_grp=12&hsa_ad=34"), (some("12"), some("34")));
        assert_eq!(
            found("https://example.com/?adgroupid=&adset=a%2&ad=%+1%ñ#x"),
            (some("a%2"), some("% 1%ñ"))
        );
        assert_eq!(found("https://example.com/?ad=%FF"), (None, some("\u{fffd}")));
        assert_eq!(found("https://example.com/ad=1"), (None, None));
    }

    #[test]
    fn the_unknown_always_says_why() {
        let unknown = Touch::unknown(3, reason::NO_CONSENT);
        assert_eq!(
            (unknown.at, unknown.channel, unknown.reason.as_deref()),
            (3, Channel::Unknown, Some("no_consent"))
        );
        assert!(!unknown.has_source() && !unknown.is_direct());
    }
}
