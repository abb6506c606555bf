//! One thing that happened, as it travels.
//!
//! [`Event`] is flat on purpose: one struct of optional fields reads and writes fast, in few bytes of code, and
//! lets each kind name what it lacks. What the fields *mean* for a kind is decided once, in [`crate::normalise`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Every kind of event that a page can report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the contract's table of kinds says it; each name is the wire's own")]
pub enum Kind {
    PageView,
    PageLeave,
    Click,
    CtaView,
    CtaClick,
    CallClick,
    ChatClick,
    EmailClick,
    SmsClick,
    OutboundClick,
    Download,
    FormView,
    FormStart,
    FormAbandon,
    FormError,
    FormSubmit,
    FormSuccess,
    Purchase,
    Custom,
    Identify,
    Consent,
    TrackerError,
}

impl Kind {
    /// Every kind, in the order of the contract's table.
    pub const ALL: [Self; 22] = [
        Self::PageView,
        Self::PageLeave,
        Self::Click,
        Self::CtaView,
        Self::CtaClick,
        Self::CallClick,
        Self::ChatClick,
        Self::EmailClick,
        Self::SmsClick,
        Self::OutboundClick,
        Self::Download,
        Self::FormView,
        Self::FormStart,
        Self::FormAbandon,
        Self::FormError,
        Self::FormSubmit,
        Self::FormSuccess,
        Self::Purchase,
        Self::Custom,
        Self::Identify,
        Self::Consent,
        Self::TrackerError,
    ];

    /// The name on the wire and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PageView => "page_view",
            Self::PageLeave => "page_leave",
            Self::Click => "click",
            Self::CtaView => "cta_view",
            Self::CtaClick => "cta_click",
            Self::CallClick => "call_click",
            Self::ChatClick => "chat_click",
            Self::EmailClick => "email_click",
            Self::SmsClick => "sms_click",
            Self::OutboundClick => "outbound_click",
            Self::Download => "download",
            Self::FormView => "form_view",
            Self::FormStart => "form_start",
            Self::FormAbandon => "form_abandon",
            Self::FormError => "form_error",
            Self::FormSubmit => "form_submit",
            Self::FormSuccess => "form_success",
            Self::Purchase => "purchase",
            Self::Custom => "custom",
            Self::Identify => "identify",
            Self::Consent => "consent",
            Self::TrackerError => "tracker_error",
        }
    }

    /// The kind of a name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A custom property's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Prop {
    /// true or false
    Bool(bool),
    /// a whole number
    Int(i64),
    /// any other number
    Number(f64),
    /// a text of at most 256 bytes
    Text(String),
}

/// What a lead agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Consent {
    /// The version of the text that the visitor saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_version: Option<String>,
    /// contact, marketing, ads, email_tracking
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
}

/// The declared part of a submitted lead form: the only typed values that ever leave a page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Lead {
    /// `form` or `callback`.
    pub kind: String,
    /// How the person signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An e-mail address, as typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A telephone number, as typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// What was agreed to, if the form asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// What the lead gets in return: an e-book, an offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub magnet: Option<String>,
    /// Further declared fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// `test` marks a lead that nobody should call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
}

/// One line of a purchase.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Item {
    /// The shop's article number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    /// The price of one, in minor units of the purchase's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<i64>,
}

crate::object::objects!(Consent, Lead, Item);

macro_rules! event {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)*) => {
        /// One event. `id`, `at`, `page` and `kind` are required of all; [`crate::normalise`] says what else a
        /// kind needs.
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        pub struct Event {
            /// Unique for ever within the site; `<page>-<n>` as the tracker makes them.
            #[serde(default)]
            pub id: String,
            /// The page's clock, in ms since the epoch.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub at: Option<i64>,
            /// The page view's id.
            #[serde(default)]
            pub page: String,
            /// One of [`Kind`]; kept as text so that an unknown one can be named in the answer.
            #[serde(default)]
            pub kind: String,
            $(
                $(#[$doc])*
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }
    };
}

event! {
    /// page_view: the page's address.
    url: String,
    /// page_view: the document's title; page_leave: the one it settled on, where that is another.
    title: String,
    /// page_view: where the visitor came from.
    referrer: String,
    /// page_leave: time visible and active, in ms.
    engaged_ms: u32,
    /// page_leave: deepest point seen, 0..=100.
    scroll_pct: u8,
    /// click: a short stable selector of what was clicked.
    target: String,
    /// click: its visible text.
    text: String,
    /// click, cta_*, outbound_click, download: where the link leads.
    href: String,
    /// cta_*: the call to action's name; also on clicks that are one.
    cta: String,
    /// call_click: the number as the link has it.
    number: String,
    /// chat_click: whatsapp, messenger, telegram, viber, signal, line, other.
    app: String,
    /// chat_click, email_click, sms_click: whom it addresses (the site's own contact).
    to: String,
    /// chat_click: the reference placed in the prefilled text.
    chat_ref: String,
    /// download: the file's name.
    asset: String,
    /// form_*: the form's name.
    form: String,
    /// form_abandon, form_error: the last field.
    field: String,
    /// form_*: how many fields have something in them.
    fields_filled: u32,
    /// form_submit: the declared lead.
    lead: Lead,
    /// form_submit: true where no submit event was seen.
    inferred: bool,
    /// form_success: the id of the form_submit.
    submit: String,
    /// purchase: the shop's order number.
    order_id: String,
    /// purchase: minor units.
    amount: i64,
    /// purchase: ISO 4217.
    currency: String,
    /// purchase: what was bought.
    items: Vec<Item>,
    /// custom: the event's name.
    name: String,
    /// custom: flat properties.
    props: BTreeMap<String, Prop>,
    /// identify: an e-mail address.
    email: String,
    /// identify: a telephone number.
    phone: String,
    /// identify: the site's own id of the person.
    user_id: String,
    /// consent: the mode chosen.
    mode: String,
    /// consent: the version of the text shown.
    text_version: String,
    /// consent: the purposes agreed to.
    purposes: Vec<String>,
    /// tracker_error: which error.
    code: String,
    /// tracker_error: how often.
    count: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_name_both_ways() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(Kind::parse("PageView"), None);
    }
}
