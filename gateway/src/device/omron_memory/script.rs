//! What is asked of a device with such a memory: in a session, and once when it is paired.
//!
//! ```text
//! session                                       answer
//! 01 and the key, or 11 and a token             81 00           91 00 and the token
//! 08 0000 0000 10 00 18       begin             8000
//! 08 0100 aaaa nn 00 xx       read, each block  8100, the same address, the data; without data and
//!                                               with a code it keeps that user to itself
//! 08 0F00 0000 00 00 07       end               8F00, which also says that something was refused
//!
//! pairing, while it shows -P-
//! 02 and 16 zeros             learn a key       82 00; anything else while it is not ready
//! 00 and the key                                80 00
//! ```

use ::uuid::Uuid;

use super::pieces::Pieces;
use super::{Layout, Lock, QUESTIONS, UNLOCK};
use crate::device::omron_wlp::{Frame, READ_ANSWER};
use crate::device::payload::exclusive_or;
use crate::link::dialogue::{Dialogue, Heard, Question, Script, Step};

/// The key that a device learns when it is paired. It is no secret: the bond keeps others out, and a
/// hub that takes the place of another reads what that one paired.
const KEY: [u8; 16] = *b"vitalgate-hub-01";
/// The device repeats the first four bytes, and cares for nothing else.
const TOKEN: [u8; 19] = *b"vita\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

const BEGIN: [u8; 2] = [0x00, 0x00];
const BEGIN_ANSWER: [u8; 2] = [0x80, 0x00];
/// Stands where a read has its length; nobody knows why.
const BEGIN_LEN_BYTES: u8 = 0x10;
const READ: [u8; 2] = [0x01, 0x00];
const END: [u8; 2] = [0x0F, 0x00];
const END_ANSWER: [u8; 2] = [0x8F, 0x00];

/// The script of a session: opens the memory and reads every place of every user.
impl Script for Layout {
    fn begin(&self) -> Box<dyn Dialogue> {
        Box::new(Talk::new(*self, State::Unlocking))
    }
}

/// The script of a pairing: the device learns the key that opens its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Introduction;

impl Script for Introduction {
    fn begin(&self) -> Box<dyn Dialogue> {
        Box::new(Talk::new(super::CUFF, State::Learning))
    }
}

#[derive(Debug)]
struct Talk {
    layout: Layout,
    pieces: Pieces,
    state: State,
    /// Some user's records were told.
    is_served: bool,
    /// What it did not tell of records that it had begun to tell, as the end of a sentence.
    cut: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Learning,
    Naming,
    Unlocking,
    Beginning,
    /// A block of a user, from 0, so far into the records.
    Reading {
        user: usize,
        into: u16,
    },
    Ending,
    Done,
    Failed(String),
}

impl Dialogue for Talk {
    fn step(&self) -> Step {
        let question = match &self.state {
            State::Learning => unlocking(0x02, &[0; 16]),
            State::Naming => unlocking(0x00, &KEY),
            State::Unlocking => match self.layout.lock {
                Lock::Key => unlocking(0x01, &KEY),
                Lock::Token => unlocking(0x11, &TOKEN),
            },
            State::Beginning => framed(BEGIN, 0, BEGIN_LEN_BYTES),
            State::Reading { user, into } => {
                framed(READ, self.layout.address(*user, *into), self.layout.block_at(*into))
            }
            State::Ending => framed(END, 0, 0),
            State::Done => return Step::Done,
            State::Failed(why) => return Step::Failed(why.clone()),
        };
        Step::Ask(question)
    }

    fn hear(&mut self, characteristic: Uuid, value: &[u8]) -> Heard {
        let next = if characteristic == UNLOCK {
            self.unlocked(value)
        } else {
            match self.pieces.push(characteristic, value) {
                None if self.pieces.is_begun() => return Heard::Part,
                whole => whole.and_then(|it| self.answered(&it.frame.ok()?)),
            }
        };
        let Some(next) = next else { return Heard::Nothing };
        self.is_served |= matches!(next, State::Reading { into, .. } if 0 < into);
        self.state = next;
        Heard::Answer
    }
}

impl Talk {
    fn new(layout: Layout, state: State) -> Self {
        Self { layout, pieces: Pieces::default(), state, is_served: false, cut: None }
    }

    /// What follows from an answer to a key or a token.
    fn unlocked(&self, value: &[u8]) -> Option<State> {
        match (&self.state, value) {
            (State::Learning, [0x82, 0x00, ..]) => Some(State::Naming),
            (State::Naming, [0x80, 0x00, ..]) | (State::Unlocking, [0x81, 0x00, ..]) => {
                Some(State::Beginning)
            }
            (State::Naming, [0x80, code, ..]) => {
                Some(State::Failed(format!("it did not learn the hub's key, code {code:#04x}")))
            }
            (State::Unlocking, [0x81, code, ..]) => Some(State::Failed(format!(
                "it does not know this hub's key, code {code:#04x}: pair it again while it shows -P-"
            ))),
            (State::Unlocking, [0x91, 0x00, token @ ..])
                if TOKEN.starts_with(token.first_chunk::<4>()?) =>
            {
                Some(State::Beginning)
            }
            (_, _) => None,
        }
    }

    /// What follows from a frame.
    fn answered(&mut self, frame: &Frame) -> Option<State> {
        let code = frame.outcome;
        match (&self.state, frame.kind) {
            (State::Beginning, BEGIN_ANSWER) => Some(self.user(0)),
            (State::Reading { user, into }, READ_ANSWER)
                if frame.address == self.layout.address(*user, *into) =>
            {
                let asked = self.layout.block_at(*into);
                match frame.contents.len() {
                    0 if code != 0 => {
                        let (number, into) = (user.saturating_add(1), *into);
                        if 0 < into {
                            self.cut = Some(format!(
                                "it did not tell all records of user {number}, code {code:#04x}"
                            ));
                        }
                        Some(self.user(number))
                    }
                    told if told == usize::from(asked) => Some(self.behind(*user, *into, asked)),
                    _cut => None,
                }
            }
            (State::Beginning | State::Reading { .. }, END_ANSWER) => {
                Some(State::Failed(format!("it refused to be read, code {code:#04x}")))
            }
            (State::Ending, END_ANSWER) if code != 0 => {
                Some(State::Failed(format!("it says that reading it failed, code {code:#04x}")))
            }
            (State::Ending, END_ANSWER) if self.cut.is_some() => self.cut.take().map(State::Failed),
            (State::Ending, END_ANSWER) if !self.is_served && !self.layout.users.is_empty() => {
                Some(State::Failed("it kept the records of every user to itself".to_owned()))
            }
            (State::Ending, END_ANSWER) => Some(State::Done),
            (_, _) => None,
        }
    }

    /// The first block of a user, from 0, or the end behind the last one.
    fn user(&self, user: usize) -> State {
        if user < self.layout.users.len() {
            State::Reading { user, into: 0 }
        } else {
            State::Ending
        }
    }

    /// What comes behind a block that was told.
    fn behind(&self, user: usize, into: u16, len_bytes: u8) -> State {
        let into = into.saturating_add(len_bytes.into());
        if into < self.layout.user_len_bytes() {
            State::Reading { user, into }
        } else {
            self.user(user.saturating_add(1))
        }
    }
}

impl Layout {
    /// The address so far into the records of a user, from 0.
    fn address(&self, user: usize, into: u16) -> u16 {
        self.users.get(user).copied().unwrap_or_default().saturating_add(into)
    }

    /// How much is read there: the last block of a user is shorter.
    fn block_at(&self, into: u16) -> u8 {
        let left = self.user_len_bytes().saturating_sub(into);
        u8::try_from(left).unwrap_or(u8::MAX).min(self.block_len_bytes)
    }
}

fn unlocking(command: u8, contents: &[u8]) -> Question {
    Question { characteristic: UNLOCK, bytes: [&[command], contents].concat() }
}

/// A question, which has no data.
fn framed([kind_0, kind_1]: [u8; 2], address: u16, len_bytes: u8) -> Question {
    let [high, low] = address.to_be_bytes();
    let summed = [0x08, kind_0, kind_1, high, low, len_bytes, 0x00];
    let bytes = [&summed[..], &[exclusive_or(&summed)]].concat();
    Question { characteristic: QUESTIONS, bytes }
}

#[cfg(test)]
mod tests;
