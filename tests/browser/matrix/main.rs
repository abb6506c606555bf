//! The delivery matrix: what visitors, networks and pages do to a tracker, row by row, in every engine.
//!
//! Each row asserts what reached the collector and what did not. `TRAZA_ENGINES=chromium,firefox:core` chooses; a row
//! that an engine cannot have says why, and its probe fails the row once the engine can. With `TRAZA_MATRIX=write` a
//! run writes what it saw into docs/tracker.md; any other checks that the table there has these very rows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is a failed test")]

mod choice;
mod contact;
#[path = "../harness/mod.rs"]
mod harness;
mod leaving;
mod outage;
mod page;
mod privacy;
mod showing;
mod table;
mod written;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    process::ExitCode,
    sync::{Arc, Mutex},
};

use self::harness::{Engine, Rows, Stage};
use libtest_mimic::{Arguments, Trial};

use self::table::{ROWS, Row};

/// What became of each row in each engine: whether it held.
type Seen = Arc<Mutex<BTreeMap<(&'static str, Engine), bool>>>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let seen = Seen::default();
    let writes = std::env::var("TRAZA_MATRIX").is_ok_and(|word| word == "write");
    let mut trials = Vec::new();
    if !writes {
        trials.push(Trial::test("docs", || {
            written::check();
            Ok(())
        }));
    }
    for (engine, rows) in Engine::wanted() {
        for row in ROWS.iter().filter(|row| rows == Rows::All || row.core) {
            let seen = seen.clone();
            trials.push(Trial::test(format!("{}::{}", engine.name(), row.name), move || {
                let went = catch_unwind(AssertUnwindSafe(|| run(row, engine)));
                seen.lock().unwrap().insert((row.name, engine), went.is_ok());
                went.unwrap_or_else(|panic| resume_unwind(panic));
                Ok(())
            }));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if writes {
        written::write(&seen.lock().unwrap());
    }
    conclusion.exit_code()
}

fn run(row: &Row, engine: Engine) {
    actix_web::rt::System::new().block_on(async {
        let stage = Stage::new(engine, row.wish, None).await;
        let lack = row.lacks.iter().find(|lack| lack.engine == engine);
        match lack {
            Some(lack) => {
                stage.browser.open(&stage.page("/launch.html")).await;
                let still = stage.browser.value(lack.probe).await;
                assert_eq!(still, true, "{engine} can have this row now: {}", lack.probe);
            }
            None => {
                stage.consent_default("full").await;
                (row.run)(&stage).await;
                page::nothing_amiss(&stage).await;
            }
        }
        stage.end().await;
    });
}
