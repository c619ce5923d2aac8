//! Rows of `record`: their kinds, their checksum, and reading them back.

use rusqlite::{OptionalExtension as _, Row, params};
use vitals::wire::topic::Channel;
use vitals::{Epoch, HubId, Sequence};

use super::{Store, StoreError};

/// Which topic brought a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `up/reading`
    Reading,
    /// `up/alert`
    Alert,
    /// `up/event`
    Event,
}

impl Kind {
    /// The number in the database.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Reading => 1,
            Self::Alert => 2,
            Self::Event => 3,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::Reading, Self::Alert, Self::Event].into_iter().find(|it| it.code() == code)
    }

    /// The kind of record that `channel` carries, if it carries any.
    pub(super) const fn of(channel: Channel) -> Option<Self> {
        match channel {
            Channel::Reading => Some(Self::Reading),
            Channel::Alert => Some(Self::Alert),
            Channel::Event => Some(Self::Event),
            Channel::Health
            | Channel::Status
            | Channel::Plan
            | Channel::Command
            | Channel::Receipt => None,
        }
    }
}

/// A record as it stands in the database, its checksum verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its place in the order of arrival at the station.
    pub position: i64,
    /// The hub.
    pub hub: HubId,
    /// Epoch of the hub's database.
    pub epoch: Epoch,
    /// Number in that epoch.
    pub seq: Sequence,
    /// Which topic brought it.
    pub kind: Kind,
    /// When the station received it.
    pub received_at: jiff::Timestamp,
    /// The bytes as received.
    pub payload: Vec<u8>,
    /// Why its body could not be read, where it could not.
    pub refusal: Option<String>,
}

/// A row that is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged {
    /// Its place in the order of arrival.
    pub(super) position: i64,
}

/// The columns that [`read`] needs, of `record` joined with `ledger` and `hub`.
pub(super) const COLUMNS: &str = "record.id, hub.name, ledger.epoch, record.seq, record.kind, \
     record.received_ms, record.payload, record.refusal, record.checksum";

/// The tables of [`COLUMNS`].
pub(super) const TABLES: &str =
    "record JOIN ledger ON ledger.id = record.ledger_id JOIN hub ON hub.id = ledger.hub_id";

/// Reads one row of [`COLUMNS`] and verifies it.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Result<StoredRecord, Damaged>> {
    let position = row.get(0)?;
    let hub: String = row.get(1)?;
    let epoch: Vec<u8> = row.get(2)?;
    let seq: i64 = row.get(3)?;
    let kind: u8 = row.get(4)?;
    let received_ms: i64 = row.get(5)?;
    let payload: Vec<u8> = row.get(6)?;
    let refusal = row.get(7)?;
    let checksum: u32 = row.get(8)?;
    let sound = checksum == self::checksum(&epoch, seq, kind, received_ms, &payload);
    let record = || {
        Some(StoredRecord {
            position,
            hub: hub.parse().ok()?,
            epoch: Epoch(<[u8; 8]>::try_from(epoch.as_slice()).ok()?),
            seq: Sequence::try_from(seq).ok()?,
            kind: Kind::from_code(kind)?,
            received_at: jiff::Timestamp::from_millisecond(received_ms).ok()?,
            payload,
            refusal,
        })
    };
    Ok(Some(()).filter(|()| sound).and_then(|()| record()).ok_or(Damaged { position }))
}

/// CRC-32 over what a record says and where it stands.
pub(super) fn checksum(epoch: &[u8], seq: i64, kind: u8, received_ms: i64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(epoch);
    hasher.update(&seq.to_be_bytes());
    hasher.update(&[kind]);
    hasher.update(&received_ms.to_be_bytes());
    hasher.update(payload);
    hasher.finalize()
}

impl Store {
    /// CRC-32 of the bytes at a place of a hub's ledger, where something stands there.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn checksum_at(
        &self,
        hub: &HubId,
        epoch: Epoch,
        seq: Sequence,
    ) -> Result<Option<u32>, StoreError> {
        let look = || -> rusqlite::Result<Option<Vec<u8>>> {
            let seq = i64::try_from(seq).unwrap_or(i64::MAX);
            self.connection
                .prepare_cached(
                    "SELECT record.payload FROM record
                     JOIN ledger ON ledger.id = record.ledger_id JOIN hub ON hub.id = ledger.hub_id
                     WHERE hub.name = ?1 AND ledger.epoch = ?2 AND record.seq = ?3",
                )?
                .query_row(params![hub.as_str(), epoch.0, seq], |row| row.get(0))
                .optional()
        };
        let payload = look().map_err(StoreError::failed("look up a record"))?;
        Ok(payload.map(|it| crc32fast::hash(&it)))
    }
}

/// What stands at a place of the ledger.
pub(super) fn payload_at(
    connection: &rusqlite::Connection,
    ledger_id: i64,
    seq: i64,
) -> rusqlite::Result<Vec<u8>> {
    connection
        .prepare_cached("SELECT payload FROM record WHERE ledger_id = ?1 AND seq = ?2")?
        .query_row(params![ledger_id, seq], |row| row.get(0))
}
