//! What happened: a running hash of all of it, and the last lines in words.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

/// Lines that are kept for whoever has to find out what went wrong; `VITALGATE_LINES` asks for more.
const LINES: usize = 50;

/// The story of one world.
///
/// No line names an epoch or a path: they differ from run to run, and the story must not.
#[derive(Debug)]
pub(crate) struct Trace {
    hasher: DefaultHasher,
    n_lines_max: usize,
    n_lines: u64,
    last: VecDeque<String>,
}

impl Trace {
    pub(crate) fn begin() -> Self {
        Self {
            hasher: DefaultHasher::new(),
            n_lines_max: crate::from_environment("VITALGATE_LINES", LINES),
            n_lines: 0,
            last: VecDeque::new(),
        }
    }

    /// Adds a line.
    pub(crate) fn note(&mut self, at: Duration, line: &fmt::Arguments<'_>) {
        let text = format!("{} {line}", Moment(at));
        text.hash(&mut self.hasher);
        self.n_lines = self.n_lines.saturating_add(1);
        if self.last.len() == self.n_lines_max {
            self.last.pop_front();
        }
        self.last.push_back(text);
    }

    /// The same for two worlds exactly where the same happened in them.
    pub(crate) fn digest(&self) -> u64 {
        self.hasher.finish()
    }

    /// How many lines there were.
    pub(crate) const fn n_lines(&self) -> u64 {
        self.n_lines
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.last.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// A point in the time of a world: days and time of day since it began.
struct Moment(Duration);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
        let millis = self.0.subsec_millis();
        write!(f, "day {days:3} {hours:02}:{minutes:02}:{:02}.{millis:03}", seconds % 60)
    }
}
