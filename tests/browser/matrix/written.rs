//! The matrix as docs/tracker.md shows it: written by runs that are told to, compared by every other.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use crate::harness::Engine;

use crate::table::ROWS;

const BEGIN: &str = "<!-- matrix: begin (written by `just test-all`) -->";
const END: &str = "<!-- matrix: end -->";
const FAILS: &str = "**fails**";

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/tracker.md")
}

/// Panics unless the table in the docs has these very rows. One that fails there says so, and fails where it is played.
pub(crate) fn check() {
    let docs = fs::read_to_string(file()).unwrap();
    let shown = cells(&docs);
    let wanted: Vec<_> = ROWS.iter().map(|row| (row.what, row.sent)).collect();
    let rows: Vec<_> = shown.iter().map(|cells| (cells[0], cells[1])).collect();
    assert_eq!(rows, wanted, "docs/tracker.md shows other rows: run `just test-all`");
}

/// Writes what a run saw; cells that it did not play stay as they were.
pub(crate) fn write(seen: &BTreeMap<(&'static str, Engine), bool>) {
    let docs = fs::read_to_string(file()).unwrap();
    let shown = cells(&docs);
    let versions: Vec<_> =
        Engine::ALL.iter().map(|engine| format!("{engine} {}", engine.version())).collect();
    let mut block = format!(
        "{BEGIN}\n{}. ✓: seen; —: the engine cannot have it.\n\n| what happens | what is sent | {} |\n|---|---|---|---|---|\n",
        versions.join(", "),
        Engine::ALL.map(|engine| engine.to_string()).join(" | "),
    );
    for row in ROWS {
        write!(block, "| {} | {} |", row.what, row.sent).unwrap();
        let before = shown.iter().find(|cells| (cells[0], cells[1]) == (row.what, row.sent));
        for (number, engine) in Engine::ALL.into_iter().enumerate() {
            let lack = row.lacks.iter().find(|lack| lack.engine == engine);
            let cell = match (seen.get(&(row.name, engine)), lack) {
                (Some(true), None) => "✓".to_owned(),
                (Some(true), Some(lack)) => {
                    let number = reasons().iter().position(|reason| *reason == lack.reason).unwrap() + 1;
                    format!("— ({number})")
                }
                (Some(false), _) => FAILS.to_owned(),
                (None, _) => before.map_or("not played", |cells| cells[2 + number]).to_owned(),
            };
            write!(block, " {cell} |").unwrap();
        }
        block.push('\n');
    }
    block.push('\n');
    for (number, reason) in reasons().iter().enumerate() {
        writeln!(block, "{}. {reason}", number + 1).unwrap();
    }
    let (before, _, after) = split(&docs);
    fs::write(file(), format!("{before}{block}{END}{after}")).unwrap();
}

/// The cells of the table's rows as they stand.
fn cells(docs: &str) -> Vec<Vec<&str>> {
    let (_, block, _) = split(docs);
    let lines = block.lines().filter(|line| line.starts_with('|')).skip(2);
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn split(docs: &str) -> (&str, &str, &str) {
    let (before, rest) = docs.split_once(BEGIN).unwrap_or_else(|| panic!("docs/tracker.md lacks {BEGIN}"));
    let (block, after) = rest.split_once(END).unwrap_or_else(|| panic!("docs/tracker.md lacks {END}"));
    (before, block, after)
}

/// Why engines lack rows, without repetition.
fn reasons() -> Vec<&'static str> {
    let mut reasons = Vec::new();
    for lack in ROWS.iter().flat_map(|row| row.lacks) {
        if !reasons.contains(&lack.reason) {
            reasons.push(lack.reason);
        }
    }
    reasons
}
