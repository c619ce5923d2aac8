//! The average of blood pressures that were measured at home over several days.
//!
//! One averager, and the protocols of which a plan may choose one:
//!
//! ```text
//!                        AHA     NICE    ESH
//! readings a session     2       2       2       at least 60 s apart; a morning and an evening
//! days looked at         7       7       7       up to the day of the newest reading
//! first day              counts  left    left
//! days that count        3       3       3       at least
//! readings that count    12      12      12      at least
//! ```
//!
//! AHA/AMA: two readings morning and evening for 7 days, at least 3 days with 12 readings, the mean of
//! all. NICE NG136: twice a day for at least 4 days and ideally 7, the first day left out, the mean of
//! the rest; four days without the first are 3 days with 12 readings. ESH: 7 days, at least 3, the
//! first day left out, which leaves 24 readings of a whole week.
//!
//! A day is a day where the client is; the session of a reading is the morning before noon, and the
//! evening from noon on. Of a session the first readings count, so many as the protocol wants; one that
//! was begun less than the least gap after the last one that counts does not.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::Date;
use rust_decimal::Decimal;
use vitals::LocalInstant;

/// How a home average is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    /// Least time between two readings of a session that both count.
    pub min_gap: SignedDuration,
    /// Most readings of a session that count.
    pub per_session: u8,
    /// Days looked at, up to that of the newest reading.
    pub days: u8,
    /// Whether the first day that has a reading is left out.
    pub discards_first_day: bool,
    /// Whether the first reading of each session is left out.
    pub discards_first_of_session: bool,
    /// Fewest days with readings that count.
    pub min_days: u8,
    /// Fewest readings that count.
    pub min_readings: u16,
}

/// A published protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// American Heart Association and American Medical Association.
    Aha,
    /// National Institute for Health and Care Excellence, NG136.
    Nice,
    /// European Society of Hypertension.
    Esh,
}

/// One blood pressure, in mmHg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pressure {
    /// When it was measured.
    pub at: LocalInstant,
    /// Systolic pressure.
    pub systolic: Decimal,
    /// Diastolic pressure.
    pub diastolic: Decimal,
}

/// How much there is, or is needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Readings that count.
    pub readings: u16,
    /// Days with readings that count.
    pub days: u8,
}

/// Means of both pressures, in mmHg, not rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Mean of the systolic pressures.
    pub systolic: Decimal,
    /// Mean of the diastolic pressures.
    pub diastolic: Decimal,
}

/// What the readings of a home give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Average {
    /// Too few readings or days for a mean.
    Insufficient {
        /// What there is.
        have: Extent,
        /// What the protocol needs.
        need: Extent,
    },
    /// The mean.
    Mean {
        /// Of all that counts.
        all: Pair,
        /// What it is made of.
        of: Extent,
        /// Of the mornings, where there are any.
        mornings: Option<Pair>,
        /// Of the evenings, where there are any.
        evenings: Option<Pair>,
    },
}

/// A part of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Session {
    Morning,
    Evening,
}

/// Sums of the pressures of some readings.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    systolic: Decimal,
    diastolic: Decimal,
    readings: u16,
}

/// What has been counted so far, the oldest reading first.
#[derive(Debug, Default)]
struct Tally {
    first_day: Option<Date>,
    session: Option<(Date, Session)>,
    n_in_session: u8,
    last: Option<LocalInstant>,
    last_day: Option<Date>,
    n_days: u8,
    mornings: Sum,
    evenings: Sum,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 3] = [Self::Aha, Self::Nice, Self::Esh];

    /// The word in a plan.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aha => "aha",
            Self::Nice => "nice",
            Self::Esh => "esh",
        }
    }

    /// What it prescribes.
    #[must_use]
    pub const fn protocol(self) -> Protocol {
        let all = Protocol {
            min_gap: SignedDuration::from_secs(60),
            per_session: 2,
            days: 7,
            discards_first_day: true,
            discards_first_of_session: false,
            min_days: 3,
            min_readings: 12,
        };
        match self {
            Self::Aha => Protocol { discards_first_day: false, ..all },
            Self::Nice | Self::Esh => all,
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aha => "AHA",
            Self::Nice => "NICE",
            Self::Esh => "ESH",
        })
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is not one of aha, nice, esh"))
    }
}

impl Protocol {
    /// The first day that is looked at where `newest` is the last one.
    #[must_use]
    pub fn first_day(&self, newest: Date) -> Date {
        newest.saturating_sub(jiff::Span::new().days(self.days.saturating_sub(1)))
    }

    /// What `pressures` give, the oldest first: those of the last days up to `newest`.
    #[must_use]
    pub fn average(&self, newest: Date, pressures: impl IntoIterator<Item = Pressure>) -> Average {
        let days = self.first_day(newest)..=newest;
        let mut tally = Tally::default();
        for pressure in pressures {
            if days.contains(&pressure.at.civil().date()) {
                tally.count(self, &pressure);
            }
        }
        let need = Extent { readings: self.min_readings, days: self.min_days };
        let all = tally.mornings.with(tally.evenings);
        let have = Extent { readings: all.readings, days: tally.n_days };
        match all.mean() {
            Some(mean) if need.readings <= have.readings && need.days <= have.days => {
                let (mornings, evenings) = (tally.mornings.mean(), tally.evenings.mean());
                Average::Mean { all: mean, of: have, mornings, evenings }
            }
            Some(_) | None => Average::Insufficient { have, need },
        }
    }
}

impl Tally {
    fn count(&mut self, protocol: &Protocol, pressure: &Pressure) {
        let local = pressure.at.civil();
        let day = local.date();
        let is_first_day = *self.first_day.get_or_insert(day) == day;
        if protocol.discards_first_day && is_first_day {
            return;
        }
        let gap = self.last.map(|it| pressure.at.at.duration_since(it.at));
        if gap.is_some_and(|gap| gap < protocol.min_gap) {
            return;
        }
        let session = if local.hour() < 12 { Session::Morning } else { Session::Evening };
        if self.session != Some((day, session)) {
            self.session = Some((day, session));
            self.n_in_session = 0;
        }
        self.n_in_session = self.n_in_session.saturating_add(1);
        self.last = Some(pressure.at);
        let is_first_of_session = self.n_in_session == 1;
        if protocol.per_session < self.n_in_session
            || (protocol.discards_first_of_session && is_first_of_session)
        {
            return;
        }
        match session {
            Session::Morning => self.mornings = self.mornings.and(pressure),
            Session::Evening => self.evenings = self.evenings.and(pressure),
        }
        if self.last_day != Some(day) {
            self.last_day = Some(day);
            self.n_days = self.n_days.saturating_add(1);
        }
    }
}

impl Sum {
    fn and(self, pressure: &Pressure) -> Self {
        let Pressure { systolic, diastolic, .. } = *pressure;
        self.with(Self { systolic, diastolic, readings: 1 })
    }

    fn with(self, other: Self) -> Self {
        Self {
            systolic: self.systolic + other.systolic,
            diastolic: self.diastolic + other.diastolic,
            readings: self.readings.saturating_add(other.readings),
        }
    }

    /// The means; none of no reading.
    fn mean(self) -> Option<Pair> {
        let n = Decimal::from(self.readings);
        let of = |sum: Decimal| sum.checked_div(n);
        Some(Pair { systolic: of(self.systolic)?, diastolic: of(self.diastolic)? })
    }
}

#[cfg(test)]
mod tests;
