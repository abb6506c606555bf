//! The visitor's choice, at the collector's end.

use wire::{
    beacon::{Choice, ConsentDefault, Mode},
    event::Kind,
};

use crate::domain::{
    event::{Detail, Event},
    fact::Context,
};

/// What is to become of a valid event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// It is kept.
    Keep,
    /// It is counted by this reason, and nothing else of it remains.
    Withhold(&'static str),
}

/// Rules on an event under the mode that holds. A lead form that the visitor sends is their own request: under
/// `off` it passes, alone.
#[must_use]
pub fn rule(
    mode: Mode,
    choice: Choice,
    signal: bool,
    default: ConsentDefault,
    kind: Kind,
    lead: bool,
) -> Ruling {
    match mode {
        Mode::Full => Ruling::Keep,
        // It would tie the page view to a person.
        Mode::Anonymous if kind == Kind::Identify => Ruling::Withhold("anonymous"),
        Mode::Anonymous => Ruling::Keep,
        Mode::Off if lead => Ruling::Keep,
        Mode::Off => Ruling::Withhold(match choice {
            Choice::Explicit => "off",
            Choice::Signal => "signal",
            Choice::Default if signal => "signal",
            Choice::Default if default == ConsentDefault::Wait => "no_choice",
            Choice::Default => "off",
        }),
    }
}

/// Takes out of an event what the mode does not allow. (URLs were reduced by `wire::redact` already.)
pub fn reduce_event(mode: Mode, event: &mut Event) {
    if mode == Mode::Full {
        return;
    }
    // The reference ties a chat to its page view, and so its writer to everything on it.
    if let Detail::ChatClick { chat_ref, .. } = &mut event.detail {
        *chat_ref = None;
    }
}

/// What of a page's surroundings may be kept. Returns whether something had to go that an honest page would not
/// have sent.
pub fn reduce_context(mode: Mode, context: &mut Context) -> bool {
    match mode {
        Mode::Full => false,
        Mode::Off => {
            let reduced = *context != Context::default();
            *context = Context::default();
            reduced
        }
        Mode::Anonymous => {
            let time_zone = context.tz.take().is_some();
            let class = context.screen.as_deref().map(screen_class);
            let precise = class.is_some() && class != context.screen.as_deref();
            context.screen = class.map(str::to_owned);
            time_zone || precise
        }
    }
}

/// `small` up to 767 CSS pixels wide, `medium` up to 1199, `large` from there on.
fn screen_class(screen: &str) -> &'static str {
    match screen {
        "small" => return "small",
        "medium" => return "medium",
        _ => {}
    }
    let width = screen.split('x').next().and_then(|width| width.parse::<u32>().ok());
    match width {
        Some(0..=767) => "small",
        Some(768..=1199) => "medium",
        _ => "large",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_off_only_a_lead_passes() {
        let ruling = |choice, signal, default, lead| {
            rule(
                Mode::Off,
                choice,
                signal,
                default,
                if lead { Kind::FormSubmit } else { Kind::PageView },
                lead,
            )
        };
        assert_eq!(ruling(Choice::Explicit, false, ConsentDefault::Full, true), Ruling::Keep);
        assert_eq!(ruling(Choice::Explicit, true, ConsentDefault::Full, false), Ruling::Withhold("off"));
        assert_eq!(ruling(Choice::Signal, false, ConsentDefault::Full, false), Ruling::Withhold("signal"));
        assert_eq!(ruling(Choice::Default, true, ConsentDefault::Full, false), Ruling::Withhold("signal"));
        assert_eq!(
            ruling(Choice::Default, false, ConsentDefault::Wait, false),
            Ruling::Withhold("no_choice")
        );
        assert_eq!(ruling(Choice::Default, false, ConsentDefault::Off, false), Ruling::Withhold("off"));
    }

    #[test]
    fn anonymous_keeps_language_and_a_screen_class() {
        let mut context = Context {
            lang: Some("es-MX".to_owned()),
            screen: Some("390x844".to_owned()),
            tz: Some("America/Mexico_City".to_owned()),
        };
        assert!(reduce_context(Mode::Anonymous, &mut context));
        let reduced = Context { lang: Some("es-MX".to_owned()), screen: Some("small".to_owned()), tz: None };
        assert_eq!(context, reduced);
        assert!(!reduce_context(Mode::Anonymous, &mut context));
        assert_eq!(context, reduced);
        assert!(reduce_context(Mode::Off, &mut context));
        assert_eq!(context, Context::default());
    }
}
