//! What a unit with a memory makes of what a central writes to it.
//!
//! ```text
//! key characteristic; an answer is filled with zeros up to seventeen bytes
//! 01 key         81 00 if it is the one that was programmed, else 81 01
//! 02 16 x 00     82 00 in pairing mode, else 82 01
//! 00 key         80 00 after an 82 00, and it is programmed; else 80 01
//!
//! frames         answer
//! 0000 start     8000 and sixteen bytes about the unit; HEM-7361T says no more than their number
//! 0100 read      8100, the same address and the data, at most 38 bytes (hexadecimal); the head alone
//!                with a code where that is too much
//! 01C0 write     81C0 and what was written
//! 0F00 end       8F00
//! ```
//!
//! Nothing is read or written without the key of this session and a start: that is answered as an
//! end with a code. A frame whose check is wrong, or of another kind, is not answered.

use super::frame::{Channels, Frame};
use super::image::Image;
use super::{ANSWERS, Key, Omron, OmronModel, PieceOrder};
use crate::device::kind::{Record, Surroundings};
use crate::device::measurement::{MeasureError, Measurement};

const START: u16 = 0x0000;
const READ: u16 = 0x0100;
const WRITE: u16 = 0x01C0;
const END: u16 = 0x0F00;
/// What an answer has more than its request.
const ANSWER: u16 = 0x8000;

/// The most that one request reads.
const READ_LEN_BYTES_MAX: u8 = 0x38;

/// Codes of requests that are not carried out; their meaning is not public.
const TOO_LONG: u8 = 0x01;
const SHUT: u8 = 0x02;

const IS_DONE: u8 = 0x00;
const IS_REFUSED: u8 = 0x01;

/// Length of an answer of the key characteristic.
const KEY_ANSWER_LEN_BYTES: usize = 17;

/// How far a central has come in a session.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Step {
    #[default]
    Locked,
    /// A key may be programmed.
    Programming,
    /// The key was right.
    Unlocked,
    /// The memory is open.
    Started,
    Ended,
}

/// A unit with a memory.
#[derive(Debug)]
pub(crate) struct Unit {
    model: OmronModel,
    key: Option<Key>,
    order: PieceOrder,
    image: Image,
    step: Step,
    channels: Channels,
    /// Something was measured that no session to its end followed.
    pub(crate) has_news: bool,
    /// Requests to write that came, ever, carried out or not.
    pub(crate) n_writes: u64,
}

impl Unit {
    pub(crate) fn new(omron: Omron) -> Self {
        let Omron { model, key, order } = omron;
        Self {
            model,
            key,
            order,
            image: Image::default(),
            step: Step::Locked,
            channels: Channels::default(),
            has_news: false,
            n_writes: 0,
        }
    }

    /// Keeps a measurement; of one that failed nothing is kept.
    ///
    /// # Errors
    ///
    /// As [`OmronModel::record`].
    pub(crate) fn keep(
        &mut self,
        measurement: &Measurement,
        surroundings: Surroundings,
    ) -> Result<(), MeasureError> {
        let user = match measurement {
            Measurement::BloodPressure(taken) => taken.user,
            Measurement::BodyComposition(taken) => taken.user,
            Measurement::Oximetry(_)
            | Measurement::Weight(_)
            | Measurement::Glucose(_)
            | Measurement::Temperature(_)
            | Measurement::HeartRate(_) => 1,
        };
        if let Some(record) = self.model.record(measurement, surroundings)? {
            self.image.keep(self.model, self.model.base(user)?, &record);
            self.has_news = true;
        }
        Ok(())
    }

    /// A link is up: nobody is let in any more.
    pub(crate) fn begin_session(&mut self) {
        self.step = Step::Locked;
        self.channels = Channels::default();
    }

    /// Whether the central said that it has read what it wanted.
    pub(crate) fn is_over(&self) -> bool {
        self.step == Step::Ended
    }

    /// Answers what was written to the key characteristic; `pairs` is whether it is in pairing mode.
    pub(crate) fn take_key(&mut self, written: &[u8], pairs: bool) -> Option<Vec<u8>> {
        let (&asked, rest) = written.split_first()?;
        let shown = Key::try_from(rest).ok();
        let next = match (asked, shown) {
            (0x00, Some(key)) if self.step == Step::Programming => {
                self.key = Some(key);
                Some(Step::Unlocked)
            }
            (0x01, Some(key)) if self.key == Some(key) => Some(Step::Unlocked),
            (0x02, Some([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])) if pairs => {
                Some(Step::Programming)
            }
            (_, _) => None,
        };
        self.step = next.unwrap_or_default();
        let code = if next.is_some() { IS_DONE } else { IS_REFUSED };
        let mut answer = vec![0x80 | asked, code];
        answer.resize(KEY_ANSWER_LEN_BYTES, 0);
        Some(answer)
    }

    /// Answers what was written to a channel, once it completes a request, with what leaves then.
    pub(crate) fn take_piece(&mut self, channel: usize, piece: &[u8]) -> Vec<Record> {
        let frame = self.channels.take(channel, piece).and_then(|it| Frame::read(&it));
        let answer = frame.and_then(|request| self.answer(request));
        let pieces = answer.iter().flat_map(Frame::pieces);
        let record = |(uuid, piece)| Record::stored(uuid, piece);
        let mut records: Vec<Record> = ANSWERS.into_iter().zip(pieces).map(record).collect();
        if self.order == PieceOrder::Backwards {
            records.reverse();
        }
        records
    }

    fn answer(&mut self, request: Frame) -> Option<Frame> {
        if request.what == WRITE {
            self.n_writes = self.n_writes.saturating_add(1);
        }
        let what = request.what | ANSWER;
        match (request.what, self.step) {
            (START, Step::Unlocked | Step::Started | Step::Ended) => {
                self.step = Step::Started;
                Some(Frame { what, contents: self.about(), ..request })
            }
            (READ, Step::Started) => {
                let fits = request.n_bytes <= READ_LEN_BYTES_MAX;
                let there = self.image.read(request.address, request.n_bytes);
                Some(match there.filter(|_there| fits) {
                    Some(contents) => Frame { what, contents, ..request },
                    None => Frame { what, code: TOO_LONG, ..request },
                })
            }
            (WRITE, Step::Started) => {
                self.image.write(request.address, &request.contents);
                Some(Frame { what, ..request })
            }
            (END, Step::Started) => {
                self.step = Step::Ended;
                self.has_news = false;
                Some(Self::end(IS_DONE))
            }
            (START | READ | WRITE | END, _) => Some(Self::end(SHUT)),
            (_, _) => None,
        }
    }

    fn end(code: u8) -> Frame {
        Frame { what: END | ANSWER, address: 0, n_bytes: 0, contents: Vec::new(), code }
    }

    /// What a unit says of itself at a start, in the form of a capture of a HEM-6232T.
    fn about(&self) -> Vec<u8> {
        match self.model {
            OmronModel::Hem7361t => Vec::new(),
            OmronModel::Hem6232t
            | OmronModel::Hem7322t
            | OmronModel::Hem7530t
            | OmronModel::Hbf702t => {
                let digits = u16::from_str_radix(self.model.digits(), 16).unwrap_or_default();
                [&[0x00, 0x00, 0x00, 0x94][..], &digits.to_be_bytes(), &[0xFF; 10]].concat()
            }
        }
    }
}

#[cfg(test)]
mod tests;
