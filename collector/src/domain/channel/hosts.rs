//! Who refers: hosts and apps by what they are.

use wire::arrival;

use super::Channel;

/// What a place on the web is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Search,
    Social,
    Video,
    Mail,
    Assistant,
    Display,
    Affiliate,
    Shopping,
}

impl Class {
    /// The channel of somebody who comes from there without any tag.
    pub(super) fn channel(self) -> Channel {
        match self {
            Self::Search => Channel::OrganicSearch,
            Self::Social => Channel::OrganicSocial,
            Self::Video => Channel::Video,
            Self::Mail => Channel::Email,
            Self::Assistant => Channel::AiAssistant,
            Self::Display => Channel::Display,
            Self::Affiliate => Channel::Affiliate,
            Self::Shopping => Channel::Shopping,
        }
    }

    fn medium(self) -> &'static str {
        match self {
            Self::Search => "organic",
            Self::Social => "social",
            other => other.channel().as_str(),
        }
    }
}

/// What a referrer says.
#[derive(Debug)]
pub(super) enum Referrer {
    /// No referrer, or one of the site's own pages.
    None,
    /// Neither a page nor an app.
    Unreadable,
    /// Somebody else's place, by name (or host) and, where the tables know it, what it is.
    From(String, Option<Class>),
}

impl Referrer {
    pub(super) fn source(&self) -> Option<&str> {
        match self {
            Self::From(source, _) => Some(source),
            _ => None,
        }
    }

    pub(super) fn class(&self) -> Option<Class> {
        match self {
            Self::From(_, class) => *class,
            _ => None,
        }
    }

    pub(super) fn medium(&self) -> Option<&'static str> {
        match self {
            Self::From(_, class) => Some(class.map_or("referral", Class::medium)),
            _ => None,
        }
    }

    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unreadable)
    }
}

/// Reads a referrer. `own` are the site's domains.
pub(super) fn read(referrer: Option<&str>, own: &[String]) -> Referrer {
    let Some(referrer) = referrer.map(str::trim).filter(|referrer| !referrer.is_empty()) else {
        return Referrer::None;
    };
    if let Some(app) = referrer.strip_prefix("android-app://") {
        let package = app.split(['/', '?', '#']).next().unwrap_or_default();
        let known = APPS.iter().find(|(known, ..)| *known == package);
        return match known {
            Some((_, name, class)) => Referrer::From((*name).to_owned(), Some(*class)),
            None if package.is_empty() => Referrer::Unreadable,
            None => Referrer::From(package.to_owned(), None),
        };
    }
    let Some(host) = arrival::host(referrer) else {
        return Referrer::Unreadable;
    };
    if arrival::is_own(&host, own) || PAYMENT.iter().any(|known| is_at_or_below(&host, known)) {
        return Referrer::None;
    }
    let bare = host.strip_prefix("www.").unwrap_or(&host);
    match of(&host) {
        Some((Some(name), class)) => Referrer::From(name.to_owned(), Some(class)),
        Some((None, class)) => Referrer::From(bare.to_owned(), Some(class)),
        None => Referrer::From(bare.to_owned(), None),
    }
}

/// Whether a referrer is a page that takes a payment for others, or checks a card: whoever comes back from there was here
/// before.
pub(super) fn is_payment(referrer: &str) -> bool {
    arrival::host(referrer).is_some_and(|host| PAYMENT.iter().any(|known| is_at_or_below(&host, known)))
}

/// What the tables say about a lower-case host: its name, where it has one, and its class.
pub(super) fn of(host: &str) -> Option<(Option<&'static str>, Class)> {
    let host = host.strip_prefix("www.").unwrap_or(host);
    if PLAIN.contains(&host) {
        return None;
    }
    // The most specific entry wins: gemini.google.com is an assistant, google.com a search engine.
    let known = HOSTS
        .iter()
        .filter(|(known, ..)| is_at_or_below(host, known))
        .max_by_key(|(known, ..)| known.len())
        .map(|(_, name, class)| (Some(*name), *class));
    known.or_else(|| by_brand(host)).or_else(|| {
        let first = host.split('.').next().unwrap_or_default();
        (MAILBOXES.contains(&first) && host.contains('.')).then_some((None, Class::Mail))
    })
}

fn is_at_or_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Brands with a domain in every country: `google.com.mx`, `es.search.yahoo.com`.
fn by_brand(host: &str) -> Option<(Option<&'static str>, Class)> {
    let labels: Vec<&str> = host.split('.').collect();
    BRANDS.iter().find_map(|(brand, below, class)| {
        let at = labels.iter().position(|label| label == brand)?;
        let (under, rest) = (labels.get(..at)?, labels.get(at + 1..)?);
        let country = match rest {
            [tld] => (2..=3).contains(&tld.len()),
            [second, tld] => matches!(*second, "com" | "co" | "org" | "net") && tld.len() == 2,
            _ => false,
        };
        let place = match below {
            Below::Anything => true,
            Below::Only(names) => under.iter().all(|label| names.contains(label) || label.len() == 2),
            Below::Under(name) => under.contains(name),
        };
        (country && place).then_some((Some(*brand), *class))
    })
}

/// Which subdomains of a brand are meant.
enum Below {
    Anything,
    /// None, or these (and language codes): `images.google.es`, but not `docs.google.com`.
    Only(&'static [&'static str]),
    /// Those with this label: `mail.yahoo.com`.
    Under(&'static str),
}

const BRANDS: &[(&str, Below, Class)] = &[
    (
        "google",
        Below::Only(&["m", "images", "image", "encrypted", "maps", "lens", "ipv4", "cse", "search"]),
        Class::Search,
    ),
    ("yahoo", Below::Under("mail"), Class::Mail),
    ("yahoo", Below::Anything, Class::Search),
    ("yandex", Below::Under("mail"), Class::Mail),
    ("yandex", Below::Anything, Class::Search),
    ("bing", Below::Anything, Class::Search),
    ("ask", Below::Anything, Class::Search),
    ("qwant", Below::Anything, Class::Search),
    ("aol", Below::Under("mail"), Class::Mail),
    ("aol", Below::Under("search"), Class::Search),
    ("pinterest", Below::Anything, Class::Social),
    ("nextdoor", Below::Anything, Class::Social),
    ("idealo", Below::Anything, Class::Shopping),
    ("kelkoo", Below::Anything, Class::Shopping),
    ("pricerunner", Below::Anything, Class::Shopping),
];

/// Hosts of search engines and networks that are something else: a page that links, and nothing more.
const PLAIN: &[&str] = &["answers.yahoo.com", "finance.yahoo.com", "news.yahoo.com", "translate.yandex.com"];

/// A host that begins so is somebody's mailbox on the web.
const MAILBOXES: &[&str] = &["mail", "webmail", "email", "correo", "roundcube", "owa"];

/// Where visitors are sent to pay, or to prove that a card is theirs, and come back from. They refer nobody.
const PAYMENT: &[&str] = &[
    "3dsecure.io",
    "addonpayments.com",
    "adyen.com",
    "afterpay.com",
    "aplazame.com",
    "arcot.com",
    "authorize.net",
    "bizum.es",
    "braintreegateway.com",
    "cardinalcommerce.com",
    "ceca.es",
    "checkout.com",
    "checkout.shopify.com",
    "clearpay.co.uk",
    "conekta.com",
    "culqi.com",
    "epayco.co",
    "flow.cl",
    "gocardless.com",
    "izipay.pe",
    "klarna.com",
    "mercadopago.cl",
    "mercadopago.com",
    "mercadopago.com.ar",
    "mercadopago.com.br",
    "mercadopago.com.co",
    "mercadopago.com.mx",
    "mercadopago.com.pe",
    "mercadopago.com.uy",
    "mollie.com",
    "monei.com",
    "openpay.mx",
    "pay.amazon.com",
    "pay.google.com",
    "paycomet.com",
    "payments.amazon.com",
    "payments.amazon.es",
    "paypal.com",
    "payu.com",
    "redsys.es",
    "scalapay.com",
    "sequra.es",
    "skrill.com",
    "stripe.com",
    "sumup.com",
    "transbank.cl",
    "trustly.com",
    "wompi.co",
    "worldpay.com",
    "worldline-solutions.com",
];

/// Hosts, each for itself and everything below it. A name is the one that the place signs its own links with.
pub(super) const HOSTS: &[(&str, &str, Class)] = &[
    // search
    ("duckduckgo.com", "duckduckgo", Class::Search),
    ("baidu.com", "baidu", Class::Search),
    ("ya.ru", "yandex", Class::Search),
    ("ecosia.org", "ecosia", Class::Search),
    ("startpage.com", "startpage", Class::Search),
    ("search.brave.com", "brave", Class::Search),
    ("naver.com", "naver", Class::Search),
    ("search.daum.net", "daum", Class::Search),
    ("search.seznam.cz", "seznam", Class::Search),
    ("sogou.com", "sogou", Class::Search),
    ("so.com", "so.com", Class::Search),
    ("mojeek.com", "mojeek", Class::Search),
    ("swisscows.com", "swisscows", Class::Search),
    ("kagi.com", "kagi", Class::Search),
    ("lilo.org", "lilo", Class::Search),
    ("presearch.com", "presearch", Class::Search),
    ("metager.org", "metager", Class::Search),
    ("metager.de", "metager", Class::Search),
    ("go.mail.ru", "mail.ru", Class::Search),
    ("rambler.ru", "rambler", Class::Search),
    ("coccoc.com", "coccoc", Class::Search),
    ("petalsearch.com", "petalsearch", Class::Search),
    ("dogpile.com", "dogpile", Class::Search),
    ("search.lycos.com", "lycos", Class::Search),
    ("suche.t-online.de", "t-online", Class::Search),
    ("suche.web.de", "web.de", Class::Search),
    ("search.avira.com", "avira", Class::Search),
    ("yep.com", "yep", Class::Search),
    ("cse.google.com", "google", Class::Search),
    // social
    ("facebook.com", "facebook", Class::Social),
    ("fb.com", "facebook", Class::Social),
    ("fb.me", "facebook", Class::Social),
    ("messenger.com", "messenger", Class::Social),
    ("m.me", "messenger", Class::Social),
    ("instagram.com", "instagram", Class::Social),
    ("threads.net", "threads", Class::Social),
    ("threads.com", "threads", Class::Social),
    ("twitter.com", "twitter", Class::Social),
    ("x.com", "twitter", Class::Social),
    ("t.co", "twitter", Class::Social),
    ("linkedin.com", "linkedin", Class::Social),
    ("lnkd.in", "linkedin", Class::Social),
    ("tiktok.com", "tiktok", Class::Social),
    ("pin.it", "pinterest", Class::Social),
    ("reddit.com", "reddit", Class::Social),
    ("redd.it", "reddit", Class::Social),
    ("quora.com", "quora", Class::Social),
    ("tumblr.com", "tumblr", Class::Social),
    ("vk.com", "vk", Class::Social),
    ("vk.ru", "vk", Class::Social),
    ("ok.ru", "ok", Class::Social),
    ("whatsapp.com", "whatsapp", Class::Social),
    ("wa.me", "whatsapp", Class::Social),
    ("telegram.org", "telegram", Class::Social),
    ("telegram.me", "telegram", Class::Social),
    ("t.me", "telegram", Class::Social),
    ("snapchat.com", "snapchat", Class::Social),
    ("discord.com", "discord", Class::Social),
    ("discord.gg", "discord", Class::Social),
    ("bsky.app", "bluesky", Class::Social),
    ("mastodon.social", "mastodon", Class::Social),
    ("weibo.com", "weibo", Class::Social),
    ("line.me", "line", Class::Social),
    ("xing.com", "xing", Class::Social),
    ("meetup.com", "meetup", Class::Social),
    ("flipboard.com", "flipboard", Class::Social),
    ("news.ycombinator.com", "hackernews", Class::Social),
    ("meneame.net", "meneame", Class::Social),
    ("linktr.ee", "linktree", Class::Social),
    // video
    ("youtube.com", "youtube", Class::Video),
    ("youtube-nocookie.com", "youtube", Class::Video),
    ("youtu.be", "youtube", Class::Video),
    ("vimeo.com", "vimeo", Class::Video),
    ("dailymotion.com", "dailymotion", Class::Video),
    ("twitch.tv", "twitch", Class::Video),
    ("rumble.com", "rumble", Class::Video),
    // mail on the web
    ("mail.google.com", "gmail", Class::Mail),
    ("inbox.google.com", "gmail", Class::Mail),
    ("outlook.com", "outlook", Class::Mail),
    ("outlook.live.com", "outlook", Class::Mail),
    ("outlook.office.com", "outlook", Class::Mail),
    ("outlook.office365.com", "outlook", Class::Mail),
    ("outlook.cloud.microsoft", "outlook", Class::Mail),
    ("mail.live.com", "outlook", Class::Mail),
    ("mail.proton.me", "proton", Class::Mail),
    ("mail.protonmail.com", "proton", Class::Mail),
    ("icloud.com", "icloud", Class::Mail),
    ("mail.zoho.com", "zoho", Class::Mail),
    ("mail.zoho.eu", "zoho", Class::Mail),
    ("e.mail.ru", "mail.ru", Class::Mail),
    ("gmx.net", "gmx", Class::Mail),
    ("gmx.es", "gmx", Class::Mail),
    ("gmx.com", "gmx", Class::Mail),
    ("fastmail.com", "fastmail", Class::Mail),
    // assistants
    ("chatgpt.com", "chatgpt.com", Class::Assistant),
    ("chat.openai.com", "chatgpt.com", Class::Assistant),
    ("perplexity.ai", "perplexity", Class::Assistant),
    ("gemini.google.com", "gemini", Class::Assistant),
    ("bard.google.com", "gemini", Class::Assistant),
    ("notebooklm.google.com", "notebooklm", Class::Assistant),
    ("aistudio.google.com", "gemini", Class::Assistant),
    ("copilot.microsoft.com", "copilot", Class::Assistant),
    ("copilot.com", "copilot", Class::Assistant),
    ("copilot.cloud.microsoft", "copilot", Class::Assistant),
    ("edgeservices.bing.com", "copilot", Class::Assistant),
    ("claude.ai", "claude", Class::Assistant),
    ("chat.mistral.ai", "mistral", Class::Assistant),
    ("deepseek.com", "deepseek", Class::Assistant),
    ("grok.com", "grok", Class::Assistant),
    ("meta.ai", "meta.ai", Class::Assistant),
    ("poe.com", "poe", Class::Assistant),
    ("you.com", "you.com", Class::Assistant),
    ("phind.com", "phind", Class::Assistant),
    ("pi.ai", "pi", Class::Assistant),
    ("duck.ai", "duck.ai", Class::Assistant),
    ("iask.ai", "iask", Class::Assistant),
    ("kimi.com", "kimi", Class::Assistant),
    ("doubao.com", "doubao", Class::Assistant),
    ("chat.qwen.ai", "qwen", Class::Assistant),
    ("lumo.proton.me", "lumo", Class::Assistant),
    // ad networks
    ("doubleclick.net", "google", Class::Display),
    ("googlesyndication.com", "google", Class::Display),
    ("googleadservices.com", "google", Class::Display),
    ("taboola.com", "taboola", Class::Display),
    ("outbrain.com", "outbrain", Class::Display),
    ("criteo.com", "criteo", Class::Display),
    ("criteo.net", "criteo", Class::Display),
    ("teads.tv", "teads", Class::Display),
    ("adnxs.com", "xandr", Class::Display),
    ("adform.net", "adform", Class::Display),
    // affiliate networks
    ("awin.com", "awin", Class::Affiliate),
    ("awin1.com", "awin", Class::Affiliate),
    ("tradedoubler.com", "tradedoubler", Class::Affiliate),
    ("tradetracker.net", "tradetracker", Class::Affiliate),
    ("anrdoezrs.net", "cj", Class::Affiliate),
    ("dpbolvw.net", "cj", Class::Affiliate),
    ("jdoqocy.com", "cj", Class::Affiliate),
    ("kqzyfj.com", "cj", Class::Affiliate),
    ("tkqlhce.com", "cj", Class::Affiliate),
    ("linksynergy.com", "rakuten", Class::Affiliate),
    ("shareasale.com", "shareasale", Class::Affiliate),
    ("sjv.io", "impact", Class::Affiliate),
    ("pxf.io", "impact", Class::Affiliate),
    // price comparison
    ("shopping.google.com", "google_shopping", Class::Shopping),
    ("ceneo.pl", "ceneo", Class::Shopping),
    ("billiger.de", "billiger", Class::Shopping),
];

/// Android apps by package.
pub(super) const APPS: &[(&str, &str, Class)] = &[
    ("com.google.android.googlequicksearchbox", "google", Class::Search),
    ("com.google.android.gm", "gmail", Class::Mail),
    ("com.google.android.gm.lite", "gmail", Class::Mail),
    ("com.microsoft.office.outlook", "outlook", Class::Mail),
    ("com.yahoo.mobile.client.android.mail", "yahoo", Class::Mail),
    ("com.samsung.android.email.provider", "samsung_email", Class::Mail),
    ("ch.protonmail.android", "proton", Class::Mail),
    ("com.facebook.katana", "facebook", Class::Social),
    ("com.facebook.lite", "facebook", Class::Social),
    ("com.facebook.orca", "messenger", Class::Social),
    ("com.instagram.android", "instagram", Class::Social),
    ("com.instagram.barcelona", "threads", Class::Social),
    ("com.twitter.android", "twitter", Class::Social),
    ("com.linkedin.android", "linkedin", Class::Social),
    ("com.zhiliaoapp.musically", "tiktok", Class::Social),
    ("com.ss.android.ugc.trill", "tiktok", Class::Social),
    ("com.pinterest", "pinterest", Class::Social),
    ("com.reddit.frontpage", "reddit", Class::Social),
    ("com.snapchat.android", "snapchat", Class::Social),
    ("com.whatsapp", "whatsapp", Class::Social),
    ("com.whatsapp.w4b", "whatsapp", Class::Social),
    ("org.telegram.messenger", "telegram", Class::Social),
    ("com.discord", "discord", Class::Social),
    ("xyz.blueskyweb.app", "bluesky", Class::Social),
    ("com.google.android.youtube", "youtube", Class::Video),
    ("tv.twitch.android.app", "twitch", Class::Video),
    ("com.openai.chatgpt", "chatgpt.com", Class::Assistant),
    ("ai.perplexity.app.android", "perplexity", Class::Assistant),
    ("com.google.android.apps.bard", "gemini", Class::Assistant),
    ("com.microsoft.copilot", "copilot", Class::Assistant),
    ("com.anthropic.claude", "claude", Class::Assistant),
    ("com.microsoft.bing", "bing", Class::Search),
    ("com.duckduckgo.mobile.android", "duckduckgo", Class::Search),
    ("com.ecosia.android", "ecosia", Class::Search),
];
