//! Lines of text out of the pieces of a serial stream.

/// Longest line that any format here has, with room to spare.
pub(crate) const LINE_LEN_BYTES_MAX: usize = 320;

/// Cuts a stream at carriage returns and line feeds.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    line: Vec<u8>,
    is_overlong: bool,
    /// Whether an end of line has passed: what came before the first may be half a line.
    is_aligned: bool,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// A whole line, without its end.
    Whole(Vec<u8>),
    /// The end of the line in whose middle the stream began, or a whole one.
    First(Vec<u8>),
    /// The beginning of a line that was too long.
    TooLong(Vec<u8>),
}

impl Lines {
    /// Takes the next piece of the stream; empty lines are passed over.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Line> {
        bytes.iter().filter_map(|byte| self.push_byte(*byte)).collect()
    }

    fn push_byte(&mut self, byte: u8) -> Option<Line> {
        if byte == b'\r' || byte == b'\n' {
            let was_aligned = std::mem::replace(&mut self.is_aligned, true);
            let was_overlong = std::mem::replace(&mut self.is_overlong, false);
            let line = std::mem::take(&mut self.line);
            return match (was_overlong || line.is_empty(), was_aligned) {
                (true, _) => None,
                (false, true) => Some(Line::Whole(line)),
                (false, false) => Some(Line::First(line)),
            };
        }
        if self.is_overlong {
            return None;
        }
        self.line.push(byte);
        if self.line.len() <= LINE_LEN_BYTES_MAX {
            return None;
        }
        self.is_overlong = true;
        Some(Line::TooLong(std::mem::take(&mut self.line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Line]) {
        assert_eq!(Lines::default().push(text.as_bytes()), expected);
        let mut lines = Lines::default();
        let one_by_one: Vec<_> = text.bytes().flat_map(|it| lines.push(&[it])).collect();
        assert_eq!(one_by_one, expected);
    }

    #[test]
    fn lines_end_with_either_end() {
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        check("\r\nabc\r\n\r\ndef\ng", &[whole("abc"), whole("def")]);
    }

    #[test]
    fn the_first_line_may_be_half_a_line() {
        check("bc\r\n", &[Line::First(b"bc".to_vec())]);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let long = "x".repeat(1000);
        let head = long.bytes().take(LINE_LEN_BYTES_MAX.saturating_add(1)).collect();
        let expected = [Line::TooLong(head), Line::Whole(b"abc".to_vec())];
        check(&format!("{long}\r\nabc\r\n"), &expected);
    }
}
