//! A request's bytes, bounded and decompressed.

use std::{
    io::Read,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use actix_web::{
    http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap},
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt as _;
use wire::limits::BODY_BYTES;

use crate::error::Problem;

/// A body that takes longer than this is given up: 64 KiB come in time over 2 KB/s.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bodies that are being read take at most so much memory, however many clients send slowly.
const IN_FLIGHT: usize = 64 << 20;

/// The bytes of all bodies that are being read.
static READING: AtomicUsize = AtomicUsize::new(0);

/// One body's part of [`READING`], given back when it was read or given up.
#[derive(Default)]
struct Part(usize);

impl Part {
    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let before = READING.fetch_add(bytes, Ordering::Relaxed);
        self.0 += bytes;
        if before + bytes > IN_FLIGHT {
            return Err(Problem::busy());
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        READING.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// Checks a content type against those that are understood.
///
/// # Errors
/// 415 where it is none of them.
pub fn check_type(headers: &HeaderMap, understood: &[&str]) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = given.split(';').next().unwrap_or("").trim();
    if understood.iter().any(|one| one.eq_ignore_ascii_case(essence)) {
        return Ok(());
    }
    Err(Problem::unsupported_media(format!("Content-Type must be {}.", understood.join(" or "))))
}

/// Reads a body of at most [`BODY_BYTES`], compressed or not. A bomb is stopped at the limit: no more than that is
/// ever inflated.
///
/// # Errors
/// 413 over the limit, before or after decompression; 415 for an unknown encoding; 400 for a broken one; 408 where it
/// does not come in time; 503 where too many come at once.
pub async fn read(headers: &HeaderMap, payload: Payload) -> Result<Bytes, Problem> {
    read_at_most(headers, payload, BODY_BYTES).await
}

/// The same of a body of at most so many bytes.
///
/// # Errors
/// As [`read`].
pub async fn read_at_most(headers: &HeaderMap, payload: Payload, most: usize) -> Result<Bytes, Problem> {
    let body = tokio::time::timeout(PATIENCE, gather(payload, most)).await;
    let body = body.map_err(|_| Problem::too_slow("The body did not come within 30 seconds."))??;
    let encoding =
        headers.get(CONTENT_ENCODING).map_or(Ok("identity"), |value| value.to_str()).unwrap_or("?");
    match encoding.trim().to_ascii_lowercase().as_str() {
        "identity" | "" => Ok(body.freeze()),
        "gzip" => inflate(flate2::read::MultiGzDecoder::new(&*body), most),
        "br" => inflate(brotli::Decompressor::new(&*body, 4096), most),
        _ => Err(Problem::unsupported_media("Content-Encoding must be gzip, br or identity.")),
    }
}

/// The bytes as they come, until there are too many.
async fn gather(mut payload: Payload, most: usize) -> Result<BytesMut, Problem> {
    let mut part = Part::default();
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::invalid("The body broke off."))?;
        if body.len() + chunk.len() > most {
            return Err(too_large(most));
        }
        part.grow(chunk.len())?;
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn inflate(reader: impl Read, most: usize) -> Result<Bytes, Problem> {
    let mut body = Vec::new();
    let limit = u64::try_from(most + 1).unwrap_or(u64::MAX);
    reader
        .take(limit)
        .read_to_end(&mut body)
        .map_err(|_| Problem::invalid("The body is not what its Content-Encoding says."))?;
    if body.len() > most {
        return Err(too_large(most));
    }
    Ok(body.into())
}

fn too_large(most: usize) -> Problem {
    Problem::too_large(format!("At most {most} bytes, after decompression."))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let megabyte = vec![b' '; 1 << 20];
        for _ in 0..64 {
            gzip.write_all(&megabyte).unwrap();
        }
        let bomb = gzip.finish().unwrap();
        assert!(bomb.len() < 100_000);
        assert_eq!(inflate(flate2::read::MultiGzDecoder::new(&*bomb), BODY_BYTES).unwrap_err().status, 413);
    }

    #[test]
    fn what_is_not_compressed_is_refused() {
        assert_eq!(inflate(flate2::read::MultiGzDecoder::new(&b"{}"[..]), 99).unwrap_err().status, 400);
        assert_eq!(
            inflate(brotli::Decompressor::new(&b"\xff\xff\xff"[..], 4096), 99).unwrap_err().status,
            400
        );
    }
}
