//! The way up: everything in the ledger that the agency does not hold goes to the broker.
//!
//! The ledger is the only queue. Every connection is a new client that starts from what the agency
//! holds; nothing is ever re-sent from a client library's memory. A PUBACK only means "sent": a
//! record is finished when the agency's receipt covers it, and sent again when that does not come.

pub mod window;

mod backoff;
mod outcome;
mod session;

use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::watch;
use tracing::{info, warn};
use vitals::HubId;
use vitals::wire::topic::AgencyTopics;

use self::backoff::Backoff;
use self::session::{End, Session};
use crate::clock::Clock;
use crate::hub::inbox::{Inbox, Ledger};
use crate::watchdog::Pulse;

/// Where the broker is and how to speak to it.
#[derive(Debug, Clone)]
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User name and password.
    pub credentials: Option<Credentials>,
    /// TLS, or a plain connection.
    pub tls: Option<Tls>,
    /// Longest silence on the connection; a dead one is noticed in twice that time.
    pub keep_alive: Duration,
}

/// User name and password.
#[derive(Clone)]
pub struct Credentials {
    /// User name.
    pub username: String,
    /// Password; never shown.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Files for TLS, all PEM.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificates of the authority that signs the broker's.
    pub ca_file: PathBuf,
    /// Certificate and key of this hub.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// What the uplink has to know.
#[derive(Debug, Clone)]
pub struct UplinkSettings {
    /// This hub: client id of the connection.
    pub hub: HubId,
    /// Where it stands: times go out with the offset of that zone.
    pub zone: TimeZone,
    /// Where messages go.
    pub topics: AgencyTopics,
    /// Where the broker is.
    pub broker: Broker,
    /// How often a health snapshot goes up.
    pub heartbeat: Duration,
}

/// Sends until `stop` turns true.
///
/// # Errors
///
/// Fails where the hub itself has ended; a broker that cannot be reached is no failure.
pub async fn run(
    settings: UplinkSettings,
    clock: Clock,
    inbox: Inbox,
    ledger: watch::Receiver<Ledger>,
    mut stop: watch::Receiver<bool>,
    pulse: Pulse,
) -> anyhow::Result<()> {
    let mut backoff = Backoff::new(fastrand::Rng::new());
    while !*stop.borrow() {
        let session = Session::new(&settings, clock, &inbox, &ledger, &stop, &pulse);
        let end = match session {
            Ok(session) => session.run().await?,
            // A certificate that cannot be read now may be readable in a minute.
            Err(error) => End::unprepared(&error),
        };
        if end.is_stopped() {
            break;
        }
        if end.made_progress() {
            backoff.reset();
        }
        let wait = if end.is_refused() { backoff.longest_wait() } else { backoff.next_wait() };
        let backoff_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        if end.was_connected() {
            warn!(cause = %end, backoff_ms, "agency connection lost");
        } else {
            info!(cause = %end, backoff_ms, "agency not reached");
        }
        tokio::select! {
            () = pulse.sleep(wait) => {}
            changed = stop.changed() => { changed?; }
        }
    }
    Ok(())
}
