//! From the tables of `gateway.toml` to settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use alerting::Plan;
use alerting::plan::value::quantity;
use ed25519_dalek::VerifyingKey;
use jiff::tz::TimeZone;
use thiserror::Error;
use vitals::document::{Need, Section, Zone};
use vitals::wire::topic::{AgencyTopics, ROOT};
use vitals::{AgencyId, DeviceId, Dimension, HubId, SubjectId};

use super::wiring::{self, Address, BindKey, Radio};
use super::{
    Config, KEEP_ALIVE_RANGE_S, KEEP_ALIVE_S, KEEP_RANGE_DAYS, MAX_RANGE_MIB, SCRUB_RANGE_DAYS,
    SILENCE_LIMIT_MIN, SILENCE_LIMIT_RANGE_MIN, STREAM_INTERVAL_RANGE_S, STREAM_INTERVAL_S,
    SYNCHRONIZED_FILE, seconds,
};
use crate::device::catalogue::{self, Model, Transport};
use crate::device::{Secret, StreamSettings};
use crate::hub::{Band, Device, Owner, User, Watch};
use crate::link::bluetooth::BluetoothDevice;
use crate::link::serial::SerialPort;
use crate::store::{KEEP_DAYS, MAX_MIB, SCRUB_DAYS, Upkeep};
use crate::uplink::{Broker, Credentials, Tls};

/// Reads the whole file; `directory` is where relative paths start.
pub(super) fn config(root: &Section<'_>, directory: &Path) -> Option<Config> {
    let hub = hub(&root.section("hub"), directory);
    let agency = agency(&root.section("agency"));
    let broker_section = root.section("broker");
    let topic_root = broker_section.text::<String>("topic_root", Need::Optional);
    let broker = broker(&broker_section, directory);
    let upkeep = store(&root.section("store"));
    let plans = plans(&root.section("plan"), directory);
    let interval = stream(&root.section("stream"));
    let synchronized_file = clock(&root.section("clock"), directory);
    let radio = bluetooth(&root.section("bluetooth"));
    let watch = watch(&root.section("watch"));
    let home = home(root, interval, directory);

    if let (Some(plans), Some(home)) = (&plans, &home) {
        check_plans(&root.section("plan"), plans, &home.devices);
    }
    let (hub, zone, data_directory) = hub?;
    let (agency_id, agency_keys) = agency?;
    let topics = AgencyTopics::new(topic_root.as_deref().unwrap_or(ROOT), agency_id)
        .map_err(|error| broker_section.problem("topic_root", &error))
        .ok()?;
    let home = home?;
    let bluetooth = (!home.bluetooth.is_empty())
        .then(|| wiring::bluetooth_settings(radio, home.bluetooth, &zone));
    Some(Config {
        hub,
        zone,
        data_directory,
        upkeep,
        synchronized_file,
        topics,
        agency_keys,
        broker: broker?,
        plans: plans?,
        devices: home.devices,
        bluetooth,
        serial: home.serial,
        watch,
    })
}

fn hub(section: &Section<'_>, directory: &Path) -> Option<(HubId, TimeZone, PathBuf)> {
    let id = section.text("id", Need::Required("the name that the agency gave this hub"));
    let zone = section.text::<Zone>(
        "time_zone",
        Need::Required("where the hub stands, like \"Europe/Berlin\" or \"America/New_York\""),
    );
    let data = section.text::<PathBuf>(
        "data_directory",
        Need::Required("where readings are kept, like \"/var/lib/vitalgate\""),
    );
    section.refuse_the_rest();
    Some((id?, zone?.0, directory.join(data?)))
}

fn clock(section: &Section<'_>, directory: &Path) -> PathBuf {
    let file = section.text::<PathBuf>("synchronized_file", Need::Optional);
    section.refuse_the_rest();
    file.map_or_else(|| PathBuf::from(SYNCHRONIZED_FILE), |it| directory.join(it))
}

fn agency(section: &Section<'_>) -> Option<(AgencyId, Vec<VerifyingKey>)> {
    let id = section.text("id", Need::Required("the name of the agency in topics"));
    let keys = section.list::<AgencyKey>(
        "keys",
        Need::Required("the agency's public keys, as `vitalstation hub add` prints them"),
    );
    section.refuse_the_rest();
    let keys: Vec<_> = keys?.into_iter().map(|it| it.0).collect();
    if keys.is_empty() {
        section.problem("keys", &"at least one key is needed, else no command can be verified");
    }
    Some((id?, keys))
}

fn broker(section: &Section<'_>, directory: &Path) -> Option<Broker> {
    let host = section.text::<String>("host", Need::Required("name or address of the broker"));
    let port = section.integer("port", 1..=65_535, Need::Optional);
    let keep_alive = section.integer("keep_alive_s", KEEP_ALIVE_RANGE_S, Need::Optional);
    let username = section.text::<String>("username", Need::Optional);
    let password = section
        .text::<PathBuf>("password_file", Need::Optional)
        .and_then(|it| secret(section, "password_file", &directory.join(it)));
    let file = |key| section.text::<PathBuf>(key, Need::Optional).map(|it| directory.join(it));
    let ca_file = file("ca_file");
    let certificate = file("client_certificate_file");
    let key = file("client_key_file");
    section.refuse_the_rest();

    for (key, path) in [
        ("ca_file", &ca_file),
        ("client_certificate_file", &certificate),
        ("client_key_file", &key),
    ] {
        if let Some(path) = path {
            secret(section, key, path);
        }
    }
    if certificate.is_some() != key.is_some() {
        let text = "client_certificate_file and client_key_file go together";
        section.problem("client_certificate_file", &text);
    }
    if ca_file.is_none() && certificate.is_some() {
        section.problem("ca_file", &"missing: a client certificate needs TLS");
    }
    if section.has("password_file") && username.is_none() {
        section.problem("username", &"missing: a password needs a user name");
    }
    let tls = ca_file.map(|ca_file| Tls { ca_file, client: certificate.zip(key) });
    let credentials =
        username.map(|username| Credentials { username, password: password.unwrap_or_default() });
    let default_port = if tls.is_some() { 8883 } else { 1883 };
    Some(Broker {
        host: host?,
        port: port.unwrap_or(default_port),
        credentials,
        tls,
        keep_alive: seconds(keep_alive.unwrap_or(KEEP_ALIVE_S)),
    })
}

/// The content of a file that the configuration names, without its last line break.
fn secret(section: &Section<'_>, key: &str, path: &Path) -> Option<String> {
    fs::read_to_string(path)
        .map(|text| text.trim_end_matches(['\n', '\r']).to_owned())
        .map_err(|error| section.problem(key, &format!("cannot read {}: {error}", path.display())))
        .ok()
}

fn plans(section: &Section<'_>, directory: &Path) -> Option<Vec<Plan>> {
    let files = section.list::<PathBuf>(
        "files",
        Need::Required("the care plans, a list of files; without one nothing is ever alerted"),
    );
    section.refuse_the_rest();
    let plan = |file: PathBuf| {
        let path = directory.join(file);
        let text = secret(section, "files", &path)?;
        Plan::parse(&text)
            .map_err(|errors| {
                for problem in errors.to_string().lines() {
                    section.problem("files", &format!("{}: {problem}", path.display()));
                }
            })
            .ok()
    };
    // Every file is read, so that the problems of all are found.
    let plans: Vec<_> = files?.into_iter().map(plan).collect();
    plans.into_iter().collect()
}

/// A plan that watches nobody, or that another one hides, would be silent without a word.
fn check_plans(section: &Section<'_>, plans: &[Plan], devices: &[Device]) {
    let mut seen = BTreeSet::new();
    for plan in plans {
        let (name, subject) = (plan.name(), plan.subject());
        if !devices.is_empty() && !devices.iter().any(|it| it.owner.may_be(subject)) {
            let subject = subject.as_str();
            let text = format!("plan {name} is for {subject}, to whom no device belongs");
            section.problem("files", &text);
        }
        if !seen.insert((subject, name)) {
            let subject = subject.as_str();
            let text = format!("two plans for {subject} are named {name}: only one would count");
            section.problem("files", &text);
        }
    }
}

fn stream(section: &Section<'_>) -> StreamSettings {
    let interval = section.integer("interval_s", STREAM_INTERVAL_RANGE_S, Need::Optional);
    section.refuse_the_rest();
    StreamSettings { interval: seconds(interval.unwrap_or(STREAM_INTERVAL_S)) }
}

fn store(section: &Section<'_>) -> Upkeep {
    let keep_days = section.integer("keep_days", KEEP_RANGE_DAYS, Need::Optional);
    let max_mib = section.integer("max_mib", MAX_RANGE_MIB, Need::Optional);
    let scrub_days = section.integer("scrub_days", SCRUB_RANGE_DAYS, Need::Optional);
    section.refuse_the_rest();
    Upkeep::new(
        keep_days.unwrap_or(KEEP_DAYS),
        max_mib.unwrap_or(MAX_MIB),
        scrub_days.unwrap_or(SCRUB_DAYS),
    )
}

fn watch(section: &Section<'_>) -> Watch {
    let default = Watch::default();
    let span =
        |key, range, default| section.integer(key, range, Need::Optional).map_or(default, seconds);
    let watch = Watch {
        heartbeat: span("heartbeat_s", 1..=30, default.heartbeat),
        agency_silence_limit: span(
            "agency_silence_limit_s",
            3..=3600,
            default.agency_silence_limit,
        ),
        test_alarm_hour: section
            .integer("test_alarm_hour", 0..=23, Need::Optional)
            .unwrap_or(default.test_alarm_hour),
        test_alarm_after: span("test_alarm_after_s", 1..=3600, default.test_alarm_after),
    };
    section.refuse_the_rest();
    watch
}

fn bluetooth(section: &Section<'_>) -> Radio {
    let adapter = section.text::<String>("adapter", Need::Optional);
    let silence_limit_min =
        section.integer("silence_limit_min", SILENCE_LIMIT_RANGE_MIN, Need::Optional);
    section.refuse_the_rest();
    let silence_limit = seconds(60 * silence_limit_min.unwrap_or(SILENCE_LIMIT_MIN));
    Radio { adapter, silence_limit }
}

#[derive(Debug, Default)]
struct Home {
    devices: Vec<Device>,
    bluetooth: Vec<BluetoothDevice>,
    serial: Vec<SerialPort>,
}

fn home(root: &Section<'_>, stream: StreamSettings, directory: &Path) -> Option<Home> {
    let mut home = Home::default();
    let mut names = BTreeSet::new();
    let mut is_complete = true;
    for section in root.sections("device") {
        match device(&section, stream, directory, &mut names) {
            Some((device, link)) => {
                match link {
                    DeviceLink::Bluetooth(it) => {
                        if home.bluetooth.iter().any(|other| other.address == it.address) {
                            section.problem("address", &"another device has this address");
                        }
                        home.bluetooth.push(it);
                    }
                    DeviceLink::Serial(it) => {
                        if home.serial.iter().any(|other| other.path == it.path) {
                            section.problem("port", &"another device has this port");
                        }
                        home.serial.push(it);
                    }
                }
                home.devices.push(device);
            }
            None => is_complete = false,
        }
        section.refuse_the_rest();
    }
    is_complete.then_some(home)
}

enum DeviceLink {
    Bluetooth(BluetoothDevice),
    Serial(SerialPort),
}

fn device(
    section: &Section<'_>,
    stream: StreamSettings,
    directory: &Path,
    names: &mut BTreeSet<DeviceId>,
) -> Option<(Device, DeviceLink)> {
    let id: Option<DeviceId> =
        section.text("id", Need::Required("a name for this device, unique in the home"));
    let model = section.text::<ModelKey>(
        "model",
        Need::Required("its catalogue key, see `vitalgate device list --catalogue`"),
    );
    if let Some(id) = &id
        && !names.insert(id.clone())
    {
        section.problem("id", &"another device has this name");
    }
    let mut consents = BTreeMap::new();
    let owner = owner(section, &mut consents);
    let address = section.text::<Address>("address", Need::Optional);
    let port = section.text::<PathBuf>("port", Need::Optional);
    let key = section.text::<BindKey>("bind_key", Need::Optional);
    let (id, model) = (id?, model?.0);
    match (model.transport.is_sealed(), section.has("bind_key")) {
        (true, false) => section.problem("bind_key", &"missing: its key, 32 hexadecimal digits"),
        (false, true) => section.problem("bind_key", &"this model needs no key"),
        (true, true) | (false, false) => {}
    }
    let secret = key.zip(address).map(|(key, at)| Secret { key: key.0, address: at.bytes() });
    if model.transport.is_sealed() && secret.is_none() && address.is_some() {
        return None;
    }
    let device = Device { id, model, owner: owner?, stream, secret };
    let link = match &model.transport {
        Transport::Bluetooth { .. } => {
            if port.is_some() {
                section.problem("port", &"this model speaks Bluetooth: give its `address`");
            }
            if address.is_none() && !section.has("address") {
                let text = "missing: its Bluetooth address, like \"5C:31:3E:00:4A:11\"";
                section.problem("address", &text);
            }
            DeviceLink::Bluetooth(wiring::bluetooth_device(&device, address?, &consents)?)
        }
        Transport::Serial { .. } => {
            if address.is_some() {
                section.problem("address", &"this model has a serial line: give its `port`");
            }
            if port.as_ref().is_some_and(|it| it.as_os_str().is_empty()) {
                section.problem("port", &"empty: give its port, best as /dev/serial/by-id/...");
            }
            if port.is_none() && !section.has("port") {
                section.problem("port", &"missing: its port, best a /dev/serial/by-id/ path");
            }
            DeviceLink::Serial(wiring::serial_port(&device, directory.join(port?))?)
        }
    };
    Some((device, link))
}

/// One of several users; `consents` takes the code of a slot, where it has one.
fn user(section: &Section<'_>, consents: &mut BTreeMap<u8, u16>) -> Option<User> {
    let weight = |text: &str| match quantity(text) {
        Ok(it) if it.unit().dimension() == Dimension::Mass => Ok(it),
        Ok(_other) => Err(format!("{text:?} is no weight: write it as in \"60 kg\"")),
        Err(cause) => Err(cause),
    };
    let slot = section.integer("slot", 0..=254, Need::Optional);
    let subject = section.text::<SubjectId>("subject", Need::Required("whose slot it is"));
    let from = section.text_by("weight_from", Need::Optional, weight);
    let to = section.text_by("weight_to", Need::Optional, weight);
    let consent = section.integer("consent", 0..=9999, Need::Optional);
    section.refuse_the_rest();
    let band = match from.zip(to) {
        Some((from, to)) => {
            if to.value_in(from.unit()).is_none_or(|it| it <= from.value()) {
                section.problem("weight_to", &"is not above weight_from");
            }
            Some(Band { from, to })
        }
        None => {
            if section.has("weight_from") != section.has("weight_to") {
                let key = if section.has("weight_to") { "weight_from" } else { "weight_to" };
                section.problem(key, &"missing: a range of weights has both ends");
            }
            None
        }
    };
    let is_told = ["slot", "weight_from", "weight_to"].into_iter().any(|it| section.has(it));
    if !is_told {
        section.problem("slot", &"missing: the device's user slot, or weight_from and weight_to");
    }
    if consent.is_some() && !section.has("slot") {
        section.problem("consent", &"is the code of a user slot: give that, too");
    }
    consents.extend(slot.zip(consent));
    Some(User { subject: subject?, slot, band })
}

/// Whose device it is; `consents` takes the codes of its users, where they have some.
fn owner(section: &Section<'_>, consents: &mut BTreeMap<u8, u16>) -> Option<Owner> {
    let subject = section.text::<SubjectId>("subject", Need::Optional);
    let users = section.sections("user");
    let mut shared: Vec<User> = Vec::new();
    for section in &users {
        let user = user(section, consents)?;
        if user.slot.is_some() && shared.iter().any(|it| it.slot == user.slot) {
            section.problem("slot", &"another user has this slot");
        }
        shared.push(user);
    }
    match (subject, shared.is_empty()) {
        (Some(subject), true) => Some(Owner::One(subject)),
        (None, false) => Some(Owner::Shared(shared)),
        (Some(_), false) => {
            section.problem("subject", &"give either one `subject` or [[device.user]] slots");
            None
        }
        (None, true) if section.has("subject") => None,
        (None, true) => {
            section.problem("subject", &"missing: whose device it is, or [[device.user]] slots");
            None
        }
    }
}

struct AgencyKey(VerifyingKey);

#[derive(Debug, Error)]
#[error("not a public key: write the 64 hexadecimal digits that `vitalstation hub add` prints")]
struct AgencyKeyError;

impl FromStr for AgencyKey {
    type Err = AgencyKeyError;

    fn from_str(text: &str) -> Result<Self, AgencyKeyError> {
        let bytes: [u8; 32] =
            hex::decode(text).ok().and_then(|it| it.try_into().ok()).ok_or(AgencyKeyError)?;
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_not_on_curve| AgencyKeyError)
    }
}

struct ModelKey(&'static Model);

#[derive(Debug, Error)]
#[error("{0:?} is not in the catalogue; see `vitalgate device list --catalogue`")]
struct ModelKeyError(String);

impl FromStr for ModelKey {
    type Err = ModelKeyError;

    fn from_str(text: &str) -> Result<Self, ModelKeyError> {
        catalogue::model(text).map(Self).ok_or_else(|| ModelKeyError(text.to_owned()))
    }
}
