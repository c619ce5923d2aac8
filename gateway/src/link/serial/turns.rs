//! Which line of a port has its turn, and what of its bytes is passed on: pure. Times are since boot.
//!
//! ```text
//! one line                nothing to tell: all that comes is passed on
//! several, none heard     each is listened to for 2 s in its turn, for ever; what comes is kept, and
//!                         passed on from where a device is recognised, none lost from there on
//! several, one heard      stays, all that comes is passed on; after 10 s in which no device was
//!                         recognised the turns begin anew, with this line: the device may have been
//!                         merely quiet, or another one is plugged to the same adapter
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use super::PortLine;
use super::talk::Talk;

/// How long a line is listened to: a device that is told to talk does so within a second.
const TURN: Duration = Duration::from_secs(2);
/// Most bytes kept for a device to be recognised by: more than any of them takes.
const KEPT_LEN_BYTES_MAX: usize = 1024;

/// What a port has to do.
#[derive(Debug)]
pub(super) enum Step {
    /// Set it to another line.
    Set(PortLine),
    /// Write that.
    Write(&'static [u8]),
}

/// The lines of one port.
#[derive(Debug)]
pub(super) struct Turns {
    line: PortLine,
    /// Those that it is not the turn of, the next one first.
    others: VecDeque<PortLine>,
    talk: Talk,
    /// When the turn ends; `None` while a device is heard.
    until: Option<Duration>,
    /// What came since a device was recognised.
    kept: Vec<u8>,
    /// So many of them, from the front, have been passed on.
    n_passed: usize,
}

impl Turns {
    /// The port is set to `line`.
    pub(super) fn new(line: &PortLine, others: &[PortLine], now: Duration) -> Self {
        Self {
            talk: Talk::new(&line.writes, now),
            line: line.clone(),
            others: others.iter().cloned().collect(),
            until: (!others.is_empty()).then(|| now.saturating_add(TURN)),
            kept: Vec::new(),
            n_passed: 0,
        }
    }

    /// Whether a device is heard on this line, as far as that has to be told.
    pub(super) const fn is_heard(&self) -> bool {
        self.until.is_none()
    }

    /// The line that has its turn.
    pub(super) const fn line(&self) -> &PortLine {
        &self.line
    }

    /// Takes what came; gives what is to be passed on.
    pub(super) fn hear(&mut self, bytes: &[u8], now: Duration) -> Vec<u8> {
        if self.others.is_empty() {
            self.talk.heard(now);
            return bytes.to_vec();
        }
        self.kept.extend_from_slice(bytes);
        if let Some(begin) = self.line.recognised(&self.kept) {
            return self.recognised(begin, now);
        }
        let passed = if self.is_heard() { self.pass_from(self.n_passed) } else { Vec::new() };
        let n_old = self.kept.len().saturating_sub(KEPT_LEN_BYTES_MAX);
        self.kept.drain(..n_old);
        self.n_passed = self.n_passed.saturating_sub(n_old);
        passed
    }

    fn recognised(&mut self, begin: usize, now: Duration) -> Vec<u8> {
        let from = if self.is_heard() { self.n_passed } else { begin.max(self.n_passed) };
        let passed = self.pass_from(from);
        self.kept.clear();
        self.n_passed = 0;
        self.until = None;
        self.talk.heard(now);
        passed
    }

    fn pass_from(&mut self, from: usize) -> Vec<u8> {
        self.n_passed = self.kept.len();
        self.kept.get(from..).unwrap_or_default().to_vec()
    }

    /// When there is something to do next, unless bytes come before.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.turn_deadline().into_iter().chain(self.talk.next_deadline()).min()
    }

    /// What is to be done now.
    pub(super) fn advance(&mut self, now: Duration) -> Option<Step> {
        if self.turn_deadline().is_some_and(|it| it <= now) {
            let was_heard = self.is_heard();
            if !was_heard {
                self.next_line();
            }
            self.begin_turn(now);
            if !was_heard {
                return Some(Step::Set(self.line.clone()));
            }
        }
        self.talk.advance(now).map(Step::Write)
    }

    /// When the turn of the line ends, or the turns begin anew; `None` where it has no other.
    fn turn_deadline(&self) -> Option<Duration> {
        (!self.others.is_empty()).then(|| self.until.unwrap_or(self.talk.silence_deadline()))
    }

    fn next_line(&mut self) {
        if let Some(next) = self.others.pop_front() {
            self.others.push_back(std::mem::replace(&mut self.line, next));
        }
        self.kept.clear();
        self.n_passed = 0;
    }

    fn begin_turn(&mut self, now: Duration) {
        self.talk = Talk::new(&self.line.writes, now);
        self.until = Some(now.saturating_add(TURN));
    }
}

#[cfg(test)]
mod tests {
    use tokio_serial::{DataBits, Parity, StopBits};

    use super::*;
    use crate::link::Write;

    /// A line that a device is known on by `word` three times in a row.
    fn line(baud: u32, writes: &[Write], recognise: fn(&[u8]) -> Option<usize>) -> PortLine {
        PortLine {
            baud,
            data_bits: DataBits::Eight,
            parity: Parity::None,
            stop_bits: StopBits::One,
            writes: writes.to_vec(),
            recognise: Some(recognise),
        }
    }

    fn place(bytes: &[u8], word: &[u8]) -> Option<usize> {
        bytes.windows(word.len()).position(|it| it == word)
    }

    fn turns() -> Turns {
        let slow = line(1, &[], |bytes| place(bytes, b"slowslowslow"));
        let fast = line(9, &[Write::once(b"start"), Write::every(4, b"on")], |bytes| {
            place(bytes, b"fastfastfast")
        });
        Turns::new(&slow, &[fast], ms(0))
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// What is done until `end`, and when, in milliseconds, while nothing comes.
    fn done(turns: &mut Turns, end: u64) -> Vec<(u128, String)> {
        let mut done = Vec::new();
        while let Some(at) = turns.next_deadline().filter(|at| *at <= ms(end)) {
            let word = match turns.advance(at) {
                None => continue,
                Some(Step::Set(line)) => format!("set to {}", line.baud),
                Some(Step::Write(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            };
            done.push((at.as_millis(), word));
        }
        done
    }

    #[track_caller]
    fn check_done(turns: &mut Turns, end: u64, expected: &[(u128, &str)]) {
        let done = done(turns, end);
        let done: Vec<_> = done.iter().map(|(at, word)| (*at, word.as_str())).collect();
        assert_eq!(done, expected);
    }

    #[track_caller]
    fn check_heard(turns: &mut Turns, at: u64, bytes: &[u8], expected: &[u8]) {
        let passed = turns.hear(bytes, ms(at));
        assert_eq!(String::from_utf8_lossy(&passed), String::from_utf8_lossy(expected));
    }

    #[test]
    fn lines_have_their_turns_and_each_is_told_what_it_wants() {
        let expected = [
            (2000, "set to 9"),
            (2000, "start"),
            (2250, "on"),
            (4000, "set to 1"),
            (6000, "set to 9"),
            (6000, "start"),
            (6250, "on"),
            (8000, "set to 1"),
        ];
        check_done(&mut turns(), 8000, &expected);
    }

    #[test]
    fn one_line_needs_no_turns_and_all_that_comes_is_passed_on() {
        let never = line(1, &[Write::every(4, b"on")], |_bytes| None);
        let mut turns = Turns::new(&never, &[], ms(0));
        check_heard(&mut turns, 0, b"any", b"any");
        check_done(&mut turns, 8000, &[(0, "on"), (4000, "on"), (8000, "on")]);
    }

    #[test]
    fn what_is_not_recognised_is_not_passed_on() {
        let mut turns = turns();
        check_heard(&mut turns, 100, b"fastfastfast", b"");
        check_done(&mut turns, 2000, &[(2000, "set to 9"), (2000, "start")]);
        check_heard(&mut turns, 2100, b"slowslowslow", b"");
        assert!(!turns.is_heard());
    }

    #[test]
    fn a_recognised_device_loses_nothing_from_there_on() {
        let mut turns = turns();
        check_heard(&mut turns, 100, b"noise slowsl", b"");
        check_heard(&mut turns, 200, b"owslowslowsl", b"slowslowslowslowsl");
        check_heard(&mut turns, 300, b"ow and noise", b"ow and noise");
    }

    #[test]
    fn a_turn_does_not_end_while_a_device_is_heard_and_it_is_kept_awake() {
        let mut turns = turns();
        check_done(&mut turns, 2000, &[(2000, "set to 9"), (2000, "start")]);
        for at in (2100..20_000).step_by(100) {
            check_heard(&mut turns, at, b"fastfastfast", b"fastfastfast");
        }
        let on = [(2250, "on"), (6250, "on"), (10_250, "on"), (14_250, "on"), (18_250, "on")];
        let done = done(&mut turns, 19_900);
        assert_eq!(done.iter().map(|it| it.1.as_str()).collect::<Vec<_>>(), on.map(|it| it.1));
    }

    #[test]
    fn after_a_silence_the_turns_begin_anew_with_the_same_line() {
        let mut turns = turns();
        check_done(&mut turns, 2000, &[(2000, "set to 9"), (2000, "start")]);
        check_heard(&mut turns, 2100, b"fastfastfast", b"fastfastfast");
        let expected = [
            (2250, "on"),
            (6250, "on"),
            (10_250, "on"),
            (12_100, "start"),
            (12_350, "on"),
            (14_100, "set to 1"),
        ];
        check_done(&mut turns, 14_100, &expected);
        check_heard(&mut turns, 14_200, b"slowslowslow", b"slowslowslow");
    }

    #[test]
    fn garbage_is_as_good_as_silence() {
        let mut turns = turns();
        check_heard(&mut turns, 100, b"slowslowslow", b"slowslowslow");
        for at in (200..10_100).step_by(100) {
            check_heard(&mut turns, at, b"garbage", b"garbage");
        }
        check_done(&mut turns, 12_100, &[(12_100, "set to 9"), (12_100, "start")]);
    }

    #[test]
    fn a_device_that_was_merely_quiet_loses_nothing() {
        for begins_at in [9000, 10_050, 10_150, 11_500] {
            let mut turns = turns();
            check_heard(&mut turns, 100, b"slowslowslow", b"slowslowslow");
            let mut passed = Vec::new();
            for at in (0..10).map(|n| begins_at + 50 * n) {
                check_done(&mut turns, at, &[]);
                passed.extend(turns.hear(b"lowslows", ms(at)));
                passed.extend(turns.hear(b"lowslows", ms(at)));
            }
            let sent = b"lowslows".repeat(20);
            assert!(sent.ends_with(&passed) && sent.len() - 3 <= passed.len(), "{begins_at}");
        }
    }

    #[test]
    fn no_more_is_kept_than_a_device_is_recognised_by() {
        let mut turns = turns();
        for _second in 0..100 {
            check_heard(&mut turns, 100, &[0; 4096], b"");
            assert!(turns.kept.len() <= KEPT_LEN_BYTES_MAX);
        }
        check_heard(&mut turns, 100, b"slowslowslow", b"slowslowslow");
    }
}
