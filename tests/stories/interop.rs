//! A client in another language reads readings and alerts off the broker and finds the contract.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use firmware_sim::device::blood_pressure::BloodPressure;
use firmware_sim::device::{Device, Measurement, Timing};
use harness::agency::AGENCY;
use harness::home::HomeDevice;
use harness::process::Process;
use harness::program::Program;
use harness::story::{CLIENT, Story, brokers};
use harness::tool;
use vitals::wire::topic::ROOT;

const CUFF: &str = "C0:FF:EE:00:00:01";

/// How long the client may take to say what the story waits for.
const CLIENT_MAX: Duration = Duration::from_secs(60);

#[test]
fn a_python_client_finds_the_contract_on_the_broker() {
    let Some(python) = tool::python_or_skip() else { return };
    let program = Program::at(env!("CARGO_BIN_EXE_demo"));
    for kind in brokers() {
        let device = Device::cuff("cuff", CUFF.parse().unwrap()).bonded().timing(Timing::brisk());
        let cuff = HomeDevice::bluetooth(device, "and-ua-651ble", CUFF, CLIENT);
        let mut story = Story::set(&program, kind, &[cuff]).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/reader.py");
        let mut command = Command::new(&python);
        command.arg(script).args(["--host", "127.0.0.1", "--root", ROOT, "--agency", AGENCY]);
        command.args(["--expect-readings", "3", "--expect-alerts", "1", "--timeout", "180"]);
        command.arg("--port").arg(story.broker.port().to_string());
        let mut reader = Process::start("reader.py", &mut command).unwrap();
        reader.wait_for_line("subscribed", CLIENT_MAX).unwrap();
        story.agency.start_station().unwrap();
        story.home.start_hub().unwrap();
        let cuff = story.home.simulator().device("cuff").unwrap();
        for systolic in [128, 184, 131] {
            let measured = Measurement::BloodPressure(BloodPressure::mmhg(systolic, 80, 70));
            story.home.perform(cuff.measure(measured)).unwrap();
        }
        let status = reader.wait().unwrap();
        assert!(status.success(), "{status}:\n{}", reader.output());
    }
}
