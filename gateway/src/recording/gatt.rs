//! Listening to a Bluetooth device: every value that can be read, and whatever it sends.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{Origin, Utterance};
use crate::clock::Clock;
use crate::pairing::found::Found;
use crate::pairing::{Bluez, Characteristic, Heard};

/// From the request for a link until the services are known.
const RESOLVE_MAX: Duration = Duration::from_secs(40);
/// A read or a subscription; one that needs a bond and has none hangs.
const CALL_MAX: Duration = Duration::from_secs(5);
/// How often is asked whether the services are known.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Connects to a device, reads and subscribes to all that it has, and hands on what it says for
/// `duration` or until it hangs up. Returns its characteristics.
///
/// # Errors
///
/// Fails where it cannot be connected.
pub async fn listen(
    bluez: &mut Bluez,
    device: &Found,
    duration: Duration,
    mut take: impl FnMut(Utterance),
) -> anyhow::Result<Vec<Characteristic>> {
    let clock = Clock::start()?;
    bluez.watch(device.address).await?;
    timeout(RESOLVE_MAX, bluez.connect(device.address)).await??;
    let begun = clock.now().since_boot;
    let after = || clock.now().since_boot.saturating_sub(begun);
    let resolved = async {
        while !bluez.is_resolved(device.address).await? {
            sleep(LOOK_INTERVAL).await;
        }
        zbus::Result::Ok(())
    };
    timeout(RESOLVE_MAX, resolved).await??;
    let table = bluez.characteristics(device.address).await?;
    let mut answers: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for it in table.iter().filter(|it| it.can("read")) {
        if let Ok(Ok(bytes)) = timeout(CALL_MAX, bluez.read(&it.path)).await {
            let origin = Origin::Read { service: it.service, characteristic: it.uuid };
            take(Utterance { origin, bytes: bytes.clone(), after: after() });
            answers.insert(&it.path, bytes);
        }
    }
    for it in table.iter().filter(|it| it.can("notify") || it.can("indicate")) {
        let subscribed = timeout(CALL_MAX, bluez.subscribe(&it.path)).await;
        if !matches!(subscribed, Ok(Ok(()))) {
            tracing::warn!(characteristic = %it.uuid, "device does not let itself be subscribed to");
        }
    }
    while let Ok(Some(heard)) = timeout(duration.saturating_sub(after()), bluez.next_heard()).await
    {
        let (path, bytes) = match heard {
            Heard::Value(path, bytes) => (path, bytes),
            Heard::HungUp => break,
        };
        // BlueZ signals the answer to a read as a value, too.
        if answers.get(path.as_str()) == Some(&bytes) {
            answers.remove(path.as_str());
            continue;
        }
        if let Some(it) = table.iter().find(|it| it.path == path) {
            let origin = Origin::Sent { service: it.service, characteristic: it.uuid };
            take(Utterance { origin, bytes, after: after() });
        }
    }
    bluez.release(device).await;
    Ok(table)
}
