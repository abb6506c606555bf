//! What the apps of this process logged, all of them together.

use std::{
    io::Write,
    sync::{Mutex, Once, PoisonError},
};

use tracing_subscriber::EnvFilter;

static TEXT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static START: Once = Once::new();

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        TEXT.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts keeping what is logged, at a finer level than an operator would ever choose.
pub fn capture() {
    START.call_once(|| {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("debug,collector=trace,wire=trace,sled=info"))
            .with_ansi(false)
            .with_writer(|| Sink)
            .try_init()
            .expect("nobody else starts logging in a test");
    });
}

/// Everything that was logged so far.
#[must_use]
pub fn captured() -> String {
    String::from_utf8_lossy(&TEXT.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}
