//! What goes wrong with a device, and the seeded spoiling of the bytes that leave it.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::DateTime;

/// What happens to one value or frame on its way out of the device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ByteFault {
    /// It is lost; the device believes that it was sent.
    Drop,
    /// It is sent twice.
    Duplicate,
    /// Its end is missing, at least one byte.
    Truncate,
    /// One of its bits is the other one.
    BitFlip,
    /// It changes places with the next one, as soon as two wait.
    Reorder,
}

/// Which values or frames a [`ByteFault`] meets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extent {
    /// As many as this from now on, then no more.
    Next(u32),
    /// Each one with this chance.
    OneIn(NonZeroU32),
}

/// One thing that goes wrong with a device.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Bytes are spoiled from now on, besides what is spoiled already.
    Bytes {
        /// What happens to a value or frame.
        fault: ByteFault,
        /// Which ones it happens to.
        extent: Extent,
    },
    /// Bytes are no longer spoiled.
    BytesHeal,
    /// The device's clock shows this from now on, as after a change of batteries.
    ClockReset(DateTime),
    /// The device's clock is ahead of local time by this much.
    ClockSkew(SignedDuration),
    /// The device loses its key for the hub.
    BondLoss,
    /// The battery has this charge, in percent; below 20 devices say that it is low.
    Battery(u8),
    /// The hub does not see the next wake window; what was measured waits for the one after it.
    MissedWake,
    /// The same value is sent again and again.
    Flood {
        /// The value.
        frame: Vec<u8>,
        /// How often in a second.
        per_second: NonZeroU32,
        /// For how long.
        lasting: Duration,
    },
    /// The radio loses the link now.
    LinkLoss,
    /// The serial device is pulled out in the middle of the next frame.
    UnplugInFrame,
}

impl ByteFault {
    fn word(self) -> &'static str {
        match self {
            Self::Drop => "lost",
            Self::Duplicate => "sent twice",
            Self::Truncate => "cut short",
            Self::BitFlip => "sent with a wrong bit",
            Self::Reorder => "sent out of order",
        }
    }

    fn apply(self, mut frame: Vec<u8>, random: &mut fastrand::Rng) -> Vec<Vec<u8>> {
        match self {
            Self::Drop => Vec::new(),
            Self::Duplicate => vec![frame.clone(), frame],
            Self::Truncate => {
                frame.truncate(random.usize(..frame.len().max(1)));
                vec![frame]
            }
            Self::BitFlip => {
                let mask = 1 << random.u32(..8);
                if let Some(byte) = random.choice(&mut frame) {
                    *byte ^= mask;
                }
                vec![frame]
            }
            Self::Reorder => vec![frame],
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { fault, extent: Extent::Next(1) } => {
                write!(f, "the next value will be {}", fault.word())
            }
            Self::Bytes { fault, extent: Extent::Next(n) } => {
                write!(f, "the next {n} values will be {}", fault.word())
            }
            Self::Bytes { fault, extent: Extent::OneIn(chance) } => {
                write!(f, "one value in {chance} will be {}", fault.word())
            }
            Self::BytesHeal => write!(f, "values are sent as they are again"),
            Self::ClockReset(clock) => write!(f, "clock falls back to {clock}"),
            Self::ClockSkew(ahead) => write!(f, "clock is {ahead:#} ahead"),
            Self::BondLoss => write!(f, "loses its key for the hub"),
            Self::Battery(percent) => write!(f, "battery is at {percent} %"),
            Self::MissedWake => write!(f, "will not be seen at its next wake window"),
            Self::Flood { per_second, lasting, .. } => {
                write!(f, "sends the same value {per_second} times a second for {lasting:?}")
            }
            Self::LinkLoss => write!(f, "loses its link"),
            Self::UnplugInFrame => write!(f, "will be pulled out in the middle of a frame"),
        }
    }
}

/// One fault in force.
#[derive(Debug)]
struct Rule {
    fault: ByteFault,
    extent: Extent,
}

impl Rule {
    /// Tells whether the fault meets the next value, and counts it if so.
    fn hits(&mut self, random: &mut fastrand::Rng) -> bool {
        match &mut self.extent {
            Extent::Next(0) => false,
            Extent::Next(left) => {
                *left = left.saturating_sub(1);
                true
            }
            Extent::OneIn(chance) => random.u32(..chance.get()) == 0,
        }
    }
}

/// Spoils what leaves one device; the same seed, device and values give the same result.
#[derive(Debug)]
pub(crate) struct Spoiler {
    random: fastrand::Rng,
    rules: Vec<Rule>,
    /// Values that were spoiled, ever.
    pub(crate) n_spoiled: u64,
}

impl Spoiler {
    pub(crate) fn new(seed: u64, device: &str) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed ^ fingerprint(device)),
            rules: Vec::new(),
            n_spoiled: 0,
        }
    }

    pub(crate) fn add(&mut self, fault: ByteFault, extent: Extent) {
        self.rules.push(Rule { fault, extent });
    }

    pub(crate) fn heal(&mut self) {
        self.rules.clear();
    }

    /// Tells whether the next two values change places; asked only when two wait.
    pub(crate) fn reorders(&mut self) -> bool {
        let rules = self.rules.iter_mut().filter(|rule| rule.fault == ByteFault::Reorder);
        let mut hits = false;
        for rule in rules {
            hits |= rule.hits(&mut self.random);
        }
        self.n_spoiled = self.n_spoiled.saturating_add(u64::from(hits));
        hits
    }

    /// Returns what is sent in place of one value.
    pub(crate) fn spoil(&mut self, frame: Vec<u8>) -> Vec<Vec<u8>> {
        let mut frames = vec![frame];
        let mut hit = false;
        for rule in self.rules.iter_mut().filter(|rule| rule.fault != ByteFault::Reorder) {
            if rule.hits(&mut self.random) {
                hit = true;
                frames = frames
                    .into_iter()
                    .flat_map(|frame| rule.fault.apply(frame, &mut self.random))
                    .collect();
            }
        }
        self.n_spoiled = self.n_spoiled.saturating_add(u64::from(hit));
        frames
    }
}

/// Returns the FNV-1a hash of a name, so that devices of one seed do not fail alike.
fn fingerprint(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// Returns when each value of a flood is sent, after its beginning.
pub(crate) fn flood_times(
    per_second: NonZeroU32,
    lasting: Duration,
) -> impl Iterator<Item = Duration> {
    (0_u64..)
        .map(move |number| Duration::from_secs(number) / per_second.get())
        .take_while(move |after| *after < lasting)
}

#[cfg(test)]
mod tests;
