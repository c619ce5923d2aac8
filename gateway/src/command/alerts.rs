//! `vitalgate alerts`: each alert as it stands after its last transition, oldest first.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use vitals::wire::v1::Alert;

use super::{ConfigArguments, Failure, ledger};
use crate::store::Lane;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Only alerts that wait for something
    #[arg(long)]
    open: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let store = ledger::open(&config)?;
    let timeline = ledger::timeline(&store)?;
    let mut latest: BTreeMap<String, Alert> = BTreeMap::new();
    ledger::visit(&store, Lane::Alert, |recorded: Alert| {
        let mut alert = recorded.corrected(&timeline).unwrap_or(recorded);
        if let Some(before) = latest.get(&alert.alert_id) {
            alert.raised_at = before.raised_at;
        }
        latest.insert(alert.alert_id.clone(), alert);
        Ok(())
    })?;
    let mut alerts: Vec<Alert> = latest.into_values().collect();
    alerts.sort_by_key(|alert| alert.seq);
    for alert in alerts.iter().filter(|it| !arguments.open || it.standing != "done") {
        if arguments.json {
            say!("{}", json(alert));
        } else {
            say!(
                "{}  {:<6}  {:<12}  {}  {}",
                alert.alert_id,
                alert.priority,
                alert.standing,
                alert.recorded_at.0,
                alert.why
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn json(alert: &Alert) -> serde_json::Value {
    json!({
        "alert_id": alert.alert_id,
        "rev": alert.rev,
        "state": alert.state,
        "standing": alert.standing,
        "priority": alert.priority,
        "category": alert.category,
        "rule": alert.rule,
        "plan": alert.plan,
        "plan_version": alert.plan_version,
        "subject": alert.subject,
        "raised_at": alert.raised_at.0.to_string(),
        "changed_at": alert.recorded_at.0.to_string(),
        "why": alert.why,
        "count": alert.count,
        "by": alert.by,
        "note": alert.note,
    })
}
