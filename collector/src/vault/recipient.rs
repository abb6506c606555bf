//! Whom a message was sent to, as its pixel and links say it: a lead's id, with a mark that nobody makes without the
//! store's key. Nothing personal is in it, and whoever has no token to look a lead up learns nothing from it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::Mac as _;

use super::{Mac256, Vault, keys};
use crate::domain::{fact::SiteNumber, id::LeadId};

/// Bytes of a lead's id.
const LEAD: usize = 16;
/// Bytes of a mark.
const MARK: usize = 16;
/// For so long after a click the page that it leads to may say whose it was, in minutes: addresses are copied.
const HOLDS: i64 = 60;

impl Vault {
    /// What the pixel and the links of a message carry for one recipient. `None` of a lead whose id is not of this
    /// program's making.
    #[must_use]
    pub fn recipient_token(&self, site: SiteNumber, message: &str, lead: &LeadId) -> Option<String> {
        let lead = bytes_of(lead)?;
        Some(self.token(b"recipient\0", site, &lead, &[], message.as_bytes()))
    }

    /// Whom a token says that the message was sent to; `None` of one that was made for another message, another site or
    /// by somebody else.
    #[must_use]
    pub fn recipient(&self, site: SiteNumber, message: &str, token: &str) -> Option<LeadId> {
        self.read(b"recipient\0", site, token, message.as_bytes(), 0).map(|(lead, _)| lead)
    }

    /// What the page that a click leads to is told of whose it was. `now` is ms since the epoch.
    #[must_use]
    pub fn landing_token(&self, site: SiteNumber, lead: &LeadId, now: i64) -> Option<String> {
        let lead = bytes_of(lead)?;
        let minute = u32::try_from(now.div_euclid(60_000)).ok()?;
        Some(self.token(b"landing\0", site, &lead, &minute.to_be_bytes(), &[]))
    }

    /// Whose click led to a page, by what it was told; `None` where that is not ours, or of long ago.
    #[must_use]
    pub fn landing(&self, site: SiteNumber, token: &str, now: i64) -> Option<LeadId> {
        let (lead, minute) = self.read(b"landing\0", site, token, &[], 4)?;
        let minute = i64::from(u32::from_be_bytes(minute.try_into().ok()?));
        let age = now.div_euclid(60_000) - minute;
        (0..=HOLDS).contains(&age).then_some(lead)
    }

    /// A lead, what is said beside it, and the mark over both and what it is bound to.
    fn token(&self, what: &[u8], site: SiteNumber, lead: &[u8; LEAD], said: &[u8], bound: &[u8]) -> String {
        let mark = self.mark(what, site, &[lead, said, bound]).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([lead.as_slice(), said, mark.get(..MARK).unwrap_or_default()].concat())
    }

    fn read(
        &self,
        what: &[u8],
        site: SiteNumber,
        token: &str,
        bound: &[u8],
        said: usize,
    ) -> Option<(LeadId, Vec<u8>)> {
        // What is longer is none, and need not be decoded.
        let bytes = (token.len() <= 64).then(|| URL_SAFE_NO_PAD.decode(token).ok()).flatten()?;
        if bytes.len() != LEAD + said + MARK {
            return None;
        }
        let (lead, rest) = bytes.split_first_chunk::<LEAD>()?;
        let (said, mark) = rest.split_at_checked(said)?;
        // Compared in constant time.
        self.mark(what, site, &[lead, said, bound]).verify_truncated_left(mark).ok()?;
        let lead = LeadId::parse(&format!("l_{:032x}", u128::from_be_bytes(*lead)))?;
        Some((lead, said.to_vec()))
    }

    /// `what` keeps one use of the key apart from the others; the parts before the last have a fixed length each.
    fn mark(&self, what: &[u8], site: SiteNumber, parts: &[&[u8]; 3]) -> Mac256 {
        let mut mac = keys::hmac(&self.lookup);
        mac.update(&site.to_be_bytes());
        mac.update(what);
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

/// A lead's id in few bytes.
fn bytes_of(lead: &LeadId) -> Option<[u8; LEAD]> {
    let hex = lead.as_str().strip_prefix("l_").filter(|hex| hex.len() == 2 * LEAD)?;
    let is_plain = hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    u128::from_str_radix(hex, 16).ok().filter(|_| is_plain).map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        store::{Store, kv::KvStore, memory::Memory},
        vault::keys::MasterKey,
    };

    async fn vault() -> Vault {
        let store: Arc<dyn Store> = Arc::new(KvStore::open(Memory::default()).unwrap());
        Vault::open(store, &[MasterKey::from_bytes([1; 32])]).await.unwrap()
    }

    #[tokio::test]
    async fn a_token_says_whom_for_its_message_and_its_site_alone() {
        let (vault, other) = (vault().await, vault().await);
        let lead = LeadId::of_event("p-1");
        let token = vault.recipient_token(1, "otono", &lead).unwrap();
        assert!(wire::id::is_valid(&token), "it stands in an address as it is: {token}");
        assert_eq!(vault.recipient(1, "otono", &token), Some(lead.clone()));
        assert_eq!(vault.recipient(2, "otono", &token), None);
        assert_eq!(vault.recipient(1, "otono2", &token), None);
        assert_eq!(other.recipient(1, "otono", &token), None, "another store's");
        assert_eq!(vault.landing(1, &token, 0), None, "one use is not another");
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(vault.recipient(1, "otono", std::str::from_utf8(&changed).unwrap()), None, "{at}");
        }
        for bad in
            ["", "x", &token[1..], &format!("{token}A"), &"A".repeat(43), &"é".repeat(20), &"A".repeat(9999)]
        {
            assert_eq!(vault.recipient(1, "otono", bad), None, "{bad}");
        }
        assert_eq!(vault.recipient_token(1, "otono", &LeadId::parse("l_X").unwrap()), None);
    }

    #[tokio::test]
    async fn what_a_page_is_told_holds_for_an_hour() {
        let vault = vault().await;
        let (lead, minute) = (LeadId::of_event("p-1"), 60_000);
        let now = 1_795_310_400_000;
        let token = vault.landing_token(1, &lead, now).unwrap();
        for (later, holds) in [(0, true), (59 * minute, true), (61 * minute, false), (-2 * minute, false)] {
            assert_eq!(vault.landing(1, &token, now + later).is_some(), holds, "{later}");
        }
        assert_eq!(vault.landing(2, &token, now), None);
        assert_eq!(vault.recipient(1, "", &token), None);
    }
}
