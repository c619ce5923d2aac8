//! Wiring: the database, the broker's session, the page and the signals of the system.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

use crate::config::Config;
use crate::core::{Settings, Station, Watch};
use crate::desk::{self, Desk};
use crate::page::{self, Page};
use crate::plans::PlacedPlan;
use crate::store::{Archive, Store};
use crate::supervise::Supervisor;
use crate::{clock, session};

/// Longest wait for the tasks to end after a signal.
const SHUTDOWN_MAX: Duration = Duration::from_secs(4);

/// Serves until SIGTERM or SIGINT, and judges the readings by `plans` once more.
///
/// Readiness is told to systemd, and by `address_file` with the page's address in it, when the page
/// listens and the first attempt to reach the broker has ended, well or not.
///
/// # Errors
///
/// Fails where something cannot be opened at the start, or a task of the station died.
pub async fn run(
    config: Config,
    plans: Vec<PlacedPlan>,
    address_file: Option<PathBuf>,
) -> anyhow::Result<()> {
    let key = crate::key::load_or_create(&config.agency.signing_key_file)?;
    let options = session::options(&config.broker)?;
    let store = Store::open(&config.store.path)?;
    let settings = Settings {
        topics: config.broker.topics.clone(),
        key,
        repeat_after: config.command.repeat_after,
        expires_after: config.command.expires_after,
        watch: Watch {
            silence_limit: config.watch.hub_silence_limit,
            heartbeat: config.watch.heartbeat,
            alert_within: config.watch.alert_within,
            ..Watch::default()
        },
        plans,
    };
    let station = Station::open(clock::now(), settings, store)?;
    let archive = Arc::new(Archive::open(&config.store.path)?);
    let listener = TcpListener::bind(config.page.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.page.listen))?;
    let address = listener.local_addr().context("the page has no address")?;
    let mut stop = Stop::listen()?;

    let (signals_in, signals) = mpsc::channel(session::SIGNALS_MAX);
    let (wishes_in, wishes) = mpsc::channel(desk::WISHES_MAX);
    let (board_in, board) = watch::channel(Arc::new(station.board().clone()));
    let (settled_in, settled) = oneshot::channel();
    let (shutdown_in, shutdown) = watch::channel(false);
    let topics = config.broker.topics.clone();
    let page = Page::new(config, board, wishes_in, archive, shutdown.clone());
    let desk = Desk {
        signals,
        wishes,
        board: board_in,
        settled: Some(settled_in),
        shutdown: shutdown.clone(),
    };

    let mut supervisor = Supervisor::new();
    supervisor.spawn("desk", desk::run(station, desk));
    supervisor.spawn("page", page::serve(listener, page, shutdown));
    let told = shutdown_in.subscribe();
    supervisor.spawn("session", async move {
        session::run(options, topics, signals_in, told).await;
        Ok(())
    });
    supervisor.spawn("readiness", announce(address, address_file, settled));

    let outcome = loop {
        tokio::select! {
            () = stop.told() => break Ok(()),
            end = supervisor.next_end() => match end {
                Some(("readiness", Ok(()))) => {}
                Some((name, Ok(()))) => break Err(anyhow!("the {name} ended")),
                Some((name, Err(error))) => break Err(error.context(format!("the {name} failed"))),
                None => break Err(anyhow!("nothing is running any more")),
            },
        }
    };
    notify(&[sd_notify::NotifyState::Stopping]);
    shutdown_in.send_replace(true);
    let ended = async { while supervisor.next_end().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_MAX, ended).await.is_err() {
        tracing::warn!("tasks did not end in time");
    }
    tracing::info!("station stopped");
    outcome
}

/// Tells everybody who waits that the station is ready.
async fn announce(
    address: SocketAddr,
    address_file: Option<PathBuf>,
    settled: oneshot::Receiver<()>,
) -> anyhow::Result<()> {
    tracing::info!(%address, "page listens");
    if settled.await.is_err() {
        // The station ends already.
        return Ok(());
    }
    if let Some(path) = address_file {
        write_whole(&path, &format!("{address}\n"))
            .with_context(|| format!("cannot write the address file {}", path.display()))?;
    }
    notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!("station ready");
    Ok(())
}

/// A reader of the file sees all of it or nothing.
fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let Some(name) = path.file_name() else { bail!("it has no file name") };
    let mut part = name.to_owned();
    part.push(".part");
    let part = path.with_file_name(part);
    fs::write(&part, text)?;
    fs::rename(&part, path)?;
    Ok(())
}

/// Tells systemd; without systemd nothing happens.
pub(crate) fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd not notified");
    }
}

/// The signals that end the station.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _signal = self.terminate.recv() => {}
            _signal = self.interrupt.recv() => {}
        }
    }
}
