//! What happened to each device since the daemon started: pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use vitals::{DeviceId, LocalInstant};

use super::{LinkEvent, SessionEnd};
use crate::clock::Stamp;

/// What happened to one device. Times are those of the hub's clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceHistory {
    /// When it was heard last, or its port was there.
    pub seen_at: Option<Timestamp>,
    /// When the last session began.
    pub connected_at: Option<Timestamp>,
    /// When the last bytes came.
    pub value_at: Option<Timestamp>,
    /// When a session failed last, and why.
    pub failure: Option<(Timestamp, String)>,
    /// Sessions that began.
    pub n_sessions: u64,
    /// Sessions that failed.
    pub n_failures: u64,
    /// Values, or pieces of a serial stream.
    pub n_values: u64,
}

/// What happened to each device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History(BTreeMap<DeviceId, DeviceHistory>);

impl History {
    /// Notes what a link tells.
    pub fn note(&mut self, event: &LinkEvent) {
        match event {
            LinkEvent::Up(_) | LinkEvent::Lost(..) => {}
            LinkEvent::Seen(device, at) => self.of(device).seen_at = Some(at.wall),
            LinkEvent::Begun(device, at) => {
                let it = self.of(device);
                (it.seen_at, it.connected_at) = (Some(at.wall), Some(at.wall));
                it.n_sessions = it.n_sessions.saturating_add(1);
            }
            LinkEvent::Ended(device, end, at) => self.ended(device, end, *at),
            LinkEvent::Frame(frame) => {
                let it = self.of(&frame.device);
                it.value_at = Some(frame.received.wall);
                it.n_values = it.n_values.saturating_add(1);
            }
        }
    }

    fn ended(&mut self, device: &DeviceId, end: &SessionEnd, at: Stamp) {
        if let SessionEnd::Failed(why) = end {
            let it = self.of(device);
            it.failure = Some((at.wall, why.clone()));
            it.n_failures = it.n_failures.saturating_add(1);
        }
    }

    fn of(&mut self, device: &DeviceId) -> &mut DeviceHistory {
        self.0.entry(device.clone()).or_default()
    }

    /// The same as a JSON object by device, with times as they are shown in `zone`.
    #[must_use]
    pub fn to_json(&self, zone: &TimeZone) -> Value {
        let text = |at: Option<Timestamp>| at.map(|at| LocalInstant::new(at, zone).to_string());
        let of = |it: &DeviceHistory| {
            let (failed_at, failure) = match &it.failure {
                Some((at, why)) => (Some(*at), Some(why)),
                None => (None, None),
            };
            json!({
                "seen_at": text(it.seen_at),
                "connected_at": text(it.connected_at),
                "value_at": text(it.value_at),
                "failed_at": text(failed_at),
                "failure": failure,
                "sessions": it.n_sessions,
                "failures": it.n_failures,
                "values": it.n_values,
            })
        };
        self.0.iter().map(|(device, it)| (device.as_str().to_owned(), of(it))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::BootId;
    use crate::link::{Frame, LinkName, Source};

    fn at(second: i64) -> Stamp {
        let wall = Timestamp::from_second(second).unwrap();
        Stamp { wall, boot: BootId([0; 16]), since_boot: Duration::ZERO }
    }

    #[test]
    fn each_device_has_its_last_times_and_its_last_error() {
        let cuff: DeviceId = "cuff".parse().unwrap();
        let mut history = History::default();
        let frame =
            Frame { device: cuff.clone(), source: Source::Serial, bytes: vec![1], received: at(3) };
        for event in [
            LinkEvent::Lost(LinkName::Bluetooth, "no adapter".to_owned()),
            LinkEvent::Seen(cuff.clone(), at(1)),
            LinkEvent::Begun(cuff.clone(), at(2)),
            LinkEvent::Ended(cuff.clone(), SessionEnd::Failed("why".to_owned()), at(2)),
            LinkEvent::Begun(cuff.clone(), at(3)),
            LinkEvent::Frame(frame),
            LinkEvent::Ended(cuff, SessionEnd::ByDevice, at(4)),
        ] {
            history.note(&event);
        }
        let shown = history.to_json(&TimeZone::UTC);
        let expected = json!({ "cuff": {
            "seen_at": "1970-01-01T00:00:03.000Z",
            "connected_at": "1970-01-01T00:00:03.000Z",
            "value_at": "1970-01-01T00:00:03.000Z",
            "failed_at": "1970-01-01T00:00:02.000Z",
            "failure": "why",
            "sessions": 2,
            "failures": 1,
            "values": 1,
        } });
        assert_eq!(shown, expected);
    }
}
