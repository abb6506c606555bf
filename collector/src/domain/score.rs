//! What a lead's doings are worth: points for each kind of them, with caps and decay.
//!
//! What somebody did is noted by rule, when it is derived ([`Mark`]); what it is worth is told when somebody asks, because that
//! changes with time. A rule counts its latest marks, at most as many as its cap has room for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    activity::ActivityKind,
    channel::rules::glob,
    event::{Detail, LeadKind},
    record::{Record, Told},
    visit::{Entry, Timeline},
};

/// Rules that a site has at most.
pub const MOST_RULES: usize = 50;
/// Points that one rule gives or takes at most, each time and in all.
pub const MOST_POINTS: i32 = 1_000;
/// Groups that a site has at most.
pub const MOST_GROUPS: usize = 8;
/// Marks of one rule that are kept at most.
const MOST_MARKS: usize = 20;
const MINUTE_MS: i64 = 60_000;

/// What points are given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// A page was viewed.
    PageView,
    /// A visit began.
    Visit,
    /// A call to action was followed.
    CtaClick,
    /// Somebody began to fill in a form.
    FormStart,
    /// A file was fetched.
    Download,
    /// A telephone number was tapped.
    CallClick,
    /// A chat was opened.
    ChatClick,
    /// Something of the site's own.
    Custom,
    /// A link in a message was followed. That a message was opened is nobody's doing for certain, and gives nothing.
    EmailClicked,
    /// Somebody was at a webinar.
    WebinarAttended,
    /// The lead itself.
    Lead,
}

/// Points for one kind of doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, as the score explains itself by.
    pub id: String,
    /// What they are given for.
    pub on: On,
    /// Of page views: paths, `*` for any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Of calls to action, files, forms and the site's own: names, `*` for any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of leads: how they came to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<LeadKind>,
    /// How many each time; negative takes away.
    pub points: i32,
    /// How many in all, at most; once, unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<i32>,
    /// After so many hours they are worth half; for ever the same, unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_life_h: Option<u32>,
    /// The group that it shares a cap with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl Rule {
    fn cap(&self) -> i32 {
        self.cap.unwrap_or(self.points.abs())
    }

    /// Marks of it that can count.
    fn most(&self) -> usize {
        let times = self.cap().saturating_add(self.points.abs() - 1) / self.points.abs().max(1);
        usize::try_from(times).unwrap_or(0).clamp(1, MOST_MARKS)
    }

    /// Whether an event is what it gives points for.
    fn is_earned_by(&self, detail: &Detail) -> bool {
        let named = |name: &str| self.name.as_deref().is_none_or(|pattern| glob(pattern, name));
        match (self.on, detail) {
            (On::PageView, Detail::PageView { url, .. }) => {
                self.path.as_deref().is_none_or(|pattern| glob(pattern, path(url)))
            }
            (On::CtaClick, Detail::CtaClick(cta)) => named(&cta.cta),
            (On::FormStart, Detail::FormStart(form)) => named(&form.form),
            (On::Download, Detail::Download(file)) => {
                named(file.asset.as_deref().unwrap_or_else(|| path(&file.href)))
            }
            (On::CallClick, Detail::CallClick { .. }) | (On::ChatClick, Detail::ChatClick { .. }) => true,
            (On::Custom, Detail::Custom { name, .. }) => named(name),
            _ => false,
        }
    }
}

/// The path of an address.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.find('/').map_or("/", |start| rest.get(start..).unwrap_or("/"));
    rest.split(['?', '#']).next().unwrap_or("/")
}

/// A site's rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    /// In order: where a cap cuts, what comes later is cut first.
    pub rules: Vec<Rule>,
    /// How many points the rules of a group give together, at most.
    #[serde(default)]
    pub groups: BTreeMap<String, i32>,
    /// How many there are in all, at most.
    #[serde(default = "Scoring::usual_cap")]
    pub cap: i32,
}

impl Default for Scoring {
    /// A small beginning: how the lead asks, what it came for, how often it came.
    fn default() -> Self {
        let rule =
            |id: &str, on: On, points: i32, cap: i32, half_life_h: Option<u32>, group: Option<&str>| Rule {
                id: id.to_owned(),
                on,
                path: None,
                name: None,
                kind: None,
                points,
                cap: Some(cap),
                half_life_h,
                group: group.map(str::to_owned),
            };
        let lead = |id: &str, kind: LeadKind, points: i32| Rule {
            kind: Some(kind),
            ..rule(id, On::Lead, points, points, None, None)
        };
        let (week, interest) = (Some(168), Some("interest"));
        Self {
            rules: vec![
                lead("call", LeadKind::Call, 25),
                lead("callback", LeadKind::Callback, 20),
                lead("whatsapp", LeadKind::Whatsapp, 15),
                lead("form", LeadKind::Form, 10),
                rule("call_click", On::CallClick, 10, 10, Some(72), None),
                rule("chat_click", On::ChatClick, 8, 8, Some(72), None),
                rule("download", On::Download, 5, 10, week, None),
                rule("email_clicked", On::EmailClicked, 5, 10, week, None),
                rule("form_start", On::FormStart, 4, 4, week, interest),
                rule("cta_click", On::CtaClick, 3, 9, week, interest),
                rule("visit", On::Visit, 3, 15, week, interest),
                rule("page_view", On::PageView, 1, 8, week, interest),
            ],
            groups: [("interest".to_owned(), 25)].into(),
            cap: Self::usual_cap(),
        }
    }
}

/// Somebody did what a rule gives points for: the rule's place, and when, in minutes since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mark(pub u16, pub u32);

impl Mark {
    fn new(rule: usize, at: i64) -> Self {
        Self(u16::try_from(rule).unwrap_or(u16::MAX), u32::try_from(at.div_euclid(MINUTE_MS)).unwrap_or(0))
    }
}

/// What a rule comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Which rule.
    pub rule: &'a Rule,
    /// How often it counts.
    pub times: usize,
    /// The last time, ms since the epoch, to the minute.
    pub last_at: i64,
    /// What is left of it now.
    pub points: i32,
    /// Whether a cap took some of it.
    pub is_cut: bool,
}

/// A score that explains itself: it is the sum of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score<'a> {
    /// The sum.
    pub points: i32,
    /// By the order of the rules; those that come to nothing are left out, unless a cap took all of them.
    pub parts: Vec<Part<'a>>,
}

impl Scoring {
    fn usual_cap() -> i32 {
        100
    }

    /// What somebody did on a page, as the rules see it: each event of a timeline with what it is a mark of.
    pub fn marks_of<'t>(
        &'t self,
        timeline: &'t Timeline<'_>,
    ) -> impl Iterator<Item = (&'t Entry<'t>, Mark)> + 't {
        let mut visits = 0;
        timeline.entries.iter().flat_map(move |entry| {
            // What a page view says late is of its visit, and begins none.
            let begins = entry.visit >= visits;
            visits = visits.max(entry.visit + 1);
            let event = entry.seen.event;
            let earned =
                move |rule: &Rule| rule.is_earned_by(&event.detail) || (begins && rule.on == On::Visit);
            let rules = self.rules.iter().enumerate().filter(move |(_, rule)| earned(rule));
            rules.map(move |(index, _)| (entry, Mark::new(index, event.at)))
        })
    }

    /// What a lead is a mark of itself, and what others tell of it.
    #[must_use]
    pub fn marks_of_lead(&self, kind: LeadKind, created_at: i64, told: &[Told<'_>]) -> Vec<Mark> {
        let mut marks = Vec::new();
        for (index, rule) in self.rules.iter().enumerate() {
            let is_it = rule.kind.is_none_or(|wanted| wanted == kind);
            if rule.on == On::Lead && is_it {
                marks.push(Mark::new(index, created_at));
            }
            let wanted = match rule.on {
                On::EmailClicked => ActivityKind::EmailClicked,
                On::WebinarAttended => ActivityKind::WebinarAttended,
                _ => continue,
            };
            for told in told.iter().filter(|told| !told.amended) {
                if let Record::Activity(activity) = told.record
                    && activity.kind == wanted
                {
                    marks.push(Mark::new(index, activity.at));
                }
            }
        }
        self.kept(marks)
    }

    /// Whether a mark says what a lead is itself, and nothing of whoever left it.
    #[must_use]
    pub fn is_of_one_lead(&self, mark: Mark) -> bool {
        self.rules.get(usize::from(mark.0)).is_some_and(|rule| rule.on == On::Lead)
    }

    /// Of some marks those that can count, in order: of each rule the latest.
    #[must_use]
    pub fn kept(&self, mut marks: Vec<Mark>) -> Vec<Mark> {
        marks.sort_unstable_by_key(|Mark(rule, at)| (*rule, std::cmp::Reverse(*at)));
        let mut of_rule = (0, 0);
        marks.retain(|Mark(rule, _)| {
            of_rule = if of_rule.0 == *rule { (*rule, of_rule.1 + 1) } else { (*rule, 1) };
            self.rules.get(usize::from(*rule)).is_some_and(|rule| of_rule.1 <= rule.most())
        });
        marks
    }

    /// What marks come to at a moment.
    #[must_use]
    pub fn score(&self, marks: &[Mark], now: i64) -> Score<'_> {
        let mut parts = Vec::new();
        Scorer::new(self, now).each(marks, |rule, times, last_at, points, is_cut| {
            if points != 0 || is_cut {
                parts.push(Part { rule, times, last_at, points, is_cut });
            }
        });
        Score { points: parts.iter().map(|part| part.points).sum(), parts }
    }
}

/// What marks come to at a moment. Each rule's points are rounded to whole ones after their decay; then the caps cut, the
/// rule's, its group's and the one of all, in the order of the rules.
///
/// All that wait are scored together: what is the same for each is worked out once, and nothing is allocated for any.
#[derive(Debug)]
pub struct Scorer<'a> {
    now: i64,
    cap: i32,
    rules: Vec<Counted<'a>>,
    group_caps: Vec<i32>,
}

/// A rule as it is counted.
#[derive(Debug)]
struct Counted<'a> {
    rule: &'a Rule,
    cap: i32,
    /// Which of the groups it shares a cap with.
    group: Option<usize>,
    /// When the mark was that was counted last, and what it is worth: those of neighbours are often of the same minute.
    last: Option<(u32, f64)>,
}

impl Counted<'_> {
    fn worth(&mut self, minute: u32, now: i64) -> f64 {
        if let Some((of, worth)) = self.last
            && of == minute
        {
            return worth;
        }
        let age_h = (now - i64::from(minute) * MINUTE_MS).max(0) as f64 / (60 * MINUTE_MS) as f64;
        let left = self.rule.half_life_h.map_or(1.0, |half| (-age_h / f64::from(half.max(1))).exp2());
        let worth = f64::from(self.rule.points) * left;
        self.last = Some((minute, worth));
        worth
    }
}

impl<'a> Scorer<'a> {
    /// By a site's rules, at a moment.
    #[must_use]
    pub fn new(scoring: &'a Scoring, now: i64) -> Self {
        let group_of = |name: &String| scoring.groups.keys().position(|group| group == name);
        let counted = |rule: &'a Rule| Counted {
            rule,
            cap: rule.cap(),
            group: rule.group.as_ref().and_then(group_of),
            last: None,
        };
        let rules = scoring.rules.iter().map(counted).collect();
        Self { now, cap: scoring.cap, rules, group_caps: scoring.groups.values().copied().collect() }
    }

    /// The sum.
    pub fn points(&mut self, marks: &[Mark]) -> i32 {
        let mut sum = 0;
        self.each(marks, |_, _, _, points, _| sum += points);
        sum
    }

    fn each(&mut self, marks: &[Mark], mut part: impl FnMut(&'a Rule, usize, i64, i32, bool)) {
        let (mut all, mut groups) = (0, [0; MOST_GROUPS]);
        for of_rule in marks.chunk_by(|a, b| a.0 == b.0) {
            let Some(latest) = of_rule.first() else { continue };
            let Some(counted) = self.rules.get_mut(usize::from(latest.0)) else { continue };
            let raw = rounded(of_rule.iter().map(|mark| counted.worth(mark.1, self.now)).sum());
            let mut points = raw.clamp(-counted.cap, counted.cap).min((self.cap - all).max(0));
            if let Some(group) = counted.group
                && let (Some(cap), Some(sum)) = (self.group_caps.get(group), groups.get_mut(group))
            {
                points = points.min((cap - *sum).max(0));
                *sum += points;
            }
            all += points;
            part(counted.rule, of_rule.len(), i64::from(latest.1) * MINUTE_MS, points, points < raw);
        }
    }
}

/// To the nearest whole number, away from zero where two are as near: a cast cuts, and needs no call.
#[expect(clippy::cast_possible_truncation, reason = "at most 20 times 1,000")]
fn rounded(points: f64) -> i32 {
    (points + 0.5_f64.copysign(points)) as i32
}

#[cfg(test)]
mod tests;
