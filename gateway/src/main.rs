//! The program `vitalgate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    gateway::command::main(std::env::args_os())
}
