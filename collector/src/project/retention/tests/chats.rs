//! Chats in the worlds of these tests.

use super::*;
use crate::domain::chat::{ChatApp, Found, Message};

/// A message about a lead that a server told of, or about none; some lead to a browser.
pub(super) fn message(
    index: usize,
    (who, page, number, day): (u8, u8, u16, i64),
    (at, received_at): (i64, i64),
) -> Entry {
    Entry::Message(Message {
        lead: (number > 0).then(|| LeadId::of_record("lead", &format!("crm{who}{page}{}", day / 20))),
        app: ChatApp::Whatsapp,
        at,
        received_at,
        personal: Personal {
            vault: Some(reference(index)),
            identifiers: vec![Identifier { kind: IdentifierKind::Phone, token: Token([page; 16]) }],
        },
        note: None,
        chat_ref: Some(format!("7K3QX{page}")),
        external_id: format!("m{index}"),
        answer: Found {
            visitor: (who < 2).then(|| Id::parse(&format!("v{who}")).unwrap()),
            was_known: who == 0,
            ..Found::default()
        },
    })
}

/// A click on a link to a chat.
pub(super) fn click(own: &str, page: u8, number: u16, at: i64) -> Event {
    let (app, chat_ref) = ("whatsapp".to_owned(), Some(format!("7k3qx{page}")));
    event(own, number, at, Detail::ChatClick { app, to: None, chat_ref, cta: None })
}
