//! The newest value of each vital of each client.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use vitals::reading::{Flag, TimeQuality};
use vitals::{Phase, SubjectId, Vital};

use super::format::{time, words};
use super::{claim, client_name, hub_name};
use crate::board::{Board, Chart, Episode, Taken};
use crate::config::Config;

/// One row: what it is called, the value with its unit, and the reading behind it.
struct Row<'b> {
    label: &'static str,
    value: String,
    unit: &'static str,
    taken: &'b Taken,
}

/// The column of readings.
pub(super) fn section(
    config: &Config,
    board: &Board,
    viewer: Option<&str>,
    now: Timestamp,
) -> Markup {
    let stale_after =
        SignedDuration::try_from(config.page.stale_after).unwrap_or(SignedDuration::MAX);
    html! {
        section class="charts" id="charts" {
            h2 { "Latest readings" }
            @if board.clients.is_empty() && board.unassigned.is_empty() {
                p class="empty" { "No reading has arrived yet." }
            }
            @for (subject, chart) in sorted(config, board) {
                table {
                    caption { (client_name(config, subject)) }
                    @for row in rows(chart) {
                        (line(config, board, &row, viewer, stale_after, now))
                    }
                }
            }
            @for (hub, strays) in claim::by_home(board) {
                table {
                    caption { "Not assigned to a client – " (hub_name(config, hub)) " (" (strays.len()) ")" }
                    @for taken in strays { (stray(config, board, taken, viewer, stale_after, now)) }
                }
            }
            @if claim::is_full(board) {
                p class="age" { "Older readings that are nobody's are not shown." }
            }
        }
    }
}

/// Clients with the worst open alert first, then by name.
fn sorted<'b>(config: &Config, board: &'b Board) -> Vec<(&'b SubjectId, &'b Arc<Chart>)> {
    let worst = |subject: &SubjectId| {
        let of_client = |it: &&Arc<Episode>| {
            it.is_open() && it.current().subject.as_deref() == Some(subject.as_str())
        };
        board.alerts.values().filter(of_client).map(|it| it.priority()).min()
    };
    let mut clients: Vec<_> = board.clients.iter().collect();
    clients.sort_by_cached_key(|(subject, _chart)| {
        let worst = worst(subject);
        (worst.is_none(), worst, client_name(config, subject).to_lowercase())
    });
    clients
}

fn rows(chart: &Chart) -> Vec<Row<'_>> {
    let newest = |vital| chart.vitals.get(&vital).and_then(|it| it.front());
    let mut rows = Vec::new();
    let pressure = newest(Vital::SystolicPressure).and_then(|taken| both_pressures(taken));
    let is_paired = pressure.is_some();
    rows.extend(pressure);
    for (&vital, newest) in &chart.vitals {
        let is_pressure = matches!(
            vital,
            Vital::SystolicPressure | Vital::DiastolicPressure | Vital::MeanArterialPressure
        );
        if is_pressure && is_paired {
            continue;
        }
        rows.extend(newest.front().and_then(|taken| single(taken, vital)));
    }
    rows
}

/// Systolic and diastolic pressure of one reading, as people write them.
fn both_pressures(taken: &Taken) -> Option<Row<'_>> {
    let systolic = taken.reading.value(Vital::SystolicPressure)?;
    let diastolic = taken.reading.value(Vital::DiastolicPressure)?;
    let value = format!("{}/{}", systolic.value(), diastolic.value());
    Some(Row { label: "blood pressure", value, unit: systolic.unit().label(), taken })
}

fn single(taken: &Taken, vital: Vital) -> Option<Row<'_>> {
    let quantity = taken.reading.value(vital)?;
    let (value, unit) = (quantity.value().to_string(), quantity.unit().label());
    Some(Row { label: vital.label(), value, unit, taken })
}

fn line(
    config: &Config,
    board: &Board,
    row: &Row<'_>,
    viewer: Option<&str>,
    stale_after: SignedDuration,
    now: Timestamp,
) -> Markup {
    html! {
        tr {
            th scope="row" { (row.label) }
            td class="number" { (row.value) " " span class="unit" { (row.unit) } }
            td {
                (time(row.taken.reading.measured_at, now)) (remarks(row.taken, stale_after, now))
                (claim::said(config, board, row.taken, now))
                (claim::form(config, board, row.taken, row.label, viewer, now))
            }
        }
    }
}

fn stray(
    config: &Config,
    board: &Board,
    taken: &Taken,
    viewer: Option<&str>,
    stale_after: SignedDuration,
    now: Timestamp,
) -> Markup {
    let candidates: Vec<_> =
        taken.reading.subject_candidates.iter().map(|it| client_name(config, it)).collect();
    let row = both_pressures(taken)
        .or_else(|| taken.reading.values.first().and_then(|it| single(taken, it.vital)));
    html! {
        @if let Some(row) = row {
            tr {
                th scope="row" { (row.label) }
                td class="number" { (row.value) " " span class="unit" { (row.unit) } }
                td {
                    (time(taken.reading.measured_at, now))
                    @if !candidates.is_empty() { ": " (candidates.join(" or ")) "?" }
                    (remarks(taken, stale_after, now))
                    (claim::form(config, board, taken, row.label, viewer, now))
                }
            }
        }
    }
}

/// What a reader has to know before trusting the value.
fn remarks(taken: &Taken, stale_after: SignedDuration, now: Timestamp) -> Markup {
    let reading = &taken.reading;
    let is_stale = stale_after < now.duration_since(reading.measured_at.at);
    let time_remark = match reading.time_quality {
        _ if taken.first.is_some() && reading.time_quality == TimeQuality::Corrected => {
            Some("time corrected")
        }
        TimeQuality::Synced | TimeQuality::Corrected => None,
        TimeQuality::Estimated => Some("time estimated"),
        TimeQuality::Fault => Some("time not known"),
    };
    let phase = match reading.context.phase {
        Phase::Resting => None,
        Phase::BeforeExercise | Phase::DuringExercise | Phase::AfterExercise => {
            Some(words(reading.context.phase.as_str()))
        }
    };
    // A full measurement is what is expected; only the opposite is a remark.
    let flags = reading.flags.iter().filter(|it| **it != Flag::FullyQualified);
    html! {
        div class="remarks" {
            @if is_stale { span class="mark warn" { "old" } }
            @if let Some(text) = time_remark { span class="mark" { (text) } }
            @if let Some(text) = phase { span class="mark" { (text) } }
            @for flag in flags { span class="mark warn" { (words(flag.as_str())) } }
        }
    }
}
