//! The binary as a person or a script starts it.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const LIMIT: Duration = Duration::from_secs(30);

fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/scenarios").join(name)
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firmware-sim"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn output(command: &mut Command) -> Output {
    tokio::time::timeout(LIMIT, command.output()).await.expect("it ends").unwrap()
}

struct Story {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Story {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let mut child = binary().arg(scenario(name)).args(arguments).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(LIMIT, self.lines.next_line()).await;
        line.expect("a line is said").unwrap().expect("the story goes on")
    }

    /// Reads on until a line says `what`.
    async fn until(&mut self, what: &str) {
        while !self.line().await.contains(what) {}
    }

    async fn end(&mut self, signal: Signal) -> Option<i32> {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
        tokio::time::timeout(LIMIT, self.child.wait()).await.expect("it ends").unwrap().code()
    }
}

#[tokio::test]
async fn the_example_says_where_everything_is_and_tells_its_story() {
    let mut story = Story::start("one-home.toml", &["--speed", "20"]);
    let bus = story.line().await;
    let socket = bus.strip_prefix("DBUS_SYSTEM_BUS_ADDRESS=unix:path=").unwrap().to_owned();
    assert!(Path::new(&socket).exists());
    let mut ports = Vec::new();
    for device in ["bathroom-scale", "bedside-oximeter"] {
        let line = story.line().await;
        let path = line.strip_prefix(&format!("port {device} ")).unwrap().to_owned();
        assert!(Path::new(&path).exists());
        ports.push(path);
    }
    assert_eq!(story.line().await, "story: one home on a frightening morning");
    assert_eq!(story.line().await, "      2.0 s  oximeter: measures SpO2 97 %, pulse 78");
    story.until("      8.0 s  cuff: measures 184/121, pulse 96").await;
    story.until("cuff: advertises").await;

    assert_eq!(story.end(Signal::SIGTERM).await, Some(0));
    for path in ports.iter().chain([&socket]) {
        assert!(!Path::new(path).exists(), "{path} is left behind");
    }
}

#[tokio::test]
async fn an_interrupt_ends_it_in_order() {
    let mut story = Story::start("bad-day.toml", &["--speed", "20", "--seed", "7"]);
    story.until("cuff: the next 2 values will be cut short").await;
    assert_eq!(story.end(Signal::SIGINT).await, Some(0));
}

#[tokio::test]
async fn devices_are_listed_without_starting_any() {
    let listed = output(binary().arg(scenario("one-home.toml")).arg("--list-devices")).await;
    assert!(listed.status.success());
    assert_eq!(
        String::from_utf8(listed.stdout).unwrap(),
        "cuff: blood pressure cuff at C0:FF:EE:00:00:01 \"A&D_UA-651BLE_8A0102\"\n\
         oximeter: pulse oximeter at C0:FF:EE:00:00:02 \"Pocket Oximeter\"\n\
         scale: scale at C0:FF:EE:00:00:03 \"Bedroom Scale\"\n\
         bedside-oximeter: pulse oximeter at usb-Nonin_Xpod-port0\n\
         bathroom-scale: scale at usb-AND_UC-321-port0\n"
    );
}

#[tokio::test]
async fn a_wrong_scenario_is_refused_with_all_its_problems() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wrong.toml");
    std::fs::write(&path, "title = 1\ncolour = 'red'\n").unwrap();
    let refused = output(binary().arg(&path)).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stdout.is_empty());
    let problems = [
        "line 1: device: missing: at least one [[device]]",
        "line 1: step: missing: at least one [[step]]",
        "line 1: title: expected a text in quotes, found integer",
        "line 2: colour: unknown key; known here: title, device, step, repeat",
    ];
    let expected: String =
        problems.iter().map(|problem| format!("{}: {problem}\n", path.display())).collect();
    assert_eq!(String::from_utf8(refused.stderr).unwrap(), expected);
}

#[tokio::test]
async fn a_scenario_that_is_not_there_is_wrong_usage() {
    let refused = output(binary().arg("no-such-scenario.toml")).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().starts_with("cannot read"));
}
