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
/// Each keeps its number: a line may be typed while the next list is made.
///
/// # Errors
///
/// Fails where nobody answers before the window closes.
pub(super) async fn choose(
    bluez: &mut Bluez,
    place: &Place,
    person: &mut Person,
    weakest_dbm: Option<i16>,
    window: Window,
) -> anyhow::Result<Found> {
    say!("put the device into pairing mode now, close to the hub");
    let mut known = Vec::new();
    loop {
        let heard = scan(bluez, LISTEN.min(window.left())).await?;
        let mut heard = health_devices(heard);
        heard.retain(|it| is_strong(it, weakest_dbm));
        for found in &heard {
            let number = number(&mut known, found);
            say!("{number:>3}  {}", heading(found, place.id_of(found.address)));
        }
        if heard.is_empty() {
            if window.left().is_zero() {
                bail!(PairingFailure::NotHeard);
            }
            continue;
        }
        say!("type the number of the device, or nothing to listen again:");
        let line = timeout(window.left(), person.lines.recv()).await;
        let line = line.map_err(|_elapsed| anyhow!(PairingFailure::WindowClosed))?;
        let line = line.ok_or_else(|| anyhow!(PairingFailure::Unanswered))?;
        match chosen(&line, &known) {
            Some(found) => return Ok(found.clone()),
            None if line.trim().is_empty() => {}
            None => say!("there is no {:?} in the list", line.trim()),
        }
    }
}

/// The number of a device, from 1, by which it is known from now on.
fn number(known: &mut Vec<Found>, found: &Found) -> usize {
    match known.iter().position(|it| it.address == found.address) {
        Some(position) => position.saturating_add(1),
        None => {
            known.push(found.clone());
            known.len()
        }
    }
}

/// The device of the number that was typed.
fn chosen<'a>(line: &str, known: &'a [Found]) -> Option<&'a Found> {
    let number: usize = line.trim().parse().ok()?;
    known.get(number.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use btleplug::api::BDAddr;

    use super::*;

    fn found(last: u8) -> Found {
        Found {
            address: BDAddr::from([0, 9, 0x1F, 0x8A, 1, last]),
            name: None,
            rssi_dbm: Some(-50),
            services: Vec::new(),
            is_paired: false,
            is_connected: false,
            is_in_pairing_mode: None,
        }
    }

    #[test]
    fn a_device_keeps_its_number_whatever_is_heard_next() {
        let mut known = Vec::new();
        let first: Vec<_> = [1, 2].iter().map(|it| number(&mut known, &found(*it))).collect();
        let second: Vec<_> = [3, 2, 1].iter().map(|it| number(&mut known, &found(*it))).collect();
        assert_eq!((first, second), (vec![1, 2], vec![3, 2, 1]));
        assert_eq!(chosen(" 3 ", &known), Some(&found(3)));
        for line in ["0", "4", "", "two"] {
            assert_eq!(chosen(line, &known), None, "{line}");
        }
    }
}
