use std::collections::BTreeSet;
use std::path::Path;

use rust_decimal::Decimal;

use super::*;
use crate::device::Measurement;
use crate::device::glucose::{self, Glucose};
use crate::device::weight::Weight;
use crate::fault::{ByteFault, Extent, Fault};

const HOME: &str = r#"
title = "a home"

[[device]]
name = "cuff"
kind = "cuff"
address = "C0:FF:EE:00:00:01"

[[device]]
name = "nonin"
kind = "nonin-df2"
port = "nonin-port0"

[[step]]
at_s = 1.5
device = "cuff"
measure = { systolic = 120, diastolic = 80, pulse = 64 }

[[step]]
at_s = 20
device = "nonin"
measure = { spo2 = 99, pulse = 64, worn_s = 10 }

[[step]]
at_s = 30
adapter = "off"

[repeat]
from_s = 20
every_s = 60
"#;

/// Checks a text that begins like [`HOME`] without steps, so that line 14 is the first of `text`.
#[track_caller]
fn check_step(text: &str, problems: &[&str]) {
    let home: String = HOME.lines().take(13).flat_map(|line| [line, "\n"]).collect();
    check(&(home + text), problems);
}

#[track_caller]
fn check(text: &str, problems: &[&str]) {
    let found = Scenario::parse(text).unwrap_err();
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), problems);
}

#[test]
fn a_story_reads_as_it_is_written() {
    let story = Scenario::parse(HOME).unwrap();
    assert_eq!(story.title(), "a home");
    assert_eq!(story.devices().len(), 2);
    let [first, second, third] = story.steps() else { panic!("three steps") };
    assert_eq!(first.at, Duration::from_millis(1500));
    assert_eq!(first.action, Action::Measure(Measurement::blood_pressure(120, 80, 64)));
    let worn = Duration::from_secs(10);
    assert_eq!(second.action, Action::Measure(Measurement::oximetry(99, 64).lasting(worn)));
    assert_eq!((third.device.as_deref(), &third.action), (None, &Action::AdapterOff));
}

#[test]
fn scales_and_meters_measure_what_is_written() {
    let story = Scenario::parse(
        r#"
title = "a body scale and a meter"

[[device]]
name = "scale"
kind = "body-composition-scale"
address = "C0:FF:EE:00:00:01"
style = "imperial"
user = 2

[[device]]
name = "meter"
kind = "glucose-meter"
address = "C0:FF:EE:00:00:02"
style = "mmol-per-l"

[[step]]
at_s = 1
device = "scale"
measure = { fat = 21.5, weight_kg = 70 }

[[step]]
at_s = 2
device = "meter"
measure = { glucose = 6.2, control = true }

[[step]]
at_s = 3
device = "meter"
measure = { failed = true, status = ["too-high"] }
"#,
    )
    .unwrap();
    let actions: Vec<_> = story.steps().iter().map(|it| it.action.clone()).collect();
    let fat: Decimal = "21.5".parse().unwrap();
    let control: Decimal = "6.2".parse().unwrap();
    let expected = [
        Measurement::body_composition(fat, 70).by_user(2),
        Measurement::Glucose(Glucose::control(control)),
        Measurement::Glucose(Glucose::failed(glucose::TOO_HIGH)),
    ];
    assert_eq!(actions, expected.map(Action::Measure));
}

/// Reads a story of one device that measures once.
fn with_one_device(device: &str, measure: &str) -> Result<Scenario, Problems> {
    let device = format!("[[device]]\nname = 'a'\naddress = 'C0:FF:EE:00:00:01'\n{device}\n");
    let step = format!("[[step]]\nat_s = 1\ndevice = 'a'\nmeasure = {{ {measure} }}\n");
    Scenario::parse(&format!("title = 'one device'\n{device}{step}"))
}

#[test]
fn devices_with_a_memory_have_a_key_and_users() {
    let key = "key = '11112222333344445555666677778888'";
    let cuff = format!("kind = 'omron-hem-7322t'\nuser = 2\n{key}");
    let told = with_one_device(&cuff, "systolic = 131, diastolic = 82, pulse = 70").unwrap();
    let expected = Measurement::blood_pressure(131, 82, 70).by_user(2);
    assert_eq!(told.steps()[0].action, Action::Measure(expected));
    assert!(
        with_one_device("kind = 'omron-hbf-702t'\nuser = 4", "fat = 20, weight_kg = 70").is_ok()
    );

    let problems =
        |device: &str, measure| with_one_device(device, measure).unwrap_err().to_string();
    let cuff = "kind = 'omron-hem-7530t'";
    let told = problems(cuff, "systolic = 131, diastolic = 82, user = 2");
    assert_eq!(told, "line 9: step[1].measure: 2 does not fit the memory of an Omron");
    let told = problems(&format!("{cuff}\nkey = '1111'"), "failed = true");
    assert_eq!(told, "line 6: device[1].key: not 32 hexadecimal digits");
}

#[test]
fn an_oximeter_of_nonin_measures_on_the_air() {
    let nonin = "kind = 'oximeter'\nstyle = 'nonin-3230'";
    let told = with_one_device(nonin, "spo2 = 97, pulse = 72, worn_s = 30").unwrap();
    let expected = Measurement::oximetry(97, 72).lasting(Duration::from_secs(30));
    assert_eq!(told.steps()[0].action, Action::Measure(expected));
}

#[test]
fn a_detecto_finds_a_weight_below_zero() {
    let detecto = "kind = 'scale'\nstyle = 'detecto'";
    let told = with_one_device(detecto, "below_zero = true").unwrap();
    assert_eq!(told.steps()[0].action, Action::Measure(Measurement::Weight(Weight::below_zero())));
    assert!(with_one_device(detecto, "weight_lb = 150.2").is_ok());
    for (device, measure, problem) in [
        (detecto, "below_zero = true, failed = true", "measure: needs either weight_kg"),
        (detecto, "below_zero = true, weight_lb = 2", "measure: needs either weight_kg"),
        ("kind = 'scale'", "below_zero = true, failed = true", "below_zero: unknown key"),
    ] {
        let told = with_one_device(device, measure).unwrap_err().to_string();
        assert!(told.contains(problem), "{told}");
    }
}

#[test]
fn every_story_of_the_project_reads_and_uses_all_its_devices() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/scenarios");
    let mut n_stories = 0;
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let story = Scenario::parse(&std::fs::read_to_string(&path).unwrap());
        let story = story.unwrap_or_else(|problems| panic!("{}:\n{problems}", path.display()));
        let named: BTreeSet<&str> =
            story.steps().iter().filter_map(|step| step.device.as_deref()).collect();
        assert_eq!(named.len(), story.devices().len(), "{}", path.display());
        n_stories += 1;
    }
    assert_eq!(n_stories, 2);
}

#[test]
fn every_problem_is_told_at_once_with_its_line_and_key() {
    check(
        "colour = 'red'\n[[device]]\nname = 'a'\nkind = 'cuff'\naddress = 'here'\nport = 'x'\n\
         [[device]]\nkind = 'toaster'\n[[step]]\nat_s = -1\ndevice = 'b'\nmeasure = {}\n\
         [repeat]\nevery_s = 'soon'\n",
        &[
            "line 1: colour: unknown key; known here: title, device, step, repeat",
            "line 1: title: missing: what the story is about",
            "line 5: device[1].address: \"here\" is not a Bluetooth address such as \
             00:09:1F:8A:01:02",
            "line 6: device[1].port: unknown key; known here: name, kind, user, address, style, \
             passkey, security, model, bonded, pace, wake_window_s",
            "line 7: device[2].name: missing: what the steps call it",
            "line 8: device[2].kind: \"toaster\" is none of: cuff, oximeter, scale, \
             body-composition-scale, glucose-meter, thermometer, heart-rate, nonin-df2, \
             nonin-ascii, and-scale, contec-5byte, contec-9byte, masimo-ascii-1, nonin-df1, \
             nonin-df7, nonin-df8, nonin-df13, omron-hbp-9030, suntech-nibp, taidoc, \
             taidoc-bluetooth, transtek-scale, omron-hbf-702t, omron-hem-6232t, omron-hem-7322t, \
             omron-hem-7361t, omron-hem-7530t, berry, cms50d-bt, jks50f, jumper, o2ring, \
             pc-60fw, jpd-ha120, microlife, yonker, \
             xiaomi-s400, xiaomi-scale, xiaomi-scale-2, replay, serial-replay",
            "line 10: step[1].at_s: -1 is not in 0 to 86400",
            "line 11: step[1].device: no usable [[device]] is called \"b\"",
            "line 14: repeat.every_s: expected a number, found string",
        ],
    );
}

#[test]
fn a_text_that_is_not_toml_names_the_line() {
    let problems = Scenario::parse("title = 'a'\n[[step]\n").unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_story_needs_devices_and_steps() {
    check(
        "title = 'nothing'\n",
        &[
            "line 1: device: missing: at least one [[device]]",
            "line 1: step: missing: at least one [[step]]",
        ],
    );
}

#[test]
fn two_devices_do_not_share_a_name_an_address_or_a_port() {
    let device = "[[device]]\nname = 'a'\nkind = 'and-scale'\nport = 'p'\n";
    let step = "[[step]]\nat_s = 0\ndevice = 'a'\nmeasure = { weight_kg = 70 }\n";
    check(
        &format!("title = 'twins'\n{device}{device}{step}"),
        &[
            "line 7: device[2].name: another device has \"a\"",
            "line 9: device[2].port: another device has \"p\"",
        ],
    );
}

#[test]
fn a_port_is_the_name_of_a_file() {
    let text = "title = 'a'\n[[device]]\nname = 'a'\nkind = 'and-scale'\nport = '../p'\n\
                [[step]]\nat_s = 0\ndevice = 'a'\nport = 'unplug'\n";
    check(text, &["line 5: device[1].port: not the name of a file"]);
}

#[test]
fn a_step_does_one_thing() {
    let known = "needs exactly one of: measure, replay, fault, port, adapter, bluetoothd";
    check_step("[[step]]\nat_s = 1\n", &[&format!("line 14: step[1]: {known}")]);
    check_step(
        "[[step]]\nat_s = 1\nadapter = 'off'\nbluetoothd = 'restart'\n",
        &[&format!("line 14: step[1]: {known}")],
    );
}

#[test]
fn steps_are_in_the_order_of_time() {
    check_step(
        "[[step]]\nat_s = 2\nadapter = 'off'\n[[step]]\nat_s = 1\nadapter = 'on'\n",
        &["line 18: step[2].at_s: earlier than the step before it"],
    );
}

#[test]
fn a_measurement_fits_its_device() {
    check_step(
        "[[step]]\nat_s = 1\ndevice = 'cuff'\nmeasure = { spo2 = 97 }\n",
        &[
            "line 17: step[1].measure.diastolic: missing: in the unit of the cuff",
            "line 17: step[1].measure.spo2: unknown key; known here: failed, systolic, diastolic, \
             mean, pulse, status, user",
            "line 17: step[1].measure.systolic: missing: in the unit of the cuff",
        ],
    );
    check_step(
        "[[step]]\nat_s = 1\ndevice = 'nonin'\nmeasure = { spo2 = 97.5, pulse = 64 }\n",
        &["line 17: step[1].measure: 97.5 does not fit Nonin Data Format 2"],
    );
}

#[test]
fn a_fault_fits_the_link_of_its_device() {
    check_step(
        "[[step]]\nat_s = 1\ndevice = 'nonin'\nfault = { kind = 'bond-loss' }\n\
         [[step]]\nat_s = 1\ndevice = 'cuff'\nfault = { kind = 'unplug-in-frame' }\n\
         [[step]]\nat_s = 1\ndevice = 'cuff'\nport = 'plug'\n",
        &[
            "line 17: step[1].fault.kind: \"nonin\" has no such thing on its link",
            "line 21: step[2].fault.kind: \"cuff\" has no such thing on its link",
            "line 25: step[3].port: only serial devices have a port",
        ],
    );
}

#[test]
fn a_fault_says_all_that_it_needs() {
    check_step(
        "[[step]]\nat_s = 1\ndevice = 'cuff'\nfault = { kind = 'clock' }\n\
         [[step]]\nat_s = 1\ndevice = 'cuff'\nfault = { kind = 'drop', next = 1, one_in = 2 }\n\
         [[step]]\nat_s = 1\ndevice = 'cuff'\nfault = { kind = 'flood', hex = '0', per_s = 9 }\n",
        &[
            "line 17: step[1].fault: needs either shows or ahead_s",
            "line 21: step[2].fault.one_in: either next or one_in",
            "line 25: step[3].fault.for_s: missing: how long it lasts",
            "line 25: step[3].fault.hex: \"0\" is not hexadecimal: Odd number of digits",
        ],
    );
}

#[test]
fn faults_read_as_they_are_written() {
    let home: String = HOME.lines().take(13).flat_map(|line| [line, "\n"]).collect();
    let faults = [
        ("{ kind = 'drop' }", Fault::Bytes { fault: ByteFault::Drop, extent: Extent::Next(1) }),
        (
            "{ kind = 'bit-flip', one_in = 5 }",
            Fault::Bytes {
                fault: ByteFault::BitFlip,
                extent: Extent::OneIn(5.try_into().unwrap()),
            },
        ),
        (
            "{ kind = 'clock', ahead_s = -60 }",
            Fault::ClockSkew(jiff::SignedDuration::from_mins(-1)),
        ),
        ("{ kind = 'battery', percent = 7 }", Fault::Battery(7)),
        ("{ kind = 'missed-wake' }", Fault::MissedWake),
    ];
    for (text, fault) in faults {
        let step = format!("[[step]]\nat_s = 1\ndevice = 'cuff'\nfault = {text}\n");
        let story = Scenario::parse(&(home.clone() + &step)).unwrap();
        assert_eq!(story.steps()[0].action, Action::Fault(fault));
    }
}

#[test]
fn a_round_is_longer_than_its_steps() {
    let text = HOME.replace("every_s = 60", "every_s = 10");
    check(&text, &["line 30: repeat.every_s: the steps from from_s on take 10s"]);
    let text = HOME.replace("from_s = 20", "from_s = 40");
    check(&text, &["line 29: repeat.from_s: no step is left to repeat"]);
}

fn times(story: &Scenario, rounds: Rounds) -> Vec<f32> {
    story.timeline(1, rounds).take(7).map(|event| event.at.as_secs_f32()).collect()
}

#[test]
fn what_comes_before_the_repeated_part_happens_once() {
    let story = Scenario::parse(HOME).unwrap();
    assert_eq!(times(&story, Rounds::Only(2)), [1.5, 20.0, 30.0, 80.0, 90.0]);
    assert_eq!(times(&story, Rounds::Endless), [1.5, 20.0, 30.0, 80.0, 90.0, 140.0, 150.0]);
}

#[test]
fn a_story_without_repeat_ends() {
    let (text, _repeat) = HOME.split_once("[repeat]").unwrap();
    let story = Scenario::parse(text).unwrap();
    assert_eq!(times(&story, Rounds::Endless), [1.5, 20.0, 30.0]);
    assert_eq!(times(&story, Rounds::Only(9)), [1.5, 20.0, 30.0]);
}

#[test]
fn values_vary_gently_and_by_seed_after_the_first_round() {
    let story = Scenario::parse(HOME).unwrap();
    let told = |seed| story.timeline(seed, Rounds::Only(200)).collect::<Vec<_>>();
    assert_eq!(told(1), told(1));
    assert_ne!(told(1), told(2));
    assert_eq!(told(1)[..3], told(2)[..3]);
    let mut seen = BTreeSet::new();
    for event in told(1) {
        if let Action::Measure(Measurement::Oximetry(oximetry)) = event.action {
            seen.insert((oximetry.spo2_percent.unwrap(), oximetry.pulse_bpm.unwrap()));
        }
    }
    let spo2: BTreeSet<String> = seen.iter().map(|(spo2, _)| spo2.to_string()).collect();
    let pulse: BTreeSet<String> = seen.iter().map(|(_, pulse)| pulse.to_string()).collect();
    assert_eq!(spo2.iter().collect::<Vec<_>>(), ["100", "98", "99"]);
    assert_eq!(pulse.iter().collect::<Vec<_>>(), ["61", "62", "63", "64", "65", "66", "67"]);
}

#[test]
fn varied_values_do_not_vary_when_the_story_says_so() {
    let story = Scenario::parse(&HOME.replace("every_s = 60", "every_s = 60\nvaried = false"));
    let story = story.unwrap();
    let actions: Vec<Action> =
        story.timeline(1, Rounds::Only(3)).map(|event| event.action).collect();
    assert_eq!(actions[1], actions[3]);
    assert_eq!(actions[1], actions[5]);
}

#[test]
fn an_event_reads_as_a_line() {
    let story = Scenario::parse(HOME).unwrap();
    let lines: Vec<String> =
        story.timeline(1, Rounds::Only(1)).map(|event| event.to_string()).collect();
    assert_eq!(
        lines,
        [
            "      1.5 s  cuff: measures 120/80, pulse 64",
            "     20.0 s  nonin: measures SpO2 99 %, pulse 64",
            "     30.0 s  bluetooth: adapter is pulled out",
        ]
    );
}
