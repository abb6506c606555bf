//! What the visitor's choice makes of an event.

use wire::beacon::{Choice, ConsentDefault, Mode, effective_mode};

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is forgotten.
    Drop,
    /// It waits in memory until the visitor has chosen; nothing is stored or sent.
    Hold,
    /// It travels under this mode. Under [`Mode::Off`] only a submitted lead does, alone: it is the visitor's own
    /// request.
    Keep(Mode),
}

impl Verdict {
    /// As the loader reads it: 0 drop, 1 hold, and 2 off, 3 anonymous, 4 full.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Drop => 0,
            Self::Hold => 1,
            Self::Keep(Mode::Off) => 2,
            Self::Keep(Mode::Anonymous) => 3,
            Self::Keep(Mode::Full) => 4,
        }
    }
}

/// The choice as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Consent {
    default: ConsentDefault,
    signal: bool,
    word: Option<Mode>,
}

impl Consent {
    /// Nobody has chosen yet.
    #[must_use]
    pub const fn new(default: ConsentDefault, signal: bool) -> Self {
        Self { default, signal, word: None }
    }

    /// The visitor has.
    pub fn say(&mut self, word: Mode) {
        self.word = Some(word);
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

    /// What becomes of an event, which may be a submitted lead.
    #[must_use]
    pub fn judge(self, lead: bool) -> Verdict {
        match self.mode() {
            Mode::Off if lead => Verdict::Keep(Mode::Off),
            Mode::Off if self.choice() == Choice::Default && self.default == ConsentDefault::Wait => {
                Verdict::Hold
            }
            Mode::Off => Verdict::Drop,
            mode => Verdict::Keep(mode),
        }
    }
}

/// A mode by its number: 0 off, 1 anonymous, 2 full. Any other is the least.
#[must_use]
pub fn mode(number: i32) -> Mode {
    match number {
        2 => Mode::Full,
        1 => Mode::Anonymous,
        _ => Mode::Off,
    }
}

/// What holds until the visitor chooses, by the same numbers. Any other waits.
#[must_use]
pub fn default(number: i32) -> ConsentDefault {
    match number {
        2 => ConsentDefault::Full,
        1 => ConsentDefault::Anonymous,
        0 => ConsentDefault::Off,
        _ => ConsentDefault::Wait,
    }
}
