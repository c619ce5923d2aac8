//! The alert-burden table: what is counted, and how it is written.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use alerting::Alert;
use rust_decimal::Decimal;
use vitals::{Category, Priority};

use crate::life::Outcome;

/// What came of one client, or of many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    n_days: i64,
    n_readings: usize,
    /// Alarms of clinical rules: high, medium, low.
    alerts: [usize; 3],
    /// Those of them that belong to an illness.
    in_illness: [usize; 3],
    /// Alerts on measurements that were not made.
    n_not_measured: usize,
    n_unconfirmed: usize,
    pub(crate) n_taken_back: usize,
    /// Clinical alerts of each rule that belong to no illness.
    noise: BTreeMap<String, usize>,
    delays_min: Vec<i64>,
    n_open_before: usize,
    n_missed: usize,
    n_unmeasured: usize,
}

impl Tally {
    pub(crate) fn new(n_days: i64, n_readings: usize) -> Self {
        Self { n_days, n_readings, ..Self::default() }
    }

    pub(crate) fn alert(&mut self, alert: &Alert, is_in_illness: bool) {
        if alert.category == Category::Adherence {
            self.n_not_measured += 1;
            return;
        }
        let nth = match alert.priority {
            Priority::High => 0,
            Priority::Medium => 1,
            Priority::Low => 2,
        };
        self.alerts[nth] += 1;
        self.n_unconfirmed += usize::from(!alert.confirmed);
        match is_in_illness {
            true => self.in_illness[nth] += 1,
            false => *self.noise.entry(alert.rule.clone()).or_default() += 1,
        }
    }

    pub(crate) fn outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Found(after_min) => self.delays_min.push(after_min),
            Outcome::OpenBefore => self.n_open_before += 1,
            Outcome::Missed => self.n_missed += 1,
            Outcome::NotMeasured => self.n_unmeasured += 1,
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.n_days += other.n_days;
        self.n_readings += other.n_readings;
        for nth in 0..3 {
            self.alerts[nth] += other.alerts[nth];
            self.in_illness[nth] += other.in_illness[nth];
        }
        self.n_not_measured += other.n_not_measured;
        self.n_unconfirmed += other.n_unconfirmed;
        self.n_taken_back += other.n_taken_back;
        for (rule, n) in other.noise {
            *self.noise.entry(rule).or_default() += n;
        }
        self.delays_min.extend(other.delays_min);
        self.n_open_before += other.n_open_before;
        self.n_missed += other.n_missed;
        self.n_unmeasured += other.n_unmeasured;
    }

    /// How many clinical alerts there were.
    pub(crate) fn n_alerts(&self) -> usize {
        self.alerts.iter().sum()
    }

    /// How many alerts of any kind.
    pub(crate) fn n_all(&self) -> usize {
        self.n_alerts() + self.n_not_measured
    }

    pub(crate) fn n_found(&self) -> usize {
        self.delays_min.len()
    }

    /// How many illness episodes there were.
    pub(crate) fn n_episodes(&self) -> usize {
        self.n_found() + self.n_open_before + self.n_missed + self.n_unmeasured
    }

    fn days(&self) -> Decimal {
        Decimal::from(self.n_days)
    }

    fn median_delay(&self) -> String {
        let mut delays = self.delays_min.clone();
        delays.sort_unstable();
        let Some(&median) = delays.get(delays.len() / 2) else { return "–".to_owned() };
        match median {
            0..600 => format!("{median} min"),
            600..2880 => format!("{} h", median / 60),
            _ => format!("{} days", share(Decimal::from(median), Decimal::from(1440), 1)),
        }
    }

    /// The rule with the most alerts that belong to no illness, and its share of those.
    fn noisiest(&self) -> String {
        let all: usize = self.noise.values().sum();
        let most = self.noise.iter().max_by_key(|it| (it.1, std::cmp::Reverse(it.0)));
        most.map_or_else(|| "–".to_owned(), |(rule, n)| format!("`{rule}` {} %", percent(*n, all)))
    }
}

fn share(part: Decimal, whole: Decimal, places: usize) -> String {
    let share = part.checked_div(whole);
    share.map_or_else(|| "–".to_owned(), |it| format!("{it:.places$}"))
}

fn percent(part: usize, whole: usize) -> String {
    share(Decimal::from(part * 100), Decimal::from(whole), 0)
}

/// The whole table: one row for each name, of the same length as `rows`.
pub(crate) struct Table<'a> {
    /// Preset, plan, and what came of it; the first of each preset is the plan as it is.
    pub(crate) rows: &'a [(&'static str, &'static str, Tally)],
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let as_it_is = || {
            let mut last = "";
            self.rows.iter().filter(move |it| std::mem::replace(&mut last, it.0) != it.0)
        };
        f.write_str(
            "| plan | readings a client-day | alerts a client-day: high | medium | low | alerts per \
             100 readings: high | medium | low | in an illness | of the high ones |\n\
             |---|---|---|---|---|---|---|---|---|---|\n",
        )?;
        for (preset, _plan, it) in as_it_is() {
            let readings = Decimal::from(it.n_readings);
            let mut cells = vec![share(readings, it.days(), 1)];
            cells.extend(it.alerts.map(|n| share(Decimal::from(n), it.days(), 4)));
            cells.extend(it.alerts.map(|n| share(Decimal::from(n * 100), readings, 2)));
            let in_illness = it.in_illness.iter().sum();
            cells.push(format!("{} %", percent(in_illness, it.n_alerts())));
            cells.push(format!("{} %", percent(it.in_illness[0], it.alerts[0])));
            writeln!(f, "| {preset} | {} |", cells.join(" | "))?;
        }
        f.write_str(
            "\n| plan | illness episodes | found | an alert was open before | missed | not measured \
             | median delay | missed-measurement alerts a client-day |\n\
             |---|---|---|---|---|---|---|---|\n",
        )?;
        for (preset, _plan, it) in as_it_is() {
            let mut line = String::new();
            write!(line, "| {preset} | {} | {} ", it.n_episodes(), it.n_found())?;
            write!(line, "| {} | {} | {} ", it.n_open_before, it.n_missed, it.n_unmeasured)?;
            let not_measured = share(Decimal::from(it.n_not_measured), it.days(), 4);
            writeln!(f, "{line}| {} | {not_measured} |", it.median_delay())?;
        }
        f.write_str(
            "\n| plan | | alerts a client-day | in an illness | found | missed | unconfirmed | taken \
             back by the repeat | most noise |\n|---|---|---|---|---|---|---|---|---|\n",
        )?;
        for (preset, plan, it) in self.rows {
            let in_illness = percent(it.in_illness.iter().sum(), it.n_alerts());
            let alerts = share(Decimal::from(it.n_alerts()), it.days(), 4);
            write!(f, "| {preset} | {plan} | {alerts} | {in_illness} % | {} ", it.n_found())?;
            let (unconfirmed, taken_back) = (it.n_unconfirmed, it.n_taken_back);
            write!(f, "| {} | {unconfirmed} | {taken_back} ", it.n_missed)?;
            writeln!(f, "| {} |", it.noisiest())?;
        }
        Ok(())
    }
}
