//! The one test program that plays every role: hub, station and broker.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use crate::embedded_broker;

/// First argument of a process that plays a role.
const ROLE: &str = "role";

/// The role of the hub.
const HUB: &str = "vitalgate";

/// Path of the test program, and of a hub as it ships where that is to play its own role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    hub: Option<PathBuf>,
}

impl Program {
    /// The program at `path`: the demo's.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), hub: None }
    }

    /// The same, with `hub` for the role of the hub.
    #[must_use]
    pub fn with_hub(self, hub: impl Into<PathBuf>) -> Self {
        Self { hub: Some(hub.into()), ..self }
    }

    /// A command that plays `role`; the arguments of that role follow.
    #[must_use]
    pub fn role(&self, role: &str) -> Command {
        if let Some(hub) = self.hub.as_ref().filter(|_it| role == HUB) {
            return Command::new(hub);
        }
        let mut command = Command::new(&self.path);
        command.arg(ROLE).arg(role);
        command
    }
}

/// Plays the role that the command line names, or returns `None` where it names none.
pub fn play_role(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != ROLE {
        return None;
    }
    // Whoever started this process may be killed; then nothing of it may stay behind.
    if set_pdeathsig(Signal::SIGTERM).is_err() {
        return Some(ExitCode::FAILURE);
    }
    let role = arguments.next()?;
    match role.to_str()? {
        HUB => Some(gateway::command::main(with_arguments(HUB, arguments))),
        "vitalstation" => Some(station::command::main(with_arguments("vitalstation", arguments))),
        "broker" => Some(embedded_broker::main(arguments)),
        _unknown => None,
    }
}

fn with_arguments(
    name: &str,
    arguments: impl Iterator<Item = OsString>,
) -> impl Iterator<Item = OsString> {
    std::iter::once(OsString::from(name)).chain(arguments)
}
