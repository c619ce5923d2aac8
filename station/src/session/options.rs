//! How the station introduces itself to the broker.

use std::path::{Path, PathBuf};
use std::{fs, io};

use rumqttc::v5::MqttOptions;
use rumqttc::{NetworkOptions, Transport};
use thiserror::Error;
use vitals::wire::v1::MESSAGE_LEN_BYTES_MAX;

use crate::config::Broker;

/// How long the broker keeps the session of a station that is away, in seconds.
const SESSION_EXPIRY_S: u32 = 3600;
/// Publications without confirmation of the broker.
const INFLIGHT_MAX: u16 = 100;
/// Largest packet that is taken: far more than a hub may send, so that too large a message ends in
/// the quarantine, where somebody sees it, and not at the broker.
const PACKET_LEN_BYTES_MAX: usize = 8 * MESSAGE_LEN_BYTES_MAX;

/// A file of the connection cannot be read.
#[derive(Debug, Error)]
#[error("cannot read {}: {cause}", path.display())]
pub struct OptionsError {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

/// The options of every connection.
///
/// # Errors
///
/// Returns [`OptionsError`] where the password or a certificate cannot be read.
pub fn options(broker: &Broker) -> Result<MqttOptions, OptionsError> {
    let mut options =
        MqttOptions::new(broker.client_id.as_str(), broker.host.as_str(), broker.port);
    options.set_keep_alive(broker.keep_alive);
    options.set_clean_start(false);
    options.set_session_expiry_interval(Some(SESSION_EXPIRY_S));
    options.set_max_packet_size(Some(u32::try_from(PACKET_LEN_BYTES_MAX).unwrap_or(u32::MAX)));
    options.set_outgoing_inflight_upper_limit(INFLIGHT_MAX);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    if let Some(login) = &broker.login {
        let text = String::from_utf8_lossy(&read(&login.password_file)?).into_owned();
        let password = text.lines().next().unwrap_or_default();
        options.set_credentials(login.username.as_str(), password);
    }
    if let Some(tls) = &broker.tls {
        let own = tls.client_certificate.as_ref();
        let own = own.map(|(chain, key)| Ok((read(chain)?, read(key)?))).transpose()?;
        options.set_transport(Transport::tls(read(&tls.ca_file)?, own, None));
    }
    Ok(options)
}

fn read(path: &Path) -> Result<Vec<u8>, OptionsError> {
    fs::read(path).map_err(|cause| OptionsError { path: path.to_owned(), cause })
}
