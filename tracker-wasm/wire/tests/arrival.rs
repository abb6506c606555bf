//! Campaigns, click ids and hosts as landing URLs have them.

use wire::arrival::{CLICK_IDS, Campaign, Traffic, host, is_own};

#[test]
fn a_landing_url_names_its_campaign() {
    let campaign = Campaign::of(
        "https://example.com/oferta?utm_source=google&UTM_Medium=cpc&utm%5Fcampaign=Campa%C3%B1a+de+oto%C3%B1o\
         &utm_content=a%2Bb&utm_term=seguro&utm_id=987&gclid=Cj0-A_b&gad_source=1&x=1",
    );
    assert_eq!(campaign.source.as_deref(), Some("google"));
    assert_eq!(campaign.medium.as_deref(), Some("cpc"));
    assert_eq!(campaign.campaign.as_deref(), Some("Campaña de otoño"));
    assert_eq!(campaign.content.as_deref(), Some("a+b"));
    assert_eq!(campaign.term.as_deref(), Some("seguro"));
    assert_eq!(campaign.campaign_id.as_deref(), Some("987"));
    let ids: Vec<_> = campaign.click_ids.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(ids, [("gad_source", "1"), ("gclid", "Cj0-A_b")]);
    assert!(!campaign.is_empty());
}

#[test]
fn the_first_value_wins_and_empty_is_absent() {
    let source = |url: &str| Campaign::of(url).source;
    assert_eq!(source("/?utm_source=a&utm_source=b").as_deref(), Some("a"));
    assert_eq!(source("/?utm_source=&utm_source=b").as_deref(), Some("b"));
    assert_eq!(source("/?utm_source=+&x").as_deref(), None);
    assert_eq!(source("/?utm_source=a#/ruta?utm_source=b").as_deref(), Some("a"));
    assert_eq!(source("/#/ruta?utm_source=b").as_deref(), Some("b"));
    assert_eq!(source("/#utm_source=b").as_deref(), Some("b"));
    assert_eq!(source("/?a=1&amp;utm_source=b").as_deref(), Some("b"));
    assert_eq!(source("/?utm_source").as_deref(), None);
    assert_eq!(source("/?xutm_source=a").as_deref(), None);
    for nothing in ["", "?", "#", "/", "https://example.com/utm_source=a", "/?a=b&&=&=c", "/?%", "/?GCLID=1"]
    {
        assert!(Campaign::of(nothing).is_empty(), "{nothing}");
    }
}

#[test]
fn broken_escapes_harm_nothing() {
    let source = |url: &str| Campaign::of(url).source.unwrap();
    assert_eq!(source("/?utm_source=100%"), "100%");
    assert_eq!(source("/?utm_source=campa%F1a"), "campa%F1a");
    assert_eq!(source("/?utm_source=a%00b"), "ab");
    assert_eq!(source("/?%&utm_source=%zz"), "%zz");
}

#[test]
fn a_click_id_without_its_value_is_still_a_kind() {
    let campaign = Campaign::of("/?gclid=&gad_campaignid=&fbclid");
    assert_eq!(campaign.click_ids.keys().collect::<Vec<_>>(), ["fbclid", "gad_campaignid", "gclid"]);
    assert_eq!(campaign.campaign_id, None);
}

#[test]
fn the_campaign_id_has_an_order() {
    let id = |url: &str| Campaign::of(url).campaign_id.unwrap();
    assert_eq!(id("/?hsa_cam=3&gad_campaignid=2&utm_id=1"), "1");
    assert_eq!(id("/?hsa_cam=3&gad_campaignid=2"), "2");
    assert_eq!(id("/?hsa_cam=3"), "3");
}

#[test]
fn click_ids_are_many_and_each_stands_once() {
    assert!(CLICK_IDS.len() >= 24);
    for (place, id) in CLICK_IDS.iter().enumerate() {
        assert!(!CLICK_IDS[..place].iter().any(|other| other.key == id.key), "{}", id.key);
        assert!(!id.source.is_empty() && !id.key.starts_with("utm_"));
        let found = Campaign::of(&format!("https://example.com/?{}=Ab-1", id.key));
        assert_eq!(found.click_ids.get(id.key).map(String::as_str), Some("Ab-1"));
    }
}

#[test]
fn a_click_id_proves_no_more_than_it_does() {
    let traffic = |key: &str| CLICK_IDS.iter().find(|id| id.key == key).map(|id| id.traffic);
    for (key, expected) in [
        ("gclid", Traffic::PaidSearch),
        ("gbraid", Traffic::PaidSearch),
        ("wbraid", Traffic::PaidSearch),
        ("msclkid", Traffic::PaidSearch),
        ("yclid", Traffic::PaidSearch),
        ("fbclid", Traffic::Social),
        ("igshid", Traffic::Social),
        ("ttclid", Traffic::PaidSocial),
        ("dclid", Traffic::PaidOther),
        ("mc_eid", Traffic::Email),
        ("_kx", Traffic::Email),
        ("gad_source", Traffic::Unknown),
        ("srsltid", Traffic::Unknown),
    ] {
        assert_eq!(traffic(key), Some(expected), "{key}");
    }
}

#[test]
fn hosts_of_web_addresses() {
    for (url, expected) in [
        ("https://Example.com/a", Some("example.com")),
        ("  HTTP://user:pass@EXAMPLE.com:8080?x", Some("example.com")),
        ("https:\\\\example.com\\a", Some("example.com")),
        ("https://own.example@other.example/", Some("other.example")),
        ("https://example.com.", Some("example.com")),
        ("http://[2001:db8::1]:80/", Some("[2001:db8::1]")),
        ("https://", None),
        ("//example.com/", None),
        ("/a", None),
        ("mailto:a@example.com", None),
        ("ftp://example.com", None),
        ("", None),
    ] {
        assert_eq!(host(url).as_deref(), expected, "{url}");
    }
}

#[test]
fn own_hosts_are_the_domains_and_all_below() {
    let own = ["example.com", "www.example.org", "localhost", "", "www.com"];
    for host in
        ["example.com", "www.example.com", "a.b.EXAMPLE.com", "example.org", "t.example.org", "localhost"]
    {
        assert!(is_own(host, &own), "{host}");
    }
    for host in
        ["", "com", "notexample.com", "example.com.evil.net", "other.com", "example.co", "ample.com", "."]
    {
        assert!(!is_own(host, &own), "{host}");
    }
    assert!(is_own("example.com.", &own));
    assert!(!is_own("example.com", &[] as &[&str]));
}
