//! Writing records again under new numbers, when others may have theirs.
//!
//! What a record says stays the same, but for the identities that change with it: its own, those of
//! readings that an alert used, and that of an alert that was raised by one of them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::error;
use vitals::wire::primitive::Bytes;
use vitals::wire::{canonical, v1};
use vitals::{AlertId, ReadingId};

use crate::store::{Anew, Lane, LedgerKey, Record};

/// The identities that have changed so far; records have to come in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Rewriting {
    /// Readings and alerts alike: an identity is that of one record.
    by_old: BTreeMap<String, String>,
}

impl Rewriting {
    /// `record` under the number `key`; nothing where it cannot be read.
    pub(super) fn rewrite(&mut self, record: &Record, key: LedgerKey) -> Option<Anew> {
        let anew = match record.lane {
            Lane::Reading => self.reading(&record.payload, key),
            Lane::Alert => self.alert(&record.payload, key),
            Lane::Event => decoded(&record.payload).and_then(|mut event: v1::Event| {
                (event.epoch, event.seq) = (Bytes(key.epoch.0.to_vec()), key.number);
                plain(&event)
            }),
        };
        if anew.is_none() {
            error!(seq = record.seq, "record cannot be written again");
        }
        anew
    }

    fn reading(&mut self, payload: &[u8], key: LedgerKey) -> Option<Anew> {
        let mut reading: v1::Reading = decoded(payload)?;
        let id = ReadingId { epoch: key.epoch, seq: key.number }.to_string();
        self.by_old.insert(reading.id, id.clone());
        (reading.epoch, reading.seq) = (Bytes(key.epoch.0.to_vec()), key.number);
        reading.id = id;
        plain(&reading)
    }

    fn alert(&mut self, payload: &[u8], key: LedgerKey) -> Option<Anew> {
        let mut alert: v1::Alert = decoded(payload)?;
        let old = alert.alert_id.parse::<AlertId>().ok()?;
        let was_raised_here = alert.epoch.0 == old.epoch.0 && alert.seq == old.seq;
        if was_raised_here {
            let id = AlertId { epoch: key.epoch, seq: key.number };
            self.by_old.insert(alert.alert_id.clone(), id.to_string());
        }
        self.rename(&mut alert.alert_id);
        alert.readings.iter_mut().for_each(|it| self.rename(it));
        (alert.epoch, alert.seq) = (Bytes(key.epoch.0.to_vec()), key.number);
        let new = alert.alert_id.parse::<AlertId>().ok()?;
        let key = |it: AlertId| LedgerKey { epoch: it.epoch, number: it.seq };
        let open = (alert.standing != "done").then_some(key(new));
        Some(Anew { ended: vec![key(old), key(new)], open, ..plain(&alert)? })
    }

    fn rename(&self, id: &mut String) {
        if let Some(new) = self.by_old.get(id) {
            id.clone_from(new);
        }
    }
}

fn decoded<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    canonical::decode(payload).ok()
}

fn plain(message: &impl Serialize) -> Option<Anew> {
    let payload = canonical::encode(message).ok()?;
    Some(Anew { payload, ended: Vec::new(), open: None })
}
