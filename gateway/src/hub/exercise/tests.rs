use super::*;
use crate::hub::tests::{Home, NORMAL, stamp};

fn client() -> SubjectId {
    "client-1".parse().unwrap()
}

/// The phases of the readings, in the order in which they were recorded.
fn phases(home: &Home) -> Vec<String> {
    home.readings().into_iter().map(|it| it.context.phase).collect()
}

impl Home {
    /// A fresh measurement at `seconds`: a person counts breaths.
    fn breathe_at(&mut self, seconds: u64) {
        self.pass(seconds);
        let quantity = vitals::Quantity::new(18.into(), vitals::Unit::PerMinute).unwrap();
        let value = vitals::Measurement { vital: vitals::Vital::RespiratoryRate, quantity };
        self.hub.observe_at_home(stamp(seconds), &client(), vec![value]).unwrap().unwrap();
    }

    fn exercise_at(&mut self, seconds: u64, begins: bool) -> Option<NotDone> {
        self.pass(seconds);
        let done = match begins {
            true => self.hub.start_exercise(stamp(seconds), &client()),
            false => self.hub.end_exercise(stamp(seconds), &client()),
        };
        done.unwrap().err()
    }
}

#[test]
fn what_is_measured_in_a_session_and_right_after_it_says_so() {
    let mut home = Home::new();
    home.breathe_at(50);
    assert_eq!(home.exercise_at(100, true), None);
    home.breathe_at(200);
    home.restart();
    home.breathe_at(300);
    assert_eq!(home.exercise_at(400, false), None);
    home.breathe_at(400 + 5 * 60);
    home.restart();
    home.breathe_at(400 + 9 * 60);
    home.breathe_at(400 + 11 * 60);
    let (during, after) = ("during-exercise", "after-exercise");
    assert_eq!(phases(&home), ["resting", during, during, after, after, "resting"]);
    let kinds: Vec<_> = home.events().into_iter().map(|it| it.kind).collect();
    assert_eq!(kinds, ["exercise-started", "exercise-ended"]);
}

#[test]
fn a_session_that_nobody_ends_is_over_after_two_hours() {
    let mut home = Home::new();
    home.exercise_at(100, true);
    let exercising = home.hub.exercising(stamp(101));
    let [it] = exercising.as_slice() else { panic!("{exercising:?}") };
    assert_eq!(it.until.at.duration_since(it.since.at), SESSION_MAX);
    home.breathe_at(100 + 2 * 60 * 60 - 1);
    home.breathe_at(100 + 2 * 60 * 60 + 1);
    home.breathe_at(100 + 2 * 60 * 60 + 601);
    assert_eq!(phases(&home), ["during-exercise", "after-exercise", "resting"]);
    assert!(home.hub.exercising(stamp(home.seconds)).is_empty());
    assert_eq!(home.exercise_at(home.seconds, false), Some(NotDone::DoesNotExercise));
}

#[test]
fn one_session_at_a_time_and_only_of_clients_of_the_home() {
    let mut home = Home::new();
    assert_eq!(home.exercise_at(10, false), Some(NotDone::DoesNotExercise));
    assert_eq!(home.exercise_at(20, true), None);
    assert_eq!(home.exercise_at(30, true), Some(NotDone::Exercises));
    let stranger = "client-9".parse().unwrap();
    let refused = home.hub.start_exercise(stamp(40), &stranger).unwrap();
    assert_eq!(refused, Err(NotDone::UnknownClient));
    assert_eq!(home.events().len(), 1);
}

#[test]
fn what_a_device_measured_before_the_session_is_a_value_at_rest() {
    let mut home = Home::new();
    // The cuff says 12:39:54, six seconds before the session.
    home.exercise_at(1, true);
    home.indicate(NORMAL);
    assert_eq!(phases(&home), ["resting"]);
}
