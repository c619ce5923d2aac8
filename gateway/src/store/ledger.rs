//! The one transaction: what is written through it becomes durable together or not at all.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};
use vitals::{Sequence, SequenceRanges};

use super::budget::{self, PageBytes};
use super::checksum::{of_alert, of_record, of_span};
use super::epochs::Epochs;
use super::incident::{self, News};
use super::query::row_id;
use super::{Lane, LedgerKey, StoreError, failed};

/// How long a command is remembered after it expired: 30 days.
const COMMAND_MEMORY_S: i64 = 30 * 24 * 60 * 60;

/// An open transaction on the ledger; dropping it undoes everything.
#[derive(Debug)]
pub struct Ledger<'store> {
    transaction: Transaction<'store>,
    epochs: &'store Epochs,
    committed_seq: &'store mut Sequence,
    next: Sequence,
    /// Bytes of pages up to which the commit may go that carries no alert.
    max_bytes: u64,
    may_use_reserve: bool,
}

impl<'store> Ledger<'store> {
    pub(super) fn begin(
        connection: &'store mut Connection,
        epochs: &'store Epochs,
        committed_seq: &'store mut Sequence,
        max_bytes: u64,
    ) -> Result<Self, StoreError> {
        let next = committed_seq.saturating_add(1);
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed("begin a transaction"))?;
        Ok(Self { transaction, epochs, committed_seq, next, max_bytes, may_use_reserve: false })
    }

    /// The place in the file that the next appended record gets.
    #[must_use]
    pub const fn next_seq(&self) -> Sequence {
        self.next
    }

    /// The epoch and number that the next appended record gets.
    #[must_use]
    pub fn next_key(&self) -> LedgerKey {
        self.epochs.key(self.next)
    }

    /// The epoch and number of the record at the place `seq`.
    #[must_use]
    pub fn key(&self, seq: Sequence) -> LedgerKey {
        self.epochs.key(seq)
    }

    /// The number in the current epoch that the next appended record gets.
    #[must_use]
    pub fn next_number(&self) -> Sequence {
        self.next_key().number
    }

    /// Appends a record, whose payload carries [`Self::next_key`], and says its place in the file.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`]; the whole transaction is then worthless.
    pub fn append(&mut self, lane: Lane, payload: &[u8]) -> Result<Sequence, StoreError> {
        let sql = match lane {
            Lane::Alert => "INSERT INTO alert (seq, payload, checksum) VALUES (?1, ?2, ?3)",
            Lane::Reading => "INSERT INTO reading (seq, payload, checksum) VALUES (?1, ?2, ?3)",
            Lane::Event => "INSERT INTO event (seq, payload, checksum) VALUES (?1, ?2, ?3)",
        };
        let seq = self.next;
        let row = (row_id(seq), payload, of_record(seq, payload));
        self.run("append a record", sql, row)?;
        self.next = seq.saturating_add(1);
        self.may_use_reserve |= lane == Lane::Alert;
        Ok(seq)
    }

    /// Whether a reading with this content is in the ledger.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn knows_content(&self, identity: &[u8]) -> Result<bool, StoreError> {
        self.exists("SELECT 1 FROM content WHERE identity = ?1", [identity])
    }

    /// Remembers the content of the record at the place `seq`.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`]; the whole transaction is then worthless.
    pub fn remember_content(&self, identity: &[u8], seq: Sequence) -> Result<(), StoreError> {
        let sql = "INSERT INTO content (identity, seq) VALUES (?1, ?2)";
        self.run("remember the content of a reading", sql, (identity, row_id(seq)))
    }

    /// Notes that the alert `id` is open, with the message of its last transition: an open alert
    /// must not hang on a record that can be purged or damaged.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`]; the whole transaction is then worthless.
    pub fn keep_open(&self, id: LedgerKey, last: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO open_alert (epoch, number, payload, checksum)
                   VALUES (?1, ?2, ?3, ?4)";
        let checksum = of_alert(id.epoch, id.number, last);
        self.run("note an open alert", sql, (id.epoch.0, row_id(id.number), last, checksum))
    }

    /// Notes that the alert `id` is no longer open.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`]; the whole transaction is then worthless.
    pub fn end_alert(&self, id: LedgerKey) -> Result<(), StoreError> {
        let sql = "DELETE FROM open_alert WHERE epoch = ?1 AND number = ?2";
        self.run("end an alert", sql, (id.epoch.0, row_id(id.number)))
    }

    /// Whether a command was carried out before.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`] where the file cannot be read.
    pub fn knows_command(&self, id: &str) -> Result<bool, StoreError> {
        self.exists("SELECT 1 FROM command WHERE id = ?1", [id])
    }

    /// Notes that a command was carried out, and forgets those that expired long before `now_s`:
    /// a clock that steps back makes none of them new.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`]; the whole transaction is then worthless.
    pub fn remember_command(
        &self,
        id: &str,
        expires_at_s: i64,
        now_s: i64,
    ) -> Result<(), StoreError> {
        let long_ago_s = now_s.saturating_sub(COMMAND_MEMORY_S);
        let sql = "DELETE FROM command WHERE expires_at_s < ?1";
        self.run("forget old commands", sql, [long_ago_s])?;
        let sql = "INSERT INTO command (id, expires_at_s) VALUES (?1, ?2)";
        self.run("remember a command", sql, (id, expires_at_s.max(now_s)))
    }

    /// Notes what the agency holds.
    pub(super) fn note_held(&mut self, held: &SequenceRanges) -> Result<(), StoreError> {
        // It makes room: what is held can be removed.
        self.may_use_reserve = true;
        const ACTION: &str = "note what the agency holds";
        self.run(ACTION, "DELETE FROM held", ())?;
        let sql = "INSERT INTO held (first, last, checksum) VALUES (?1, ?2, ?3)";
        held.iter().try_for_each(|it| self.run(ACTION, sql, span(&it)))
    }

    /// Notes which records are gone.
    pub(super) fn note_absent(&mut self, absent: &SequenceRanges) -> Result<(), StoreError> {
        self.may_use_reserve = true;
        const ACTION: &str = "note which records are gone";
        self.run(ACTION, "DELETE FROM absent", ())?;
        let sql = "INSERT INTO absent (first, last, checksum) VALUES (?1, ?2, ?3)";
        absent.iter().try_for_each(|it| self.run(ACTION, sql, span(&it)))
    }

    /// Notes that nothing above `after` is proven to be the only record of its number.
    pub(super) fn note_unproven(&mut self, after: Option<Sequence>) -> Result<(), StoreError> {
        self.may_use_reserve = true;
        const ACTION: &str = "note since when receipts are awaited";
        self.run(ACTION, "DELETE FROM unproven", ())?;
        let sql = "INSERT INTO unproven (after) VALUES (?1)";
        after.map_or(Ok(()), |it| self.run(ACTION, sql, [row_id(it)]))
    }

    /// Notes a damaged record, and says whether it was not known to be.
    pub(super) fn note_damaged(&self, seq: Sequence) -> Result<bool, StoreError> {
        let sql = "INSERT OR IGNORE INTO damaged (seq) VALUES (?1)";
        let noted = self.transaction.execute(sql, [row_id(seq)]);
        Ok(0 < noted.map_err(failed("note a damaged record"))?)
    }

    /// Takes the record at `seq` away, which is written anew elsewhere.
    pub(super) fn take_away(&self, seq: Sequence, lane: Lane) -> Result<(), StoreError> {
        self.run("take a record away", budget::delete(lane), [row_id(seq)])
    }

    /// Notes what a person has to be told, until [`Self::forget_incident`].
    pub(super) fn note_incident(&mut self, told: &News) -> Result<(), StoreError> {
        self.may_use_reserve = true;
        incident::note(&self.transaction, told).map_err(failed("note an incident"))
    }

    /// Forgets an incident whose alert is in this transaction, or was committed before.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Statement`]; the whole transaction is then worthless.
    pub fn forget_incident(&mut self, id: i64) -> Result<(), StoreError> {
        self.may_use_reserve = true;
        self.run("forget an incident", "DELETE FROM incident WHERE id = ?1", [id])
    }

    pub(super) const fn connection(&self) -> &Transaction<'store> {
        &self.transaction
    }

    /// Makes all of it durable.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Full`] where there is no room for it, [`StoreError::Statement`] where
    /// it could not be made durable; nothing of it is in the ledger then.
    pub fn commit(self) -> Result<(), StoreError> {
        if !self.may_use_reserve && self.max_bytes < PageBytes::of(&self.transaction)?.used {
            return Err(StoreError::Full { action: "commit" });
        }
        self.transaction.commit().map_err(failed("commit"))?;
        *self.committed_seq = self.next.saturating_sub(1);
        Ok(())
    }

    fn run(
        &self,
        action: &'static str,
        sql: &'static str,
        parameters: impl rusqlite::Params,
    ) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached(sql).map_err(failed(action))?;
        statement.execute(parameters).map_err(failed(action))?;
        Ok(())
    }

    fn exists(
        &self,
        sql: &'static str,
        parameters: impl rusqlite::Params,
    ) -> Result<bool, StoreError> {
        let look = || -> rusqlite::Result<Option<i64>> {
            let mut statement = self.transaction.prepare_cached(sql)?;
            statement.query_row(parameters, |row| row.get(0)).optional()
        };
        look().map(|it| it.is_some()).map_err(failed("look up the ledger"))
    }
}

/// A range as its row.
pub(super) fn span(range: &RangeInclusive<Sequence>) -> (i64, i64, u32) {
    let (first, last) = (*range.start(), *range.end());
    (row_id(first), row_id(last), of_span(first, last))
}
