//! What an erasure leaves: leads of nobody, and browsers whose story begins anew.

use std::collections::{BTreeMap, BTreeSet};

use super::Leads;
use crate::{
    domain::{
        erasure::Erased,
        event::{Identifier, IdentifierKind},
        fact::{SiteNumber, Subject},
        identity::{Edge, Node},
        record,
        site::SiteConfig,
        standing::Lead,
    },
    store::{Row, Store, StoreError},
};

/// What it does to what was derived of everything before it.
pub(super) async fn rows(
    store: &dyn Store,
    site: SiteNumber,
    config: &SiteConfig,
    erased: &Erased,
    leads: &mut Leads<'_>,
) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    let mut ended: BTreeSet<Subject> = erased.visitors.iter().cloned().map(Subject::Visitor).collect();
    for stays in &erased.leads {
        // Only leads that were there are erased, but a log may be imported in part.
        let Some(mut lead) = store.lead(site, &stays.lead).await? else { continue };
        // A page view of nobody in particular is the lead's own, unless somebody else left one there, too.
        if let Some(page @ Subject::Page(_)) = &lead.subject {
            let is_erased = |lead: &Lead| erased.leads.iter().any(|stays| stays.lead == lead.id);
            if store.leads_of(site, vec![page.clone()]).await?.iter().all(is_erased) {
                ended.insert(page.clone());
            }
        }
        lead.forget(stays);
        let entries = store.records(site, &lead.id).await?;
        let told = record::told(entries.iter().map(|stored| (stored.position, stored.entry.as_ref())));
        lead.bought(stays.purchases.clone(), &told, config);
        lead.said_at = lead.said_at.max(Some(erased.at));
        lead.updated_at = lead.updated_at.max(erased.at);
        rows.push(Row::Lead(Box::new(lead)));
    }
    let (unsaid, nodes) = unsaid(store, site, erased).await?;
    leads.unsay(&unsaid, &nodes).await?;
    rows.extend(unsaid.into_iter().map(|edge| Row::Unsaid(Box::new(edge))));
    for subject in ended {
        rows.push(Row::Profile(subject.clone(), None));
        rows.push(Row::Ended(subject));
    }
    Ok(rows)
}

/// The evidence about whoever is erased, and what it is about. What tells the users of a shared browser apart stays: else what one of them did
/// would become another's.
async fn unsaid(
    store: &dyn Store,
    site: SiteNumber,
    erased: &Erased,
) -> Result<(Vec<Edge>, BTreeSet<Node>), StoreError> {
    let kinds = [IdentifierKind::Email, IdentifierKind::Phone, IdentifierKind::UserId, IdentifierKind::Chat];
    let identifiers =
        erased.tokens.iter().flat_map(|token| kinds.map(|kind| Identifier { kind, token: *token }));
    let visitors = erased.visitors.iter().cloned().map(Node::Visitor);
    let leads = erased.leads.iter().map(|stays| Node::Lead(stays.lead.clone()));
    let nodes: BTreeSet<Node> = visitors.chain(leads).chain(identifiers.map(Node::Identifier)).collect();
    let found = store.edges(site, nodes.iter().cloned().collect()).await?.into_iter().flatten();
    let is_theirs = |node: &Node| match node {
        Node::Visitor(visitor) => erased.visitors.contains(visitor),
        _ => true,
    };
    let found = found.filter(|edge| is_theirs(&edge.a) && is_theirs(&edge.b));
    let by_id: BTreeMap<_, _> = found.map(|edge| (edge.id.clone(), edge)).collect();
    Ok((by_id.into_values().collect(), nodes))
}
