//! A value out of range that asks for a repeat, through the hub and its ledger.

use super::*;

const PLAN: &str = r#"
name = "hypertension"
version = 1
subject = "client-1"
late_after_min = 60

[[escalation]]
after_min = 15
to = "backup"
priority = "low"

[[threshold]]
id = "systolic-high"
vital = "systolic-pressure"
at_or_above = { medium = "150 mmHg", high = "180 mmHg" }
clear_at_or_below = "145 mmHg"
confirm_within_min = 10
"#;

const UNCONFIRMED: &str = r#"
name = "hypertension"
version = 1
subject = "client-1"
late_after_min = 60

[[threshold]]
id = "systolic-high"
vital = "systolic-pressure"
at_or_above = { medium = "150 mmHg", high = "180 mmHg" }
clear_at_or_below = "145 mmHg"
"#;

/// 165 mmHg at 12:39:54, and again at 12:41:54.
const HIGH: &str = "16a50050006600e10701100c273640000000";
const HIGH_AGAIN: &str = "16a50050006600e10701100c293640000000";

/// 125 mmHg at 12:41:54.
const NORMAL_AGAIN: &str = "167d0050006600e10701100c293640000000";

/// The alerts without those about the hub.
fn clinical(home: &Home) -> Vec<v1::Alert> {
    home.alerts().into_iter().filter(|it| it.category == "clinical").collect()
}

fn told(home: &Home) -> Vec<(String, String, bool)> {
    let told = |it: v1::Alert| (it.state, it.standing, it.confirmed);
    clinical(home).into_iter().map(told).collect()
}

fn words(state: &str, standing: &str, confirmed: bool) -> (String, String, bool) {
    (state.to_owned(), standing.to_owned(), confirmed)
}

fn prompts(home: &Home) -> Vec<v1::Event> {
    let events = home.events().into_iter();
    events.filter(|it| it.kind == EventKind::RepeatAsked.as_str()).collect()
}

#[test]
fn a_value_out_of_range_is_recorded_with_its_question_to_the_client() {
    let mut home = Home::watched_by(PLAN);
    home.indicate(HIGH);
    assert_eq!(told(&home), [words("asked", "pending", false)]);
    let prompts = prompts(&home);
    let [prompt] = prompts.as_slice() else { panic!("{prompts:?}") };
    assert_eq!(
        prompt.text,
        "Please measure systolic pressure again: rest for a minute first, and measure before 12:50."
    );
    assert_eq!(prompt.subject.as_deref(), Some("client-1"));
    assert_eq!((home.readings()[0].seq, home.alerts()[0].seq, prompt.seq), (1, 2, 3));
    assert_eq!(home.alerts()[0].alert_id, home.alert_id().to_string());
}

#[test]
fn a_repeat_confirms_or_ends_it() {
    let mut home = Home::watched_by(PLAN);
    home.indicate(HIGH);
    home.seconds = 120;
    home.indicate(HIGH_AGAIN);
    assert_eq!(told(&home)[1..], [words("confirmed", "active", true)]);

    let mut home = Home::watched_by(PLAN);
    home.indicate(HIGH);
    home.seconds = 120;
    home.indicate(NORMAL_AGAIN);
    assert_eq!(told(&home)[1..], [words("cleared", "done", false)]);
    assert_eq!(prompts(&home).len(), 1);
}

#[test]
fn a_crisis_raises_at_once() {
    let mut home = Home::watched_by(PLAN);
    home.indicate(CRISIS);
    assert_eq!(told(&home), [words("raised", "active", true)]);
    assert_eq!(prompts(&home).len(), 0);
}

#[test]
fn the_window_ends_on_time_also_over_a_restart_and_a_clock_that_is_set() {
    let mut home = Home::watched_by(PLAN);
    home.indicate(HIGH);
    home.pass(300);
    home.restart();
    home.pass(600);
    assert_eq!(told(&home).len(), 1);
    // The clock is set back by an hour: the window does not get longer.
    let set_back =
        |seconds| Stamp { wall: stamp(0).wall - Duration::from_secs(3600), ..stamp(seconds) };
    home.hub.step(set_back(600), Event::Clock(Synchronization::NotInUse)).unwrap();
    home.hub.step(set_back(600), Event::Deadline).unwrap();
    assert_eq!(told(&home).len(), 1);
    home.hub.step(set_back(601), Event::Deadline).unwrap();
    assert_eq!(told(&home)[1..], [words("raised", "active", false)]);
    assert_eq!(clinical(&home)[0].alert_id, clinical(&home)[1].alert_id);
}

#[test]
fn a_window_that_ended_while_the_hub_was_off_is_noticed_at_the_start() {
    let mut home = Home::watched_by(PLAN);
    home.indicate(HIGH);
    home.seconds = 3600;
    home.restart();
    home.step(Event::Started);
    assert_eq!(home.hub.next_wait(stamp(home.seconds)), Some(Duration::ZERO));
    home.step(Event::Deadline);
    assert_eq!(told(&home)[1..], [words("raised", "active", false)]);
}

#[test]
fn an_alert_that_nobody_acknowledges_climbs_over_a_restart_too() {
    let mut home = Home::watched_by(PLAN);
    home.indicate(CRISIS);
    home.pass(800);
    home.restart();
    home.pass(900);
    assert_eq!(told(&home).len(), 1);
    home.pass(901);
    let alerts = clinical(&home);
    let climbed = alerts[1].timers.as_ref().unwrap();
    assert_eq!(alerts[1].state, "escalated");
    assert_eq!((climbed.rung, climbed.escalated_to.as_deref()), (Some(1), Some("backup")));
    home.pass(30_000);
    assert_eq!(clinical(&home).len(), 2);
}

fn snooze(home: &Home, id: &str, note: Option<&str>, until_s: u64) -> Event {
    let instruction = Instruction::Acknowledge {
        alert: home.alert_id(),
        by: "Nurse N.".to_owned(),
        note: note.map(str::to_owned),
        until: Some(Time(LocalInstant::utc(stamp(until_s).wall))),
    };
    home.command(id, instruction, &key())
}

#[test]
fn an_acknowledgement_for_a_while_ends_by_itself_over_a_restart_too() {
    let mut home = Home::watched_by(PLAN);
    home.indicate(CRISIS);
    let refused = snooze(&home, "c-1", None, 3600);
    home.step(refused);
    let refusal = home.events().pop().unwrap();
    assert!(refusal.text.contains("needs a note that says why"), "{}", refusal.text);
    let snoozed = snooze(&home, "c-2", Some("Called."), 800);
    home.step(snoozed);
    assert_eq!(told(&home)[1..], [words("acknowledged", "acknowledged", true)]);
    home.restart();
    home.pass(799);
    assert_eq!(told(&home).len(), 2);
    home.pass(800);
    assert_eq!(told(&home)[2..], [words("resumed", "active", true)]);
    assert_eq!(clinical(&home)[2].by, None);
}

#[test]
fn an_answer_to_what_was_less_urgent_takes_nothing_on_that_has_become_high() {
    let mut home = Home::watched_by(UNCONFIRMED);
    home.indicate(HIGH);
    let seen = |home: &Home, id: &str, priority: &str| {
        let Event::Command(envelope) = home.acknowledge(id, "Nurse N.") else { unreachable!() };
        let payload = sealed::open(&envelope, Purpose::Command, &[key().verifying_key()]).unwrap();
        let command: Command = canonical::decode(&payload).unwrap();
        let command = Command { seen_priority: Some(priority.to_owned()), ..command };
        let payload = canonical::encode(&command).unwrap();
        Event::Command(sealed::seal(&payload, Purpose::Command, &key()).unwrap())
    };
    let stale = seen(&home, "c-1", "medium");
    // 184 mmHg, before her answer is here.
    home.indicate(CRISIS);
    home.step(stale);
    let high = clinical(&home).pop().unwrap();
    assert_eq!((high.priority.as_str(), high.standing.as_str()), ("high", "active"));
    let refused = home.events().into_iter().find(|it| it.kind == "command-refused").unwrap();
    assert!(refused.text.contains("more urgent since"), "{}", refused.text);
    let fresh = seen(&home, "c-2", "high");
    home.step(fresh);
    assert_eq!(clinical(&home).pop().unwrap().standing, "acknowledged");
}
