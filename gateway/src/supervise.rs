//! Tasks that may not die unnoticed.

use std::future::Future;

use anyhow::anyhow;
use tokio::task::JoinSet;

/// The long-running tasks of the daemon: the end of any of them is an event.
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
