//! Finding the adapter, what BlueZ knows already, and the value streams of known devices.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use btleplug::api::{Central as _, Manager as _};
use btleplug::platform::{Adapter, Manager};
use tokio::time::timeout;

use super::BluetoothSettings;
use super::bus::Bluez;
use super::peer::{Peer, is_limit};
use super::roster::Member;
use super::signal::Signal;

/// Why the radio cannot be used.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) why: String,
    /// The bus refused a match rule.
    pub(super) is_limit: bool,
}

/// An adapter that is there.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) adapter: Adapter,
    pub(super) name: String,
    /// All that BlueZ knows, as signals.
    pub(super) tree: Vec<Signal>,
    /// Value streams of devices that BlueZ knows and that had none.
    pub(super) peers: Vec<(Member, Peer)>,
}

/// Finds the adapter and opens the value streams of the given members, where BlueZ knows them:
/// a bonded device that BlueZ connects by itself is heard from its first value.
///
/// # Errors
///
/// Fails when there is no such adapter or BlueZ does not answer in time.
pub(super) async fn attach(
    manager: &Manager,
    bluez: &Bluez,
    settings: &BluetoothSettings,
    without_peer: &[Member],
) -> Result<Attachment, Trouble> {
    let limit = settings.limits.call;
    let (adapter, name) = find(manager, settings).await?;
    let tree = within(limit, "the Bluetooth daemon does not answer", bluez.tree()).await?;
    let mut peers = Vec::new();
    for member in without_peer {
        let Some(device) = settings.devices.get(*member) else {
            continue;
        };
        let is_it = |signal: &Signal| matches!(signal, Signal::Device(at, address, _) if *at == name && *address == device.address);
        if tree.iter().any(is_it) {
            let open = Peer::open(&adapter, device.address);
            let peer = within(limit, "the values of a device cannot be received", open).await?;
            peers.extend(peer.map(|peer| (*member, peer)));
        }
    }
    Ok(Attachment { adapter, name, tree, peers })
}

async fn find(
    manager: &Manager,
    settings: &BluetoothSettings,
) -> Result<(Adapter, String), Trouble> {
    let limit = settings.limits.call;
    let adapters =
        within(limit, "the Bluetooth daemon does not answer", manager.adapters()).await?;
    let mut named = Vec::new();
    for adapter in adapters {
        let info = within(limit, "an adapter does not answer", adapter.adapter_info()).await?;
        // btleplug tells the name and the maker: "hci0 (usb:v1D6Bp0246d0542)".
        let name = info.split(' ').next().unwrap_or_default().to_owned();
        named.push((name, adapter));
    }
    named.sort_by(|(a, _), (b, _)| a.cmp(b));
    let wanted = settings.adapter.as_deref();
    let found = named.into_iter().find(|(name, _)| wanted.is_none_or(|wanted| wanted == name));
    match (found, wanted) {
        (Some((name, adapter)), _) => Ok((adapter, name)),
        (None, Some(wanted)) => {
            Err(Trouble { why: format!("there is no adapter {wanted}"), is_limit: false })
        }
        (None, None) => Err(Trouble { why: "there is no adapter".to_owned(), is_limit: false }),
    }
}

/// Waits for a call, but not for ever.
///
/// # Errors
///
/// Fails with `what` and the reason.
pub(super) async fn within<T, E: fmt::Display + fmt::Debug>(
    limit: Duration,
    what: &str,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, Trouble> {
    match timeout(limit, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            Err(Trouble { why: format!("{what}: {error}"), is_limit: is_limit(&error) })
        }
        Err(_elapsed) => Err(Trouble { why: format!("{what} in time"), is_limit: false }),
    }
}
