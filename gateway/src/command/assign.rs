//! `vitalgate assign`: a person at the home says whose a reading is.

use std::process::ExitCode;

use clap::Args;
use vitals::{ReadingId, SubjectId};

use super::{ConfigArguments, Failure, print_kept};
use crate::local;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// The reading, as `vitalgate readings --unassigned` names it
    reading: ReadingId,
    /// Whose it is
    #[arg(value_name = "CLIENT", required_unless_present = "nobody")]
    client: Option<SubjectId>,
    /// It is of none of the clients of this home: a guest stepped on the scale
    #[arg(long, conflicts_with = "client")]
    nobody: bool,
    /// Who says so
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What the nurses should know
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let Arguments { reading, client, by, note, .. } = arguments;
    let path = config.socket_path();
    let kept = local::assign(&path, *reading, client.as_ref(), by, note.as_deref())?;
    let said = match client {
        Some(client) => format!("assigned to {}", client.as_str()),
        None => "assigned to nobody".to_owned(),
    };
    print_kept(&said, kept);
    Ok(ExitCode::SUCCESS)
}
