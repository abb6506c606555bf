//! What people write in `utm_source` and `utm_medium`, in English and Spanish.

use super::{
    Channel,
    hosts::{self, Class},
};

/// What a medium says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    /// Somebody paid for the click; the source says where.
    Paid,
    /// Somebody paid for being seen: a banner, except on networks that are paid so for posts and videos.
    Impressions,
    /// Nobody paid; the source says where.
    Organic,
    /// Some page links here; the source says which.
    Referral,
    /// The channel itself.
    Is(Channel),
}

/// A tag's value, where it says anything: blanks and what a machine left behind (see [`is_placeholder`]) do not.
pub(in crate::domain) fn said(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty() && !is_placeholder(value))
}

/// A value that an ad platform should have replaced, or that a script wrote for want of one.
pub(super) fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    let wrapped = [("{", "}"), ("__", "__"), ("%", "%"), ("[", "]"), ("<", ">")];
    value.contains("{{")
        || wrapped.iter().any(|(open, close)| {
            value.len() > open.len() + close.len() && value.starts_with(open) && value.ends_with(close)
        })
        || ["null", "undefined", "nan", "(not set)", "not set", "[object object]"]
            .iter()
            .any(|nothing| value.eq_ignore_ascii_case(nothing))
}

/// Lower case, without accents, brackets and the many ways to separate words.
fn plain(text: &str) -> String {
    text.trim()
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|letter| !matches!(letter, '(' | ')'))
        .map(|letter| match letter {
            'á' | 'à' => 'a',
            'é' | 'è' => 'e',
            'í' => 'i',
            'ó' => 'o',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            ' ' | '-' | '+' | '.' | '/' | '|' => '_',
            other => other,
        })
        .collect()
}

/// What a source is, by name or by host.
pub(super) fn source(text: &str) -> Option<Class> {
    let name = plain(text);
    let by_name = |name: &str| SOURCES.iter().find_map(|(class, names)| lists(names, name).then_some(*class));
    by_name(&name)
        .or_else(|| hosts::of(&text.trim().to_lowercase()).map(|(_, class)| class))
        .or_else(|| by_name(name.strip_suffix("ads")?.trim_end_matches('_')))
}

/// Whether two names mean one source: `facebook` as a referrer, `facebook` or `meta` in the table of click ids.
pub(super) fn same_source(one: &str, other: &str) -> bool {
    const KIN: &[&[&str]] = &[
        &["facebook", "instagram", "messenger", "threads", "whatsapp", "meta"],
        &["bing", "microsoft"],
        &["twitter", "x"],
        &["google", "youtube", "gmail"],
    ];
    one == other || KIN.iter().any(|kin| kin.contains(&one) && kin.contains(&other))
}

/// What a medium says; `None` where the tables do not know it.
pub(super) fn medium(text: &str) -> Option<Medium> {
    let word = plain(text);
    MEDIUMS.iter().find_map(|(medium, words)| lists(words, &word).then_some(*medium))
}

/// Whether a list of words, apart by blanks, has a word.
fn lists(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|listed| listed == word)
}

/// Words by what they say, as [`plain`] writes them.
pub(super) const MEDIUMS: &[(Medium, &str)] = &[
    (
        Medium::Paid,
        "cpc ppc cpa cpl paid paid_media paid_ads ad ads adwords pago pagado pagada de_pago \
         trafico_de_pago anuncio anuncios publicidad campana_de_pago",
    ),
    (
        Medium::Is(Channel::PaidSearch),
        "paidsearch paid_search search_paid search_ads sem search_cpc cpc_search busqueda_pagada \
         busqueda_de_pago buscador_pago buscador_de_pago buscadores_pago",
    ),
    (
        Medium::Is(Channel::PaidSocial),
        "paidsocial paid_social social_paid socialpaid social_ads social_ad social_cpc cpc_social \
         social_pago pago_social redes_pago redes_de_pago redes_sociales_pago rrss_pago facebook_ads \
         instagram_ads meta_ads tiktok_ads linkedin_ads",
    ),
    (Medium::Impressions, "cpm cpmv retargeting remarketing reach alcance"),
    (
        Medium::Is(Channel::Display),
        "display banner banners gdn programmatic programatica native nativa sponsored \
         sponsored_content patrocinado contenido_patrocinado branded_content interstitial richmedia \
         advertorial",
    ),
    (Medium::Is(Channel::Video), "video videos video_ads cpv preroll pre_roll instream ctv youtube"),
    (
        Medium::Is(Channel::Shopping),
        "shopping shopping_ads pla google_shopping product_listing compras comparador",
    ),
    (Medium::Is(Channel::Affiliate), "affiliate affiliates affiliation afiliado afiliados afiliacion aff"),
    (
        Medium::Is(Channel::Email),
        "email e_mail emails mail mailing emailing newsletter newsletters email_marketing correo \
         correo_electronico correos boletin boletines firma email_signature",
    ),
    (Medium::Is(Channel::Sms), "sms mms rcs mensaje_de_texto"),
    (Medium::Is(Channel::Call), "call phone telefono llamada llamadas"),
    (Medium::Is(Channel::AiAssistant), "ai ai_assistant ai_chat llm chatbot_ai ia asistente_ia geo"),
    (Medium::Organic, "organic organico organica natural free gratis"),
    (
        Medium::Is(Channel::OrganicSearch),
        "seo search organic_search search_organic buscador buscadores busqueda busqueda_organica gbp \
         gmb google_my_business ficha_google",
    ),
    (
        Medium::Is(Channel::OrganicSocial),
        "social socials social_media social_network social_networks socialmedia sm redes red_social \
         redes_sociales rrss organic_social social_organic organicsocial social_organico post story \
         stories historia historias reel reels bio whatsapp messenger telegram grupo community \
         comunidad",
    ),
    (
        Medium::Referral,
        "referral referrals referrer referido referidos link links enlace enlaces web website blog \
         partner partners socio socios pr prensa press directory directorio guest_post",
    ),
    (
        Medium::Is(Channel::Other),
        "qr qr_code qrcode codigo_qr print impreso offline flyer folleto poster cartel valla outdoor \
         ooh radio tv television event evento feria push web_push notification notificacion app \
         in_app podcast audio nfc catalogo tarjeta pdf ebook webinar other otro otros",
    ),
    (Medium::Is(Channel::Direct), "none direct directo ninguno"),
];

/// Names by what they are, as [`plain`] writes them.
pub(super) const SOURCES: &[(Class, &str)] = &[
    (
        Class::Search,
        "google adwords google_ads googleads google_adwords google_search gbp gmb google_my_business \
         bing bing_ads microsoft microsoft_ads yahoo yandex baidu duckduckgo ecosia qwant startpage \
         brave naver seznam ask aol kagi",
    ),
    (
        Class::Social,
        "facebook fb meta an audience_network instagram ig insta msg messenger threads th twitter x \
         linkedin li tiktok tik_tok tt pinterest reddit snapchat quora tumblr vk whatsapp wa telegram \
         discord bluesky mastodon weibo wechat line xing nextdoor linktree redes redes_sociales rrss \
         social",
    ),
    (Class::Video, "youtube yt vimeo dailymotion twitch"),
    (
        Class::Mail,
        "newsletter email e_mail mail mailing correo boletin gmail outlook mailchimp mailerlite brevo \
         sendinblue klaviyo acumbamail mailrelay mdirector activecampaign convertkit beehiiv substack \
         sendgrid hs_email hs_automation",
    ),
    (
        Class::Assistant,
        "chatgpt chat_gpt openai perplexity gemini copilot claude mistral deepseek grok ai ia",
    ),
    (
        Class::Display,
        "display gdn dv360 doubleclick dbm taboola outbrain criteo teads seedtag adroll rtbhouse \
         xandr adform quantcast the_trade_desk ttd",
    ),
    (
        Class::Affiliate,
        "awin tradedoubler tradetracker cj commission_junction rakuten impact shareasale admitad \
         webgains effiliation kwanko zanox affiliate afiliados",
    ),
    (Class::Shopping, "google_shopping googleshopping merchant_center idealo kelkoo pricerunner shopping"),
];
