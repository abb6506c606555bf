//! The network between browser and server: a port that passes bytes on, slowly or not at all.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

/// What a line is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Bytes pass as they come.
    Fair,
    /// Each byte takes `delay` (one way), and no more than `bytes_per_second` pass, each way.
    Slow {
        /// One way.
        delay: Duration,
        /// Each way, of each connection.
        bytes_per_second: u32,
    },
    /// Connections are taken and hold; nothing passes.
    Silent,
    /// Every connection breaks, old and new.
    Dead,
}

impl Weather {
    /// What browsers' own tools call slow 3G: 400 ms there and back, 400 kbit/s.
    pub(crate) const SLOW_3G: Self =
        Self::Slow { delay: Duration::from_millis(200), bytes_per_second: 50_000 };
}

/// A port of 127.0.0.1 that leads to another.
pub(crate) struct Line {
    port: u16,
    weather: watch::Sender<Weather>,
}

impl Line {
    /// Starts one that leads to `server`, in fair weather.
    pub(crate) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (weather, seen) = watch::channel(Weather::Fair);
        actix_web::rt::spawn(async move {
            while let Ok((browser, _)) = listener.accept().await {
                actix_web::rt::spawn(connect(browser, server, seen.clone()));
            }
        });
        Self { port, weather }
    }

    /// Where a browser finds it.
    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Changes the weather, for open connections too.
    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn connect(browser: TcpStream, server: u16, mut weather: watch::Receiver<Weather>) {
    if *weather.borrow() == Weather::Dead {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let (from_browser, to_browser) = browser.into_split();
    let (from_server, to_server) = server.into_split();
    let there = pass(from_browser, to_server, weather.clone());
    let back = pass(from_server, to_browser, weather.clone());
    // Whichever is first; what is dropped here breaks the connection.
    tokio::select! {
        _ = async { tokio::join!(there, back) } => {}
        _ = weather.wait_for(|weather| *weather == Weather::Dead) => {}
    }
}

/// One direction. Reading goes on while earlier bytes are under way.
async fn pass(mut from: OwnedReadHalf, to: OwnedWriteHalf, weather: watch::Receiver<Weather>) {
    let (under_way, arriving) = mpsc::unbounded_channel();
    let read = async {
        let mut bytes = [0; 1460];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            drop(under_way.send((Instant::now(), bytes[..count].to_vec())));
        }
        drop(under_way);
    };
    tokio::join!(read, arrive(to, arriving, weather));
}

async fn arrive(
    mut to: OwnedWriteHalf,
    mut arriving: mpsc::UnboundedReceiver<(Instant, Vec<u8>)>,
    mut weather: watch::Receiver<Weather>,
) {
    let mut free = Instant::now();
    while let Some((left, bytes)) = arriving.recv().await {
        let Ok(now) = weather.wait_for(|weather| *weather != Weather::Silent).await.map(|now| *now) else {
            return;
        };
        if let Weather::Slow { delay, bytes_per_second } = now {
            let takes =
                Duration::from_secs(1) * u32::try_from(bytes.len()).unwrap_or(u32::MAX) / bytes_per_second;
            free = free.max(left + delay) + takes;
            sleep_until(free).await;
        }
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    drop(to.shutdown().await);
}
