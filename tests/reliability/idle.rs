//! Clients that come and say nothing, or next to nothing.

use std::time::{Duration, Instant};

use collector::clock::{Clock as _, System};
use e2e::{
    beacon::{full, new_id, page_view},
    binary::{Binary, Home, resident},
    eventually,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Connections that are held open; `TRAZA_IDLE` for another number.
fn connections() -> usize {
    std::env::var("TRAZA_IDLE").map_or(10_000, |count| {
        count.parse().unwrap_or_else(|_| panic!("TRAZA_IDLE must be a number, not {count:?}"))
    })
}

/// Memory that one of them may take, in KB: the server's two buffers of 8 KB, and itself.
const EACH: u64 = 32;

/// What a connection does before it goes quiet.
const HABITS: [&str; 3] = [
    // Nothing at all.
    "",
    // A head that never ends.
    "POST /t/acme HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow",
    // A body that never comes.
    "POST /t/acme HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: 60000\r\n\r\n{\"v\":1,",
];

async fn beacon(server: &Binary) -> Duration {
    let began = Instant::now();
    let beacon = full(&new_id(), [page_view(&new_id(), System.now(), "https://www.example.com/")]);
    server.client.store("acme", &beacon).await;
    began.elapsed()
}

#[tokio::test]
async fn ten_thousand_idle_connections_harm_nobody_and_are_ended() {
    let count = connections();
    rlimit::increase_nofile_limit(u64::MAX).expect("a limit");
    let home = Home::new();
    let server = Binary::start(&home).await;
    server.client.put_site("acme", &json!({"consent_default": "full"})).await;
    let before = resident(server.id());
    let address = server.client.base().trim_start_matches("http://").to_owned();
    let mut open = Vec::with_capacity(count);
    for n in 0..count {
        let mut stream = TcpStream::connect(&address).await.expect("a connection");
        stream.write_all(HABITS[n % HABITS.len()].as_bytes()).await.expect("written");
        open.push(stream);
    }
    let mut times = Vec::new();
    for _ in 0..50 {
        times.push(beacon(&server).await);
    }
    times.sort();
    let held = resident(server.id());
    println!("{count} idle connections: a beacon takes {:?} (worst {:?})", times[25], times[49]);
    let each = held.saturating_sub(before) * 1024 / count as u64;
    println!("memory: {before} MB before, {held} MB with them, {each} KB each");
    assert!(times[49] < Duration::from_secs(2), "others are served meanwhile: {times:?}");
    assert!(each <= EACH, "{each} KB each");

    // Each is ended by the server: a head must come within ten seconds, a body within thirty.
    let mut ended = 0;
    let end = Instant::now() + Duration::from_secs(90);
    for stream in &mut open {
        let mut rest = Vec::new();
        let left = end.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, stream.read_to_end(&mut rest)).await {
            Ok(_) => ended += 1,
            Err(_) => break,
        }
    }
    assert_eq!(ended, count, "some were kept for ever");
    drop(open);
    let after = eventually("memory stays where it was", Duration::from_secs(10), async || {
        let now = resident(server.id());
        (now <= held + 20).then_some(now)
    })
    .await;
    beacon(&server).await;
    println!("all {count} were ended; {after} MB afterwards");
}
