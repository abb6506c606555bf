//! The visitor's choice: what holds, and what of it is remembered on the device.

use wire::beacon::{Choice, ConsentDefault, Mode, effective_mode};

use crate::host::Host;

/// Where the visitor's word is kept.
pub const KEY: &str = "tz_c";

/// The choice as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Consent {
    default: ConsentDefault,
    signal: bool,
    word: Option<Mode>,
}

impl Consent {
    /// The choice at the start of a page.
    #[must_use]
    pub fn new(default: ConsentDefault, signal: bool, word: Option<Mode>) -> Self {
        Self { default, signal, word }
    }

    /// The mode in force.
    #[must_use]
    pub fn mode(self) -> Mode {
        effective_mode(self.word, self.choice(), self.signal, self.default)
    }

    /// Why it is in force.
    #[must_use]
    pub fn choice(self) -> Choice {
        match self.word {
            Some(_) => Choice::Explicit,
            None if self.signal => Choice::Signal,
            None => Choice::Default,
        }
    }

    /// True while the site waits for the visitor: events are held in memory, nothing is stored or sent.
    #[must_use]
    pub fn waits(self) -> bool {
        self.choice() == Choice::Default && self.default == ConsentDefault::Wait
    }

    /// Takes the visitor's word. `full` is remembered; a smaller one only where the site's default would otherwise
    /// keep more at the next page, so that a refusal leaves as little behind as can be.
    pub fn say(&mut self, word: Mode, host: &Host) {
        self.word = Some(word);
        let remember = word == Mode::Full || self.default.mode() > word;
        host.keep(KEY, remember.then_some(name(word)));
        self.tell(host);
    }

    /// Keeps the loader's copy in step.
    pub fn tell(self, host: &Host) {
        host.set_mode(if self.waits() { "wait" } else { name(self.mode()) });
        host.set_choice(match self.choice() {
            Choice::Default => "default",
            Choice::Signal => "signal",
            Choice::Explicit => "explicit",
        });
    }
}

/// A mode's name on the wire.
#[must_use]
pub fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "off",
        Mode::Anonymous => "anonymous",
        Mode::Full => "full",
    }
}

/// The mode of a name.
#[must_use]
pub fn parse(name: &str) -> Option<Mode> {
    [Mode::Off, Mode::Anonymous, Mode::Full].into_iter().find(|mode| self::name(*mode) == name)
}
