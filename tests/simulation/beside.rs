//! Reading the two databases beside their owners: what is seen here is what is committed.
//!
//! The connections only read, so that a core which is dropped leaves its files as a killed process
//! leaves them: the log is not copied back into the database.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use gateway::store::Lane;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};
use vitals::{Epoch, Sequence};

/// A record as it is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) seq: Sequence,
    pub(crate) lane: Lane,
    pub(crate) payload: Vec<u8>,
}

/// The ledger of a hub.
#[derive(Debug)]
pub(crate) struct BesideHub {
    connection: Connection,
}

/// The database of the station.
#[derive(Debug)]
pub(crate) struct BesideStation {
    connection: Connection,
    /// Row of the last record that was read.
    last_row: i64,
}

/// A record at the station.
#[derive(Debug)]
pub(crate) struct Filed {
    pub(crate) hub: String,
    pub(crate) epoch: Epoch,
    pub(crate) record: Committed,
}

fn open(path: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("failed to read {}", path.display()))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

impl BesideHub {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { connection: open(path)? })
    }

    /// Every record above `after`, ascending.
    pub(crate) fn after(&self, after: Sequence) -> anyhow::Result<Vec<Committed>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, 0, payload FROM alert WHERE seq > ?1
             UNION ALL SELECT seq, 1, payload FROM reading WHERE seq > ?1
             UNION ALL SELECT seq, 2, payload FROM event WHERE seq > ?1 ORDER BY 1",
        )?;
        let mut rows = statement.query([i64::try_from(after)?])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let lane = match row.get(1)? {
                0_u8 => Lane::Alert,
                1 => Lane::Reading,
                _event => Lane::Event,
            };
            let seq = row.get::<_, i64>(0)?.try_into()?;
            records.push(Committed { seq, lane, payload: row.get(2)? });
        }
        Ok(records)
    }
}

impl BesideHub {
    /// The numbers of the records that are there.
    pub(crate) fn numbers(&self) -> anyhow::Result<BTreeSet<Sequence>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq FROM alert UNION ALL SELECT seq FROM reading
             UNION ALL SELECT seq FROM event",
        )?;
        let numbers = statement.query_map((), |row| row.get::<_, i64>(0))?;
        numbers.map(|it| Ok(it?.try_into()?)).collect()
    }
}

impl BesideStation {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { connection: open(path)?, last_row: 0 })
    }

    /// The records that were committed since the last time.
    pub(crate) fn news(&mut self) -> anyhow::Result<Vec<Filed>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT record.id, hub.name, ledger.epoch, record.seq, record.kind, record.payload
             FROM record JOIN ledger ON ledger.id = record.ledger_id
             JOIN hub ON hub.id = ledger.hub_id WHERE record.id > ?1 ORDER BY record.id",
        )?;
        let mut rows = statement.query(params![self.last_row])?;
        let mut news = Vec::new();
        while let Some(row) = rows.next()? {
            self.last_row = row.get(0)?;
            let lane = match row.get(4)? {
                1_u8 => Lane::Reading,
                2 => Lane::Alert,
                _event => Lane::Event,
            };
            let seq = row.get::<_, i64>(3)?.try_into()?;
            news.push(Filed {
                hub: row.get(1)?,
                epoch: Epoch(row.get(2)?),
                record: Committed { seq, lane, payload: row.get(5)? },
            });
        }
        Ok(news)
    }
}
