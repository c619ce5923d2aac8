//! Wrong configuration: a plain sentence for every problem, exit 2, and nothing started.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use harness::program::Program;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut files: Vec<_> = entries.filter(|it| it.extension().is_some()).collect();
    files.sort();
    files
}

/// Every file begins with what its reader has to be told: `# expect: …`.
#[test]
fn every_problem_is_told_and_nothing_is_started() {
    let files = files();
    assert!(10 <= files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let expected: Vec<_> =
            text.lines().filter_map(|it| it.strip_prefix("# expect: ")).collect();
        assert!(!expected.is_empty(), "{}", file.display());
        for subcommand in ["run", "check"] {
            let mut command = Program::at(env!("CARGO_BIN_EXE_demo")).role("vitalgate");
            let output = command.arg(subcommand).arg("--config").arg(&file).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            let name = file.file_name().unwrap().to_string_lossy();
            assert_eq!(output.status.code(), Some(2), "{name}: {said}");
            for expected in &expected {
                assert!(said.contains(expected), "{name} does not say {expected:?}:\n{said}");
            }
            assert!(said.contains(&*name), "the file is not named:\n{said}");
            assert!(said.ends_with("nothing was started\n"), "{said}");
            assert!(!file.with_file_name("data").exists(), "{name} started something");
        }
    }
}
