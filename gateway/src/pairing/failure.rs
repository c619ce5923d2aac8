//! What a pairing that failed means for the person who wanted it: pure.
//!
//! BlueZ names what failed, and hardly ever why. What the person was asked, and whether the device
//! said that it can be paired (limited discoverable, which A&D and others set), tell the rest.
//!
//! ```text
//! error of BlueZ                   person asked   pairing mode   failure
//! AuthenticationFailed             for digits     any            wrong digits
//! AuthenticationFailed             no             no             not in pairing mode
//! AuthenticationFailed             no             yes            bonded elsewhere
//! AuthenticationFailed             no             unknown        refused: either of them
//! AuthenticationRejected           no             any            bonded elsewhere
//! any of these, person said no                                   declined
//! AuthenticationCanceled, -Timeout,
//! ConnectionAttemptFailed, Failed,
//! DoesNotExist, UnknownObject                     any            left pairing mode
//! ```

use thiserror::Error;

/// Why a device is not paired.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PairingFailure {
    /// The person typed something else than the device shows, or the other way round.
    #[error("the digits were wrong: pair it again, and type the digits exactly as they are shown")]
    WrongDigits,
    /// The person did not agree.
    #[error("you said no: nothing was paired")]
    Declined,
    /// Nobody answered what was asked.
    #[error("nobody answered: nothing was paired")]
    Unanswered,
    /// It says by itself that it cannot be paired now.
    #[error(
        "it is not in pairing mode: hold its button as its manual says until it shows that it can \
         be paired, and try again"
    )]
    NotInPairingMode,
    /// It can be paired, and refuses.
    #[error(
        "it refuses: it is bonded elsewhere, with a phone or another hub; delete it there or reset \
         the device, and try again"
    )]
    BondedElsewhere,
    /// It refuses, and does not say whether it can be paired.
    #[error(
        "it refuses: it is not in pairing mode, or it is bonded elsewhere, with a phone or another \
         hub; hold its button as its manual says, delete it there, and try again"
    )]
    Refused,
    /// It was there, and is gone.
    #[error(
        "it left pairing mode: it hung up or cannot be heard any more; hold its button again and \
         be quicker"
    )]
    LeftPairingMode,
    /// BlueZ keeps a bond, and the device does not.
    #[error(
        "it forgot its bond, as after a change of batteries or a reset: run `vitalgate device \
         forget {0}`, put it into pairing mode and pair it again"
    )]
    ForgotBond(String),
    /// It did not take what its model has to be told.
    #[error(
        "it was paired and did not learn to know this hub: {0}; put it into pairing mode and pair it \
         again"
    )]
    NotIntroduced(String),
    /// It was never heard.
    #[error(
        "it was not heard: put it into pairing mode, bring it closer, and look whether `vitalgate \
         device scan` shows it"
    )]
    NotHeard,
    /// The time that the person gave is over.
    #[error("the time is over: nothing was paired")]
    WindowClosed,
    /// The adapter is switched off.
    #[error("the Bluetooth adapter is switched off")]
    AdapterOff,
    /// Somebody else is pairing it.
    #[error("it is being paired already")]
    Busy,
    /// The daemon is gone.
    #[error("the Bluetooth daemon went away")]
    DaemonGone,
    /// Something else; BlueZ's words.
    #[error("the Bluetooth daemon says: {0}")]
    Other(String),
}

/// What is known besides the error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Circumstances {
    /// The person was asked for digits or shown some.
    pub(super) had_digits: bool,
    /// The person said no.
    pub(super) is_declined: bool,
    /// The device says that it can be paired; `None` where it says nothing about that.
    pub(super) is_in_pairing_mode: Option<bool>,
}

/// What the error of that name and text means.
pub(super) fn failure(name: &str, text: &str, known: Circumstances) -> PairingFailure {
    let short = name.rsplit('.').next().unwrap_or(name);
    let is_authentication = short.starts_with("Authentication");
    match short {
        _ if is_authentication && known.is_declined => PairingFailure::Declined,
        "AuthenticationFailed" if known.had_digits => PairingFailure::WrongDigits,
        "AuthenticationFailed" => match known.is_in_pairing_mode {
            Some(false) => PairingFailure::NotInPairingMode,
            Some(true) => PairingFailure::BondedElsewhere,
            None => PairingFailure::Refused,
        },
        "AuthenticationRejected" => PairingFailure::BondedElsewhere,
        "AuthenticationCanceled"
        | "AuthenticationTimeout"
        | "ConnectionAttemptFailed"
        | "Failed"
        | "DoesNotExist"
        | "UnknownObject" => PairingFailure::LeftPairingMode,
        "InProgress" => PairingFailure::Busy,
        "NotReady" => PairingFailure::AdapterOff,
        "ServiceUnknown" | "NoReply" | "Disconnected" => PairingFailure::DaemonGone,
        _ => PairingFailure::Other(format!("{name}: {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(short: &str, known: Circumstances, expected: &PairingFailure) {
        assert_eq!(failure(&format!("org.bluez.Error.{short}"), "text", known), *expected);
    }

    fn in_pairing_mode(is_in_pairing_mode: Option<bool>) -> Circumstances {
        Circumstances { is_in_pairing_mode, ..Circumstances::default() }
    }

    #[test]
    fn a_refusal_is_explained_by_what_the_device_says_of_itself() {
        let failed = "AuthenticationFailed";
        check(failed, in_pairing_mode(Some(false)), &PairingFailure::NotInPairingMode);
        check(failed, in_pairing_mode(Some(true)), &PairingFailure::BondedElsewhere);
        check(failed, in_pairing_mode(None), &PairingFailure::Refused);
        let rejected = "AuthenticationRejected";
        check(rejected, in_pairing_mode(None), &PairingFailure::BondedElsewhere);
    }

    #[test]
    fn digits_that_were_asked_for_were_wrong() {
        let known = Circumstances { had_digits: true, ..in_pairing_mode(Some(true)) };
        check("AuthenticationFailed", known, &PairingFailure::WrongDigits);
        let known = Circumstances { is_declined: true, ..known };
        check("AuthenticationFailed", known, &PairingFailure::Declined);
        check("AuthenticationRejected", known, &PairingFailure::Declined);
    }

    #[test]
    fn a_device_that_is_gone_left_pairing_mode() {
        for short in ["AuthenticationCanceled", "AuthenticationTimeout", "ConnectionAttemptFailed"]
        {
            check(short, in_pairing_mode(Some(true)), &PairingFailure::LeftPairingMode);
        }
        let gone = "org.freedesktop.DBus.Error.UnknownObject";
        let known = Circumstances::default();
        assert_eq!(failure(gone, "", known), PairingFailure::LeftPairingMode);
    }

    #[test]
    fn an_unknown_error_is_told_in_the_words_of_the_daemon() {
        let other = PairingFailure::Other("org.bluez.Error.Odd: text".to_owned());
        check("Odd", Circumstances::default(), &other);
    }
}
