//! How the rest of the daemon speaks to the hub: one bounded queue of questions and news.

use tokio::sync::{mpsc, oneshot};
use vitals::{AlertId, Measurement, ReadingId, Sequence, SequenceRanges, SubjectId};

use super::{Event, Hub, HubError, Kept, NotDone};
use crate::store::{Lane, Record};

/// Most requests that wait. A full inbox makes senders wait: bytes stay in the radio or the line.
pub const CAPACITY: usize = 256;

/// What the ledger holds and what the agency holds of it, as of the last commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The highest place given; places run on over all epochs.
    pub last_seq: Sequence,
    /// What the agency holds.
    pub held: SequenceRanges,
    /// Changes when the places have to be looked at anew: the ledger went into memory, or back.
    pub turn: u64,
}

/// A question or news for the hub.
#[derive(Debug)]
pub enum Request {
    /// Something happened.
    Event(Event),
    /// Which records of a lane wait above a number?
    Pending {
        /// The lane.
        lane: Lane,
        /// Above which number.
        after: Sequence,
        /// What does not wait: the agency holds it, as far as the sender knows.
        held: SequenceRanges,
        /// At most so many.
        limit: usize,
        /// Where the answer goes.
        reply: oneshot::Sender<Vec<Record>>,
    },
    /// The records with these numbers.
    Records {
        /// The numbers.
        seqs: Vec<Sequence>,
        /// Where the answer goes.
        reply: oneshot::Sender<Vec<Record>>,
    },
    /// How is the hub? The answer is an encoded health message.
    Health {
        /// Where the answer goes.
        reply: oneshot::Sender<Vec<u8>>,
    },
    /// A person at the home takes an alert on.
    Acknowledge {
        /// The alert.
        alert: AlertId,
        /// Who.
        by: String,
        /// What the person says.
        note: Option<String>,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Kept, NotDone>>,
    },
    /// A person at the home says whose a reading is.
    Assign {
        /// The reading.
        reading: ReadingId,
        /// The client; `None` for none of the clients of the home.
        to: Option<SubjectId>,
        /// Who says so.
        by: String,
        /// What the person says besides.
        note: Option<String>,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Kept, NotDone>>,
    },
    /// A client begins to exercise, or ends.
    Exercise {
        /// Who.
        subject: SubjectId,
        /// Whether the client begins.
        begins: bool,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Kept, NotDone>>,
    },
    /// A person at the home has observed something.
    Observe {
        /// On whom.
        subject: SubjectId,
        /// What.
        values: Vec<Measurement>,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Kept, NotDone>>,
    },
}

/// The hub has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hub has ended")]
pub struct Ended;

/// The sending side of the hub's queue.
#[derive(Debug, Clone)]
pub struct Inbox {
    requests: mpsc::Sender<Request>,
}

impl Inbox {
    /// A queue and its sending side.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(CAPACITY);
        (Self { requests }, receiver)
    }

    /// Tells the hub that something happened; waits while the inbox is full.
    ///
    /// # Errors
    ///
    /// Returns [`Ended`] where there is no hub any more.
    pub async fn tell(&self, event: Event) -> Result<(), Ended> {
        self.send(Request::Event(event)).await
    }

    /// Up to `limit` records of `lane` above `after` that are not in `held`, ascending.
    ///
    /// # Errors
    ///
    /// Returns [`Ended`] where there is no hub any more.
    pub async fn pending(
        &self,
        lane: Lane,
        after: Sequence,
        held: SequenceRanges,
        limit: usize,
    ) -> Result<Vec<Record>, Ended> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Pending { lane, after, held, limit, reply }).await?;
        answer.await.map_err(|_dropped| Ended)
    }

    /// The records with these numbers, without those that the agency holds by now.
    ///
    /// # Errors
    ///
    /// Returns [`Ended`] where there is no hub any more.
    pub async fn records(&self, seqs: Vec<Sequence>) -> Result<Vec<Record>, Ended> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Records { seqs, reply }).await?;
        answer.await.map_err(|_dropped| Ended)
    }

    /// The encoded health message.
    ///
    /// # Errors
    ///
    /// Returns [`Ended`] where there is no hub any more.
    pub async fn health(&self) -> Result<Vec<u8>, Ended> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Health { reply }).await?;
        answer.await.map_err(|_dropped| Ended)
    }

    /// A person at the home takes an alert on.
    ///
    /// # Errors
    ///
    /// Returns [`Ended`] where there is no hub any more.
    pub async fn acknowledge(
        &self,
        alert: AlertId,
        by: String,
        note: Option<String>,
    ) -> Result<Result<Kept, NotDone>, Ended> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Acknowledge { alert, by, note, reply }).await?;
        answer.await.map_err(|_dropped| Ended)
    }

    /// A person at the home says whose `reading` is.
    ///
    /// # Errors
    ///
    /// Returns [`Ended`] where there is no hub any more.
    pub async fn assign(
        &self,
        reading: ReadingId,
        to: Option<SubjectId>,
        by: String,
        note: Option<String>,
    ) -> Result<Result<Kept, NotDone>, Ended> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Assign { reading, to, by, note, reply }).await?;
        answer.await.map_err(|_dropped| Ended)
    }

    /// A client begins to exercise, or ends.
    ///
    /// # Errors
    ///
    /// Returns [`Ended`] where there is no hub any more.
    pub async fn exercise(
        &self,
        subject: SubjectId,
        begins: bool,
    ) -> Result<Result<Kept, NotDone>, Ended> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Exercise { subject, begins, reply }).await?;
        answer.await.map_err(|_dropped| Ended)
    }

    /// A person at the home has observed something.
    ///
    /// # Errors
    ///
    /// Returns [`Ended`] where there is no hub any more.
    pub async fn observe(
        &self,
        subject: SubjectId,
        values: Vec<Measurement>,
    ) -> Result<Result<Kept, NotDone>, Ended> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Observe { subject, values, reply }).await?;
        answer.await.map_err(|_dropped| Ended)
    }

    async fn send(&self, request: Request) -> Result<(), Ended> {
        self.requests.send(request).await.map_err(|_closed| Ended)
    }
}

impl Hub {
    /// What the ledger holds and what the agency holds of it.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        let (last_seq, turn) = (self.store.last_seq(), self.store.turn());
        Ledger { last_seq, held: self.held.clone(), turn }
    }

    /// Up to `limit` records of `lane` above `after` that are not in `held`, ascending.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be read or is damaged.
    pub fn pending(
        &self,
        lane: Lane,
        after: Sequence,
        held: &SequenceRanges,
        limit: usize,
    ) -> Result<Vec<Record>, HubError> {
        Ok(self.store.pending(lane, after, held, limit)?)
    }

    /// The records at these places that the agency does not hold.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be read or is damaged.
    pub fn records(&self, seqs: &[Sequence]) -> Result<Vec<Record>, HubError> {
        let wanted = seqs.iter().filter(|&&seq| !self.held.contains(seq));
        let found = wanted.map(|&seq| self.store.record(seq)).collect::<Result<Vec<_>, _>>()?;
        Ok(found.into_iter().flatten().collect())
    }
}
