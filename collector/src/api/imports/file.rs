//! A file's bytes, and its rows.

use actix_web::web::{BytesMut, Payload};
use futures_util::StreamExt as _;

use crate::error::Problem;

/// A file may be so large.
const MOST_BYTES: usize = 10 << 20;

/// The file's bytes, until there are too many.
pub(super) async fn gather(mut payload: Payload) -> Result<BytesMut, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::invalid("The file broke off."))?;
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(Problem::too_large("At most 10 MB: split the file."));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What stands between a file's columns: the mark that its header has most of.
fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |mark: u8| header.bytes().filter(|byte| *byte == mark).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|mark| count(*mark)).unwrap_or(b',')
}

/// A file's rows.
pub(super) fn reader(text: &str) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().delimiter(delimiter(text)).from_reader(text.as_bytes())
}

/// The line that a row begins in, counted from 1. The reader's own count is of where it went on: before empty lines.
pub(super) fn line_of(text: &str, position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 0 };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let skipped = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n');
    position.line() + skipped.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_line_that_an_editor_shows() {
        let text = "\u{feff}a;b\r\n1;\"two\r\nlines\"\r\n\r\n\r\n2;x\n\n3;y\n4\n";
        let mut reader = reader(text);
        let mut lines = Vec::new();
        let mut record = csv::StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) => lines.push(line_of(text, record.position())),
                Err(error) => lines.push(line_of(text, error.position())),
            }
        }
        assert_eq!(lines, [2, 6, 8, 9]);
    }
}
