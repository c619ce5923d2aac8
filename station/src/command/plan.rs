//! `vitalstation plan`: what is wrong with care plans, and what they would have done, before a home gets
//! them.

mod preview;

use std::iter;
use std::path::{Path, PathBuf};

use alerting::Plan;

use super::{Failure, print};
use crate::plans;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Task {
    /// Report every problem of care plans at once, or say what they watch
    Check {
        /// The care plans
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Say what a care plan would have alerted to in the past days
    Preview(preview::Arguments),
}

pub(super) fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Check { files } => check(&files),
        Task::Preview(arguments) => preview::run(&arguments),
    }
}

fn check(files: &[PathBuf]) -> Result<(), Failure> {
    let (mut good, mut wrong) = (String::new(), Vec::new());
    for file in files {
        match plans::read(file) {
            Ok(plan) => good.push_str(&describe(file, &plan)),
            Err(problems) => wrong.extend(problems),
        }
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
