//! What people on this machine ask of the running daemon: one question and one answer, each a line of
//! JSON, on a Unix socket that only its user and root can open.
//!
//! A socket and not a file: it is never stale, a daemon that was killed does not answer, and nothing
//! is written to the disk when the state changes.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, future};

use anyhow::{Context as _, anyhow, bail};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixListener;
use tokio::sync::watch;
use tracing::{debug, warn};
use vitals::{AlertId, Measurement, Quantity, ReadingId, SubjectId};

use crate::clock::Clock;
use crate::hub::Kept;
use crate::hub::inbox::{Ended, Inbox};
use crate::link::bluetooth::Remedies;
use crate::link::history::History;
use crate::live::Live;

/// Longest wait for whoever asks, and for the daemon that is asked.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Wait after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_secs(1);

/// Longest time for which the radio is left to somebody else: a command that was killed cannot say
/// that it has ended.
const QUIET_MAX: Duration = Duration::from_secs(330);

/// Longest question in bytes.
const QUESTION_LEN_BYTES_MAX: u64 = 16 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
enum Question {
    State,
    Acknowledge { alert: String, by: String, note: Option<String> },
    Assign { reading: String, to: Option<String>, by: String, note: Option<String> },
    Exercise { subject: String, begins: bool },
    Observe { subject: String, values: Vec<Observed> },
    Quiet { seconds: u16 },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Observed {
    vital: String,
    value: String,
    unit: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    State(Value),
    OnDisk,
    InMemory,
    Quiet,
    Refused(String),
}

/// What answers need of the daemon.
#[derive(Debug)]
pub struct Daemon {
    /// What only the daemon knows.
    pub live: watch::Receiver<Live>,
    /// The hub's thread.
    pub inbox: Inbox,
    /// Until when the Bluetooth link leaves the radio to somebody else, since boot.
    pub quiet_until: watch::Sender<Duration>,
    /// What happened to each device.
    pub history: watch::Receiver<History>,
    /// What was done about a radio that heard nothing.
    pub remedies: watch::Receiver<Remedies>,
    /// Zone of the home.
    pub zone: TimeZone,
    /// Tells the time since boot.
    pub clock: Clock,
}

impl Daemon {
    /// What only the daemon knows, as a JSON object.
    fn state(&self) -> Value {
        let Remedies { n_scans, n_power_cycles, n_deaf } = *self.remedies.borrow();
        let mut state = self.live.borrow().to_json();
        if let Some(state) = state.as_object_mut() {
            let devices = self.history.borrow().to_json(&self.zone);
            let radio = json!({ "scans": n_scans, "power_cycles": n_power_cycles, "deaf": n_deaf });
            state.extend([("devices".to_owned(), devices), ("radio_remedies".to_owned(), radio)]);
        }
        state
    }
}

/// Answers on the socket at `path` until dropped.
///
/// The caller owns the ledger: what lies at `path` is of a daemon that has ended.
///
/// # Errors
///
/// Never ends; a socket that cannot be made is told in the log, and the daemon runs without it.
pub async fn run(path: PathBuf, daemon: Daemon) -> anyhow::Result<()> {
    match listen(&path) {
        Ok(listener) => answer(&listener, &daemon).await,
        Err(error) => {
            warn!(path = %path.display(), %error, "nobody can ask this daemon");
            future::pending().await
        }
    }
}

fn listen(path: &Path) -> std::io::Result<UnixListener> {
    drop(fs::remove_file(path));
    UnixListener::bind(path)
}

async fn answer(listener: &UnixListener, daemon: &Daemon) -> anyhow::Result<()> {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _nameless)) => stream,
            Err(error) => {
                debug!(%error, "question not taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let answered = tokio::time::timeout(ANSWER_MAX, serve(stream, daemon)).await;
        if !matches!(answered, Ok(Ok(()))) {
            debug!("question not answered");
        }
    }
}

async fn serve(mut stream: tokio::net::UnixStream, daemon: &Daemon) -> anyhow::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut line = Vec::new();
    BufReader::new(reader.take(QUESTION_LEN_BYTES_MAX)).read_until(b'\n', &mut line).await?;
    let answer = match serde_json::from_slice(&line) {
        Ok(question) => reply(question, daemon).await?,
        Err(error) => Answer::Refused(format!("the question cannot be read: {error}")),
    };
    writer.write_all(&serde_json::to_vec(&answer)?).await?;
    Ok(())
}

async fn reply(question: Question, daemon: &Daemon) -> Result<Answer, Ended> {
    let Daemon { inbox, quiet_until, clock, .. } = daemon;
    let done = match question {
        Question::State => return Ok(Answer::State(daemon.state())),
        Question::Quiet { seconds } => {
            let left = Duration::from_secs(seconds.into()).min(QUIET_MAX);
            quiet_until.send_replace(clock.now().since_boot.saturating_add(left));
            return Ok(Answer::Quiet);
        }
        Question::Acknowledge { alert, by, note } => match alert.parse() {
            Ok(alert) => inbox.acknowledge(alert, by, note).await?,
            Err(error) => return Ok(Answer::Refused(error.to_string())),
        },
        Question::Assign { reading, to, by, note } => {
            let to = to.map(|it| it.parse()).transpose();
            match (reading.parse(), to) {
                (Ok(reading), Ok(to)) => inbox.assign(reading, to, by, note).await?,
                (Err(error), _) | (_, Err(error)) => return Ok(Answer::Refused(error.to_string())),
            }
        }
        Question::Exercise { subject, begins } => match subject.parse() {
            Ok(subject) => inbox.exercise(subject, begins).await?,
            Err(error) => return Ok(Answer::Refused(error.to_string())),
        },
        Question::Observe { subject, values } => match observed(&subject, &values) {
            Ok((subject, values)) => inbox.observe(subject, values).await?,
            Err(error) => return Ok(Answer::Refused(error.to_string())),
        },
    };
    Ok(match done {
        Ok(Kept::OnDisk) => Answer::OnDisk,
        Ok(Kept::InMemory) => Answer::InMemory,
        Err(refusal) => Answer::Refused(refusal.to_string()),
    })
}

fn observed(subject: &str, values: &[Observed]) -> anyhow::Result<(SubjectId, Vec<Measurement>)> {
    let value = |it: &Observed| {
        let quantity = Quantity::new(it.value.parse()?, it.unit.parse()?)?;
        Ok(Measurement { vital: it.vital.parse()?, quantity })
    };
    Ok((subject.parse()?, values.iter().map(value).collect::<anyhow::Result<_>>()?))
}

/// What only the daemon knows whose socket is at `path`; `None` where none runs.
///
/// # Errors
///
/// Fails where a daemon runs and does not answer.
pub fn state(path: &Path) -> anyhow::Result<Option<Value>> {
    match ask(path, &Question::State)? {
        None => Ok(None),
        Some(Answer::State(state)) => Ok(Some(state)),
        Some(Answer::OnDisk | Answer::InMemory | Answer::Quiet | Answer::Refused(_)) => {
            bail!("the running daemon answered something else")
        }
    }
}

/// Has the daemon at `path` leave the radio alone for `seconds`, or use it again with 0; tells
/// whether one runs.
///
/// # Errors
///
/// Fails where a daemon runs and does not answer.
pub fn keep_quiet(path: &Path, seconds: u16) -> anyhow::Result<bool> {
    match ask(path, &Question::Quiet { seconds })? {
        None => Ok(false),
        Some(Answer::Quiet) => Ok(true),
        Some(Answer::OnDisk | Answer::InMemory | Answer::State(_) | Answer::Refused(_)) => {
            bail!("the running daemon does not know how to leave the radio alone")
        }
    }
}

/// Has the daemon at `path` record that a person at the home took an alert on.
///
/// # Errors
///
/// Fails where no daemon runs, where it does not answer in time, and where it refuses.
pub fn acknowledge(
    path: &Path,
    alert: AlertId,
    by: &str,
    note: Option<&str>,
) -> anyhow::Result<Kept> {
    let note = note.map(str::to_owned);
    done(path, &Question::Acknowledge { alert: alert.to_string(), by: by.to_owned(), note })
}

/// Has the daemon at `path` record whose `reading` is; `None` for none of the clients of the home.
///
/// # Errors
///
/// Fails where no daemon runs, where it does not answer in time, and where it refuses.
pub fn assign(
    path: &Path,
    reading: ReadingId,
    to: Option<&SubjectId>,
    by: &str,
    note: Option<&str>,
) -> anyhow::Result<Kept> {
    let (reading, to) = (reading.to_string(), to.map(|it| it.as_str().to_owned()));
    let (by, note) = (by.to_owned(), note.map(str::to_owned));
    done(path, &Question::Assign { reading, to, by, note })
}

/// Has the daemon at `path` record that `subject` begins to exercise, or ends.
///
/// # Errors
///
/// Fails where no daemon runs, where it does not answer in time, and where it refuses.
pub fn exercise(path: &Path, subject: &SubjectId, begins: bool) -> anyhow::Result<Kept> {
    done(path, &Question::Exercise { subject: subject.as_str().to_owned(), begins })
}

/// Has the daemon at `path` record what a person observed on `subject`.
///
/// # Errors
///
/// Fails where no daemon runs, where it does not answer in time, and where it refuses.
pub fn observe(path: &Path, subject: &SubjectId, values: &[Measurement]) -> anyhow::Result<Kept> {
    let value = |it: &Measurement| Observed {
        vital: it.vital.as_str().to_owned(),
        value: it.quantity.value().to_string(),
        unit: it.quantity.unit().ucum().to_owned(),
    };
    let values = values.iter().map(value).collect();
    done(path, &Question::Observe { subject: subject.as_str().to_owned(), values })
}

fn done(path: &Path, question: &Question) -> anyhow::Result<Kept> {
    match ask(path, question)?.context("the daemon does not run: nothing was recorded")? {
        Answer::OnDisk => Ok(Kept::OnDisk),
        Answer::InMemory => Ok(Kept::InMemory),
        Answer::Refused(cause) => Err(anyhow!(cause)),
        Answer::State(_) | Answer::Quiet => bail!("the running daemon answered something else"),
    }
}

fn ask(path: &Path, question: &Question) -> anyhow::Result<Option<Answer>> {
    const SILENT: &str = "the running daemon does not answer: look whether it was recorded before \
                          you ask again";
    let Ok(mut stream) = UnixStream::connect(path) else { return Ok(None) };
    stream.set_read_timeout(Some(ANSWER_MAX)).context("failed to limit the wait")?;
    let mut line = serde_json::to_vec(question).context("a question that has no JSON")?;
    line.push(b'\n');
    stream.write_all(&line).context(SILENT)?;
    let mut text = String::new();
    stream.read_to_string(&mut text).context(SILENT)?;
    serde_json::from_str(&text).context(SILENT).map(Some)
}

#[cfg(test)]
mod tests;
