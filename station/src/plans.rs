//! The care plans of the agency: one TOML file each, in one directory.

use std::fs;
use std::path::{Path, PathBuf};

use alerting::Plan;
use jiff::tz::TimeZone;

use crate::config::Plans;

/// A care plan, and where its client lives.
#[derive(Debug, Clone)]
pub struct PlacedPlan {
    /// The plan.
    pub plan: Plan,
    /// The client's time zone.
    pub zone: TimeZone,
}

/// Reads every care plan of the configured directory; none where no directory is configured.
///
/// # Errors
///
/// Returns a line for each thing that is wrong: the directory or a file cannot be read, a plan has a
/// problem, two files are the same plan of the same client.
pub fn load(plans: &Plans) -> Result<Vec<PlacedPlan>, Vec<String>> {
    let Some(directory) = &plans.directory else { return Ok(Vec::new()) };
    let files = files(directory).map_err(|it| vec![it])?;
    let (mut good, mut wrong): (Vec<(PathBuf, Plan)>, _) = (Vec::new(), Vec::new());
    for path in files {
        match read(&path) {
            Err(problems) => wrong.extend(problems),
            Ok(plan) => {
                let is_same =
                    |it: &Plan| it.subject() == plan.subject() && it.name() == plan.name();
                match good.iter().find(|(_path, it)| is_same(it)) {
                    Some((other, _plan)) => wrong.push(format!(
                        "{}: plan {} of {} is in {} already, keep one",
                        path.display(),
                        plan.name(),
                        plan.subject().as_str(),
                        other.display()
                    )),
                    None => good.push((path, plan)),
                }
            }
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let placed = |(_path, plan): (PathBuf, Plan)| {
        let zone = plans.zone_of(plan.subject());
        PlacedPlan { plan, zone }
    };
    Ok(good.into_iter().map(placed).collect())
}

/// Reads one care plan.
///
/// # Errors
///
/// Returns a line for each problem of the file.
pub fn read(path: &Path) -> Result<Plan, Vec<String>> {
    let name = path.display();
    let text =
        fs::read_to_string(path).map_err(|error| vec![format!("cannot read {name}: {error}")])?;
    Plan::parse(&text)
        .map_err(|problems| problems.iter().map(|it| format!("{name}: {it}")).collect())
}

/// The TOML files of a directory, by name.
fn files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let list = || {
        let entries = fs::read_dir(directory)?.map(|it| it.map(|it| it.path()));
        entries.collect::<Result<Vec<_>, _>>()
    };
    let mut files =
        list().map_err(|error| format!("cannot read {}: {error}", directory.display()))?;
    files.retain(|it| it.extension().is_some_and(|it| it == "toml"));
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const PLAN: &str = "name = \"copd\"\nversion = 1\nsubject = \"client-1\"\nlate_after_min = 60\n\
        [[threshold]]\nid = \"low\"\nvital = \"oxygen-saturation\"\npriority = \"high\"\n\
        at_or_below = \"88 %\"\nclear_at_or_above = \"90 %\"\n";

    /// The plans of these files, or what is wrong with them.
    fn loaded(files: &[(&str, &str)]) -> (Vec<PlacedPlan>, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let zones =
            BTreeMap::from([("client-1".parse().unwrap(), TimeZone::fixed(jiff::tz::offset(1)))]);
        let place = directory.path().to_owned();
        let plans = Plans { directory: Some(place.clone()), zone: TimeZone::UTC, zones };
        let shortened = |it: String| it.replace(&format!("{}/", place.display()), "");
        match load(&plans) {
            Ok(plans) => (plans, Vec::new()),
            Err(problems) => (Vec::new(), problems.into_iter().map(shortened).collect()),
        }
    }

    #[test]
    fn every_plan_is_read_with_the_zone_of_its_client() {
        let other = PLAN.replace("client-1", "client-2");
        let plans = loaded(&[("a.toml", PLAN), ("b.toml", &other), ("notes.txt", "call")]).0;
        let zones: Vec<_> = plans.iter().map(|it| it.zone.clone()).collect();
        assert_eq!(zones, [TimeZone::fixed(jiff::tz::offset(1)), TimeZone::UTC]);
    }

    #[test]
    fn every_problem_of_every_file_is_named() {
        let bad = PLAN.replace("88 %", "88");
        let found = loaded(&[("a.toml", PLAN), ("b.toml", PLAN), ("c.toml", &bad)]).1;
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], "b.toml: plan copd of client-1 is in a.toml already, keep one");
        assert!(found[1].starts_with("c.toml: line 9: threshold[low].at_or_below"), "{found:?}");
    }

    #[test]
    fn a_directory_that_is_not_there_is_a_problem_and_none_is_none() {
        let plans = |directory| Plans { directory, zone: TimeZone::UTC, zones: BTreeMap::new() };
        let found = load(&plans(Some("no/such/place".into()))).unwrap_err();
        assert!(found[0].starts_with("cannot read no/such/place: "), "{found:?}");
        assert_eq!(load(&plans(None)).unwrap().len(), 0);
    }
}
