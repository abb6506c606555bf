//! The site's public config: read field by field, since a deserializer would weigh more than the core.

use wasm_bindgen::prelude::wasm_bindgen;
use wire::beacon::ConsentDefault;

#[wasm_bindgen]
extern "C" {
    /// What the loader passes on. The lists come as one text each, a line an entry.
    pub type Raw;

    /// wait, off, anonymous or full.
    #[wasm_bindgen(method, getter)]
    pub fn consent(this: &Raw) -> Option<String>;
    /// The site's own domains.
    #[wasm_bindgen(method, getter)]
    pub fn own(this: &Raw) -> Option<String>;
    /// Query keys that the site wants kept.
    #[wasm_bindgen(method, getter)]
    pub fn kept(this: &Raw) -> Option<String>;
    /// Whether anonymous mode keeps `utm_*`.
    #[wasm_bindgen(method, getter)]
    pub fn anonymous_utm(this: &Raw) -> bool;
}

/// What the site decided for every visitor. Whatever is missing or of another type takes the safe default.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// What holds until the visitor chooses.
    pub consent: ConsentDefault,
    /// The site's own domains: links to them are internal.
    pub domains: Vec<String>,
    /// Query keys that the site wants kept beside the known ones.
    pub keys: Vec<String>,
    /// Whether anonymous mode keeps `utm_*`.
    pub anonymous_utm: bool,
}

impl Config {
    /// Reads what the collector served.
    #[must_use]
    pub fn read(from: &Raw) -> Self {
        Self {
            consent: match from.consent().as_deref() {
                Some("full") => ConsentDefault::Full,
                Some("anonymous") => ConsentDefault::Anonymous,
                Some("off") => ConsentDefault::Off,
                _ => ConsentDefault::Wait,
            },
            domains: lines(from.own()),
            keys: lines(from.kept()),
            anonymous_utm: from.anonymous_utm(),
        }
    }
}

fn lines(text: Option<String>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for letter in text.unwrap_or_default().chars() {
        if letter == '\n' {
            lines.push(std::mem::take(&mut line));
        } else {
            line.push(letter);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}
