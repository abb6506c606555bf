//! `just fuzz`: mutated bodies, queries and cursors into the parsers that strangers reach, so many times each.
//!
//! No coverage guides it: what is mutated are the golden beacons of every version and what the API itself hands out, with
//! tokens of the formats spliced in. A run is repeated by its seed. A finding is an input that panics, or that is answered
//! otherwise than a parser may: it is written to a file, and its name told.

mod mutate;
mod targets;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::Instant,
};

use anyhow::{Context as _, bail};

use self::{mutate::Mutator, targets::Target};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: fuzz EXECUTIONS [SEED [beacon|query|cursor]]";
    let executions: u64 = arguments.next().context(usage)?.replace('_', "").parse().context(usage)?;
    let seed: u64 = arguments.next().map_or(Ok(1), |seed| seed.parse()).context(usage)?;
    let only = arguments.next();
    let targets: Vec<Target> = targets::all()?
        .into_iter()
        .filter(|target| only.as_deref().is_none_or(|only| only == target.name))
        .collect();
    if targets.is_empty() {
        bail!("{usage}");
    }
    let findings: u64 = targets
        .iter()
        .map(|target| run(target, executions.div_ceil(targets.len() as u64), seed))
        .sum::<anyhow::Result<u64>>()?;
    match findings {
        0 => Ok(()),
        _ => bail!("{findings} findings"),
    }
}

/// Runs one target. Returns how many findings there were.
#[expect(clippy::print_stdout, reason = "a program that tells its result")]
fn run(target: &Target, executions: u64, seed: u64) -> anyhow::Result<u64> {
    let mut mutator = Mutator::new(seed, target.seeds.clone());
    let (began, mut taken, mut findings) = (Instant::now(), 0_u64, 0_u64);
    let mut input = Vec::new();
    for n in 0..executions {
        mutator.next(&mut input);
        match catch_unwind(AssertUnwindSafe(|| (target.run)(&input))) {
            Ok(Ok(accepted)) => taken += u64::from(accepted),
            Ok(Err(what)) => findings += found(target, seed, n, &input, &what)?,
            Err(_) => findings += found(target, seed, n, &input, "a panic")?,
        }
    }
    println!(
        "{}: {executions} executions with seed {seed} in {:.0?}, {taken} accepted, {findings} findings",
        target.name,
        began.elapsed()
    );
    Ok(findings)
}

#[expect(clippy::print_stdout, reason = "a program that tells its result")]
fn found(target: &Target, seed: u64, n: u64, input: &[u8], what: &str) -> anyhow::Result<u64> {
    let file = PathBuf::from(format!("target/fuzz-{}-{seed}-{n}", target.name));
    std::fs::write(&file, input).with_context(|| file.display().to_string())?;
    println!("{}: {what}: {}", target.name, file.display());
    Ok(1)
}
