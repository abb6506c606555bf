//! Who is who: which browsers, leads and identifiers are one human, by evidence that can be taken back.
//!
//! An [`Edge`] is a piece of evidence that two [`Node`]s are one human. Edges are only ever added, and marked as
//! revoked or restored; a person is what the active ones say, computed, never stored as truth. So a mistaken join is
//! undone by taking back its evidence, and everything that hung on it follows.
//!
//! - [`epoch`]: the parts of a browser's life that belong to one human each
//! - [`junk`]: what is given in place of an identifier
//! - [`person`]: which nodes are one human, and what was refused
//! - [`profile`]: what is remembered of an identified browser
//!
//! Nothing is ever joined by an address, a fingerprint or a cookie alone, and nothing across sites.

pub mod epoch;
pub mod junk;
pub mod person;
pub mod profile;

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    event::{Identifier, IdentifierKind, Personal},
    fact::Position,
    id::{Id, LeadId, VaultRef},
};

/// A node with more edges than this is nobody's own: an address that a whole company shares, a tablet at a fair. Its
/// edges stay listed and join nobody.
pub const MOST_EDGES: usize = 2_000;

/// What evidence is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// A browser; which of its epochs is meant depends on when.
    Visitor(Id),
    /// A lead that no browser is known to have left.
    Lead(LeadId),
    /// An e-mail address, a telephone number, a user id or a chat account, by its token.
    Identifier(Identifier),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Visitor(id) => write!(f, "v:{id}"),
            Self::Lead(id) => write!(f, "l:{id}"),
            Self::Identifier(Identifier { kind, token }) => write!(f, "i:{kind:?}:{token}"),
        }
    }
}

/// An edge's id, derived from its fact and its ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EdgeId(String);

impl EdgeId {
    /// The edge between two nodes that a fact gives.
    #[must_use]
    pub fn of(fact: &str, a: &Node, b: &Node) -> Self {
        let digest = format!("{:x}", Sha256::digest(format!("edge\0{fact}\0{a}\0{b}")));
        Self(format!("e_{}", digest.get(..32).unwrap_or_default()))
    }

    /// Reads an id from a request; `None` where it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("e_")?;
        (hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EdgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the evidence came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// Somebody sent a form with the identifier.
    Form,
    /// The page said who it is (`traza("identify", …)`).
    Identify,
    /// A server told of a lead.
    Record,
    /// Somebody followed a link in an e-mail that was sent to the identifier; e-mails are passed on.
    EmailLink,
    /// Somebody called a number that was shown in this browser alone; numbers are passed on, too.
    Call,
    /// Somebody who was not known until then wrote with a reference that only this browser had shown.
    Chat,
    /// Somebody who was known did; texts are passed on, too.
    KnownChat,
}

/// How much evidence proves. Strong evidence comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Somebody said so: the person, the page or a server.
    Strong,
    /// It is likely. It ties somebody unknown to somebody known, and never two who are known.
    Weak,
}

/// Evidence was taken back, or put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Where the fact stands in the log.
    pub position: Position,
    /// When it was said, ms since the epoch.
    pub received_at: i64,
    /// Whether the evidence counts from then on.
    pub active: bool,
    /// Who and why, by reference.
    pub note: VaultRef,
}

/// A piece of evidence that two nodes are one human.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Derived from the fact and the ends.
    pub id: EdgeId,
    /// One end.
    pub a: Node,
    /// The other end.
    pub b: Node,
    /// How it came about.
    pub kind: EdgeKind,
    /// How much it proves.
    pub strength: Strength,
    /// How sure, in percent.
    pub confidence: u8,
    /// When it happened, ms since the epoch.
    pub at: i64,
    /// When the collector heard of it.
    pub received_at: i64,
    /// The id of the event, or of the lead, that says so.
    pub fact: String,
    /// Where it stands in the log.
    pub position: Position,
    /// Where the vault keeps what was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultRef>,
    /// What was said of it since, in the order of the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
}

impl Edge {
    /// When it was received, or the last was said of it since, ms since the epoch.
    #[must_use]
    pub fn changed_at(&self) -> i64 {
        self.marks.iter().map(|mark| mark.received_at).fold(self.received_at, i64::max)
    }

    /// Whether it counts, by what was known at `as_of` (ms since the epoch; `None` for now).
    #[must_use]
    pub fn is_active(&self, as_of: Option<i64>) -> bool {
        let known = |received_at: i64| as_of.is_none_or(|as_of| received_at <= as_of);
        known(self.received_at)
            && self.marks.iter().rfind(|mark| known(mark.received_at)).is_none_or(|mark| mark.active)
    }

    /// The end that is not this one.
    #[must_use]
    pub fn other(&self, node: &Node) -> &Node {
        if self.a == *node { &self.b } else { &self.a }
    }

    /// The identifier that it hangs on, where it does.
    #[must_use]
    pub fn identifier(&self) -> Option<Identifier> {
        [&self.a, &self.b].into_iter().find_map(|node| match node {
            Node::Identifier(identifier) => Some(*identifier),
            _ => None,
        })
    }

    /// In which order evidence is weighed, whenever it arrived: the strong first, then the older.
    #[must_use]
    pub fn rank(&self) -> (Strength, i64, &EdgeId) {
        (self.strength, self.at, &self.id)
    }
}

/// What a fact says of who somebody is.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The id of the event, or of the lead.
    pub fact: &'a str,
    /// Where it stands in the log.
    pub position: Position,
    /// When it happened, ms since the epoch.
    pub at: i64,
    /// When the collector heard of it.
    pub received_at: i64,
    /// How.
    pub kind: EdgeKind,
    /// The identifiers that were given, and where the vault keeps them.
    pub personal: &'a Personal,
}

impl Said<'_> {
    /// The edges between whoever it is and each identifier.
    #[must_use]
    pub fn edges(&self, who: &Node) -> Vec<Edge> {
        let (strength, confidence) = match self.kind {
            EdgeKind::Form | EdgeKind::Identify | EdgeKind::Record => (Strength::Strong, 100),
            EdgeKind::EmailLink => (Strength::Weak, 80),
            EdgeKind::Call => (Strength::Weak, 90),
            EdgeKind::Chat => (Strength::Strong, 95),
            EdgeKind::KnownChat => (Strength::Weak, 80),
        };
        let edge = |identifier: &Identifier| {
            let (a, b) = (who.clone(), Node::Identifier(*identifier));
            Edge {
                id: EdgeId::of(self.fact, &a, &b),
                a,
                b,
                kind: self.kind,
                strength,
                confidence,
                at: self.at,
                received_at: self.received_at,
                fact: self.fact.to_owned(),
                position: self.position,
                vault: self.personal.vault,
                marks: Vec::new(),
            }
        };
        self.personal.identifiers.iter().map(edge).collect()
    }
}

/// How many different identifiers of a kind one human may have: more say that several humans were mistaken for one.
#[must_use]
pub fn most_of(kind: IdentifierKind) -> usize {
    match kind {
        // A user id is the site's own word on who somebody is.
        IdentifierKind::UserId => 1,
        IdentifierKind::Email | IdentifierKind::Phone | IdentifierKind::Chat => 5,
    }
}
