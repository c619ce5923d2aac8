//! What a hub should have raised and did not, by the station's own look at the readings.

use alerting::Standing;
use jiff::Timestamp;
use vitals::wire::v1;
use vitals::{HubId, Priority, ReadingId, SubjectId};

/// What a care plan that the station has says about a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The hub that recorded the reading.
    pub hub: HubId,
    /// The client of the plan.
    pub subject: SubjectId,
    /// Whether the reading may be of somebody else.
    pub is_of_unknown: bool,
    /// Name of the plan.
    pub plan: String,
    /// Id of the rule in it.
    pub rule: String,
    /// How soon a person has to look.
    pub priority: Priority,
    /// The reading with which it was found.
    pub reading: ReadingId,
    /// When the value was measured, as far as that is known.
    pub measured_at: Option<Timestamp>,
    /// Why, in one sentence without a name.
    pub why: String,
}

/// A finding that its hub told nobody of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oversight {
    /// Its place in the database.
    pub id: i64,
    /// What was found.
    pub finding: Finding,
    /// When the station noticed it.
    pub noticed_at: Timestamp,
}

/// A nurse has seen to an oversight: it is shown no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Which.
    pub oversight: i64,
    /// Who.
    pub by: String,
    /// What they noted.
    pub note: Option<String>,
}

impl Finding {
    /// What `alert` stands on by a plan of `subject`, of which its hub has to tell; `None` where it is
    /// about no reading.
    #[must_use]
    pub fn of(hub: &HubId, subject: &SubjectId, alert: &alerting::Alert) -> Option<Self> {
        Some(Self {
            hub: hub.clone(),
            subject: subject.clone(),
            is_of_unknown: alert.subject.is_none(),
            measured_at: alert.measured.map(|it| it.at.at),
            plan: alert.plan.clone(),
            rule: alert.rule.clone(),
            priority: alert.priority,
            reading: *alert.readings.last()?,
            why: alert.why.clone(),
        })
    }

    /// Whether `told`, how an alert of the same hub stands now, tells of it: by the same reading, or as an
    /// open alert of the same rule, and as urgently at least.
    #[must_use]
    pub fn is_told_by(&self, told: &v1::Alert) -> bool {
        let is_over = told.standing == Standing::Done.as_str();
        let is_of_rule = told.rule == self.rule && told.plan == self.plan;
        let goes_on =
            !is_over && is_of_rule && told.subject.as_deref() == Some(self.subject.as_str());
        self.is_as_urgent(told) && goes_on || self.was_told_by(told)
    }

    /// Whether `told`, any transition of an alert of the same hub, names the reading, as urgently at least.
    #[must_use]
    pub fn was_told_by(&self, told: &v1::Alert) -> bool {
        let of_whom = told.subject.as_deref();
        let is_of_the_client =
            self.is_of_unknown || of_whom.is_none() || of_whom == Some(self.subject.as_str());
        let shares = || told.readings.iter().any(|it| *it == self.reading.to_string());
        is_of_the_client && self.is_as_urgent(told) && shares()
    }

    fn is_as_urgent(&self, told: &v1::Alert) -> bool {
        // Who was asked to measure again was told of no alert; who closed the question has seen it.
        let only_asks = told.timers.as_ref().is_some_and(|it| it.repeat_by.is_some())
            && told.disposition.is_none();
        let is_as_urgent = told.priority.parse::<Priority>().is_ok_and(|it| it <= self.priority);
        is_as_urgent && !only_asks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn finding() -> Finding {
        Finding {
            hub: sample::HUB.parse().unwrap(),
            subject: sample::SUBJECT.parse().unwrap(),
            is_of_unknown: false,
            measured_at: None,
            plan: "copd".to_owned(),
            rule: "spo2-low".to_owned(),
            priority: Priority::High,
            reading: format!("{}-1", sample::EPOCH).parse().unwrap(),
            why: "SpO2 86 % is below 88 %".to_owned(),
        }
    }

    fn told() -> v1::Alert {
        sample::alert(2, 2, 1, "raised", "active")
    }

    #[test]
    fn an_alert_on_the_same_reading_tells_of_it_by_any_rule() {
        let by_another_rule = v1::Alert { rule: "other".to_owned(), ..told() };
        assert!(finding().is_told_by(&by_another_rule));
        let over = v1::Alert { standing: "done".to_owned(), ..by_another_rule.clone() };
        assert!(finding().is_told_by(&over));
        let elsewhere = v1::Alert { readings: Vec::new(), ..by_another_rule };
        assert!(!finding().is_told_by(&elsewhere));
    }

    #[test]
    fn an_open_alert_of_the_same_rule_tells_of_it() {
        let elsewhere = v1::Alert { readings: Vec::new(), ..told() };
        assert!(finding().is_told_by(&elsewhere));
        let over = v1::Alert { standing: "done".to_owned(), ..elsewhere.clone() };
        assert!(!finding().is_told_by(&over));
        let of_another_plan = v1::Alert { plan: "other".to_owned(), ..elsewhere };
        assert!(!finding().is_told_by(&of_another_plan));
    }

    #[test]
    fn of_what_was_told_before_only_the_same_reading_counts() {
        let earlier = v1::Alert { readings: Vec::new(), ..told() };
        assert!(finding().is_told_by(&earlier) && !finding().was_told_by(&earlier));
        assert!(finding().was_told_by(&told()));
    }

    #[test]
    fn an_alert_that_is_less_urgent_or_of_somebody_else_does_not_tell_of_it() {
        assert!(!finding().is_told_by(&v1::Alert { priority: "medium".to_owned(), ..told() }));
        let medium = Finding { priority: Priority::Medium, ..finding() };
        assert!(medium.is_told_by(&told()));
        let of_another =
            v1::Alert { subject: Some("client-9".to_owned()), rule: "other".to_owned(), ..told() };
        assert!(!finding().is_told_by(&of_another));
        assert!(finding().is_told_by(&v1::Alert { subject: None, ..told() }));
        let of_unknown = Finding { is_of_unknown: true, ..finding() };
        assert!(of_unknown.is_told_by(&of_another), "somebody said since whose it is");
    }

    #[test]
    fn a_question_for_a_repeat_does_not_tell_of_it() {
        let timers = v1::Timers {
            repeat_by: Some(v1::Deadline { at: told().raised_at, clock: None }),
            ..v1::Timers::default()
        };
        let asked = v1::Alert { standing: "pending".to_owned(), timers: Some(timers), ..told() };
        assert!(!finding().is_told_by(&asked));
        let closed = v1::Alert {
            state: "closed".to_owned(),
            standing: "done".to_owned(),
            disposition: Some("true-expected".to_owned()),
            ..asked
        };
        assert!(finding().is_told_by(&closed), "a nurse has seen the question");
    }
}
