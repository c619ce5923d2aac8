//! Going on in a new epoch: numbers of the present one may have been given to other records.

use rusqlite::Transaction;
use vitals::{Sequence, SequenceRanges};

use super::checksum::{column, fits, of_record};
use super::incident::News;
use super::query::{row_id, sequence};
use super::{Lane, LedgerKey, Record, Store, StoreError, failed, schema};

/// Records that are read at once.
const PAGE: i64 = 256;

/// A record as it is written again under a new number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anew {
    /// The message, which carries the new key.
    pub payload: Vec<u8>,
    /// Alerts that are not open by their earlier transitions any more.
    pub ended: Vec<LedgerKey>,
    /// The alert that is open by it.
    pub open: Option<LedgerKey>,
}

/// Where records are written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onward {
    /// In a new epoch: numbers of the present one may be taken.
    InNewEpoch,
    /// In the present epoch: only numbers of an earlier one are taken.
    InPresentEpoch,
}

impl Store {
    /// Goes on as `onward` says, where the records at the places `anew` are written again as
    /// `rewrite` says; the others keep their epoch, number and bytes. All of it happens or nothing.
    ///
    /// Returns how many were written again. A record that cannot be read stays where it is.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError`] where the file cannot be written.
    pub fn fork(
        &mut self,
        onward: Onward,
        anew: &SequenceRanges,
        tell: impl FnOnce(u64) -> News,
        mut rewrite: impl FnMut(&Record, LedgerKey) -> Option<Anew>,
    ) -> Result<u64, StoreError> {
        let first = self.last_seq.saturating_add(1);
        let epochs = match onward {
            Onward::InNewEpoch => self.epochs.with(first, schema::random_epoch()?),
            Onward::InPresentEpoch => self.epochs.clone(),
        };
        let unproven = match onward {
            Onward::InNewEpoch => Some(first.saturating_sub(1)),
            Onward::InPresentEpoch => self.unproven,
        };
        let mut absent = self.absent.clone();
        let mut held = self.held()?;
        let mut n_written: u64 = 0;
        let mut ledger =
            super::Ledger::begin(&mut self.connection, &epochs, &mut self.last_seq, u64::MAX)?;
        schema::note_epoch(ledger.connection(), epochs.first(), epochs.current())
            .map_err(failed("begin a new epoch"))?;
        for range in anew.iter() {
            let (mut after, last) = (range.start().saturating_sub(1), *range.end());
            while after < last {
                let page = all_lanes(ledger.connection(), after, last)?;
                let Some(end) = page.last().map(|(record, _is_sound)| record.seq) else { break };
                after = end;
                for (record, is_sound) in page {
                    let Some(anew) =
                        is_sound.then(|| rewrite(&record, ledger.next_key())).flatten()
                    else {
                        continue;
                    };
                    ledger.take_away(record.seq, record.lane)?;
                    ledger.append(record.lane, &anew.payload)?;
                    anew.ended.iter().try_for_each(|&it| ledger.end_alert(it))?;
                    anew.open.map_or(Ok(()), |it| ledger.keep_open(it, &anew.payload))?;
                    absent.insert(record.seq..=record.seq);
                    held.remove(record.seq..=record.seq);
                    n_written = n_written.saturating_add(1);
                }
            }
        }
        ledger.note_absent(&absent)?;
        ledger.note_held(&held)?;
        ledger.note_unproven(unproven)?;
        ledger.note_incident(&tell(n_written))?;
        ledger.commit()?;
        self.absent = absent;
        self.epochs = epochs;
        self.unproven = unproven;
        Ok(n_written)
    }
}

/// Records of all lanes in the order of their places, with whether they are what was written.
fn all_lanes(
    transaction: &Transaction<'_>,
    after: Sequence,
    last: Sequence,
) -> Result<Vec<(Record, bool)>, StoreError> {
    let sql = "SELECT seq, 1, payload, checksum FROM alert WHERE seq BETWEEN ?1 AND ?2
         UNION ALL SELECT seq, 2, payload, checksum FROM reading WHERE seq BETWEEN ?1 AND ?2
         UNION ALL SELECT seq, 3, payload, checksum FROM event WHERE seq BETWEEN ?1 AND ?2
         ORDER BY seq LIMIT ?3";
    let read = || -> rusqlite::Result<Vec<(Record, bool)>> {
        let mut statement = transaction.prepare_cached(sql)?;
        let parameters = (row_id(after.saturating_add(1)), row_id(last), PAGE);
        let rows = statement.query_map(parameters, |row| {
            let lane = match row.get(1)? {
                1 => Lane::Alert,
                2 => Lane::Reading,
                _event => Lane::Event,
            };
            let record = Record { seq: sequence(row.get(0)?), lane, payload: column(row, 2) };
            let is_sound = fits(row, 3, of_record(record.seq, &record.payload));
            Ok((record, is_sound))
        })?;
        rows.collect()
    };
    read().map_err(failed("read what is written anew"))
}
