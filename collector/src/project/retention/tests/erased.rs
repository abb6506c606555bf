//! Somebody is forgotten in the worlds of these tests.

use super::*;
use crate::domain::{
    erasure::{Erased, ErasedLead},
    lead::Origin,
};

/// A visitor is erased, with every lead that they may have left.
pub(super) fn entry(index: usize, who: u8, received: i64) -> Entry {
    Entry::Erased(Erased {
        id: index.to_string(),
        at: received,
        visitors: vec![Id::parse(&format!("v{who}")).unwrap()],
        leads: leads_of(who),
        ..Erased::default()
    })
}

/// Every lead that a visitor may have left.
fn leads_of(who: u8) -> Vec<ErasedLead> {
    let mut leads = Vec::new();
    for (page, day, number) in
        (0u8..4).flat_map(|page| (0..40).flat_map(move |day| (0..4).map(move |n| (page, day, n))))
    {
        let lead = LeadId::of_event(&format!("p{who}{page}d{day}-{}", 10 + number));
        leads.push(lead);
    }
    // Those that a server told of with the browser; see `entry`.
    for (page, days) in (0..4).flat_map(|page| (0..20).map(move |days| (page, days))) {
        leads.push(LeadId::of_record("lead", &format!("crm{who}{page}{days}")));
    }
    let stays = |lead| ErasedLead {
        lead,
        origin: Origin::unknown(7, "no_consent"),
        duplicate_of: None,
        purchases: Vec::new(),
    };
    leads.into_iter().map(stays).collect()
}
