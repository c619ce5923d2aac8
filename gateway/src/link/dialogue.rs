//! Questions of which the next one follows from the last answer: who asks them, how often, and until when.
//!
//! What is asked, and what an answer means, is known to the device's code and pure. A link carries
//! questions and answers, and asks again where none comes.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

/// How long a device may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a question is asked before the device is given up.
const N_ASKED_MAX: u32 = 4;

/// How to talk with devices of a model.
pub trait Script: fmt::Debug + Send + Sync {
    /// Begins to talk with one of them, anew in each session.
    fn begin(&self) -> Box<dyn Dialogue>;
}

/// A talk with one device.
pub trait Dialogue: fmt::Debug + Send {
    /// What is to be done now.
    fn step(&self) -> Step;

    /// Takes a value, whatever it is: also one that answers an earlier question comes.
    fn hear(&mut self, characteristic: Uuid, value: &[u8]) -> Heard;

    /// Goes on without an answer that cannot be had, where it can; whether it does.
    fn give_up(&mut self) -> bool {
        false
    }
}

/// What a value was in a talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// No answer to what is asked.
    Nothing,
    /// A part of an answer of which more comes.
    Part,
    /// An answer, or news: it changed what is to be done.
    Answer,
}

/// What is to be done in a talk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Something is to be asked; it may be asked again.
    Ask(Question),
    /// Everything was said, for now: a value may be news that has to be asked about.
    Done,
    /// It cannot go on; why, as the end of a sentence about the device.
    Failed(String),
}

/// What is written to a device that answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The characteristic to write to.
    pub characteristic: Uuid,
    /// What to write.
    pub bytes: Vec<u8>,
}

/// What a link does next for a talk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Writes this now.
    Write(Question),
    /// Waits for an answer until then, since boot.
    Wait(Duration),
    /// Nothing, unless a value is news.
    Done,
}

/// A talk with the times of its questions, which are since boot.
#[derive(Debug)]
pub struct Conversation {
    dialogue: Box<dyn Dialogue>,
    /// Something was asked.
    is_begun: bool,
    /// How often the question that is open was written.
    n_asked: u32,
    /// When it is to be written again.
    again_at: Duration,
}

impl Conversation {
    /// Begins to talk.
    #[must_use]
    pub fn begin(script: &dyn Script) -> Self {
        Self { dialogue: script.begin(), is_begun: false, n_asked: 0, again_at: Duration::ZERO }
    }

    /// What to do at `now`; a question counts as written once it was given out.
    ///
    /// # Errors
    ///
    /// Says why the talk cannot go on.
    pub fn next(&mut self, now: Duration) -> Result<Next, String> {
        let question = match self.dialogue.step() {
            Step::Ask(question) => question,
            Step::Done => return Ok(Next::Done),
            Step::Failed(why) => return Err(why),
        };
        if 0 < self.n_asked && now < self.again_at {
            return Ok(Next::Wait(self.again_at));
        }
        if self.n_asked == N_ASKED_MAX {
            let why = format!("it did not answer, asked {N_ASKED_MAX} times");
            return self.give_up(why).map(|()| Next::Done);
        }
        self.is_begun = true;
        self.n_asked = self.n_asked.saturating_add(1);
        self.again_at = now.saturating_add(PATIENCE);
        Ok(Next::Write(question))
    }

    /// Goes on without the answer to the question that is open, where that can be.
    ///
    /// # Errors
    ///
    /// Gives back `why` there is none, where the talk cannot go on.
    pub fn give_up(&mut self, why: String) -> Result<(), String> {
        if !self.dialogue.give_up() {
            return Err(why);
        }
        tracing::warn!(why, "it is not asked any more");
        self.n_asked = 0;
        Ok(())
    }

    /// Whether everything was said, for now.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.dialogue.step() == Step::Done
    }

    /// Takes a value that came at `now`; whether there is something else to do. What came before the
    /// first question was written is from an earlier talk.
    pub fn hear(&mut self, now: Duration, characteristic: Uuid, value: &[u8]) -> bool {
        if !self.is_begun {
            return false;
        }
        match self.dialogue.hear(characteristic, value) {
            Heard::Nothing => false,
            Heard::Part => {
                self.again_at = now.saturating_add(PATIENCE);
                false
            }
            Heard::Answer => {
                self.n_asked = 0;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for 1, 2, 3; zero ends it.
    #[derive(Debug)]
    struct Counting(u8);

    impl Script for Counting {
        fn begin(&self) -> Box<dyn Dialogue> {
            Box::new(Self(1))
        }
    }

    impl Dialogue for Counting {
        fn step(&self) -> Step {
            match self.0 {
                0 => Step::Failed("it said zero".to_owned()),
                4 => Step::Done,
                wanted => Step::Ask(question(wanted)),
            }
        }

        fn hear(&mut self, _characteristic: Uuid, value: &[u8]) -> Heard {
            match value {
                [0] => self.0 = 0,
                [said] if *said == self.0 => self.0 = said + 1,
                [] => return Heard::Part,
                _ => return Heard::Nothing,
            }
            Heard::Answer
        }
    }

    fn question(wanted: u8) -> Question {
        Question { characteristic: Uuid::nil(), bytes: vec![wanted] }
    }

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_answer_brings_the_next_question_and_the_last_one_the_end() {
        let mut talk = Conversation::begin(&Counting(1));
        for wanted in 1..=3 {
            assert_eq!(talk.next(s(9)), Ok(Next::Write(question(wanted))));
            assert_eq!(talk.next(s(9)), Ok(Next::Wait(s(11))));
            assert!(!talk.hear(s(9), Uuid::nil(), &[wanted + 1]));
            assert!(talk.hear(s(9), Uuid::nil(), &[wanted]));
        }
        assert_eq!(talk.next(s(9)), Ok(Next::Done));
    }

    #[test]
    fn what_comes_before_the_first_question_is_not_heard() {
        let mut talk = Conversation::begin(&Counting(1));
        assert!(!talk.hear(s(0), Uuid::nil(), &[1]));
        assert_eq!(talk.next(s(0)), Ok(Next::Write(question(1))));
        assert!(talk.hear(s(0), Uuid::nil(), &[1]));
        assert_eq!(talk.next(s(0)), Ok(Next::Write(question(2))));
    }

    #[test]
    fn a_question_without_an_answer_is_asked_four_times() {
        let mut talk = Conversation::begin(&Counting(1));
        for n_asked in 0..4 {
            assert_eq!(talk.next(s(2 * n_asked)), Ok(Next::Write(question(1))));
        }
        assert_eq!(talk.next(s(7)), Ok(Next::Wait(s(8))));
        assert_eq!(talk.next(s(8)), Err("it did not answer, asked 4 times".to_owned()));
    }

    /// Asks, and goes on without an answer.
    #[derive(Debug)]
    struct Optional(bool);

    impl Dialogue for Optional {
        fn step(&self) -> Step {
            if self.0 { Step::Ask(question(1)) } else { Step::Done }
        }

        fn hear(&mut self, _characteristic: Uuid, _value: &[u8]) -> Heard {
            Heard::Nothing
        }

        fn give_up(&mut self) -> bool {
            self.0 = false;
            true
        }
    }

    #[test]
    fn an_answer_that_nobody_needs_is_given_up() {
        let dialogue = Box::new(Optional(true));
        let mut talk = Conversation { dialogue, ..Conversation::begin(&Counting(1)) };
        for n_asked in 0..4 {
            assert_eq!(talk.next(s(2 * n_asked)), Ok(Next::Write(question(1))));
        }
        assert!(!talk.is_done());
        assert_eq!(talk.next(s(8)), Ok(Next::Done));
        assert!(talk.is_done());
        assert_eq!(
            Conversation::begin(&Counting(1)).give_up("it refuses".to_owned()),
            Err("it refuses".to_owned())
        );
    }

    #[test]
    fn a_part_of_an_answer_is_time_for_the_rest() {
        let mut talk = Conversation::begin(&Counting(1));
        assert_eq!(talk.next(s(0)), Ok(Next::Write(question(1))));
        assert!(!talk.hear(s(1), Uuid::nil(), &[]));
        assert_eq!(talk.next(s(2)), Ok(Next::Wait(s(3))));
    }

    #[test]
    fn a_talk_that_cannot_go_on_says_why() {
        let mut talk = Conversation::begin(&Counting(1));
        assert_eq!(talk.next(s(0)), Ok(Next::Write(question(1))));
        assert!(talk.hear(s(0), Uuid::nil(), &[0]));
        assert_eq!(talk.next(s(0)), Err("it said zero".to_owned()));
    }
}
