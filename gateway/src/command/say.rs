//! How the commands speak to a person: lines on standard output, errors with their causes, and what devices
//! say without its control characters.

use std::io::{self, ErrorKind, Write as _};
use std::{fmt, process};

/// Writes a line to standard output, as `println!` does.
macro_rules! say {
    ($($arguments:tt)*) => { $crate::command::say::line(format_args!($($arguments)*)) };
}

/// Writes a line.
///
/// Whoever reads may have seen enough, as `head` has: then the program ends without a word.
#[expect(clippy::exit, clippy::print_stderr, reason = "nobody reads what would follow")]
pub(in crate::command) fn line(line: fmt::Arguments<'_>) {
    let text = plain(&line.to_string());
    if let Err(error) = writeln!(io::stdout().lock(), "{text}") {
        if error.kind() == ErrorKind::BrokenPipe {
            process::exit(0);
        }
        eprintln!("vitalgate: the answer cannot be written: {error}");
        process::exit(1);
    }
}

/// An error with its causes. Some libraries say their cause themselves: it is not said twice.
pub(in crate::command) fn reason(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|it| !it.is_empty()) {
        if said.is_empty() {
            said = cause;
        } else if !said.ends_with(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

/// `text` with control characters as escapes: what a device says moves no cursor.
pub(in crate::command) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for it in text.chars() {
        match it.is_control() && it != '\n' {
            true => plain.extend(it.escape_default()),
            false => plain.push(it),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::anyhow!("no such file").context("I/O error: no such file");
        assert_eq!(reason(&error.context("no bus")), "no bus: I/O error: no such file");
        assert_eq!(reason(&anyhow::anyhow!("b").context("a")), "a: b");
    }

    #[test]
    fn what_a_device_says_moves_no_cursor() {
        assert_eq!(plain("\u{1b}[2J\u{7}A\u{9b}é\nB"), "\\u{1b}[2J\\u{7}A\\u{9b}é\nB");
    }
}
