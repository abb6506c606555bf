//! Reads of how often forms are sent.

use std::{collections::BTreeMap, ops::RangeInclusive};

use super::{StoreError, engine::Engine, keys, reads::row};
use crate::domain::{
    fact::SiteNumber,
    silence::{FormHours, Hour},
};

fn damaged() -> StoreError {
    StoreError::Damaged("a form's key".to_owned())
}

/// The forms that were ever sent, with their first hour and their last: a look at each form, not at each hour.
pub(super) fn forms(engine: &dyn Engine, site: SiteNumber, max: usize) -> Result<Vec<FormHours>, StoreError> {
    let prefix = keys::form_pulses(site);
    let end = keys::after_prefix(&prefix);
    let mut from = prefix;
    let mut found = Vec::new();
    while found.len() < max {
        let Some((key, _)) = engine.scan(&from, &end, 1)?.pop() else { break };
        let (form, first) = keys::form_and_hour(&key).ok_or_else(damaged)?;
        let of_form = keys::hours_of_form(site, form);
        let behind = keys::after_prefix(&of_form);
        let (last, _) = engine.last(&of_form, &behind)?.ok_or_else(damaged)?;
        let (_, last) = keys::form_and_hour(&last).ok_or_else(damaged)?;
        found.push(FormHours { form: form.to_owned(), first, last });
        from = behind;
    }
    Ok(found)
}

/// How often a form was sent in each of some hours; those in which it was not are left out.
pub(super) fn pulse(
    engine: &dyn Engine,
    site: SiteNumber,
    form: &str,
    hours: RangeInclusive<Hour>,
) -> Result<BTreeMap<Hour, u64>, StoreError> {
    let from = keys::form_pulse(site, form, *hours.start());
    let end = keys::after_prefix(&keys::form_pulse(site, form, *hours.end()));
    // There is a row for each hour at most.
    let most = hours.count();
    let read = |(key, value): &(Vec<u8>, Vec<u8>)| {
        let (_, hour) = keys::form_and_hour(key).ok_or_else(damaged)?;
        Ok((hour, row(value)?))
    };
    engine.scan(&from, &end, most)?.iter().map(read).collect()
}
