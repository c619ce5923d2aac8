//! The tree keeps its own rules: what the documents say about the code is so, and no room does what
//! it promises not to do.
//!
//! Notation of the documents, checked here:
//!
//! ```text
//! Held by `path/of/a/file.rs`: `a_test`, `another_test`.     tests of that file, which exist
//! Not yet: one sentence.                                      what does not hold yet
//! Open: one sentence.                                         what is not controlled yet
//! `room/path`                                                 a file or folder of the tree
//! ```

#![expect(clippy::unwrap_used, clippy::panic, reason = "a tree that cannot be read has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use gateway::device::catalogue::{self, Line, Model, Transport};
use vitals::DeviceKind;

/// Documents whose paths and tests must exist.
const HELD_DOCUMENTS: [&str; 4] =
    ["README.md", "docs/ARCHITECTURE.md", "docs/alerts.md", "docs/safety.md"];

/// Invariants of the architecture.
const INVARIANTS: usize = 16;

/// Hazards of the safety page.
const HAZARDS: usize = 26;

/// Longest source file, in lines.
const LINES_MAX: usize = 600;

/// Which of our crates each room may use.
const ROOMS: [(&str, &[&str]); 6] = [
    ("vitals", &[]),
    ("alerting", &["vitals"]),
    ("gateway", &["alerting", "vitals"]),
    ("station", &["alerting", "vitals"]),
    ("firmware-sim", &[]),
    ("tests", &["alerting", "firmware-sim", "gateway", "station", "vitals"]),
];

/// Parts of `gateway::device` that decode nothing themselves.
const NO_DECODERS: [&str; 2] = ["catalogue", "time"];

/// They read what SQLite wrote: no bytes of devices.
const READ_A_LOG: [&str; 2] = ["gateway/src/store/log.rs", "vitals/src/write_ahead.rs"];

/// What shows a person the fields of bytes, and so names every format.
const SHOWS_FIELDS: &str = "gateway/src/command/decode";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every text file of the tree by its path.
fn tree() -> &'static BTreeMap<String, String> {
    static TREE: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    TREE.get_or_init(|| {
        let mut files = BTreeMap::new();
        collect(root(), &mut files);
        assert!(100 < files.len(), "this is not the whole tree: {} files", files.len());
        files
    })
}

fn collect(folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        // What cargo and version control keep is not ours.
        let is_ours = name != ".git" && name != "target" && !path.join("CACHEDIR.TAG").exists();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && is_ours {
            collect(&path, files);
        } else if kind.is_file()
            && is_ours
            && let Ok(text) = fs::read_to_string(&path)
        {
            let inside = path.strip_prefix(root()).unwrap();
            files.insert(inside.to_str().unwrap().to_owned(), text);
        }
    }
}

fn text(path: &str) -> &'static str {
    tree().get(path).unwrap_or_else(|| panic!("there is no {path}"))
}

fn sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    let files = tree().iter().filter(|(path, _text)| path.ends_with(".rs"));
    files.map(|(path, text)| (path.as_str(), text.as_str()))
}

/// Sources of the programs and libraries themselves, without what tests them from outside.
fn room_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    sources().filter(|(path, _text)| path.split('/').nth(1) == Some("src"))
}

/// Lines of code with their numbers, comments left out.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter(|(_number, line)| !line.trim_start().starts_with("//"))
}

#[track_caller]
fn none(problems: impl IntoIterator<Item = String>) {
    let problems: Vec<_> = problems.into_iter().collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Text in backquotes, in order.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Names of the functions of `text` that are tests.
fn tests_of(text: &str) -> BTreeSet<&str> {
    let mut is_test = false;
    let mut names = BTreeSet::new();
    for line in text.lines().map(str::trim_start) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_before, after)) = line.split_once("fn ")
            && std::mem::take(&mut is_test)
        {
            names.extend(after.split('(').next());
        }
    }
    names
}

#[test]
fn every_test_that_the_documents_name_exists() {
    let mut n_held = 0;
    let lines =
        HELD_DOCUMENTS.iter().flat_map(|it| (1..).zip(text(it).lines()).map(move |l| (it, l)));
    let mut problems = Vec::new();
    for (document, (number, line)) in lines.filter(|(_it, (_n, line))| line.starts_with("Held by"))
    {
        let at = format!("{document}:{number}");
        let mut words = quoted(line);
        let path = words.next().unwrap_or_default();
        let names: Vec<_> = words.collect();
        let list: Vec<_> = names.iter().map(|it| format!("`{it}`")).collect();
        if line != format!("Held by `{path}`: {}.", list.join(", ")) || names.is_empty() {
            problems.push(format!("{at}: write \"Held by `file`: `test`, `test`.\""));
            continue;
        }
        let Some(tests) = tree().get(path).map(|it| tests_of(it)) else {
            problems.push(format!("{at}: there is no {path}"));
            continue;
        };
        n_held += names.len();
        let missing = names.iter().filter(|it| !tests.contains(*it));
        problems.extend(missing.map(|it| format!("{at}: {path} has no test {it}")));
    }
    none(problems);
    assert!(INVARIANTS < n_held, "just {n_held} tests are named");
}

/// Sections of the third level below the heading `title`.
fn sections<'a>(document: &'a str, title: &str) -> Vec<&'a str> {
    let (_before, rest) = document.split_once(&format!("\n## {title}\n")).unwrap();
    rest.split("\n## ").next().unwrap().split("\n### ").skip(1).collect()
}

#[test]
fn every_invariant_says_where_it_lives_and_what_holds_it() {
    let invariants = sections(text("docs/ARCHITECTURE.md"), "Invariants");
    assert_eq!(invariants.len(), INVARIANTS);
    none((1..).zip(invariants).filter_map(|(number, invariant)| {
        let says = |start: &str| invariant.lines().any(|it| it.starts_with(start));
        let is_numbered = invariant.starts_with(&format!("{number}. "));
        let is_complete = says("Where: ") && (says("Held by ") || says("Not yet: "));
        (!is_numbered || !is_complete).then(|| format!("invariant {number} is not complete"))
    }));
}

#[test]
fn every_hazard_is_held_or_open() {
    let hazards = sections(text("docs/safety.md"), "Hazards");
    assert_eq!(hazards.len(), HAZARDS);
    none((1..).zip(hazards).filter_map(|(number, hazard)| {
        let says = |start: &str| hazard.lines().any(|it| it.starts_with(start));
        let is_numbered = hazard.starts_with(&format!("H{number} "));
        let is_complete = says("Open: ") || (says("Control: ") && says("Held by "));
        (!is_numbered || !is_complete).then(|| format!("hazard {number} is not complete"))
    }));
}

#[test]
fn every_path_that_the_documents_name_exists() {
    let rooms: BTreeSet<_> =
        tree().keys().filter_map(|it| it.split_once('/')).map(|it| it.0).collect();
    let is_of_path = |it: char| it.is_ascii_alphanumeric() || "_-./".contains(it);
    let is_path = |word: &str| {
        word.chars().all(is_of_path) && word.split_once('/').is_some_and(|it| rooms.contains(it.0))
    };
    none(HELD_DOCUMENTS.iter().flat_map(|document| {
        let paths = text(document).lines().flat_map(quoted).filter(|it| is_path(it));
        let missing = paths.filter(|it| !root().join(it).exists());
        missing.map(move |it| format!("{document}: there is no {it}"))
    }));
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let is_document =
        |path: &str| path == "README.md" || (path.starts_with("docs/") && path.ends_with(".md"));
    let mut problems = Vec::new();
    for (document, text) in tree().iter().filter(|(path, _text)| is_document(path)) {
        let folder = root().join(document).parent().unwrap().to_owned();
        let targets = text.split("](").skip(1).filter_map(|it| it.split([')', ' ', '#']).next());
        let relative = targets.filter(|it| !it.is_empty() && !it.contains(':'));
        let missing = relative.filter(|it| !folder.join(it).exists());
        problems.extend(missing.map(|it| format!("{document}: there is no {it}")));
    }
    none(problems);
}

fn measures(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::BloodPressureMonitor => "blood pressure, pulse",
        DeviceKind::PulseOximeter => "oxygen saturation, pulse",
        DeviceKind::WeighingScale => "weight",
        DeviceKind::Thermometer => "temperature",
        DeviceKind::HeartRateSensor => "heart rate",
        DeviceKind::GlucoseMeter => "glucose",
        DeviceKind::Person => "what a person observed",
    }
}

fn row(model: &Model) -> String {
    let Model { key, name, kind, transport, pairing: _, notes } = model;
    let link = match transport {
        Transport::Bluetooth { .. } => "Bluetooth LE".to_owned(),
        Transport::Serial { lines } => {
            let line = |it: &Line| format!("{} baud {}", it.baud, it.shape());
            format!("serial, {}", lines.iter().map(line).collect::<Vec<_>>().join(" or "))
        }
    };
    format!("| `{key}` | {name} | {link} | {} | {notes} |\n", measures(*kind)).replace("  ", " ")
}

#[test]
fn the_device_table_of_the_readme_is_the_catalogue() {
    let head = "\n\n| model | device | link | measures | notes |\n|---|---|---|---|---|\n";
    let rows: String = catalogue::models().iter().copied().map(row).collect();
    let expected = format!("{head}{rows}\n");
    let (_before, rest) = text("README.md").split_once("<!-- devices: begin -->").unwrap();
    let (table, _after) = rest.split_once("<!-- devices: end -->").unwrap();
    assert!(table == expected, "the table should be:{expected}");
}

#[test]
fn only_the_clock_modules_read_a_clock() {
    let readers: Vec<_> = ["Instant", "SystemTime", "Timestamp", "Zoned"]
        .map(|it| format!("{it}::now"))
        .into_iter()
        .chain(["clock", "gettime"].windows(2).map(|it| it.join("_")))
        .collect();
    let is_clock = |path: &str| path.ends_with("/clock.rs");
    let reads = |line: &str| readers.iter().any(|it| line.contains(it));
    none(sources().filter(|(path, _text)| !is_clock(path)).flat_map(|(path, text)| {
        let lines = code(text).filter(|(_number, line)| reads(line));
        lines.map(move |(number, line)| format!("{path}:{number}: {}", line.trim()))
    }));
    let clocks: Vec<_> = sources().map(|it| it.0).filter(|it| is_clock(it)).collect();
    let rooms: BTreeSet<_> = clocks.iter().filter_map(|it| it.split('/').next()).collect();
    assert_eq!(rooms.len(), clocks.len(), "one clock a room: {clocks:?}");
    assert!(!rooms.contains("vitals") && !rooms.contains("alerting"), "{clocks:?}");
}

/// First segments of what `text` takes out of `gateway::device`.
fn taken_from_device(text: &str) -> BTreeSet<&str> {
    let is_of_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    let mut names = BTreeSet::new();
    for after in text.split("crate::device::").skip(1) {
        let Some(group) = after.strip_prefix('{') else {
            names.extend(after.split(|it| !is_of_name(it)).next());
            continue;
        };
        let mut depth = 0;
        let mut is_first = true;
        for (position, sign) in group.char_indices() {
            match sign {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => is_first = true,
                it if is_first && is_of_name(it) => {
                    names.extend(group.get(position..).unwrap().split(|it| !is_of_name(it)).next());
                    is_first = false;
                }
                _between => {}
            }
        }
    }
    names
}

#[test]
fn bytes_of_devices_are_read_in_one_place() {
    let is_outside = |path: &str| !path.starts_with("gateway/src/device");
    let outside = || room_sources().filter(|(path, _text)| is_outside(path));
    let reads =
        |line: &str| ["le", "be", "ne"].iter().any(|it| line.contains(&format!("from_{it}_bytes")));
    let simulates = |path: &str| path.starts_with("firmware-sim/");
    let is_of_devices = |path: &str| !simulates(path) && !READ_A_LOG.contains(&path);
    none(outside().filter(|(path, _text)| is_of_devices(path)).flat_map(|(path, text)| {
        let lines = code(text).filter(|(_number, line)| reads(line));
        lines.map(move |(number, line)| format!("{path}:{number}: {}", line.trim()))
    }));
    let is_type = |name: &str| name.starts_with(|it: char| it.is_ascii_uppercase());
    let is_decoder = |name: &&str| !is_type(name) && !NO_DECODERS.contains(name);
    let hub = outside()
        .filter(|(path, _text)| path.starts_with("gateway/") && !path.starts_with(SHOWS_FIELDS));
    let mut n_taken = 0;
    let mut problems = Vec::new();
    for (path, text) in hub {
        let taken = taken_from_device(text);
        n_taken += taken.len();
        let decoders = taken.into_iter().filter(is_decoder);
        problems.extend(decoders.map(|it| format!("{path} uses the decoder {it}")));
    }
    none(problems);
    assert!(5 < n_taken, "the hub takes just {n_taken} things from its decoders");
}

/// Keys of every table of dependencies of a manifest.
fn dependencies(table: &toml::Table) -> BTreeSet<&str> {
    table
        .iter()
        .filter_map(|(key, value)| Some((key, value.as_table()?)))
        .flat_map(|(key, value)| match key.ends_with("dependencies") {
            true => value.keys().map(String::as_str).collect(),
            false => dependencies(value),
        })
        .collect()
}

#[test]
fn the_rooms_use_each_other_only_as_drawn() {
    let rooms: BTreeSet<_> = ROOMS.iter().map(|(room, _uses)| *room).collect();
    none(ROOMS.iter().flat_map(|(room, may_use)| {
        let manifest: toml::Table = text(&format!("{room}/Cargo.toml")).parse().unwrap();
        let used: Vec<_> = dependencies(&manifest)
            .into_iter()
            .filter(|it| rooms.contains(it) && !may_use.contains(it))
            .map(|it| format!("{room} uses {it}"))
            .collect();
        used
    }));
    let borrows = |line: &str| line.contains("#[path") || line.contains("include!");
    none(sources().filter(|(path, _text)| path.starts_with("firmware-sim/")).flat_map(
        |(path, text)| {
            let lines = code(text).filter(|(_number, line)| borrows(line));
            lines.map(move |(number, line)| format!("{path}:{number}: {}", line.trim()))
        },
    ));
}

#[test]
fn domain_types_do_not_know_how_they_travel() {
    let is_domain = |path: &str| {
        path.starts_with("alerting/src/")
            || (path.starts_with("vitals/src/") && !path.starts_with("vitals/src/wire"))
    };
    let encodes = |line: &str| line.contains("serde") || line.contains("ciborium");
    let domain: Vec<_> = sources().filter(|(path, _text)| is_domain(path)).collect();
    assert!(20 < domain.len(), "just {} files", domain.len());
    none(domain.into_iter().flat_map(|(path, text)| {
        let lines = code(text).filter(|(_number, line)| encodes(line));
        lines.map(move |(number, line)| format!("{path}:{number}: {}", line.trim()))
    }));
}

#[test]
fn no_source_file_is_too_long_and_none_is_named_mod() {
    none(room_sources().filter_map(|(path, text)| {
        let n_lines = text.lines().count();
        (LINES_MAX < n_lines).then(|| format!("{path} has {n_lines} lines"))
    }));
    none(sources().map(|it| it.0).filter(|it| it.ends_with("/mod.rs")).map(str::to_owned));
}

#[test]
fn no_file_names_a_folder_of_somebody_s_machine() {
    let folders = ["work", "root", "tmp/vg"].map(|it| format!("/{it}/"));
    none(tree().iter().flat_map(|(path, text)| {
        let named = folders.iter().filter(|it| text.contains(*it));
        named.map(move |it| format!("{path} names {it}"))
    }));
}
