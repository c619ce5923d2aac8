//! A measurement that is to be made at certain times of each day, and was not.
//!
//! A window counts as missed when it and its grace have gone by without a measurement since it opened.
//! Windows are by the clocks of the home: on a day on which these change, none is shorter than written,
//! and none is left out.

use std::fmt;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use vitals::{Priority, Vital};

/// Over how many days missed windows are counted.
pub const DAYS_MAX: i64 = 14;

/// A measurement that is due each day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// What is to be measured.
    pub vital: Vital,
    /// How soon a person has to look.
    pub priority: Priority,
    /// When it is to be measured.
    pub windows: Vec<Window>,
    /// How much later is still in time.
    pub grace: SignedDuration,
    /// After how many missed windows in a row there is an alert.
    pub in_a_row: u32,
}

/// A time of each day in which a measurement is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// When it opens.
    pub from: Time,
    /// When it closes, on the same day.
    pub to: Time,
}

/// A window on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) day: Date,
    pub(crate) window: Window,
    pub(crate) opens: Timestamp,
    /// When its grace has ended, too.
    pub(crate) closes: Timestamp,
}

impl Missed {
    /// The windows that were open at some time of the last [`DAYS_MAX`] days or will be tomorrow, in
    /// `zone`, the latest first.
    pub(crate) fn slots(&self, now: Timestamp, zone: &TimeZone) -> Vec<Slot> {
        let today = zone.to_datetime(now).date();
        let days = (-1..=DAYS_MAX).filter_map(|ago| {
            today
                .checked_sub(SignedDuration::from_hours(24).checked_mul(i32::try_from(ago).ok()?)?)
                .ok()
        });
        let mut slots: Vec<Slot> = days
            .flat_map(|day| self.windows.iter().filter_map(move |it| self.slot(day, *it, zone)))
            .collect();
        slots.sort_by_key(|it| std::cmp::Reverse((it.closes, it.opens)));
        slots
    }

    /// The time that a clock skips or shows twice is read so that the window gets longer.
    fn slot(&self, day: Date, window: Window, zone: &TimeZone) -> Option<Slot> {
        let opens = zone.to_ambiguous_zoned(day.to_datetime(window.from)).earlier().ok()?;
        let closes = zone.to_ambiguous_zoned(day.to_datetime(window.to)).later().ok()?;
        let closes = closes.timestamp().checked_add(self.grace).ok()?;
        Some(Slot { day, window, opens: opens.timestamp(), closes })
    }

    /// What is told of `n` windows that were missed in a row, the last of them `latest`.
    pub(crate) fn fact(&self, n: u32, latest: &Slot, cause: Option<&str>) -> String {
        let vital = super::capitalised(self.vital.label());
        let Slot { day, window, .. } = latest;
        let windows = if n == 1 { "window" } else { "windows" };
        let cause = cause.map(|it| format!("; {it}")).unwrap_or_default();
        format!(
            "{vital} was not measured in {n} {windows} in a row, the last {window} on {day}{cause}"
        )
    }
}

impl Window {
    /// The window around a time of day: `grace` before it, and nothing after it but the grace.
    #[must_use]
    pub fn at(time: Time, grace: SignedDuration) -> Self {
        let from = time.checked_sub(grace).unwrap_or(Time::midnight());
        Self { from, to: time }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02} to ", from.hour(), from.minute())?;
        write!(f, "{:02}:{:02}", to.hour(), to.minute())
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} due", self.vital.label())?;
        for (n, window) in self.windows.iter().enumerate() {
            let separator = if n == 0 { " " } else { ", " };
            write!(f, "{separator}{window}")?;
        }
        let grace = super::span(self.grace);
        write!(f, ", {grace} of grace, told after {} missed ({})", self.in_a_row, self.priority)
    }
}

#[cfg(test)]
mod tests;
