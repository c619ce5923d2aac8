use vitals::{Quantity, Unit, Vital};

use super::*;
use crate::hub::tests::{CRISIS, Home, stamp};

fn breaths(number: i64) -> Vec<Measurement> {
    let quantity = Quantity::new(number.into(), Unit::PerMinute).unwrap();
    vec![Measurement { vital: Vital::RespiratoryRate, quantity }]
}

#[test]
fn an_answer_at_the_home_says_where_it_was_given() {
    let mut home = Home::new();
    home.indicate(CRISIS);
    let alert = home.alert_id();
    let now = stamp(home.seconds);
    let kept = home.hub.acknowledge_at_home(now, alert, " Ada ", Some("is with her")).unwrap();
    assert_eq!(kept, Ok(Kept::OnDisk));
    home.restart();
    let alerts = home.alerts();
    let [_raised, acknowledged] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!(acknowledged.standing, "acknowledged");
    assert_eq!(acknowledged.by.as_deref(), Some("Ada (at the home)"));
    assert_eq!(acknowledged.note.as_deref(), Some("is with her"));
}

#[test]
fn an_answer_that_cannot_be_given_changes_nothing() {
    let mut home = Home::new();
    home.indicate(CRISIS);
    let alert = home.alert_id();
    let now = stamp(home.seconds);
    let no_name = home.hub.acknowledge_at_home(now, alert, "  ", None).unwrap();
    assert_eq!(no_name, Err(NotDone::Alert(Refusal::NoName { alert })));
    let other = AlertId { seq: 99, ..alert };
    let not_open = home.hub.acknowledge_at_home(now, other, "Ada", None).unwrap();
    assert_eq!(not_open, Err(NotDone::Alert(Refusal::NotOpen { alert: other })));
    assert_eq!(home.alerts().len(), 1);
}

#[test]
fn what_a_person_observes_is_a_reading_like_any_other() {
    let mut home = Home::new();
    let subject = "client-1".parse().unwrap();
    let kept = home.hub.observe_at_home(stamp(5), &subject, breaths(18)).unwrap();
    assert_eq!(kept, Ok(Kept::OnDisk));
    let readings = home.readings();
    let [reading] = readings.as_slice() else { panic!("{readings:?}") };
    assert_eq!(
        (reading.kind.as_str(), reading.device.kind.as_str()),
        ("manual-observation", "person")
    );
    assert_eq!(reading.values[0].value.0.to_string(), "18");
    // Counted twice with the same result is observed twice.
    home.hub.observe_at_home(stamp(6), &subject, breaths(18)).unwrap().unwrap();
    assert_eq!(home.readings().len(), 2);
}

#[test]
fn nothing_is_recorded_of_a_client_who_is_not_of_this_home() {
    let mut home = Home::new();
    let stranger = "client-2".parse().unwrap();
    let refused = home.hub.observe_at_home(stamp(5), &stranger, breaths(18)).unwrap();
    assert_eq!(refused, Err(NotDone::UnknownClient));
    let subject = "client-1".parse().unwrap();
    let empty = home.hub.observe_at_home(stamp(5), &subject, Vec::new()).unwrap();
    assert_eq!(empty, Err(NotDone::NoValue));
    assert!(home.readings().is_empty());
}
