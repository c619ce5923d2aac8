//! The simulator's only place that starts tasks: a task that dies is reported, one that nobody
//! owns any more is stopped.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tokio::task::JoinHandle;
use tracing::error;

/// A running task; dropping it stops the task.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs `work` until it ends or the returned [`Task`] is dropped, and reports a panic.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the crate's only place that starts tasks")]
pub(crate) fn spawn<F>(name: &'static str, work: F) -> Task
where
    F: Future<Output = ()> + Send + 'static,
{
    Task(tokio::spawn(async move {
        if AssertUnwindSafe(work).catch_unwind().await.is_err() {
            error!(task = name, "task died");
        }
    }))
}
