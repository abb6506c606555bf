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
