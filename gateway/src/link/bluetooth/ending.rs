//! What the end of a session means: pure.
//!
//! BlueZ 5.66 does not say why a link ended, and the texts of its errors change with its version.
//! So nothing here looks at a text: what counts is how far the session had come, whether values
//! came, and whether the link is still up.
//!
//! ```text
//! cause \ stage        connecting .. subscribing      asking      set up
//! link lost, values    by device                      failed      by device
//! link lost, none      failed                         failed      by device
//! quiet                -                              -           by hub
//! call failed          failed                         failed      failed
//! timed out            failed                         failed      failed
//! radio lost           failed                         failed      failed
//! ```

use crate::link::SessionEnd;

/// Failures in a row after which a bonded device is thought to have forgotten its bond.
const N_FAILURES_PAIR_AGAIN: u32 = 3;

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The link is asked for.
    Connecting,
    /// The link is there, BlueZ reads the services.
    Resolving,
    /// We read the services from BlueZ.
    Discovering,
    /// We subscribe.
    Subscribing,
    /// It is asked for what it stores, block by block.
    Asking,
    /// Every subscription is made, and nothing is left to ask.
    SetUp,
}

impl Stage {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "it was connected",
            Self::Resolving => "its services were known",
            Self::Discovering => "its services were read",
            Self::Subscribing => "it was subscribed to",
            Self::Asking => "it had told all that it stores",
            Self::SetUp => "it was done",
        }
    }
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// The link went down and we did not ask for it.
    LinkLost,
    /// The device had nothing more to say.
    Quiet,
    /// A step took too long.
    TimedOut,
    /// A call failed while the link was up or was being made.
    CallFailed(String),
    /// The adapter, the daemon or the bus failed.
    RadioLost(String),
}

/// Why a session ends in which nothing came for long enough: a device that could not be asked for what it
/// has, and said nothing by itself, may well have something.
pub(super) fn silence(is_unasked: bool, n_values: u64) -> Cause {
    match is_unasked && n_values == 0 {
        true => Cause::CallFailed("it could not be asked to talk".to_owned()),
        false => Cause::Quiet,
    }
}

/// Says what an end means. `n_values` counts the values that came in the session.
pub(super) fn verdict(stage: Stage, cause: &Cause, n_values: u64) -> SessionEnd {
    // A link that went down was up, though the answer to the request for it came behind.
    let stage = if *cause == Cause::LinkLost { stage.max(Stage::Resolving) } else { stage };
    let goal = stage.as_str();
    match cause {
        Cause::LinkLost if stage == Stage::SetUp => SessionEnd::ByDevice,
        Cause::LinkLost if stage != Stage::Asking && 0 < n_values => SessionEnd::ByDevice,
        Cause::LinkLost => SessionEnd::Failed(format!("the device hung up before {goal}")),
        Cause::Quiet => SessionEnd::ByHub,
        Cause::TimedOut => SessionEnd::Failed(format!("the time ran out before {goal}")),
        Cause::CallFailed(why) => SessionEnd::Failed(format!("failed before {goal}: {why}")),
        Cause::RadioLost(why) => SessionEnd::Failed(format!("{why} before {goal}")),
    }
}

/// Adds what a person can do about a device that fails again and again.
///
/// The bond is never deleted by the hub: the same failures come from a weak radio.
pub(super) fn with_advice(end: SessionEnd, n_failures: u32, is_bonded: bool) -> SessionEnd {
    match end {
        SessionEnd::Failed(why) if is_bonded && N_FAILURES_PAIR_AGAIN <= n_failures => {
            SessionEnd::Failed(format!(
                "{why}; {n_failures} failures in a row: bring it closer, \
                 and if that does not help, pair it again"
            ))
        }
        end @ (SessionEnd::ByDevice | SessionEnd::ByHub | SessionEnd::Failed(_)) => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fails(stage: Stage, cause: &Cause, n_values: u64, sentence: &str) {
        assert_eq!(verdict(stage, cause, n_values), SessionEnd::Failed(sentence.to_owned()));
    }

    #[test]
    fn a_device_that_could_not_be_asked_is_no_quiet_day() {
        let sentence = "failed before it was done: it could not be asked to talk";
        fails(Stage::SetUp, &silence(true, 0), 0, sentence);
        assert_eq!(verdict(Stage::SetUp, &silence(false, 0), 0), SessionEnd::ByHub);
        assert_eq!(verdict(Stage::SetUp, &silence(true, 1), 1), SessionEnd::ByHub);
    }

    #[test]
    fn a_device_that_hangs_up_once_it_is_set_up_is_a_success() {
        assert_eq!(verdict(Stage::SetUp, &Cause::LinkLost, 0), SessionEnd::ByDevice);
        assert_eq!(verdict(Stage::SetUp, &Cause::LinkLost, 3), SessionEnd::ByDevice);
    }

    #[test]
    fn a_device_that_said_what_it_had_to_say_early_is_a_success() {
        assert_eq!(verdict(Stage::Resolving, &Cause::LinkLost, 1), SessionEnd::ByDevice);
    }

    #[test]
    fn a_device_that_hangs_up_with_a_question_open_has_not_told_all() {
        let sentence = "the device hung up before it had told all that it stores";
        fails(Stage::Asking, &Cause::LinkLost, 40, sentence);
    }

    #[test]
    fn a_link_that_drops_before_the_services_are_known_has_failed() {
        let sentence = "the device hung up before its services were known";
        fails(Stage::Resolving, &Cause::LinkLost, 0, sentence);
        fails(Stage::Connecting, &Cause::LinkLost, 0, sentence);
    }

    #[test]
    fn a_failure_stays_a_failure_though_values_came() {
        let cause = Cause::CallFailed("br-connection-canceled".to_owned());
        fails(
            Stage::Connecting,
            &cause,
            2,
            "failed before it was connected: br-connection-canceled",
        );
        fails(
            Stage::Resolving,
            &Cause::TimedOut,
            2,
            "the time ran out before its services were known",
        );
        let cause = Cause::RadioLost("the adapter was unplugged".to_owned());
        fails(Stage::SetUp, &cause, 2, "the adapter was unplugged before it was done");
    }

    #[test]
    fn a_quiet_device_is_let_go() {
        assert_eq!(verdict(Stage::SetUp, &Cause::Quiet, 2), SessionEnd::ByHub);
    }

    #[test]
    fn a_bonded_device_that_fails_again_and_again_is_to_be_paired_again() {
        let failed = || SessionEnd::Failed("why".to_owned());
        assert_eq!(with_advice(failed(), 2, true), failed());
        assert_eq!(with_advice(failed(), 9, false), failed());
        assert!(matches!(
            with_advice(failed(), 3, true),
            SessionEnd::Failed(why) if why.contains("pair it again")
        ));
        assert_eq!(with_advice(SessionEnd::ByDevice, 3, true), SessionEnd::ByDevice);
    }
}
