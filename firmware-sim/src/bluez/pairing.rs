//! Making a bond: the daemon asks an agent, the device agrees or not.
//!
//! Stricter than BlueZ in one point: even for Just Works some agent must exist and agree, so that
//! a hub that forgets to serve one is noticed.

use super::effect::{AgentAnswer, CallId, Property, Question};
use super::failure::Failure;
use super::host::{Due, Host, consent};
use super::link::Ending;
use super::peripheral::{DEVICE, Pairing, PairingFault, Peripheral, Phase};
use crate::device::Security;

/// Passkeys have six digits.
const PASSKEY_MAX: u32 = 999_999;

impl Peripheral {
    /// `Device1.Pair`.
    pub(super) fn pair(&mut self, host: &mut Host, call: CallId, caller: &str) {
        if !host.is_on_air() {
            host.fail(call, Failure::not_ready());
        } else if self.known.bonded {
            host.fail(call, Failure::already_exists());
        } else if self.known.pairing.is_some() {
            host.fail(call, Failure::in_progress());
        } else {
            self.begin_pairing(host, Some(call), caller);
        }
    }

    pub(super) fn begin_pairing(&mut self, host: &mut Host, call: Option<CallId>, caller: &str) {
        host.counters.pairing_attempts = host.counters.pairing_attempts.saturating_add(1);
        self.known.pairing =
            Some(Pairing { call, caller: caller.to_owned(), question: None, to_type: None });
        match self.phase {
            Phase::Linked => self.continue_pairing(host),
            Phase::Advertising { .. } => self.begin_link(host),
            Phase::Idle => self.await_advertisement(host),
        }
    }

    /// The link is up: asks the agent, if a pairing waits for the link.
    pub(super) fn continue_pairing(&mut self, host: &mut Host) {
        let Some(pairing) = &self.known.pairing else { return };
        match self.pairing_faults.pop_front() {
            Some(PairingFault::Silent) => return,
            Some(PairingFault::Refused) => return self.refuse_pairing(host, "Failed"),
            Some(PairingFault::Rejected) => return self.refuse_pairing(host, "Rejected"),
            Some(PairingFault::HangsUp) => return self.unlink(host, Ending::HungUp),
            None => {}
        }
        let agent = host.agent_for(&pairing.caller).cloned();
        let question = match self.radio.security {
            Security::Open | Security::JustWorks => Question::Authorize,
            Security::Passkey(_) => Question::Passkey,
            Security::Keypad => Question::Show(host.random.u32(0..=PASSKEY_MAX)),
            Security::Comparison(shown) => Question::Compare(shown),
        };
        match agent {
            Some(agent) if self.pairing_mode && can_answer(&agent.capability, question) => {
                let asked = host.ask(agent, self.address(), question);
                if let Some(pairing) = &mut self.known.pairing {
                    pairing.question = Some(asked);
                    pairing.to_type = match question {
                        Question::Show(digits) => Some(digits),
                        Question::Authorize
                        | Question::Passkey
                        | Question::Compare(_)
                        | Question::Cancel => None,
                    };
                }
            }
            Some(_) | None => self.refuse_pairing(host, "Failed"),
        }
    }

    /// The agent answered.
    pub(super) fn on_agent_answer(&mut self, host: &mut Host, id: u64, answer: &AgentAnswer) {
        match &mut self.known.pairing {
            Some(pairing) if pairing.question == Some(id) => pairing.question = None,
            Some(_) | None => return,
        }
        let passkey = match self.radio.security {
            Security::Passkey(shown) => Some(shown),
            Security::Open | Security::JustWorks | Security::Keypad | Security::Comparison(_) => {
                None
            }
        };
        match consent(answer, passkey) {
            // The digits are shown; the rest happens at the device.
            Ok(()) if self.radio.security == Security::Keypad => {}
            Ok(()) => host.schedule(self.address(), self.timing().pairing, Due::PairingDone),
            Err(failure) => {
                self.fail_pairing(host, &failure);
                self.unlink(host, Ending::Lost);
            }
        }
    }

    /// A person types digits at the device, which waits for them.
    pub(super) fn type_passkey(&mut self, host: &mut Host, typed: u32) {
        match self.known.pairing.as_ref().and_then(|pairing| pairing.to_type) {
            Some(digits) if digits == typed => {
                host.schedule(self.address(), self.timing().pairing, Due::PairingDone);
            }
            Some(_) => self.refuse_pairing(host, "Failed"),
            None => {}
        }
    }

    pub(super) fn on_pairing_done(&mut self, host: &mut Host) {
        let Some(pairing) = self.known.pairing.take() else { return };
        self.bonded = true;
        self.known.bonded = true;
        self.known.cached = self.known.resolved;
        self.counters.bonds = self.counters.bonds.saturating_add(1);
        let changed = [("Bonded", Property::Flag(true)), ("Paired", Property::Flag(true))];
        host.changed(self.node(), DEVICE, changed);
        if let Some(call) = pairing.call {
            host.done(call);
        }
        for waiting in std::mem::take(&mut self.known.waiting) {
            self.subscribe(host, waiting.call, &waiting.client, waiting.handle);
        }
    }

    /// `Device1.CancelPairing`.
    pub(super) fn cancel_pairing(&mut self, host: &mut Host, call: CallId) {
        if self.known.pairing.is_none() {
            return host.fail(call, Failure::does_not_exist());
        }
        self.fail_pairing(host, &Failure::authentication("Canceled"));
        self.unlink(host, Ending::Lost);
        host.done(call);
    }

    fn refuse_pairing(&mut self, host: &mut Host, outcome: &str) {
        self.fail_pairing(host, &Failure::authentication(outcome));
        self.unlink(host, Ending::Lost);
    }

    /// Ends a pairing without a bond and tells those who wait for it.
    pub(super) fn fail_pairing(&mut self, host: &mut Host, failure: &Failure) {
        let Some(pairing) = self.known.pairing.take() else { return };
        host.cancel(self.address(), &[Due::PairingDone]);
        if let Some(question) = pairing.question {
            host.questions.remove(&question);
            if let Some(agent) = host.agent_for(&pairing.caller).cloned() {
                host.ask(agent, self.address(), Question::Cancel);
            }
        }
        if let Some(call) = pairing.call {
            host.fail(call, failure.clone());
        }
        for waiting in std::mem::take(&mut self.known.waiting) {
            host.fail(waiting.call, Failure::not_permitted("Not paired"));
        }
    }
}

fn can_answer(capability: &str, question: Question) -> bool {
    match question {
        Question::Passkey => matches!(capability, "" | "KeyboardOnly" | "KeyboardDisplay"),
        Question::Show(_) => {
            matches!(capability, "" | "DisplayOnly" | "DisplayYesNo" | "KeyboardDisplay")
        }
        Question::Compare(_) => matches!(capability, "" | "DisplayYesNo" | "KeyboardDisplay"),
        Question::Authorize | Question::Cancel => true,
    }
}
