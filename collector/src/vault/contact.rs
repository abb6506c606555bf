//! What makes an e-mail address or a telephone number usable, and the one spelling that it is known by.

use std::str::FromStr as _;

/// An e-mail address in its one spelling: no surrounding space, lower case. `None` where nobody could write to it.
/// Dots and `+tags` stay: for most providers they are another mailbox.
#[must_use]
pub fn email(raw: &str) -> Option<String> {
    let address = raw.trim().to_lowercase();
    let (user, domain) = address.rsplit_once('@')?;
    let plain = |text: &str| {
        !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\"[]\\".contains(c))
    };
    let labels = domain.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    });
    let good = !user.is_empty()
        && user.len() <= 64
        && !user.contains('@')
        && plain(user)
        && domain.contains('.')
        && domain.len() <= 253
        && labels;
    good.then_some(address)
}

/// A telephone number in E.164, read as somebody in `region` (ISO 3166) would mean it. `None` where it cannot be
/// dialled.
#[must_use]
pub fn phone(raw: &str, region: &str) -> Option<String> {
    let region = phonenumber::country::Id::from_str(region).ok();
    let raw = raw.trim();
    // An international number is written with `+`, or with `00` where people dial that.
    let international = raw.strip_prefix("00").map(|rest| format!("+{rest}"));
    let number = phonenumber::parse(region, international.as_deref().unwrap_or(raw)).ok()?;
    number.is_valid().then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_spelling() {
        assert_eq!(email(" Ana.Lopez+web@Example.COM ").as_deref(), Some("ana.lopez+web@example.com"));
        assert_eq!(email("ana@correo.example").as_deref(), Some("ana@correo.example"));
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in
            ["", "ana", "@example.com", "ana@", "ana@example", "a b@example.com", "a@b@example.com", &long]
        {
            assert_eq!(email(bad), None, "{bad:?}");
        }
        assert_eq!(email("ana@-example.com"), None);
        assert_eq!(email("ana@example..com"), None);
    }

    #[test]
    fn numbers_are_read_as_people_of_the_region_mean_them() {
        let cases = [
            ("600 000 000", "ES", Some("+34600000000")),
            ("+34 600 00 00 00", "MX", Some("+34600000000")),
            ("0034600000000", "ES", Some("+34600000000")),
            ("910 000 000", "ES", Some("+34910000000")),
            ("900 111 001", "ES", Some("+34900111001")),
            ("(55) 5000-0000", "MX", Some("+525550000000")),
            ("601 0000000", "CO", Some("+576010000000")),
            ("020 7946 0000", "GB", Some("+442079460000")),
            ("123", "ES", None),
            ("no lo doy", "ES", None),
            ("", "ES", None),
            ("+", "ES", None),
            ("000000000", "ES", None),
        ];
        for (raw, region, expected) in cases {
            assert_eq!(phone(raw, region).as_deref(), expected, "{raw} in {region}");
        }
        assert_eq!(phone("600000000", "no region"), None);
    }
}
