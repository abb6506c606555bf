//! The site's public config: read field by field, since a deserializer would weigh more than the core.

use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wire::beacon::ConsentDefault;

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
    /// Names of further form fields that a lead may carry.
    pub lead_fields: Vec<String>,
}

impl Config {
    /// Reads what the collector served.
    #[must_use]
    pub fn read(from: &JsValue) -> Self {
        let consent = match get(from, "consent").as_string().as_deref() {
            Some("full") => ConsentDefault::Full,
            Some("anonymous") => ConsentDefault::Anonymous,
            Some("off") => ConsentDefault::Off,
            _ => ConsentDefault::Wait,
        };
        Self {
            consent,
            domains: list(from, "domains"),
            keys: list(from, "keys"),
            anonymous_utm: get(from, "anonymous_utm").is_truthy(),
            lead_fields: list(from, "lead_fields"),
        }
    }
}

fn get(from: &JsValue, key: &str) -> JsValue {
    Reflect::get(from, &JsValue::from_str(key)).unwrap_or(JsValue::UNDEFINED)
}

fn list(from: &JsValue, key: &str) -> Vec<String> {
    let found = get(from, key);
    if !Array::is_array(&found) {
        return Vec::new();
    }
    let found: Array = found.unchecked_into();
    (0..found.length()).filter_map(|at| found.get(at).as_string()).collect()
}
