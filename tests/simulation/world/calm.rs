//! Calm: nothing is in the way any more, and nobody measures. Everything has to arrive, and then
//! all books have to say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use gateway::store::Store;
use vitals::wire::canonical;
use vitals::wire::v1::Alert;
use vitals::{Epoch, Sequence};

use super::World;
use crate::beside::BesideHub;
use crate::books::{Books, Episode};
use crate::happening::{Happening, Part};

/// Everything has arrived so long after the last obstacle: a minute to connect, the longest
/// patience with receipts twice, and what a long backlog takes.
const CALM_MAX: Duration = Duration::from_secs(900);

impl World {
    /// Repairs everything.
    pub(super) fn begin_calm(&mut self) -> anyhow::Result<()> {
        if self.calm.is_some() {
            return Ok(());
        }
        self.note(&format_args!("calm begins"));
        self.calm = Some(self.now);
        self.broker_down_until = self.now;
        self.agency.down_until = self.now;
        self.agency.link_down_until = self.now;
        self.agency.disk_fails_until = self.now;
        for part in [Part::StationDisk, Part::Broker, Part::Station, Part::StationLink] {
            self.heals(part)?;
        }
        for home in 0..self.homes.len() {
            let here = &mut self.homes[home];
            here.down_until = self.now;
            here.link_down_until = self.now;
            here.disk_fails_until = self.now;
            here.clock_wrong_until = self.now;
            for part in [Part::HubDisk, Part::HubClock, Part::Hub, Part::HubLink] {
                self.heals(part(home))?;
            }
        }
        self.after(CALM_MAX, Happening::CalmIsOver);
        Ok(())
    }

    /// Ends the calm where everything has arrived; whether it has.
    pub(super) fn end_calm(&mut self) -> anyhow::Result<bool> {
        let Some(began) = self.calm else { return Ok(false) };
        if !self.has_arrived() {
            return Ok(false);
        }
        let took = self.now.saturating_sub(began);
        self.note(&format_args!("everything has arrived"));
        self.outcome.longest_calm = self.outcome.longest_calm.max(took);
        self.outcome.n_calms += 1;
        self.check_everything()?;
        self.calm = None;
        Ok(true)
    }

    pub(super) fn calm_is_over(&mut self) -> anyhow::Result<()> {
        for home in 0..self.homes.len() {
            self.find_gone(home)?;
        }
        let is_over = self.calm.is_some_and(|began| began.saturating_add(CALM_MAX) <= self.now);
        ensure!(
            !is_over || self.has_arrived(),
            "not everything has arrived in {CALM_MAX:?}: {}",
            self.missing()
        );
        Ok(())
    }

    fn missing(&self) -> String {
        let missing = self.homes.iter().enumerate().map(|(home, here)| {
            let last = here.archive.iter().last();
            last.map_or_else(String::new, |(_epoch, books)| {
                let gaps: Vec<_> = books.at_station.gaps(books.last_seq()).collect();
                format!(
                    "home {home} has {} records, the station misses {gaps:?}, the hub knows {:?}",
                    books.last_seq(),
                    here.hub.as_ref().map(|it| it.ledger().held)
                )
            })
        });
        missing.collect::<Vec<_>>().join("; ")
    }

    /// Whether the agency holds all of each ledger, and each hub knows it.
    fn has_arrived(&self) -> bool {
        let is_idle = self.agency.inbox.is_empty() && self.agency.retry.is_none();
        is_idle
            && self.homes.iter().all(|home| {
                let (Some(hub), Some((_epoch, books))) = (&home.hub, home.archive.iter().last())
                else {
                    return false;
                };
                let last = books.last_seq();
                let ledger = hub.ledger();
                let mut known = ledger.held.gaps(last).flatten();
                ledger.last_seq == last
                    && books.first_missing().is_none()
                    && known.all(|seq| books.gone.contains(seq))
            })
    }

    fn check_everything(&mut self) -> anyhow::Result<()> {
        for home in 0..self.homes.len() {
            self.check_engine(home)?;
            let here = &mut self.homes[home];
            let path = here.path();
            let (epoch, books) = here.archive.iter().last().context("no card")?;
            check_ledger(&BesideHub::open(&path)?, books)?;
            let store = Store::open_read_only(&path)?;
            ensure!(store.epoch() == *epoch, "the ledger has another epoch than its card");
            check_open_alerts(&store, books)?;
        }
        self.check_board()
    }

    /// The board shows each alert as its hub has it, or as it was before what nobody has any more.
    fn check_board(&self) -> anyhow::Result<()> {
        let board = self.agency.station.as_ref().context("no station")?.board();
        ensure!(board.n_damaged == 0, "the station finds {} damaged rows", board.n_damaged);
        ensure!(board.n_refused == 0, "the station cannot read {} records", board.n_refused);
        ensure!(board.n_quarantined == 0, "{} messages are in quarantine", board.n_quarantined);
        // Hubs do as their plans say: the station finds nothing that one of them did not raise.
        ensure!(board.oversights.is_empty(), "not raised by a hub: {:?}", board.oversights);
        let mut shown: BTreeMap<(usize, Epoch, Sequence), Episode> = BTreeMap::new();
        for ((hub, alert), episode) in &board.alerts {
            let home = *self.names.get(hub).context("no such home")?;
            shown.insert((home, alert.epoch, alert.seq), Episode::of(episode.current()));
        }
        for (home, here) in self.homes.iter().enumerate() {
            for (epoch, books) in here.archive.iter().filter(|(_epoch, it)| !it.is_abandoned) {
                for (seq, episode) in &books.alerts {
                    let on_board = shown.get(&(home, *epoch, *seq));
                    let agrees = match on_board {
                        Some(on_board) => {
                            let is_behind = on_board.rev < episode.rev;
                            on_board == episode || is_behind && books.has_lost_the_last_of(*seq)
                        }
                        // Of the alerts that are over only the latest are shown.
                        None => !episode.is_open(),
                    };
                    ensure!(agrees, "alert {seq} of home {home} is {episode:?}, not {on_board:?}");
                }
            }
        }
        Ok(())
    }
}

/// The ledger holds what was committed, byte by byte, but for what the agency confirmed.
fn check_ledger(ledger: &BesideHub, books: &Books) -> anyhow::Result<()> {
    let mut missing: BTreeSet<Sequence> = (1..=books.last_seq()).collect();
    for record in ledger.after(0)? {
        let kept = books.record(record.seq).context("a number that was never given")?;
        let is_same = kept.lane == record.lane && kept.payload == record.payload;
        ensure!(is_same, "record {} has changed in the ledger", record.seq);
        missing.remove(&record.seq);
    }
    let lost = missing.into_iter().find(|it| !books.receipted.contains(*it));
    ensure!(lost.is_none(), "the ledger has lost record {lost:?}, which no receipt covered");
    Ok(())
}

/// A hub that starts now finds the alerts as they stand.
fn check_open_alerts(store: &Store, books: &Books) -> anyhow::Result<()> {
    let open = books.alerts.iter().filter(|(_seq, it)| it.is_open());
    let expected: BTreeMap<_, _> = open.map(|(seq, it)| (*seq, it.clone())).collect();
    let mut found = BTreeMap::new();
    for open in store.open_alerts()? {
        let last = open.payload.context("an open alert is damaged")?;
        let alert: Alert = canonical::decode(&last)?;
        let (_epoch, seq) = alert.alert_id.split_once('-').context("not a ledger key")?;
        found.insert(seq.parse::<Sequence>()?, Episode::of(&alert));
    }
    ensure!(found == expected, "the ledger has {found:?} open, not {expected:?}");
    Ok(())
}
