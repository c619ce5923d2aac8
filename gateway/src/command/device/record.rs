//! `vitalgate device record`: writes down what an unknown device says, as vectors without identity.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::builder::RangedU64ValueParser;
use clap::{ArgGroup, Args};

use super::place::{Place, block_on};
use crate::command::{ConfigArguments, Failure};
use crate::pairing::{PairingFailure, Window, hear};
use crate::recording::{Identity, LineSettings, Utterance, Vector, listen, listen_to_line};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true))]
pub(in crate::command) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// A Bluetooth device: its address, its name on the air or how that begins, or its name in the
    /// configuration
    #[arg(value_name = "ADDRESS|NAME", group = "what")]
    device: Option<String>,
    /// A serial port, which nobody else has open
    #[arg(long, value_name = "PATH", group = "what")]
    port: Option<PathBuf>,
    /// Speed of the line
    #[arg(long, default_value = "9600", requires = "port")]
    baud: u32,
    /// Bits, parity and stop bits of the line
    #[arg(long, value_name = "BITS", default_value = "8N1", requires = "port")]
    line: String,
    /// How long to listen, 1 to 3600 seconds
    #[arg(long, value_name = "S", default_value = "60",
          value_parser = RangedU64ValueParser::<u64>::new().range(1..=3600))]
    seconds: u64,
    /// Another text that names the device or a person, such as the number on its label; repeatable
    #[arg(long, value_name = "TEXT")]
    remove: Vec<String>,
}

pub(in crate::command) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut identity = Identity::default();
    arguments.remove.iter().for_each(|it| identity.text(it));
    let said = match (&arguments.port, &arguments.device) {
        (Some(port), _) => from_line(arguments, port)?,
        (None, Some(device)) => from_air(arguments, device, &mut identity)?,
        (None, None) => return Err(anyhow!("neither a device nor a port is given").into()),
    };
    // What names a device is known when it has told everything: nothing is written before.
    let mut out = std::io::stdout().lock();
    for (number, said) in (1..).zip(&said) {
        if let Some(vector) = Vector::new(number, said, &identity) {
            writeln!(out, "{}", vector.to_line()).context("failed to write the vectors")?;
        }
    }
    say_what_is_left(said.len());
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "a hint, and no part of the answer")]
fn say_what_is_left(n_values: usize) {
    eprintln!(
        "{n_values} value(s); write what they mean into `expected`, and look whether anything in \
         them still names the device or a person"
    );
}

fn from_line(arguments: &Arguments, port: &std::path::Path) -> anyhow::Result<Vec<Utterance>> {
    let settings: LineSettings = arguments.line.parse().context("the line cannot be")?;
    let line = (settings, arguments.line.as_str());
    let duration = Duration::from_secs(arguments.seconds);
    let mut said = Vec::new();
    block_on(listen_to_line(port, arguments.baud, line, duration, |it| said.push(it)))?;
    Ok(said)
}

fn from_air(
    arguments: &Arguments,
    device: &str,
    identity: &mut Identity,
) -> Result<Vec<Utterance>, Failure> {
    let place = Place::read(&arguments.config)?;
    let wanted = place.called(device)?;
    let duration = Duration::from_secs(arguments.seconds);
    let window = Window::open(duration)?;
    let _quiet = place.quiet(duration)?;
    let mut said: Vec<Utterance> = Vec::new();
    place.with_bluez(async |bluez| {
        let heard = hear(bluez, &wanted, window).await?;
        let found = heard.ok_or_else(|| anyhow!(PairingFailure::NotHeard))?;
        let table = listen(bluez, &found, window.left(), |it| said.push(it)).await;
        identity.address(found.address.into_inner());
        identity.text(found.name.as_deref().unwrap_or_default());
        tell(&table.context("it cannot be connected")?);
        Ok(())
    })?;
    for it in &said {
        identity.learn(it);
    }
    Ok(said)
}

#[expect(clippy::print_stderr, reason = "about the device, and no part of the answer")]
fn tell(table: &[crate::pairing::Characteristic]) {
    for it in table {
        eprintln!("service {}  characteristic {}  {}", it.service, it.uuid, it.flags.join(" "));
    }
}
