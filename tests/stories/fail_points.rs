//! Killed before, or failing at, any system call on the way of a reading, hub and station lose
//! nothing that was committed and double nothing.
//!
//! The points are the calls that the programs make: they are counted in one undisturbed run, and
//! then each is met in its turn (decision 0006). The suite takes those that touch the databases, and
//! of the errors there the first, middle and last call; `VITALGATE_SWEEP=whole`, which `tests/campaigns/fail-points` sets, takes all,
//! and `VITALGATE_POINT` those whose name contains it.

#[path = "fail_points/rig.rs"]
mod rig;

use std::collections::BTreeMap;

use harness::fault::{Fault, Point, Thread};
use harness::program::Program;
use harness::tool;

use self::rig::{Outcome, Rig, Victim, When};

/// Errors that a call of this name may meet on a bad disk, a full disk or a dead line.
const ERRORS: [(&str, &[&str]); 11] = [
    ("pwrite64", &["EIO", "ENOSPC"]),
    ("fdatasync", &["EIO", "ENOSPC"]),
    ("fsync", &["EIO"]),
    ("ftruncate", &["EIO", "ENOSPC"]),
    ("fallocate", &["ENOSPC"]),
    ("pread64", &["EIO"]),
    ("fcntl", &["EIO"]),
    ("openat", &["EIO", "ENOSPC"]),
    ("writev", &["EIO", "ECONNRESET"]),
    ("recvfrom", &["ECONNRESET"]),
    ("write", &["EIO"]),
];

/// Calls that say nothing about a step: waiting for others, asking for time and memory.
const WAITING: [&str; 5] = ["futex", "restart_syscall", "brk", "mmap", "munmap"];

/// Calls by which a record gets to the disk: the points of the suite.
const COMMITS: [&str; 2] = ["pwrite64", "fdatasync"];

/// Calls of the start that are met: the database, its lock, the configuration and the broker.
const OF_THE_START: [&str; 10] = [
    "openat",
    "pread64",
    "pwrite64",
    "fdatasync",
    "ftruncate",
    "fcntl",
    "flock",
    "unlink",
    "connect",
    "writev",
];

fn program() -> Program {
    Program::at(env!("CARGO_BIN_EXE_demo"))
}

fn is_whole() -> bool {
    std::env::var("VITALGATE_SWEEP").is_ok_and(|it| it == "whole")
}

/// The points at these calls, kills first: where a run made a call n times, there are n points.
fn points(
    thread: Thread,
    counts: &BTreeMap<String, usize>,
    is_met: fn(&str) -> bool,
) -> Vec<Point> {
    let mut points = Vec::new();
    for (call, &n) in counts.iter().filter(|(call, _n)| is_met(call)) {
        let errors = ERRORS.iter().find(|(name, _errors)| name == call);
        let errors = errors.map(|(_name, errors)| *errors).unwrap_or_default();
        let faults = [Fault::Kill].into_iter().chain(errors.iter().map(|it| Fault::Error(it)));
        for fault in faults {
            let is_met = |nth: &usize| {
                is_whole() || fault == Fault::Kill || [1, n.div_ceil(2), n].contains(nth)
            };
            let nths = (1..=n).filter(is_met);
            points.extend(nths.map(|nth| Point { thread, call: call.clone(), nth, fault }));
        }
    }
    points
}

/// Who is met when, in which thread, at which calls.
type Sweep = (Victim, When, Thread, fn(&str) -> bool);

/// The calls of the way of one reading in the suite, and of everything in the campaign.
fn sweeps() -> Vec<Sweep> {
    let is_commit = |call: &str| COMMITS.contains(&call);
    let is_step = |call: &str| !WAITING.contains(&call);
    let is_of_start = |call: &str| OF_THE_START.contains(&call);
    if is_whole() {
        vec![
            (Victim::Hub, When::Running, Thread::Named("hub"), is_step),
            (Victim::Hub, When::Running, Thread::Main, is_step),
            (Victim::Station, When::Running, Thread::Any, is_step),
            (Victim::Hub, When::Starting, Thread::Any, is_of_start),
            (Victim::Station, When::Starting, Thread::Any, is_of_start),
        ]
    } else {
        vec![
            (Victim::Hub, When::Running, Thread::Named("hub"), is_commit),
            (Victim::Hub, When::Running, Thread::Main, |call| call == "writev"),
            (Victim::Station, When::Running, Thread::Any, |call| call == "fdatasync"),
        ]
    }
}

#[test]
fn no_system_call_on_the_way_of_a_reading_is_a_point_where_it_can_be_lost() {
    if tool::find_or_skip("strace").is_none() {
        return;
    }
    let filter = std::env::var("VITALGATE_POINT").unwrap_or_default();
    let mut rig = Rig::begin(&program()).unwrap();
    let (mut n_passed, mut n_failed, mut n_missed) = (0, 0, 0);
    for (victim, when, thread, is_met) in sweeps() {
        let counts = rig.count(victim, when, thread).unwrap();
        println!("{victim:?}, {when:?}, {thread:?}: {counts:?}");
        let points = points(thread, &counts, is_met);
        println!("{} points", points.len());
        for point in points.into_iter().filter(|it| it.to_string().contains(&filter)) {
            let Outcome { was_reached, problems } = rig.meet(victim, when, &point).unwrap();
            match (was_reached, problems.is_empty()) {
                (_any, false) => {
                    n_failed += 1;
                    println!("{victim:?}, {when:?}, {point}:\n{}", problems.join("\n"));
                }
                (true, true) => n_passed += 1,
                (false, true) => n_missed += 1,
            }
        }
    }
    println!("{n_missed} points were not reached again, {}", rig.figures());
    println!("{n_passed} passed, {n_failed} failed");
    assert_eq!(n_failed, 0, "see above");
    assert!(n_missed < n_passed / 2, "{n_missed} points were not reached");
}

/// A disk that says "written" and writes nothing loses what was committed: the rig has to see it.
#[test]
fn a_disk_that_lies_does_not_pass() {
    if tool::find_or_skip("strace").is_none() {
        return;
    }
    let mut rig = Rig::begin(&program()).unwrap();
    let lie = Fault::Lie(rig::PAGE_LEN_BYTES);
    let (thread, call) = (Thread::Named("hub"), "pwrite64".to_owned());
    let point = Point { thread, call, nth: 1, fault: lie };
    let problems = rig.meet_and_kill(&point).unwrap();
    println!("{}", problems.join("\n"));
    assert!(problems.iter().any(|it| it.contains("was committed and is gone")), "{problems:?}");
}
