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
