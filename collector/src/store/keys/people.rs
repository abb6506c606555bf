//! Keys of who is who: evidence by its ends, what is remembered of identified browsers, what was refused.

use super::{CONFLICT, EDGE, EDGE_END, PROFILE, SiteNumber, Subject, key, with, write_subject};
use crate::domain::{
    event::{Identifier, IdentifierKind},
    identity::{EdgeId, Node},
};

fn write_node(key: &mut Vec<u8>, node: &Node) {
    match node {
        Node::Visitor(id) => {
            key.push(0);
            id.write_key(key);
        }
        Node::Lead(id) => {
            key.push(1);
            key.extend_from_slice(id.as_str().as_bytes());
            key.push(0);
        }
        Node::Identifier(Identifier { kind, token }) => {
            key.push(2);
            key.push(match kind {
                IdentifierKind::Email => 0,
                IdentifierKind::Phone => 1,
                IdentifierKind::UserId => 2,
                IdentifierKind::Chat => 3,
            });
            key.extend_from_slice(&token.0);
        }
    }
}

/// All evidence about a node.
#[must_use]
pub fn edges(site: SiteNumber, node: &Node) -> Vec<u8> {
    let mut key = key(site, EDGE);
    write_node(&mut key, node);
    key
}

/// A piece of evidence, by one of its ends.
#[must_use]
pub fn edge(site: SiteNumber, node: &Node, edge: &EdgeId) -> Vec<u8> {
    with(edges(site, node), edge.as_str().as_bytes())
}

/// Where a piece of evidence is found, by its id.
#[must_use]
pub fn edge_end(site: SiteNumber, edge: &EdgeId) -> Vec<u8> {
    with(key(site, EDGE_END), edge.as_str().as_bytes())
}

/// All that is remembered of identified subjects.
#[must_use]
pub fn profiles(site: SiteNumber) -> Vec<u8> {
    key(site, PROFILE)
}

/// What is remembered of a subject.
#[must_use]
pub fn profile(site: SiteNumber, subject: &Subject) -> Vec<u8> {
    let mut key = profiles(site);
    write_subject(&mut key, subject);
    key
}

/// All that was refused.
#[must_use]
pub fn conflicts(site: SiteNumber) -> Vec<u8> {
    key(site, CONFLICT)
}

/// Evidence that was refused, by when it happened: the newest has the smallest key.
#[must_use]
pub fn conflict(site: SiteNumber, at: i64, edge: &EdgeId) -> Vec<u8> {
    let descending = !(at.cast_unsigned() ^ (1 << 63));
    with(with(conflicts(site), &descending.to_be_bytes()), edge.as_str().as_bytes())
}

/// When it happened, and which evidence it is, in such a key.
#[must_use]
pub fn conflict_of(key: &[u8]) -> Option<(i64, EdgeId)> {
    let (at, id) = key.get(size_of::<SiteNumber>() + 1..)?.split_first_chunk()?;
    let at = (!u64::from_be_bytes(*at) ^ (1 << 63)).cast_signed();
    Some((at, EdgeId::parse(std::str::from_utf8(id).ok()?)?))
}
