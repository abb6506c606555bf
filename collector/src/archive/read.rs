//! Reading an archive, and knowing that it is whole.

use std::io::{BufRead as _, BufReader, Read};

use sha2::{Digest as _, Sha256};

use super::{End, Header, Line, VERSION};

/// A line may be long (an entry has up to 200 events), not endless.
const LINE: u64 = 64 << 20;

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file, or its compression.
    #[error("the archive cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is something else.
    #[error("this is no archive of traza")]
    Foreign,
    /// It is of a later version.
    #[error("the archive was made by a newer version of traza ({0}): use that one, or a newer one")]
    Newer(String),
    /// It ends before its end.
    #[error("the archive is cut off after line {0}: it was not written to its end, or lost it")]
    Cut(u64),
    /// A line is not what it should be.
    #[error("line {0} of the archive is damaged: {1}")]
    Line(u64, String),
}

/// Gives an archive's lines one by one. The last says whether all were there.
pub struct Reader<R: Read> {
    lines: BufReader<zstd::stream::read::Decoder<'static, BufReader<R>>>,
    hash: Sha256,
    /// Lines read.
    number: u64,
    /// Entries, facts and rows read.
    counts: (u64, u64, u64),
    header: Header,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Opens an archive and reads its first line.
    ///
    /// # Errors
    /// Where it is none, or of a later version.
    pub fn open(file: R) -> Result<Self, ArchiveError> {
        let mut lines = BufReader::new(zstd::stream::read::Decoder::new(file)?);
        let mut text = Vec::new();
        (&mut lines).take(LINE).read_until(b'\n', &mut text).map_err(|error| {
            let cut = error.kind() == std::io::ErrorKind::UnexpectedEof;
            if cut { ArchiveError::Cut(0) } else { ArchiveError::Foreign }
        })?;
        let Ok(Line::Archive(header)) = serde_json::from_slice(&text) else {
            return Err(ArchiveError::Foreign);
        };
        if header.version > VERSION {
            return Err(ArchiveError::Newer(header.program));
        }
        let hash = Sha256::new_with_prefix(&text);
        Ok(Self { lines, hash, number: 1, counts: (0, 0, 0), header, ended: false })
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next line; `None` after the end.
    ///
    /// # Errors
    /// Where a line is damaged, or missing, or the end does not agree with what came before it.
    pub fn next_line(&mut self) -> Result<Option<Line>, ArchiveError> {
        if self.ended {
            return Ok(None);
        }
        let mut text = Vec::new();
        let read = (&mut self.lines).take(LINE).read_until(b'\n', &mut text);
        match read {
            Ok(0) => return Err(ArchiveError::Cut(self.number)),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Err(ArchiveError::Cut(self.number));
            }
            Err(error) => return Err(ArchiveError::Line(self.number + 1, error.to_string())),
            Ok(_) => {}
        }
        self.number += 1;
        // The text of the error would repeat what the line holds.
        let line: Line = serde_json::from_slice(&text).map_err(|error| {
            ArchiveError::Line(self.number, format!("not readable at column {}", error.column()))
        })?;
        match &line {
            Line::Archive(_) => return Err(ArchiveError::Line(self.number, "a second beginning".to_owned())),
            Line::Row(_) => self.counts.2 += 1,
            Line::Fact(fact) => {
                self.counts.0 += 1;
                self.counts.1 += fact.entry.facts();
            }
            Line::End(end) => {
                self.check(end)?;
                self.ended = true;
            }
        }
        self.hash.update(&text);
        Ok(Some(line))
    }

    fn check(&mut self, end: &End) -> Result<(), ArchiveError> {
        let sha256 = format!("{:x}", std::mem::take(&mut self.hash).finalize());
        if (end.entries, end.facts, end.rows) != self.counts || end.sha256 != sha256 {
            return Err(ArchiveError::Line(
                self.number,
                "its sum does not agree with the lines before".to_owned(),
            ));
        }
        Ok(())
    }
}
