//! One thing that happened, typed. What a page reports becomes this in `ingest::accept`; personal data has been
//! split off by then and is present only as a reference and as tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wire::{beacon::Mode, event::Kind};

use super::id::{EventId, Id, Token, VaultRef};

/// An event of a page view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Unique within the site.
    pub id: EventId,
    /// The page view it belongs to.
    pub page: Id,
    /// When it happened, corrected by the time rule; ms since the epoch.
    pub at: i64,
    /// What the page's clock said, where that differs from `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_at: Option<i64>,
    /// What happened.
    pub detail: Detail,
}

impl Event {
    /// The order of every timeline: corrected time, page, number, id.
    #[must_use]
    pub fn order(&self) -> (i64, &Id, &EventId) {
        (self.at, &self.page, &self.id)
    }

    /// The id as it travels.
    #[must_use]
    pub fn id_text(&self) -> String {
        self.id.text(&self.page)
    }
}

/// What an event says beside where and when. Texts and URLs are cut and redacted already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the contract's table of kinds")]
pub enum Detail {
    PageView {
        url: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        referrer: Option<String>,
    },
    PageLeave {
        engaged_ms: u32,
        scroll_pct: u8,
        /// Where the page named itself after its `page_view` was told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    Click {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        href: Option<String>,
    },
    CtaView(Cta),
    CtaClick(Cta),
    CallClick {
        number: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cta: Option<String>,
    },
    ChatClick {
        app: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat_ref: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cta: Option<String>,
    },
    EmailClick(Contact),
    SmsClick(Contact),
    OutboundClick(Target),
    Download(Target),
    FormView(Form),
    FormStart(Form),
    FormAbandon(Form),
    FormError(Form),
    FormSubmit {
        form: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fields_filled: Option<u32>,
        #[serde(default, skip_serializing_if = "is_false")]
        inferred: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lead: Option<Submission>,
    },
    FormSuccess {
        form: String,
        submit: String,
    },
    Purchase {
        order_id: String,
        /// Minor units.
        amount: i64,
        currency: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        items: Vec<Item>,
    },
    Custom {
        name: String,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        props: BTreeMap<String, Prop>,
    },
    Identify {
        personal: Personal,
    },
    Consent {
        mode: Mode,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text_version: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        purposes: Vec<String>,
    },
    TrackerError {
        code: String,
        count: u32,
    },
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Detail {
    /// The kind's name on the wire and in the API.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::PageView { .. } => Kind::PageView,
            Self::PageLeave { .. } => Kind::PageLeave,
            Self::Click { .. } => Kind::Click,
            Self::CtaView(_) => Kind::CtaView,
            Self::CtaClick(_) => Kind::CtaClick,
            Self::CallClick { .. } => Kind::CallClick,
            Self::ChatClick { .. } => Kind::ChatClick,
            Self::EmailClick(_) => Kind::EmailClick,
            Self::SmsClick(_) => Kind::SmsClick,
            Self::OutboundClick(_) => Kind::OutboundClick,
            Self::Download(_) => Kind::Download,
            Self::FormView(_) => Kind::FormView,
            Self::FormStart(_) => Kind::FormStart,
            Self::FormAbandon(_) => Kind::FormAbandon,
            Self::FormError(_) => Kind::FormError,
            Self::FormSubmit { .. } => Kind::FormSubmit,
            Self::FormSuccess { .. } => Kind::FormSuccess,
            Self::Purchase { .. } => Kind::Purchase,
            Self::Custom { .. } => Kind::Custom,
            Self::Identify { .. } => Kind::Identify,
            Self::Consent { .. } => Kind::Consent,
            Self::TrackerError { .. } => Kind::TrackerError,
        }
    }

    /// What stands in place of personal data, if there is any.
    #[must_use]
    pub fn personal(&self) -> Option<&Personal> {
        match self {
            Self::FormSubmit { lead: Some(lead), .. } => Some(&lead.personal),
            Self::Identify { personal } => Some(personal),
            _ => None,
        }
    }

    /// The same, to be changed.
    #[must_use]
    pub fn personal_mut(&mut self) -> Option<&mut Personal> {
        match self {
            Self::FormSubmit { lead: Some(lead), .. } => Some(&mut lead.personal),
            Self::Identify { personal } => Some(personal),
            _ => None,
        }
    }

    /// The lead that this event is the birth of, if it is one.
    #[must_use]
    pub fn lead(&self) -> Option<&Submission> {
        match self {
            Self::FormSubmit { lead, .. } => lead.as_ref(),
            _ => None,
        }
    }
}

/// A call to action, seen or clicked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cta {
    /// Its name.
    pub cta: String,
    /// Where it leads, if it is a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

/// A click on one of the site's own contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The site's address or number.
    pub to: String,
    /// The call to action that the link is, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cta: Option<String>,
}

/// A click that leaves the page for somewhere, or something, else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Where to.
    pub href: String,
    /// The file's name, for downloads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
}

/// Something about a form, short of its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// The form's name.
    pub form: String,
    /// The last field touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How many fields have something in them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields_filled: Option<u32>,
}

/// One line of a purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as wire::event::Item")]
pub struct Item {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<i64>,
}

/// A custom property's value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the four JSON types that a property may have")]
pub enum Prop {
    Bool(bool),
    Int(i64),
    Number(f64),
    Text(String),
}

/// What stands in the log in place of personal data.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Personal {
    /// Where the vault keeps it; `None` where there was nothing to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultRef>,
    /// Stand-ins for the identifiers, in the order e-mail, phone, user id, chat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<Identifier>,
}

/// One identifier of a person, by its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identifier {
    /// What kind of identifier.
    pub kind: IdentifierKind,
    /// Its stand-in.
    pub token: Token,
}

/// The kinds of identifier that tie people together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "named for what they are")]
pub enum IdentifierKind {
    Email,
    Phone,
    UserId,
    /// An account in a chat application, which is named before it: `messenger:2400000000000001`.
    Chat,
}

/// The declared part of a lead form, without the personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// `form` or `callback` from a page; other kinds come by other doors.
    pub kind: LeadKind,
    /// Name, e-mail, phone and further fields, by reference.
    pub personal: Personal,
    /// What was agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// What the lead gets in return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub magnet: Option<String>,
    /// What is remarkable about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
}

/// How a lead came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the contract's list")]
pub enum LeadKind {
    Form,
    Callback,
    Call,
    Whatsapp,
    Messenger,
    Chat,
    Email,
    Import,
    PlatformForm,
}

/// What is remarkable about a lead. Flags never drop it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Somebody tries the form out.
    Test,
    /// A phone was given that cannot be dialled.
    InvalidPhone,
    /// An e-mail address was given that cannot be written to.
    InvalidEmail,
    /// The beacon came from a page that is not the site's.
    ForeignOrigin,
    /// An e-mail address, number or id was given that stands for nobody, such as `test@…` or `null`.
    JunkIdentifier,
    /// A platform said that its form was filled in, and has not said with what yet.
    DetailsPending,
    /// Not a lead at all.
    Spam,
    /// Somebody of the house.
    Internal,
    /// Whoever it was asked to be forgotten.
    Erased,
}

/// What a lead agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Consent {
    /// The version of the text that was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_version: Option<String>,
    /// contact, marketing, ads, email_tracking; sending a form gives `contact` for this request.
    #[serde(default)]
    pub purposes: Vec<String>,
}
