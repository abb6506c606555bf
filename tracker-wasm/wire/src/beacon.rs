//! The envelope around events, and the visitor's choice.
//!
//! What an event is, is the reader's choice ([`Beacon`]): the collector reads each one alone, so that a bad one harms
//! no neighbour, and the tracker writes them as they happen.

use serde::{Deserialize, Serialize};

/// How much the visitor lets be kept. The order is by how much: `Off < Anonymous < Full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is stored on the device; what reaches the collector is counted as withheld.
    Off,
    /// No visitor, cookie, storage or click id values; each page view stands alone.
    Anonymous,
    /// The visitor is recognised again.
    Full,
}

/// Where the mode came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Nobody chose: the site's default holds.
    #[default]
    Default,
    /// The browser speaks for the visitor: Global Privacy Control or Do Not Track.
    Signal,
    /// The visitor chose on this site.
    Explicit,
}

/// What a site does until the visitor chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentDefault {
    /// Hold in memory, store and send nothing. The default of a new site.
    #[default]
    Wait,
    /// As [`Mode::Off`].
    Off,
    /// As [`Mode::Anonymous`].
    Anonymous,
    /// As [`Mode::Full`].
    Full,
}

impl ConsentDefault {
    /// The mode that holds while nobody has chosen. Waiting is keeping nothing.
    #[must_use]
    pub fn mode(self) -> Mode {
        match self {
            Self::Wait | Self::Off => Mode::Off,
            Self::Anonymous => Mode::Anonymous,
            Self::Full => Mode::Full,
        }
    }
}

/// The mode that really holds, by the one order that both ends know: an explicit choice on this site, then the
/// browser's signal, then the site's default. A page may ask for less than the default gives, never for more.
///
/// `signal` is what this end sees itself: `navigator.globalPrivacyControl` on the page, the `Sec-GPC` and `DNT`
/// headers at the collector.
#[must_use]
pub fn effective_mode(asked: Option<Mode>, choice: Choice, signal: bool, default: ConsentDefault) -> Mode {
    match choice {
        Choice::Explicit => asked.unwrap_or(Mode::Off),
        Choice::Signal => Mode::Off,
        Choice::Default if signal => Mode::Off,
        Choice::Default => asked.map_or(default.mode(), |asked| asked.min(default.mode())),
    }
}

/// Which part of the tracker sent a beacon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The WebAssembly core.
    Wasm,
    /// The loader alone: the core was refused, or late.
    Fallback,
    /// The inline guard.
    Guard,
}

/// What the page says about its surroundings. In anonymous mode `screen` is a class (`small`, `medium`, `large`)
/// and `tz` is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Context {
    /// BCP 47 language of the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// Width and height in CSS pixels, `390x844`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// IANA time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
}

crate::object::objects!(Context);

/// A beacon. `E` is an event as its reader wants it: [`crate::event::Event`], or its text, to be read later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beacon<E> {
    /// The version of this contract; 0 where there is none.
    #[serde(default)]
    pub v: u32,
    /// The visitor that the page proposes; the cookie wins over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<String>,
    /// The page's clock when it sent, in ms since the epoch. Without it the events' own times stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<i64>,
    /// What the page believes the visitor allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Why it believes so.
    #[serde(default)]
    pub choice: Choice,
    /// Which part of the tracker speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
    /// The page's surroundings.
    #[serde(default)]
    pub context: Context,
    /// What happened.
    pub events: Vec<E>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explicit_choice_beats_the_signal_and_the_default() {
        for default in [ConsentDefault::Wait, ConsentDefault::Off, ConsentDefault::Full] {
            for signal in [false, true] {
                let mode = effective_mode(Some(Mode::Full), Choice::Explicit, signal, default);
                assert_eq!(mode, Mode::Full);
                assert_eq!(effective_mode(Some(Mode::Off), Choice::Explicit, signal, default), Mode::Off);
            }
        }
        assert_eq!(effective_mode(None, Choice::Explicit, false, ConsentDefault::Full), Mode::Off);
    }

    #[test]
    fn the_signal_beats_the_default() {
        assert_eq!(effective_mode(Some(Mode::Full), Choice::Default, true, ConsentDefault::Full), Mode::Off);
        assert_eq!(effective_mode(Some(Mode::Full), Choice::Signal, false, ConsentDefault::Full), Mode::Off);
    }

    #[test]
    fn nobody_asks_for_more_than_the_default_gives() {
        let ask = |mode, default| effective_mode(mode, Choice::Default, false, default);
        assert_eq!(ask(Some(Mode::Full), ConsentDefault::Wait), Mode::Off);
        assert_eq!(ask(Some(Mode::Full), ConsentDefault::Anonymous), Mode::Anonymous);
        assert_eq!(ask(Some(Mode::Anonymous), ConsentDefault::Full), Mode::Anonymous);
        assert_eq!(ask(None, ConsentDefault::Full), Mode::Full);
    }
}
