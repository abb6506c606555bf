//! Known answers: what a landing URL and a referrer are counted as.

use super::*;
use Channel::{
    Affiliate, AiAssistant, Call, Direct, Display, Email, OrganicSearch, OrganicSocial, Other, PaidSearch,
    PaidSocial, Referral, Shopping, Sms, Unknown, Video,
};

/// query, referrer, channel, source, medium, reason; `-` stands for nothing.
type Row = (&'static str, &'static str, Channel, &'static str, &'static str, &'static str);

fn check(rows: &[Row]) {
    let own = vec!["example.com".to_owned()];
    for &(query, referrer, channel, source, medium, reason) in rows {
        let campaign = Campaign::of(&format!("https://www.example.com/p?{query}"));
        let referrer = (referrer != "-").then_some(referrer);
        let found = group(&campaign, referrer, &own);
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        assert_eq!(
            (
                found.channel,
                text(&found.source).as_str(),
                text(&found.medium).as_str(),
                text(&found.reason).as_str()
            ),
            (channel, source, medium, reason),
            "{query} from {referrer:?}"
        );
    }
}

#[test]
fn tags_come_first() {
    check(&[
        (
            "utm_source=google&utm_medium=cpc&utm_term=zapatos",
            "https://www.google.es/",
            PaidSearch,
            "google",
            "cpc",
            "-",
        ),
        ("utm_source=Google&utm_medium=CPC&utm_term=a", "-", PaidSearch, "Google", "CPC", "-"),
        ("utm_source=google&utm_medium=cpc", "-", PaidSearch, "google", "cpc", "term_not_provided"),
        ("utm_source=bing&utm_medium=ppc&utm_term=a", "-", PaidSearch, "bing", "ppc", "-"),
        ("utm_source=x1&utm_medium=paid-search&utm_term=a", "-", PaidSearch, "x1", "paid-search", "-"),
        (
            "utm_source=google&utm_medium=buscador+pago&utm_term=a",
            "-",
            PaidSearch,
            "google",
            "buscador pago",
            "-",
        ),
        ("utm_source=google&utm_medium=pago&utm_term=a", "-", PaidSearch, "google", "pago", "-"),
        ("utm_source=agencia&utm_medium=cpc&utm_term=a&gclid=1", "-", PaidSearch, "agencia", "cpc", "-"),
        ("utm_source=agencia&utm_medium=cpc", "-", Other, "agencia", "cpc", "source_unknown"),
        ("utm_source=facebook&utm_medium=cpc", "-", PaidSocial, "facebook", "cpc", "-"),
        ("utm_source=ig&utm_medium=paid&fbclid=a", "https://l.instagram.com/", PaidSocial, "ig", "paid", "-"),
        ("utm_source=fb&utm_medium=Redes+de+pago", "-", PaidSocial, "fb", "Redes de pago", "-"),
        ("utm_source=facebook&utm_medium=cpm", "-", PaidSocial, "facebook", "cpm", "-"),
        ("utm_source=TikTokAds&utm_medium=cpc&ttclid=1", "-", PaidSocial, "TikTokAds", "cpc", "-"),
        (
            "utm_source=linkedin.com&utm_medium=paid_social",
            "-",
            PaidSocial,
            "linkedin.com",
            "paid_social",
            "-",
        ),
        ("utm_source=agencia&utm_medium=cpc&fbclid=a", "-", PaidSocial, "agencia", "cpc", "-"),
        ("utm_source=elmundo&utm_medium=banner", "-", Display, "elmundo", "banner", "-"),
        ("utm_source=elmundo&utm_medium=cpm", "-", Display, "elmundo", "cpm", "-"),
        (
            "utm_source=diario&utm_medium=Contenido+Patrocinado",
            "-",
            Display,
            "diario",
            "Contenido Patrocinado",
            "-",
        ),
        ("utm_source=taboola&utm_medium=cpc", "-", Display, "taboola", "cpc", "-"),
        ("utm_source=google&utm_medium=display&gclid=1", "-", Display, "google", "display", "-"),
        ("utm_source=youtube&utm_medium=cpc&gclid=1", "-", Video, "youtube", "cpc", "-"),
        ("utm_source=dv360&utm_medium=video", "-", Video, "dv360", "video", "-"),
        ("utm_source=google&utm_medium=shopping&gclid=1", "-", Shopping, "google", "shopping", "-"),
        ("utm_source=idealo&utm_medium=cpc", "-", Shopping, "idealo", "cpc", "-"),
        ("utm_source=awin&utm_medium=affiliate&awc=1", "-", Affiliate, "awin", "affiliate", "-"),
        ("utm_source=blog&utm_medium=afiliación", "-", Affiliate, "blog", "afiliación", "-"),
        ("utm_source=newsletter&utm_medium=email", "-", Email, "newsletter", "email", "-"),
        ("utm_source=crm&utm_medium=correo", "https://mail.google.com/", Email, "crm", "correo", "-"),
        ("utm_source=crm&utm_medium=Bolet%C3%ADn", "-", Email, "crm", "Boletín", "-"),
        ("utm_source=crm&utm_medium=sms", "-", Sms, "crm", "sms", "-"),
        ("utm_source=tarjeta&utm_medium=llamada", "-", Call, "tarjeta", "llamada", "-"),
        (
            "utm_source=google&utm_medium=organic&utm_campaign=gbp",
            "-",
            OrganicSearch,
            "google",
            "organic",
            "term_not_provided",
        ),
        ("utm_source=ficha&utm_medium=buscador&utm_term=a", "-", OrganicSearch, "ficha", "buscador", "-"),
        ("utm_source=instagram&utm_medium=organico", "-", OrganicSocial, "instagram", "organico", "-"),
        ("utm_source=facebook&utm_medium=redes", "-", OrganicSocial, "facebook", "redes", "-"),
        (
            "utm_source=facebook&utm_medium=Redes+Sociales",
            "-",
            OrganicSocial,
            "facebook",
            "Redes Sociales",
            "-",
        ),
        ("utm_source=facebook&utm_medium=referral", "-", OrganicSocial, "facebook", "referral", "-"),
        ("utm_source=socio.example&utm_medium=referral", "-", Referral, "socio.example", "referral", "-"),
        ("utm_source=folleto&utm_medium=qr", "-", Other, "folleto", "qr", "-"),
        ("utm_source=(direct)&utm_medium=(none)", "-", Direct, "(direct)", "(none)", "-"),
    ]);
}

#[test]
fn half_a_tag_is_completed_and_doubts_are_said() {
    check(&[
        ("utm_source=chatgpt.com", "https://chatgpt.com/", AiAssistant, "chatgpt.com", "ai_assistant", "-"),
        ("utm_source=chatgpt.com", "-", AiAssistant, "chatgpt.com", "-", "medium_missing"),
        ("utm_source=facebook", "https://m.facebook.com/", OrganicSocial, "facebook", "social", "-"),
        ("utm_source=google&gclid=1", "-", PaidSearch, "google", "cpc", "term_not_provided"),
        ("utm_source=otro", "-", Other, "otro", "-", "medium_missing"),
        ("utm_medium=email", "-", Email, "-", "email", "source_missing"),
        ("utm_medium=email", "https://mail.google.com/", Email, "gmail", "email", "-"),
        ("utm_medium=cpc&utm_term=a", "https://www.google.com/", PaidSearch, "google", "cpc", "-"),
        ("utm_medium=cpc&utm_term=a&msclkid=1", "-", PaidSearch, "bing", "cpc", "-"),
        ("utm_campaign=verano", "-", Other, "-", "-", "source_missing"),
        ("utm_campaign=verano&utm_term=a", "https://www.bing.com/", OrganicSearch, "bing", "organic", "-"),
        ("utm_source=facebook&utm_medium=cosa", "-", OrganicSocial, "facebook", "cosa", "medium_unknown"),
        ("utm_source=google&utm_medium=cosa&gclid=1", "-", PaidSearch, "google", "cosa", "medium_unknown"),
        ("utm_source=uno&utm_medium=cosa", "-", Other, "uno", "cosa", "medium_unknown"),
        ("utm_source=news&utm_medium=email&gclid=1", "-", Email, "news", "email", "click_id_disagrees"),
        (
            "utm_source=facebook&utm_medium=cpc&gclid=1",
            "-",
            PaidSocial,
            "facebook",
            "cpc",
            "click_id_disagrees",
        ),
        (
            "utm_source=google&utm_medium=organic&gclid=1",
            "-",
            OrganicSearch,
            "google",
            "organic",
            "click_id_disagrees",
        ),
        ("utm_source={{site_source_name}}&utm_medium={{x}}", "-", Direct, "-", "-", "placeholder"),
        (
            "utm_source=null&utm_medium=undefined",
            "https://www.example.org/",
            Referral,
            "example.org",
            "referral",
            "placeholder",
        ),
        (
            "utm_source=fb&utm_medium=paid&utm_campaign=__CAMPAIGN_NAME__",
            "-",
            PaidSocial,
            "fb",
            "paid",
            "placeholder",
        ),
    ]);
}

#[test]
fn then_click_ids_speak() {
    check(&[
        ("gclid=1", "https://www.google.com/", PaidSearch, "google", "cpc", "click_id_only"),
        ("gclid=", "-", PaidSearch, "google", "cpc", "click_id_only"),
        ("gbraid=1&gad_source=1&gad_campaignid=9", "-", PaidSearch, "google", "cpc", "click_id_only"),
        ("msclkid=1", "-", PaidSearch, "bing", "cpc", "click_id_only"),
        ("ttclid=1", "https://www.tiktok.com/", PaidSocial, "tiktok", "paid_social", "click_id_only"),
        ("li_fat_id=1", "-", PaidSocial, "linkedin", "paid_social", "click_id_only"),
        ("fbclid=1", "https://l.facebook.com/", OrganicSocial, "facebook", "social", "paid_unclear"),
        ("dclid=1", "-", Display, "google", "display", "click_id_only"),
        ("awc=1", "-", Affiliate, "awin", "affiliate", "click_id_only"),
        ("mc_cid=1", "-", Email, "mailchimp", "email", "click_id_only"),
        // An ad's address, shared on a network, and the other way round.
        (
            "gclid=1&fbclid=2",
            "https://l.facebook.com/",
            OrganicSocial,
            "facebook",
            "social",
            "click_ids_disagree",
        ),
        ("gclid=1&fbclid=2", "https://www.google.es/", PaidSearch, "google", "cpc", "click_ids_disagree"),
        ("gclid=1&fbclid=2", "-", PaidSearch, "google", "cpc", "click_ids_disagree"),
        ("gad_source=1", "-", Unknown, "google", "-", "click_id_unclear"),
        ("srsltid=1", "https://www.google.com/", OrganicSearch, "google", "organic", "term_not_provided"),
        ("_gl=1*a", "-", Direct, "-", "-", "-"),
        ("_gl=1*a", "https://shop.example.com/", Direct, "-", "-", "-"),
    ]);
}

#[test]
fn then_the_referrer() {
    let organic = |referrer, source| ("", referrer, OrganicSearch, source, "organic", "term_not_provided");
    check(&[
        organic("https://www.google.com/", "google"),
        organic("https://www.google.com.mx/search?q=a", "google"),
        organic("https://google.cat/", "google"),
        organic("https://images.google.co.uk/", "google"),
        organic("https://www.bing.com/", "bing"),
        organic("https://es.search.yahoo.com/", "yahoo"),
        organic("https://search.yahoo.co.jp/", "yahoo"),
        organic("https://duckduckgo.com/", "duckduckgo"),
        organic("https://html.duckduckgo.com/", "duckduckgo"),
        organic("https://yandex.com.tr/", "yandex"),
        organic("https://www.baidu.com/link", "baidu"),
        organic("https://www.ecosia.org/", "ecosia"),
        organic("https://www.qwant.com/", "qwant"),
        organic("https://www.startpage.com/", "startpage"),
        organic("https://search.brave.com/", "brave"),
        organic("android-app://com.google.android.googlequicksearchbox/https/www.google.com", "google"),
    ]);
    let social = |referrer, source| ("", referrer, OrganicSocial, source, "social", "-");
    check(&[
        social("https://l.facebook.com/", "facebook"),
        social("https://lm.facebook.com/", "facebook"),
        social("https://l.instagram.com/", "instagram"),
        social("https://t.co/abc", "twitter"),
        social("https://x.com/", "twitter"),
        social("https://www.linkedin.com/", "linkedin"),
        social("https://www.tiktok.com/", "tiktok"),
        social("https://www.pinterest.es/", "pinterest"),
        social("https://web.whatsapp.com/", "whatsapp"),
        social("https://old.reddit.com/", "reddit"),
        social("android-app://com.linkedin.android", "linkedin"),
        social("android-app://org.telegram.messenger/", "telegram"),
    ]);
    let assistant = |referrer, source| ("", referrer, AiAssistant, source, "ai_assistant", "-");
    check(&[
        assistant("https://chatgpt.com/", "chatgpt.com"),
        assistant("https://chat.openai.com/", "chatgpt.com"),
        assistant("https://www.perplexity.ai/", "perplexity"),
        assistant("https://gemini.google.com/", "gemini"),
        assistant("https://copilot.microsoft.com/", "copilot"),
        assistant("https://claude.ai/", "claude"),
    ]);
    check(&[
        ("", "https://mail.google.com/mail/u/0/", Email, "gmail", "email", "-"),
        ("", "https://outlook.live.com/", Email, "outlook", "email", "-"),
        ("", "https://es-mg42.mail.yahoo.com/", Email, "yahoo", "email", "-"),
        ("", "https://webmail.example.org/", Email, "webmail.example.org", "email", "-"),
        ("", "android-app://com.google.android.gm/", Email, "gmail", "email", "-"),
        ("", "https://www.youtube.com/", Video, "youtube", "video", "-"),
        ("", "https://www.idealo.es/", Shopping, "idealo", "shopping", "-"),
        ("", "https://www.awin1.com/", Affiliate, "awin", "affiliate", "-"),
        (
            "",
            "https://googleads.g.doubleclick.net/",
            Display,
            "google",
            "display",
            "paid_referrer_without_click_id",
        ),
        ("", "https://www.example.org/blog", Referral, "example.org", "referral", "-"),
        ("", "http://192.0.2.7:8080/", Referral, "192.0.2.7", "referral", "-"),
        ("", "https://docs.google.com/", Referral, "docs.google.com", "referral", "-"),
        ("", "https://www.google.example.org/", Referral, "google.example.org", "referral", "-"),
        ("", "https://notfacebook.com/", Referral, "notfacebook.com", "referral", "-"),
        ("", "android-app://org.example.reader/", Referral, "org.example.reader", "referral", "-"),
    ]);
}

#[test]
fn and_the_rest_is_direct() {
    check(&[
        ("", "-", Direct, "-", "-", "-"),
        ("", "", Direct, "-", "-", "-"),
        ("", "https://www.example.com/a", Direct, "-", "-", "-"),
        ("", "https://shop.example.com/a", Direct, "-", "-", "-"),
        ("", "https://EXAMPLE.com./a", Direct, "-", "-", "-"),
        ("", "about:blank", Direct, "-", "-", "referrer_unreadable"),
        ("", "android-app://", Direct, "-", "-", "referrer_unreadable"),
        ("utm_medium=email", "https://www.example.com/a", Email, "-", "email", "source_missing"),
    ]);
}

#[test]
fn every_channel_has_one_name_both_ways() {
    for channel in Channel::ALL {
        assert_eq!(Channel::parse(channel.as_str()), Some(channel));
        assert_eq!(serde_json::to_value(channel).unwrap(), channel.as_str());
    }
    assert_eq!(Channel::parse("PaidSearch"), None);
}

#[test]
fn every_click_id_has_a_channel_or_says_why_not() {
    for known in CLICK_IDS {
        let campaign = Campaign::of(&format!("https://example.com/?{}=1", known.key));
        assert_eq!(campaign.click_ids.len(), 1, "{}", known.key);
        let found = group(&campaign, None, &[]);
        if is_linker(known.key) {
            assert_eq!(found.channel, Direct);
        } else if found.channel == Unknown {
            assert_eq!(known.traffic, Traffic::Unknown);
            assert!(found.reason.is_some() && found.source.is_some(), "{}", known.key);
        } else {
            assert_eq!(found.source.as_deref(), Some(known.source));
            assert!(found.medium.is_some());
        }
    }
}

proptest::proptest! {
    #[test]
    fn whatever_is_said_the_answer_is_never_blank(
        query in "(utm_(source|medium|campaign|term)=[a-zA-Z{}%_ .áñ()]{0,12}&|gclid=1&|fbclid=&|_gl=2&){0,5}",
        referrer in proptest::option::of("(https?://|android-app://|about:)?[a-z.%/:@]{0,20}"),
    ) {
        let campaign = Campaign::of(&format!("https://example.com/?{query}"));
        let found = group(&campaign, referrer.as_deref(), &[]);
        if found.channel == Unknown {
            proptest::prop_assert!(found.reason.is_some());
        }
        if found.source.is_none() && found.channel != Direct {
            proptest::prop_assert!(found.reason.is_some(), "{found:?}");
        }
        proptest::prop_assert!(found.source.is_none_or(|source| !source.trim().is_empty()));
    }
}
