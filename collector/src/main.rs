//! `traza`: the command line. Each verb is a module's business.

use std::{io::Write as _, process::ExitCode};

use clap::{Parser, Subcommand};
use collector::{config::ServeOptions, ops, startup, story};

// Beacons are many small allocations on several threads: under load the system's allocator took an eighth of all time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Ties every ad, visit, call, form and chat to the lead and the sale that came of it.
#[derive(Parser)]
#[command(name = "traza", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the collector
    #[command(
        after_help = "Example: traza serve --demo\n         traza serve --store sled:/var/lib/traza --public-url https://t.example.com"
    )]
    Serve(Box<ServeOptions>),
    /// Print the newest lead's journey as text
    Story(story::StoryOptions),
    #[command(flatten)]
    Ops(Box<ops::Verb>),
}

#[actix_web::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().verb {
        Verb::Serve(options) => startup::serve(*options).await,
        Verb::Story(options) => story::story(&options),
        Verb::Ops(verb) => ops::run(*verb).await,
    };
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // One line for the operator, causes included; a backtrace would bury what to do.
    drop(writeln!(std::io::stderr(), "Error: {error:#}"));
    ExitCode::FAILURE
}
