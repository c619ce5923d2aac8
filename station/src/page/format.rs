//! Times, ages and words as a nurse reads them.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use vitals::LocalInstant;

/// A point in time on the wall clock where it was recorded, with its age.
pub(super) fn time(at: LocalInstant, now: Timestamp) -> Markup {
    html! {
        time datetime=(at) { (clock(at, now)) }
        @if let Some(age) = age(at.at, now) { span class="age" { " (" (age) ")" } }
    }
}

/// `08:15`, with the day where it is not today's.
pub(super) fn clock(at: LocalInstant, now: Timestamp) -> String {
    let civil = at.civil();
    let today = at.offset().to_datetime(now).date();
    let form = if civil.date() == today {
        "%H:%M"
    } else if civil.year() == today.year() {
        "%a %-d %b %H:%M"
    } else {
        "%-d %b %Y %H:%M"
    };
    civil.strftime(form).to_string()
}

/// How long ago; nothing for what lies ahead.
pub(super) fn age(at: Timestamp, now: Timestamp) -> Option<String> {
    let age = now.duration_since(at);
    let (minutes, hours) = (age.as_mins(), age.as_hours());
    match (age < SignedDuration::ZERO, minutes, hours) {
        (true, _, _) => None,
        (false, 0, _) => Some("just now".to_owned()),
        (false, minutes, 0) => Some(format!("{minutes} min ago")),
        (false, _, hours) if hours < 48 => Some(format!("{hours} h ago")),
        (false, _, hours) => Some(format!("{} days ago", hours / 24)),
    }
}

/// `irregular-pulse` as `irregular pulse`.
pub(super) fn words(word: &str) -> String {
    word.replace('-', " ")
}

/// `1 record`, `2 records`.
pub(super) fn counted(n: u64, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> LocalInstant {
        LocalInstant::parse(text).unwrap()
    }

    #[track_caller]
    fn check(at: &str, now: &str, clock_text: &str, age_text: Option<&str>) {
        let (at, now) = (instant(at), instant(now).at);
        assert_eq!(clock(at, now), clock_text);
        assert_eq!(age(at.at, now).as_deref(), age_text);
    }

    #[test]
    fn a_time_is_that_of_the_home() {
        let evening = "2026-03-01T23:30:00+01:00";
        check(evening, "2026-03-01T22:42:00Z", "23:30", Some("12 min ago"));
        check(evening, "2026-03-01T23:42:00Z", "Sun 1 Mar 23:30", Some("1 h ago"));
        check(evening, "2026-03-01T22:30:59Z", "23:30", Some("just now"));
        check(evening, "2027-03-01T22:30:00Z", "1 Mar 2026 23:30", Some("365 days ago"));
        check(evening, "2026-03-01T22:00:00Z", "23:30", None);
    }
}
