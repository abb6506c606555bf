//! Browser, operating system and kind of device, by what the browser says of itself.
//!
//! A short table of our own: the libraries that do this ship megabytes of model names or are kept up no more, and a
//! lead's story needs no more than "Safari on an iPhone".

/// What somebody browses with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Device {
    /// The browser, or the app that a page was opened in.
    pub browser: &'static str,
    /// The operating system.
    pub os: &'static str,
    /// What kind of thing it is.
    pub class: Class,
}

/// A kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named for what they are")]
pub enum Class {
    Mobile,
    Tablet,
    Desktop,
    Tv,
    Unknown,
}

impl Class {
    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Desktop => "desktop",
            Self::Tv => "tv",
            Self::Unknown => "unknown",
        }
    }
}

/// Marks of browsers. Most browsers claim to be several others too: the first mark that is there counts.
const BROWSERS: &[(&str, &str)] = &[
    ("Instagram", "Instagram"),
    ("FBAN/", "Facebook"),
    ("FBAV/", "Facebook"),
    ("BytedanceWebview", "TikTok"),
    ("musical_ly", "TikTok"),
    ("LinkedInApp", "LinkedIn"),
    ("Snapchat/", "Snapchat"),
    ("Pinterest/", "Pinterest"),
    ("GSA/", "Google app"),
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("Opera", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex"),
    ("Vivaldi/", "Vivaldi"),
    ("UCBrowser/", "UC Browser"),
    ("MiuiBrowser/", "Mi Browser"),
    ("HuaweiBrowser/", "Huawei Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Silk/", "Silk"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "Internet Explorer"),
    ("Trident/", "Internet Explorer"),
    ("Safari/", "Safari"),
    ("AppleWebKit/", "WebKit"),
];

/// Marks of operating systems, the narrower first.
const SYSTEMS: &[(&str, &str)] = &[
    ("Windows Phone", "Windows Phone"),
    ("Windows", "Windows"),
    ("iPhone", "iOS"),
    ("iPod", "iOS"),
    ("iPad", "iPadOS"),
    ("Tizen", "Tizen"),
    ("Web0S", "webOS"),
    ("Android", "Android"),
    ("HarmonyOS", "HarmonyOS"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

const UNKNOWN: &str = "unknown";

fn first(marks: &[(&str, &'static str)], user_agent: &str) -> &'static str {
    marks.iter().find(|(mark, _)| user_agent.contains(mark)).map_or(UNKNOWN, |(_, name)| name)
}

/// What a user agent says. An iPad that asks for desktop pages says that it is a Mac, and is believed.
#[must_use]
pub fn of(user_agent: &str) -> Device {
    let os = first(SYSTEMS, user_agent);
    let has = |mark: &str| user_agent.contains(mark);
    let class = if ["SMART-TV", "SmartTV", "Web0S", "AppleTV", "BRAVIA", "AFTT", "AFTM"].into_iter().any(has)
    {
        Class::Tv
    } else {
        match os {
            "iPadOS" => Class::Tablet,
            "iOS" | "Windows Phone" => Class::Mobile,
            // Android's convention: a phone's browser says Mobile, a tablet's does not.
            "Android" | "HarmonyOS" if has("Mobile") => Class::Mobile,
            "Android" | "HarmonyOS" => Class::Tablet,
            "Windows" | "macOS" | "Linux" | "ChromeOS" => Class::Desktop,
            _ if has("Mobile") => Class::Mobile,
            _ => Class::Unknown,
        }
    };
    Device { browser: first(BROWSERS, user_agent), os, class }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_browse_with_is_named() {
        let cases = [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.1 Mobile/15E148 Safari/604.1",
                ("Safari", "iOS", Class::Mobile),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
                 Safari/537.36 Edg/131.0.0.0",
                ("Edge", "Windows", Class::Desktop),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) \
                 SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
                ("Samsung Internet", "Android", Class::Mobile),
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
                 Safari/537.36",
                ("Chrome", "Android", Class::Tablet),
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
                ("Chrome", "iPadOS", Class::Tablet),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0",
                ("Firefox", "macOS", Class::Desktop),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Mobile/15E148 Instagram 340.0.0.20.74",
                ("Instagram", "iOS", Class::Mobile),
            ),
            ("Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36", ("WebKit", "Tizen", Class::Tv)),
            ("curl/8.5.0", ("unknown", "unknown", Class::Unknown)),
            ("", ("unknown", "unknown", Class::Unknown)),
        ];
        for (user_agent, (browser, os, class)) in cases {
            assert_eq!(of(user_agent), Device { browser, os, class }, "{user_agent}");
        }
    }
}
