//! The embedded MQTT broker, for machines on which no other is installed.
//!
//! It keeps nothing on disk: what was in flight is gone with it, which hub and station must bear.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::thread;

use anyhow::Context as _;
use rumqttd::{ConnectionSettings, RouterConfig, ServerSettings};

/// Largest packet: a message of the contract with its topic.
const PACKET_LEN_BYTES_MAX: usize = 64 * 1024;

/// Most messages that wait for a slow reader.
const IN_FLIGHT_MAX: usize = 200;

/// Plays the role of a broker on the port that is the only argument.
#[expect(clippy::print_stderr, reason = "whoever started it reads this")]
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("broker: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "whoever started it waits for this line")]
fn run(mut arguments: impl Iterator<Item = OsString>) -> anyhow::Result<()> {
    let port = arguments.next().and_then(|it| it.to_str()?.parse().ok());
    let port: u16 = port.context("which port?")?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let broker =
        thread::spawn(move || rumqttd::Broker::new(settings(address)).start().map_err(Box::new));
    while TcpStream::connect(address).is_err() {
        anyhow::ensure!(!broker.is_finished(), "the broker does not start on port {port}");
        thread::yield_now();
    }
    println!("broker listening on port {port}");
    let end = broker.join().map_err(|_panic| anyhow::anyhow!("the broker panicked"))?;
    end.context("the broker ended")
}

fn settings(listen: SocketAddr) -> rumqttd::Config {
    let connections = ConnectionSettings {
        connection_timeout_ms: 10_000,
        max_payload_size: PACKET_LEN_BYTES_MAX,
        max_inflight_count: IN_FLIGHT_MAX,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let server = ServerSettings {
        name: "v5".to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections,
    };
    let router = RouterConfig {
        max_connections: 100,
        max_outgoing_packet_count: 200,
        max_segment_size: 1024 * 1024,
        max_segment_count: 10,
        ..RouterConfig::default()
    };
    let v5 = Some(HashMap::from([("1".to_owned(), server)]));
    rumqttd::Config { router, v5, ..rumqttd::Config::default() }
}
