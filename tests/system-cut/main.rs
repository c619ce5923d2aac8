//! `tests/campaigns/system-cut`: cuts the power of a whole Linux that runs the hub's ledger.
//!
//! The Linux is user-mode-linux with the files of this machine, read only, and a disk of its own
//! with ext4. In it this program writes to the ledger and says what was committed; outside it kills
//! the whole machine, so that all that the kernel had not written to the disk is gone, and boots it
//! again.

mod guest;
mod machine;

use std::process::ExitCode;

use anyhow::ensure;
use clap::{Parser, ValueEnum};
use fastrand::Rng;
use harness::clock::StartOfTime;
use tempfile::TempDir;

use self::machine::{Found, Life, Machine};

/// Cuts on one disk; then another begins.
const CUTS_OF_A_ROUND: u32 = 50;

/// Cuts of the control.
const CUTS_OF_THE_CONTROL: u32 = 10;

/// Which ledger the machine writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Writer {
    /// The hub's.
    Hub,
    /// SQLite with `synchronous=NORMAL`: it has to lose records.
    Control,
}

/// Cuts the power of a whole Linux that runs the hub's ledger.
#[derive(Debug, Parser)]
#[command(name = "system-cut")]
struct Arguments {
    /// How often the power is cut
    #[arg(long, default_value_t = 200)]
    cuts: u32,
    /// Repeats the moments of the cuts and the records
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, clap::Subcommand)]
enum Role {
    /// What runs in the machine: checks the ledger and writes to it until the power goes
    #[command(hide = true)]
    Guest {
        /// Folder of the ledger
        folder: std::path::PathBuf,
        /// Of the records
        seed: u64,
        /// Which ledger
        writer: Writer,
        /// Only checks
        #[arg(long)]
        check_only: bool,
    },
}

/// What became of the cuts.
#[derive(Debug, Default)]
struct Outcome {
    n_passed: u32,
    n_failed: u32,
    n_committed: u64,
    n_lost: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.role {
        Some(Role::Guest { folder, seed, writer, check_only }) => {
            guest::run(&folder, seed, writer, check_only)
        }
        None => campaign(arguments.cuts, arguments.seed),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a campaign speaks to a person, a guest to its host")]
fn say(line: &str) {
    println!("{line}");
}

fn campaign(n_cuts: u32, seed: u64) -> anyhow::Result<()> {
    machine::adopt_orphans()?;
    let start = StartOfTime::now();
    let control = round(seed, CUTS_OF_THE_CONTROL, Writer::Control)?;
    say(&format!("control: {control:?}"));
    ensure!(
        control.n_passed < control.n_failed,
        "the control has to lose records in most cuts, this run is worthless"
    );
    let mut total = Outcome::default();
    let mut left = n_cuts;
    for seed in seed.. {
        let n = left.min(CUTS_OF_A_ROUND);
        if n == 0 {
            break;
        }
        left -= n;
        let outcome = round(seed, n, Writer::Hub)?;
        say(&format!("seed {seed}: {outcome:?} in {:.0?}", start.elapsed()));
        total.n_passed += outcome.n_passed;
        total.n_failed += outcome.n_failed;
        total.n_committed += outcome.n_committed;
    }
    say(&format!("{} records were committed, in {:.0?}", total.n_committed, start.elapsed()));
    say(&format!("{} passed, {} failed", total.n_passed, total.n_failed));
    ensure!(total.n_failed == 0, "see above");
    Ok(())
}

/// Cuts the power of one machine `n` times.
fn round(seed: u64, n: u32, writer: Writer) -> anyhow::Result<Outcome> {
    let directory = TempDir::new()?;
    let machine = Machine::new(directory.path(), seed, writer)?;
    let mut random = Rng::with_seed(seed);
    let mut outcome = Outcome::default();
    // Numbers that the machine said are committed, and numbers that were there after a boot.
    let (mut committed, mut cuts_before) = (0, 0);
    for _cut in 0..n {
        let life = machine.live(machine::Moment::choose(&mut random))?;
        judge(&life, &mut committed, &mut cuts_before, &mut outcome);
        cuts_before += 1;
    }
    let life = machine.check()?;
    judge(&life, &mut committed, &mut cuts_before, &mut outcome);
    machine.check_file_system()?;
    outcome.n_committed = committed;
    Ok(outcome)
}

/// The cuts before this life are judged by what it found, if it came so far.
fn judge(life: &Life, committed: &mut u64, cuts_before: &mut u32, outcome: &mut Outcome) {
    match &life.found {
        None => return,
        Some(Found::Whole(last)) if *committed <= *last => outcome.n_passed += *cuts_before,
        Some(Found::Whole(last)) => {
            say(&format!("{} records were lost", *committed - last));
            outcome.n_lost += *committed - last;
            outcome.n_failed += *cuts_before;
            *committed = *last;
        }
        Some(Found::Wrong(what)) => {
            say(what);
            outcome.n_failed += *cuts_before;
        }
    }
    *cuts_before = 0;
    *committed = life.committed.unwrap_or(*committed).max(*committed);
}
