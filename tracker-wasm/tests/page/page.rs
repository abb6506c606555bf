//! The page of the tests: `page.js`, and what was sent as `wire`'s own types.

use js_sys::{Array, Object, Promise, Reflect};
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use wire::{
    beacon::{Beacon, Mode},
    event::{Event, Kind},
    normalise::normalise,
    redact::Rules,
};

// Each file of the tracker is named once, so that all of them are served to the page.
#[wasm_bindgen(module = "/js/tracker.js")]
extern "C" {
    #[wasm_bindgen(js_name = tracker)]
    fn _tracker();
}
#[wasm_bindgen(module = "/js/raw.js")]
extern "C" {
    #[wasm_bindgen(js_name = isClickId)]
    pub(crate) fn is_click_id(key: &str) -> bool;
    #[wasm_bindgen(js_name = isPlain)]
    pub(crate) fn is_plain(text: &str, address: bool) -> bool;
    #[wasm_bindgen(js_name = rawAddress)]
    fn raw_address_of(url: &str, full: bool, config: &JsValue) -> String;
}

/// What the loader alone leaves of an address.
pub(crate) fn raw_address(url: &str, full: bool, keys: &[String], anonymous_utm: bool) -> String {
    let config = Object::new();
    let keys: Array = keys.iter().map(|key| JsValue::from(key.as_str())).collect();
    Reflect::set(&config, &"keys".into(), &keys).unwrap();
    Reflect::set(&config, &"anonymous_utm".into(), &anonymous_utm.into()).unwrap();
    raw_address_of(url, full, &config)
}

#[wasm_bindgen(module = "/js/phone.js")]
extern "C" {
    #[wasm_bindgen(js_name = phones)]
    fn _phones();
}
#[wasm_bindgen(module = "/js/road.js")]
extern "C" {
    #[wasm_bindgen(js_name = road)]
    fn _road();
}
#[wasm_bindgen(module = "/js/pages.js")]
extern "C" {
    #[wasm_bindgen(js_name = pages)]
    fn _pages();
}
#[wasm_bindgen(module = "/js/roots.js")]
extern "C" {
    #[wasm_bindgen(js_name = roots)]
    fn _roots();
}
#[wasm_bindgen(module = "/js/clicks.js")]
extern "C" {
    #[wasm_bindgen(js_name = clicks)]
    fn _clicks();
}
#[wasm_bindgen(module = "/js/chat.js")]
extern "C" {
    #[wasm_bindgen(js_name = refer)]
    fn _chat();
}
#[wasm_bindgen(module = "/js/forms.js")]
extern "C" {
    #[wasm_bindgen(js_name = forms)]
    fn _forms();
}
#[wasm_bindgen(module = "/js/fields.js")]
extern "C" {
    #[wasm_bindgen(js_name = gather)]
    fn _fields();
}
#[wasm_bindgen(module = "/js/sight.js")]
extern "C" {
    #[wasm_bindgen(js_name = sight)]
    fn _sight();
}
#[wasm_bindgen(module = "/js/layer.js")]
extern "C" {
    #[wasm_bindgen(js_name = layer)]
    fn _layer();
}
#[wasm_bindgen(module = "/js/link.js")]
extern "C" {
    #[wasm_bindgen(js_name = handOver)]
    fn _link();
}
#[wasm_bindgen(module = "/js/attention.js")]
extern "C" {
    #[wasm_bindgen(js_name = attention)]
    pub(crate) fn attention() -> js_sys::Function;
}
#[wasm_bindgen(module = "/js/element.js")]
extern "C" {
    #[wasm_bindgen(js_name = attr)]
    fn _element();
}
#[wasm_bindgen(module = "/js/device.js")]
extern "C" {
    #[wasm_bindgen(js_name = mint)]
    pub(crate) fn mint() -> String;
}

#[wasm_bindgen(module = "/tests/page/page.js")]
extern "C" {
    pub(crate) fn clean();
    #[wasm_bindgen(js_name = sent)]
    fn sent_raw() -> JsValue;
    #[wasm_bindgen(js_name = answer)]
    fn answer_raw(status: u32, headers: &JsValue, body: &JsValue);
    pub(crate) fn beacons(yes: bool);
    pub(crate) fn cores() -> u32;
    #[wasm_bindgen(js_name = start)]
    fn start_raw(config: &JsValue, core: &JsValue, more: &str) -> JsValue;
    pub(crate) fn tap(selector: &str, ago: u32);
    pub(crate) fn go(how: &str, to: &str);
    pub(crate) fn tell(json: &str);
    pub(crate) fn signal(yes: bool);
    pub(crate) fn title(text: &str);
    #[wasm_bindgen(js_name = followed)]
    fn followed_raw(selector: &str) -> Promise;
    #[wasm_bindgen(variadic, js_name = call)]
    fn call_raw(started: &JsValue, args: &JsValue);
    #[wasm_bindgen(js_name = stop)]
    fn stop_raw(started: &JsValue);
    pub(crate) fn show(html: &str);
    pub(crate) fn shadow(selector: &str, html: &str);
    #[wasm_bindgen(js_name = click)]
    fn click_raw(path: &str, kind: &str, button: u32);
    pub(crate) fn submit(path: &str);
    #[wasm_bindgen(js_name = type)]
    pub(crate) fn type_into(path: &str, value: &str);
    pub(crate) fn act(script: &str);
    pub(crate) fn hostile(selector: &str);
    pub(crate) fn uncaught() -> u32;
    #[wasm_bindgen(js_name = fire)]
    fn fire_raw(kind: &str, init: &JsValue);
    #[wasm_bindgen(js_name = sleep)]
    fn sleep_raw(ms: u32) -> Promise;
    #[wasm_bindgen(js_name = crowd)]
    fn crowd_raw(mode: &str, count: u32, size: u32) -> JsValue;
}

fn storage() -> web_sys::Storage {
    web_sys::window().unwrap().local_storage().unwrap().unwrap()
}

/// What the device keeps under a key.
pub(crate) fn kept(key: &str) -> Option<String> {
    storage().get_item(key).unwrap()
}

/// Keeps something on the device.
pub(crate) fn remember(key: &str, value: &str) {
    storage().set_item(key, value).unwrap();
}

/// A beacon that arrived.
#[derive(Debug, Deserialize)]
pub(crate) struct Post {
    /// beacon, keepalive or fetch
    pub(crate) how: String,
    /// include or omit
    pub(crate) credentials: String,
    /// The body's size.
    pub(crate) bytes: usize,
    body: Beacon<Event>,
}

impl Post {
    pub(crate) fn envelope(&self) -> &Beacon<Event> {
        &self.body
    }

    pub(crate) fn events(&self) -> &[Event] {
        &self.body.events
    }
}

fn posts(from: JsValue) -> Vec<Post> {
    serde_wasm_bindgen::from_value(from).expect("every beacon is one by wire's own types")
}

/// All that was sent so far.
pub(crate) fn sent() -> Vec<Post> {
    posts(sent_raw())
}

/// All that the road sends of so many events of so many bytes.
pub(crate) fn crowd(mode: &str, count: u32, size: u32) -> Vec<Post> {
    posts(crowd_raw(mode, count, size))
}

/// All events that were sent so far; a click on more than the site's own page as what the collector makes of it.
pub(crate) fn events() -> Vec<Event> {
    let rules = Rules { mode: Mode::Full, query_keys: &[], anonymous_utm: true };
    let read = |raw: Event| {
        let mut event = raw.clone();
        let kind = normalise(&mut event, rules, &["localhost"]);
        if raw.kind == "click" && kind != Ok(Kind::Click) { event } else { raw }
    };
    sent().into_iter().flat_map(|post| post.body.events).map(read).collect()
}

/// The events of a kind that were sent so far.
pub(crate) fn of_kind(kind: &str) -> Vec<Event> {
    events().into_iter().filter(|event| event.kind == kind).collect()
}

/// What the collector says next.
pub(crate) fn answer(status: u32, header: Option<(&str, &str)>, body: Option<(&str, &str)>) {
    let object = |pair: Option<(&str, &str)>| {
        let object = Object::new();
        if let Some((key, value)) = pair {
            Reflect::set(&object, &key.into(), &value.into()).expect("a plain object");
        }
        object
    };
    answer_raw(status, &object(header), &object(body));
}

/// A running tracker; it ends with the test.
pub(crate) struct Tracker(JsValue);

impl Tracker {
    /// A new page of a site whose default is `consent`, with the core.
    pub(crate) fn start(consent: &str) -> Self {
        Self::of(consent, "{}")
    }

    /// The same with more configuration, as JSON.
    pub(crate) fn of(consent: &str, more: &str) -> Self {
        Self(start_raw(&config(consent), &core(), more))
    }

    /// The same where WebAssembly is refused.
    pub(crate) fn without_core(consent: &str) -> Self {
        Self(start_raw(&config(consent), &JsValue::NULL, "{}"))
    }

    /// The same where the core never comes.
    pub(crate) fn with_slow_core(consent: &str) -> Self {
        Self(start_raw(&config(consent), &JsValue::UNDEFINED, "{}"))
    }

    /// `traza("consent", …)`
    pub(crate) fn consent(&self, mode: &str) {
        call_raw(&self.0, &Array::of2(&"consent".into(), &mode.into()));
    }

    /// `traza("track", …)` with one property.
    pub(crate) fn track(&self, name: &str, key: &str, value: &JsValue) {
        let props = Object::new();
        Reflect::set(&props, &key.into(), value).expect("a plain object");
        call_raw(&self.0, &Array::of3(&"track".into(), &name.into(), &props));
    }

    /// `traza("lead", …)`, as JSON.
    pub(crate) fn lead(&self, json: &str) {
        let what = js_sys::JSON::parse(json).expect("JSON");
        call_raw(&self.0, &Array::of2(&"lead".into(), &what));
    }

    /// `traza("identify", {email})`
    pub(crate) fn identify(&self, email: &str) {
        let who = Object::new();
        Reflect::set(&who, &"email".into(), &email.into()).expect("a plain object");
        call_raw(&self.0, &Array::of2(&"identify".into(), &who));
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        stop_raw(&self.0);
    }
}

fn config(consent: &str) -> JsValue {
    let config = Object::new();
    let list = |entries: &[&str]| {
        JsValue::from(entries.iter().map(|entry| JsValue::from(*entry)).collect::<Array>())
    };
    for (key, value) in [
        ("consent", consent.into()),
        ("domains", list(&["example.com"])),
        ("keys", list(&["plan"])),
        ("lead_fields", list(&["city", "card_number"])),
        ("anonymous_utm", true.into()),
    ] {
        Reflect::set(&config, &key.into(), &value).expect("a plain object");
    }
    config.into()
}

/// What the loader gets from `enter`: this build's own exports.
fn core() -> JsValue {
    let core = Object::new();
    let put = |name: &str, function: JsValue| {
        Reflect::set(&core, &name.into(), &function).expect("a plain object");
    };
    put(
        "cut",
        Closure::<dyn Fn(String, JsValue) -> String>::new(|text: String, written: JsValue| {
            tracker_wasm::cut(&text, written.is_truthy())
        })
        .into_js_value(),
    );
    core.into()
}

/// A click with the left button.
pub(crate) fn click(path: &str) {
    click_raw(path, "click", 0);
}

/// A click with another button.
pub(crate) fn click_with(path: &str, button: u32) {
    click_raw(path, "auxclick", button);
}

/// `pagehide` or `pageshow`.
pub(crate) fn fire(kind: &str, persisted: bool) {
    let init = Object::new();
    Reflect::set(&init, &"persisted".into(), &persisted.into()).expect("a plain object");
    fire_raw(kind, &init);
}

/// A link's href while it is followed, and after.
pub(crate) async fn followed(selector: &str) -> (String, String) {
    let hrefs = followed_raw(selector).await.expect("a link");
    let text = |at| Reflect::get_u32(&hrefs, at).ok().and_then(|href| href.as_string()).unwrap_or_default();
    (text(0), text(1))
}

/// Lets the page go on for a while.
pub(crate) async fn pause(ms: u32) {
    sleep_raw(ms).await.expect("a timer");
}

/// Waits until something holds; a test that waits in vain fails.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        pause(25).await;
    }
    let sent: Vec<_> = events().into_iter().map(|event| event.kind).collect();
    panic!("in vain: {what}; sent: {sent:?}");
}
