//! Tasks that may not die unnoticed, and blocking work beside the event loop.

use std::future::Future;

use anyhow::{Context as _, anyhow};
use tokio::task::JoinSet;

/// The long-running tasks of the station: the end of any of them is an event.
#[derive(Debug, Default)]
pub struct Supervisor {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
}

impl Supervisor {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task under a name that logs and errors use.
    pub fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Waits for the first task to end; `None` when there is none left.
    ///
    /// A panic is an error like any other.
    pub async fn next_end(&mut self) -> Option<(&'static str, anyhow::Result<()>)> {
        match self.tasks.join_next().await? {
            Ok(end) => Some(end),
            Err(error) => Some(("panicked task", Err(anyhow!(error)))),
        }
    }
}

/// Does blocking work on a thread of its own and waits for it.
///
/// # Errors
///
/// Fails where the work panicked.
pub async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("work on the database broke off")
}
