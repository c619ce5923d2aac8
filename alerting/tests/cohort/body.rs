//! A body over time: what is usual, the rhythm of the day, how days differ, and illness.

use fastrand::Rng;

use crate::client::{Client, Vitals};
use crate::illness::{DAY_MIN, Illness};

/// How far one day is from the next, as a standard deviation in hundredths: of this project. A weight
/// varies by about half a kilogram: that is why the rule of thumb finds so many gains that mean nothing
/// (Zhang 2009, §0).
const OF_A_DAY: Vitals = Vitals {
    systolic: 500,
    diastolic: 300,
    pulse: 300,
    oxygen: 60,
    weight: 40,
    temperature: 10,
    respiration: 60,
};

/// How far one measurement is from the next in a sitting: of this project. With that of the day the
/// saturation of a stable client varies by less than 2 % (Clarke 2016, §1.4), which is also the error
/// of an oximeter.
const OF_A_MEASUREMENT: Vitals = Vitals {
    systolic: 500,
    diastolic: 350,
    pulse: 300,
    oxygen: 70,
    weight: 10,
    temperature: 12,
    respiration: 70,
};

#[derive(Debug, Clone)]
pub(crate) struct Body {
    usual: Vitals,
    noise_percent: i64,
    /// What each day adds.
    days: Vec<Vitals>,
    pub(crate) illnesses: Vec<Illness>,
}

impl Vitals {
    pub(crate) fn map(self, change: impl Fn(i64) -> i64) -> Self {
        self.zip(Self::default(), |it, _zero| change(it))
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        self.zip(other, |one, other| one + other)
    }

    fn zip(self, other: Self, mut with: impl FnMut(i64, i64) -> i64) -> Self {
        Self {
            systolic: with(self.systolic, other.systolic),
            diastolic: with(self.diastolic, other.diastolic),
            pulse: with(self.pulse, other.pulse),
            oxygen: with(self.oxygen, other.oxygen),
            weight: with(self.weight, other.weight),
            temperature: with(self.temperature, other.temperature),
            respiration: with(self.respiration, other.respiration),
        }
    }

    /// Values around nothing, spread as `self` says.
    fn spread(self, percent: i64, rng: &mut Rng) -> Self {
        self.zip(Self::default(), |deviation, _zero| around_nothing(deviation * percent / 100, rng))
    }
}

/// About normally distributed with a standard `deviation`: the sum of four even distributions.
fn around_nothing(deviation: i64, rng: &mut Rng) -> i64 {
    let most = deviation * 866 / 1000;
    (0..4).map(|_nth| rng.i64(-most..=most)).sum()
}

impl Body {
    pub(crate) fn new(client: &Client, days: i64, rng: &mut Rng) -> Self {
        let illnesses = match client.is_of_this_world {
            true => Illness::of(client.preset, days, rng),
            false => Vec::new(),
        };
        let spread = |_day| OF_A_DAY.spread(client.noise_percent, rng);
        let days = (0..=days).map(spread).collect();
        Self { usual: client.usual, noise_percent: client.noise_percent, days, illnesses }
    }

    /// What there is at `minute` since the beginning, as one measurement of it finds it.
    pub(crate) fn measure(&self, minute: i64, rng: &mut Rng) -> Vitals {
        let day = usize::try_from(minute / DAY_MIN).unwrap_or(0);
        let of_the_day = self.days.get(day).copied().unwrap_or_default();
        let ill = self.illnesses.iter().map(|it| it.adds(minute));
        let ill = ill.fold(Vitals::default(), Vitals::plus);
        let noise = OF_A_MEASUREMENT.spread(self.noise_percent, rng);
        self.usual.plus(of_the_day).plus(rhythm(minute)).plus(ill).plus(noise)
    }
}

/// What the time of day adds: pressure and pulse are higher before noon, temperature in the evening, and
/// weight before bed. Of this project, after what textbooks say.
fn rhythm(minute: i64) -> Vitals {
    let none = Vitals::default();
    match minute % DAY_MIN / 60 {
        6..12 => Vitals { systolic: 300, diastolic: 200, pulse: 200, ..none },
        12..17 => Vitals { temperature: 20, weight: 60, ..none },
        17..23 => Vitals { temperature: 30, weight: 80, systolic: -100, ..none },
        _night => Vitals { systolic: -1000, diastolic: -700, pulse: -800, ..none },
    }
}
