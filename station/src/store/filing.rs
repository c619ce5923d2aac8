//! Filing a batch of messages in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};
use vitals::{Epoch, HubId};

use super::record::{self, Kind};
use super::{Store, StoreError, alarm, alert, assignment, timeline};
use crate::alarm::Alarm;
use crate::alert::{is_open, is_test_alarm, standing};
use crate::inbound::{Body, Delivery, Inbound, Record, Snapshot, State};

/// Most messages that the quarantine keeps: the newest ones.
const QUARANTINE_ROWS_MAX: i64 = 1000;
/// Most bytes that are kept of a message in the quarantine.
const QUARANTINE_LEN_BYTES_MAX: usize = 8 * 1024;
/// The word for a new alert.
pub(crate) const RAISED: &str = "raised";
/// `snapshot.kind` of a health snapshot and of a status.
pub(super) const HEALTH: u8 = 1;
pub(super) const STATUS: u8 = 2;

/// `quarantine.reason` of a record whose place is taken; its topic is the place.
pub(super) const CONTESTED: &str = "other bytes hold this place of the ledger";

/// What became of one message of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filed {
    /// It took its place in the ledger.
    New {
        /// Its place in the order of arrival at the station.
        position: i64,
        /// Whether it says how things stand now; false for an older revision of an alert that came
        /// late.
        is_current: bool,
    },
    /// The same bytes stood there already.
    Duplicate,
    /// Other bytes stood there already; they stay, and these went to the quarantine.
    Conflict,
    /// The latest snapshot of its kind.
    Snapshot,
    /// It could not be filed and went to the quarantine.
    Quarantined,
}

impl Store {
    /// Files a batch in one transaction, with the `alarms` that it changes, and says what became of
    /// each message, in their order.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] when anything fails; nothing of the batch is kept then.
    pub fn file(
        &mut self,
        now: Timestamp,
        batch: &[Inbound],
        alarms: &[Alarm],
    ) -> Result<Vec<Filed>, StoreError> {
        let mut filing = || -> rusqlite::Result<Vec<Filed>> {
            let transaction = self.connection.transaction()?;
            let mut filing = Filing {
                transaction: &transaction,
                now_ms: now.as_millisecond(),
                hubs: BTreeMap::new(),
                ledgers: BTreeMap::new(),
                heard: BTreeSet::new(),
            };
            let filed = batch.iter().map(|it| filing.message(it)).collect::<Result<_, _>>()?;
            filing.finish()?;
            alarms.iter().try_for_each(|it| alarm::put(&transaction, it))?;
            transaction.commit()?;
            Ok(filed)
        };
        filing().map_err(StoreError::failed("store what the homes sent"))
    }
}

/// One batch on its way into the database.
struct Filing<'t> {
    transaction: &'t Transaction<'t>,
    now_ms: i64,
    hubs: BTreeMap<HubId, i64>,
    ledgers: BTreeMap<(HubId, Epoch), i64>,
    heard: BTreeSet<i64>,
}

impl Filing<'_> {
    fn message(&mut self, inbound: &Inbound) -> rusqlite::Result<Filed> {
        match inbound {
            Inbound::Record(record) => self.record(record),
            Inbound::Snapshot(snapshot) => self.snapshot(snapshot),
            Inbound::Refused { delivery, reason } => self.quarantine(delivery, reason),
        }
    }

    fn record(&mut self, record: &Record) -> rusqlite::Result<Filed> {
        let hub_id = self.hub(&record.hub)?;
        self.heard.insert(hub_id);
        let ledger_id = self.ledger(hub_id, record)?;
        // The sorting refuses numbers that do not fit.
        let seq = i64::try_from(record.seq).unwrap_or(i64::MAX);
        let kind = record.body.kind();
        let subject = record.body.subject();
        let checksum =
            record::checksum(&record.epoch.0, seq, kind.code(), self.now_ms, &record.payload);
        let n_inserted = self
            .transaction
            .prepare_cached(
                "INSERT INTO record
                 (ledger_id, seq, kind, received_ms, subject, payload, refusal, checksum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (ledger_id, seq) DO NOTHING",
            )?
            .execute(params![
                ledger_id,
                seq,
                kind.code(),
                self.now_ms,
                subject,
                record.payload,
                record.body.refusal(),
                checksum,
            ])?;
        if n_inserted == 0 {
            return self.again(record, ledger_id, seq);
        }
        let position = self.transaction.last_insert_rowid();
        if let Some(moment) = record.body.recorded() {
            timeline::note(self.transaction, hub_id, &moment)?;
        }
        let is_current = self.index(hub_id, position, &record.body)?;
        Ok(Filed::New { position, is_current })
    }

    /// The place is taken: by the same bytes, or by others, which stay.
    fn again(&self, record: &Record, ledger_id: i64, seq: i64) -> rusqlite::Result<Filed> {
        let stored = record::payload_at(self.transaction, ledger_id, seq)?;
        if stored == record.payload {
            return Ok(Filed::Duplicate);
        }
        let delivery = Delivery {
            topic: format!("{}/{}/{seq}", record.hub, record.epoch),
            payload: record.payload.clone(),
            is_retained: false,
        };
        self.quarantine(&delivery, CONTESTED)?;
        Ok(Filed::Conflict)
    }

    /// Enters a record in the index, and says whether it is current.
    fn index(&self, hub_id: i64, position: i64, body: &Body) -> rusqlite::Result<bool> {
        match body {
            Body::Reading(reading) => {
                assignment::enter(self.transaction, hub_id, position, reading)?;
                Ok(true)
            }
            Body::Alert(id, alert) => {
                if is_test_alarm(alert) && alert.state == RAISED {
                    self.transaction
                        .prepare_cached("UPDATE hub SET test_alarm_ms = ?2 WHERE id = ?1")?
                        .execute(params![hub_id, self.now_ms])?;
                }
                alert::index(
                    self.transaction,
                    hub_id,
                    &id.to_string(),
                    alert.rev,
                    (is_open(standing(&alert.standing)), is_test_alarm(alert)),
                    self.now_ms,
                    position,
                )
            }
            Body::Event(event) => {
                if let Some(it) = &event.assignment {
                    assignment::note(self.transaction, hub_id, position, it)?;
                }
                Ok(true)
            }
            Body::Unread { .. } => Ok(true),
        }
    }

    fn snapshot(&mut self, snapshot: &Snapshot) -> rusqlite::Result<Filed> {
        let hub_id = self.hub(&snapshot.hub)?;
        if snapshot.is_live {
            self.heard.insert(hub_id);
        }
        let payload = snapshot.payload.as_slice();
        let kind = match snapshot.state {
            State::Health(_) => HEALTH,
            State::Status(_) => STATUS,
        };
        self.transaction
            .prepare_cached(
                "INSERT INTO snapshot (hub_id, kind, received_ms, payload, checksum)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (hub_id, kind) DO UPDATE SET received_ms = excluded.received_ms,
                 payload = excluded.payload, checksum = excluded.checksum",
            )?
            .execute(params![hub_id, kind, self.now_ms, payload, crc32fast::hash(payload)])?;
        Ok(Filed::Snapshot)
    }

    fn quarantine(&self, delivery: &Delivery, reason: &str) -> rusqlite::Result<Filed> {
        let kept: Vec<u8> =
            delivery.payload.iter().copied().take(QUARANTINE_LEN_BYTES_MAX).collect();
        self.transaction
            .prepare_cached(
                "INSERT INTO quarantine (received_ms, topic, reason, payload, checksum)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![self.now_ms, delivery.topic, reason, kept, crc32fast::hash(&kept)])?;
        self.transaction
            .prepare_cached("DELETE FROM quarantine WHERE id <= ?1")?
            .execute([self.transaction.last_insert_rowid() - QUARANTINE_ROWS_MAX])?;
        Ok(Filed::Quarantined)
    }

    /// Notes when the hubs of the batch spoke, last and for the first time.
    fn finish(&self) -> rusqlite::Result<()> {
        let mut statement = self.transaction.prepare_cached(
            "UPDATE hub SET last_heard_ms = ?2, known_from_ms = coalesce(known_from_ms, ?2)
             WHERE id = ?1",
        )?;
        for hub_id in &self.heard {
            statement.execute(params![hub_id, self.now_ms])?;
        }
        Ok(())
    }

    fn hub(&mut self, hub: &HubId) -> rusqlite::Result<i64> {
        if let Some(id) = self.hubs.get(hub) {
            return Ok(*id);
        }
        let known = self
            .transaction
            .prepare_cached("SELECT id FROM hub WHERE name = ?1")?
            .query_row([hub.as_str()], |row| row.get(0))
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => {
                self.transaction
                    .prepare_cached("INSERT INTO hub (name) VALUES (?1)")?
                    .execute([hub.as_str()])?;
                self.transaction.last_insert_rowid()
            }
        };
        self.hubs.insert(hub.clone(), id);
        Ok(id)
    }

    fn ledger(&mut self, hub_id: i64, record: &Record) -> rusqlite::Result<i64> {
        let key = (record.hub.clone(), record.epoch);
        if let Some(id) = self.ledgers.get(&key) {
            return Ok(*id);
        }
        let known = self
            .transaction
            .prepare_cached("SELECT id FROM ledger WHERE hub_id = ?1 AND epoch = ?2")?
            .query_row(params![hub_id, record.epoch.0], |row| row.get(0))
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => {
                self.transaction
                    .prepare_cached("INSERT INTO ledger (hub_id, epoch) VALUES (?1, ?2)")?
                    .execute(params![hub_id, record.epoch.0])?;
                self.transaction.last_insert_rowid()
            }
        };
        self.ledgers.insert(key, id);
        Ok(id)
    }
}

impl Body {
    fn kind(&self) -> Kind {
        match self {
            Self::Reading(_) => Kind::Reading,
            Self::Alert(..) => Kind::Alert,
            Self::Event(_) => Kind::Event,
            // Only these three channels carry records.
            Self::Unread { channel, .. } => Kind::of(*channel).unwrap_or(Kind::Event),
        }
    }

    fn subject(&self) -> Option<&str> {
        match self {
            Self::Reading(reading) => reading.subject.as_ref().map(|it| it.as_str()),
            Self::Alert(_id, alert) => alert.subject.as_deref(),
            Self::Event(event) => event.subject.as_deref(),
            Self::Unread { .. } => None,
        }
    }

    fn refusal(&self) -> Option<&str> {
        match self {
            Self::Reading(_) | Self::Alert(..) | Self::Event(_) => None,
            Self::Unread { reason, .. } => Some(reason),
        }
    }
}
