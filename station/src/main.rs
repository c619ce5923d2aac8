//! The binary `vitalstation`.

use std::process::ExitCode;

fn main() -> ExitCode {
    station::command::main(std::env::args_os())
}
