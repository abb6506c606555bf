//! Reads of who clicked a chat's reference, and who wrote with it.

use super::{StoreError, engine::Engine, keys, reads::row};
use crate::domain::{
    chat::{Clicked, Used},
    fact::SiteNumber,
};

/// Who clicked a chat's reference, and who wrote with it.
pub type ChatRef = (Vec<Clicked>, Vec<Used>);

/// Who clicked a reference, the latest first; and who wrote with it, the first first; at most `max` of each.
pub(super) fn of_ref(
    engine: &dyn Engine,
    site: SiteNumber,
    chat_ref: &str,
    max: usize,
) -> Result<ChatRef, StoreError> {
    let prefix = keys::chat_clicks(site, chat_ref);
    let clicks = engine.scan(&prefix, &keys::after_prefix(&prefix), max)?;
    let prefix = keys::chat_uses(site, chat_ref);
    let uses = engine.scan(&prefix, &keys::after_prefix(&prefix), max)?;
    let clicks: Result<_, _> = clicks.iter().map(|(_, value)| row(value)).collect();
    let uses: Result<_, _> = uses.iter().map(|(_, value)| row(value)).collect();
    Ok((clicks?, uses?))
}
