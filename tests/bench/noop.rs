//! The yardstick: a handler that parses the same JSON into types and answers 204. It validates nothing, converts
//! nothing, stores nothing. It runs in a process of its own, as the collector does.

use std::io::Write as _;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde::Deserialize;
use wire::{
    beacon::{Choice, Context, Mode, Via},
    event::Event,
};

#[derive(Deserialize)]
struct Beacon {
    v: u32,
    visitor: Option<String>,
    sent: Option<i64>,
    mode: Option<Mode>,
    #[serde(default)]
    choice: Choice,
    via: Option<Via>,
    #[serde(default)]
    context: Context,
    events: Vec<Event>,
}

impl Beacon {
    /// Touches everything, so that no parsing is optimised away.
    fn weight(&self) -> usize {
        let context = [&self.context.lang, &self.context.screen, &self.context.tz];
        let texts = context.into_iter().flatten().chain(&self.visitor).map(String::len).sum::<usize>();
        let given =
            [self.sent.is_some(), self.mode.is_some(), self.via.is_some(), self.choice == Choice::Explicit];
        texts + given.into_iter().filter(|given| *given).count() + self.events.len() + self.v as usize
    }
}

async fn beacon(body: web::Bytes) -> HttpResponse {
    match serde_json::from_slice::<Beacon>(&body) {
        Ok(beacon) if beacon.weight() > 0 => HttpResponse::NoContent().finish(),
        _ => HttpResponse::BadRequest().finish(),
    }
}

/// Serves until it is killed; says where on its first line.
///
/// # Errors
/// Where it cannot listen.
pub(crate) async fn serve(workers: usize) -> anyhow::Result<()> {
    let server = HttpServer::new(|| App::new().route("/t/{site}", web::post().to(beacon)))
        .workers(workers)
        .bind(("127.0.0.1", 0))?;
    let address = *server.addrs().first().ok_or_else(|| anyhow::anyhow!("no address"))?;
    writeln!(std::io::stdout(), "http://{address}")?;
    server.run().await?;
    Ok(())
}
