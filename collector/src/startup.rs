//! All wiring, on one screen: settings in, a running collector out.

use std::{
    io::{ErrorKind, Write as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App as Web, HttpServer,
    dev::Server,
    rt::signal::unix::{SignalKind, signal},
    web,
};
use anyhow::Context as _;

use crate::{
    api::{chat_refs::Turns, live::streams::Streams, looks::Looks, routes},
    app::App,
    archive::erasures::Erasures,
    clock::{Clock, System},
    config::{MasterKeySource, ServeOptions, Settings, StoreUrl},
    deliver::run::Deliverer,
    demo,
    ingest::{
        datacentres::Datacentres,
        hooks::graph::{Asker, Forms},
        limits::Limits,
        loaders::Loaders,
        numbers::Pools,
        place::Places,
    },
    project::{breaches::Breaches, directory::Directory, follow::Follower},
    store::{
        Store,
        kv::KvStore,
        memory::Memory,
        sled::{Pace, Sled},
        together,
    },
    telemetry::{self, Metrics},
    vault::{Vault, contact, keys::MasterKey},
};

/// The head of a request must come within this time, and so the first one of a connection: it closes those that
/// send nothing, or a byte now and then.
const REQUEST_SECONDS: u64 = 10;
/// A connection between two requests is kept for so long.
const IDLE_SECONDS: u64 = 30;
/// Connections of one worker; more wait until one ends.
const CONNECTIONS: usize = 20_000;
/// Requests in flight get this long to be answered after a signal to stop.
const SHUTDOWN_SECONDS: u64 = 30;
/// Ports that are tried after the default one, if nobody asked for a certain port.
const OTHER_PORTS: u16 = 20;

/// A collector that is bound to its port and ready to run.
pub struct Application {
    server: Server,
    app: web::Data<App>,
    follower: Follower,
    /// Absent where the process is there for something else.
    deliverer: Option<Deliverer>,
    breaches: Option<Breaches>,
    /// As well.
    asker: Option<Asker>,
    address: SocketAddr,
}

impl Application {
    /// Opens the store and the vault, binds the port, wires everything.
    ///
    /// # Errors
    /// One line for an operator: what could not be had, and what to do.
    pub async fn build(settings: Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        Self::assemble(settings, clock, true).await
    }

    /// `signals`: whether it is stopped by a signal to the process, gently, and tells endpoints what happens. Without, a
    /// signal ends the process, and somebody else will tell them.
    async fn assemble(mut settings: Settings, clock: Arc<dyn Clock>, signals: bool) -> anyhow::Result<Self> {
        let listener = bind(&settings)?;
        let address = listener.local_addr()?;
        if settings.public_url.is_empty() {
            settings.public_url = format!("http://{address}");
        }
        let places = Places::open(settings.geoip.as_deref())?;
        let datacentres = Datacentres::open(settings.datacentres.as_deref())?;
        let store = open_store(&settings, if signals { Pace::Serving } else { Pace::Bulk })?;
        let vault = Vault::open(Arc::clone(&store), &master_keys(&settings, store.as_ref()).await?).await?;
        let erasures = Erasures::at(settings.erasures.clone());
        // Before anything is derived or shown: the store may be an older one.
        let again = erasures.apply(store.as_ref()).await?;
        if again > 0 {
            tracing::warn!(again, "the store is older than erasures that were made: they were made again");
        }
        let directory = Arc::new(Directory::default());
        let (follower, progress) = Follower::new(Arc::clone(&store), Arc::clone(&directory));
        let (mut follower, progress) = follower.with_upkeep(Arc::clone(&clock), progress);
        // Sites and tokens are needed for the first request; journeys catch up while requests are served.
        directory.refresh(store.as_ref()).await?;
        follower.begin().await?;

        // Each connection is a file, and many systems allow a process a thousand of them until it asks for more.
        if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
            tracing::warn!(%error, "the limit of open files, and so of connections, could not be raised");
        }
        // The tables of telephone numbers take a while to unpack: not in the first lead's time.
        drop(actix_web::rt::task::spawn_blocking(|| contact::phone("600 000 000", "ES")));

        let workers = settings.workers;
        let prefix = settings.prefix.clone();
        let (metrics, loaders) = (Metrics::default(), Loaders::default());
        let limits = Limits::new(settings.limits);
        let looks = Looks::new(Arc::clone(&store), Arc::clone(&clock));
        let streams = Streams::new(metrics.live_streams());
        let (forms, heard) = Forms::new();
        let app = web::Data::new(App {
            selling: tokio::sync::Mutex::default(),
            turns: Turns::default(),
            settings,
            clock,
            store,
            vault,
            looks,
            erasures,
            directory,
            progress,
            metrics,
            streams,
            limits,
            places,
            datacentres,
            pools: Pools::default(),
            forms,
            loaders,
        });
        let shared = app.clone();
        let mut server = HttpServer::new(move || {
            Web::new().app_data(shared.clone()).configure(|config| routes::configure(config, &prefix))
        })
        .client_request_timeout(Duration::from_secs(REQUEST_SECONDS))
        .keep_alive(Duration::from_secs(IDLE_SECONDS))
        .max_connections(CONNECTIONS)
        .shutdown_timeout(SHUTDOWN_SECONDS);
        server = if signals {
            server.shutdown_signal(stop_signal(app.clone())?)
        } else {
            server.disable_signals()
        };
        if let Some(workers) = workers {
            server = server.workers(workers);
        }
        let server = server.listen(listener)?.run();
        let deliverer = signals.then(|| Deliverer::new(app.clone().into_inner()));
        let breaches = signals.then(|| {
            let (store, directory) = (Arc::clone(&app.store), Arc::clone(&app.directory));
            Breaches::new(store, directory, app.progress.clone(), Arc::clone(&app.clock))
        });
        let asker = signals.then(|| Asker::new(app.clone().into_inner(), heard));
        Ok(Self { server, app, follower, deliverer, breaches, asker, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its handlers share.
    #[must_use]
    pub fn app(&self) -> web::Data<App> {
        self.app.clone()
    }

    /// Stops it from outside, answering what is in flight.
    #[must_use]
    pub fn handle(&self) -> actix_web::dev::ServerHandle {
        self.server.handle()
    }

    /// Runs until a signal, answers what is in flight, writes what is queued, and closes the store.
    ///
    /// # Errors
    /// Where the server fails.
    pub async fn run_until_stopped(self) -> anyhow::Result<()> {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let (follower, mut until) = (self.follower, stopped.clone());
        let follower = actix_web::rt::spawn(together(move || async move {
            tokio::select! {
                () = follower.run() => {}
                _ = until.wait_for(|stopped| *stopped) => {}
            }
        }));
        let breaches = self.breaches.map(|breaches| actix_web::rt::spawn(breaches.run(stopped.clone())));
        let asker = self.asker.map(|asker| actix_web::rt::spawn(asker.run(stopped.clone())));
        let deliverer = self.deliverer.map(|deliverer| actix_web::rt::spawn(deliverer.run(stopped)));
        let served = self.server.await;
        stop.send_replace(true);
        if let Some(breaches) = breaches {
            drop(breaches.await);
        }
        if let Some(deliverer) = deliverer {
            drop(deliverer.await);
        }
        if let Some(asker) = asker {
            drop(asker.await);
        }
        drop(follower.await);
        self.app.looks.flush().await;
        self.app.store.close().await;
        tracing::info!("stopped; everything acknowledged is on the disk");
        served.context("the server failed")
    }
}

/// `traza serve`.
///
/// # Errors
/// As [`Application::build`].
pub async fn serve(options: ServeOptions) -> anyhow::Result<()> {
    telemetry::start_logging();
    let application = Application::build(options.settle()?, Arc::new(System)).await?;
    let app = application.app();
    tracing::info!(address = %application.address(), store = app.store.describe().backend, "listening");
    let mut text = format!("Traza {} at {}\n", env!("CARGO_PKG_VERSION"), app.settings.public_url);
    let running = actix_web::rt::spawn(application.run_until_stopped());
    if app.settings.demo {
        text.push_str(&demo::prepare(&app).await?);
    } else if app.settings.admin_token.is_none() && app.directory.tokens().is_empty() {
        text.push_str(
            "No site and no token yet: start once with TRAZA_ADMIN_TOKEN=… (16 characters or more), then\n  curl -X PUT \
             -H \"Authorization: Bearer $TRAZA_ADMIN_TOKEN\" -H 'Content-Type: application/json' -d '{}' ",
        );
        text.push_str(&format!("{}/api/v1/sites/acme\n", app.settings.public_url));
    }
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    running.await?
}

/// Waits for the signal to stop, and ends the live streams: the server waits for what is in flight, and they never
/// end by themselves.
///
/// Listened for from the call on, not from the first poll: who is told that it listens may stop it at once.
fn stop_signal(app: web::Data<App>) -> std::io::Result<impl Future<Output = ()>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        app.streams.close();
    })
}

/// A collector on loopback for one verb of the command line: what speaks to a running server speaks to this one where
/// none runs.
pub struct Embedded {
    /// Where it is.
    pub url: String,
    /// An admin token that nobody else knows and that ends with it.
    pub token: String,
    /// What its handlers share.
    pub app: web::Data<App>,
    handle: actix_web::dev::ServerHandle,
    running: actix_web::rt::task::JoinHandle<anyhow::Result<()>>,
}

impl Embedded {
    /// Starts one on a store.
    ///
    /// # Errors
    /// As [`Application::build`].
    pub async fn start(mut settings: Settings) -> anyhow::Result<Self> {
        let token: String = crate::vault::random::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        settings.workers = Some(1);
        settings.admin_token = Some(token.clone());
        let application = Application::assemble(settings, Arc::new(System), false).await?;
        let (url, handle) = (format!("http://{}", application.address()), application.handle());
        let app = application.app();
        let running = actix_web::rt::spawn(application.run_until_stopped());
        Ok(Self { url, token, app, handle, running })
    }

    /// Stops it, the store closed.
    ///
    /// # Errors
    /// Where the server failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        drop(self.app);
        self.handle.stop(true).await;
        self.running.await?
    }
}

/// The listener: the address asked for, or the next free port where nobody asked.
fn bind(settings: &Settings) -> anyhow::Result<TcpListener> {
    let wanted = settings.listen;
    let mut tried = wanted;
    loop {
        match TcpListener::bind(tried) {
            Ok(listener) => {
                if tried != wanted {
                    tracing::warn!("port {} is taken; using {}", wanted.port(), tried.port());
                }
                return Ok(listener);
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse && settings.may_move => {
                anyhow::ensure!(
                    tried.port() < wanted.port() + OTHER_PORTS,
                    "ports {} to {} are all taken: name a free one with --listen",
                    wanted.port(),
                    tried.port()
                );
                tried.set_port(tried.port() + 1);
            }
            Err(error) => return Err(error).with_context(|| format!("cannot listen on {tried}")),
        }
    }
}

fn open_store(settings: &Settings, pace: Pace) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match &settings.store {
        StoreUrl::Memory => Arc::new(KvStore::open(Memory::default())?),
        StoreUrl::Sled(folder) => {
            let engine = Sled::open(folder, settings.cache_bytes, pace)?;
            Arc::new(KvStore::open(engine).with_context(|| folder.display().to_string())?)
        }
    })
}

/// The master keys at hand: one, or two while a rotation is under way. A file is made only for a store that has no
/// sealed data yet: a store with data needs its own key.
async fn master_keys(settings: &Settings, store: &dyn Store) -> anyhow::Result<Vec<MasterKey>> {
    match &settings.master_key {
        MasterKeySource::Text(text) => Ok(vec![MasterKey::from_base64(text)?]),
        MasterKeySource::File(path) => {
            let is_new = store.meta("key-check").await?.is_none();
            MasterKey::all_from_file(Path::new(path), is_new)
        }
        MasterKeySource::Ephemeral => Ok(vec![MasterKey::from_bytes(crate::vault::random::<32>()?)]),
    }
}
