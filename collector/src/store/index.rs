//! By what else leads are found: their identifiers, a server's own ids, orders.

use super::{
    StoreError,
    engine::Engine,
    keys,
    reads::{each_key, each_pair, lead, row},
};
use crate::domain::{
    fact::{Position, SiteNumber, Subject},
    id::Token,
    standing::Lead,
};

/// Every key that leads to a lead.
pub(super) fn listed_under(site: SiteNumber, lead: &Lead) -> Vec<Vec<u8>> {
    let mut keys = vec![keys::lead_by_time(site, lead.created_at, &lead.id)];
    keys.extend(lead.subject.iter().map(|subject| keys::lead_by_subject(site, subject, &lead.id)));
    let tokens = lead.personal.identifiers.iter().map(|identifier| identifier.token);
    keys.extend(tokens.map(|token| keys::lead_by_token(site, token, &lead.id)));
    keys
}

/// Leads that gave the identifier with this keyed hash, newest first, at most `max`.
pub(super) fn leads_with(
    engine: &dyn Engine,
    site: SiteNumber,
    hash: &[u8; 32],
    max: usize,
) -> Result<Vec<Lead>, StoreError> {
    let token = match engine.get(&keys::lookup(site, hash))? {
        None => return Ok(Vec::new()),
        Some(value) => match value.split_first() {
            Some((&keys::VERSION, token)) => token.try_into().ok().map(Token),
            _ => None,
        },
    };
    let token = token.ok_or_else(|| StoreError::Damaged("a token of an unknown version".to_owned()))?;
    let prefix = keys::leads_by_token(site, token);
    let mut found = Vec::new();
    each_key(engine, &prefix, |key| {
        let id = key.get(prefix.len()..).and_then(keys::lead_id);
        let id = id.ok_or_else(|| StoreError::Damaged("a lead's key".to_owned()))?;
        found.extend(lead(engine, site, &id)?);
        Ok(())
    })?;
    found.sort_by(|a: &Lead, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    found.truncate(max);
    Ok(found)
}

/// Where the record stands that claims an external id, and the hash of its content.
pub(super) fn claimed(
    engine: &dyn Engine,
    site: SiteNumber,
    kind: &str,
    external_id: &str,
) -> Result<Option<(Position, [u8; 32])>, StoreError> {
    let Some(value) = engine.get(&keys::claim(site, kind, external_id))? else { return Ok(None) };
    let content = value.get(1..33).and_then(|content| content.try_into().ok());
    let claimed = keys::trailing_position(&value).zip(content);
    claimed.map(Some).ok_or_else(|| StoreError::Damaged("a short claim".to_owned()))
}

/// Whose pages said that an order was bought.
pub(super) fn buyers(
    engine: &dyn Engine,
    site: SiteNumber,
    order_id: &str,
) -> Result<Vec<Subject>, StoreError> {
    let mut found = Vec::new();
    each_pair(engine, &keys::orders(site, order_id), |_, value| {
        found.push(row(value)?);
        Ok(())
    })?;
    Ok(found)
}

/// The leads of some subjects.
pub(super) fn leads_of(
    engine: &dyn Engine,
    site: SiteNumber,
    subjects: &[Subject],
) -> Result<Vec<Lead>, StoreError> {
    let mut found = Vec::new();
    for subject in subjects {
        let prefix = keys::leads_by_subject(site, subject);
        each_key(engine, &prefix, |key| {
            let id = key.get(prefix.len()..).and_then(keys::lead_id);
            let id = id.ok_or_else(|| StoreError::Damaged("a lead's key".to_owned()))?;
            found.extend(lead(engine, site, &id)?);
            Ok(())
        })?;
    }
    Ok(found)
}
