//! Words about alerts that cross crates: how urgent, and of which sort.

use std::fmt;
use std::str::FromStr;

/// How soon a person has to look (IEC 60601-1-8 names).
///
/// The order is the order of the worklist: high sorts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Immediate response; never delayed by quiet hours.
    High,
    /// Prompt response.
    Medium,
    /// Awareness.
    Low,
}

/// Which queue an alert belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// A value of the client.
    Clinical,
    /// A measurement that was due and did not come.
    Adherence,
    /// A device, hub or connection.
    Technical,
}

impl Priority {
    /// Every priority, worst first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 3] = [Self::Clinical, Self::Adherence, Self::Technical];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clinical => "clinical",
            Self::Adherence => "adherence",
            Self::Technical => "technical",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(&Self::ALL, Self::as_str, text)
    }
}

impl FromStr for Category {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        word(&Self::ALL, Self::as_str, text)
    }
}

/// A word that is not in the vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not one of {}", known.join(", "))]
pub struct UnknownWord {
    /// The word as it was given.
    pub word: String,
    /// What would have been understood.
    pub known: Vec<&'static str>,
}

/// Finds the item of a closed vocabulary whose word is `text`.
pub(crate) fn word<T: Copy>(
    all: &[T],
    as_str: fn(T) -> &'static str,
    text: &str,
) -> Result<T, UnknownWord> {
    all.iter().copied().find(|&item| as_str(item) == text).ok_or_else(|| UnknownWord {
        word: text.to_owned(),
        known: all.iter().map(|&item| as_str(item)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_sorts_before_low() {
        assert!(Priority::High < Priority::Medium && Priority::Medium < Priority::Low);
    }

    #[test]
    fn an_unknown_word_names_what_would_be_understood() {
        let error = "urgent".parse::<Priority>().unwrap_err();
        assert_eq!(error.to_string(), "\"urgent\" is not one of high, medium, low");
    }
}
