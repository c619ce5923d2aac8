//! Choosing a device to pair among those that are on the air, by a person who holds it.

use std::time::Duration;

use anyhow::{anyhow, bail};
use tokio::time::timeout;

use super::place::Place;
use super::scan::{heading, is_strong};
use crate::pairing::found::{Found, health_devices};
use crate::pairing::{Bluez, PairingFailure, Person, Window, scan};

/// How long is listened before the person is asked.
const LISTEN: Duration = Duration::from_secs(5);

/// Shows the health devices that are on the air, the strongest signal first, until the person names one.
///
/// # Errors
///
/// Fails where nobody answers before the window closes.
#[expect(clippy::print_stdout, reason = "a person is at the command line")]
pub(super) async fn choose(
    bluez: &mut Bluez,
    place: &Place,
    person: &mut Person,
    weakest_dbm: Option<i16>,
    window: Window,
) -> anyhow::Result<Found> {
    println!("put the device into pairing mode now, close to the hub");
    loop {
        let heard = scan(bluez, LISTEN.min(window.left())).await?;
        let mut heard = health_devices(heard);
        heard.retain(|it| is_strong(it, weakest_dbm));
        for (number, found) in (1..).zip(&heard) {
            println!("{number:>3}  {}", heading(found, place.id_of(found.address)));
        }
        if heard.is_empty() {
            if window.left().is_zero() {
                bail!(PairingFailure::NotHeard);
            }
            continue;
        }
        println!("type the number of the device, or nothing to listen again:");
        let line = timeout(window.left(), person.lines.recv()).await;
        let line = line.map_err(|_elapsed| anyhow!(PairingFailure::WindowClosed))?;
        let line = line.ok_or_else(|| anyhow!(PairingFailure::Unanswered))?;
        match chosen(&line, &heard) {
            Some(found) => return Ok(found.clone()),
            None if line.trim().is_empty() => {}
            None => println!("there is no {:?} in the list", line.trim()),
        }
    }
}

/// The device of the number that was typed, from 1.
fn chosen<'a>(line: &str, heard: &'a [Found]) -> Option<&'a Found> {
    let number: usize = line.trim().parse().ok()?;
    heard.get(number.checked_sub(1)?)
}
