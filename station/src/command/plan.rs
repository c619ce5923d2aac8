//! `vitalstation plan check`: what is wrong with care plans, before a home gets them.

use std::path::{Path, PathBuf};
use std::{fs, iter};

use alerting::Plan;

use super::{Failure, print};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Task {
    /// Report every problem of care plans at once, or say what they watch
    Check {
        /// The care plans
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

pub(super) fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Check { files } => check(&files),
    }
}

fn check(files: &[PathBuf]) -> Result<(), Failure> {
    let (mut good, mut wrong) = (String::new(), Vec::new());
    for file in files {
        let name = file.display();
        let problems = match fs::read_to_string(file) {
            Ok(text) => match Plan::parse(&text) {
                Ok(plan) => {
                    good.push_str(&describe(file, &plan));
                    continue;
                }
                Err(problems) => problems.iter().map(|it| format!("{name}: {it}")).collect(),
            },
            Err(error) => vec![format!("cannot read {name}: {error}")],
        };
        wrong.extend(problems);
    }
    print(&good)?;
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Usage(wrong.join("\n"))) }
}

/// What the plan watches, a line a rule.
fn describe(file: &Path, plan: &Plan) -> String {
    let (file, name, subject) = (file.display(), plan.name(), plan.subject().as_str());
    let title = format!("{file}: good, plan {name} version {} for {subject}\n", plan.version());
    iter::once(title).chain(plan.rules().map(|rule| format!("  {rule}\n"))).collect()
}
