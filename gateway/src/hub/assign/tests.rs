use vitals::wire::v1::Instruction;

use super::*;
use crate::hub::tests::{CRISIS, Home, NORMAL, key, settings, stamp};
use crate::hub::{Device, HubSettings, Owner, User};
use crate::store::Store;

fn plan(subject: &str, at: &str) -> alerting::Plan {
    let text = format!(
        "name = \"hypertension\"\nversion = 1\nsubject = \"{subject}\"\nlate_after_min = 60\n\
         [[threshold]]\nid = \"systolic-crisis\"\nvital = \"systolic-pressure\"\n\
         priority = \"high\"\nat_or_above = \"{at}\"\nclear_at_or_below = \"100 mmHg\"\n\
         [[change]]\nid = \"systolic-rises\"\nvital = \"systolic-pressure\"\npriority = \"medium\"\n\
         rises_by = \"20 mmHg\"\nwithin_hours = 24\nclears_at = \"10 mmHg\"\n"
    );
    alerting::Plan::parse(&text).unwrap()
}

/// A home of two, whose cuff does not say who uses it.
fn shared() -> HubSettings {
    let settings = settings();
    let user = |(slot, name)| User { subject: subject(name), slot: Some(slot), band: None };
    let users: Vec<_> = [(1, "client-1"), (2, "client-2")].into_iter().map(user).collect();
    let devices = settings.devices.iter().cloned();
    let devices = devices.map(|it| Device { owner: Owner::Shared(users.clone()), ..it });
    HubSettings {
        devices: devices.collect(),
        plans: vec![plan("client-1", "180 mmHg"), plan("client-2", "190 mmHg")],
        ..settings
    }
}

fn subject(text: &str) -> SubjectId {
    text.parse().unwrap()
}

impl Home {
    fn of_two() -> Self {
        let mut home = Self::new();
        home.start_shared();
        home
    }

    fn start_shared(&mut self) {
        let elsewhere = Store::open(&self.path.with_file_name("elsewhere.db")).unwrap();
        self.hub = Hub::new(settings(), elsewhere, stamp(self.seconds)).unwrap();
        let store = Store::open(&self.path).unwrap();
        self.hub = Hub::new(shared(), store, stamp(self.seconds)).unwrap();
    }

    /// Why the claim is refused, if it is.
    fn claim(&mut self, reading: usize, to: Option<&str>) -> Option<NotDone> {
        let id = self.readings()[reading].id.parse().unwrap();
        self.seconds += 1;
        let now = stamp(self.seconds);
        self.hub.assign_at_home(now, id, to.map(subject), "Ada", None).unwrap().err()
    }

    /// The open alerts: of whom, by which rule and how urgent.
    fn open(&self) -> Vec<(Option<String>, String, Priority)> {
        let open = self.hub.engine.open();
        let subject = |it: &Alert| it.subject.as_ref().map(|it| it.as_str().to_owned());
        open.map(|it| (subject(it), it.rule.clone(), it.priority)).collect()
    }
}

fn of_client(client: &str, rule: &str, priority: Priority) -> (Option<String>, String, Priority) {
    (Some(client.to_owned()), rule.to_owned(), priority)
}

#[test]
fn a_claim_is_an_event_and_the_record_of_the_reading_stays() {
    let mut home = Home::of_two();
    home.indicate(NORMAL);
    let before = home.readings();
    assert_eq!(home.claim(0, Some("client-2")), None);
    assert_eq!(home.readings(), before);
    let events = home.events();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.kind.as_str(), event.seq), ("reading-assigned", 2));
    assert_eq!(event.subject.as_deref(), Some("client-2"));
    let assignment = event.assignment.clone().unwrap();
    assert_eq!(assignment.by, "Ada (at the home)");
    assert_eq!((assignment.from, assignment.to.as_deref()), (None, Some("client-2")));
    assert_eq!(assignment.reading, before[0].id);
}

#[test]
fn what_is_claimed_at_once_is_judged_as_a_fresh_reading_of_that_client() {
    let mut home = Home::of_two();
    home.indicate(CRISIS);
    assert_eq!(home.open(), [(None, "systolic-crisis".to_owned(), Priority::High)]);
    assert_eq!(home.claim(0, Some("client-1")), None);
    // The same value is told under the client; the alert without one is a duplicate.
    assert_eq!(home.open(), [of_client("client-1", "systolic-crisis", Priority::High)]);
    let alerts = home.alerts();
    let ended = alerts.iter().find(|it| it.state == "closed").unwrap();
    assert_eq!(ended.disposition.as_deref(), Some("duplicate"));
    assert_eq!(ended.by.as_deref(), Some("Ada (at the home)"));
}

#[test]
fn nobody_at_the_home_ends_an_alert_that_nothing_replaces() {
    let mut home = Home::of_two();
    home.indicate(CRISIS);
    // 184 mmHg is below the limit of client-2.
    assert_eq!(home.claim(0, Some("client-2")), None);
    assert_eq!(home.open(), [(None, "systolic-crisis".to_owned(), Priority::High)]);
    let reading = home.readings()[0].id.parse().unwrap();
    let (by, note) = ("Nora".to_owned(), Some("a guest".to_owned()));
    let instruction = Instruction::Assign { reading, subject: None, by, note };
    home.step(home.command("c-1", instruction.clone(), &key()));
    // A nurse does: it is of nobody here.
    assert_eq!(home.open(), []);
    assert_eq!(home.events().len(), 2);
    let assignment = home.events()[1].assignment.clone().unwrap();
    assert_eq!((assignment.from.as_deref(), assignment.to), (Some("client-2"), None));
    // The same command comes again, and does nothing.
    home.step(home.command("c-1", instruction, &key()));
    assert_eq!(home.events().len(), 2);
}

#[test]
fn a_nurse_ends_the_alert_of_the_wrong_client_by_saying_whose_the_reading_is() {
    let mut home = Home::of_two();
    home.indicate(CRISIS);
    assert_eq!(home.claim(0, Some("client-1")), None);
    let reading = home.readings()[0].id.parse().unwrap();
    let (subject, by) = (Some(subject("client-2")), "Nora".to_owned());
    let instruction = Instruction::Assign { reading, subject, by, note: None };
    home.step(home.command("c-1", instruction, &key()));
    assert_eq!(home.open(), []);
    let alerts = home.alerts();
    let last = alerts.last().unwrap();
    assert_eq!(last.disposition.as_deref(), Some("wrong-person"));
    assert_eq!((last.subject.as_deref(), last.by.as_deref()), (Some("client-1"), Some("Nora")));
}

#[test]
fn what_is_claimed_late_disturbs_nobody() {
    let mut home = Home::of_two();
    home.indicate(CRISIS);
    home.seconds += 2 * 60 * 60;
    assert_eq!(home.claim(0, Some("client-1")), None);
    let low = of_client("client-1", "systolic-crisis", Priority::Low);
    // The alert that was urgent when it was measured still waits.
    assert_eq!(home.open(), [(None, "systolic-crisis".to_owned(), Priority::High), low]);
    assert!(home.alerts().last().unwrap().late);
}

#[test]
fn the_wrong_client_no_longer_has_the_reading_behind_her_also_after_a_restart() {
    for restarts in [false, true] {
        let mut home = Home::of_two();
        home.indicate(NORMAL);
        assert_eq!(home.claim(0, Some("client-1")), None);
        assert_eq!(home.claim(0, Some("client-2")), None);
        if restarts {
            home.start_shared();
        }
        home.indicate(CRISIS);
        // For client-1 it is the first one; for client-2 it rose from 125 mmHg.
        let rises = |it: &Home| it.open().iter().filter(|it| it.1 == "systolic-rises").count();
        assert_eq!(home.claim(1, Some("client-1")), None);
        assert_eq!(rises(&home), 0, "{restarts}");
        assert_eq!(home.claim(1, Some("client-2")), None);
        assert_eq!(rises(&home), 1, "{restarts}");
    }
}

#[test]
fn what_cannot_be_assigned_changes_nothing() {
    let mut home = Home::of_two();
    home.indicate(NORMAL);
    assert_eq!(home.claim(0, Some("client-3")), Some(NotDone::UnknownClient));
    let id: ReadingId = home.readings()[0].id.parse().unwrap();
    let now = stamp(home.seconds);
    let to = Some(subject("client-1"));
    let nameless = home.hub.assign_at_home(now, id, to.clone(), " ", None).unwrap();
    assert_eq!(nameless, Err(NotDone::NoName));
    let novel = Some("n".repeat(501));
    let wordy = home.hub.assign_at_home(now, id, to.clone(), "Ada", novel).unwrap();
    assert_eq!(wordy, Err(NotDone::TooLong));
    let other = ReadingId { seq: 99, ..id };
    let unknown = home.hub.assign_at_home(now, other, to, "Ada", None).unwrap();
    assert_eq!(unknown, Err(NotDone::UnknownReading));
    assert!(home.events().is_empty());
    assert_eq!(home.claim(0, None), None);
    assert_eq!(home.claim(0, None), Some(NotDone::AlreadySo));
    assert_eq!(home.events().len(), 1);
}
