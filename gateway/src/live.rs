//! What a running daemon tells whoever asks on this machine: one JSON object on a Unix socket.
//!
//! A socket and not a file: it is never stale, a daemon that was killed does not answer, and nothing
//! is written to the disk when the state changes.

use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, future};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tracing::{debug, warn};
use vitals::LocalInstant;

use crate::hub::{Hub, Sight};

/// Longest wait for whoever asks, and for the daemon that is asked.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// Wait after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_secs(1);

/// What only the running daemon knows.
#[derive(Debug, Clone, Copy)]
pub struct Live {
    /// Whether the agency can see the hub.
    sight: Sight,
    /// Since when new records are in memory only; `None` while they are in the file.
    in_memory_since: Option<LocalInstant>,
}

impl Live {
    /// As it is with `hub` now.
    #[must_use]
    pub fn of(hub: &Hub) -> Self {
        Self { sight: hub.sight(), in_memory_since: hub.in_memory_since() }
    }
}

/// Answers on the socket at `path` until dropped.
///
/// The caller owns the ledger: what lies at `path` is of a daemon that has ended.
///
/// # Errors
///
/// Never ends; a socket that cannot be made is told in the log, and the daemon runs without it.
pub async fn run(path: PathBuf, live: watch::Receiver<Live>) -> anyhow::Result<()> {
    drop(fs::remove_file(&path));
    let listener = match UnixListener::bind(&path) {
        Ok(listener) => listener,
        Err(error) => {
            warn!(path = %path.display(), %error, "nobody can ask for the live state");
            return future::pending().await;
        }
    };
    loop {
        let mut stream = match listener.accept().await {
            Ok((stream, _nameless)) => stream,
            Err(error) => {
                debug!(%error, "question not taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let text = state(*live.borrow()).to_string();
        let answer = tokio::time::timeout(ANSWER_MAX, stream.write_all(text.as_bytes())).await;
        if !matches!(answer, Ok(Ok(()))) {
            debug!("question not answered");
        }
    }
}

/// What the daemon says whose socket is at `path`; `None` where none runs.
///
/// # Errors
///
/// Fails where a daemon runs and does not answer.
pub fn ask(path: &Path) -> anyhow::Result<Option<Value>> {
    let Ok(mut stream) = UnixStream::connect(path) else { return Ok(None) };
    stream.set_read_timeout(Some(ANSWER_MAX)).context("failed to limit the wait")?;
    let mut text = String::new();
    stream.read_to_string(&mut text).context("the running daemon does not answer")?;
    let state = serde_json::from_str(&text).context("the running daemon did not answer in JSON")?;
    Ok(Some(state))
}

fn state(live: Live) -> Value {
    let Live { sight, in_memory_since } = live;
    let (word, heard_at, silent_since) = match sight {
        Sight::NotYet => ("not-yet-heard", None, None),
        Sight::Seen { heard_at } => ("sees-this-hub", Some(heard_at), None),
        Sight::Unseen { since } => ("cannot-see-this-hub", None, Some(since)),
    };
    let text = |it: Option<LocalInstant>| it.map(|it| it.to_string());
    json!({
        "agency": word,
        "heard_at": text(heard_at),
        "silent_since": text(silent_since),
        "in_memory_since": text(in_memory_since),
    })
}
