//! A care plan: the text that a nurse writes, checked as a whole before any rule of it is in force.
//!
//! ```toml
//! name = "hypertension"              # lower-case letters, digits and inner hyphens
//! version = 3                        # from 1, higher with each change
//! subject = "client-4711"            # opaque id of the one client it is for
//! late_after_min = 60                # minutes, 1 to 10080
//! stale_after_h = 48                 # 1 to 720; may be absent
//!
//! [quiet_hours]                      # may be absent; where the client is
//! from = "22:00"
//! to = "07:00"
//!
//! [[escalation]]                     # when nobody acknowledges; may be absent, the earliest first
//! after_min = 15                     # 1 to 1440
//! to = "backup"
//! priority = "high"                  # the least urgent one; may be absent, then high
//!
//! [[threshold]]
//! id = "systolic-crisis"             # once in a plan
//! vital = "systolic-pressure"
//! priority = "high"                  # high, medium or low
//! at_or_above = "180 mmHg"           # or at_or_below
//! clear_at_or_below = "175 mmHg"     # or clear_at_or_above
//!
//! [[threshold]]                      # several limits, one alert that gets more urgent
//! id = "pulse-high"
//! vital = "pulse-rate"
//! at_or_above = { medium = "111 /min", high = "131 /min" }
//! clear_at_or_below = "106 /min"
//! confirm_within_min = 10            # asks for a repeat, but never where high; 1 to 1440, may be absent
//! confirm_after_s = 60               # earliest time of that, 0 to 3600; may be absent
//!
//! [[repeated]]                       # the keys of a threshold, and
//! id = "systolic-often-high"
//! vital = "systolic-pressure"
//! priority = "low"
//! at_or_above = "140 mmHg"
//! clear_at_or_below = "135 mmHg"
//! times = 3                          # 2 to 16
//! of = 5                             # of the last so many values, 2 to 16
//! within_days = 7                    # 1 to 30
//!
//! [[change]]
//! id = "oxygen-falls"
//! vital = "oxygen-saturation"
//! priority = "medium"
//! falls_by = "4 %"                   # or rises_by
//! within_hours = 24                  # 1 to 720
//! clears_at = "2 %"                  # a fall of so much or less
//!
//! [[weight_change]]
//! id = "weight-gain-day"
//! priority = "medium"
//! gains = "3 lb"                     # or loses
//! over_days = 1                      # 1 to 21
//! clears_at = "1 lb"                 # a gain of so much or less
//!
//! [[implausible]]                    # asks to check the value; other rules do not look back on it
//! id = "weight-check"
//! vital = "body-weight"
//! priority = "low"
//! possible_from = "20 kg"
//! possible_to = "400 kg"
//! plausible_from = "30 kg"           # inside what is possible
//! plausible_to = "250 kg"
//! band_by = "3 kg"                   # may be left out together with the next; for body-weight alone
//! band_percent = 4                   # 1 to 30; the wider of the two, around the median of a week
//! # jumps_by = "40 mmHg"             # for any other vital; may be left out together with the next
//! # within_min = 10                  # 1 to 1440
//!
//! [[irregular_pulse]]
//! id = "pulse-irregular"
//! priority = "medium"
//! times = 2                          # 2 to 16
//! of = 3                             # of the last so many blood pressures, 2 to 16
//! within_days = 7                    # 1 to 30
//!
//! [[pulse_pressure]]
//! id = "pulse-pressure-wide"
//! priority = "low"
//! at_or_above = "60 mmHg"            # or at_or_below_percent = 25, of the systolic pressure
//! clear_at_or_below = "55 mmHg"      # or clear_at_or_above_percent = 30
//!
//! [[orthostatic]]                    # for a client who measures sitting, and again standing
//! id = "falls-on-standing"
//! priority = "medium"
//! systolic_falls_by = "20 mmHg"      # either of the two is enough
//! diastolic_falls_by = "10 mmHg"
//! from_min = 1                       # 0 to 10; time between the two blood pressures
//! within_min = 3                     # 1 to 10
//!
//! [[exercise]]                       # the keys of a threshold, for values of exercise; those of the
//! id = "oxygen-in-exercise"          # same vital and side at rest leave them alone then
//! vital = "oxygen-saturation"
//! priority = "high"
//! at_or_below = "85 %"
//! clear_at_or_above = "88 %"
//!
//! [[exercise_fall]]
//! id = "oxygen-falls-in-exercise"
//! vital = "oxygen-saturation"
//! priority = "medium"
//! falls_by = "4 %"                   # below the last value at rest
//! clears_at = "2 %"                  # a fall of so much or less
//! rest_within_min = 60               # 1 to 1440; a value at rest that is older does not count
//!
//! [[baseline]]
//! id = "pulse-unusual"
//! vital = "pulse-rate"
//! priority = "low"
//! rises_by = "15 /min"               # or falls_by; from the median, and at least
//! spreads = 3                        # 1 to 10; so many times the usual variation
//! clears_at = "8 /min"
//! days = 28                          # 14 to 28
//! points_min = 7                     # 7 to 56; the first value of each morning and afternoon is one
//!
//! [[news2]]
//! id = "news2"
//! scale = 1                          # 2 alone where a clinician prescribed a target of 88 to 92 %
//! max_age_min = 60                   # 1 to 1440; an input that is older is missing
//! at_or_above = { medium = 5, high = 7 }
//! single_three = "medium"            # priority of a single 3
//! clear_at_or_below = 4
//!
//! [[home_average]]                   # the keys of a threshold, and
//! id = "home-average-systolic"
//! preset = "nice"                    # or aha, or esh
//! vital = "systolic-pressure"        # or diastolic-pressure
//! at_or_above = { low = "135 mmHg", medium = "150 mmHg" }
//! clear_at_or_below = "130 mmHg"
//!
//! [[schedule]]                       # a measurement that is due each day, where the client is
//! id = "weight-missed"
//! vital = "body-weight"
//! priority = "low"                   # low or medium
//! windows = ["06:00-10:00"]          # and at = ["20:00"], which opens its grace before; 1 to 12 a day
//! grace_min = 120                    # so much later is still in time, 0 to 1440
//! missed_in_a_row = 2                # tells it after so many, 1 to 14
//! ```
//!
//! A plan has at least one rule. Every key of a rule is required unless it says that it may be left
//! out, no other key is understood, and no limit has a default: what a plan does not say is not
//! watched.

pub mod value;

mod baseline;
mod change;
mod exercise;
mod home_average;
mod implausible;
mod irregular_pulse;
pub mod lifecycle;
mod measurable;
mod news2;
mod pressure;
mod repeated;
mod schedule;
mod threshold;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::SignedDuration;
use vitals::document::{self, Need, Problems, Section};
use vitals::identity::SubjectId;

use self::lifecycle::Lifecycle;
use crate::rule::{Condition, Rule};

/// Longest delay in minutes that a plan may still call in time: a week.
const LATE_AFTER_MIN_MAX: i64 = 7 * 24 * 60;

const NO_RULE: &str = "no rule means that nothing is watched; add at least one [[threshold]]";

/// Reads what a kind of rule looks for.
type ReadCondition = fn(&Section<'_>) -> Option<Condition>;

/// The kinds of rules, and what reads each.
const KINDS: [(&str, ReadCondition); 14] = [
    ("threshold", |it| threshold::read_confirmed(it).map(Condition::Threshold)),
    ("repeated", |it| repeated::read(it).map(Condition::Repeated)),
    ("change", |it| change::read(it).map(Condition::Change)),
    ("weight_change", |it| change::read_weight(it).map(Condition::WeightChange)),
    ("implausible", |it| implausible::read(it).map(Condition::Implausible)),
    ("irregular_pulse", |it| irregular_pulse::read(it).map(Condition::IrregularPulse)),
    ("pulse_pressure", |it| pressure::read_pulse(it).map(Condition::PulsePressure)),
    ("orthostatic", |it| pressure::read_orthostatic(it).map(Condition::Orthostatic)),
    ("exercise", |it| exercise::read(it).map(Condition::Exercise)),
    ("exercise_fall", |it| exercise::read_fall(it).map(Condition::ExerciseFall)),
    ("baseline", |it| baseline::read(it).map(Condition::Baseline)),
    ("news2", |it| news2::read(it).map(Condition::News2)),
    ("home_average", |it| home_average::read(it).map(Condition::HomeAverage)),
    ("schedule", |it| schedule::read(it).map(Condition::Missed)),
];

/// The checked care plan of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    name: String,
    version: u32,
    subject: SubjectId,
    late_after: SignedDuration,
    lifecycle: Lifecycle,
    rules: Vec<Rule>,
}

impl Plan {
    /// Reads the text of a plan.
    ///
    /// # Errors
    ///
    /// Returns every problem of the text at once; where it is not TOML, every place where it is not.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        document::read(text, plan)
    }

    /// Its name: what it is for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version, from 1, higher with each change.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The client whom it is for.
    #[must_use]
    pub const fn subject(&self) -> &SubjectId {
        &self.subject
    }

    /// The delay between measurement and reception beyond which a reading is late.
    #[must_use]
    pub const fn late_after(&self) -> SignedDuration {
        self.late_after
    }

    /// What it says about the life of its alerts.
    #[must_use]
    pub const fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Whether it says when something is to be measured.
    #[must_use]
    pub fn has_schedule(&self) -> bool {
        self.rules().any(|it| it.schedule().is_some())
    }

    /// Its rules, in the order of the text.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }
}

fn plan(root: &Section<'_>) -> Option<Plan> {
    let name = root.text_by("name", Need::Example("\"hypertension\""), value::identifier);
    let version = root.integer("version", 1..=u32::MAX, Need::Example("1"));
    let subject = root.text("subject", Need::Example("\"client-4711\""));
    let late_after_min =
        root.integer("late_after_min", 1..=LATE_AFTER_MIN_MAX, Need::Example("60"));
    let lifecycle = lifecycle::read(root);
    let mut line_by_id = BTreeMap::new();
    let mut rules: Vec<Option<Rule>> = Vec::new();
    let n_kinds = KINDS.iter().filter(|(kind, _read)| root.has(kind)).count();
    let has_thresholds_at_most = n_kinds == usize::from(root.has("threshold"));
    for (kind, read) in KINDS {
        let sections = match kind {
            "threshold" if has_thresholds_at_most => root.required_sections(kind, NO_RULE),
            _ => root.sections(kind),
        };
        for section in sections {
            rules.push(rule(&section, read, subject.as_ref(), &mut line_by_id));
        }
    }
    if rules.is_empty() && !has_thresholds_at_most {
        root.problem("threshold", &NO_RULE);
    }
    refuse_a_name_of_the_client(root, "name", name.as_deref(), subject.as_ref());
    refuse_hidden_falls(root, &rules);
    Some(Plan {
        name: name?,
        version: version?,
        subject: subject?,
        late_after: SignedDuration::from_mins(late_after_min?),
        lifecycle: lifecycle?,
        rules: beside_exercise(rules.into_iter().collect::<Option<_>>()?),
    })
}

/// A fall on standing up is a jump, too: what is implausible then would never be judged.
fn refuse_hidden_falls(root: &Section<'_>, rules: &[Option<Rule>]) {
    let conditions = || rules.iter().flatten().map(Rule::condition);
    let has_falls = conditions().any(|it| matches!(it, Condition::Orthostatic(_)));
    let has_jumps = conditions().any(|it| match it {
        Condition::Implausible(it) => it.hides_falls(),
        Condition::Threshold(_)
        | Condition::Repeated(_)
        | Condition::Change(_)
        | Condition::WeightChange(_)
        | Condition::IrregularPulse(_)
        | Condition::PulsePressure(_)
        | Condition::Orthostatic(_)
        | Condition::Exercise(_)
        | Condition::ExerciseFall(_)
        | Condition::Baseline(_)
        | Condition::News2(_)
        | Condition::HomeAverage(_)
        | Condition::Missed(_) => false,
    });
    if has_falls && has_jumps {
        let text = "a jumps_by of a blood pressure would keep the largest falls from it; leave that \
                    out of [[implausible]]";
        root.problem("orthostatic", &text);
    }
}

/// The rules, with limits of rest that leave those of exercise to the rules that have some.
fn beside_exercise(rules: Vec<Rule>) -> Vec<Rule> {
    let mut exercise = Vec::new();
    for rule in &rules {
        if let Condition::Exercise(it) = rule.condition() {
            exercise.push((it.threshold().vital(), it.threshold().side()));
        }
    }
    rules.into_iter().map(|it| it.beside(&exercise)).collect()
}

fn rule(
    section: &Section<'_>,
    read: ReadCondition,
    subject: Option<&SubjectId>,
    line_by_id: &mut BTreeMap<String, usize>,
) -> Option<Rule> {
    let id = section.text_by("id", Need::Example("\"systolic-crisis\""), value::identifier);
    match id.clone().map(|it| line_by_id.entry(it)) {
        Some(Entry::Occupied(first)) => {
            let line = first.get();
            let text = format!("line {line} has this id too; give each rule an id of its own");
            section.problem("id", &text);
        }
        Some(Entry::Vacant(first)) => {
            first.insert(section.line_of("id"));
        }
        None => {}
    }
    refuse_a_name_of_the_client(section, "id", id.as_deref(), subject);
    let condition = read(section);
    section.refuse_the_rest();
    Some(Rule { id: id?, condition: condition? })
}

/// Names of plans and rules are shown where the client must not be named.
fn refuse_a_name_of_the_client(
    section: &Section<'_>,
    key: &str,
    name: Option<&str>,
    subject: Option<&SubjectId>,
) {
    let (Some(name), Some(subject)) = (name, subject) else { return };
    if format!("-{name}-").contains(&format!("-{}-", subject.as_str())) {
        let text = "the id of the client is in it, and this is shown in logs and alerts; \
                    choose a name without it";
        section.problem(key, &text);
    }
}

#[cfg(test)]
mod tests;
