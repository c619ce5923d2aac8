use super::*;
use crate::hub::Event;
use crate::hub::tests::{Home, stamp};

fn silent_alerts(home: &Home) -> Vec<String> {
    let alerts = home.alerts().into_iter().filter(|it| it.rule == AGENCY_SILENT);
    alerts.map(|it| it.state).collect()
}

fn at(seconds: u64) -> LocalInstant {
    LocalInstant::utc(stamp(seconds).wall)
}

#[test]
fn an_agency_that_says_nothing_for_the_limit_cannot_see_the_hub() {
    let mut home = Home::new();
    assert_eq!(home.hub.sight(), Sight::NotYet);
    home.pass(5);
    home.step(Event::AgencyHeard);
    assert_eq!(home.hub.sight(), Sight::Seen { heard_at: at(6) });
    home.pass(95);
    assert_eq!(home.hub.sight(), Sight::Seen { heard_at: at(6) });
    home.pass(96);
    assert_eq!(home.hub.sight(), Sight::Unseen { since: at(6) });
    home.step(Event::AgencyHeard);
    assert_eq!(home.hub.sight(), Sight::Seen { heard_at: at(97) });
}

#[test]
fn a_hub_that_never_hears_the_agency_says_so_after_the_limit() {
    let mut home = Home::new();
    home.pass(90);
    assert_eq!(home.hub.sight(), Sight::Unseen { since: at(0) });
}

#[test]
fn what_the_agency_holds_is_no_sign_of_it() {
    let mut home = Home::new();
    home.step(home.receipt(0, vec![]));
    assert_eq!(home.hub.sight(), Sight::NotYet);
}

#[test]
fn a_hiccup_writes_nothing_and_a_long_silence_is_recorded_with_its_end() {
    let mut home = Home::new();
    home.pass(250);
    home.step(Event::AgencyHeard);
    assert_eq!(silent_alerts(&home), [] as [&str; 0]);
    home.pass(251 + 899);
    assert_eq!(silent_alerts(&home), [] as [&str; 0]);
    home.pass(251 + 900);
    assert_eq!(silent_alerts(&home), ["raised"]);
    home.pass(251 + 80_000);
    assert_eq!(silent_alerts(&home), ["raised"]);
    home.step(Event::AgencyHeard);
    home.step(Event::AgencyHeard);
    assert_eq!(silent_alerts(&home), ["raised", "cleared"]);
}

#[test]
fn a_restart_in_the_silence_records_it_once_and_still_ends_it() {
    let mut home = Home::new();
    home.pass(1000);
    home.restart();
    home.pass(3000);
    assert_eq!(silent_alerts(&home), ["raised"]);
    home.restart();
    home.step(Event::AgencyHeard);
    assert_eq!(silent_alerts(&home), ["raised", "cleared"]);
}

#[test]
fn a_step_of_the_clock_neither_hides_nor_makes_a_silence() {
    let mut home = Home::new();
    home.step(Event::AgencyHeard);
    let later = Stamp { wall: stamp(90_000).wall, ..stamp(60) };
    home.hub.step(later, Event::Deadline).unwrap();
    assert!(matches!(home.hub.sight(), Sight::Seen { .. }));
    let earlier = Stamp { wall: stamp(0).wall - Duration::from_secs(90_000), ..stamp(91) };
    home.hub.step(earlier, Event::Deadline).unwrap();
    assert!(matches!(home.hub.sight(), Sight::Unseen { .. }));
}

#[test]
fn the_health_message_says_since_when_the_agency_is_silent() {
    let mut home = Home::new();
    let silent_since = |home: &Home| {
        let health = home.hub.health(stamp(home.seconds)).unwrap();
        let health: vitals::wire::v1::Health = vitals::wire::canonical::decode(&health).unwrap();
        health.agency_silent_since.map(|it| it.0)
    };
    assert_eq!(silent_since(&home), None);
    home.pass(90);
    assert_eq!(silent_since(&home), Some(at(0)));
}

#[test]
fn signs_of_life_write_nothing_to_the_disk() {
    let mut home = Home::new();
    home.step(Event::Started);
    home.step(home.receipt(1, vec![]));
    let written = |home: &Home| {
        let len_bytes = |end: &str| {
            let path = home.path.with_file_name(format!("ledger.db{end}"));
            std::fs::metadata(path).map_or(0, |it| it.len())
        };
        let modified = std::fs::metadata(&home.path).unwrap().modified().unwrap();
        (modified, len_bytes(""), len_bytes("-wal"))
    };
    let before = written(&home);
    for _beat in 0..100 {
        home.step(Event::AgencyHeard);
        home.step(home.receipt(1, vec![]));
        home.hub.health(stamp(home.seconds)).unwrap();
    }
    assert_eq!(written(&home), before);
}
