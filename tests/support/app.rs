//! The real app in this process: port 0, a store of its own, a clock that tests move.

use std::{path::PathBuf, sync::Arc, thread::JoinHandle, time::Duration};

use actix_web::{dev::ServerHandle, rt::System, web::Data};
use collector::{app::App, clock::Manual, config::ServeOptions, startup::Application};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::{ADMIN, NOW, client::Client, logs, wait::eventually};

/// A running collector and what a test needs to hold of it.
pub struct TestApp {
    /// Speaks to it as an admin.
    pub client: Client,
    /// Its clock: stands at [`NOW`] until it is moved.
    pub clock: Arc<Manual>,
    options: ServeOptions,
    folder: TempDir,
    running: Option<Running>,
}

struct Running {
    app: Data<App>,
    handle: ServerHandle,
    /// actix wants a thread whose tasks need not be `Send`.
    thread: JoinHandle<anyhow::Result<()>>,
}

impl TestApp {
    /// On a fresh sled store, with the site `acme` of example.com.
    pub async fn spawn() -> Self {
        Self::with(|_| {}).await
    }

    /// The same on the store that forgets.
    pub async fn in_memory() -> Self {
        Self::with(|options| options.store = Some("memory:".to_owned())).await
    }

    /// The same with other settings.
    pub async fn with(change: impl FnOnce(&mut ServeOptions)) -> Self {
        let app = Self::empty(change).await;
        // `full`: what holds without a choice is the business of the tests about it.
        let site = json!({"domains": ["example.com", "127.0.0.1"], "consent_default": "full"});
        app.client.put_site("acme", &site).await;
        app
    }

    /// Without any site.
    pub async fn empty(change: impl FnOnce(&mut ServeOptions)) -> Self {
        logs::capture();
        let folder = tempfile::tempdir().expect("a folder");
        let mut options = ServeOptions {
            listen: Some("127.0.0.1:0".to_owned()),
            store: Some(format!("sled:{}", folder.path().join("data").display())),
            admin_token: Some(ADMIN.to_owned()),
            cache_mb: Some(8),
            workers: Some(1),
            ..ServeOptions::default()
        };
        change(&mut options);
        let clock = Arc::new(Manual::at(NOW));
        let (running, client) = start(options.clone(), Arc::clone(&clock)).await.expect("a running app");
        Self { client, clock, options, folder, running: Some(running) }
    }

    /// What its handlers share.
    #[must_use]
    pub fn app(&self) -> Data<App> {
        self.running().app.clone()
    }

    /// Stops it from outside.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.running().handle.clone()
    }

    /// The folder of its store.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the app was stopped")
    }

    /// Stops it as a signal would: what is in flight is answered, then the store is closed.
    pub async fn stop(&mut self) {
        let running = self.running.take().expect("the app was stopped");
        running.app.streams.close();
        drop(running.app);
        running.handle.stop(true).await;
        let ended = tokio::task::spawn_blocking(move || running.thread.join()).await;
        ended.expect("a joined thread").expect("a server that did not panic").expect("a clean stop");
    }

    /// Starts it again on the same store.
    pub async fn start(&mut self) {
        assert!(self.running.is_none(), "the app runs");
        let (options, clock) = (&self.options, &self.clock);
        // Worker threads let go of the store a moment after the server has ended.
        let (running, client) = eventually("the store opens again", Duration::from_secs(10), async || {
            start(options.clone(), Arc::clone(clock)).await.ok()
        })
        .await;
        (self.running, self.client) = (Some(running), client);
    }

    /// Stops and starts it.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            // The order is given at once; nobody waits for it.
            drop(running.handle.stop(false));
        }
    }
}

async fn start(options: ServeOptions, clock: Arc<Manual>) -> anyhow::Result<(Running, Client)> {
    let (ready, started) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        System::new().block_on(async move {
            let application = match options.settle() {
                Ok(settings) => Application::build(settings, clock).await,
                Err(error) => Err(error),
            };
            match application {
                Ok(application) => {
                    drop(ready.send(Ok((application.app(), application.handle(), application.address()))));
                    application.run_until_stopped().await
                }
                Err(error) => {
                    drop(ready.send(Err(error)));
                    Ok(())
                }
            }
        })
    });
    let (app, handle, address) = started.await??;
    let client = Client::new(&format!("http://{address}"));
    Ok((Running { app, handle, thread }, client))
}
