//! `vitalgate device pair`: makes a bond with a device while a person is there.

use std::io::{BufRead as _, stdin};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use tokio::sync::mpsc;

use super::choose::choose;
use super::place::Place;
use super::scan::{Signal, one_of};
use crate::command::{ConfigArguments, Failure};
use crate::pairing::found::Found;
use crate::pairing::{
    Bluez, Capability, Paired, PairingFailure, Person, Prompt, Window, hear, pair,
};

#[derive(Debug, Args)]
pub(in crate::command) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Its address, its name on the air or how that begins, or its name in the configuration; without
    /// any, what is on the air is shown to choose from
    #[arg(value_name = "ADDRESS|NAME")]
    device: Option<String>,
    #[command(flatten)]
    signal: Signal,
    /// How long it can be paired from now on, 10 to 300 seconds
    #[arg(long, value_name = "S", default_value = "60",
          value_parser = RangedU64ValueParser::<u64>::new().range(10..=300))]
    seconds: u64,
    /// Offer neither screen nor keyboard, for a device that fails with them
    #[arg(long)]
    just_works: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let place = Place::read(&arguments.config)?;
    let duration = Duration::from_secs(arguments.seconds);
    let window = Window::open(duration)?;
    // Dropped when the window closes, however that happens.
    let _quiet = place.quiet(duration)?;
    let outcome = place.with_bluez(async |bluez| work(bluez, &place, &arguments, window).await);
    let (device, paired) = outcome.map_err(|error| match arguments.device {
        Some(device) => error.context(device),
        None => error,
    })?;
    report(&device, paired, place.id_of(device.address));
    Ok(ExitCode::SUCCESS)
}

async fn work(
    bluez: &mut Bluez,
    place: &Place,
    arguments: &Arguments,
    window: Window,
) -> anyhow::Result<(Found, Paired)> {
    let mut person = person()?;
    let wanted = match &arguments.device {
        Some(device) => place.called(device)?,
        None => {
            let weakest_dbm = arguments.signal.signal;
            choose(bluez, place, &mut person, weakest_dbm, window).await?.address.to_string()
        }
    };
    say!("listening for {wanted} for {} s: put it into pairing mode now", window.left().as_secs());
    let heard = hear(bluez, &wanted, window).await?;
    let device = heard.ok_or_else(|| anyhow!(PairingFailure::NotHeard))?;
    let name = device.name.as_deref().unwrap_or("without a name");
    say!("pairing {} {name}", device.address);
    let capability = if arguments.just_works {
        Capability::NoInputNoOutput
    } else {
        Capability::KeyboardDisplay
    };
    let paired = pair(bluez, &device, capability, &mut person, window).await?;
    bluez.release(&device).await;
    Ok((device, paired))
}

/// The person at this terminal: prompts go to the standard output, lines come from the input.
///
/// # Errors
///
/// Fails where no thread can be started.
fn person() -> anyhow::Result<Person> {
    const WAITING_MAX: usize = 8;
    let (prompts, mut to_print) = mpsc::channel::<Prompt>(WAITING_MAX);
    let (typed, lines) = mpsc::channel(WAITING_MAX);
    thread::Builder::new()
        .name("prompts".to_owned())
        .spawn(move || {
            while let Some(prompt) = to_print.blocking_recv() {
                say!("{}", prompt.text());
            }
        })
        .context("failed to start a thread")?;
    // A thread that waits for a line ends with the program.
    thread::Builder::new()
        .name("lines".to_owned())
        .spawn(move || {
            for line in stdin().lock().lines().map_while(Result::ok) {
                if typed.blocking_send(line).is_err() {
                    return;
                }
            }
        })
        .context("failed to start a thread")?;
    Ok(Person { prompts, lines })
}

fn report(device: &Found, paired: Paired, configured: Option<&str>) {
    let (address, name) = (device.address, device.name.as_deref().unwrap_or("without a name"));
    match paired {
        Paired::New => say!("paired {address} {name}"),
        Paired::Before => say!("{address} {name} was paired already, and answers"),
    }
    let best = device.best_rows();
    match (configured, best.as_slice()) {
        (Some(id), _) => {
            say!("take a measurement and run `vitalgate device test {id}` to prove it");
        }
        (None, [first, others @ ..]) => {
            if !others.is_empty() {
                say!("{}", one_of(&best));
            }
            let row = if others.is_empty() { first.key } else { "…" };
            say!("the hub reads it once its configuration has this, and a `subject`:\n");
            say!("[[device]]\nid = \"{row}\"\nmodel = \"{row}\"\naddress = \"{address}\"");
        }
        (None, []) => say!(
            "no row of the catalogue fits it; `vitalgate device list --catalogue` shows all of them"
        ),
    }
}
