//! How an alert stands, read from the words of the wire.

use alerting::Standing;
use alerting::technical::{PLAN, TEST_ALARM};
use vitals::wire::v1::Alert;

/// Reads a standing.
///
/// A word of a later contract reads as active: what is not understood never leaves the worklist.
#[must_use]
pub fn standing(word: &str) -> Standing {
    let known = Standing::ALL.into_iter().find(|it| it.as_str() == word);
    known.unwrap_or(Standing::Active)
}

/// Whether the alert still waits for something.
#[must_use]
pub const fn is_open(standing: Standing) -> bool {
    match standing {
        Standing::Pending | Standing::Active | Standing::Latched | Standing::Acknowledged => true,
        Standing::Done => false,
    }
}

/// Whether nobody has taken the alert on yet.
#[must_use]
pub const fn waits_for_a_nurse(standing: Standing) -> bool {
    match standing {
        Standing::Active | Standing::Latched => true,
        Standing::Pending | Standing::Acknowledged | Standing::Done => false,
    }
}

/// Whether it is the daily test alarm of a hub, which the station answers itself.
#[must_use]
pub fn is_test_alarm(alert: &Alert) -> bool {
    alert.category == "technical" && alert.plan == PLAN && alert.rule == TEST_ALARM
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standing_reads_back() {
        for it in Standing::ALL {
            assert_eq!(standing(it.as_str()), it);
        }
    }

    #[test]
    fn an_unknown_word_stays_on_the_worklist() {
        assert!(waits_for_a_nurse(standing("escalating")));
    }
}
