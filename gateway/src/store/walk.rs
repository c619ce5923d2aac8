//! Reading the rows of a table around what cannot be read.
//!
//! From both ends towards the first unreadable page, then from the middle of what is left between,
//! again and again. What is left is halved each time, so that a lost page costs few attempts.

use std::ops::RangeInclusive;

use rusqlite::Connection;
use vitals::{Sequence, SequenceRanges};

use super::Lane;
use super::checksum::{column, fits, of_record};
use super::query::{row_id, sequence};

/// Most attempts in vain one after another: the rest of the table counts as unreadable then.
///
/// A lost page of a tree's inner nodes hides some 800 rows.
const FAILURES_MAX: usize = 2_000;

/// A row as it could be read.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) seq: Sequence,
    pub(super) payload: Vec<u8>,
    /// Whether it is what was written.
    pub(super) is_sound: bool,
}

/// The highest place that a table can have.
const LAST: Sequence = i64::MAX.unsigned_abs();

/// Hands every readable row of `lane` to `visit`, in no order, and says what could not be read.
///
/// # Errors
///
/// Only those of `visit`.
pub(super) fn walk<E>(
    source: &Connection,
    lane: Lane,
    mut visit: impl FnMut(Found) -> Result<(), E>,
) -> Result<SequenceRanges, E> {
    let mut unreadable = SequenceRanges::new();
    let Some(from) = read(source, lane, 1..=LAST, Direction::Up, &mut visit)? else {
        return Ok(unreadable);
    };
    let upto = read(source, lane, from..=LAST, Direction::Down, &mut visit)?.unwrap_or(from);
    let mut holes = vec![from..=upto];
    let mut n_failures: usize = 0;
    // The lowest hole first: nobody knows where the highest one ends.
    while let Some(hole) = holes.pop() {
        let (first, last) = hole.into_inner();
        if FAILURES_MAX < n_failures {
            unreadable.insert(first..=last);
            continue;
        }
        let middle = first.midpoint(last);
        let mut n_found: usize = 0;
        let mut count = |found| {
            n_found = n_found.saturating_add(1);
            visit(found)
        };
        if let Some(place) = read(source, lane, middle..=last, Direction::Up, &mut count)? {
            n_failures = n_failures.saturating_add(1);
            unreadable.insert(place..=place);
            holes.push(place.saturating_add(1)..=last);
        }
        let left = first..=middle.saturating_sub(1);
        if let Some(place) = read(source, lane, left, Direction::Down, &mut count)? {
            n_failures = n_failures.saturating_add(1);
            unreadable.insert(place..=place);
            holes.push(first..=place.saturating_sub(1));
        }
        if 0 < n_found {
            n_failures = 0;
        }
        holes.retain(|it| !it.is_empty());
    }
    Ok(unreadable)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// Reads `range` until it ends or cannot be read, and says where that was.
fn read<E>(
    source: &Connection,
    lane: Lane,
    range: RangeInclusive<Sequence>,
    direction: Direction,
    visit: &mut impl FnMut(Found) -> Result<(), E>,
) -> Result<Option<Sequence>, E> {
    let (first, last) = range.into_inner();
    if last < first {
        return Ok(None);
    }
    let table = match lane {
        Lane::Alert => "alert",
        Lane::Reading => "reading",
        Lane::Event => "event",
    };
    let order = match direction {
        Direction::Up => "ASC",
        Direction::Down => "DESC",
    };
    let sql = format!(
        "SELECT seq, payload, checksum FROM {table} WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq {order}"
    );
    let mut next = match direction {
        Direction::Up => first,
        Direction::Down => last,
    };
    let Ok(mut statement) = source.prepare_cached(&sql) else { return Ok(Some(next)) };
    let Ok(mut rows) = statement.query((row_id(first), row_id(last))) else {
        return Ok(Some(next));
    };
    loop {
        let row = match rows.next() {
            Ok(None) => return Ok(None),
            Ok(Some(row)) => row,
            Err(_unreadable) => return Ok(Some(next)),
        };
        let Ok(seq) = row.get(0).map(sequence) else { return Ok(Some(next)) };
        // A place out of order is of a page that belongs elsewhere.
        if !(first..=last).contains(&seq) {
            return Ok(Some(next));
        }
        let payload: Vec<u8> = column(row, 1);
        let is_sound = fits(row, 2, of_record(seq, &payload));
        let found = Found { seq, payload, is_sound };
        visit(found)?;
        next = match direction {
            Direction::Up => seq.saturating_add(1),
            Direction::Down => seq.saturating_sub(1),
        };
        let is_end = match direction {
            Direction::Up => last < next,
            Direction::Down => next < first,
        };
        if is_end {
            return Ok(None);
        }
    }
}
