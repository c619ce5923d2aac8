//! Programs of the operating system that some stories need.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::Command;

/// Where `tests/run` sets this, a missing tool is a failure and not a reason to skip.
const REQUIRED: &str = "VITALGATE_REQUIRE_TOOLS";

/// Finds a program, also where only root looks for it.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).map(|it| it.join(name)).find(|it| it.is_file())
}

/// Says why a story is skipped, past the test runner, which would keep it to itself.
///
/// # Panics
///
/// Panics where the environment requires every tool.
pub fn skip(reason: &str) {
    assert!(std::env::var_os(REQUIRED).is_none(), "{reason}");
    // Nobody may be listening on standard error; then there is nobody to tell.
    drop(writeln!(io::stderr(), "skipped: {reason} (tests/run installs what is missing)"));
}

/// Finds a program, or says that the story is skipped for want of it.
///
/// # Panics
///
/// Panics where the program is missing and the environment requires every tool.
#[must_use]
pub fn find_or_skip(name: &str) -> Option<PathBuf> {
    let found = find(name);
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

/// Names the interpreter that has the packages of `tests/interop/requirements.txt`.
const PYTHON: &str = "VITALGATE_PYTHON";

/// Finds Python with the packages of the independent client, or says that the story is skipped.
///
/// # Panics
///
/// Panics where there is none and the environment requires every tool.
#[must_use]
pub fn python_or_skip() -> Option<PathBuf> {
    let named = std::env::var_os(PYTHON).map(PathBuf::from);
    let python = named.or_else(|| find("python3")).unwrap_or_else(|| PathBuf::from("python3"));
    let has_packages = Command::new(&python).args(["-c", "import cbor2, paho.mqtt"]).output();
    if has_packages.is_ok_and(|it| it.status.success()) {
        return Some(python);
    }
    skip(&format!("{} has no paho-mqtt and cbor2", python.display()));
    None
}
