//! Signatures by Standard Webhooks 1.0.0: `v1,` and the base64 of an HMAC-SHA-256 over id, time and body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::Mac as _;
use zeroize::Zeroizing;

use crate::vault::{Mac256, VaultError, random};

/// What a secret begins with.
pub const PREFIX: &str = "whsec_";
/// How many bytes a secret has.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret's bytes; `None` where it is not `whsec_` and 24 to 64 bytes in base64.
#[must_use]
pub fn bytes(secret: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = Zeroizing::new(STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?);
    BYTES.contains(&bytes.len()).then_some(bytes)
}

/// A new secret.
///
/// # Errors
/// Where the system has no random bytes.
pub fn new_secret() -> Result<String, VaultError> {
    Ok(format!("{PREFIX}{}", STANDARD.encode(random::<32>()?)))
}

/// The header `webhook-signature`: one signature for each secret, the newest first. `at` is the time of the attempt, in
/// seconds since the epoch.
#[must_use]
pub fn signatures<'a>(secrets: impl IntoIterator<Item = &'a str>, id: &str, at: i64, body: &[u8]) -> String {
    let sign = |secret: &str| {
        let mut mac = Mac256::new_from_slice(&bytes(secret)?).ok()?;
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    };
    secrets.into_iter().filter_map(sign).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answer of the crate `standardwebhooks` 1.0.1.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn a_signature_is_the_standard_s() {
        assert_eq!(signatures([SECRET], ID, AT, BODY), SIGNED);
        assert_ne!(signatures([SECRET], ID, AT + 1, BODY), SIGNED);
        assert_ne!(signatures([SECRET], "msg_x", AT, BODY), SIGNED);
        assert_ne!(signatures([SECRET], ID, AT, b"{}"), SIGNED);
    }

    #[test]
    fn several_secrets_sign_beside_each_other() {
        let new = new_secret().unwrap();
        let both = signatures([new.as_str(), SECRET], ID, AT, BODY);
        let both: Vec<_> = both.split(' ').collect();
        assert_eq!(both, [signatures([new.as_str()], ID, AT, BODY).as_str(), SIGNED]);
    }

    #[test]
    fn a_secret_is_neither_short_nor_long_nor_anything_else() {
        let of = |bytes: usize| format!("{PREFIX}{}", STANDARD.encode(vec![7; bytes]));
        for (secret, is_one) in [
            (of(23), false),
            (of(24), true),
            (of(64), true),
            (of(65), false),
            (SECRET.replace("whsec_", ""), false),
            ("whsec_not base64".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(bytes(&secret).is_some(), is_one, "{secret}");
        }
        assert_eq!(bytes(&new_secret().unwrap()).map(|bytes| bytes.len()), Some(32));
        assert_ne!(new_secret().unwrap(), new_secret().unwrap());
    }
}
