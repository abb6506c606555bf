//! What makes an e-mail address or a telephone number usable, and the one spelling that it is known by.

use std::str::FromStr as _;

use crate::domain::event::IdentifierKind;

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
/// dialled. Mobile numbers of Mexico and Brazil that are written as they were before 2019 and 2016 are brought up to date.
#[must_use]
pub fn phone(raw: &str, region: &str) -> Option<String> {
    let raw = raw.trim();
    // An international number is written with `+`, or with `00` where people dial that.
    let international = raw.strip_prefix("00").map(|rest| format!("+{rest}"));
    let text = international.as_deref().unwrap_or(raw);
    dialled(text, region).or_else(|| dialled(&mended(text, false)?, region))
}

/// The number that a WhatsApp account goes by, in E.164. It comes international and without `+`, as `wa_id` or as
/// `whatsapp:+…`; Mexico's still has the 1 of old (`521…`), Brazil's may lack the ninth digit.
#[must_use]
pub fn whatsapp(raw: &str, region: &str) -> Option<String> {
    let raw = raw.trim();
    let raw = raw.get(..9).filter(|start| start.eq_ignore_ascii_case("whatsapp:")).map_or(raw, |_| &raw[9..]);
    let raw = raw.split('@').next().unwrap_or(raw).trim();
    let bare = raw.len() >= 11 && raw.bytes().all(|byte| byte.is_ascii_digit()) && !raw.starts_with("00");
    let international = if bare { format!("+{raw}") } else { raw.to_owned() };
    let mended = mended(&international, true);
    let read = |text: &str| phone(text, region);
    mended.as_deref().and_then(read).or_else(|| read(&international)).or_else(|| read(raw))
}

/// What a number in E.164 is found by. Argentina's mobile numbers are known with the 9 abroad and without it at home.
#[must_use]
pub fn phone_key(e164: &str) -> String {
    match e164.strip_prefix("+549") {
        Some(rest) if rest.len() == 10 => format!("+54{rest}"),
        _ => e164.to_owned(),
    }
}

/// A number in E.164 as diallers want it: the country's code, and the number as it is dialled within the country, both in
/// digits. `None` where it is none.
#[must_use]
pub fn halves(e164: &str) -> Option<(String, String)> {
    let number = phonenumber::parse(None, e164).ok()?;
    Some((number.code().value().to_string(), number.national().to_string()))
}

fn dialled(text: &str, region: &str) -> Option<String> {
    let region = phonenumber::country::Id::from_str(region).ok();
    let number = phonenumber::parse(region, text).ok()?;
    number.is_valid().then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

/// An international number of old as it is today; `None` where there is nothing to mend. A number of eight digits in
/// Brazil that begins with 7 may be a landline's, unless it is `mobile`.
fn mended(text: &str, mobile: bool) -> Option<String> {
    let digits: String = text.strip_prefix('+')?.chars().filter(char::is_ascii_digit).collect();
    if let Some(rest) = digits.strip_prefix("521").filter(|rest| rest.len() == 10) {
        return Some(format!("+52{rest}"));
    }
    let (area, number) = digits.strip_prefix("55").filter(|rest| rest.len() == 10)?.split_at(2);
    let old = number.starts_with(['6', '8', '9']) || (mobile && number.starts_with('7'));
    old.then(|| format!("+55{area}9{number}"))
}

/// An identifier as those see it who may know that it is one, and not whose: what is left of it tells apart at a glance and
/// reaches nobody.
#[must_use]
pub fn masked(kind: IdentifierKind, value: &str) -> String {
    let first = |text: &str| text.chars().take(1).collect::<String>();
    match kind {
        IdentifierKind::Email => {
            let (user, domain) = value.rsplit_once('@').unwrap_or((value, ""));
            let (name, top) = domain.rsplit_once('.').unwrap_or((domain, ""));
            format!("{}***@{}***.{top}", first(user), first(name))
        }
        IdentifierKind::Phone => match phonenumber::parse(None, value) {
            Ok(number) => {
                let digits: Vec<char> = number.national().to_string().chars().collect();
                let end = digits.len().saturating_sub(1);
                let mut masked = format!("+{}", number.code().value());
                for (index, digit) in digits.into_iter().enumerate() {
                    if index % 3 == 0 {
                        masked.push(' ');
                    }
                    masked.push(if index == 0 || index == end { digit } else { '*' });
                }
                masked
            }
            Err(_) => "***".to_owned(),
        },
        IdentifierKind::UserId => format!("{}***", first(value)),
        IdentifierKind::Chat => format!("{}:***", value.split_once(':').map_or("", |(app, _)| app)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_masked_tells_apart_and_reaches_nobody() {
        let cases = [
            (IdentifierKind::Email, "ana.lopez@example.com", "a***@e***.com"),
            (IdentifierKind::Email, "a@mail.example.co.uk", "a***@m***.uk"),
            (IdentifierKind::Email, "nobody", "n***@***."),
            (IdentifierKind::Phone, "+34600000000", "+34 6** *** **0"),
            (IdentifierKind::Phone, "+525550000009", "+52 5** *** *** 9"),
            (IdentifierKind::Phone, "600", "***"),
            (IdentifierKind::UserId, "cliente-4711", "c***"),
            (IdentifierKind::UserId, "", "***"),
            (IdentifierKind::Chat, "messenger:2400000000000001", "messenger:***"),
        ];
        for (kind, value, expected) in cases {
            assert_eq!(masked(kind, value), expected, "{value}");
        }
    }

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

    #[test]
    fn a_number_has_two_halves() {
        for (number, code, national) in [
            ("+34600000000", "34", "600000000"),
            ("+525550000000", "52", "5550000000"),
            ("+390600000000", "39", "0600000000"),
        ] {
            assert_eq!(halves(number), Some((code.to_owned(), national.to_owned())));
        }
        assert_eq!(halves("600"), None);
    }

    #[test]
    fn whatsapp_numbers_are_the_telephone_s() {
        let cases = [
            // Mexico: the 1 after 52 is WhatsApp's alone.
            ("5215550000000", "MX", Some("+525550000000")),
            ("+52 1 55 5000 0000", "ES", Some("+525550000000")),
            ("525550000000", "MX", Some("+525550000000")),
            ("whatsapp:+5215550000000", "MX", Some("+525550000000")),
            ("5550000000", "MX", Some("+525550000000")),
            // Argentina: the 9 stays.
            ("5491155550000", "AR", Some("+5491155550000")),
            ("+54 9 11 5555 0000", "ES", Some("+5491155550000")),
            // Brazil: the ninth digit is filled in.
            ("551187650000", "BR", Some("+5511987650000")),
            ("5511987650000", "BR", Some("+5511987650000")),
            ("551177650000", "BR", Some("+5511977650000")),
            ("551133330000", "BR", Some("+551133330000")),
            // Spain, and who writes it as at home.
            ("34600000000", "ES", Some("+34600000000")),
            ("34600000000@s.whatsapp.net", "ES", Some("+34600000000")),
            ("600 000 000", "ES", Some("+34600000000")),
            ("WhatsApp:+34600000000", "MX", Some("+34600000000")),
            ("0034600000000", "MX", Some("+34600000000")),
            ("123", "ES", None),
            ("", "ES", None),
            ("whatsapp:", "ES", None),
            ("áááááááááá", "ES", None),
        ];
        for (raw, region, expected) in cases {
            assert_eq!(whatsapp(raw, region).as_deref(), expected, "{raw} in {region}");
        }
        assert_eq!(phone("+52 1 55 5000 0000", "MX").as_deref(), Some("+525550000000"));
        assert_eq!(phone("+55 11 8765-0000", "BR").as_deref(), Some("+5511987650000"));
    }

    #[test]
    fn a_number_is_found_however_it_was_given() {
        let key = |raw: &str, region: &str| phone(raw, region).map(|number| phone_key(&number));
        let abroad = whatsapp("5491155550000", "AR").map(|number| phone_key(&number));
        assert_eq!(key("11 5555-0000", "AR"), abroad);
        assert_eq!(key("011 15 5555-0000", "AR"), abroad);
        assert_eq!(phone_key("+34600000000"), "+34600000000");
    }
}
