//! What a device has to be told once, on the link on which it was paired.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::found::Found;
use super::remote::{Characteristic, Heard};
use super::{Bluez, LOOK_INTERVAL, PROOF_MAX, PairingFailure, Window};
use crate::device::catalogue::{Model, Transport, service, sig_uuid};
use crate::link::dialogue::{Conversation, Next, Question, Script};

/// Tells a paired device what its model has to be told; most models nothing.
///
/// # Errors
///
/// Says that the device did not take it, and why.
pub(super) async fn introduce(
    bluez: &mut Bluez,
    device: &Found,
    window: Window,
) -> Result<(), PairingFailure> {
    let (wanting, others): (Vec<_>, Vec<_>) =
        device.best_rows().into_iter().partition(|it| it.transport.introduction().is_some());
    if wanting.is_empty() {
        return Ok(());
    }
    let has_to = others.is_empty();
    talk(bluez, device, &wanting, has_to, window).await.map_err(PairingFailure::NotIntroduced)
}

/// One that hangs up before its services are known is told nothing, which is a failure where every row
/// `has_to` tell it something.
async fn talk(
    bluez: &mut Bluez,
    device: &Found,
    rows: &[&'static Model],
    has_to: bool,
    window: Window,
) -> Result<(), String> {
    let text = |error: zbus::Error| error.to_string();
    bluez.watch(device.address).await.map_err(text)?;
    let resolved = async {
        while !bluez.is_resolved(device.address).await? {
            sleep(LOOK_INTERVAL).await;
        }
        zbus::Result::Ok(())
    };
    match timeout(PROOF_MAX, resolved).await {
        Ok(outcome) => outcome.map_err(text)?,
        Err(_elapsed) if has_to => return Err("its services did not become known".to_owned()),
        Err(_elapsed) => return Ok(()),
    }
    let table = bluez.characteristics(device.address).await.map_err(text)?;
    let Some((script, subscriptions)) = rows.iter().find_map(|it| wanted(it, &table)) else {
        return Ok(());
    };
    for uuid in subscriptions {
        for it in table.iter().filter(|it| it.uuid == *uuid) {
            bluez.subscribe(&it.path).await.map_err(text)?;
        }
    }
    let mut conversation = Conversation::begin(script);
    loop {
        if window.left().is_zero() {
            return Err("the time is over".to_owned());
        }
        match conversation.next(window.now())? {
            Next::Write(question) => write(bluez, &table, question).await?,
            Next::Wait(until) => listen(bluez, &table, &mut conversation, until, window).await?,
            Next::Done => return Ok(()),
        }
    }
}

/// What a row has to tell a device that has its service. One that tells by the standard service is read
/// by that, and keeps the key that it has.
fn wanted(
    model: &Model,
    table: &[Characteristic],
) -> Option<(&'static dyn Script, &'static [Uuid])> {
    let Transport::Bluetooth { services, subscriptions, .. } = &model.transport else {
        return None;
    };
    let has = |wanted: &Uuid| table.iter().any(|it| it.service == *wanted);
    let is_wanting = services.iter().any(has) && !has(&sig_uuid(service::BLOOD_PRESSURE));
    is_wanting.then_some((model.transport.introduction()?, *subscriptions))
}

async fn write(bluez: &Bluez, table: &[Characteristic], question: Question) -> Result<(), String> {
    let Question { characteristic: uuid, bytes } = question;
    let found = table.iter().find(|it| it.uuid == uuid);
    let found = found.ok_or_else(|| format!("it has no characteristic {uuid}"))?;
    bluez.write(&found.path, &bytes).await.map_err(|error| error.to_string())
}

/// Hears one value, or nothing until it is time to ask again.
async fn listen(
    bluez: &mut Bluez,
    table: &[Characteristic],
    conversation: &mut Conversation,
    until: Duration,
    window: Window,
) -> Result<(), String> {
    match timeout(until.saturating_sub(window.now()), bluez.next_heard()).await {
        Err(_nothing) => Ok(()),
        Ok(Some(Heard::Value(path, value))) => {
            if let Some(it) = table.iter().find(|it| it.path == path) {
                conversation.hear(window.now(), it.uuid, &value);
            }
            Ok(())
        }
        Ok(Some(Heard::HungUp)) => Err("it hung up".to_owned()),
        Ok(None) => Err("the Bluetooth daemon went away".to_owned()),
    }
}
