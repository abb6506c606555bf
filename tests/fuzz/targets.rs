//! The parsers, and what they may say.

use std::path::Path;

use actix_web::{http::Uri, test::TestRequest, web::Bytes};
use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use collector::{
    api::query::{self, Query},
    domain::promotion::PixelKind,
    error::Problem,
    ingest::{
        accept::{self, Judge},
        guard,
    },
};
use e2e::NOW;
use wire::{beacon::Mode, redact::Rules};

/// Takes an input; says whether it was accepted, or what is wrong with how it was answered.
type Run = fn(&[u8]) -> Result<bool, String>;

/// A parser.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// What is mutated.
    pub(crate) seeds: Vec<Vec<u8>>,
    pub(crate) run: Run,
}

/// All of them.
pub(crate) fn all() -> anyhow::Result<Vec<Target>> {
    Ok(vec![
        Target { name: "beacon", seeds: golden()?, run: beacon },
        Target { name: "query", seeds: QUERIES.map(|query| query.as_bytes().to_vec()).to_vec(), run: query },
        Target { name: "cursor", seeds: cursors()?, run: cursor },
    ])
}

/// The golden beacons of every version.
fn golden() -> anyhow::Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tracker-wasm/wire/golden");
    let mut seeds = Vec::new();
    for version in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        for file in std::fs::read_dir(version?.path())? {
            let path = file?.path();
            let name = path.to_string_lossy();
            if name.ends_with(".json") && !name.ends_with(".expected.json") {
                seeds.push(std::fs::read(&path)?);
            }
        }
    }
    // The order of a folder is nobody's promise, and a run is repeated by its seed.
    seeds.sort();
    Ok(seeds)
}

const QUERIES: [&str; 6] = [
    "since=-7d&until=1795310400000&limit=500&time=iso",
    "since=2026-03-01T10:00:00%2B01:00&limit=1&format=csv",
    "k=imp&c=oto%C3%B1o&source=google&medium=cpc&content=a+b&m=1&v=2&id=x",
    "cursor=kgGhYQ&limit=50",
    "since=&since=-1w&until=+1h&k=open",
    "q=%22a%20b%22;c&=&&k",
];

fn cursors() -> anyhow::Result<Vec<Vec<u8>>> {
    let texts = [
        query::cursor(&(NOW, "0193-lead".to_owned())),
        query::cursor(&(i64::MIN, String::new())),
        query::cursor(&u64::MAX),
        query::cursor(&7_u64),
    ];
    let mut seeds = Vec::new();
    for text in texts {
        let text = text.map_err(anyhow::Error::new)?;
        // As text, and as what it packs: half of the mutations reach the unpacking.
        seeds.push([&[1], URL_SAFE_NO_PAD.decode(&text)?.as_slice()].concat());
        seeds.push([&[0], text.as_bytes()].concat());
    }
    Ok(seeds)
}

/// What a stranger's input is answered with is a 4xx, in words.
fn refusal(problem: &Problem) -> Result<bool, String> {
    match (400..500).contains(&problem.status) {
        true => Ok(false),
        false => Err(format!("answered {}", problem.status)),
    }
}

fn beacon(input: &[u8]) -> Result<bool, String> {
    let body = guard::expand(Bytes::copy_from_slice(input));
    let beacon = match accept::parse(&body) {
        Ok(beacon) => beacon,
        Err(problem) => return refusal(&problem),
    };
    let (own, keys) = (["example.com".to_owned()], ["sku".to_owned()]);
    let mut accepted = false;
    for mode in [Mode::Full, Mode::Anonymous] {
        let rules = Rules { mode, query_keys: &keys, anonymous_utm: true };
        let judge = Judge { rules, own: &own, shift: 60_001, received_at: NOW };
        for raw in &beacon.events {
            match judge.judge(raw) {
                Ok(valid) => {
                    accepted = true;
                    if !wire::id::is_valid(&valid.event.id) {
                        return Err("an id was taken that is none".to_owned());
                    }
                }
                Err(rejected) => {
                    if rejected.id.is_some_and(|id| !wire::id::is_valid(&id)) {
                        return Err("an id is shown that is none".to_owned());
                    }
                }
            }
        }
    }
    Ok(accepted)
}

/// The query of an address, as far as the HTTP parser lets it through.
fn read(text: &str) -> Option<Query> {
    let address = format!("/?{text}");
    Uri::try_from(address.as_str()).ok()?;
    Some(Query::of(&TestRequest::with_uri(&address).to_http_request(), NOW))
}

fn query(input: &[u8]) -> Result<bool, String> {
    let Some(query) = std::str::from_utf8(input).ok().and_then(read) else { return Ok(false) };
    let answers = [
        query.limit().map(|limit| (1..=500).contains(&limit)),
        query.time("since").map(|_| true),
        query.time("until").map(|_| true),
        query.one_of::<PixelKind>("k").map(|_| true),
        query.cursor::<(i64, String)>().map(|_| true),
    ];
    let mut accepted = true;
    for answer in answers {
        match answer {
            Ok(true) => {}
            Ok(false) => return Err("a limit out of its bounds".to_owned()),
            Err(problem) => accepted = refusal(&problem)?,
        }
    }
    Ok(accepted)
}

fn cursor(input: &[u8]) -> Result<bool, String> {
    let Some((how, bytes)) = input.split_first() else { return Ok(false) };
    let text = match how {
        1 => URL_SAFE_NO_PAD.encode(bytes),
        _ => query::escaped(&String::from_utf8_lossy(bytes)),
    };
    let Some(query) = read(&format!("cursor={text}")) else { return Ok(false) };
    let mut accepted = false;
    for answer in [
        query.cursor::<(i64, String)>().map(|found| found.is_some()),
        query.cursor::<u64>().map(|found| found.is_some()),
    ] {
        match answer {
            Ok(found) => accepted |= found,
            Err(problem) => drop(refusal(&problem)?),
        }
    }
    Ok(accepted)
}
