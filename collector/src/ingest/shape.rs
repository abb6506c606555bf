//! What a beacon looks like, for the API's document. It is read by `wire`, event by event; this says what a client may send.

#![expect(dead_code, reason = "the document alone is made of it")]

use utoipa::ToSchema;

/// A beacon.
#[derive(ToSchema)]
#[schema(as = Beacon, example = json!({
    "v": 1, "visitor": "0193f6e2-8f5e-7cc1-b1ff-0242ac120002", "sent": 1_795_310_400_123_i64, "mode": "full", "choice": "explicit",
    "context": {"lang": "es-MX", "screen": "390x844", "tz": "America/Mexico_City"},
    "events": [{"id": "0193f6e2-8f5e-7cc1-b1ff-0242ac12aaaa-0", "at": 1_795_310_400_001_i64,
        "page": "0193f6e2-8f5e-7cc1-b1ff-0242ac12aaaa", "kind": "page_view", "url": "https://www.example.com/", "title": "Inicio"}],
}))]
pub(super) struct BeaconShape {
    /// The version of the contract: 1.
    v: u32,
    /// Who the page takes the browser for: 1 to 64 of A-Z a-z 0-9 _ -. The cookie wins over it. In full mode only.
    visitor: Option<String>,
    /// The page's clock when it sent, ms since the epoch; absent, the events' own times stand.
    sent: Option<i64>,
    /// full, anonymous or off: what the page believes the visitor allows.
    mode: Option<String>,
    /// default, signal or explicit: why it believes so.
    choice: Option<String>,
    /// wasm, fallback or guard: which part of the tracker speaks.
    via: Option<String>,
    context: Option<ContextShape>,
    /// At most 200.
    events: Vec<EventShape>,
}

/// The page's surroundings.
#[derive(ToSchema)]
#[schema(as = BeaconContext)]
pub(super) struct ContextShape {
    /// BCP 47.
    lang: Option<String>,
    /// Width and height in CSS pixels; in anonymous mode small, medium or large.
    screen: Option<String>,
    /// IANA. Not in anonymous mode.
    tz: Option<String>,
}

/// An event. What else it has depends on its kind: docs/beacon.md has a table.
#[derive(ToSchema)]
#[schema(as = BeaconEvent)]
pub(super) struct EventShape {
    /// 1 to 64 of A-Z a-z 0-9 _ -, of its own for ever: the tracker's are the page view's and a number.
    id: String,
    /// When, ms since the epoch.
    at: i64,
    /// The page view's id.
    page: String,
    /// page_view, page_leave, click, cta_view, cta_click, call_click, chat_click, email_click, sms_click, outbound_click,
    /// download, form_view, form_start, form_abandon, form_error, form_submit, form_success, purchase, custom, identify, consent,
    /// tracker_error.
    kind: String,
}
