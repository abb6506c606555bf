//! `traza backup` and `traza export`: a store as a file. One format, told in [`crate::archive`].

use std::{
    fs::{self, File},
    io::{BufWriter, Read, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;

use super::{progress, reach::ReachOptions, say};
use crate::archive::{End, Line, Reader};

/// What `traza backup` can be told.
#[derive(Debug, Args)]
pub struct BackupOptions {
    /// The file to write
    file: PathBuf,
    /// Overwrite it
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    reach: ReachOptions,
}

/// What `traza export` can be told.
#[derive(Debug, Args)]
pub struct ExportOptions {
    /// The file to write
    file: PathBuf,
    /// Of this site alone
    #[arg(long)]
    site: Option<String>,
    /// Names, e-mails and phones in clear, beside their facts; without it they stay sealed
    #[arg(long)]
    contacts: bool,
    /// Overwrite the file
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    reach: ReachOptions,
}

/// Writes everything, reads it back, and says what is in it.
pub(super) async fn backup(options: BackupOptions) -> anyhow::Result<()> {
    let end = fetch(&options.reach, "POST", "/api/v1/backup", &options.file, options.force).await?;
    say(&told(&options.file, &end))?;
    say("The master key is not in it: keep a copy of the key's file, apart from this one.")
}

/// Writes facts, and says how many.
pub(super) async fn export(options: ExportOptions) -> anyhow::Result<()> {
    let mut path = format!("/api/v1/export?contacts={}", options.contacts);
    if let Some(site) = &options.site {
        anyhow::ensure!(wire::id::is_valid_site(site), "site: must be 1 to 32 characters of a-z 0-9 -");
        path.push_str("&site=");
        path.push_str(site);
    }
    let end = fetch(&options.reach, "GET", &path, &options.file, options.force).await?;
    say(&told(&options.file, &end))
}

fn told(file: &Path, end: &End) -> String {
    let bytes = fs::metadata(file).map_or(0, |file| file.len());
    format!(
        "{}: {} facts in {} entries, {} rows, {bytes} bytes",
        file.display(),
        end.facts,
        end.entries,
        end.rows
    )
}

/// Fetches an archive into a file. It has its name only when it was read back to its end: until then it is `.part`,
/// and an older one stays as it was.
async fn fetch(
    reach: &ReachOptions,
    method: &'static str,
    path: &str,
    file: &Path,
    force: bool,
) -> anyhow::Result<End> {
    anyhow::ensure!(force || !file.exists(), "{}: exists; --force overwrites it", file.display());
    let part = {
        let mut name = file.as_os_str().to_owned();
        name.push(".part");
        PathBuf::from(name)
    };
    let server = reach.reach(false).await?;
    let target = part.clone();
    let written = server.stream(method, path, move |archive| write(archive, &target)).await;
    server.leave().await?;
    written?;
    let end = read_back(part.clone()).await.context("what was written is not a whole archive")?;
    fs::rename(&part, file).with_context(|| file.display().to_string())?;
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        // The name is as durable as what it names.
        File::open(folder)?.sync_all()?;
    }
    Ok(end)
}

/// Only its owner may read it: it holds whatever people wrote, sealed or not.
fn write(archive: &mut dyn Read, part: &Path) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(part).with_context(|| part.display().to_string())?;
    let mut file = BufWriter::new(file);
    let bar = progress::bar(0, "bytes written");
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read =
            archive.read(&mut buffer).context("the archive broke off; what was written is no backup")?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
        file.write_all(piece).with_context(|| part.display().to_string())?;
        bar.inc(read as u64);
    }
    bar.finish_and_clear();
    file.into_inner()?.sync_all()?;
    Ok(())
}

async fn read_back(part: PathBuf) -> anyhow::Result<End> {
    tokio::task::spawn_blocking(move || {
        let mut reader = Reader::open(File::open(part)?)?;
        let bar = progress::bar(reader.header().facts, "read back");
        loop {
            match reader.next_line()? {
                Some(Line::End(end)) => {
                    bar.finish_and_clear();
                    return Ok(end);
                }
                Some(Line::Fact(fact)) => bar.inc(fact.entry.facts()),
                Some(_) => {}
                None => anyhow::bail!("it has no end"),
            }
        }
    })
    .await?
}
