//! Who may do what through the API.

use serde::{Deserialize, Serialize};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes facts, reads nothing.
    Ingest,
    /// Reads everything but contact details.
    Marketing,
    /// As marketing, with contact details; moves stages.
    Sales,
    /// One lead at a time.
    Agent,
    /// Everything.
    Admin,
}

/// Something that a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Read journeys, leads and reports.
    Read,
    /// Read one lead by its id.
    ReadLead,
    /// See names, e-mails and phones.
    SeeContacts,
    /// Write facts that other systems know.
    Write,
    /// Move stages and record what sales people do.
    Work,
    /// Take back evidence of who is who, and put it back.
    Revoke,
    /// Tell of attempts and sales, mark a lead and fill in what is known of it.
    Tell,
    /// Find the lead that a record is about by how it can be reached.
    Match,
    /// Configure sites, issue tokens.
    Administer,
}

impl Role {
    /// Whether the role includes a permission: the one table of it.
    #[must_use]
    pub fn allows(self, permission: Permission) -> bool {
        match permission {
            Permission::Read => matches!(self, Self::Marketing | Self::Sales | Self::Admin),
            Permission::ReadLead => !matches!(self, Self::Ingest),
            Permission::SeeContacts => matches!(self, Self::Sales | Self::Agent | Self::Admin),
            Permission::Work => matches!(self, Self::Sales | Self::Agent | Self::Admin),
            Permission::Revoke => matches!(self, Self::Sales | Self::Admin),
            Permission::Tell => !matches!(self, Self::Marketing),
            Permission::Match => matches!(self, Self::Ingest | Self::Sales | Self::Admin),
            Permission::Write => matches!(self, Self::Ingest | Self::Admin),
            Permission::Administer => matches!(self, Self::Admin),
        }
    }
}

/// What a token sees of a site: only leads and visitors that one of these brought. An empty list is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// Names of channels.
    pub channels: Vec<String>,
    /// Names of campaigns.
    pub campaigns: Vec<String>,
}

impl Scope {
    /// Whether an arrival by this channel and campaign is inside.
    #[must_use]
    pub fn covers(&self, channel: &str, campaign: Option<&str>) -> bool {
        let channel = self.channels.is_empty() || self.channels.iter().any(|allowed| allowed == channel);
        let campaign = self.campaigns.is_empty()
            || campaign.is_some_and(|campaign| self.campaigns.iter().any(|allowed| allowed == campaign));
        channel && campaign
    }
}

/// A token was issued. The token itself is shown once and never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPut {
    /// Names the token in lists.
    pub id: String,
    /// SHA-256 of the token, hex.
    pub hash: String,
    /// What it allows.
    pub role: Role,
    /// A site's slug, or `*` for all.
    pub site: String,
    /// Narrows what it sees; `None` sees the whole site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What it is for.
    pub label: String,
    /// When it was issued, ms since the epoch.
    pub at: i64,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// A token was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRevoked {
    /// Which.
    pub id: String,
    /// When, ms since the epoch.
    pub at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_exactly_its_permissions() {
        use Permission::{Administer, Match, Read, ReadLead, SeeContacts, Tell, Work, Write};
        let all = [Read, ReadLead, SeeContacts, Write, Work, Tell, Match, Administer];
        let of =
            |role: Role| all.into_iter().filter(|&permission| role.allows(permission)).collect::<Vec<_>>();
        assert_eq!(of(Role::Ingest), [Write, Tell, Match]);
        assert_eq!(of(Role::Marketing), [Read, ReadLead]);
        assert_eq!(of(Role::Sales), [Read, ReadLead, SeeContacts, Work, Tell, Match]);
        assert_eq!(of(Role::Agent), [ReadLead, SeeContacts, Work, Tell]);
        assert_eq!(of(Role::Admin), all);
    }
}
