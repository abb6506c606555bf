//! `traza story`: the newest lead's journey, as text.

use std::{fmt::Write as _, fs, io::Write as _, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use crate::{config::StoreUrl, demo};

/// What `traza story` can be told.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: traza story --wait\n         TRAZA_TOKEN=tz_… traza story --url https://t.example.com --site acme"
)]
pub struct StoryOptions {
    /// Where the collector is [default: the demo in --data]
    #[arg(long, env = "TRAZA_URL")]
    url: Option<String>,
    /// A token that may read leads [default: the demo's]
    #[arg(long, env = "TRAZA_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The site
    #[arg(long, default_value = demo::SITE)]
    site: String,
    /// The data folder of a demo
    #[arg(long, default_value = "data")]
    data: std::path::PathBuf,
    /// Wait for the first lead instead of saying that there is none
    #[arg(long)]
    wait: bool,
}

/// How often the server is asked while waiting.
const POLL: Duration = Duration::from_millis(500);

/// Prints the newest lead's journey.
///
/// # Errors
/// Where no collector answers, or the token may not read.
pub fn story(options: &StoryOptions) -> anyhow::Result<()> {
    let (url, token) = access(options)?;
    let api = format!("{}/api/v1/sites/{}", url.trim_end_matches('/'), options.site);
    let mut out = std::io::stdout();
    let mut told = false;
    let lead = loop {
        let leads = get(&format!("{api}/leads?limit=1"), &token)?;
        if let Some(lead) = leads.pointer("/items/0") {
            break lead.clone();
        }
        if !options.wait {
            bail!("there is no lead yet; open {url}/demo/ and leave a number, or wait for one with --wait");
        }
        if !told {
            writeln!(out, "Waiting for the first lead: open {url}/demo/ and leave a number…")?;
            told = true;
        }
        std::thread::park_timeout(POLL);
    };
    let id = lead.get("id").and_then(Value::as_str).unwrap_or_default();
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&format!("{api}/leads/{id}/journey?limit=500{cursor}"), &token)?;
        items.extend(page.get("items").and_then(Value::as_array).cloned().unwrap_or_default());
        match page.get("next").and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    out.write_all(render(&lead, &items, &TimeZone::system()).as_bytes())?;
    Ok(())
}

fn access(options: &StoryOptions) -> anyhow::Result<(String, String)> {
    if let (Some(url), Some(token)) = (&options.url, &options.token) {
        return Ok((url.clone(), token.clone()));
    }
    let path = demo::Access::path(&StoreUrl::Sled(options.data.clone())).unwrap_or_default();
    let demo = read_access(&path).with_context(|| {
        format!(
            "no running demo is known ({}): start one with `just run`, or give --url and --token",
            path.display()
        )
    })?;
    Ok((options.url.clone().unwrap_or(demo.url), options.token.clone().unwrap_or(demo.token)))
}

fn read_access(path: &Path) -> anyhow::Result<demo::Access> {
    Ok(serde_json::from_str(&fs::read_to_string(path)?)?)
}

fn get(url: &str, token: &str) -> anyhow::Result<Value> {
    let config = ureq::Agent::config_builder()
        .tls_config(crate::tls::config())
        .timeout_global(Some(Duration::from_secs(10)))
        .http_status_as_error(false)
        .build();
    let response = ureq::Agent::new_with_config(config)
        .get(url)
        .header("Authorization", &format!("Bearer {token}"))
        .call();
    let mut response = response.context("the collector does not answer; is it running?")?;
    let status = response.status();
    let value: Value = serde_json::from_str(&response.body_mut().read_to_string()?)?;
    if !status.is_success() {
        bail!("{status}: {}", value.get("detail").and_then(Value::as_str).unwrap_or_default());
    }
    Ok(value)
}

/// The story in words.
#[must_use]
pub fn render(lead: &Value, items: &[Value], zone: &TimeZone) -> String {
    let text = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned()
    };
    let mut story = String::new();
    let who = ["/contact/name", "/contact/phone", "/contact/phone_raw", "/contact/email"]
        .iter()
        .map(|pointer| text(lead, pointer))
        .find(|text| !text.is_empty())
        .unwrap_or_else(|| "somebody".to_owned());
    let origin = |which: &str| {
        let at = |field: &str| text(lead, &format!("/origin/{which}/{field}"));
        [at("channel"), at("source"), at("campaign")]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" / ")
    };
    // Writing to a string does not fail.
    let _ = writeln!(
        story,
        "Lead {} ({}): {who}, stage {}",
        text(lead, "/id"),
        text(lead, "/kind"),
        text(lead, "/stage")
    );
    let _ = writeln!(story, "  first touch {}\n  last touch  {}\n", origin("first"), origin("last"));
    let mut visit = String::new();
    let mut number = 0;
    for item in items {
        let this = text(item, "/visit");
        if !this.is_empty() && this != visit {
            number += 1;
            let _ = writeln!(story, "Visit {number}");
            visit = this;
        }
        let at = item.get("at").and_then(Value::as_i64).unwrap_or_default();
        let time = Timestamp::from_millisecond(at)
            .map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string())
            .unwrap_or_default();
        let _ = writeln!(story, "  {time}  {:<15} {}", text(item, "/kind"), describe(item));
    }
    story
}

fn describe(item: &Value) -> String {
    let text = |field: &str| item.get(field).and_then(Value::as_str).unwrap_or("").to_owned();
    let number = |field: &str| item.get(field).and_then(Value::as_u64).unwrap_or(0);
    let mut said = match text("kind").as_str() {
        "page_view" => format!("{}  {}", text("title"), text("url")),
        "page_leave" => format!("{} s engaged, {} % seen", number("engaged_ms") / 1000, number("scroll_pct")),
        "call_click" => text("number"),
        "chat_click" => format!("{} {}", text("app"), text("to")),
        "email_click" | "sms_click" => text("to"),
        "cta_click" | "cta_view" => format!("{} {}", text("cta"), text("href")),
        "download" => text("asset"),
        "outbound_click" => text("href"),
        "stage" => format!("→ {} ({})", text("stage"), text("by")),
        "click" => format!("{} {}", text("text"), text("target")),
        "form_start" | "form_error" | "form_abandon" => format!("{} {}", text("form"), text("field")),
        kind if kind.starts_with("form_") => text("form"),
        "custom" => {
            let target = item.pointer("/props/target").and_then(Value::as_str).unwrap_or("");
            format!("{} {target}", text("name"))
        }
        _ => text("name"),
    };
    if let Some(touch) = item.get("touch") {
        let part = |field: &str| touch.get(field).and_then(Value::as_str).unwrap_or("");
        let _ = write!(said, "  ← {} {} {}", part("channel"), part("source"), part("campaign"));
    }
    said.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_story_is_told_in_order_visit_by_visit() {
        let lead = json!({
            "id": "l_1", "kind": "callback", "stage": "lead", "contact": {"phone": "+34600000000"},
            "origin": {"first": {"channel": "paid_search", "source": "google", "campaign": "otono"},
                       "last": {"channel": "direct"}},
        });
        let items = [
            json!({"at": 0, "kind": "page_view", "visit": "a", "title": "Inicio", "url": "https://example.com/",
                   "touch": {"channel": "paid_search", "source": "google", "campaign": "otono"}}),
            json!({"at": 9000, "kind": "page_leave", "visit": "a", "engaged_ms": 8200, "scroll_pct": 60}),
            json!({"at": 86_400_000, "kind": "form_abandon", "visit": "b", "form": "contacto", "field": "email"}),
            json!({"at": 86_400_000, "kind": "custom", "visit": "b", "name": "rage_click", "props": {"target": "a#x"}}),
            json!({"at": 86_400_000, "kind": "form_submit", "visit": "b", "form": "callback"}),
        ];
        let story = render(&lead, &items, &TimeZone::UTC);
        let expected = "Lead l_1 (callback): +34600000000, stage lead\n  first touch paid_search / google / otono\n  last \
                        touch  direct\n\nVisit 1\n  1970-01-01 00:00:00  page_view       Inicio  https://example.com/  ← \
                        paid_search google otono\n  1970-01-01 00:00:09  page_leave      8 s engaged, 60 % seen\nVisit \
                        2\n  1970-01-02 00:00:00  form_abandon    contacto email\n  1970-01-02 00:00:00  custom          rage_click \
                        a#x\n  1970-01-02 00:00:00  form_submit     callback\n";
        assert_eq!(story, expected);
    }
}
