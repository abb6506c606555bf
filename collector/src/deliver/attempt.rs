//! One message, once: whether it may go, what it says, what became of it.

use jiff::{Timestamp, fmt::rfc2822};

use super::{
    body,
    client::{Client, Message, Reply},
    sign,
    target::Target,
};
use crate::{
    app::App,
    domain::{
        delivery::{self, Delivery, MessageId, Then, Tried, Why},
        fact::SiteNumber,
        id::VaultRef,
        webhook::{Endpoint, Format},
    },
    error::Problem,
    project::directory::Site,
    vault::VaultError,
};

/// Opens what is sealed of an endpoint; `None` where it is not there.
///
/// # Errors
/// What the vault says.
pub async fn target(app: &App, site: SiteNumber, reference: VaultRef) -> Result<Option<Target>, VaultError> {
    let Some(bytes) = app.vault.get_bytes(site, reference).await? else { return Ok(None) };
    rmp_serde::from_slice(&bytes).map(Some).map_err(|error| VaultError::Content(error.to_string()))
}

/// A message to an endpoint, signed; `now` is the time of the attempt, ms since the epoch.
#[must_use]
pub fn message(target: &Target, format: Format, id: &MessageId, now: i64, body: Vec<u8>) -> Message {
    let seconds = now.div_euclid(1_000);
    let mut headers: Vec<(String, String)> =
        target.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let signatures = sign::signatures(target.live(now), id.as_str(), seconds, &body);
    for (name, value) in [
        ("content-type", format.media_type().to_owned()),
        ("webhook-id", id.to_string()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures),
    ] {
        headers.push((name.to_owned(), value));
    }
    Message { url: target.url.clone(), headers, body }
}

/// Why an answer is none that is hoped for; `None` where it is.
#[must_use]
pub fn refused(reply: &Reply, target: &Target) -> Option<Why> {
    let Some(status) = reply.status else { return reply.why.or(Some(Why::Unreachable)) };
    if status == 410 {
        return Some(Why::Gone);
    }
    if !(200..300).contains(&status) {
        return Some(Why::Status);
    }
    let said = String::from_utf8_lossy(&reply.said);
    target.expect.as_ref().is_some_and(|expected| !said.contains(expected.as_str())).then_some(Why::Answer)
}

/// Makes an attempt, and says what became of it. What cannot be read right now is an error: it is no attempt.
///
/// # Errors
/// What the store says.
pub async fn make(
    app: &App,
    client: &Client,
    site: &Site,
    endpoint: &Endpoint,
    delivery: &Delivery,
) -> Result<Tried, Problem> {
    let now = app.clock.now();
    let mut tried = Tried {
        message: delivery.id.clone(),
        endpoint: delivery.endpoint.clone(),
        lead: delivery.lead.clone(),
        at: now,
        status: None,
        why: None,
        ms: 0,
        then: Then::Dropped,
    };
    let data = match body::data(app, site, delivery).await? {
        Ok(data) => data,
        Err(why) => return Ok(Tried { why: Some(why), ..tried }),
    };
    let slot = delivery.kind.asks_for_a_call().then(|| body::best_slot(&data).unwrap_or(i64::MAX));
    let format = endpoint.webhook.format;
    let target = target(app, site.number, endpoint.webhook.target).await;
    let ready = match target {
        Ok(Some(target)) => body::write(format, &target.map, delivery.kind, delivery.at, data)
            .map(|body| (message(&target, format, &delivery.id, now, body), target)),
        Ok(None) => Err(Problem::internal("what is sealed of an endpoint is not there")),
        Err(error) => Err(error.into()),
    };
    let (why, retry_after) = match ready {
        Ok((message, target)) => {
            let reply = client.send(message).await;
            (tried.status, tried.ms) = (reply.status, reply.ms);
            let retry_after = reply.retry_after.as_deref();
            let retry_after =
                retry_after.and_then(|text| delivery::retry_after(text, app.clock.now(), http_date));
            (refused(&reply, &target), retry_after)
        }
        // Not the receiver's fault, and perhaps mended by tomorrow.
        Err(problem) if problem.status == 500 => {
            let (cause, endpoint) = (problem.cause.as_deref().unwrap_or_default(), &tried.endpoint);
            tracing::error!(cause, site = site.slug, endpoint, "a message could not be written");
            (Some(Why::Internal), None)
        }
        Err(problem) => return Err(problem),
    };
    tried.why = why;
    tried.then = match why {
        None => Then::Delivered,
        Some(Why::Gone) => Then::Dropped,
        Some(_) => delivery.next(app.clock.now(), retry_after, slot).map_or(Then::GivenUp, Then::Again),
    };
    Ok(tried)
}

/// A date as HTTP writes it, ms since the epoch.
fn http_date(text: &str) -> Option<i64> {
    let parsed = rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text);
    parsed.ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_as_http_writes_it() {
        assert_eq!(http_date("Sun, 22 Nov 2026 01:20:00 GMT"), Some(1_795_310_400_000));
        assert_eq!(http_date("tomorrow"), None);
    }

    #[test]
    fn an_answer_is_hoped_for_or_it_is_not() {
        let mut target = Target {
            url: "https://example.com/".to_owned(),
            headers: Default::default(),
            map: Default::default(),
            expect: None,
            secrets: Vec::new(),
        };
        let reply = |status, said: &str| Reply { status, said: said.as_bytes().to_vec(), ..Reply::default() };
        for (status, why) in [
            (200, None),
            (204, None),
            (299, None),
            (199, Some(Why::Status)),
            (302, Some(Why::Status)),
            (410, Some(Why::Gone)),
            (429, Some(Why::Status)),
            (500, Some(Why::Status)),
        ] {
            assert_eq!(refused(&reply(Some(status), ""), &target), why, "{status}");
        }
        let hung = Reply { why: Some(Why::Timeout), ..Reply::default() };
        assert_eq!(refused(&hung, &target), Some(Why::Timeout));
        target.expect = Some("SUCCESS".to_owned());
        assert_eq!(refused(&reply(Some(200), "ERROR: add_lead INVALID USER"), &target), Some(Why::Answer));
        assert_eq!(refused(&reply(Some(200), "SUCCESS: add_lead"), &target), None);
        assert_eq!(refused(&reply(Some(500), "SUCCESS"), &target), Some(Why::Status));
    }
}
