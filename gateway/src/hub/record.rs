//! Recording: the one transaction of a reading, an answer, a deadline or a remark.
//!
//! What a crash leaves behind: before the commit returns, nothing of it; after, all of it. The
//! engine is told after the commit; a crash in between is a restart, which reads the ledger.

use alerting::{Condition, Transition};
use tracing::{debug, info};
use vitals::wire::canonical;
use vitals::wire::primitive::{Bytes, Time};
use vitals::wire::v1::{self, EventKind, MESSAGE_LEN_BYTES_MAX, VERSION};
use vitals::{AlertId, DeviceId, Epoch, HubId, Moment, Reading, ReadingId, Sequence, SubjectId};

use super::command::Accepted;
use super::{Hub, HubError, prompt, translate};
use crate::clock::Stamp;
use crate::link::LinkName;
use crate::store::{Lane, Ledger, LedgerKey};

/// Most raw bytes that one message carries; no characteristic or frame is longer.
const RAW_LEN_BYTES_MAX: usize = MESSAGE_LEN_BYTES_MAX / 2;

/// Something to tell the agency that is neither a reading nor an alert.
#[derive(Debug, Clone)]
pub(super) struct Remark {
    pub(super) kind: EventKind,
    pub(super) device: Option<DeviceId>,
    pub(super) subject: Option<SubjectId>,
    pub(super) text: String,
    pub(super) source: Option<String>,
    pub(super) raw: Option<Vec<u8>>,
    /// Content identity: a remark that a device repeats is recorded once.
    pub(super) identity: Option<[u8; 16]>,
    /// Whose a reading is, where a person said so.
    pub(super) assignment: Option<v1::Assignment>,
    /// The command that it answers, which is done with.
    pub(super) command: Option<Accepted>,
}

impl Remark {
    pub(super) fn about_hub(kind: EventKind, text: String) -> Self {
        Self {
            kind,
            device: None,
            subject: None,
            text,
            source: None,
            raw: None,
            identity: None,
            assignment: None,
            command: None,
        }
    }

    pub(super) fn about_link(kind: EventKind, link: LinkName, text: String) -> Self {
        let source = Some(link.as_str().to_owned());
        Self { source, ..Self::about_hub(kind, text) }
    }

    /// The command that it refuses; a command that was carried out is shown by its effect.
    fn refused_command(&self) -> Option<String> {
        let is_refusal = self.kind == EventKind::CommandRefused;
        self.command.as_ref().filter(|_it| is_refusal).map(|it| it.id.clone())
    }

    /// It as it travels under the number `seq`.
    pub(super) fn message(
        &self,
        hub: &HubId,
        epoch: Epoch,
        seq: Sequence,
        recorded: Moment,
    ) -> v1::Event {
        let raw = |it: &Vec<u8>| Bytes(it.iter().copied().take(RAW_LEN_BYTES_MAX).collect());
        v1::Event {
            v: VERSION,
            epoch: Bytes(epoch.0.to_vec()),
            seq,
            hub: hub.as_str().to_owned(),
            recorded_at: Time(recorded.at),
            clock: v1::Clock::of(&recorded),
            kind: self.kind.as_str().to_owned(),
            device: self.device.as_ref().map(|it| it.as_str().to_owned()),
            subject: self.subject.as_ref().map(|it| it.as_str().to_owned()),
            text: self.text.clone(),
            source: self.source.clone(),
            raw: self.raw.as_ref().map(raw),
            assignment: self.assignment.clone(),
            command_id: self.refused_command(),
        }
    }
}

impl Hub {
    /// Records a reading with everything that follows from it; whether it was new: a replay is
    /// dropped.
    ///
    /// `reading.id` and `reading.recorded` are given here.
    pub(super) fn record_reading(
        &mut self,
        now: Stamp,
        reading: &Reading,
        identity: Option<[u8; 16]>,
    ) -> Result<bool, HubError> {
        self.with_room(now, |hub| hub.commit_reading(now, reading.clone(), identity))
    }

    fn commit_reading(
        &mut self,
        now: Stamp,
        mut reading: Reading,
        identity: Option<[u8; 16]>,
    ) -> Result<bool, HubError> {
        let recorded = self.moment(now);
        reading.recorded = recorded;
        let epoch = self.store.epoch();
        let content = identity.map(|it| content_key(&reading.device.id, it));
        let mut ledger = self.store.begin()?;
        if let Some(content) = &content {
            if ledger.knows_content(content)? {
                debug!(device = %reading.device.id, "replayed reading dropped");
                return Ok(false);
            }
            ledger.remember_content(content, ledger.next_seq())?;
        }
        let seq = ledger.next_number();
        reading.id = ReadingId { epoch, seq };
        reading.raw.truncate(RAW_LEN_BYTES_MAX);
        let message = v1::Reading::new(&reading, &self.id);
        ledger.append(Lane::Reading, &canonical::encode(&message)?)?;
        let next = AlertId { epoch, seq: ledger.next_number() };
        let transitions = self.engine.observe(recorded.at, &reading, next);
        append_transitions(&mut ledger, &self.id, epoch, recorded, &transitions)?;
        ledger.commit()?;
        let (device, kind) = (&reading.device.id, &reading.kind);
        match self.store.is_in_memory() {
            true => debug!(%device, %kind, %epoch, seq, "reading held in memory"),
            false => debug!(%device, %kind, %epoch, seq, "reading recorded"),
        }
        self.apply(&transitions);
        self.engine.remember(&reading);
        Ok(true)
    }

    /// Records a remark; one that a device repeats is dropped.
    #[expect(clippy::needless_pass_by_value, reason = "each remark is made for this call")]
    pub(super) fn remark(&mut self, now: Stamp, remark: Remark) -> Result<(), HubError> {
        let before = self.past_failures(now, |hub| Ok(hub.last_heard()?))?;
        let Some(event) = self.with_room(now, |hub| hub.commit_remark(now, remark.clone()))? else {
            return Ok(());
        };
        self.exercise.take(&event);
        if matches!(remark.kind, EventKind::HubStarted | EventKind::ClockStepped) {
            (self.run_began, self.alive_at) = (self.store.last_seq(), None);
        }
        match self.note_absence(&event, before) {
            Some(outage) => self.tell_unheard(now, &outage),
            None => Ok(()),
        }
    }

    /// The event that was recorded, if it was.
    fn commit_remark(&mut self, now: Stamp, remark: Remark) -> Result<Option<v1::Event>, HubError> {
        let recorded = self.moment(now);
        let epoch = self.store.epoch();
        let mut ledger = self.store.begin()?;
        if let (Some(device), Some(identity)) = (&remark.device, remark.identity) {
            let content = content_key(device, identity);
            if ledger.knows_content(&content)? {
                return Ok(None);
            }
            ledger.remember_content(&content, ledger.next_seq())?;
        }
        let message = remark.message(&self.id, epoch, ledger.next_number(), recorded);
        ledger.append(Lane::Event, &canonical::encode(&message)?)?;
        if let Some(it) = remark.command {
            it.remember(&ledger, recorded)?;
        }
        ledger.commit()?;
        info!(kind = remark.kind.as_str(), "event recorded");
        Ok(Some(message))
    }

    /// Records what follows from time alone.
    pub(super) fn advance(&mut self, now: Stamp) -> Result<(), HubError> {
        self.with_room(now, |hub| hub.commit_advance(now))
    }

    fn commit_advance(&mut self, now: Stamp) -> Result<(), HubError> {
        let recorded = self.moment(now);
        let epoch = self.store.epoch();
        let mut ledger = self.store.begin()?;
        let next = AlertId { epoch, seq: ledger.next_number() };
        let transitions = self.engine.advance(recorded, next);
        append_transitions(&mut ledger, &self.id, epoch, recorded, &transitions)?;
        ledger.commit()?;
        self.apply(&transitions);
        Ok(())
    }

    /// Records that something is wrong with the hub itself; what stands already is not told again.
    pub(super) fn raise(&mut self, now: Stamp, condition: &Condition) -> Result<(), HubError> {
        self.with_room(now, |hub| {
            // Inside: a ledger that goes on elsewhere gives other numbers.
            let next = AlertId { epoch: hub.store.epoch(), seq: hub.store.next_number() };
            let transition = hub.engine.condition_stands(hub.local(now), condition, next);
            transition.map_or(Ok(()), |it| hub.commit_transition(now, &it, None))
        })
    }

    /// Records that the condition `rule` is over.
    pub(super) fn clear(&mut self, now: Stamp, rule: &str) -> Result<(), HubError> {
        let Some(transition) = self.engine.condition_is_over(self.local(now), rule) else {
            return Ok(());
        };
        self.with_room(now, |hub| hub.commit_transition(now, &transition, None))
    }

    /// Records a person's answer to an alert, with the command that carried it from the agency.
    pub(super) fn record_answer(
        &mut self,
        now: Stamp,
        transition: &Transition,
        command: Option<&Accepted>,
    ) -> Result<(), HubError> {
        self.with_room(now, |hub| hub.commit_transition(now, transition, command))
    }

    fn commit_transition(
        &mut self,
        now: Stamp,
        transition: &Transition,
        command: Option<&Accepted>,
    ) -> Result<(), HubError> {
        let recorded = self.moment(now);
        let epoch = self.store.epoch();
        let mut ledger = self.store.begin()?;
        let transitions = std::slice::from_ref(transition);
        append_transitions(&mut ledger, &self.id, epoch, recorded, transitions)?;
        if let Some(it) = command {
            it.remember(&ledger, recorded)?;
        }
        ledger.commit()?;
        self.apply(transitions);
        Ok(())
    }

    pub(super) fn apply(&mut self, transitions: &[Transition]) {
        for transition in transitions {
            let Transition { change, alert } = transition;
            let (state, priority) = (change.as_str(), alert.priority.as_str());
            info!(alert = %alert.id, rule = %alert.rule, state, priority, "alert changed");
            self.engine.apply(transition);
        }
    }
}

pub(super) fn append_transitions(
    ledger: &mut Ledger<'_>,
    hub: &HubId,
    epoch: Epoch,
    recorded: Moment,
    transitions: &[Transition],
) -> Result<(), HubError> {
    for Transition { change, alert } in transitions {
        let seq = ledger.next_number();
        let message = translate::alert_message(*change, alert, hub, epoch, seq, recorded);
        let payload = canonical::encode(&message)?;
        ledger.append(Lane::Alert, &payload)?;
        let id = LedgerKey { epoch: alert.id.epoch, number: alert.id.seq };
        if alert.is_open() {
            ledger.keep_open(id, &payload)?;
        } else {
            ledger.end_alert(id)?;
        }
    }
    // Behind them all: the ids of new alerts are the places of their transitions.
    for prompt in transitions.iter().filter_map(prompt::of) {
        let message = prompt.message(hub, epoch, ledger.next_number(), recorded);
        ledger.append(Lane::Event, &canonical::encode(&message)?)?;
    }
    Ok(())
}

/// Key of a content identity in the ledger: records of one device lie together.
fn content_key(device: &DeviceId, identity: [u8; 16]) -> Vec<u8> {
    let mut key = device.as_str().as_bytes().to_vec();
    key.push(0);
    key.extend(identity);
    key
}
