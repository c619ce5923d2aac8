//! The loop around the core: it brings events to it, one at a time, and performs the effects.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use crate::board::Board;
use crate::clock;
use crate::core::{Effects, Event, Refusal, Station};
use crate::inbound::Delivery;
use crate::order::Wish;
use crate::oversight::Seen;
use crate::session::{Link, Signal};
use crate::supervise::off_thread;

/// Most messages of one transaction.
const BATCH_MAX: usize = 512;
/// Wishes of nurses that may wait; the page answers "try again" beyond that.
pub const WISHES_MAX: usize = 64;
/// Wait before a failed transaction is tried again.
const STORE_RETRY_AFTER: Duration = Duration::from_secs(5);
/// Transactions in a row that may find the database locked before the station ends: a restart opens
/// it anew.
const STUCK_MAX: u32 = 2;
/// Longest sleep: the wall clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(15);

/// What a nurse does at the page.
#[derive(Debug)]
pub enum Act {
    /// Asks a home for something.
    Wish(Wish),
    /// Has seen to what a hub did not raise.
    Seen(Seen),
}

impl Act {
    /// Who signs for it.
    #[must_use]
    pub fn by(&self) -> &str {
        match self {
            Self::Wish(wish) => &wish.by,
            Self::Seen(seen) => &seen.by,
        }
    }
}

/// What a nurse does, and where the answer goes.
#[derive(Debug)]
pub struct Asked {
    /// What is done.
    pub act: Act,
    /// The answer, after the commit.
    pub answer: oneshot::Sender<Result<(), Refusal>>,
}

/// The loop's ends of the channels.
#[derive(Debug)]
pub struct Desk {
    /// What the broker's session says.
    pub signals: mpsc::Receiver<Signal>,
    /// What nurses do at the page.
    pub wishes: mpsc::Receiver<Asked>,
    /// What the page shows.
    pub board: watch::Sender<Arc<Board>>,
    /// Told once when the first attempt to reach the broker has ended, well or not.
    pub settled: Option<oneshot::Sender<()>>,
    /// Turns true when the station has to end: the session closes `signals` then, and what it has
    /// read is stored before the loop ends.
    pub shutdown: watch::Receiver<bool>,
}

/// What woke the loop.
enum Wake {
    Signal(Signal),
    Wish(Asked),
    Time,
    End,
}

/// Runs the station until the session has ended and everything it read is stored.
///
/// # Errors
///
/// Fails where work on the database broke off; a database that refuses is tried again.
pub async fn run(station: Station, mut desk: Desk) -> anyhow::Result<()> {
    let mut station = station;
    let mut link: Option<Link> = None;
    let mut held_over: Option<Signal> = None;
    let patience = sleep_max();
    loop {
        let wake = match held_over.take() {
            Some(signal) => Wake::Signal(signal),
            None => desk.wake(station.next_deadline(), patience).await,
        };
        feed_watchdog();
        let (event, answer) = match wake {
            Wake::End => return Ok(()),
            Wake::Time => (Event::Elapsed, None),
            Wake::Wish(asked) => (desk.asked(asked.act)?, Some(asked.answer)),
            Wake::Signal(Signal::Connected(connected)) => {
                link = Some(connected);
                continue;
            }
            Wake::Signal(Signal::Subscribed) => {
                tracing::info!("broker connected");
                (Event::Connected, None)
            }
            Wake::Signal(Signal::Lost { reason }) => {
                link = None;
                (Event::Disconnected { reason }, None)
            }
            Wake::Signal(Signal::Delivered(delivery)) => {
                let deliveries;
                (deliveries, held_over) = desk.batch(delivery);
                (Event::Delivered(deliveries), None)
            }
        };
        let has_settled = matches!(event, Event::Connected | Event::Disconnected { .. });
        let refusal;
        (station, refusal) = match desk.perform(station, event, link.as_ref()).await? {
            Some((station, refusal)) => (station, refusal),
            None => return Ok(()),
        };
        if let Some(answer) = answer {
            // The browser may be gone; the order stands nevertheless.
            drop(answer.send(refusal.map_or(Ok(()), Err)));
        }
        if has_settled
            && let Some(settled) = desk.settled.take()
            && settled.send(()).is_err()
        {
            tracing::debug!("nobody waits for readiness");
        }
        // Traffic that never pauses must not hold a deadline up.
        if station.next_deadline().is_some_and(|at| at <= clock::now()) {
            station = match desk.perform(station, Event::Elapsed, link.as_ref()).await? {
                Some((station, _refusal)) => station,
                None => return Ok(()),
            };
        }
    }
}

impl Desk {
    async fn wake(&mut self, deadline: Option<Timestamp>, patience: Duration) -> Wake {
        let until = deadline.map(|at| at.duration_since(clock::now()));
        let until = until.map(|it| Duration::try_from(it).unwrap_or(Duration::ZERO));
        let sleep = tokio::time::sleep(until.unwrap_or(patience).min(patience));
        tokio::select! {
            biased;
            Some(asked) = self.wishes.recv() => Wake::Wish(asked),
            signal = self.signals.recv() => signal.map_or(Wake::End, Wake::Signal),
            () = sleep => Wake::Time,
        }
    }

    fn asked(&self, act: Act) -> anyhow::Result<Event> {
        let wish = match act {
            Act::Wish(wish) => wish,
            Act::Seen(seen) => return Ok(Event::Seen(seen)),
        };
        let mut id = [0; 16];
        getrandom::fill(&mut id).context("failed to make the identity of a command")?;
        Ok(Event::Asked { command_id: hex::encode(id), wish })
    }

    /// Everything that waits, up to the limit of one transaction and up to the next other signal.
    fn batch(&mut self, first: Delivery) -> (Vec<Delivery>, Option<Signal>) {
        let mut deliveries = vec![first];
        while deliveries.len() < BATCH_MAX {
            match self.signals.try_recv() {
                Ok(Signal::Delivered(delivery)) => deliveries.push(delivery),
                Ok(other @ (Signal::Connected(_) | Signal::Subscribed | Signal::Lost { .. })) => {
                    return (deliveries, Some(other));
                }
                Err(_empty) => break,
            }
        }
        (deliveries, None)
    }

    /// One step of the core with its effects; `None` when the station has to end.
    async fn perform(
        &mut self,
        station: Station,
        event: Event,
        link: Option<&Link>,
    ) -> anyhow::Result<Option<(Station, Option<Refusal>)>> {
        let (station, effects) = self.step(station, event).await?;
        let Some(effects) = effects else { return Ok(None) };
        if let Some(link) = link {
            effects.publications.into_iter().for_each(|it| link.publish(it));
        }
        self.board.send_replace(Arc::new(station.board().clone()));
        Ok(Some((station, effects.refusal)))
    }

    /// One step of the core, tried until the database takes it; `None` when the station has to end.
    async fn step(
        &mut self,
        mut station: Station,
        mut event: Event,
    ) -> anyhow::Result<(Station, Option<Effects>)> {
        let mut n_stuck = 0_u32;
        loop {
            let now = clock::now();
            let result;
            (station, event, result) = off_thread(move || {
                let result = station.step(now, &event);
                (station, event, result)
            })
            .await?;
            match result {
                Ok(effects) => return Ok((station, Some(effects))),
                Err(error) => {
                    tracing::error!(%error, "nothing can be stored");
                    n_stuck = if error.is_stuck() { n_stuck.saturating_add(1) } else { 0 };
                    if STUCK_MAX <= n_stuck {
                        return Err(error).context("the database has to be opened anew");
                    }
                    station.note_fault(now, &error);
                    self.board.send_replace(Arc::new(station.board().clone()));
                }
            }
            tokio::select! {
                _told = self.shutdown.wait_for(|it| *it) => return Ok((station, None)),
                // The page says that nothing can be stored: that is better than no page.
                () = tokio::time::sleep(STORE_RETRY_AFTER) => {
                    feed_watchdog();
                }
            }
        }
    }
}

/// Tells systemd that the loop makes its rounds, where it asks for that.
fn feed_watchdog() {
    if sd_notify::watchdog_enabled().is_some() {
        crate::serve::notify(&[sd_notify::NotifyState::Watchdog]);
    }
}

/// How long the loop may sleep so that systemd's watchdog hears of it in time.
fn sleep_max() -> Duration {
    sd_notify::watchdog_enabled().map_or(SLEEP_MAX, |limit| (limit / 2).min(SLEEP_MAX))
}

#[cfg(test)]
mod tests {
    use vitals::wire::canonical::encode;
    use vitals::wire::topic::Channel;

    use super::*;
    use crate::core::{Settings, Watch};
    use crate::order::{Aim, Deed, Progress};
    use crate::sample;
    use crate::store::Store;

    fn station() -> Station {
        let settings = Settings {
            topics: sample::topics(),
            key: ed25519_dalek::SigningKey::from_bytes(&[7; 32]),
            repeat_after: Duration::from_secs(15),
            expires_after: Duration::ZERO,
            watch: Watch::default(),
            plans: Vec::new(),
        };
        Station::open(clock::now(), settings, Store::in_memory().unwrap()).unwrap()
    }

    fn raised() -> Signal {
        let topic = sample::topics().of(&sample::HUB.parse().unwrap(), Channel::Alert);
        let payload = encode(&sample::alert(1, 1, 1, "raised", "active")).unwrap();
        Signal::Delivered(Delivery { topic, payload, is_retained: false })
    }

    fn acknowledge() -> Wish {
        Wish {
            hub: sample::HUB.parse().unwrap(),
            aim: Aim::Alert(format!("{}-1", sample::EPOCH).parse().unwrap(), Deed::Acknowledge),
            by: "Nora".to_owned(),
            note: None,
        }
    }

    #[tokio::test]
    async fn signals_without_a_pause_do_not_hold_a_deadline_up() {
        let station = station();
        let (signal, signals) = mpsc::channel(8);
        let (asked, wishes) = mpsc::channel(1);
        let (board, mut shown) = watch::channel(Arc::new(station.board().clone()));
        let (_stop, shutdown) = watch::channel(false);
        let desk = Desk { signals, wishes, board, settled: None, shutdown };
        let story = async {
            signal.send(raised()).await.unwrap();
            shown.wait_for(|it| !it.alerts.is_empty()).await.unwrap();
            let (answer, answered) = oneshot::channel();
            // The end waits right behind: the loop never has to sleep again.
            asked.try_send(Asked { act: Act::Wish(acknowledge()), answer }).unwrap();
            signal.try_send(Signal::Lost { reason: "gone".to_owned() }).unwrap();
            drop(signal);
            answered.await.unwrap().unwrap();
        };
        let (ended, ()) = tokio::join!(run(station, desk), story);
        ended.unwrap();
        let order = shown.borrow().alerts.values().next().unwrap().order().cloned();
        assert_eq!(order.map(|it| it.progress), Some(Progress::Expired));
    }
}
