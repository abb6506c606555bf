//! The inline guard's beacon (`www/guard.js`), written out as any other. The guard has 700 bytes, so what it sends is
//! short: `{"v":1,"page","m"?,"u","r","e":[[kind, at, href, cta, [lead, email, phone]]]}`, where `kind` is the
//! browser's name of what happened, `u` the page's address, `r` the referrer, and `m` a word of the visitor's own; no
//! address is `false`. Guards that were pasted earlier say `mode`, `url`, `referrer`, `events`.

use actix_web::web::Bytes;
use serde::Deserialize;
use serde_json::{Number, Value, json};

/// How the guard's beacons begin, and no other's: `page` is a field of events.
const BEGINNING: &[u8] = br#"{"v":1,"page":"#;

#[derive(Deserialize)]
struct Short {
    page: Number,
    #[serde(rename = "m", alias = "mode")]
    mode: Option<String>,
    #[serde(default, rename = "u", alias = "url")]
    url: Value,
    #[serde(default, rename = "r", alias = "referrer")]
    referrer: Value,
    #[serde(rename = "e", alias = "events")]
    events: Vec<Vec<Value>>,
}

/// A beacon of the guard's written out; any other body as it is, also one that only begins like the guard's: what is
/// wrong with it is said by whoever reads it next.
#[must_use]
pub fn expand(body: Bytes) -> Bytes {
    if !body.starts_with(BEGINNING) {
        return body;
    }
    let Ok(short) = serde_json::from_slice::<Short>(&body) else { return body };
    // It sends as its last event happens, so that one's time is the page's clock at sending.
    let sent = short.events.last().and_then(|event| event.get(1)).cloned();
    // `crypto.randomUUID` is not there on pages without https, and anything longer is too long for the guard: its random
    // number and the time together name the page view; of a fraction the digits.
    let random = short.page.to_string().replace(['.', '+'], "");
    let page = format!("{}-{random}", sent.as_ref().and_then(Value::as_u64).unwrap_or(0));
    let events: Vec<Value> =
        short.events.iter().enumerate().filter_map(|(n, event)| event_of(&short, &page, n, event)).collect();
    let choice = if short.mode.is_some() { "explicit" } else { "default" };
    let mut beacon = json!({ "v": 1, "sent": sent, "choice": choice, "via": "guard", "events": events });
    if let Some(mode) = short.mode {
        beacon["mode"] = mode.into();
    }
    beacon.to_string().into()
}

/// The `n`th event of a page view, as the tracker would have sent it raw. `None` for a click on no link and no call to
/// action, which the guard keeps for the loader alone.
fn event_of(short: &Short, page: &str, n: usize, event: &[Value]) -> Option<Value> {
    let part =
        |index: usize| event.get(index).filter(|part| !part.is_null() && *part != "" && *part != false);
    let mut out = json!({ "id": format!("{page}-{n}"), "page": page, "at": part(1) });
    match part(0).and_then(Value::as_str) {
        Some("pagehide") => {
            out["kind"] = "page_view".into();
            out["url"] = short.url.as_str().unwrap_or_default().into();
            if let Some(referrer) = short.referrer.as_str().filter(|text| !text.is_empty()) {
                out["referrer"] = referrer.into();
            }
        }
        Some("submit") => {
            out["kind"] = "form_submit".into();
            out["form"] = "form".into();
            if let Some([kind, email, phone]) = part(4).and_then(Value::as_array).map(Vec::as_slice) {
                let kind = if kind == "callback" { "callback" } else { "form" };
                out["form"] = kind.into();
                out["lead"] = json!({ "kind": kind, "email": email, "phone": phone });
            }
        }
        Some("click") if part(2).or(part(3)).is_none() => return None,
        // A raw click; an unknown kind is rejected by its name.
        kind => {
            out["kind"] = kind.unwrap_or_default().into();
            for (name, index) in [("href", 2), ("cta", 3)] {
                if let Some(value) = part(index) {
                    out[name] = value.clone();
                }
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(body: &str) -> Value {
        serde_json::from_slice(&expand(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
    }

    #[test]
    fn what_the_guard_caught_is_written_out() {
        let body = r#"{"v":1,"page":90,"mode":"full","url":"https://example.com/?utm_source=a","referrer":"","events":[
            ["click",1,"tel:+34600000000","hero",null],
            ["click",1,null,null,null],
            ["submit",2,null,null,["callback",null,"600000000"]],
            ["submit",3,null,null,""],
            ["pagehide",4,null,null,null]]}"#;
        assert_eq!(
            expanded(body),
            json!({"v": 1, "sent": 4, "mode": "full", "choice": "explicit", "via": "guard", "events": [
                {"id": "4-90-0", "page": "4-90", "at": 1, "kind": "click", "href": "tel:+34600000000", "cta": "hero"},
                {"id": "4-90-2", "page": "4-90", "at": 2, "kind": "form_submit", "form": "callback",
                 "lead": {"kind": "callback", "email": null, "phone": "600000000"}},
                {"id": "4-90-3", "page": "4-90", "at": 3, "kind": "form_submit", "form": "form"},
                {"id": "4-90-4", "page": "4-90", "at": 4, "kind": "page_view", "url": "https://example.com/?utm_source=a"},
            ]})
        );
    }

    #[test]
    fn who_chose_less_is_told_of_without_an_address() {
        let body = r#"{"v":1,"page":90,"m":"off","u":false,"r":false,"e":[
            ["submit",3,false,null,["form","ana@example.com",null]]]}"#;
        assert_eq!(
            expanded(body),
            json!({"v": 1, "sent": 3, "mode": "off", "choice": "explicit", "via": "guard", "events": [
                {"id": "3-90-0", "page": "3-90", "at": 3, "kind": "form_submit", "form": "form",
                 "lead": {"kind": "form", "email": "ana@example.com", "phone": null}},
            ]})
        );
        let body = r#"{"v":1,"page":90,"u":"https://example.com/","r":"https://example.net/","e":[["pagehide",4,false]]}"#;
        let view = &expanded(body)["events"][0];
        assert_eq!(
            (&view["url"], &view["referrer"]),
            (&json!("https://example.com/"), &json!("https://example.net/"))
        );
    }

    #[test]
    fn a_fraction_names_a_page_view_as_well_as_a_whole_number() {
        for (page, id) in [("0.25", "4-025"), ("1.5e-7", "4-15e-7"), ("90", "4-90"), ("1e300", "4-1e300")] {
            let body = format!(r#"{{"v":1,"page":{page},"events":[["pagehide",4]]}}"#);
            assert_eq!(expanded(&body)["events"][0]["page"], id, "{page}");
            assert_eq!(expanded(&body)["events"][0]["id"], format!("{id}-0"), "{page}");
        }
    }

    #[test]
    fn without_a_word_of_the_visitors_the_sites_default_holds() {
        let out = expanded(r#"{"v":1,"page":90,"url":"https://example.com/","events":[]}"#);
        assert_eq!((&out["choice"], out.get("mode")), (&json!("default"), None));
    }

    #[test]
    fn what_is_not_the_guards_stays_as_it_is() {
        for body in [
            r#"{"v":1,"events":[]}"#,
            r#"{"v":1,"page":7}"#,
            r#"{"v":1,"page":"p","events":[]}"#,
            r#"{"v":1,"page":7,"events":[{}]}"#,
            "",
        ] {
            assert_eq!(expand(Bytes::copy_from_slice(body.as_bytes())), body.as_bytes());
        }
    }
}
