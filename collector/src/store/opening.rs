//! What is looked at before a store is opened: whether this program may, and whether all of it is there.

use std::collections::HashMap;

use super::{StoreError, engine::Engine, keys, writer::last_position};
use crate::domain::fact::{HOUSE, Position, SiteNumber};

/// The format of the whole store: a newer program reads every older format, an older program refuses a newer one.
pub(super) const FORMAT: u32 = 3;

/// The heads of all logs. A site's number is the position of its first fact in the house's log, so the house's head
/// bounds them.
pub(super) fn read_heads(engine: &dyn Engine) -> Result<HashMap<SiteNumber, Position>, StoreError> {
    let house = last_position(engine, HOUSE)?;
    let mut heads = HashMap::from([(HOUSE, house)]);
    for site in 1..=SiteNumber::try_from(house).unwrap_or(SiteNumber::MAX) {
        let head = last_position(engine, site)?;
        if head > 0 {
            heads.insert(site, head);
        }
    }
    Ok(heads)
}

/// A store that has lost its end, or all of itself, opens like a smaller one: what was noted apart tells.
pub(super) fn check_attested(engine: &dyn Engine, facts: u64) -> anyhow::Result<()> {
    match engine.attested() {
        Some(attested) if attested > facts => anyhow::bail!(
            "the store is damaged: {attested} facts were acknowledged and {facts} are there; keep a copy of the folder \
             and run `traza restore BACKUP --store sled:NEW_FOLDER`"
        ),
        _ => Ok(()),
    }
}

/// Refuses a format that is newer than this program, and notes that this one may be written from here on.
pub(super) fn check_format(engine: &dyn Engine) -> anyhow::Result<()> {
    let key = keys::meta("format");
    let written = match engine.get(&key)?.as_deref() {
        None => 0,
        Some(&[keys::VERSION, a, b, c, d]) => u32::from_be_bytes([a, b, c, d]),
        Some(_) => u32::MAX,
    };
    anyhow::ensure!(
        written <= FORMAT,
        "the store was written by a newer version of traza: use that one, or newer"
    );
    if written < FORMAT {
        // From here on it may hold what an older program cannot read.
        let mut value = vec![keys::VERSION];
        value.extend_from_slice(&FORMAT.to_be_bytes());
        engine.apply(vec![(key, Some(value))])?;
        engine.sync()?;
    }
    Ok(())
}
