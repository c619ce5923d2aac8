//! The list of bugs that the simulation has to find, held to the source that it changes.
//!
//! `tests/campaigns/known-bugs` puts them back one at a time, in a copy of the workspace:
//! `VITALGATE_TREE` names the copy and `VITALGATE_BUG` the bug.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Fewest bugs that say something about a simulation.
const BUGS_MIN: usize = 15;

#[derive(Debug, Deserialize)]
struct List {
    bug: Vec<Bug>,
}

/// A bug.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bug {
    name: String,
    /// What it would do to a home.
    harm: String,
    edit: Vec<Edit>,
}

/// A change of the source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: PathBuf,
    from: String,
    to: String,
}

impl Bug {
    /// The files with the bug in them, or why it cannot be put into them.
    fn put_back(&self, tree: &Path) -> Result<Vec<(PathBuf, String)>, String> {
        let mut changed: Vec<(PathBuf, String)> = Vec::new();
        for Edit { file, from, to } in &self.edit {
            let path = tree.join(file);
            let known = changed.iter().position(|it| it.0 == path);
            let text = match known {
                Some(place) => changed.remove(place).1,
                None => fs::read_to_string(&path).map_err(|it| format!("{it}"))?,
            };
            let n_found = text.matches(from.as_str()).count();
            if n_found != 1 {
                let file = file.display();
                return Err(format!("{}: {file} has {n_found} times\n{from}", self.name));
            }
            changed.push((path, text.replacen(from, to, 1)));
        }
        Ok(changed)
    }
}

fn list() -> Vec<Bug> {
    let list: List = toml::from_str(include_str!("bugs.toml")).unwrap();
    list.bug
}

#[test]
fn every_known_bug_can_be_put_back() {
    let bugs = list();
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let problems: Vec<_> = bugs.iter().filter_map(|it| it.put_back(tree).err()).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let names: BTreeSet<_> = bugs.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), bugs.len(), "two bugs have one name");
    assert!(BUGS_MIN <= bugs.len());
    for bug in &bugs {
        assert!(!bug.edit.is_empty() && !bug.harm.is_empty(), "{bug:?}");
        assert!(bug.edit.iter().all(|it| it.from != it.to), "{bug:?}");
        println!("bug {}", bug.name);
    }
}

/// What the campaign asks for; without a copy of the workspace nothing is changed.
#[test]
fn a_bug_is_put_back_where_the_campaign_says() {
    let (Ok(tree), Ok(name)) = (std::env::var("VITALGATE_TREE"), std::env::var("VITALGATE_BUG"))
    else {
        return;
    };
    let bugs = list();
    let bug = bugs.iter().find(|it| it.name == name).unwrap();
    for (path, text) in bug.put_back(Path::new(&tree)).unwrap() {
        fs::write(path, text).unwrap();
    }
}
