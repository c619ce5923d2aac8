//! Where a simulation begins: names, keys, the care plan, and the devices of a home.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use alerting::Plan;
use anyhow::Context as _;
use ed25519_dalek::SigningKey;
use gateway::clock::EARLIEST;
use gateway::device::{StreamSettings, catalogue};
use gateway::hub::{Device, HubSettings, Owner, Watch as HubWatch};
use gateway::store::Upkeep;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use station::core::{Settings, Watch};
use station::plans::PlacedPlan;
use vitals::wire::topic::{AgencyTopics, ROOT};
use vitals::{HubId, SubjectId};

pub(crate) const CUFF: &str = "cuff";
pub(crate) const OXIMETER: &str = "oximeter";

/// Oxygen saturation in percent that the care plan calls low.
pub(crate) const LOW_OXYGEN_PERCENT: u8 = 88;

/// How long a nurse's order is valid.
pub(crate) const ORDER_VALID: Duration = Duration::from_secs(3600);

/// Deadlines of a hub that are not near are served so late at most.
pub(crate) const LATE_MAX: Duration = Duration::from_secs(12 * 3600);

/// A day.
const DAY: Duration = Duration::from_secs(86_400);

/// First second of every world: a Monday.
const START: i64 = 1_767_571_200;

const PLAN: &str = r#"
name = "vitals"
version = 1
subject = "SUBJECT"
late_after_min = 60
stale_after_h = 240

[quiet_hours]
from = "22:00"
to = "07:00"

[[escalation]]
after_min = 60
to = "backup"

[[escalation]]
after_min = 240
to = "supervisor"
priority = "medium"

[[threshold]]
id = "systolic-crisis"
vital = "systolic-pressure"
priority = "high"
at_or_above = "180 mmHg"
clear_at_or_below = "175 mmHg"

[[threshold]]
id = "systolic-high"
vital = "systolic-pressure"
priority = "medium"
at_or_above = "160 mmHg"
clear_at_or_below = "155 mmHg"
confirm_within_min = 30

[[threshold]]
id = "oxygen-low"
vital = "oxygen-saturation"
priority = "high"
at_or_below = "88 %"
clear_at_or_above = "90 %"

[[schedule]]
id = "pressure-missed"
vital = "systolic-pressure"
priority = "low"
windows = ["06:00-10:00"]
grace_min = 60
missed_in_a_row = 3
"#;

/// True time at `moment` of a world.
pub(crate) fn true_time(moment: Duration) -> anyhow::Result<Timestamp> {
    let start = Timestamp::from_second(START)?;
    start.checked_add(moment).context("the world lasts too long")
}

/// Central Europe, by its rule.
pub(crate) fn zone() -> anyhow::Result<TimeZone> {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").context("the rule of the zone is wrong")
}

pub(crate) fn topics() -> anyhow::Result<AgencyTopics> {
    Ok(AgencyTopics::new(ROOT, "north".parse()?)?)
}

pub(crate) fn key() -> SigningKey {
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));
    KEY.clone()
}

pub(crate) fn hub_id(home: usize) -> anyhow::Result<HubId> {
    Ok(format!("hub-{home}").parse()?)
}

pub(crate) fn hub(home: usize) -> anyhow::Result<HubSettings> {
    let subject = format!("client-{home}");
    let owner = Owner::One(subject.parse::<SubjectId>()?);
    let device = |id: &str, model: &str| {
        let model = catalogue::model(model).context("no such model")?;
        let stream = StreamSettings::default();
        anyhow::Ok(Device { id: id.parse()?, model, owner: owner.clone(), stream, secret: None })
    };
    Ok(HubSettings {
        id: hub_id(home)?,
        zone: zone()?,
        earliest: EARLIEST,
        agency_keys: vec![key().verifying_key()],
        devices: vec![device(CUFF, "and-ua-651ble")?, device(OXIMETER, "nonin-8500")?],
        plans: vec![plan(home)?],
        // As much longer than by default as signs of life are rarer here.
        watch: HubWatch { heartbeat: DAY, agency_silence_limit: 3 * DAY, ..HubWatch::default() },
    })
}

/// The care plan of the client of a home, as its hub and the agency have it.
fn plan(home: usize) -> anyhow::Result<Plan> {
    Plan::parse(&PLAN.replace("SUBJECT", &format!("client-{home}")))
        .map_err(|it| anyhow::anyhow!("the plan is wrong: {it:?}"))
}

/// The station of an agency with so many homes.
pub(crate) fn station(n_homes: usize) -> anyhow::Result<Settings> {
    let placed = |home| anyhow::Ok(PlacedPlan { plan: plan(home)?, zone: zone()? });
    Ok(Settings {
        topics: topics()?,
        key: key(),
        // The station repeats after 15 s by default; an hour has too many of those.
        repeat_after: Duration::from_secs(120),
        expires_after: ORDER_VALID,
        watch: Watch {
            silence_limit: 3 * DAY,
            heartbeat: DAY,
            deadline_lag: LATE_MAX,
            ..Watch::default()
        },
        plans: (0..n_homes).map(placed).collect::<Result<_, _>>()?,
    })
}

/// A ledger so small that it runs over in a long outage.
pub(crate) fn upkeep() -> Upkeep {
    Upkeep { max_bytes: 2 * 1024 * 1024, ..Upkeep::default() }
}

/// How many of something happen in `years` where `rate` do in one.
pub(crate) fn n_in(rate: f64, years: f64, random: &mut fastrand::Rng) -> u32 {
    let mut n = 0;
    let mut left = rate * years;
    while random.f64() < left {
        n += 1;
        left -= 1.0;
    }
    n
}

/// A time between `shortest` and `longest`, each order of magnitude as likely as the other.
pub(crate) fn between(
    shortest: Duration,
    longest: Duration,
    random: &mut fastrand::Rng,
) -> Duration {
    let ratio = longest.as_secs_f64() / shortest.as_secs_f64();
    shortest.mul_f64(ratio.powf(random.f64()))
}

/// The agency's records of who is who.
pub(crate) fn homes(n: usize) -> anyhow::Result<BTreeMap<HubId, usize>> {
    (0..n).map(|home| Ok((hub_id(home)?, home))).collect()
}
