//! Advertising, and how the daemon tells its clients of it.

use std::time::Duration;

use super::effect::Property;
use super::host::{Due, Host};
use super::peripheral::{DEVICE, Peripheral, Phase};
use super::tree;
use crate::device::Wake;

/// How long the daemon keeps a device without a bond that it does not see.
const TEMPORARY: Duration = Duration::from_secs(30);

impl Peripheral {
    /// Lets the device be found, for its wake window or for as long as it is not connected.
    ///
    /// A measurement in progress keeps the device awake.
    pub(super) fn wake(&mut self, host: &mut Host) {
        if let Some(left) = self.n_wakes_to_miss.checked_sub(1) {
            self.n_wakes_to_miss = left;
            self.counters.missed_wakes = self.counters.missed_wakes.saturating_add(1);
            return;
        }
        let until = match self.radio.wake {
            Wake::Always => None,
            Wake::AfterMeasurement { window } => {
                let ends = self.coming.back().map_or(host.now, |(when, _record)| *when);
                Some(ends.saturating_add(window))
            }
        };
        self.advertise(host, until);
    }

    /// Goes on with a wake window that a link interrupted.
    pub(super) fn advertise(&mut self, host: &mut Host, until: Option<Duration>) {
        if self.is_linked() {
            return;
        }
        if !matches!(self.phase, Phase::Advertising { .. }) {
            self.counters.advertisements = self.counters.advertisements.saturating_add(1);
        }
        self.phase = Phase::Advertising { until };
        host.cancel(self.address(), &[Due::Advertise, Due::Sleep]);
        if let Some(until) = until {
            host.schedule(self.address(), until.saturating_sub(host.now), Due::Sleep);
        }
        self.on_advertise(host);
        if self.known.connecting.is_some() {
            self.begin_link(host);
        }
    }

    /// Stops advertising without a link.
    pub(super) fn sleep(&mut self, host: &mut Host) {
        if matches!(self.phase, Phase::Advertising { .. }) {
            self.phase = Phase::Idle;
            host.cancel(self.address(), &[Due::Advertise, Due::Sleep, Due::LinkUp]);
            self.expect_to_vanish(host);
            if self.known.connecting.is_some() {
                self.await_advertisement(host);
            }
        }
    }

    /// Sends one advertisement.
    pub(super) fn on_advertise(&mut self, host: &mut Host) {
        if !matches!(self.phase, Phase::Advertising { .. }) {
            return;
        }
        // A hurried daemon misses advertisements; it must not spend all its time on them.
        let interval = self.timing().advertising_interval;
        host.schedule_from_latest(self.address(), interval, Due::Advertise);
        if !host.wants(&self.advertised()) {
            return;
        }
        let rssi = -60_i16 + host.random.i16(-6..=6);
        self.known.rssi = Some(rssi);
        if self.known.listed {
            let mut changed = vec![("RSSI", Property::Signed16(rssi))];
            if !self.radio.manufacturer_data.is_empty() {
                let data = Property::ManufacturerData(self.radio.manufacturer_data.clone());
                changed.push(("ManufacturerData", data));
            }
            if !self.radio.service_data.is_empty() {
                changed.push(("ServiceData", tree::service_data(self)));
            }
            host.changed(self.node(), DEVICE, changed);
        } else {
            self.list(host);
        }
        self.expect_to_vanish(host);
    }

    /// Puts the device object into the daemon's tree.
    pub(super) fn list(&mut self, host: &mut Host) {
        self.known.listed = true;
        tree::announce(self, self.node(), host);
    }

    /// Starts the time after which the daemon forgets a device that it does not see.
    pub(super) fn expect_to_vanish(&mut self, host: &mut Host) {
        host.cancel(self.address(), &[Due::Vanish]);
        if self.known.listed && !self.known.bonded {
            host.schedule(self.address(), TEMPORARY, Due::Vanish);
        }
    }

    pub(super) fn on_vanish(&mut self, host: &mut Host) {
        if self.known.listed && !self.known.bonded && !self.is_linked() {
            self.unlist(host);
        }
    }

    /// Takes the device and all below it out of the daemon's tree.
    pub(super) fn unlist(&mut self, host: &mut Host) {
        self.unexport(host);
        if self.known.listed {
            tree::withdraw(self, self.node(), host);
            self.known.listed = false;
            self.known.rssi = None;
        }
    }

    /// Tells clients that the signal strength is no longer known, as at the end of discovery.
    pub(super) fn forget_rssi(&mut self, host: &mut Host) {
        if self.known.rssi.take().is_some() && self.known.listed {
            host.emit(super::effect::Effect::Changed {
                node: self.node(),
                interface: DEVICE,
                changed: super::effect::Properties::new(),
                invalidated: vec!["RSSI"],
            });
        }
    }
}
