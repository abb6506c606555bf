//! The parsers that strangers reach, and what they may say: never a panic, and a 4xx to what they refuse.
//!
//! `cargo test` feeds them the corpus beside this file, and some noise; `just fuzz` has libFuzzer change the corpus, guided by
//! which branches it reaches. What it finds wrong it leaves beside the corpus, and the next test run fails by it.

#![cfg(test)]

use actix_web::{http::Uri, test::TestRequest, web::Bytes};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bolero::check;
use collector::{
    api::query::{self, Query},
    domain::promotion::PixelKind,
    error::Problem,
    ingest::{
        accept::{self, Judge},
        guard,
    },
};
use wire::{beacon::Mode, redact::Rules};

/// 2026-03-01T10:00:00Z, when everything comes in.
const NOW: i64 = 1_772_359_200_000;

/// Noise without a corpus gets nowhere; this much shows that the targets run.
const NOISE: usize = 1_000;

fn assert_explained(problem: &Problem) {
    assert!((400..500).contains(&problem.status), "answered {}", problem.status);
}

/// A body, the guard's short form included, and the judgement of each of its events.
#[test]
fn beacon() {
    check!().with_iterations(NOISE).for_each(|input| {
        let body = guard::expand(Bytes::copy_from_slice(input));
        let beacon = match accept::parse(&body) {
            Ok(beacon) => beacon,
            Err(problem) => return assert_explained(&problem),
        };
        let (own, keys) = (["example.com".to_owned()], ["sku".to_owned()]);
        for mode in [Mode::Full, Mode::Anonymous] {
            let rules = Rules { mode, query_keys: &keys, anonymous_utm: true };
            let judge = Judge { rules, own: &own, shift: 60_001, received_at: NOW };
            for raw in &beacon.events {
                let id = match judge.judge(raw) {
                    Ok(valid) => Some(valid.event.id),
                    Err(rejected) => rejected.id,
                };
                assert!(id.is_none_or(|id| wire::id::is_valid(&id)), "an id is taken or shown that is none");
            }
        }
    });
}

/// The query of an address, as far as the HTTP parser lets it through.
fn read(text: &str) -> Option<Query> {
    let address = format!("/?{text}");
    Uri::try_from(address.as_str()).ok()?;
    Some(Query::of(&TestRequest::with_uri(&address).to_http_request(), NOW))
}

#[test]
fn query() {
    check!().with_iterations(NOISE).for_each(|input| {
        let Some(query) = std::str::from_utf8(input).ok().and_then(read) else { return };
        let answers = [
            query
                .limit()
                .map(|limit| assert!((1..=500).contains(&limit), "a limit out of its bounds: {limit}")),
            query.time("since").map(drop),
            query.time("until").map(drop),
            query.one_of::<PixelKind>("k").map(drop),
            query.cursor::<(i64, String)>().map(drop),
        ];
        answers.iter().filter_map(|answer| answer.as_ref().err()).for_each(assert_explained);
    });
}

/// A page's mark: as text where the first byte is even, else as what it packs, so that both halves are reached.
#[test]
fn cursor() {
    check!().with_iterations(NOISE).for_each(|input| {
        let Some((how, bytes)) = input.split_first() else { return };
        let text = match how % 2 {
            0 => query::escaped(&String::from_utf8_lossy(bytes)),
            _ => URL_SAFE_NO_PAD.encode(bytes),
        };
        let Some(query) = read(&format!("cursor={text}")) else { return };
        let answers = [query.cursor::<(i64, String)>().map(drop), query.cursor::<u64>().map(drop)];
        answers.iter().filter_map(|answer| answer.as_ref().err()).for_each(assert_explained);
    });
}
