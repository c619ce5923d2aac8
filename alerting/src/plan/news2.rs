//! A `[[news2]]` of a plan: which scale, how old inputs may be, and which totals alert.

use jiff::SignedDuration;
use vitals::Priority;
use vitals::document::{Need, Section};

use crate::news2::Scale;
use crate::rule::news2::News2;

/// Longest time in minutes that an input may be old.
const MAX_AGE_MIN_MAX: i64 = 24 * 60;

/// Highest total.
const TOTAL_MAX: u8 = 20;

const NO_TOTAL: &str = "a table of totals needs at least one, as in { medium = 5, high = 7 }";

/// Reads the keys that it has beside those of every rule.
pub(super) fn read(section: &Section<'_>) -> Option<News2> {
    let scale = section.integer("scale", 1..=2, Need::Example("1"));
    let minutes = 1..=MAX_AGE_MIN_MAX;
    let max_age_min = section.integer("max_age_min", minutes, Need::Example("60"));
    let totals = totals(&section.section("at_or_above"));
    let single_three = section.text("single_three", Need::Example("\"medium\""));
    let clear = section.integer("clear_at_or_below", 0..=TOTAL_MAX, Need::Example("4"));
    let (totals, clear) = (totals?, clear?);
    let (_priority, first) = *totals.first()?;
    if first <= clear {
        let text = format!("{clear} is not below the total of {first} that alerts");
        section.problem("clear_at_or_below", &text);
        return None;
    }
    Some(News2 {
        scale: if scale? == 2 { Scale::Two } else { Scale::One },
        max_age: SignedDuration::from_mins(max_age_min?),
        totals,
        single_three: single_three?,
        clear,
    })
}

/// The totals of the table, the lowest first.
fn totals(table: &Section<'_>) -> Option<Vec<(Priority, u8)>> {
    let by_urgency = [Priority::Low, Priority::Medium, Priority::High];
    let present: Vec<_> = by_urgency.into_iter().filter(|it| table.has(it.as_str())).collect();
    if present.is_empty() {
        table.problem("", &NO_TOTAL);
        table.refuse_the_rest();
        return None;
    }
    let total = |priority: Priority| {
        let total = table.integer(priority.as_str(), 1..=TOTAL_MAX, Need::Optional)?;
        Some((priority, total))
    };
    // Each is read, so that the problems of all are found.
    let totals: Vec<_> = present.into_iter().map(total).collect();
    table.refuse_the_rest();
    let totals: Vec<(Priority, u8)> = totals.into_iter().collect::<Option<_>>()?;
    for pair in totals.windows(2) {
        if let [(_less, inner), (_more, outer)] = pair
            && outer <= inner
        {
            let text = format!("the total {outer} is not above {inner}, which is less urgent");
            table.problem("", &text);
            return None;
        }
    }
    Some(totals)
}
