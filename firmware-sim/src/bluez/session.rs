//! What a device does while it is connected: it sends what it stored, oldest first, and hangs up.

use super::effect::Property;
use super::host::{Due, Host};
use super::link::Ending;
use super::path::Node;
use super::peripheral::{CHARACTERISTIC, Delivery, LinkFault, Peripheral};
use crate::device::{Kind, Record};

impl Peripheral {
    /// Takes in what a measurement brings: records at once, values of a stream in their time.
    pub(super) fn take_in(&mut self, host: &mut Host, records: Vec<Record>) {
        for record in records {
            if record.stored && record.after.is_zero() {
                self.keep(record);
            } else {
                self.coming.push_back((host.now.saturating_add(record.after), record));
            }
        }
        self.coming.make_contiguous().sort_by_key(|(when, _record)| *when);
        self.expect_value(host);
        if !self.is_linked() {
            return self.wake(host);
        }
        if !self.coming.is_empty() {
            host.cancel(self.address(), &[Due::HangUp]);
        }
        self.go_on(host);
    }

    /// Stores a record, to be sent by itself or when it is asked for.
    fn keep(&mut self, record: Record) {
        if self.table.record_access().is_some() {
            self.memory.push(record);
        } else if self.kind == Kind::TranstekScale {
            // The latest comes first.
            self.store.push_front(record);
        } else {
            self.store.push_back(record);
        }
    }

    fn expect_value(&self, host: &mut Host) {
        host.cancel(self.address(), &[Due::Value]);
        if let Some((when, _record)) = self.coming.front() {
            host.schedule(self.address(), when.saturating_sub(host.now), Due::Value);
        }
    }

    /// The next value of a measurement in progress exists.
    pub(super) fn on_value(&mut self, host: &mut Host) {
        if 1 < self.coming.len() && self.spoiler.reorders() {
            self.swap_coming();
        }
        let Some((_when, record)) = self.coming.pop_front() else { return };
        self.expect_value(host);
        if record.stored {
            self.keep(record);
        } else if self.is_linked() && self.is_enabled(&record) {
            self.send(host, record);
        } else {
            self.counters.values_unheard = self.counters.values_unheard.saturating_add(1);
        }
        if !self.is_linked() {
            return;
        }
        if self.next_sendable().is_some() {
            self.go_on(host);
        } else {
            self.expect_hang_up(host, self.until_hang_up());
        }
    }

    /// Lets the next two values change places, each in the other's time.
    fn swap_coming(&mut self) {
        if let [(_, first), (_, second), ..] = self.coming.make_contiguous() {
            std::mem::swap(first, second);
        }
    }

    /// The link is up: a device with a bond sends right away, before anyone asks it to.
    pub(super) fn begin_session(&mut self, host: &mut Host) {
        if let Some(unit) = &mut self.omron {
            unit.begin_session();
        }
        if self.omron.is_some() || self.table.record_access().is_some() {
            // What an earlier link left was asked for there.
            self.store.clear();
        }
        if self.next_sendable().is_some() {
            host.schedule(self.address(), self.timing().settle, Due::Send);
        } else {
            self.await_subscription(host);
        }
    }

    /// Sends what can be sent now, after the usual gap.
    pub(super) fn go_on(&mut self, host: &mut Host) {
        if self.next_sendable().is_some() && !host.is_scheduled(self.address(), Due::Send) {
            host.cancel(self.address(), &[Due::HangUp]);
            host.schedule(self.address(), self.timing().gap, Due::Send);
        }
    }

    fn await_subscription(&mut self, host: &mut Host) {
        self.expect_hang_up(host, self.timing().patience);
    }

    fn expect_hang_up(&mut self, host: &mut Host, after: std::time::Duration) {
        host.cancel(self.address(), &[Due::HangUp]);
        if !self.coming.is_empty() {
            return;
        }
        if self.radio.hangs_up && self.fault != Some(LinkFault::Lingers) {
            host.schedule(self.address(), after, Due::HangUp);
        }
    }

    pub(super) fn on_hang_up(&mut self, host: &mut Host) {
        self.unlink(host, Ending::HungUp);
    }

    fn is_enabled(&self, record: &Record) -> bool {
        self.table
            .find(record.characteristic)
            .is_some_and(|(_service, placed)| self.enabled.contains(&placed.handle))
    }

    /// Finds the oldest record whose characteristic the central enabled.
    fn next_sendable(&self) -> Option<usize> {
        let is_shut = self.is_shut();
        let may = |record: &&Record| !is_shut || Self::is_answer(record);
        self.store.iter().position(|record| self.is_enabled(record) && may(&record))
    }

    /// Takes the record to send now out of the store.
    fn take_sendable(&mut self) -> Option<Record> {
        let oldest = self.next_sendable()?;
        let mut others = self.store.iter().enumerate().skip(oldest.saturating_add(1));
        let second = others.find(|(_, record)| self.is_enabled(record)).map(|(index, _)| index);
        let index = second.filter(|_second| self.spoiler.reorders()).unwrap_or(oldest);
        self.store.remove(index)
    }

    pub(super) fn on_send(&mut self, host: &mut Host) {
        if !self.is_linked() {
            return;
        }
        let Some(record) = self.take_sendable() else {
            return self.await_subscription(host);
        };
        self.send(host, record);
        if let Some(LinkFault::DroppedAfter { n_values }) = self.fault
            && n_values <= self.n_sent
        {
            return self.unlink(host, Ending::Lost);
        }
        if self.next_sendable().is_some() {
            host.schedule(self.address(), self.timing().gap, Due::Send);
        } else {
            self.expect_hang_up(host, self.until_hang_up());
        }
    }

    /// Lets one value leave the device; the daemon confirms it whether anyone listens or not.
    fn send(&mut self, host: &mut Host, record: Record) {
        let Some((service, placed)) = self.table.find(record.characteristic) else { return };
        let (service, handle) = (service.handle, placed.handle);
        self.n_sent = self.n_sent.saturating_add(1);
        self.counters.indications = self.counters.indications.saturating_add(1);
        let has_session = self.known.notifying.get(&handle).is_some_and(|it| !it.is_empty());
        let is_early = !has_session || !self.known.resolved;
        if is_early {
            self.counters.early_indications = self.counters.early_indications.saturating_add(1);
            host.counters.early_values = host.counters.early_values.saturating_add(1);
        }
        if record.stored {
            let (bytes, generation) = (record.payload.clone(), host.generation());
            let is_expected = has_session || self.known.asked_by == generation;
            self.delivered.push(Delivery { bytes, generation, is_expected });
        }
        let payloads = self.spoiler.spoil(record.payload);
        if is_early && host.loses_early_values {
            return;
        }
        let node = Node::Characteristic(self.address(), service, handle);
        for payload in payloads {
            self.known.values.insert(handle, payload.clone());
            if self.known.exported {
                host.changed(node, CHARACTERISTIC, [("Value", Property::Bytes(payload))]);
            }
        }
    }
}
