//! Which fields a kind has, and what is done to each: the contract's table of kinds.

use crate::event::{Event, Kind};

/// What is done to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treat {
    /// Redacted as a URL, cut.
    Url,
    /// Cleaned, redacted, cut.
    Title,
    /// Cleaned, redacted, cut shorter.
    Text,
    /// A file's name: cleaned, redacted as a URL's path is, cut.
    File,
    /// Cleaned, never redacted, rejected where it is too long.
    Name,
    /// Checked, never changed.
    Id,
}

/// A set of fields, one bit each.
pub(super) type Fields = u64;

macro_rules! fields {
    ($($constant:ident $place:literal $field:ident $treat:ident,)*; $($other:ident $other_place:literal,)*) => {
        $(const $constant: Fields = 1 << $place;)*
        $(pub(super) const $other: Fields = 1 << $other_place;)*

        /// The texts of an event, each with its bit.
        pub(super) fn texts(event: &mut Event) -> [(Fields, &'static str, Treat, &mut Option<String>); 24] {
            [$(($constant, stringify!($field), Treat::$treat, &mut event.$field)),*]
        }
    };
}

fields! {
    URL 0 url Url,
    TITLE 1 title Title,
    REFERRER 2 referrer Url,
    TARGET 3 target Name,
    TEXT 4 text Text,
    HREF 5 href Url,
    CTA 6 cta Name,
    NUMBER 7 number Name,
    APP 8 app Name,
    TO 9 to Name,
    REF 10 chat_ref Name,
    ASSET 11 asset File,
    FORM 12 form Name,
    FIELD 13 field Name,
    SUBMIT 14 submit Id,
    ORDER 15 order_id Name,
    CURRENCY 16 currency Name,
    NAME 17 name Name,
    EMAIL 18 email Name,
    PHONE 19 phone Name,
    USER 20 user_id Name,
    MODE 21 mode Name,
    VERSION 22 text_version Name,
    CODE 23 code Name,
    ;
    ENGAGED 24,
    SCROLL 25,
    FILLED 26,
    LEAD 27,
    INFERRED 28,
    AMOUNT 29,
    ITEMS 30,
    PROPS 31,
    PURPOSES 32,
    COUNT 33,
}

/// The reference in a prefilled chat text: it recognises a visitor.
pub(super) const CHAT_REF: Fields = REF;

/// The fields that a kind needs, and those that it may have beside them. What a click on a link may have, it may also
/// have as a call to action.
pub(super) fn shape(kind: Kind) -> (Fields, Fields) {
    match kind {
        Kind::PageView => (URL, TITLE | REFERRER),
        Kind::PageLeave => (ENGAGED | SCROLL, TITLE),
        // It needs one of the first two.
        Kind::Click => (0, TARGET | HREF | TEXT),
        Kind::CtaView | Kind::CtaClick => (CTA, HREF),
        Kind::CallClick => (NUMBER, CTA),
        Kind::ChatClick => (APP, TO | REF | CTA),
        Kind::EmailClick | Kind::SmsClick => (TO, CTA),
        Kind::OutboundClick | Kind::Download => (HREF, ASSET | CTA),
        Kind::FormView | Kind::FormStart | Kind::FormAbandon | Kind::FormError => (FORM, FIELD | FILLED),
        Kind::FormSubmit => (FORM, LEAD | INFERRED),
        Kind::FormSuccess => (FORM | SUBMIT, 0),
        Kind::Purchase => (ORDER | AMOUNT | CURRENCY, ITEMS),
        Kind::Custom => (NAME, PROPS),
        // It needs one of them.
        Kind::Identify => (0, EMAIL | PHONE | USER),
        Kind::Consent => (MODE, VERSION | PURPOSES),
        Kind::TrackerError => (CODE | COUNT, 0),
    }
}
