//! Commands of the agency: verified, for this hub, in time, and carried out once.

use tracing::{info, warn};
use vitals::wire::canonical;
use vitals::wire::sealed::{self, Purpose};
use vitals::wire::v1::{Command, EventKind, Instruction};
use vitals::{Epoch, Moment, Priority, Sequence, SequenceRanges};

use super::assign::Claim;
use super::at_home::NotDone;
use super::record::Remark;
use super::{Hub, HubError};
use crate::clock::Stamp;
use crate::store::{Ledger, StoreError};

/// A command that is to be carried out, as the ledger remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) id: String,
    pub(super) expires_at_s: i64,
    pub(super) issued_at_s: i64,
}

impl Accepted {
    /// Notes that the command is done with.
    ///
    /// What expired long ago is forgotten by the agency's clock or ours, whichever is earlier: a
    /// clock that was set far ahead for a while makes no old command new.
    pub(super) fn remember(&self, ledger: &Ledger<'_>, now: Moment) -> Result<(), StoreError> {
        let now_s = now.at.at.as_second().min(self.issued_at_s);
        ledger.remember_command(&self.id, self.expires_at_s, now_s)
    }
}

impl Hub {
    /// Carries out a command, or says why not.
    ///
    /// What nobody signed leaves no trace in the ledger: anybody could fill it otherwise.
    pub(super) fn on_command(&mut self, now: Stamp, envelope: &[u8]) -> Result<(), HubError> {
        let payload = match sealed::open(envelope, Purpose::Command, &self.agency_keys) {
            Ok(payload) => payload,
            Err(error) => {
                warn!(%error, len_bytes = envelope.len(), "unsigned command refused");
                return Ok(());
            }
        };
        let command: Command = match canonical::decode(&payload) {
            Ok(command) => command,
            Err(error) => return self.refuse(now, None, &error.to_string()),
        };
        let accepted = Accepted {
            id: command.command_id.clone(),
            expires_at_s: command.expires_at.0.at.as_second(),
            issued_at_s: command.issued_at.0.at.as_second(),
        };
        if self.store.begin()?.knows_command(&accepted.id)? {
            return Ok(());
        }
        if command.hub != self.id.as_str() {
            return self.refuse(now, Some(accepted), "it is for another hub");
        }
        if !self.time.is_known() {
            // Neither expired nor in time: the agency sends it again until it is carried out.
            info!(id = %accepted.id, "command waits until the hub knows the time");
            return Ok(());
        }
        if command.expires_at.0.at < self.local(now).at {
            return self.refuse(now, Some(accepted), "it has expired");
        }
        if self.is_overtaken(&command) {
            let cause = "the alert has become more urgent since the nurse saw it";
            return self.refuse(now, Some(accepted), cause);
        }
        match command.instruction() {
            Ok(instruction) => self.carry_out(now, instruction, accepted),
            Err(error) => self.refuse(now, Some(accepted), &error.to_string()),
        }
    }

    /// Whether the alert that it is about is more urgent than when the person saw it: a command may be
    /// on its way for a day.
    fn is_overtaken(&self, command: &Command) -> bool {
        let seen = command.seen_priority.as_deref().and_then(|it| it.parse::<Priority>().ok());
        let mut open = self.engine.open();
        let alert = open.find(|it| command.alert_id.as_deref() == Some(&it.id.to_string()));
        seen.zip(alert).is_some_and(|(seen, alert)| alert.priority < seen)
    }

    fn carry_out(
        &mut self,
        now: Stamp,
        instruction: Instruction,
        accepted: Accepted,
    ) -> Result<(), HubError> {
        let at = self.local(now);
        let answered = match instruction {
            Instruction::Acknowledge { alert, by, note, until: None } => {
                self.engine.acknowledge(at, alert, &by, note.as_deref())
            }
            Instruction::Acknowledge { alert, by, note, until: Some(until) } => {
                self.engine.snooze(self.moment(now), alert, &by, note.as_deref(), until.0)
            }
            Instruction::Close { alert, by, disposition, note } => match disposition.parse() {
                Ok(disposition) => self.engine.close(at, alert, &by, disposition, note.as_deref()),
                Err(unknown) => return self.refuse(now, Some(accepted), &unknown.to_string()),
            },
            Instruction::Assign { reading, subject, by, note } => {
                let by = by.trim().to_owned();
                let claim = Claim { reading, to: subject, by, note, is_of_a_nurse: true };
                return match self.assign(now, &claim, Some(&accepted))? {
                    // The agency sends it again.
                    Ok(()) | Err(NotDone::NotNow) => Ok(()),
                    Err(refusal) => self.refuse(now, Some(accepted), &refusal.to_string()),
                };
            }
            Instruction::Resend { epoch, ranges } => {
                self.send_again(epoch, &ranges)?;
                return self.remember(now, &accepted);
            }
        };
        match answered {
            Ok(transition) => {
                self.record_answer(now, &transition, Some(&accepted))?;
                self.end_rehearsal(now)
            }
            Err(refusal) => self.refuse(now, Some(accepted), &refusal.to_string()),
        }
    }

    fn remember(&mut self, now: Stamp, command: &Accepted) -> Result<(), HubError> {
        let recorded = self.moment(now);
        let ledger = self.store.begin()?;
        command.remember(&ledger, recorded)?;
        Ok(ledger.commit()?)
    }

    /// Takes back that the agency holds these records; its next receipt has the last word.
    fn send_again(
        &mut self,
        epoch: Epoch,
        ranges: &[(Sequence, Sequence)],
    ) -> Result<(), HubError> {
        let mut numbers = SequenceRanges::new();
        ranges.iter().for_each(|&(first, last)| numbers.insert(first..=last));
        let places = self.store.places(epoch, &numbers);
        places.iter().for_each(|it| self.held.remove(it));
        self.store.note_held(&self.held)?;
        info!(n_ranges = ranges.len(), "records are sent again on request");
        Ok(())
    }

    fn refuse(
        &mut self,
        now: Stamp,
        command: Option<Accepted>,
        cause: &str,
    ) -> Result<(), HubError> {
        let text = format!("A command of the agency was not carried out: {cause}.");
        let remark = Remark::about_hub(EventKind::CommandRefused, text);
        self.remark(now, Remark { command, ..remark })
    }
}
