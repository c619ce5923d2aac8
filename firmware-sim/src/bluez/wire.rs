//! Between D-Bus messages and the simulated daemon's calls and effects.

use std::collections::{BTreeMap, HashMap};

use zbus::message::Header;
use zbus::wire::{DynamicDeserialize, DynamicType};
use zbus::{Connection, Message, ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

use super::effect::{
    AdapterMethod, Agent, AgentAnswer, Answer, Call, CallId, DeviceMethod, Effect, Interfaces,
    Method, Properties, Property, Question,
};
use super::failure::Failure;
use super::path::Node;

const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

type Options = BTreeMap<String, OwnedVariant>;
type WireProperties = BTreeMap<&'static str, Variant<'static>>;
type WireInterfaces = BTreeMap<&'static str, WireProperties>;

/// Reads a method call.
///
/// # Errors
///
/// Returns the failure to answer when the object or the method does not exist or the arguments
/// are wrong.
pub(super) fn read_call(id: CallId, message: &Message) -> Result<(Call, String), Failure> {
    let header = message.header();
    let path = header.path().map(ToString::to_string).unwrap_or_default();
    let member = header.member().map(ToString::to_string).unwrap_or_default();
    let interface = header.interface().map(ToString::to_string).unwrap_or_default();
    let sender = header.sender().map(ToString::to_string).unwrap_or_default();
    let method = read_method(&interface, &member, message)?;
    let node = Node::parse(&path).ok_or_else(|| Failure::unknown_object(&path))?;
    Ok((Call { id, sender, node, method }, member))
}

fn read_method(interface: &str, member: &str, message: &Message) -> Result<Method, Failure> {
    let method = match (interface, member) {
        ("org.freedesktop.DBus.Introspectable", "Introspect") => Method::Introspect,
        (OBJECT_MANAGER, "GetManagedObjects") => Method::GetManagedObjects,
        (PROPERTIES, "Get") => {
            let (interface, property) = arguments(message)?;
            Method::Get { interface, property }
        }
        (PROPERTIES, "GetAll") => Method::GetAll { interface: arguments(message)? },
        (PROPERTIES, "Set") => read_set(message)?,
        ("org.bluez.AgentManager1", "RegisterAgent") => {
            let (path, capability): (OwnedObjectPath, String) = arguments(message)?;
            Method::RegisterAgent { path: path.to_string(), capability }
        }
        ("org.bluez.AgentManager1", "UnregisterAgent") => {
            Method::UnregisterAgent { path: arguments::<OwnedObjectPath>(message)?.to_string() }
        }
        ("org.bluez.AgentManager1", "RequestDefaultAgent") => {
            Method::RequestDefaultAgent { path: arguments::<OwnedObjectPath>(message)?.to_string() }
        }
        ("org.bluez.Adapter1", _) => Method::Adapter(read_adapter_method(member, message)?),
        ("org.bluez.Device1" | "org.bluez.GattCharacteristic1", _) => {
            Method::Device(read_device_method(interface, member, message)?)
        }
        (_, _) => return Err(Failure::unknown_method(interface, member)),
    };
    Ok(method)
}

fn read_adapter_method(member: &str, message: &Message) -> Result<AdapterMethod, Failure> {
    match member {
        "StartDiscovery" => Ok(AdapterMethod::StartDiscovery),
        "StopDiscovery" => Ok(AdapterMethod::StopDiscovery),
        "SetDiscoveryFilter" => {
            let filter: Options = arguments(message)?;
            let uuids = filter.get("UUIDs").cloned().map(<Vec<String>>::try_from);
            let uuids = uuids.transpose().map_err(|_wrong_type| Failure::invalid_arguments())?;
            Ok(AdapterMethod::SetDiscoveryFilter { uuids: uuids.unwrap_or_default() })
        }
        "RemoveDevice" => {
            let path: OwnedObjectPath = arguments(message)?;
            Ok(AdapterMethod::RemoveDevice { path: path.to_string() })
        }
        _ => Err(Failure::unknown_method("org.bluez.Adapter1", member)),
    }
}

fn read_device_method(
    interface: &str,
    member: &str,
    message: &Message,
) -> Result<DeviceMethod, Failure> {
    match (interface, member) {
        ("org.bluez.Device1", "Connect") => Ok(DeviceMethod::Connect),
        ("org.bluez.Device1", "Disconnect") => Ok(DeviceMethod::Disconnect),
        ("org.bluez.Device1", "Pair") => Ok(DeviceMethod::Pair),
        ("org.bluez.Device1", "CancelPairing") => Ok(DeviceMethod::CancelPairing),
        ("org.bluez.GattCharacteristic1", "ReadValue") => {
            let options: Options = arguments(message)?;
            let offset = options.get("offset").and_then(|offset| {
                let narrow = u16::try_from(offset).map(usize::from).ok();
                narrow.or_else(|| u64::try_from(offset).ok()?.try_into().ok())
            });
            Ok(DeviceMethod::ReadValue { offset: offset.unwrap_or(0) })
        }
        ("org.bluez.GattCharacteristic1", "WriteValue") => {
            let (bytes, _options): (Vec<u8>, Options) = arguments(message)?;
            Ok(DeviceMethod::WriteValue { bytes })
        }
        ("org.bluez.GattCharacteristic1", "StartNotify") => Ok(DeviceMethod::StartNotify),
        ("org.bluez.GattCharacteristic1", "StopNotify") => Ok(DeviceMethod::StopNotify),
        (_, _) => Err(Failure::unknown_method(interface, member)),
    }
}

fn read_set(message: &Message) -> Result<Method, Failure> {
    let (_interface, property, value): (String, String, OwnedVariant) = arguments(message)?;
    if let Ok(value) = bool::try_from(&value) {
        return Ok(Method::SetFlag { property, value });
    }
    match String::try_from(value) {
        Ok(value) => Ok(Method::SetText { property, value }),
        Err(_other_type) => Err(Failure::invalid_arguments()),
    }
}

fn arguments<T>(message: &Message) -> Result<T, Failure>
where
    T: for<'de> DynamicDeserialize<'de>,
{
    message.body().deserialize().map_err(|_wrong_types| Failure::invalid_arguments())
}

/// Reads the bus's news that a client left, from `NameOwnerChanged`.
pub(super) fn read_departure(message: &Message) -> Option<String> {
    let header = message.header();
    if header.member()?.as_str() != "NameOwnerChanged" {
        return None;
    }
    let (name, _old, new): (String, String, String) = message.body().deserialize().ok()?;
    (name.starts_with(':') && new.is_empty()).then_some(name)
}

/// Sends what an effect stands for; `call` is the message that it answers, if it does.
pub(super) async fn send(
    connection: &Connection,
    call: Option<&Message>,
    effect: Effect,
) -> zbus::Result<()> {
    match (effect, call.map(Message::header)) {
        (Effect::Answer(_, answer), Some(header)) => reply(connection, &header, answer).await,
        (Effect::Fail(_, failure), Some(header)) => {
            connection.reply_error(&header, failure.name, &failure.message).await
        }
        (Effect::Changed { node, interface, changed, invalidated }, _) => {
            let body = (interface, properties(changed), invalidated);
            signal(connection, node, PROPERTIES, "PropertiesChanged", &body).await
        }
        (Effect::Added(node, added), _) => {
            let body = (path(node)?, interfaces(added));
            signal(connection, Node::Root, OBJECT_MANAGER, "InterfacesAdded", &body).await
        }
        (Effect::Removed(node, removed), _) => {
            let body = (path(node)?, removed);
            signal(connection, Node::Root, OBJECT_MANAGER, "InterfacesRemoved", &body).await
        }
        (Effect::Answer(..) | Effect::Fail(..) | Effect::Ask { .. }, _) => Ok(()),
    }
}

async fn signal<B>(
    connection: &Connection,
    node: Node,
    interface: &str,
    member: &str,
    body: &B,
) -> zbus::Result<()>
where
    B: serde::Serialize + DynamicType,
{
    connection.emit_signal(None::<&str>, path(node)?, interface, member, body).await
}

async fn reply(connection: &Connection, call: &Header<'_>, answer: Answer) -> zbus::Result<()> {
    match answer {
        Answer::Nothing => connection.reply(call, &()).await,
        Answer::Bytes(bytes) => connection.reply(call, &bytes).await,
        Answer::Text(text) => connection.reply(call, &text).await,
        Answer::Property(property) => connection.reply(call, &variant(property)).await,
        Answer::Properties(all) => connection.reply(call, &properties(all)).await,
        Answer::Objects(objects) => {
            let objects: HashMap<OwnedObjectPath, WireInterfaces> = objects
                .into_iter()
                .map(|(node, described)| Ok((path(node)?.into(), interfaces(described))))
                .collect::<zbus::Result<_>>()?;
            connection.reply(call, &objects).await
        }
    }
}

/// Asks an agent, and reads its answer.
pub(super) async fn ask(
    connection: Connection,
    agent: Agent,
    device: Node,
    question: Question,
) -> AgentAnswer {
    let answered = match path(device) {
        Ok(device) => put(&connection, &agent, device, question).await,
        Err(error) => Err(error),
    };
    match (answered, question) {
        (Ok(reply), Question::Passkey) => match reply.body().deserialize() {
            Ok(passkey) => AgentAnswer::Passkey(passkey),
            Err(error) => AgentAnswer::Refused { error: error.to_string() },
        },
        (Ok(_), _) => AgentAnswer::Agreed,
        (Err(zbus::Error::MethodError(name, _, _)), _) => {
            AgentAnswer::Refused { error: name.to_string() }
        }
        (Err(error), _) => AgentAnswer::Refused { error: error.to_string() },
    }
}

async fn put(
    connection: &Connection,
    agent: &Agent,
    device: ObjectPath<'static>,
    question: Question,
) -> zbus::Result<Message> {
    /// Digits typed at the device so far.
    const TYPED: u16 = 0;
    let (owner, at) = (Some(agent.owner.as_str()), agent.path.as_str());
    let to = Some("org.bluez.Agent1");
    match question {
        Question::Authorize => {
            connection.call_method(owner, at, to, "RequestAuthorization", &device).await
        }
        Question::Passkey => connection.call_method(owner, at, to, "RequestPasskey", &device).await,
        Question::Show(digits) => {
            let body = (device, digits, TYPED);
            connection.call_method(owner, at, to, "DisplayPasskey", &body).await
        }
        Question::Compare(digits) => {
            let body = (device, digits);
            connection.call_method(owner, at, to, "RequestConfirmation", &body).await
        }
        Question::Cancel => connection.call_method(owner, at, to, "Cancel", &()).await,
    }
}

fn path(node: Node) -> zbus::Result<ObjectPath<'static>> {
    ObjectPath::try_from(node.to_string())
}

fn interfaces(described: Interfaces) -> WireInterfaces {
    described.into_iter().map(|(name, shown)| (name, properties(shown))).collect()
}

fn properties(shown: Properties) -> WireProperties {
    shown.into_iter().map(|(name, property)| (name, variant(property))).collect()
}

fn variant(property: Property) -> Variant<'static> {
    match property {
        Property::Flag(value) => Variant::from(value),
        Property::Text(value) => Variant::from(value),
        Property::Byte(value) => Variant::from(value),
        Property::Unsigned16(value) => Variant::from(value),
        Property::Signed16(value) => Variant::from(value),
        Property::Unsigned32(value) => Variant::from(value),
        Property::Path(node) => match path(node) {
            Ok(path) => Variant::from(path),
            // Every node writes a valid path; text is what is left if one did not.
            Err(_invalid) => Variant::from(node.to_string()),
        },
        Property::Texts(value) => Variant::from(value),
        Property::Bytes(value) => Variant::from(value),
        Property::ManufacturerData(data) => Variant::from(
            data.into_iter()
                .map(|(company, bytes)| (company, Variant::from(bytes)))
                .collect::<BTreeMap<u16, Variant<'static>>>(),
        ),
        Property::ServiceData(data) => Variant::from(
            data.into_iter()
                .map(|(uuid, bytes)| (uuid, Variant::from(bytes)))
                .collect::<BTreeMap<String, Variant<'static>>>(),
        ),
    }
}
