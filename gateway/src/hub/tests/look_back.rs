//! Rules that look back find what was measured before, whatever happened to the hub in between.

use super::*;

/// From 125 to 184 mmHg is a rise; 184 mmHg alone is nothing.
const RISE: &str = r#"
name = "hypertension"
version = 1
subject = "client-1"
late_after_min = 60

[[change]]
id = "systolic-rises"
vital = "systolic-pressure"
priority = "medium"
rises_by = "20 mmHg"
within_hours = 24
clears_at = "10 mmHg"
"#;

impl Home {
    fn start_with_rise(&mut self) {
        let elsewhere = Store::open(&self.path.with_file_name("elsewhere.db")).unwrap();
        self.hub = Hub::new(settings(), elsewhere, stamp(self.seconds)).unwrap();
        let store = Store::open(&self.path).unwrap();
        let plans = vec![Plan::parse(RISE).unwrap()];
        let settings = HubSettings { plans, ..settings() };
        self.hub = Hub::new(settings, store, stamp(self.seconds)).unwrap();
    }
}

#[test]
fn a_rise_is_found_in_one_run() {
    let mut home = Home::new();
    home.start_with_rise();
    home.indicate(NORMAL);
    assert!(home.alerts().is_empty());
    home.indicate(CRISIS);
    let alerts = home.alerts();
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].rule, "systolic-rises");
    assert_eq!(
        alerts[0].readings,
        home.readings().iter().map(|it| it.id.clone()).collect::<Vec<_>>()
    );
}

#[test]
fn a_rise_is_found_over_a_restart() {
    let mut home = Home::new();
    home.start_with_rise();
    home.indicate(NORMAL);
    home.start_with_rise();
    home.indicate(CRISIS);
    assert_eq!(home.alerts().len(), 1);
}

#[test]
fn a_rise_is_found_after_the_storage_failed() {
    let mut home = Home::new();
    home.start_with_rise();
    home.indicate(NORMAL);
    home.hub.store.fail_writes();
    home.indicate(CRISIS);
    let rises: Vec<_> =
        home.alerts().into_iter().filter(|it| it.rule == "systolic-rises").collect();
    assert_eq!(rises.len(), 1);
}

#[test]
fn a_reading_that_is_sent_again_is_no_history_of_its_own() {
    let mut home = Home::new();
    home.start_with_rise();
    home.indicate(NORMAL);
    home.indicate(NORMAL);
    assert!(home.alerts().is_empty());
    assert_eq!(home.readings().len(), 1);
}

#[test]
fn much_of_one_kind_hides_nothing_of_another() {
    let mut home = Home::new();
    home.start_with_rise();
    home.indicate(NORMAL);
    for n in 1..=600 {
        let quantity = vitals::Quantity::new(18.into(), vitals::Unit::PerMinute).unwrap();
        let breaths = vitals::Measurement { vital: vitals::Vital::RespiratoryRate, quantity };
        let (now, subject) = (stamp(home.seconds + n), "client-1".parse().unwrap());
        home.hub.observe_at_home(now, &subject, vec![breaths]).unwrap().unwrap();
    }
    let mut engine = Engine::new(vec![Plan::parse(RISE).unwrap()], Vec::new());
    let (assignments, exercise) = recall::people(&home.hub.store).unwrap();
    let said = (&assignments, &exercise);
    recall::look_back(&home.hub.store, &mut engine, said, (2, 1000), None).unwrap();
    home.indicate(CRISIS);
    let crisis = home.readings().last().unwrap().to_reading().unwrap();
    let unused = AlertId { epoch: crisis.id.epoch, seq: 9999 };
    assert_eq!(engine.observe(crisis.received_at, &crisis, unused).len(), 1);
}
