//! From the tables of the file to a checked configuration: defaults, ranges and what fits together.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;
use vitals::document::{Need, Section, Zone};
use vitals::wire::topic::{AgencyTopics, ROOT};
use vitals::{HubId, SubjectId};

use super::{Agency, Broker, Command, Config, Login, Page, Plans, Store, Tls, Watch};
use crate::clock;

const SIGNING_KEY_FILE: &str = "/var/lib/vitalstation/agency.key";
const STORE_PATH: &str = "/var/lib/vitalstation/station.db";
const BROKER_HOST: &str = "127.0.0.1";
const BROKER_PORT: u16 = 1883;
const CLIENT_ID: &str = "vitalstation";
const KEEP_ALIVE_S: u64 = 30;
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
const STALE_AFTER_H: u64 = 24;
const HUB_SILENCE_LIMIT_S: u64 = 90;
const HEARTBEAT_S: u64 = 30;
const ALERT_WITHIN_S: u64 = 120;
const REPEAT_AFTER_S: u64 = 15;
const EXPIRES_AFTER_S: u64 = 86_400;
/// Longest display name in characters.
const NAME_LEN_MAX: usize = 80;

/// Reads every table before it gives up on any, so that all problems are found.
pub(super) fn config(root: &Section<'_>, directory: &Path) -> Option<Config> {
    let agency = agency(&root.section("agency"), directory);
    let broker = broker(&root.section("broker"), directory, agency.as_ref());
    let store = store(&root.section("store"), directory);
    let page = page(&root.section("page"));
    let watch = watch(&root.section("watch"));
    let command = command(&root.section("command"));
    let mut zones = BTreeMap::new();
    let clients =
        named(&root.sections("client"), "subject", |section, subject: Option<&SubjectId>| {
            let zone = section.text::<Zone>("time_zone", Need::Optional);
            zones.extend(subject.cloned().zip(zone.map(|it| it.0)));
        });
    let hubs = named(&root.sections("hub"), "id", |_section, _hub: Option<&HubId>| ());
    let plans = plans(&root.section("plans"), directory, zones);
    let (agency, broker) = (agency?, broker?);
    Some(Config { agency, broker, store, page, watch, command, plans, clients, hubs })
}

fn agency(section: &Section<'_>, directory: &Path) -> Option<Agency> {
    let id = section.text("id", Need::Example("\"north\""));
    let signing_key_file = file(section, "signing_key_file", directory);
    section.refuse_the_rest();
    let signing_key_file = signing_key_file.unwrap_or_else(|| SIGNING_KEY_FILE.into());
    Some(Agency { id: id?, signing_key_file })
}

fn broker(section: &Section<'_>, directory: &Path, agency: Option<&Agency>) -> Option<Broker> {
    let host = text(section, "host").unwrap_or_else(|| BROKER_HOST.to_owned());
    let port = section.integer("port", 1..=65_535, Need::Optional).unwrap_or(BROKER_PORT);
    let client_id = text(section, "client_id").unwrap_or_else(|| CLIENT_ID.to_owned());
    let login = login(section, directory);
    let tls = tls(section, directory);
    let keep_alive = seconds(section, "keep_alive_s", 5, 3600, KEEP_ALIVE_S);
    let topic_root = text(section, "topic_root").unwrap_or_else(|| ROOT.to_owned());
    section.refuse_the_rest();
    let topics = AgencyTopics::new(&topic_root, agency?.id.clone())
        .map_err(|error| section.problem("topic_root", &error))
        .ok()?;
    Some(Broker { host, port, client_id, login, tls, keep_alive, topics, topic_root })
}

fn login(section: &Section<'_>, directory: &Path) -> Option<Login> {
    let username = text(section, "username");
    let password_file = file(section, "password_file", directory);
    if username.is_some() && !section.has("password_file") {
        section.problem("password_file", &"missing: a user name needs the file with its password");
    }
    if password_file.is_some() && !section.has("username") {
        section.problem("username", &"missing: a password needs a user name");
    }
    Some(Login { username: username?, password_file: password_file? })
}

fn tls(section: &Section<'_>, directory: &Path) -> Option<Tls> {
    let ca_file = file(section, "ca_file", directory);
    let certificate = file(section, "client_certificate_file", directory);
    let key = file(section, "client_key_file", directory);
    if certificate.is_some() && !section.has("client_key_file") {
        section.problem("client_key_file", &"missing: a client certificate needs its key");
    }
    if key.is_some() && !section.has("client_certificate_file") {
        section.problem("client_certificate_file", &"missing: a key needs its certificate");
    }
    if !section.has("ca_file") && (certificate.is_some() || key.is_some()) {
        section.problem("ca_file", &"missing: a client certificate needs an encrypted connection");
    }
    Some(Tls { ca_file: ca_file?, client_certificate: certificate.zip(key) })
}

fn store(section: &Section<'_>, directory: &Path) -> Store {
    let path = file(section, "path", directory).unwrap_or_else(|| STORE_PATH.into());
    section.refuse_the_rest();
    Store { path }
}

fn page(section: &Section<'_>) -> Page {
    let parse = |text: &str| {
        let no_address = format!("{text:?} is no address, write it as \"{LISTEN}\"");
        text.parse::<SocketAddr>().map_err(|_cause| no_address)
    };
    let listen = section.text_by("listen", Need::Optional, parse).unwrap_or(LISTEN);
    let host_names = section.list::<HostName>("host_names", Need::Optional).unwrap_or_default();
    let allow_remote = section.boolean("allow_remote", Need::Optional).unwrap_or(false);
    if !listen.ip().is_loopback() && !allow_remote {
        let text = format!(
            "{listen} can be reached from other machines, and the page asks nobody to log in; \
             listen on 127.0.0.1 behind a proxy that does, or set allow_remote = true"
        );
        section.problem("listen", &text);
    }
    let stale_after_h =
        section.integer("stale_after_h", 1..=8760, Need::Optional).unwrap_or(STALE_AFTER_H);
    section.refuse_the_rest();
    Page {
        listen,
        host_names: host_names.into_iter().map(|it| it.0).collect(),
        allow_remote,
        stale_after: Duration::from_secs(stale_after_h.saturating_mul(3600)),
    }
}

fn watch(section: &Section<'_>) -> Watch {
    let hub_silence_limit = seconds(section, "hub_silence_limit_s", 3, 3600, HUB_SILENCE_LIMIT_S);
    let heartbeat = seconds(section, "heartbeat_s", 1, 30, HEARTBEAT_S);
    let alert_within = seconds(section, "alert_within_s", 1, 3600, ALERT_WITHIN_S);
    section.refuse_the_rest();
    Watch { hub_silence_limit, heartbeat, alert_within }
}

fn command(section: &Section<'_>) -> Command {
    let repeat_after = seconds(section, "repeat_after_s", 1, 3600, REPEAT_AFTER_S);
    let expires_after = seconds(section, "expires_after_s", 60, 2_592_000, EXPIRES_AFTER_S);
    section.refuse_the_rest();
    Command { repeat_after, expires_after }
}

fn plans(section: &Section<'_>, path: &Path, zones: BTreeMap<SubjectId, TimeZone>) -> Plans {
    let directory = file(section, "directory", path);
    let zone = section.text::<Zone>("time_zone", Need::Optional);
    section.refuse_the_rest();
    Plans { directory, zone: zone.map_or_else(clock::zone, |it| it.0), zones }
}

/// Reads the entries of `[[client]]` or `[[hub]]`; `more` reads what else they say.
fn named<Id: FromStr<Err: std::fmt::Display> + Ord>(
    sections: &[Section<'_>],
    id_key: &'static str,
    mut more: impl FnMut(&Section<'_>, Option<&Id>),
) -> BTreeMap<Id, String> {
    let mut names = BTreeMap::new();
    for section in sections {
        let id = section.text::<Id>(id_key, Need::Required("each entry names one"));
        let name = section.text_by("name", Need::Required("write what people say"), name);
        more(section, id.as_ref());
        if let (Some(id), Some(name)) = (id, name)
            && names.insert(id, name).is_some()
        {
            section.problem(id_key, &"it has an entry above already, keep one");
        }
        section.refuse_the_rest();
    }
    names
}

fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || NAME_LEN_MAX < text.chars().count() {
        Err(format!("a name has 1 to {NAME_LEN_MAX} characters"))
    } else {
        Ok(text.to_owned())
    }
}

/// A host name in lower case, as a browser names it without a port.
struct HostName(String);

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if text.is_empty() || !text.chars().all(is_allowed) {
            return Err(format!("{text:?} is no host name, write it without port and slashes"));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// A text with something in it.
fn text(section: &Section<'_>, key: &'static str) -> Option<String> {
    section.text_by(key, Need::Optional, |text| match text.trim() {
        "" => Err("empty: write a text or leave the key out"),
        _some => Ok(text.to_owned()),
    })
}

/// A path; a relative one starts at the directory of the configuration file.
fn file(section: &Section<'_>, key: &'static str, directory: &Path) -> Option<PathBuf> {
    let path =
        section.text_by(key, Need::Optional, |text| Ok::<_, Infallible>(directory.join(text)));
    path.filter(|it| {
        if it == directory {
            section.problem(key, &"empty: write a path or leave the key out");
        }
        it != directory
    })
}

fn seconds(
    section: &Section<'_>,
    key: &'static str,
    least: u64,
    most: u64,
    default: u64,
) -> Duration {
    let seconds = section.integer(key, least..=most, Need::Optional);
    Duration::from_secs(seconds.unwrap_or(default))
}
