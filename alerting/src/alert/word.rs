//! The closed vocabularies of an alert: what happened to it, and how a person closed it.

use std::fmt;
use std::str::FromStr;

use vitals::alert::UnknownWord;

/// What happened to an alert: the state on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// A rule found its condition, and its plan asks for a repeated measurement first.
    Asked,
    /// A rule found its condition and no alert stood for it, or no repeat is waited for any more.
    Raised,
    /// A repeated measurement confirmed it.
    Confirmed,
    /// The condition was found again in the same episode.
    Repeated,
    /// Nothing fresh was measured for as long as the plan allows after an abnormal value.
    Stale,
    /// It became more urgent: the plan gives it a higher priority now, or nobody answered in time.
    Escalated,
    /// An acknowledgement ended by itself.
    Resumed,
    /// A person took it on.
    Acknowledged,
    /// A trusted value was back inside the rule's clear level.
    Cleared,
    /// A person closed it with a disposition.
    Closed,
}

/// What a person found an alert to be when closing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// Real, and something was done.
    TrueActioned,
    /// Real, and expected for this client.
    TrueExpected,
    /// Not real: the measurement was taken badly.
    FalseTechnique,
    /// Not real: the device is at fault.
    FalseDevice,
    /// The same as another alert.
    Duplicate,
    /// The value is of another person.
    WrongPerson,
    /// Made on purpose, to try the way of an alert.
    Test,
}

impl Change {
    /// Every change.
    pub const ALL: [Self; 10] = [
        Self::Asked,
        Self::Raised,
        Self::Confirmed,
        Self::Repeated,
        Self::Stale,
        Self::Escalated,
        Self::Resumed,
        Self::Acknowledged,
        Self::Cleared,
        Self::Closed,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Raised => "raised",
            Self::Confirmed => "confirmed",
            Self::Repeated => "repeated",
            Self::Stale => "stale",
            Self::Escalated => "escalated",
            Self::Resumed => "resumed",
            Self::Acknowledged => "acknowledged",
            Self::Cleared => "cleared",
            Self::Closed => "closed",
        }
    }
}

impl Disposition {
    /// Every disposition.
    pub const ALL: [Self; 7] = [
        Self::TrueActioned,
        Self::TrueExpected,
        Self::FalseTechnique,
        Self::FalseDevice,
        Self::Duplicate,
        Self::WrongPerson,
        Self::Test,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TrueActioned => "true-actioned",
            Self::TrueExpected => "true-expected",
            Self::FalseTechnique => "false-technique",
            Self::FalseDevice => "false-device",
            Self::Duplicate => "duplicate",
            Self::WrongPerson => "wrong-person",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Change {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(&Self::ALL, Self::as_str, text)
    }
}

impl FromStr for Disposition {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(&Self::ALL, Self::as_str, text)
    }
}

fn word<T: Copy>(all: &[T], as_str: fn(T) -> &'static str, text: &str) -> Result<T, UnknownWord> {
    all.iter().copied().find(|&item| as_str(item) == text).ok_or_else(|| UnknownWord {
        word: text.to_owned(),
        known: all.iter().map(|&item| as_str(item)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_read_back() {
        for change in Change::ALL {
            assert_eq!(change.to_string().parse(), Ok(change));
        }
        for disposition in Disposition::ALL {
            assert_eq!(disposition.to_string().parse(), Ok(disposition));
        }
    }

    #[test]
    fn an_unknown_word_names_what_would_be_understood() {
        let error = "muted".parse::<Change>().unwrap_err();
        assert!(error.to_string().ends_with("acknowledged, cleared, closed"), "{error}");
    }
}
