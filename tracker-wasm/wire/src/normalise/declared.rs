//! What a page declares in so many words: leads, purchases, custom properties.

use std::collections::BTreeMap;

use super::{
    Reject,
    fields::{clean, cut, name, reject},
};
use crate::{
    event::{Item, Lead, Prop},
    limits, redact,
};

/// Purposes of one consent; more are dropped.
const PURPOSES: usize = 20;

/// Cleans and cuts a text; absent where it is empty.
fn shorten(slot: &mut Option<String>, limit: usize) {
    *slot = slot.take().map(|text| short(text, limit)).filter(|text| !text.is_empty());
}

fn short(text: String, limit: usize) -> String {
    let mut text = clean(text);
    cut(&mut text, limit);
    text
}

/// Cuts a lead to its limits. Only its kind can be wrong: a lead that is too long is still a lead.
pub(super) fn lead(lead: &mut Lead) -> Result<(), Reject> {
    if lead.kind != "form" && lead.kind != "callback" {
        return Err(reject("lead.kind", "not one of form, callback"));
    }
    for slot in [&mut lead.name, &mut lead.email, &mut lead.phone, &mut lead.magnet] {
        shorten(slot, limits::LEAD_VALUE);
    }
    if let Some(consent) = &mut lead.consent {
        shorten(&mut consent.text_version, limits::NAME);
        purposes(&mut consent.purposes);
    }
    let mut fields = BTreeMap::new();
    for (key, value) in core::mem::take(&mut lead.fields) {
        let (key, value) = (short(key, limits::NAME), short(value, limits::LEAD_VALUE));
        if fields.len() < limits::LEAD_FIELDS && !key.is_empty() && !value.is_empty() {
            fields.entry(key).or_insert(value);
        }
    }
    lead.fields = fields;
    lead.flag = lead.flag.take().filter(|flag| flag == "test");
    Ok(())
}

/// Purposes agreed to, each once.
pub(super) fn purposes(purposes: &mut Vec<String>) {
    let mut kept: Vec<String> = Vec::new();
    for purpose in core::mem::take(purposes) {
        let purpose = short(purpose, limits::NAME);
        if !purpose.is_empty() && kept.len() < PURPOSES && !kept.contains(&purpose) {
            kept.push(purpose);
        }
    }
    *purposes = kept;
}

/// The lines of a purchase.
pub(super) fn items(items: &mut Vec<Item>) {
    for item in items {
        shorten(&mut item.id, limits::NAME);
        shorten(&mut item.name, limits::NAME);
    }
}

/// Custom properties: keys and texts cleaned and redacted.
pub(super) fn props(props: &mut BTreeMap<String, Prop>) -> Result<(), Reject> {
    if props.len() > limits::PROPS {
        return Err(reject("props", "more than 20"));
    }
    for (key, mut value) in core::mem::take(props) {
        let Some(key) = name("props", Some(key))? else { continue };
        if let Prop::Text(text) = &mut value {
            let long = clean(core::mem::take(text));
            if long.len() > limits::PROP_TEXT {
                return Err(reject("props", "a text longer than 256 bytes"));
            }
            *text = redact::text(&long);
        }
        if matches!(value, Prop::Number(number) if !number.is_finite()) {
            return Err(reject("props", "a number that is none"));
        }
        props.entry(redact::text(&key)).or_insert(value);
    }
    Ok(())
}
