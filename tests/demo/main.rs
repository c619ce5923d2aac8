//! `cargo run --release --bin demo`: a whole home and agency on this machine, nothing to install.

mod headless;
mod live;
mod stage;

use std::process::ExitCode;

use clap::Parser;

/// A whole home and agency on this machine: simulated devices, a hub, a broker and the nurse's page.
#[derive(Debug, Parser)]
#[command(name = "demo")]
struct Arguments {
    /// Tell the story once without a person: needs --until-acknowledged
    #[arg(long, requires = "until_acknowledged")]
    headless: bool,
    /// End with success once the alert was acknowledged on the page and at home
    #[arg(long, requires = "headless")]
    until_acknowledged: bool,
}

#[expect(clippy::print_stderr, reason = "the demo speaks to a person")]
fn main() -> ExitCode {
    if let Some(code) = harness::program::play_role(std::env::args_os()) {
        return code;
    }
    let arguments = Arguments::parse();
    let told = if arguments.headless { headless::tell() } else { live::show() };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
