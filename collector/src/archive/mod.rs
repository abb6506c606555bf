//! A store as a file: what export and backup write, what import and restore read.
//!
//! A zstd-compressed file of lines, each a JSON object with one key that says what it is:
//!
//! | line | what it holds |
//! |---|---|
//! | `archive` | first: version, when it was made, by which program, of which site (`null`: all) |
//! | `row` | a row beside the log, key and value in base64: sealed personal data stays sealed, under the master key |
//! | `fact` | an entry of a log by site number, slug and position: what happened, to be read by anybody |
//! | `end` | last: how many lines of each, where the logs end with their ledgers, and the SHA-256 of all lines before |
//!
//! An archive without its `end` is no archive. Contact details in clear are written only where they were asked for,
//! beside the fact that refers to them, and are passed over when it is read back.

pub mod erasures;
mod read;
mod write;

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use self::{
    read::{ArchiveError, Reader},
    write::{Contents, PATIENCE, write},
};
use crate::{
    domain::{
        fact::{Entry, Position, SiteNumber},
        ledger::Ledger,
    },
    store::LogMark,
    vault::PersonalData,
};

/// The version of the format: a newer program reads every older one.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The first.
    Archive(Header),
    /// A row beside the log.
    Row(Row),
    /// An entry of a log.
    Fact(Box<Fact>),
    /// The last.
    End(End),
}

/// What an archive says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// Of the format.
    pub version: u32,
    /// When, ms since the epoch.
    pub made_at: i64,
    /// By which version of this program.
    pub program: String,
    /// Of which site alone; absent where it is of the whole store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Whether contact details stand in it in clear.
    #[serde(default)]
    pub contacts: bool,
    /// About how many facts follow, for those who show progress.
    #[serde(default)]
    pub facts: u64,
}

/// A row beside the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// As the store has it.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub key: Vec<u8>,
    /// As the store has it.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub value: Vec<u8>,
}

/// An entry at its position.
#[derive(Serialize, Deserialize)]
pub struct Fact {
    /// Whose log; 0 is the house's.
    pub site: SiteNumber,
    /// The site's name in URLs; absent for the house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Of its first fact.
    pub position: Position,
    /// What happened.
    pub entry: Entry,
    /// Contact details in clear by vault reference, where they were asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", skip_deserializing)]
    pub contacts: BTreeMap<String, PersonalData>,
}

/// What makes an archive whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Lines of entries.
    pub entries: u64,
    /// Facts in them.
    pub facts: u64,
    /// Lines of rows.
    pub rows: u64,
    /// Where the logs end, and what the ledgers say there.
    pub logs: Vec<LogEnd>,
    /// Of every line before this one, line ends included; hex.
    pub sha256: String,
}

/// The end of one site's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEnd {
    /// Whose.
    pub site: SiteNumber,
    /// The last position.
    pub head: Position,
    /// What became of the site's events up to there.
    pub ledger: Ledger,
}

impl From<LogMark> for LogEnd {
    fn from(mark: LogMark) -> Self {
        Self { site: mark.site, head: mark.head, ledger: mark.ledger }
    }
}

impl From<LogEnd> for LogMark {
    fn from(end: LogEnd) -> Self {
        Self { site: end.site, head: end.head, ledger: end.ledger }
    }
}

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(deserializer)?).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests;
