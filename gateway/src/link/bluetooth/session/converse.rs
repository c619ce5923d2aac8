//! What a session asks a device whose next question follows from its last answer.

use std::time::Duration;

use btleplug::api::Peripheral as _;
use uuid::Uuid;

use super::Session;
use crate::link::Request;
use crate::link::bluetooth::ending::{Cause, Stage};
use crate::link::bluetooth::peer::write_type;
use crate::link::dialogue::{Next, Question};

impl Session {
    /// Says what is to be said now; until when an answer is waited for, where one is.
    pub(super) async fn say(
        &mut self,
        again: &mut [(Duration, Request)],
    ) -> Result<Option<Duration>, Cause> {
        self.repeat(again).await?;
        let now = self.now();
        let Some(conversation) = &mut self.conversation else { return Ok(None) };
        match conversation.next(now).map_err(Cause::CallFailed)? {
            Next::Write(question) => {
                self.stage = Stage::Asking;
                match self.put(&question).await {
                    Err(Cause::CallFailed(why)) => self.give_up(why)?,
                    outcome => outcome?,
                }
                Ok(Some(now))
            }
            Next::Wait(until) => Ok(Some(until)),
            Next::Done => {
                self.stage = Stage::SetUp;
                Ok(None)
            }
        }
    }

    /// Hears whether a value answers what was asked.
    pub(super) fn hear(&mut self, uuid: Uuid, value: &[u8]) {
        let now = self.now();
        if self.conversation.as_mut().is_some_and(|it| it.hear(now, uuid, value)) {
            self.answered.notify_one();
        }
    }

    fn give_up(&mut self, why: String) -> Result<(), Cause> {
        let outcome = self.conversation.as_mut().map_or(Ok(()), |it| it.give_up(why));
        outcome.map_err(Cause::CallFailed)
    }

    async fn put(&mut self, question: &Question) -> Result<(), Cause> {
        let Question { characteristic: uuid, bytes } = question;
        let found = self.peer.as_ref().map(|peer| peer.peripheral.clone());
        let (Some(peripheral), Some(characteristic)) = (found, self.characteristic(*uuid)) else {
            return Err(Cause::CallFailed(format!(
                "it has no characteristic {uuid} to be asked at"
            )));
        };
        let limit = self.wires.settings.limits.call;
        let call = peripheral.write(&characteristic, bytes, write_type(&characteristic));
        self.guarded(limit, call).await
    }
}
