//! When to scan, when to stop and when to connect: pure.
//!
//! BlueZ refuses or delays connections while it scans, so a scan is stopped before a connection
//! is asked for and started again when the device is set up.
//!
//! ```text
//! discovery \ wanted   connect      renew or switch off   nothing                  quiet
//! off                  connect      switch off, or start  start, unless a device   wait
//!                                                         is being set up
//! starting, stopping   wait         wait                  wait                     wait
//! on                   stop         stop                  wait                     stop
//! ```
//!
//! Quiet is what a person who pairs a device asks for.

use super::roster::Member;

/// Discovery, as far as we asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Discovery {
    Off,
    Starting,
    On,
    /// Being stopped, or the adapter is being switched off.
    Stopping,
}

/// What the radio is wanted for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// A device waits to be connected.
    pub(super) candidate: Option<Member>,
    /// A device is being set up.
    pub(super) is_setting_up: bool,
    /// Discovery is to be started anew.
    pub(super) is_renewal_due: bool,
    /// The adapter is to be switched off before discovery starts anew.
    pub(super) is_power_cycle_due: bool,
    /// The radio is to be left to somebody else.
    pub(super) is_quiet: bool,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Wait,
    Start,
    Stop,
    Connect(Member),
    SwitchOff,
}

/// The next step.
pub(super) fn next_step(discovery: Discovery, wanted: Wanted) -> Step {
    match (discovery, wanted.candidate) {
        (Discovery::Starting | Discovery::Stopping, _) => Step::Wait,
        (Discovery::On, _) if wanted.is_quiet => Step::Stop,
        (Discovery::Off, _) if wanted.is_quiet => Step::Wait,
        (Discovery::On, Some(_)) => Step::Stop,
        (Discovery::On, None) if wanted.is_renewal_due || wanted.is_power_cycle_due => Step::Stop,
        (Discovery::On, None) => Step::Wait,
        (Discovery::Off, _) if wanted.is_setting_up => Step::Wait,
        (Discovery::Off, Some(member)) => Step::Connect(member),
        (Discovery::Off, None) if wanted.is_power_cycle_due => Step::SwitchOff,
        (Discovery::Off, None) => Step::Start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Wanted = Wanted {
        candidate: None,
        is_setting_up: false,
        is_renewal_due: false,
        is_power_cycle_due: false,
        is_quiet: false,
    };

    #[test]
    fn an_idle_radio_scans() {
        assert_eq!(next_step(Discovery::Off, IDLE), Step::Start);
        assert_eq!(next_step(Discovery::On, IDLE), Step::Wait);
    }

    #[test]
    fn a_scan_is_stopped_before_a_connection() {
        let wanted = Wanted { candidate: Some(4), ..IDLE };
        assert_eq!(next_step(Discovery::On, wanted), Step::Stop);
        assert_eq!(next_step(Discovery::Stopping, wanted), Step::Wait);
        assert_eq!(next_step(Discovery::Off, wanted), Step::Connect(4));
    }

    #[test]
    fn nothing_starts_while_a_device_is_set_up() {
        let wanted = Wanted { is_setting_up: true, is_power_cycle_due: true, ..IDLE };
        assert_eq!(next_step(Discovery::Off, wanted), Step::Wait);
    }

    #[test]
    fn a_deaf_radio_is_switched_off_between_two_scans() {
        let wanted = Wanted { is_power_cycle_due: true, ..IDLE };
        assert_eq!(next_step(Discovery::On, wanted), Step::Stop);
        assert_eq!(next_step(Discovery::Off, wanted), Step::SwitchOff);
        assert_eq!(next_step(Discovery::Stopping, wanted), Step::Wait);
    }

    #[test]
    fn a_person_who_pairs_a_device_has_the_radio() {
        let wanted =
            Wanted { candidate: Some(0), is_power_cycle_due: true, is_quiet: true, ..IDLE };
        assert_eq!(next_step(Discovery::On, wanted), Step::Stop);
        assert_eq!(next_step(Discovery::Stopping, wanted), Step::Wait);
        assert_eq!(next_step(Discovery::Off, wanted), Step::Wait);
    }

    #[test]
    fn a_measurement_goes_before_any_remedy() {
        let wanted = Wanted { candidate: Some(0), is_power_cycle_due: true, ..IDLE };
        assert_eq!(next_step(Discovery::Off, wanted), Step::Connect(0));
    }
}
