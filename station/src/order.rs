//! Orders: what a nurse asked a home to do about an alert or a reading, until the home shows that it
//! was done.

use std::str::FromStr;

use alerting::Disposition;
use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use vitals::alert::UnknownWord;
use vitals::wire::canonical::{DecodeError, decode, encode};
use vitals::wire::primitive::Time;
use vitals::wire::sealed::{Purpose, seal};
use vitals::wire::v1::{Command, Instruction};
use vitals::{AlertId, HubId, LocalInstant, Priority, ReadingId, SubjectId};

/// What a nurse asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The home.
    pub hub: HubId,
    /// What is to happen, and to what.
    pub aim: Aim,
    /// Who asks.
    pub by: String,
    /// What they wrote.
    pub note: Option<String>,
}

/// What is to happen, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aim {
    /// Acknowledge or close an alert.
    Alert(AlertId, Deed),
    /// Say whose a reading is; `None` for none of the clients of the home.
    Reading(ReadingId, Option<SubjectId>),
}

/// What is to happen to the alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Somebody takes care of it.
    Acknowledge,
    /// Somebody takes care of it until then; it asks again by itself.
    Snooze(Timestamp),
    /// It ends.
    Close(Disposition),
}

/// An order on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Identity of the command: the home carries it out at most once.
    pub id: String,
    /// What was asked.
    pub wish: Wish,
    /// Revision of the alert that the nurse saw; 0 where it is about a reading.
    pub seen_rev: u32,
    /// How urgent it was then; `None` in orders of earlier versions, and about a reading.
    pub seen_priority: Option<Priority>,
    /// When it was asked.
    pub issued_at: Timestamp,
    /// The home refuses it after that.
    pub expires_at: Timestamp,
    /// How far it is.
    pub progress: Progress,
    /// Why the home refused it, in its own words.
    pub refusal: Option<String>,
    /// The command before it was signed.
    pub payload: Vec<u8>,
    /// The signed command: the same bytes each time it is sent.
    pub sealed: Vec<u8>,
}

/// How far an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The home has not shown the effect yet.
    OnItsWay,
    /// The home has shown the effect.
    Done,
    /// The home did not answer in time; the nurse has to ask again.
    Expired,
    /// The alert has become more urgent before the home had the order, and the home refuses it.
    Overtaken,
    /// The home has said that it does not carry it out.
    Refused,
}

impl Order {
    /// Signs the command for `wish`.
    ///
    /// # Errors
    ///
    /// Fails where the command cannot be encoded, which no wish causes.
    pub fn sign(
        id: String,
        wish: Wish,
        seen_rev: u32,
        seen_priority: Option<Priority>,
        issued_at: Timestamp,
        expires_at: Timestamp,
        key: &SigningKey,
    ) -> Result<Self, String> {
        let time = |at| Time(LocalInstant::utc(at));
        let instruction = wish.instruction();
        let command =
            Command::new(&wish.hub, id.clone(), time(issued_at), time(expires_at), instruction);
        let seen = seen_priority.map(|it| it.as_str().to_owned());
        let command = Command { seen_priority: seen, ..command };
        let payload = encode(&command).map_err(|it| it.to_string())?;
        let sealed = seal(&payload, Purpose::Command, key).map_err(|it| it.to_string())?;
        let progress = Progress::OnItsWay;
        Ok(Self {
            id,
            wish,
            seen_rev,
            seen_priority,
            issued_at,
            expires_at,
            progress,
            refusal: None,
            payload,
            sealed,
        })
    }

    /// The order whose command was stored.
    ///
    /// # Errors
    ///
    /// Fails where the bytes are no command about an alert or a reading; such a command was never signed here.
    pub fn restore(
        payload: Vec<u8>,
        sealed: Vec<u8>,
        seen_rev: u32,
        progress: Progress,
    ) -> Result<Self, DecodeError> {
        let value = |key, cause: String| DecodeError::Value { key, cause };
        let command: Command = decode(&payload)?;
        let hub = command.hub.parse::<HubId>().map_err(|it| value("hub", it.to_string()))?;
        let (aim, by, note) = match command.instruction()? {
            Instruction::Acknowledge { alert, by, note, until } => {
                let deed = until.map_or(Deed::Acknowledge, |it| Deed::Snooze(it.0.at));
                (Aim::Alert(alert, deed), by, note)
            }
            Instruction::Close { alert, by, disposition, note } => {
                let disposition = disposition.parse::<Disposition>();
                let deed = disposition.map_err(|it| value("disposition", it.to_string()))?;
                (Aim::Alert(alert, Deed::Close(deed)), by, note)
            }
            Instruction::Assign { reading, subject, by, note } => {
                (Aim::Reading(reading, subject), by, note)
            }
            Instruction::Resend { .. } => {
                return Err(value("kind", "about no alert and no reading".to_owned()));
            }
        };
        let wish = Wish { hub, aim, by, note };
        let (issued_at, expires_at) = (command.issued_at.0.at, command.expires_at.0.at);
        let seen_priority = command.seen_priority.as_deref().and_then(|it| it.parse().ok());
        let id = command.command_id;
        Ok(Self {
            id,
            wish,
            seen_rev,
            seen_priority,
            issued_at,
            expires_at,
            progress,
            refusal: None,
            payload,
            sealed,
        })
    }

    /// Whether a transition shows what was asked for.
    ///
    /// A transition that the nurse had already seen shows nothing; an alert that is over needs no
    /// order any more.
    #[must_use]
    pub fn is_shown_by(&self, rev: u32, state: &str, is_open: bool) -> bool {
        let is_later = self.seen_rev < rev;
        match self.wish.aim {
            Aim::Alert(_alert, Deed::Acknowledge | Deed::Snooze(_)) => {
                is_later && (state == "acknowledged" || !is_open)
            }
            Aim::Alert(_alert, Deed::Close(_disposition)) => is_later && !is_open,
            Aim::Reading(..) => false,
        }
    }

    /// Takes in that the home refused it and `why`; what has become of it otherwise stays.
    pub fn refuse(&mut self, why: &str) {
        if self.progress == Progress::OnItsWay {
            self.progress = Progress::Refused;
        }
        if self.progress == Progress::Refused {
            self.refusal = Some(why.to_owned());
        }
    }

    /// Whether an alert that is of `priority` now is more urgent than what the nurse saw.
    #[must_use]
    pub fn is_overtaken_by(&self, priority: Priority) -> bool {
        self.seen_priority.is_some_and(|seen| priority < seen)
    }
}

impl Wish {
    /// The kind of the command: the word in the interface.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match &self.aim {
            Aim::Alert(_alert, deed) => deed.as_str(),
            Aim::Reading(..) => "assign",
        }
    }

    /// The key of the alert or reading that it is about.
    #[must_use]
    pub fn about(&self) -> String {
        match &self.aim {
            Aim::Alert(alert, _deed) => alert.to_string(),
            Aim::Reading(reading, _to) => reading.to_string(),
        }
    }

    fn instruction(&self) -> Instruction {
        let (by, note) = (self.by.clone(), self.note.clone());
        match &self.aim {
            &Aim::Alert(alert, Deed::Acknowledge) => {
                Instruction::Acknowledge { alert, by, note, until: None }
            }
            &Aim::Alert(alert, Deed::Snooze(until)) => {
                let until = Some(Time(LocalInstant::utc(until)));
                Instruction::Acknowledge { alert, by, note, until }
            }
            &Aim::Alert(alert, Deed::Close(disposition)) => {
                let disposition = disposition.as_str().to_owned();
                Instruction::Close { alert, by, disposition, note }
            }
            Aim::Reading(reading, to) => {
                Instruction::Assign { reading: *reading, subject: to.clone(), by, note }
            }
        }
    }
}

impl Deed {
    /// The word in the database and in the interface: the command's kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge | Self::Snooze(_) => "acknowledge",
            Self::Close(_disposition) => "close",
        }
    }
}

impl FromStr for Progress {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or_else(|| UnknownWord {
            word: text.to_owned(),
            known: Self::ALL.iter().map(|it| it.as_str()).collect(),
        })
    }
}

impl Progress {
    /// Every stage.
    pub const ALL: [Self; 5] =
        [Self::OnItsWay, Self::Done, Self::Expired, Self::Overtaken, Self::Refused];

    /// The word in the database and in the interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnItsWay => "on-its-way",
            Self::Done => "done",
            Self::Expired => "expired",
            Self::Overtaken => "overtaken",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use vitals::wire::sealed::open;

    use super::*;

    fn order(deed: Deed) -> Order {
        order_to(Aim::Alert("0101010101010101-4".parse().unwrap(), deed))
    }

    fn order_to(aim: Aim) -> Order {
        let wish = Wish {
            hub: "hub-1".parse().unwrap(),
            aim,
            by: "Nora".to_owned(),
            note: Some("called".to_owned()),
        };
        let at = Timestamp::from_second(1_780_000_000).unwrap();
        let key = SigningKey::from_bytes(&[7; 32]);
        let until = at + jiff::SignedDuration::from_hours(1);
        Order::sign("c1".to_owned(), wish, 2, Some(Priority::Medium), at, until, &key).unwrap()
    }

    #[test]
    fn the_signed_command_says_what_was_asked() {
        let order = order(Deed::Close(Disposition::TrueActioned));
        let key = SigningKey::from_bytes(&[7; 32]).verifying_key();
        let command: Command =
            decode(&open(&order.sealed, Purpose::Command, &[key]).unwrap()).unwrap();
        assert_eq!(command.instruction().unwrap(), order.wish.instruction());
        assert_eq!((command.hub.as_str(), command.command_id.as_str()), ("hub-1", "c1"));
    }

    #[test]
    fn a_stored_order_is_restored() {
        let until = Timestamp::from_second(1_780_003_600).unwrap();
        for deed in [Deed::Acknowledge, Deed::Snooze(until), Deed::Close(Disposition::Test)] {
            let order = order(deed);
            let (payload, sealed) = (order.payload.clone(), order.sealed.clone());
            assert_eq!(Order::restore(payload, sealed, 2, Progress::OnItsWay).unwrap(), order);
        }
        for to in [Some("client-1".parse().unwrap()), None] {
            let order = order_to(Aim::Reading("0101010101010101-3".parse().unwrap(), to));
            let (payload, sealed) = (order.payload.clone(), order.sealed.clone());
            assert_eq!(Order::restore(payload, sealed, 2, Progress::OnItsWay).unwrap(), order);
        }
    }

    #[test]
    fn an_alert_that_is_more_urgent_than_what_was_seen_overtakes_its_order() {
        let order = order(Deed::Acknowledge);
        assert!(order.is_overtaken_by(Priority::High));
        assert!(!order.is_overtaken_by(Priority::Medium));
        assert!(!order.is_overtaken_by(Priority::Low));
    }

    #[test]
    fn only_a_later_transition_shows_an_acknowledgement() {
        let order = order(Deed::Acknowledge);
        assert!(!order.is_shown_by(2, "acknowledged", true));
        assert!(order.is_shown_by(3, "acknowledged", true));
        assert!(!order.is_shown_by(3, "repeated", true));
        assert!(order.is_shown_by(3, "cleared", false));
    }

    #[test]
    fn only_the_end_shows_a_closing() {
        let order = order(Deed::Close(Disposition::Test));
        assert!(!order.is_shown_by(3, "acknowledged", true));
        assert!(order.is_shown_by(4, "closed", false));
    }
}
