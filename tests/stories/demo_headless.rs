//! The demo without a person: it tells its story once and ends well, within its promised times.

use std::process::Command;

use harness::process::Process;

#[test]
fn the_demo_acknowledges_by_itself_and_ends_well() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    let arguments = ["--headless", "--until-acknowledged"];
    let mut demo = Process::start("demo", command.args(arguments)).unwrap();
    let status = demo.wait().unwrap();
    assert!(status.success(), "{status}:\n{}", demo.output());
}
