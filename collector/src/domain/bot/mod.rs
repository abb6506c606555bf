//! Whether somebody is a program, by what it says of itself.
//!
//! A verdict is derived from the stored user agent, again and again, and names the rule that matched. Nothing is
//! dropped for it: reports leave flagged arrivals out until told otherwise, and say what they left out.
//!
//! The crawlers are those of the npm package `crawler-user-agents` (MIT), as the committed table `crawlers.txt`, which
//! `.ci/crawlers` makes. A browser that sends no user agent is not flagged: imported history has none.

use std::{borrow::Cow, collections::HashMap, sync::LazyLock};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::RegexSet;

use super::fact::Arrival;

/// Changes whenever the same user agent may get another verdict: what was counted by the one before is counted anew.
pub const VERSION: u32 = 1;

/// The rule of arrivals from pages that are not the site's: kept apart as programs are.
pub const FOREIGN_ORIGIN: &str = "foreign_origin";

/// The rule of arrivals from networks of data centres, by the operator's list. A hint: people browse from there, too,
/// through networks of companies and the like.
pub const DATACENTRE: &str = "datacentre";

/// Browsers that are driven by a program, beyond what the table of crawlers knows.
const HEADLESS: &[&str] =
    &["HeadlessChrome", "PhantomJS", "Puppeteer", "Playwright", "Selenium", "SlimerJS", "jsdom"];

const TABLE: &str = include_str!("crawlers.txt");

struct Crawlers {
    texts: Option<AhoCorasick>,
    text_names: Vec<&'static str>,
    patterns: RegexSet,
    pattern_names: Vec<&'static str>,
}

static CRAWLERS: LazyLock<Crawlers> = LazyLock::new(|| {
    let of = |sign: char| TABLE.lines().filter_map(|line| line.strip_prefix(sign)).collect::<Vec<_>>();
    let (text_names, pattern_names) = (of('='), of('~'));
    Crawlers {
        texts: AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&text_names).ok(),
        patterns: RegexSet::new(&pattern_names).unwrap_or_else(|_| RegexSet::empty()),
        text_names,
        pattern_names,
    }
});

/// The rule by which a user agent is a program's: `headless:…`, or `crawler:…` with what the table calls it; `None`
/// where it looks like a person's browser.
#[must_use]
pub fn rule(user_agent: &str) -> Option<Cow<'static, str>> {
    if let Some(name) = HEADLESS.iter().find(|name| user_agent.contains(*name)) {
        return Some(Cow::Owned(format!("headless:{name}")));
    }
    let crawlers = &*CRAWLERS;
    let text = crawlers.texts.as_ref().and_then(|texts| texts.find(user_agent));
    let name = text.and_then(|found| crawlers.text_names.get(found.pattern().as_usize()));
    let name = name.or_else(|| {
        let found = crawlers.patterns.matches(user_agent).into_iter().next()?;
        crawlers.pattern_names.get(found)
    });
    name.map(|name| Cow::Owned(format!("crawler:{name}")))
}

/// Verdicts that were given before: many arrivals share few user agents.
#[derive(Debug, Default)]
pub struct Verdicts {
    known: HashMap<String, Option<Cow<'static, str>>>,
}

impl Verdicts {
    /// Beyond this many user agents the memory starts over: anybody can make up new ones.
    const MOST: usize = 4096;

    /// The rule that flags an arrival; `None` where it counts as people's.
    pub fn of(&mut self, arrival: &Arrival) -> Option<Cow<'static, str>> {
        if arrival.foreign_origin {
            return Some(Cow::Borrowed(FOREIGN_ORIGIN));
        }
        self.of_client(arrival.user_agent.as_deref(), arrival.datacentre)
    }

    /// The rule that flags whoever sends this user agent, from a network of a data centre or not.
    pub fn of_client(&mut self, user_agent: Option<&str>, datacentre: bool) -> Option<Cow<'static, str>> {
        let by_user_agent = user_agent.and_then(|agent| self.of_user_agent(agent));
        by_user_agent.or(datacentre.then_some(Cow::Borrowed(DATACENTRE)))
    }

    fn of_user_agent(&mut self, user_agent: &str) -> Option<Cow<'static, str>> {
        if let Some(verdict) = self.known.get(user_agent) {
            return verdict.clone();
        }
        if self.known.len() >= Self::MOST {
            self.known.clear();
        }
        let verdict = rule(user_agent);
        self.known.insert(user_agent.to_owned(), verdict.clone());
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/131.0.0.0 Safari/537.36";

    #[test]
    fn the_whole_table_is_read() {
        assert_eq!(CRAWLERS.patterns.len(), CRAWLERS.pattern_names.len());
        let texts = CRAWLERS.texts.as_ref().unwrap();
        assert_eq!(texts.patterns_len(), CRAWLERS.text_names.len());
        assert!(texts.patterns_len() > 1_000 && CRAWLERS.patterns.len() > 20);
        assert!(TABLE.contains("MIT License") && TABLE.contains("crawler-user-agents "));
    }

    #[test]
    fn programs_are_flagged_by_the_rule_that_matched() {
        let cases = [
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                "crawler:Googlebot/",
            ),
            ("curl/8.5.0", "crawler:^curl"),
            ("Wget/1.21", "crawler:[wW]get"),
            (
                "Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/131.0.0.0 Safari/537.36",
                "headless:HeadlessChrome",
            ),
        ];
        for (user_agent, expected) in cases {
            assert_eq!(rule(user_agent).as_deref(), Some(expected), "{user_agent}");
        }
    }

    #[test]
    fn peoples_browsers_are_not() {
        let browsers = [
            CHROME,
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
             Version/18.1 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
            "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/26.0 \
             Chrome/122.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
             Mobile/15E148 [FBAN/FBIOS;FBAV/480.0.0.41.108;FBBV/640000000;FBDV/iPhone15,2]",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
             Safari/537.36 Edg/131.0.0.0",
            "Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 \
             Mobile Safari/537.36",
            "",
        ];
        for user_agent in browsers {
            assert_eq!(rule(user_agent), None, "{user_agent}");
        }
    }

    #[test]
    fn the_memory_is_bounded_and_says_the_same() {
        let mut verdicts = Verdicts::default();
        for n in 0..2 * Verdicts::MOST {
            assert_eq!(verdicts.of_user_agent(&format!("{CHROME} x{n}")), None);
            assert!(verdicts.known.len() <= Verdicts::MOST);
        }
        assert_eq!(verdicts.of_user_agent("curl/8").as_deref(), Some("crawler:^curl"));
        assert_eq!(verdicts.of_user_agent("curl/8").as_deref(), Some("crawler:^curl"));
    }
}
