//! The `busd` broker on a thread of its own, for machines without `dbus-daemon`.

use std::path::Path;

use busd::bus::Bus;
use futures::future::{Either, select};
use tokio::sync::oneshot;

use super::BusError;

/// A running broker thread; it stops when this value is dropped.
#[derive(Debug)]
pub(super) struct EmbeddedBus {
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl EmbeddedBus {
    /// Starts the broker and returns once it listens on `socket`.
    pub(super) async fn start(socket: &Path) -> Result<Self, BusError> {
        let failed = |reason| BusError::Embedded { socket: socket.to_owned(), reason };
        let address = format!("unix:path={}", socket.display());
        let (stop, asked_to_stop) = oneshot::channel();
        let (report, stopped) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel();
        std::thread::Builder::new()
            .name("embedded-bus".to_owned())
            .spawn(move || {
                // The broker must not see a Tokio runtime: it brings its own.
                futures::executor::block_on(serve(&address, ready, asked_to_stop));
                // Nobody waits when the bus was dropped instead of killed.
                report.send(()).ok();
            })
            .map_err(|error| failed(error.to_string()))?;
        match is_ready.await {
            Ok(Ok(())) => Ok(Self { stop, stopped }),
            Ok(Err(reason)) => Err(failed(reason)),
            Err(closed) => Err(failed(closed.to_string())),
        }
    }

    /// Stops the broker and waits until all its connections are closed.
    pub(super) async fn kill(self) {
        drop(self.stop);
        if self.stopped.await.is_err() {
            tracing::warn!("embedded bus died by itself");
        }
    }
}

async fn serve(
    address: &str,
    ready: oneshot::Sender<Result<(), String>>,
    asked_to_stop: oneshot::Receiver<()>,
) {
    let mut bus = match Bus::for_address(Some(address)).await {
        Ok(bus) => bus,
        Err(error) => {
            ready.send(Err(format!("{error:#}"))).ok();
            return;
        }
    };
    ready.send(Ok(())).ok();
    {
        let running = std::pin::pin!(bus.run());
        if let Either::Left((Err(error), _)) = select(running, asked_to_stop).await {
            tracing::error!(error = %format!("{error:#}"), "embedded bus failed");
        }
    }
    let connections: Vec<_> =
        bus.peers().peers().await.values().map(|peer| peer.conn().clone()).collect();
    for connection in connections {
        if let Err(error) = connection.close().await {
            tracing::debug!(%error, "connection was already closed");
        }
    }
    if let Err(error) = bus.cleanup().await {
        tracing::warn!(error = %format!("{error:#}"), "embedded bus left its socket behind");
    }
}
