//! Reading the database beside the station that writes it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};
use vitals::{HubId, SubjectId};

use super::holdings::{self, HubHolding};
use super::record::{Damaged, StoredRecord};
use super::{Said, StoreError, alarm, assignment, schema};
use crate::alarm::Alarms;

/// A connection that only reads.
#[derive(Debug)]
pub struct Archive {
    connection: Mutex<Connection>,
}

/// Which readings are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Of this hub alone.
    pub hub: Option<HubId>,
    /// Of this client alone.
    pub subject: Option<SubjectId>,
    /// Only those that arrived after this place.
    pub after: i64,
    /// At most so many.
    pub limit: u32,
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What was found, without damaged rows.
    pub records: Vec<StoredRecord>,
    /// What people said about them.
    pub said: Said,
    /// [`Query::after`] of the next page, or `None` where there is none.
    pub next: Option<i64>,
}

impl Archive {
    /// Opens the database at `path`, which exists.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Open`] where it cannot be opened, and [`StoreError::Version`] where no
    /// station of this version has served from it yet.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(StoreError::open)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(StoreError::open)?;
        schema::check_version(&connection)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        read(&self.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Readings in the order in which they arrived.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn readings(&self, query: &Query) -> Result<Listing, StoreError> {
        let condition = "record.kind = 1 AND record.refusal IS NULL AND record.id > ?1
             AND (?2 IS NULL OR hub.name = ?2) AND (?3 IS NULL OR record.subject = ?3)
             ORDER BY record.id LIMIT ?4";
        let hub = query.hub.as_ref().map(HubId::as_str);
        let subject = query.subject.as_ref().map(SubjectId::as_str);
        let parameters = params![query.after, hub, subject, query.limit];
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = holdings::rows(&connection, condition, parameters)
            .map_err(StoreError::failed("read the readings"))?;
        // A damaged row is not shown, but the listing goes on behind it.
        let is_full = usize::try_from(query.limit).is_ok_and(|limit| rows.len() == limit);
        let last = rows.last().map(|row| match row {
            Ok(record) => record.position,
            Err(Damaged { position }) => *position,
        });
        let next = last.filter(|_position| is_full);
        let records: Vec<_> = rows.into_iter().flatten().collect();
        let said = assignment::said_of(&connection, &records)
            .map_err(StoreError::failed("read whose the readings are"))?;
        Ok(Listing { records, said, next })
    }

    /// The alarms of the station that are open, and the ones that ended last.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn alarms(&self) -> Result<Alarms, StoreError> {
        let alarms = self.read(|connection| alarm::latest(connection, &mut 0));
        alarms.map(Alarms::of).map_err(StoreError::failed("read the alarms"))
    }

    /// What is held of each hub.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Failed`] where SQLite cannot read.
    pub fn hubs(&self) -> Result<BTreeMap<HubId, HubHolding>, StoreError> {
        self.read(|connection| holdings::hubs(connection, &mut 0))
            .map_err(StoreError::failed("read the hubs"))
    }
}
