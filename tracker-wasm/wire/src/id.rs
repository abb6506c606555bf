//! What an id may look like, and the numbering of events within a page view.

use crate::limits;

/// Event, page and visitor ids: 1..=64 characters of `[A-Za-z0-9_-]`.
#[must_use]
pub fn is_valid(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= limits::ID
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Site slugs: 1..=32 characters of `[a-z0-9-]`.
#[must_use]
pub fn is_valid_site(slug: &str) -> bool {
    !slug.is_empty()
        && slug.len() <= limits::SITE
        && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The number `n` of an event id of the form `<page>-<n>`: 0..=4095 without leading zeros, where `<page>` is the
/// event's own page view. `None` means that the id is opaque: it is as unique, but costs a key of its own.
#[must_use]
pub fn event_number(page: &str, id: &str) -> Option<u16> {
    let digits = id.strip_prefix(page)?.strip_prefix('-')?;
    if digits.is_empty() || digits.len() > 4 || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    let mut number: u16 = 0;
    for byte in digits.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u16::from(byte - b'0');
    }
    (number <= limits::PAGE_EVENT_MAX).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_plain() {
        for good in ["a", "0193f6e2-8f5e-7cc1-b1ff-0242ac120002", "A_b-9", &"x".repeat(64)] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "a b", "ñ", "a.b", "a/b", "a\0", &"x".repeat(65)] {
            assert!(!is_valid(bad), "{bad:?}");
        }
    }

    #[test]
    fn site_slugs_are_lower_case() {
        assert!(is_valid_site("acme-2"));
        for bad in ["", "Acme", "a_b", "a.b", &"x".repeat(33)] {
            assert!(!is_valid_site(bad), "{bad:?}");
        }
    }

    #[test]
    fn event_numbers_belong_to_their_page_and_have_one_spelling() {
        assert_eq!(event_number("p", "p-0"), Some(0));
        assert_eq!(event_number("p", "p-4095"), Some(4095));
        assert_eq!(event_number("0193-a", "0193-a-17"), Some(17));
        for opaque in ["p-4096", "p-00", "p-01", "p-", "p", "q-1", "p-1a", "p--1", "p-99999", "pp-1"] {
            assert_eq!(event_number("p", opaque), None, "{opaque}");
        }
    }
}
