//! What a click on a link is, by `wire`'s classifier.

use wire::{
    event::Kind,
    links::{Link, classify},
};

/// The kind of a click and the fields that tell it from others, as lines: the kind, then a name and its value in turn.
/// Empty for a link that stays on the site or leads nowhere: that is a click like any other.
#[must_use]
pub fn describe(href: &str, own: &[String]) -> String {
    let (kind, name, value) = match classify(href, own) {
        Link::Call { number } => (Kind::CallClick, "\nnumber\n", Some(number)),
        Link::Sms { to } => (Kind::SmsClick, "\nto\n", Some(to)),
        Link::Email { to } => (Kind::EmailClick, "\nto\n", Some(to)),
        Link::Chat { app, to } => {
            let mut out = String::from(Kind::ChatClick.as_str());
            out.push_str("\napp\n");
            out.push_str(app.as_str());
            if let Some(to) = to {
                out.push_str("\nto\n");
                out.push_str(&to);
            }
            return out;
        }
        Link::Download { asset } => (Kind::Download, "\nasset\n", Some(asset)),
        Link::Outbound => (Kind::OutboundClick, "", None),
        Link::Internal | Link::Nothing => return String::new(),
    };
    let mut out = String::from(kind.as_str());
    out.push_str(name);
    out.push_str(&value.unwrap_or_default());
    out
}
