//! The writer's part in forgetting somebody.

use super::{Group, StoreError, Writer, keys, token};
use crate::domain::{erasure::Erased, fact::SiteNumber};

impl Writer {
    /// The rows that an erasure drops, of those that are there. A hash that leads to another token by now is somebody
    /// else's.
    pub(super) fn erasable(
        &self,
        group: &Group,
        site: SiteNumber,
        erased: &Erased,
        hashes: &[[u8; 32]],
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut found = Vec::new();
        for reference in &erased.references {
            for key in [keys::vault_key(site, *reference), keys::vault_value(site, *reference)] {
                if self.get(group, &key)?.is_some() {
                    found.push(key);
                }
            }
        }
        for hash in hashes {
            let key = keys::lookup(site, hash);
            if let Some(value) = self.get(group, &key)?
                && erased.tokens.contains(&token(&value)?)
            {
                found.push(key);
            }
        }
        Ok(found)
    }
}
