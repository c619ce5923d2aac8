//! The station without its surroundings: `step(now, event)` gives the effects that the shell performs.
//!
//! The database is the transactional memory inside it: what a step publishes has been committed
//! before the step returns. No clock, no network and no randomness is read here, so that a
//! simulation can drive the station through years.
//!
//! A receipt goes out for every ledger that a batch touched, even where all of the batch was known
//! already, and again when the broker or the hub comes back. It is retained at the broker; to hubs
//! that are connected it is repeated as a sign of life.

mod deadlines;
mod gaps;
mod ingest;
mod orders;
mod rehearsal;
mod second_look;
mod vigil;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use alerting::timer::SNOOZE_HOURS_MAX;
use ed25519_dalek::SigningKey;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use vitals::wire::topic::AgencyTopics;

use self::gaps::Gaps;
use self::orders::outstanding;
use self::second_look::SecondLook;
use self::vigil::Vigil;
pub use self::vigil::Watch;
use crate::board::{Board, Fault};
use crate::inbound::Delivery;
use crate::order::{Order, Progress, Wish};
use crate::oversight::Seen;
use crate::plans::PlacedPlan;
use crate::store::{Store, StoreError};

/// Longest name of a nurse in characters.
pub const NAME_LEN_MAX: usize = 80;
/// Longest note in characters; the command with it stays far below the largest message.
pub const NOTE_LEN_MAX: usize = 500;

/// What the station is told once.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The topics of the agency.
    pub topics: AgencyTopics,
    /// The key that signs commands.
    pub key: SigningKey,
    /// A command without effect is sent again after that time.
    pub repeat_after: Duration,
    /// A hub refuses a command that is older.
    pub expires_after: Duration,
    /// When silence is noticed.
    pub watch: Watch,
    /// By which care plans the readings are judged once more.
    pub plans: Vec<PlacedPlan>,
}

/// The station.
#[derive(Debug)]
pub struct Station {
    settings: Settings,
    store: Store,
    board: Board,
    /// When each order on its way is sent again.
    repeats: BTreeMap<String, Timestamp>,
    vigil: Vigil,
    gaps: Gaps,
    second_look: SecondLook,
}

/// What happens to the station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The broker delivered messages.
    Delivered(Vec<Delivery>),
    /// The broker can be reached and delivers.
    Connected,
    /// The broker cannot be reached.
    Disconnected {
        /// Why not.
        reason: String,
    },
    /// A nurse asks for something.
    Asked {
        /// Random identity for the command.
        command_id: String,
        /// What is asked for.
        wish: Wish,
    },
    /// A nurse has seen to what a hub did not raise.
    Seen(Seen),
    /// Time passed.
    Elapsed,
}

/// What the shell has to do after a step.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Messages for the broker, in this order, each at least once.
    pub publications: Vec<Publication>,
    /// Why the nurse's wish was not taken.
    pub refusal: Option<Refusal>,
}

/// A message for the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The topic.
    pub topic: String,
    /// The bytes.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it.
    pub is_retained: bool,
}

/// Why a wish is not taken; nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No such alert is on the board.
    #[error("this alert is not known here")]
    Unknown,
    /// No such reading is in the database.
    #[error("this reading is not known here")]
    UnknownReading,
    /// Nothing such is open: somebody else has seen to it, or the hub told of it after all.
    #[error("this was seen to already, or the hub has told of it by now")]
    UnknownOversight,
    /// It is that client's, or nobody's.
    #[error("this is already known of the reading")]
    AlreadySo,
    /// The alert is over.
    #[error("this alert is over")]
    Over,
    /// Somebody has it already.
    #[error("this alert is already acknowledged by {by}")]
    Acknowledged {
        /// Who.
        by: String,
    },
    /// The same is on its way.
    #[error("an order of {by} about it is already on its way to the home")]
    OnItsWay {
        /// Whose.
        by: String,
    },
    /// Nobody signs for it.
    #[error("a name has 1 to {NAME_LEN_MAX} characters")]
    Name,
    /// Too much text.
    #[error("a note has at most {NOTE_LEN_MAX} characters")]
    Note,
    /// An acknowledgement for a while says why, and for how long.
    #[error("an acknowledgement for a while needs a note and an end within {SNOOZE_HOURS_MAX} h")]
    Snooze,
    /// The client was asked for another measurement first.
    #[error("a repeated measurement is awaited; there is nothing to take on yet")]
    Pending,
    /// The command could not be made.
    #[error("the command could not be signed")]
    Signature,
}

impl Station {
    /// The station that goes on from what `store` holds.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where the database cannot be read.
    pub fn open(
        now: Timestamp,
        mut settings: Settings,
        mut store: Store,
    ) -> Result<Self, StoreError> {
        let holdings = store.holdings()?;
        let on_their_way: Vec<String> = holdings
            .orders
            .iter()
            .filter(|it| it.progress == Progress::OnItsWay)
            .map(|it| it.id.clone())
            .collect();
        let is_refused = |it: &&Order| it.progress == Progress::Refused;
        let refused: Vec<_> =
            holdings.orders.iter().filter(is_refused).map(|it| it.id.clone()).collect();
        let board = Board::from_holdings(now, holdings);
        let still: BTreeSet<_> = outstanding(&board).map(|it| it.id.clone()).collect();
        let done: Vec<_> = on_their_way.into_iter().filter(|it| !still.contains(it)).collect();
        store.note_progress(&done, Progress::Done)?;
        store.note_progress(&refused, Progress::Refused)?;
        let repeats = still.into_iter().map(|id| (id, now)).collect();
        let vigil = Vigil::starting(now, settings.watch, &board);
        let second_look =
            SecondLook::by(std::mem::take(&mut settings.plans), settings.watch.alert_within);
        let gaps = Gaps::default();
        let mut station = Self { settings, store, board, repeats, vigil, gaps, second_look };
        station.tell_damage(now)?;
        station.recollect(now)?;
        Ok(station)
    }

    /// The present state, for the page.
    #[must_use]
    pub const fn board(&self) -> &Board {
        &self.board
    }

    /// Takes in an event; what is returned has been committed.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where the database failed: a batch is filed whole or not at all, and
    /// the event has to be taken again for what follows from it.
    pub fn step(&mut self, now: Timestamp, event: &Event) -> Result<Effects, StoreError> {
        self.vigil.wake(now, self.settings.watch);
        match event {
            Event::Delivered(deliveries) => self.ingest(now, deliveries).map(Effects::of),
            Event::Connected => self.join(now).map(Effects::of),
            Event::Disconnected { reason } => {
                self.part(now, reason);
                Ok(Effects::default())
            }
            Event::Asked { command_id, wish } => self.ask(now, command_id.clone(), wish.clone()),
            Event::Seen(seen) => self.see_to(now, seen),
            Event::Elapsed => {
                self.oversee(now)?;
                let mut publications = self.watch(now)?;
                publications.extend(self.advance(now)?);
                Ok(Effects::of(publications))
            }
        }
    }

    /// Notes that the database failed, until a batch is stored again.
    pub fn note_fault(&mut self, now: Timestamp, error: &StoreError) {
        let since = self.board.storage_fault.as_ref().map_or(now, |it| it.since);
        self.board.storage_fault = Some(Fault { since, reason: error.to_string() });
    }

    /// When [`Event::Elapsed`] is due.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let expiries = outstanding(&self.board).map(|it| it.expires_at);
        let repeats = self.repeats.values().copied().filter(|_at| self.board.broker.is_up);
        let noticed = self.vigil.next().into_iter().chain(self.gaps.looks.next());
        expiries.chain(repeats).chain(noticed).chain(self.second_look.next()).min()
    }
}

impl Effects {
    fn of(publications: Vec<Publication>) -> Self {
        Self { publications, refusal: None }
    }

    fn refusing(refusal: Refusal) -> Self {
        Self { publications: Vec::new(), refusal: Some(refusal) }
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
