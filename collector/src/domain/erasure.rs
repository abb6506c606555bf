//! Somebody was forgotten: what became unreadable, and what no longer leads to them.

use serde::{Deserialize, Serialize};

use super::{
    id::{Id, LeadId, Token, VaultRef},
    lead::Origin,
    sales::Purchase,
    standing::Lead,
};

/// A person was erased, or a part of them where they have much. It holds random references only: from it nobody learns
/// who it was.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Erased {
    /// Random; a second time it is the same erasure.
    pub id: String,
    /// When, ms since the epoch.
    pub at: i64,
    /// The id of the token that asked.
    pub by: String,
    /// Submissions, notes and other records whose keys are dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<VaultRef>,
    /// Identifiers whose hashes are dropped: whoever gives one again is a stranger.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Token>,
    /// Browsers whose story ends; what they do from now on begins another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visitors: Vec<Id>,
    /// Leads that stay, as those of nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leads: Vec<ErasedLead>,
}

/// A lead as it stays when whoever left it is forgotten.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErasedLead {
    /// Which.
    pub lead: LeadId,
    /// Where it came from, as it stood: what that was derived from leads to nobody any more. No addresses of pages, no click
    /// ids: a platform knows by those whose click it was.
    pub origin: Origin,
    /// The lead that it asked again for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<LeadId>,
    /// What was bought on pages, as those said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purchases: Vec<Purchase>,
}

impl From<&Lead> for ErasedLead {
    fn from(lead: &Lead) -> Self {
        let mut origin = lead.origin.clone();
        for touch in [&mut origin.first, &mut origin.last, &mut origin.last_non_direct] {
            touch.click_ids.clear();
            (touch.term, touch.landing, touch.referrer) = (None, None, None);
        }
        Self {
            lead: lead.id.clone(),
            origin,
            duplicate_of: lead.duplicate_of.clone(),
            purchases: lead.purchases.clone(),
        }
    }
}

impl Erased {
    /// Most references, tokens, visitors or leads in one fact: a block stays small.
    pub const MOST: usize = 500;

    /// The same as facts that are small enough, ids made from this one's.
    #[must_use]
    pub fn pieces(self) -> Vec<Self> {
        let Self { id, at, by, mut references, mut tokens, mut visitors, mut leads } = self;
        let mut pieces = Vec::new();
        loop {
            let number = pieces.len();
            pieces.push(Self {
                id: if number == 0 { id.clone() } else { format!("{id}.{number}") },
                at,
                by: by.clone(),
                references: some(&mut references),
                tokens: some(&mut tokens),
                visitors: some(&mut visitors),
                leads: some(&mut leads),
            });
            if references.is_empty() && tokens.is_empty() && visitors.is_empty() && leads.is_empty() {
                return pieces;
            }
        }
    }
}

fn some<T>(rest: &mut Vec<T>) -> Vec<T> {
    let after = rest.split_off(rest.len().min(Erased::MOST));
    std::mem::replace(rest, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_erasure_is_several_facts_that_say_the_same() {
        let lead = |n: u32| ErasedLead {
            lead: LeadId::of_event(&n.to_string()),
            origin: Origin::unknown(0, "no_consent"),
            duplicate_of: None,
            purchases: Vec::new(),
        };
        let erased = Erased {
            id: "x".to_owned(),
            at: 7,
            by: "t".to_owned(),
            references: (0..3).map(|n| VaultRef([n; 16])).collect(),
            leads: (0..1201).map(lead).collect(),
            ..Erased::default()
        };
        let pieces = erased.clone().pieces();
        assert_eq!(pieces.iter().map(|piece| piece.id.as_str()).collect::<Vec<_>>(), ["x", "x.1", "x.2"]);
        assert_eq!(pieces.iter().flat_map(|piece| piece.leads.clone()).collect::<Vec<_>>(), erased.leads);
        assert_eq!(
            pieces.iter().flat_map(|piece| piece.references.clone()).collect::<Vec<_>>(),
            erased.references
        );
        assert!(pieces.iter().all(|piece| piece.leads.len() <= Erased::MOST && piece.at == 7));
        assert_eq!(Erased::default().pieces(), [Erased::default()]);
    }
}
