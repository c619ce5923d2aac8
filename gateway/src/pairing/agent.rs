//! What BlueZ asks an agent (`org.bluez.Agent1`) while it pairs, and what it is answered: pure.
//!
//! ```text
//! question               chosen device                         any other device
//! RequestAuthorization   agreed: a person opened the window     rejected
//! RequestPasskey         the digits that the person types       rejected
//! RequestPinCode         the characters that the person types   rejected
//! RequestConfirmation    what the person says                   rejected
//! DisplayPasskey         shown to the person                    rejected
//! DisplayPinCode         shown to the person                    rejected
//! AuthorizeService       rejected: nobody uses services of a hub
//! Cancel, Release        whoever is asked need not answer any more
//! ```
//!
//! Source: BlueZ 5.66, `doc/agent-api.txt`.

use zbus::message::{Message, Type};
use zbus::{ObjectPath, OwnedObjectPath};

/// Interface of an agent.
pub(super) const AGENT: &str = "org.bluez.Agent1";
/// Where the hub's agent is.
pub(super) const AGENT_PATH: &str = "/org/vitalgate/agent";
/// What an agent answers that does not agree.
pub(super) const REJECTED: &str = "org.bluez.Error.Rejected";

/// The highest passkey: six digits.
const PASSKEY_MAX: u32 = 999_999;
/// Longest PIN of old devices in characters.
const PIN_LEN_MAX: usize = 16;

/// What BlueZ asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// About a device at that path.
    About(String, Request),
    /// What was asked counts no more.
    Canceled,
    /// The agent is not needed any more.
    Released,
    /// Something that no agent has to know.
    Unknown,
}

/// What BlueZ wants for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    Authorize,
    Passkey,
    Pin,
    Confirm(u32),
    Show(u32),
    ShowPin(String),
    UseService,
}

/// What a person at the command line is asked or told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// Type the digits that the device shows.
    Passkey,
    /// Type the PIN of the device.
    Pin,
    /// Say whether the device shows these digits.
    Compare(u32),
    /// Type these digits at the device; there is nothing to answer.
    Show(String),
}

/// What goes back to BlueZ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Agreed,
    Passkey(u32),
    Pin(String),
    Rejected,
}

/// What is to be done about a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Answer it.
    Answer(Reply),
    /// Tell the person, and answer it.
    Tell(Prompt, Reply),
    /// Ask the person.
    Ask(Prompt),
}

/// Reads a call to the agent; `None` where the message is something else.
pub(super) fn read(message: &Message) -> Option<Question> {
    let header = message.header();
    let is_ours = message.message_type() == Type::MethodCall
        && header.interface().is_some_and(|it| it.as_str() == AGENT)
        && header.path().is_some_and(|it| it.as_str() == AGENT_PATH);
    if !is_ours {
        return None;
    }
    let body = message.body();
    let device = || body.deserialize::<OwnedObjectPath>().ok();
    let asked = match header.member()?.as_str() {
        "RequestAuthorization" => device().map(|it| (it, Request::Authorize)),
        "RequestPasskey" => device().map(|it| (it, Request::Passkey)),
        "RequestPinCode" => device().map(|it| (it, Request::Pin)),
        "RequestConfirmation" => body
            .deserialize::<(ObjectPath<'_>, u32)>()
            .ok()
            .map(|(it, digits)| (it.into(), Request::Confirm(digits))),
        "DisplayPasskey" => body
            .deserialize::<(ObjectPath<'_>, u32, u16)>()
            .ok()
            .map(|(it, digits, _typed)| (it.into(), Request::Show(digits))),
        "DisplayPinCode" => body
            .deserialize::<(ObjectPath<'_>, String)>()
            .ok()
            .map(|(it, pin)| (it.into(), Request::ShowPin(pin))),
        "AuthorizeService" => body
            .deserialize::<(ObjectPath<'_>, String)>()
            .ok()
            .map(|(it, _service)| (it.into(), Request::UseService)),
        "Cancel" => return Some(Question::Canceled),
        "Release" => return Some(Question::Released),
        _ => None,
    };
    Some(asked.map_or(Question::Unknown, |(it, request)| Question::About(it.to_string(), request)))
}

/// What is to be done about `request`, which is for the device at `path`, while the window is open
/// for the one at `chosen`.
pub(super) fn decide(chosen: &str, path: &str, request: Request) -> Decision {
    if path != chosen {
        return Decision::Answer(Reply::Rejected);
    }
    match request {
        Request::Authorize => Decision::Answer(Reply::Agreed),
        Request::Passkey => Decision::Ask(Prompt::Passkey),
        Request::Pin => Decision::Ask(Prompt::Pin),
        Request::Confirm(digits) => Decision::Ask(Prompt::Compare(digits)),
        Request::Show(digits) => Decision::Tell(Prompt::Show(six_digits(digits)), Reply::Agreed),
        Request::ShowPin(pin) => Decision::Tell(Prompt::Show(pin), Reply::Agreed),
        Request::UseService => Decision::Answer(Reply::Rejected),
    }
}

impl Prompt {
    /// What the person is told, a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Passkey => "Type the six digits that the device shows:".to_owned(),
            Self::Pin => "Type the PIN of the device:".to_owned(),
            Self::Compare(digits) => {
                format!("Does the device show {}? yes or no:", six_digits(*digits))
            }
            Self::Show(digits) => format!("Type {digits} at the device."),
        }
    }

    /// What the person's line means; `None` where it means nothing.
    pub(super) fn reply(&self, line: &str) -> Option<Reply> {
        let line = line.trim();
        match self {
            Self::Passkey => {
                let digits: String = line.chars().filter(|it| !matches!(it, ' ' | '-')).collect();
                let is_passkey = digits.len() == 6 && digits.bytes().all(|it| it.is_ascii_digit());
                let passkey = is_passkey.then(|| digits.parse().ok()).flatten();
                passkey.filter(|it| *it <= PASSKEY_MAX).map(Reply::Passkey)
            }
            Self::Pin => {
                let is_pin = (1..=PIN_LEN_MAX).contains(&line.len()) && line.is_ascii();
                is_pin.then(|| Reply::Pin(line.to_owned()))
            }
            Self::Compare(_) => match line.to_ascii_lowercase().as_str() {
                "y" | "yes" => Some(Reply::Agreed),
                "n" | "no" => Some(Reply::Rejected),
                _ => None,
            },
            Self::Show(_) => None,
        }
    }
}

fn six_digits(digits: u32) -> String {
    format!("{digits:06}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUFF: &str = "/org/bluez/hci0/dev_00_09_1F_8A_01_02";
    const OTHER: &str = "/org/bluez/hci0/dev_00_09_1F_8A_01_03";

    fn every_request() -> [Request; 7] {
        [
            Request::Authorize,
            Request::Passkey,
            Request::Pin,
            Request::Confirm(1),
            Request::Show(1),
            Request::ShowPin("0000".to_owned()),
            Request::UseService,
        ]
    }

    fn call(member: &str, body: &(impl serde::Serialize + zbus::DynamicType)) -> Message {
        Message::method_call(AGENT_PATH, member).interface(AGENT).build(body).unwrap()
    }

    fn path() -> ObjectPath<'static> {
        ObjectPath::try_from(CUFF).unwrap()
    }

    #[track_caller]
    fn check(message: &Message, request: Request) {
        assert_eq!(read(message), Some(Question::About(CUFF.to_owned(), request)));
    }

    #[test]
    fn questions_are_read_with_what_goes_with_them() {
        check(&call("RequestAuthorization", &path()), Request::Authorize);
        check(&call("RequestPasskey", &path()), Request::Passkey);
        check(&call("RequestPinCode", &path()), Request::Pin);
        check(&call("RequestConfirmation", &(path(), 42_u32)), Request::Confirm(42));
        check(&call("DisplayPasskey", &(path(), 42_u32, 0_u16)), Request::Show(42));
        check(&call("DisplayPinCode", &(path(), "0000")), Request::ShowPin("0000".to_owned()));
        check(&call("AuthorizeService", &(path(), "1810")), Request::UseService);
        assert_eq!(read(&call("Cancel", &())), Some(Question::Canceled));
        assert_eq!(read(&call("Release", &())), Some(Question::Released));
    }

    #[test]
    fn what_cannot_be_read_is_no_question() {
        assert_eq!(read(&call("RequestAuthorization", &7_u32)), Some(Question::Unknown));
        assert_eq!(read(&call("MakeCoffee", &())), Some(Question::Unknown));
        let elsewhere = Message::method_call("/", "Cancel").interface(AGENT).build(&()).unwrap();
        assert_eq!(read(&elsewhere), None);
    }

    #[test]
    fn no_device_is_paired_but_the_chosen_one() {
        for request in every_request() {
            let rejected = Decision::Answer(Reply::Rejected);
            assert_eq!(decide(CUFF, OTHER, request.clone()), rejected, "{request:?}");
        }
        assert_eq!(decide(CUFF, CUFF, Request::Authorize), Decision::Answer(Reply::Agreed));
    }

    #[test]
    fn digits_are_shown_with_their_zeros() {
        let shown = Decision::Tell(Prompt::Show("000042".to_owned()), Reply::Agreed);
        assert_eq!(decide(CUFF, CUFF, Request::Show(42)), shown);
        assert!(Prompt::Compare(42).text().contains("000042"));
    }

    #[test]
    fn a_line_is_an_answer_or_nothing() {
        assert_eq!(Prompt::Passkey.reply("012 345\n"), Some(Reply::Passkey(12_345)));
        for line in ["", "12345", "1234567", "12345x", "yes"] {
            assert_eq!(Prompt::Passkey.reply(line), None, "{line:?}");
        }
        assert_eq!(Prompt::Compare(1).reply("Yes"), Some(Reply::Agreed));
        assert_eq!(Prompt::Compare(1).reply("n"), Some(Reply::Rejected));
        assert_eq!(Prompt::Compare(1).reply("perhaps"), None);
        assert_eq!(Prompt::Pin.reply(" 0000 "), Some(Reply::Pin("0000".to_owned())));
        assert_eq!(Prompt::Pin.reply("12345678901234567"), None);
    }
}
