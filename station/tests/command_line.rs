//! The command line: exit codes, every problem at once, and what `hub` prints.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn vitalstation(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vitalstation"))
        .current_dir(directory)
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const CONFIG: &str = "[agency]\nid = \"north\"\nsigning_key_file = \"agency.key\"\n\
                      [store]\npath = \"station.db\"\n\
                      [[hub]]\nid = \"hub-1\"\nname = \"Mill Lane 3\"\n";

#[test]
fn wrong_usage_is_2_and_help_is_0() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(vitalstation(directory.path(), &["dance"]).status.code(), Some(2));
    assert_eq!(vitalstation(directory.path(), &[]).status.code(), Some(2));
    assert_eq!(vitalstation(directory.path(), &["--help"]).status.code(), Some(0));
}

#[test]
fn a_bad_file_starts_nothing_and_names_every_problem() {
    let directory = tempfile::tempdir().unwrap();
    let file = "[agency]\nname = \"north\"\n[broker]\nport = 0\n[store]\npath = \"s.db\"\n";
    fs::write(directory.path().join("station.toml"), file).unwrap();
    let output = vitalstation(directory.path(), &["serve", "--config", "station.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "station.toml: line 1: agency.id: missing: add it, as in id = \"north\"\n\
         station.toml: line 2: agency.name: unknown key; known here: id, signing_key_file\n\
         station.toml: line 4: broker.port: 0 is not in 1 to 65535\n"
    );
    assert!(!directory.path().join("s.db").exists());
}

#[test]
fn a_file_that_is_not_there_is_2() {
    let directory = tempfile::tempdir().unwrap();
    let output = vitalstation(directory.path(), &["serve", "--config", "station.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("cannot read station.toml: "));
}

#[test]
fn a_failure_of_the_thing_asked_is_1() {
    let directory = tempfile::tempdir().unwrap();
    let config = CONFIG.replace("station.db", "nowhere/station.db");
    fs::write(directory.path().join("station.toml"), config).unwrap();
    let output = vitalstation(directory.path(), &["serve", "--config", "station.toml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("nowhere/station.db.lock"), "{output:?}");
}

#[test]
fn a_hub_is_added_with_the_key_that_signs() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("station.toml"), CONFIG).unwrap();
    let add =
        |name| vitalstation(directory.path(), &["hub", "add", name, "--config", "station.toml"]);
    let output = add("Oak Street 12");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let table: toml::Table = text(&output.stdout).parse().unwrap();
    assert_eq!(table["hub"]["id"].as_str(), Some("oak-street-12"));
    let seed = fs::read_to_string(directory.path().join("agency.key")).unwrap();
    let seed = <[u8; 32]>::try_from(hex::decode(seed.trim()).unwrap()).unwrap();
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
    assert_eq!(table["agency"]["keys"][0].as_str(), Some(&*hex::encode(public.as_bytes())));
    assert_eq!(add("Oak Street 12").stdout, output.stdout, "the key stays");
    assert_eq!(add("Hub 1").status.code(), Some(2), "hub-1 is taken");
    assert_eq!(add("***").status.code(), Some(2));
}

#[test]
fn hubs_are_listed_as_text_and_as_json() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("station.toml"), CONFIG).unwrap();
    let list = |more: &[&str]| {
        let arguments = [&["hub", "list", "--config", "station.toml"], more].concat();
        vitalstation(directory.path(), &arguments)
    };
    assert!(text(&list(&[]).stdout).contains("Mill Lane 3  not yet connected"));
    let json: serde_json::Value = serde_json::from_slice(&list(&["--json"]).stdout).unwrap();
    assert_eq!((&json[0]["hub"], &json[0]["presence"]), (&"hub-1".into(), &().into()));
}

#[test]
fn a_care_plan_is_checked_as_a_whole_before_a_home_gets_it() {
    let directory = tempfile::tempdir().unwrap();
    let plan = "name = \"pressure\"\nversion = 1\nsubject = \"client-1\"\nlate_after_min = 60\n\
                [[threshold]]\nid = \"systolic\"\nvital = \"systolic-pressure\"\n\
                priority = \"high\"\nat_or_above = \"180 mmHg\"\nclear_at_or_below = \"175 mmHg\"\n";
    fs::write(directory.path().join("good.toml"), plan).unwrap();
    let output = vitalstation(directory.path(), &["plan", "check", "good.toml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = text(&output.stdout);
    assert!(
        said.starts_with("good.toml: good, plan pressure version 1 for client-1\n  systolic: ")
    );

    let wrong = plan.replace("version = 1", "version = 0").replace("180 mmHg", "180");
    fs::write(directory.path().join("wrong.toml"), wrong).unwrap();
    let files = ["plan", "check", "good.toml", "wrong.toml", "none.toml"];
    let output = vitalstation(directory.path(), &files);
    assert_eq!(output.status.code(), Some(2));
    let lines: Vec<_> = text(&output.stderr).lines().collect();
    let [version, limit, none] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(*version, "wrong.toml: line 2: version: 0 is not in 1 to 4294967295");
    assert!(limit.starts_with("wrong.toml: line 9: ") && limit.contains("has no unit"), "{limit}");
    assert!(none.starts_with("cannot read none.toml: "), "{none}");
}
