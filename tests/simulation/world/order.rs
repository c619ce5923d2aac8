//! Nurses, what they ask for, and what becomes of it.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use jiff::SignedDuration;
use station::core::{Effects, Event};
use station::order::{Aim, Deed, Wish};
use vitals::wire::canonical;
use vitals::wire::sealed::{self, Purpose};
use vitals::wire::v1::Command;
use vitals::{AlertId, HubId};

use super::World;
use crate::agency::{Order, Signal};
use crate::happening::{Fault, Happening};
use crate::setting::{self, ORDER_VALID, between};

/// From one look at the board to the next, at most.
const LOOK_EVERY: Duration = Duration::from_secs(24 * 3600);

/// An order that could be sent for so long has been sent: within it station and hub are connected.
const ORDER_WITHIN: Duration = Duration::from_secs(300);

impl World {
    /// A nurse looks at the board, and takes care of some of what stands there.
    pub(super) fn nurses_look(&mut self) {
        let next = self.within(LOOK_EVERY);
        self.after(next, Happening::NursesLook);
        if self.calm.is_some() || self.now < self.agency.nurses_silent_until {
            return;
        }
        for (home, hub, alert, waits) in self.worklist() {
            let deed = match (waits, self.random.u32(0..4)) {
                (true, 0) => Deed::Acknowledge,
                (true, 1) => self.for_a_while(),
                (true, 2) | (false, 0) => match "true-actioned".parse() {
                    Ok(disposition) => Deed::Close(disposition),
                    Err(_unknown) => continue,
                },
                (_other, _nothing) => continue,
            };
            let n = self.outcome.n_orders;
            self.outcome.n_orders += 1;
            let (command, by) = (format!("c-{n}"), format!("Nurse {n}"));
            self.note(&format_args!("{by} asks home {home} to {}", deed.as_str()));
            let note = Some("as simulated".to_owned());
            let wish = Wish { hub, aim: Aim::Alert(alert, deed), by, note };
            self.call_desk(Signal::Asked { command, wish });
            if self.random.u32(0..6) == 0 {
                let delay = self.within(Duration::from_millis(120));
                let short = Duration::from_secs(1);
                let lasting = between(short, Duration::from_secs(1800), &mut self.random);
                let fault = match self.random.u32(0..3) {
                    0 => Fault::HubDies { home, lasting },
                    1 => Fault::LinkFails { home, lasting },
                    _other => Fault::StationDies { lasting },
                };
                self.after(delay, Happening::Strikes(fault));
            }
        }
    }

    /// A nurse takes something on for some hours, by the clock of the agency.
    fn for_a_while(&mut self) -> Deed {
        let hours = SignedDuration::from_hours(self.random.i64(1..=24));
        let until = setting::true_time(self.now).and_then(|it| Ok(it.checked_add(hours)?));
        until.map_or(Deed::Acknowledge, Deed::Snooze)
    }

    /// Open alerts on the board, in an order that no epoch changes, and whether each waits for a
    /// nurse.
    fn worklist(&self) -> Vec<(usize, HubId, AlertId, bool)> {
        let Some(station) = self.agency.station.as_ref() else { return Vec::new() };
        let open = station.board().alerts.iter().filter(|(_key, it)| it.is_open());
        let mut worklist: Vec<_> = open
            .filter_map(|((hub, alert), episode)| {
                let home = *self.names.get(hub)?;
                let mut cards = self.homes[home].archive.iter();
                // Who lost its card knows nothing of its alerts any more.
                let is_known = |it: &&(vitals::Epoch, crate::books::Books)| {
                    it.0 == alert.epoch && !it.1.is_abandoned
                };
                cards.find(is_known)?;
                Some((home, hub.clone(), *alert, episode.waits_for_a_nurse()))
            })
            .collect();
        worklist.sort_by_key(|(home, _hub, alert, _waits)| (*home, alert.seq));
        worklist
    }

    /// Writes down an order that the station has taken.
    pub(super) fn asked(&mut self, event: &Event, effects: &Effects) -> anyhow::Result<()> {
        let Event::Asked { command_id, wish } = event else { return Ok(()) };
        if let Some(refusal) = &effects.refusal {
            self.note(&format_args!("the station refuses {command_id}: {refusal:?}"));
            return Ok(());
        }
        let home = *self.names.get(&wish.hub).context("an order for nobody")?;
        let Aim::Alert(alert, _deed) = wish.aim else { bail!("nobody asks about readings") };
        let order = Order {
            home,
            alert: Some(alert),
            by: wish.by.clone(),
            asked_at: self.now,
            n_delivered: 0,
            n_effects: 0,
            is_lost: false,
        };
        self.agency.orders.insert(command_id.clone(), order);
        let late = ORDER_VALID.saturating_sub(Duration::from_secs(2));
        self.after(late, Happening::OrderCheck { command: command_id.clone() });
        Ok(())
    }

    /// A command reaches the hub, which carries it out at most once.
    pub(super) fn command_comes(&mut self, home: usize, sealed: Vec<u8>) -> anyhow::Result<()> {
        let keys = [setting::key().verifying_key()];
        let payload = sealed::open(&sealed, Purpose::Command, &keys)?;
        let command: Command = canonical::decode(&payload)?;
        self.note(&format_args!("hub {home} has the command {}", command.command_id));
        let before = self.homes[home].archive.current()?.n_answers;
        self.hub_step(home, gateway::hub::Event::Command(sealed))?;
        let after = self.homes[home].archive.current()?.n_answers;
        // The station answers test alarms by itself.
        let order = self.agency.orders.entry(command.command_id).or_default();
        order.n_delivered += 1;
        order.n_effects += u32::from(before != after);
        let (n_effects, by) = (order.n_effects, order.by.clone());
        ensure!(n_effects <= 1, "the command of {by} was carried out {n_effects} times");
        Ok(())
    }

    /// An order that could have been sent has been sent before it expires.
    pub(super) fn check_order(&mut self, command: &str) -> anyhow::Result<()> {
        let order = self.agency.orders.get(command).context("no such order")?;
        let home = order.home;
        let is_clear = self.clear_since(home).saturating_add(ORDER_WITHIN) < self.now;
        let about = order.alert.context("nobody asked for this")?;
        let is_over = self.homes[home].archive.iter().any(|(epoch, books)| {
            let alert = books.alerts.get(&about.seq);
            *epoch == about.epoch && !alert.is_some_and(crate::books::Episode::is_open)
        });
        let is_excused = order.is_lost || is_over || !is_clear;
        ensure!(
            is_excused || 0 < order.n_delivered,
            "the order of {} about alert {} never reached home {home}",
            order.by,
            about.seq
        );
        Ok(())
    }
}
