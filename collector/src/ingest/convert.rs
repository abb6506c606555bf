//! Wire types become domain types here, and nowhere else.

use wire::{
    beacon::Mode,
    event::{self as wire_event, Event as WireEvent, Kind},
};

use crate::domain::{
    event::{Consent, Contact, Cta, Detail, Event, Form, Item, LeadKind, Personal, Prop, Submission, Target},
    fact::Context,
    id::{EventId, Id},
};

/// An event that `wire::normalise` has passed, as the domain knows it; what it holds is moved, not copied. `at` is
/// the corrected time. Personal data stays behind: [`super::enrich`] seals it and fills in the references. `None`
/// where the event was not normalised.
pub fn event(wire: &mut WireEvent, kind: Kind, at: i64) -> Option<Event> {
    let raw_at = wire.at.filter(|raw| *raw != at);
    Some(Event {
        id: EventId::parse(&wire.page, &wire.id)?,
        page: Id::parse(&wire.page)?,
        at,
        raw_at,
        detail: detail(wire, kind)?,
    })
}

fn detail(wire: &mut WireEvent, kind: Kind) -> Option<Detail> {
    let form = |wire: &mut WireEvent| {
        Some(Form { form: wire.form.take()?, field: wire.field.take(), fields_filled: wire.fields_filled })
    };
    let target = |wire: &mut WireEvent| Some(Target { href: wire.href.take()?, asset: wire.asset.take() });
    let contact = |wire: &mut WireEvent| Some(Contact { to: wire.to.take()?, cta: wire.cta.take() });
    Some(match kind {
        Kind::PageView => Detail::PageView {
            url: wire.url.take()?,
            title: wire.title.take(),
            referrer: wire.referrer.take(),
        },
        Kind::PageLeave => {
            let scroll_pct = wire.scroll_pct.unwrap_or(0);
            Detail::PageLeave { engaged_ms: wire.engaged_ms?, scroll_pct, title: wire.title.take() }
        }
        Kind::Click => {
            Detail::Click { target: wire.target.take(), text: wire.text.take(), href: wire.href.take() }
        }
        Kind::CtaView => Detail::CtaView(Cta { cta: wire.cta.take()?, href: wire.href.take() }),
        Kind::CtaClick => Detail::CtaClick(Cta { cta: wire.cta.take()?, href: wire.href.take() }),
        Kind::CallClick => Detail::CallClick { number: wire.number.take()?, cta: wire.cta.take() },
        Kind::ChatClick => Detail::ChatClick {
            app: wire.app.take()?,
            to: wire.to.take(),
            chat_ref: wire.chat_ref.take(),
            cta: wire.cta.take(),
        },
        Kind::EmailClick => Detail::EmailClick(contact(wire)?),
        Kind::SmsClick => Detail::SmsClick(contact(wire)?),
        Kind::OutboundClick => Detail::OutboundClick(target(wire)?),
        Kind::Download => Detail::Download(target(wire)?),
        Kind::FormView => Detail::FormView(form(wire)?),
        Kind::FormStart => Detail::FormStart(form(wire)?),
        Kind::FormAbandon => Detail::FormAbandon(form(wire)?),
        Kind::FormError => Detail::FormError(form(wire)?),
        Kind::FormSubmit => Detail::FormSubmit {
            form: wire.form.take()?,
            fields_filled: wire.fields_filled,
            inferred: wire.inferred.unwrap_or(false),
            lead: wire.lead.as_mut().and_then(submission),
        },
        Kind::FormSuccess => Detail::FormSuccess { form: wire.form.take()?, submit: wire.submit.take()? },
        Kind::Purchase => Detail::Purchase {
            order_id: wire.order_id.take()?,
            amount: wire.amount?,
            currency: wire.currency.take()?,
            items: wire.items.take().unwrap_or_default().into_iter().map(item).collect(),
        },
        Kind::Custom => Detail::Custom {
            name: wire.name.take()?,
            props: wire
                .props
                .take()
                .unwrap_or_default()
                .into_iter()
                .map(|(name, value)| (name, prop(value)))
                .collect(),
        },
        Kind::Identify => Detail::Identify { personal: Personal::default() },
        Kind::Consent => Detail::Consent {
            mode: match wire.mode.take()?.as_str() {
                "off" => Mode::Off,
                "anonymous" => Mode::Anonymous,
                "full" => Mode::Full,
                _ => return None,
            },
            text_version: wire.text_version.take(),
            purposes: wire.purposes.take().unwrap_or_default(),
        },
        Kind::TrackerError => {
            Detail::TrackerError { code: wire.code.take()?, count: wire.count.unwrap_or(1) }
        }
    })
}

fn submission(lead: &mut wire_event::Lead) -> Option<Submission> {
    let consent = lead
        .consent
        .take()
        .map(|consent| Consent { text_version: consent.text_version, purposes: consent.purposes });
    Some(Submission {
        kind: match lead.kind.as_str() {
            "form" => LeadKind::Form,
            "callback" => LeadKind::Callback,
            _ => return None,
        },
        personal: Personal::default(),
        consent,
        magnet: lead.magnet.take(),
        flags: Vec::new(),
    })
}

fn item(item: wire_event::Item) -> Item {
    Item { id: item.id, name: item.name, quantity: item.quantity, price: item.price }
}

fn prop(prop: wire_event::Prop) -> Prop {
    match prop {
        wire_event::Prop::Bool(value) => Prop::Bool(value),
        wire_event::Prop::Int(value) => Prop::Int(value),
        wire_event::Prop::Number(value) => Prop::Number(value),
        wire_event::Prop::Text(value) => Prop::Text(value),
    }
}

/// The page's surroundings; texts longer than any honest one are cut.
#[must_use]
pub fn context(wire: wire::beacon::Context) -> Context {
    let cut = |text: Option<String>| {
        text.map(|mut text| {
            text.retain(|c| !c.is_control());
            text.truncate(text.floor_char_boundary(64));
            text
        })
    };
    Context { lang: cut(wire.lang), screen: cut(wire.screen), tz: cut(wire.tz) }
}
