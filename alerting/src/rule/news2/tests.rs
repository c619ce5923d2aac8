//! Where the inputs come from, when one is missing, and which scores alert.

use vitals::{Flag, Measurement, Phase, TimeQuality, Vital};

use super::*;
use crate::engine::Engine;
use crate::sample::{fact, key, minute, plan, problems, quantity, reading, rule, word};

const TEXT: &str = r#"scale = 1
max_age_min = 60
at_or_above = { medium = 5, high = 7 }
single_three = "medium"
clear_at_or_below = 4"#;

const NORMAL: [(Vital, &str, Unit); 7] = [
    (Vital::RespiratoryRate, "16", Unit::PerMinute),
    (Vital::OxygenSaturation, "97", Unit::Percent),
    (Vital::OxygenFlow, "0", Unit::LitrePerMinute),
    (Vital::SystolicPressure, "120", Unit::MillimetreOfMercury),
    (Vital::PulseRate, "70", Unit::PerMinute),
    (Vital::Consciousness, "0", Unit::Acvpu),
    (Vital::BodyTemperature, "36.8", Unit::Celsius),
];

/// Normal values, some of them replaced.
fn values(changes: &[(Vital, &str)]) -> Vec<Measurement> {
    let value = |(vital, normal, unit): (Vital, &str, Unit)| {
        let change = changes.iter().find(|it| it.0 == vital);
        let quantity = quantity(change.map_or(normal, |it| it.1), unit);
        Measurement { vital, quantity }
    };
    NORMAL.map(value).to_vec()
}

fn observation(seq: u64, at_minute: i64, values: Vec<Measurement>) -> Reading {
    let first = values[0];
    Reading { values, ..reading(seq, at_minute, first.vital, first.quantity) }
}

fn judge(text: &str, reading: &Reading, history: &History) -> Finding {
    rule("news2", text).judge(reading, false, history)
}

/// What is found in one observation of everything.
fn all(text: &str, changes: &[(Vital, &str)]) -> Finding {
    judge(text, &observation(1, 0, values(changes)), &History::default())
}

/// A history with everything normal, each vital in a reading of its own at the minute of its seq.
fn known() -> History {
    let mut history = History::default();
    for (seq, value) in (1_u64..).zip(values(&[])) {
        history.note(&observation(seq, i64::try_from(seq).unwrap(), vec![value]));
    }
    history
}

#[test]
fn totals_and_a_single_three_alert() {
    let total = |points: u8| -> Vec<(Vital, &str)> {
        let parts = [
            (Vital::OxygenFlow, "2", 2),
            (Vital::PulseRate, "111", 2),
            (Vital::RespiratoryRate, "21", 2),
            (Vital::BodyTemperature, "38.1", 1),
        ];
        let mut left = points;
        let mut changes = Vec::new();
        for (vital, value, worth) in parts {
            if worth <= left {
                left -= worth;
                changes.push((vital, value));
            }
        }
        assert_eq!(left, 0);
        changes
    };
    for (points, expected) in
        [(0, "gone"), (4, "gone"), (5, "present"), (6, "present"), (7, "present")]
    {
        let found = all(TEXT, &total(points));
        assert_eq!(word(&found), expected, "{points}");
        if let Finding::Present(evidence) = found {
            let priority = if points == 7 { Priority::High } else { Priority::Medium };
            assert_eq!(evidence.priority, priority, "{points}");
        }
    }
    let urgent_three = TEXT.replacen("single_three = \"medium\"", "single_three = \"high\"", 1);
    for (text, priority) in [(TEXT, Priority::Medium), (&urgent_three, Priority::High)] {
        let found = all(text, &[(Vital::Consciousness, "1")]);
        let Finding::Present(evidence) = found else { unreachable!() };
        assert_eq!(evidence.priority, priority);
        assert_eq!(rule("news2", text).priority(), Priority::High);
    }
}

#[test]
fn between_the_clear_total_and_the_limit_nothing_happens() {
    let text = TEXT.replacen("clear_at_or_below = 4", "clear_at_or_below = 2", 1);
    let found = |changes: &[(Vital, &str)]| word(&all(&text, changes));
    assert_eq!(found(&[(Vital::OxygenFlow, "2")]), "gone");
    assert_eq!(found(&[(Vital::OxygenFlow, "2"), (Vital::BodyTemperature, "38.1")]), "unknown");
}

#[test]
fn scale_2_is_used_where_the_plan_says_so() {
    let text = TEXT.replacen("scale = 1", "scale = 2", 1);
    let changes = [(Vital::OxygenSaturation, "88")];
    assert_eq!([word(&all(TEXT, &changes)), word(&all(&text, &changes))], ["present", "gone"]);
    let on_oxygen = [(Vital::OxygenSaturation, "97"), (Vital::OxygenFlow, "2")];
    assert_eq!([word(&all(TEXT, &on_oxygen)), word(&all(&text, &on_oxygen))], ["gone", "present"]);
}

#[test]
fn inputs_come_from_the_history() {
    let fast = observation(9, 9, vec![values(&[(Vital::PulseRate, "131")])[4]]);
    let found = judge(TEXT, &fast, &known());
    assert_eq!(
        fact(&found),
        "NEWS2 is 3 by scale 1, low-medium risk: pulse 131 /min 3, the oldest input is 8 min old (limit a 3 in one input)"
    );
    let Finding::Present(evidence) = found else { unreachable!() };
    let seqs: Vec<u64> = evidence.readings.iter().map(|it| it.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 6, 7, 9]);
    assert_eq!((evidence.vital, evidence.value, evidence.limit), (None, None, None));
}

#[test]
fn an_input_that_is_too_old_is_missing() {
    // The respiratory rate is of minute 1.
    let fast = |at_minute| observation(9, at_minute, vec![values(&[(Vital::PulseRate, "131")])[4]]);
    assert_eq!(word(&judge(TEXT, &fast(61), &known())), "present");
    assert_eq!(word(&judge(TEXT, &fast(62), &known())), "unknown");
}

#[test]
fn without_one_input_there_is_no_score() {
    for missing in 0..7 {
        let mut values = values(&[(Vital::PulseRate, "131"), (Vital::RespiratoryRate, "25")]);
        values.remove(missing);
        let found = judge(TEXT, &observation(1, 0, values), &History::default());
        assert_eq!(found, Finding::Unknown, "{missing}");
    }
}

#[test]
fn an_input_whose_latest_value_is_in_doubt_is_missing() {
    let fast = observation(19, 19, vec![values(&[(Vital::PulseRate, "131")])[4]]);
    let doubtful = |seq, at_minute| {
        let mut reading = observation(seq, at_minute, vec![values(&[])[1]]);
        reading.flags.insert(Flag::LowPerfusion);
        reading
    };
    let mut history = known();
    history.note(&doubtful(8, 8));
    assert_eq!(judge(TEXT, &fast, &history), Finding::Unknown);
    // A trusted one after it counts again; one that is told later and is older changes nothing.
    history.note(&observation(10, 10, vec![values(&[])[1]]));
    history.note(&doubtful(11, 9));
    assert_eq!(word(&judge(TEXT, &fast, &history)), "present");
    // What is in doubt in exercise or at no known time is no input at all.
    let mut in_exercise = doubtful(12, 12);
    in_exercise.context.phase = Phase::DuringExercise;
    history.note(&in_exercise);
    history.note(&Reading { time_quality: TimeQuality::Fault, ..doubtful(13, 13) });
    assert_eq!(word(&judge(TEXT, &fast, &history)), "present");
}

#[test]
fn an_implausible_input_is_missing() {
    let head = "name = \"sample\"\nversion = 1\nsubject = \"client-4711\"\nlate_after_min = 60\n";
    let check = "id = \"check\"\nvital = \"pulse-rate\"\npriority = \"low\"\npossible_from = \"20 /min\"\npossible_to = \"300 /min\"\nplausible_from = \"35 /min\"\nplausible_to = \"200 /min\"\n";
    let plan = plan(&format!("{head}[[implausible]]\n{check}"));
    let pulse = |seq, at_minute, value| {
        observation(seq, at_minute, vec![values(&[(Vital::PulseRate, value)])[4]])
    };
    let mut history = History::checking([&plan]);
    for (seq, value) in (1_u64..).zip(values(&[])) {
        history.note(&observation(seq, 1, vec![value]));
    }
    assert_eq!(word(&judge(TEXT, &pulse(8, 2, "200"), &history)), "present");
    assert_eq!(word(&judge(TEXT, &pulse(8, 2, "201"), &history)), "unknown");
    history.note(&pulse(8, 2, "201"));
    let breathless = observation(9, 3, vec![values(&[(Vital::RespiratoryRate, "30")])[0]]);
    assert_eq!(word(&judge(TEXT, &breathless, &history)), "unknown");
}

#[test]
fn a_doubtful_reading_raises_and_does_not_clear() {
    let doubtful = |changes: &[(Vital, &str)]| {
        let mut reading = observation(1, 0, values(changes));
        reading.flags.insert(Flag::Questionable);
        word(&judge(TEXT, &reading, &History::default()))
    };
    assert_eq!([doubtful(&[(Vital::Consciousness, "3")]), doubtful(&[])], ["present", "unknown"]);
}

#[test]
fn neither_exercise_nor_an_unknown_time_or_client_is_scored() {
    let bad = || observation(9, 9, values(&[(Vital::Consciousness, "3")]));
    let mut in_exercise = bad();
    in_exercise.context.phase = Phase::AfterExercise;
    for reading in [
        in_exercise,
        Reading { time_quality: TimeQuality::Fault, ..bad() },
        Reading { subject: None, ..bad() },
    ] {
        assert_eq!(judge(TEXT, &reading, &known()), Finding::Unknown);
    }
}

#[test]
fn what_comes_out_of_order_or_is_no_input_is_not_scored() {
    let late = observation(9, 5, vec![values(&[(Vital::Consciousness, "3")])[5]]);
    assert_eq!(judge(TEXT, &late, &known()), Finding::Unknown);
    let weight = reading(9, 9, Vital::BodyWeight, quantity("70", Unit::Kilogram));
    assert_eq!(judge(TEXT, &weight, &known()), Finding::Unknown);
}

#[test]
fn it_says_what_gives_points() {
    let found = all(
        TEXT,
        &[
            (Vital::RespiratoryRate, "21"),
            (Vital::OxygenFlow, "2"),
            (Vital::Consciousness, "1"),
            (Vital::OxygenSaturation, "94"),
        ],
    );
    assert_eq!(
        fact(&found),
        "NEWS2 is 8 by scale 1, high risk: respiratory rate 21 /min 2, SpO2 94 % 1, oxygen 2 L/min 2, new confusion 3 (limit 7)"
    );
    for (level, label) in
        [("2", "responds to voice"), ("3", "responds to pain"), ("4", "unresponsive")]
    {
        let found = all(TEXT, &[(Vital::Consciousness, level)]);
        let expected =
            format!("NEWS2 is 3 by scale 1, low-medium risk: {label} 3 (limit a 3 in one input)");
        assert_eq!(fact(&found), expected);
    }
    assert_eq!(
        rule("news2", TEXT).to_string(),
        "rule: NEWS2 by scale 1 at or above 5 (medium), 7 (high), a single 3 (medium), inputs at most 1 h old, clears at or below 4"
    );
}

#[test]
fn an_alert_goes_its_way_through_the_engine() {
    let head = "name = \"sample\"\nversion = 1\nsubject = \"client-4711\"\nlate_after_min = 60\n";
    let plan = plan(&format!("{head}[[news2]]\nid = \"news2\"\n{TEXT}"));
    let mut engine = Engine::new(vec![plan], Vec::new());
    let mut changes = |seq: u64, of: &[(Vital, &str)]| {
        let at = i64::try_from(seq).unwrap();
        let reading = observation(seq, at, values(of));
        let followed = engine.observe(minute(at), &reading, key(seq * 10));
        followed.iter().for_each(|it| engine.apply(it));
        engine.remember(&reading);
        followed.into_iter().map(|it| it.change.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(changes(1, &[(Vital::Consciousness, "1")]), ["raised"]);
    assert_eq!(changes(2, &[(Vital::Consciousness, "1")]), ["repeated"]);
    let worse =
        [(Vital::Consciousness, "1"), (Vital::RespiratoryRate, "25"), (Vital::OxygenFlow, "2")];
    assert_eq!(changes(3, &worse), ["escalated"]);
    assert_eq!(changes(4, &[]), ["cleared"]);
}

#[test]
fn a_plan_says_all_of_it() {
    for line in TEXT.lines() {
        assert_eq!(problems("news2", &TEXT.replacen(line, "", 1)).len(), 1, "{line}");
    }
    for (from, to, expected) in [
        ("scale = 1", "scale = 3", "line 7: news2[rule].scale: 3 is not in 1 to 2"),
        (
            "high = 7",
            "high = 5",
            "line 9: news2[rule].at_or_above: the total 5 is not above 5, which is less urgent",
        ),
        ("high = 7", "high = 21", "line 9: news2[rule].at_or_above.high: 21 is not in 1 to 20"),
        (
            "high = 7",
            "urgent = 7",
            "line 9: news2[rule].at_or_above.urgent: unknown key; known here: low, medium, high",
        ),
        (
            "{ medium = 5, high = 7 }",
            "{}",
            "line 9: news2[rule].at_or_above: a table of totals needs at least one, as in { medium = 5, high = 7 }",
        ),
        (
            "below = 4",
            "below = 5",
            "line 11: news2[rule].clear_at_or_below: 5 is not below the total of 5 that alerts",
        ),
        ("_min = 60", "_min = 1441", "line 8: news2[rule].max_age_min: 1441 is not in 1 to 1440"),
    ] {
        assert_eq!(problems("news2", &TEXT.replacen(from, to, 1)), [expected]);
    }
}
