//! Keys of the references in chats.

use super::{CHAT_CLICK, CHAT_USE, SiteNumber, key, with};
use crate::domain::{chat::Clicked, fact::Position};

fn of(site: SiteNumber, tag: u8, chat_ref: &str) -> Vec<u8> {
    let mut key = with(key(site, tag), chat_ref.as_bytes());
    // No reference has a zero byte: none is taken for the beginning of another.
    key.push(0);
    key
}

/// All clicks on a reference: the newest has the smallest key.
#[must_use]
pub fn chat_clicks(site: SiteNumber, chat_ref: &str) -> Vec<u8> {
    of(site, CHAT_CLICK, chat_ref)
}

/// One of them.
#[must_use]
pub fn chat_click(site: SiteNumber, clicked: &Clicked) -> Vec<u8> {
    let descending = !(clicked.at.cast_unsigned() ^ (1 << 63));
    let key = with(chat_clicks(site, &clicked.chat_ref), &descending.to_be_bytes());
    with(key, &clicked.position.to_be_bytes())
}

/// All messages with a reference that led to a browser, in the order they came.
#[must_use]
pub fn chat_uses(site: SiteNumber, chat_ref: &str) -> Vec<u8> {
    of(site, CHAT_USE, chat_ref)
}

/// One of them.
#[must_use]
pub fn chat_use(site: SiteNumber, chat_ref: &str, position: Position) -> Vec<u8> {
    with(chat_uses(site, chat_ref), &position.to_be_bytes())
}
