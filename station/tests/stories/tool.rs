//! Programs of the operating system that some stories need.

use std::io::{Error, Write as _};

/// Where this is set a missing tool is a failure, and not a reason to skip.
const REQUIRED: &str = "VITALGATE_REQUIRE_TOOLS";

/// Says that the story is skipped for want of `program`; fails where every tool is required.
pub(crate) fn skip(program: &str, error: &Error) {
    assert!(std::env::var_os(REQUIRED).is_none(), "{program} cannot be started: {error}");
    // Written past the harness, which hides what a passing test prints.
    // Nobody may be listening on standard error; then there is nobody to tell.
    drop(writeln!(std::io::stderr(), "skipped: {program} cannot be started: {error}"));
}
