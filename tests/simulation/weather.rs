//! What goes wrong in a world, when, and for how long: all of it drawn from the seed beforehand.

use std::time::Duration;

use fastrand::Rng;

use crate::disk::Failure;
use crate::happening::Fault;
use crate::setting::{between, n_in};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Length of the year by which rates are given.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The faults of `n_homes` homes and their agency in the time `length`.
pub(crate) fn forecast(
    n_homes: usize,
    length: Duration,
    random: &mut Rng,
) -> Vec<(Duration, Fault)> {
    let years = length.as_secs_f64() / YEAR.as_secs_f64();
    let mut faults = Vec::new();
    let mut add = |rate, random: &mut Rng, draw: &dyn Fn(&mut Rng) -> Fault| {
        for _n in 0..n_in(rate, years, random) {
            faults.push((length.mul_f64(random.f64()), draw(random)));
        }
    };
    for home in 0..n_homes {
        add(8.0, random, &|it| Fault::HubDies { home, lasting: between(SECOND, 5 * MINUTE, it) });
        add(5.0, random, &|it| Fault::PowerFails { home, lasting: between(MINUTE, 2 * DAY, it) });
        add(3.0, random, &|_it| Fault::HubIsRestarted { home });
        add(10.0, random, &|it| Fault::LinkFails { home, lasting: between(SECOND, 21 * DAY, it) });
        add(6.0, random, &|it| clock_step(home, it));
        add(6.0, random, &|it| Fault::HubDiskFails {
            home,
            failure: Failure::of_hub(it),
            lasting: between(MINUTE, 12 * HOUR, it),
        });
        add(0.3, random, &|_it| Fault::CardIsReplaced { home });
        add(0.1, random, &|it| Fault::Holiday { home, n: it.u32(60..400) });
        add(0.01, random, &|it| Fault::Holiday { home, n: it.u32(900..1400) });
    }
    add(8.0, random, &|it| Fault::StationDies { lasting: between(SECOND, 8 * HOUR, it) });
    add(5.0, random, &|it| Fault::StationLinkFails { lasting: between(SECOND, 12 * HOUR, it) });
    add(4.0, random, &|it| Fault::StationDiskFails {
        failure: Failure::of_station(it),
        lasting: between(MINUTE, 3 * HOUR, it),
    });
    add(12.0, random, &|_it| Fault::StationIsSaved);
    add(1.0, random, &|_it| Fault::StationIsRestored);
    add(8.0, random, &|it| Fault::BrokerDies { lasting: between(SECOND, DAY, it) });
    add(26.0, random, &|_it| Fault::BrokerSaves);
    add(1.5, random, &|it| Fault::NursesAreSilent { lasting: between(DAY, 30 * DAY, it) });
    faults
}

/// A step of the hub's clock by a second to ten years, to either side.
pub(crate) fn clock_step(home: usize, random: &mut Rng) -> Fault {
    let size_s = between(SECOND, 3650 * DAY, random).as_secs();
    let size_s = i64::try_from(size_s).unwrap_or(0);
    let by_s = if random.bool() { size_s } else { -size_s };
    Fault::ClockSteps { home, by_s, lasting: between(MINUTE, 2 * DAY, random) }
}

/// A disk that fails for a while just when `home` measures.
pub(crate) fn failing_disk(home: usize, random: &mut Rng) -> Fault {
    let (failure, lasting) = (Failure::of_hub(random), between(SECOND, 10 * MINUTE, random));
    Fault::HubDiskFails { home, failure, lasting }
}

/// Something that goes wrong while a measurement of `home` is on its way.
pub(crate) fn mischief(home: usize, random: &mut Rng) -> (Duration, Fault) {
    let delay = between(Duration::from_millis(1), 20 * SECOND, random);
    let short = between(SECOND, 10 * MINUTE, random);
    let fault = match random.u32(0..10) {
        0 | 1 => Fault::HubDies { home, lasting: short },
        2 => Fault::PowerFails { home, lasting: short },
        3 | 4 => Fault::LinkFails { home, lasting: short },
        5 | 6 => Fault::StationDies { lasting: short },
        7 => Fault::StationLinkFails { lasting: short },
        8 => Fault::BrokerDies { lasting: short },
        _other => Fault::StationDiskFails { failure: Failure::of_station(random), lasting: short },
    };
    (delay, fault)
}
