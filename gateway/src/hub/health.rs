//! The health snapshot.

use jiff::Timestamp;
use vitals::LocalInstant;
use vitals::wire::canonical;
use vitals::wire::primitive::{Bytes, Time};
use vitals::wire::v1::{
    Clock, DeviceHealth, Health, OPEN_ALERTS_MAX, OpenAlert, StorageHealth, VERSION,
};

use super::roster::Member;
use super::{Hub, HubError, Sight};
use crate::clock::Stamp;

impl Hub {
    /// The encoded health message.
    ///
    /// # Errors
    ///
    /// Fails where the ledger cannot be read.
    pub fn health(&self, now: Stamp) -> Result<Vec<u8>, HubError> {
        let time = |it: Stamp| Time(self.local(it));
        let device = |it: &Member| DeviceHealth {
            id: it.device.id.as_str().to_owned(),
            model: it.device.model.key.to_owned(),
            last_seen: it.last_seen.map(time),
            last_reading: it.last_reading.map(time),
            last_error: it.last_error.clone(),
        };
        let health = Health {
            v: VERSION,
            hub: self.id.as_str().to_owned(),
            epoch: Bytes(self.store.epoch().0.to_vec()),
            at: time(now),
            clock: Clock::of(&self.moment(now)),
            started_at: time(self.started_at),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            last_seq: self.store.last_number(),
            unconfirmed: self.n_unconfirmed(),
            database_bytes: self.store.size_bytes()?,
            open_alerts: u64::try_from(self.engine.open().count()).unwrap_or(u64::MAX),
            devices: self.roster.members().map(device).collect(),
            storage: Some(self.storage()?),
            agency_silent_since: match self.sight() {
                Sight::Unseen { since } => Some(Time(since)),
                Sight::Seen { .. } | Sight::NotYet => None,
            },
            alerts: self.open_alerts(),
        };
        Ok(canonical::encode(&health)?)
    }

    fn storage(&self) -> Result<StorageHealth, HubError> {
        let (usage, scrubbed) = (self.store.usage()?, self.store.scrubbed()?);
        let time = |it: Timestamp| Time(LocalInstant::new(it, &self.zone));
        Ok(StorageHealth {
            used_bytes: usage.used_bytes,
            max_bytes: usage.max_bytes,
            oldest_at: self.store.oldest()?.and_then(|it| it.recorded_at).map(time),
            scrubbed_at: scrubbed.finished_at.map(time),
            damaged: scrubbed.n_damaged,
            memory_only_since: self.in_memory_since().map(Time),
        })
    }

    /// The open alerts as they stand, where they can be listed.
    fn open_alerts(&self) -> Option<Vec<OpenAlert>> {
        let open = self.engine.open().map(|it| OpenAlert {
            alert_id: it.id.to_string(),
            rev: it.rev,
            standing: it.standing().as_str().to_owned(),
        });
        let listed: Vec<_> = open.take(OPEN_ALERTS_MAX.saturating_add(1)).collect();
        (listed.len() <= OPEN_ALERTS_MAX).then_some(listed)
    }
}
