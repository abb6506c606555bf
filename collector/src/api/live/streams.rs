//! How many streams there are, and how they end.

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;

/// Streams that may be open at once.
const STREAMS: i64 = 200;

/// The open streams.
pub struct Streams {
    open: Gauge,
    closing: watch::Sender<bool>,
}

impl Streams {
    /// None yet; `open` is told how many there are.
    #[must_use]
    pub fn new(open: Gauge) -> Self {
        Self { open, closing: watch::channel(false).0 }
    }

    /// A place for one more; `None` where there are too many.
    #[must_use]
    pub fn open(&self) -> Option<Open> {
        let open = Open { open: self.open.clone(), closing: self.closing.subscribe() };
        // Counted first: two that come at once must not both find the last place.
        (self.open.inc() < STREAMS).then_some(open)
    }

    /// Ends every stream, and each that is yet to begin: the server is about to stop, and waits for none.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }
}

/// An open stream's place, given back when it is dropped.
pub struct Open {
    open: Gauge,
    closing: watch::Receiver<bool>,
}

impl Open {
    /// Waits until the server is about to stop.
    pub async fn closed(&mut self) {
        drop(self.closing.wait_for(|closing| *closing).await);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.open.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_few_and_are_given_back() {
        let gauge = Gauge::default();
        let streams = Streams::new(gauge.clone());
        let mut open: Vec<Open> = std::iter::from_fn(|| streams.open()).collect();
        assert_eq!((open.len() as i64, gauge.get()), (STREAMS, STREAMS));
        assert!(streams.open().is_none());
        drop(open.pop());
        let mut again = streams.open().unwrap();
        drop(open);
        assert_eq!(gauge.get(), 1);
        streams.close();
        again.closed().await;
        streams.open().unwrap().closed().await;
    }
}
