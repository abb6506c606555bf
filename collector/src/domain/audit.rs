//! Who looked at what only some may see.

use serde::{Deserialize, Serialize};

/// Contact details or notes were shown in clear. The same token looking at the same person through the same endpoint again
/// within the hour is no second look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// When, ms since the epoch.
    pub at: i64,
    /// The id of the token that asked.
    pub by: String,
    /// Through which endpoint, as the API's document names it: `GET leads/{lead}`.
    pub through: String,
    /// Whose: ids of leads and persons.
    pub subjects: Vec<String>,
}

impl Looked {
    /// Most subjects in one fact.
    pub const MOST: usize = 500;
}
