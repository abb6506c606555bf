//! Keys of how often forms are sent.

use super::{FORM_PULSE, Hour, SiteNumber, key, with};

/// Every hour of every form.
#[must_use]
pub fn form_pulses(site: SiteNumber) -> Vec<u8> {
    key(site, FORM_PULSE)
}

/// Every hour of a form.
#[must_use]
pub fn hours_of_form(site: SiteNumber, form: &str) -> Vec<u8> {
    with(with(form_pulses(site), form.as_bytes()), &[0])
}

/// How often a form was sent in an hour.
#[must_use]
pub fn form_pulse(site: SiteNumber, form: &str, hour: Hour) -> Vec<u8> {
    with(hours_of_form(site, form), &hour.to_be_bytes())
}

/// The form and the hour in such a key.
#[must_use]
pub fn form_and_hour(key: &[u8]) -> Option<(&str, Hour)> {
    let (form, hour) = key.get(4 + 1..)?.split_last_chunk()?;
    let form = form.strip_suffix(&[0])?;
    Some((std::str::from_utf8(form).ok()?, Hour::from_be_bytes(*hour)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_s_hours_stand_together_and_are_no_other_s() {
        let key = form_pulse(1, "te-llamamos", 7);
        assert_eq!(form_and_hour(&key), Some(("te-llamamos", 7)));
        assert_eq!(form_and_hour(&form_pulse(1, "", 0)), Some(("", 0)));
        assert!(!form_pulse(1, "te-llamamos2", 7).starts_with(&hours_of_form(1, "te-llamamos")));
        assert!(form_pulse(1, "a", 1) < form_pulse(1, "a", 2) && form_and_hour(&key[..6]).is_none());
    }
}
