//! `down/command`: what the agency asks of a hub; it travels signed (see `wire::sealed`).

use serde::{Deserialize, Serialize};

use super::{VERSION, value_error};
use crate::identity::{AlertId, Epoch, HubId, ReadingId, Sequence, SubjectId};
use crate::wire::canonical::DecodeError;
use crate::wire::primitive::{Bytes, Time};

/// A command, the payload of a signed envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Contract version.
    pub v: u8,
    /// The hub it is for; any other refuses it.
    pub hub: String,
    /// Identity of the command: a hub carries each out at most once.
    pub command_id: String,
    /// When it was issued.
    pub issued_at: Time,
    /// A hub refuses it after that.
    pub expires_at: Time,
    /// acknowledge, close, assign or resend.
    pub kind: String,
    /// The alert it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_id: Option<String>,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What they wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How the alert ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<String>,
    /// Until when an acknowledgement holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// How urgent the alert was when the person saw it: high, medium or low. A hub does not take on or
    /// end one that has become more urgent since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_priority: Option<String>,
    /// The reading it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading_id: Option<String>,
    /// Whose the reading is; without it, it is of none of the clients of the home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Epoch of the ranges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Bytes>,
    /// First and last of each range to send again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<(Sequence, Sequence)>>,
}

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// A person has seen the alert and takes care of it.
    Acknowledge {
        /// The alert.
        alert: AlertId,
        /// Who.
        by: String,
        /// What they wrote.
        note: Option<String>,
        /// Until when; without it, until the condition goes.
        until: Option<Time>,
    },
    /// A person ends the alert.
    Close {
        /// The alert.
        alert: AlertId,
        /// Who.
        by: String,
        /// How it ended.
        disposition: String,
        /// What they wrote.
        note: Option<String>,
    },
    /// A person says whose a reading is.
    Assign {
        /// The reading.
        reading: ReadingId,
        /// The client; `None` for none of the clients of the home.
        subject: Option<SubjectId>,
        /// Who says so.
        by: String,
        /// What they wrote.
        note: Option<String>,
    },
    /// Send records again.
    Resend {
        /// Epoch of the ranges.
        epoch: Epoch,
        /// First and last of each range.
        ranges: Vec<(Sequence, Sequence)>,
    },
}

impl Command {
    /// The command that gives `instruction` to `hub`.
    #[must_use]
    pub fn new(
        hub: &HubId,
        command_id: String,
        issued_at: Time,
        expires_at: Time,
        instruction: Instruction,
    ) -> Self {
        let bare = Self {
            v: VERSION,
            hub: hub.as_str().to_owned(),
            command_id,
            issued_at,
            expires_at,
            kind: instruction.kind().to_owned(),
            alert_id: None,
            by: None,
            note: None,
            disposition: None,
            until: None,
            seen_priority: None,
            reading_id: None,
            subject: None,
            epoch: None,
            ranges: None,
        };
        match instruction {
            Instruction::Acknowledge { alert, by, note, until } => {
                Self { alert_id: Some(alert.to_string()), by: Some(by), note, until, ..bare }
            }
            Instruction::Close { alert, by, disposition, note } => Self {
                alert_id: Some(alert.to_string()),
                by: Some(by),
                disposition: Some(disposition),
                note,
                ..bare
            },
            Instruction::Assign { reading, subject, by, note } => Self {
                reading_id: Some(reading.to_string()),
                subject: subject.map(|it| it.as_str().to_owned()),
                by: Some(by),
                note,
                ..bare
            },
            Instruction::Resend { epoch, ranges } => {
                Self { epoch: Some(Bytes(epoch.0.to_vec())), ranges: Some(ranges), ..bare }
            }
        }
    }

    /// What the command asks for.
    ///
    /// # Errors
    ///
    /// Returns [`DecodeError::Value`] for an unknown kind or where an argument of it is missing.
    pub fn instruction(&self) -> Result<Instruction, DecodeError> {
        match self.kind.as_str() {
            "acknowledge" => Ok(Instruction::Acknowledge {
                alert: self.alert()?,
                by: required("by", self.by.as_ref())?,
                note: self.note.clone(),
                until: self.until,
            }),
            "close" => Ok(Instruction::Close {
                alert: self.alert()?,
                by: required("by", self.by.as_ref())?,
                disposition: required("disposition", self.disposition.as_ref())?,
                note: self.note.clone(),
            }),
            "assign" => Ok(Instruction::Assign {
                reading: required("reading_id", self.reading_id.as_ref())?
                    .parse()
                    .map_err(|it| value_error("reading_id", &it))?,
                subject: self
                    .subject
                    .as_ref()
                    .map(|it| it.parse().map_err(|it| value_error("subject", &it)))
                    .transpose()?,
                by: required("by", self.by.as_ref())?,
                note: self.note.clone(),
            }),
            "resend" => Ok(Instruction::Resend {
                epoch: super::epoch(&required("epoch", self.epoch.as_ref())?)?,
                ranges: required("ranges", self.ranges.as_ref())?,
            }),
            unknown => Err(value_error("kind", &format!("{unknown:?} is not known here"))),
        }
    }

    fn alert(&self) -> Result<AlertId, DecodeError> {
        required("alert_id", self.alert_id.as_ref())?
            .parse()
            .map_err(|it| value_error("alert_id", &it))
    }
}

fn required<T: Clone>(key: &'static str, value: Option<&T>) -> Result<T, DecodeError> {
    value.cloned().ok_or_else(|| value_error(key, &"missing"))
}

impl Instruction {
    /// The word on the wire.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Acknowledge { .. } => "acknowledge",
            Self::Close { .. } => "close",
            Self::Assign { .. } => "assign",
            Self::Resend { .. } => "resend",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::LocalInstant;

    fn command(instruction: Instruction) -> Command {
        let at = |text| Time(LocalInstant::parse(text).unwrap());
        Command::new(
            &"hub-1".parse().unwrap(),
            "c-1".to_owned(),
            at("2026-01-02T03:04:05Z"),
            at("2026-01-02T04:04:05Z"),
            instruction,
        )
    }

    #[test]
    fn every_instruction_reads_back() {
        let alert = AlertId { epoch: Epoch([1; 8]), seq: 9 };
        let by = "Nurse N.".to_owned();
        for instruction in [
            Instruction::Acknowledge { alert, by: by.clone(), note: None, until: None },
            Instruction::Acknowledge {
                alert,
                by: by.clone(),
                note: Some("called".to_owned()),
                until: Some(Time(LocalInstant::parse("2026-01-02T09:00:00Z").unwrap())),
            },
            Instruction::Close {
                alert,
                by,
                disposition: "true-actioned".to_owned(),
                note: Some("called".to_owned()),
            },
            Instruction::Assign {
                reading: ReadingId { epoch: Epoch([1; 8]), seq: 7 },
                subject: Some("client-1".parse().unwrap()),
                by: "Nurse N.".to_owned(),
                note: None,
            },
            Instruction::Assign {
                reading: ReadingId { epoch: Epoch([1; 8]), seq: 7 },
                subject: None,
                by: "Nurse N.".to_owned(),
                note: Some("a guest".to_owned()),
            },
            Instruction::Resend { epoch: Epoch([2; 8]), ranges: vec![(1, 4), (9, 9)] },
        ] {
            assert_eq!(command(instruction.clone()).instruction().unwrap(), instruction);
        }
    }

    #[test]
    fn a_missing_argument_is_named() {
        let alert = AlertId { epoch: Epoch([1; 8]), seq: 9 };
        let mut command = command(Instruction::Acknowledge {
            alert,
            by: "N".to_owned(),
            note: None,
            until: None,
        });
        command.by = None;
        assert_eq!(command.instruction().unwrap_err().to_string(), "key by: missing");
        command.kind = "inflate".to_owned();
        assert!(command.instruction().unwrap_err().to_string().contains("\"inflate\""));
    }
}
