//! `vitalstation hub add` and `vitalstation hub list`.

use std::collections::BTreeMap;

use serde::Serialize;
use vitals::{HubId, LocalInstant};

use super::{ConfigPath, Failure, print};
use crate::alarm::{Alarms, Kind};
use crate::config::Config;
use crate::key;
use crate::store::{Archive, HubHolding, StoreError};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Task {
    /// Print what the configuration of a new home's hub needs
    Add {
        /// What people call the home, such as "Mill Lane 3"
        name: String,
        /// Name of the hub in topics; made from NAME where it is not given
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        #[command(flatten)]
        path: ConfigPath,
    },
    /// List the homes that are configured or have reported
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        path: ConfigPath,
    },
}

pub(super) fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Add { name, id, path } => {
            let config = Config::load(&path.config)?;
            add(&config, &name, id.as_deref())
        }
        Task::List { json, path } => {
            let config = Config::load(&path.config)?;
            list(&config, json)
        }
    }
}

fn add(config: &Config, name: &str, id: Option<&str>) -> Result<(), Failure> {
    let text = id.map_or_else(|| slug(name), str::to_owned);
    let hub: HubId = text.parse().map_err(|error| {
        Failure::Usage(format!(
            "{text:?} cannot name a hub: {error}; choose one with --id, such as --id hub-1"
        ))
    })?;
    if let Some(taken) = config.hubs.get(&hub) {
        return Err(Failure::Usage(format!(
            "{hub} is the hub of {taken:?} already; choose another with --id"
        )));
    }
    let signing_key = key::load_or_create(&config.agency.signing_key_file)
        .map_err(|error| Failure::Failed(error.into()))?;
    print(&snippet(config, &hub, name, &key::public_hex(&signing_key)))
}

/// The part of a hub's configuration that ties it to this agency.
fn snippet(config: &Config, hub: &HubId, name: &str, public_key: &str) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let broker = &config.broker;
    let encrypted = if broker.tls.is_some() {
        "# The authority that vouches for the broker; copy the file to the hub.\n\
         ca_file = \"broker-ca.pem\"\n"
    } else {
        ""
    };
    let login = if broker.login.is_some() {
        format!("# The login of this hub at the broker.\nusername = {}\n", quoted(hub.as_str()))
            + "password_file = \"broker-password\"\n"
    } else {
        String::new()
    };
    format!(
        "# For gateway.toml of this hub, which `vitalgate check` then asks for the rest.\n\
         [hub]\n\
         id = {hub_id}\n\
         \n\
         [agency]\n\
         id = {agency}\n\
         # Public halves of the keys whose plans and commands this hub accepts.\n\
         keys = [{key}]\n\
         \n\
         [broker]\n\
         # As the hub reaches it: change it where the home sees the broker under another name.\n\
         host = {host}\n\
         port = {port}\n\
         topic_root = {root}\n\
         {encrypted}{login}\
         \n\
         # For station.toml, so that the nurses read a name:\n\
         #[[hub]]\n\
         #id = {hub_id}\n\
         #name = {name}\n",
        hub_id = quoted(hub.as_str()),
        agency = quoted(config.agency.id.as_str()),
        key = quoted(public_key),
        host = quoted(&broker.host),
        port = broker.port,
        root = quoted(&broker.topic_root),
        name = quoted(name),
    )
}

/// `Mill Lane 3` as `mill-lane-3`.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|it| !it.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// A home in the list.
#[derive(Debug, Serialize)]
struct Line {
    hub: String,
    name: Option<String>,
    /// online, offline, or null where it never said.
    presence: Option<String>,
    last_heard: Option<String>,
    /// Since when the station hears nothing of it, as far as it has noticed.
    silent_since: Option<String>,
    /// Records held of the newest epoch.
    high_water: u64,
    missing: Vec<(u64, u64)>,
}

fn list(config: &Config, json: bool) -> Result<(), Failure> {
    let (mut holdings, alarms) = if config.store.path.exists() {
        let read = || {
            let archive = Archive::open(&config.store.path)?;
            Ok((archive.hubs()?, archive.alarms()?))
        };
        read().map_err(|error: StoreError| Failure::Failed(error.into()))?
    } else {
        (BTreeMap::new(), Alarms::default())
    };
    for hub in config.hubs.keys() {
        holdings.entry(hub.clone()).or_default();
    }
    let line = |(hub, it)| line(config, &alarms, &hub, it);
    let lines: Vec<_> = holdings.into_iter().map(line).collect();
    if json {
        let text =
            serde_json::to_string_pretty(&lines).map_err(|error| Failure::Failed(error.into()))?;
        return print(&format!("{text}\n"));
    }
    let text: String = lines.iter().map(sentence).collect();
    print(if text.is_empty() { "No home is configured or has reported.\n" } else { &text })
}

fn line(config: &Config, alarms: &Alarms, hub: &HubId, holding: HubHolding) -> Line {
    let home = crate::board::Home::from_holding(holding);
    let held = home.present().map(|(_epoch, held)| held);
    let word = |is_online| if is_online { "online" } else { "offline" };
    Line {
        hub: hub.to_string(),
        name: config.hubs.get(hub).cloned(),
        presence: home.presence.map(|it| word(it.is_online).to_owned()),
        last_heard: home.last_heard.map(|it| LocalInstant::utc(it).to_string()),
        silent_since: alarms
            .find(Kind::HubSilent, Some(hub))
            .map(|it| LocalInstant::utc(it.since).to_string()),
        high_water: held.and_then(vitals::SequenceRanges::max).unwrap_or(0),
        missing: home.gaps(),
    }
}

fn sentence(line: &Line) -> String {
    let name = line.name.as_deref().unwrap_or("(not in the configuration)");
    let presence = match (&line.presence, &line.last_heard) {
        (Some(presence), _) => presence.as_str(),
        (None, Some(_)) => "connection not known",
        (None, None) => "not yet connected",
    };
    let silent = if line.silent_since.is_some() { ", SILENT" } else { "" };
    let heard = line.last_heard.as_deref().map_or_else(String::new, |it| format!(", heard {it}"));
    let gaps = match line.missing.len() {
        0 => String::new(),
        n => format!(", {n} gaps"),
    };
    format!(
        "{}  {name}  {presence}{silent}{heard}, records to {}{gaps}\n",
        line.hub, line.high_water
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_name_becomes_a_topic_level() {
        assert_eq!(slug("Mill Lane 3"), "mill-lane-3");
        assert_eq!(slug("  Büro – 2. Stock "), "büro-2-stock");
    }

    #[test]
    fn the_snippet_is_toml_and_ties_the_hub_to_the_agency() {
        let text = "[agency]\nid = \"north\"\n[broker]\nhost = \"broker.example.org\"\n";
        let config = Config::parse(text, Path::new("station.toml")).unwrap();
        let hub = "mill-lane-3".parse().unwrap();
        let snippet = snippet(&config, &hub, "Mill \"Lane\" 3", "ab12");
        let table: toml::Table = snippet.parse().unwrap();
        assert_eq!(table["hub"]["id"].as_str(), Some("mill-lane-3"));
        assert_eq!(table["agency"]["keys"][0].as_str(), Some("ab12"));
        assert_eq!(table["broker"]["host"].as_str(), Some("broker.example.org"));
        let name = snippet.lines().find(|it| it.starts_with("#name")).unwrap();
        let line: toml::Table = name.trim_start_matches('#').parse().unwrap();
        assert_eq!(line["name"].as_str(), Some("Mill \"Lane\" 3"));
    }
}
