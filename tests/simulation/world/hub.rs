//! Steps of a hub, each followed by the checks that hold after every step.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use gateway::hub::{Event, HubError};
use gateway::link::{LinkEvent, Source};
use gateway::store::{Lane, StoreError};
use vitals::wire::canonical;
use vitals::wire::v1::Health;

use super::World;
use crate::happening::Happening;
use crate::setting::LATE_MAX;

/// Within this time a raised alert of high priority is at the agency where nothing is in its way:
/// the longest patience with receipts, and a minute to connect.
pub(super) const ALERT_WITHIN: Duration = Duration::from_secs(400);

/// Within this time every record is at the agency where nothing is in its way: a minute to connect,
/// and the longest patience with receipts more than once.
const ARRIVAL_WITHIN: Duration = Duration::from_secs(1800);

/// Nobody looks just before the time is over.
const SPARE: Duration = Duration::from_secs(60);

/// A deadline that is nearer is served in time.
const PROMPT: Duration = Duration::from_secs(5);

impl World {
    /// One step of the hub of `home`; whether it went well. A hub that failed is dead or goes on,
    /// as the seed says.
    pub(super) fn hub_step(&mut self, home: usize, event: Event) -> anyhow::Result<bool> {
        let may_go_on = !matches!(event, Event::Receipt(_) | Event::Started | Event::Stopping);
        // The other steps can be several transactions.
        let is_measurement = matches!(
            &event,
            Event::Link(LinkEvent::Frame(it)) if it.source != Source::Serial
        );
        let now = self.homes[home].clock.stamp(self.now)?;
        let Some(hub) = self.homes[home].hub.as_mut() else { return Ok(false) };
        let Err(error) = hub.step(now, event) else {
            self.absorb(home)?;
            self.uplink_turn(home)?;
            return Ok(true);
        };
        let is_full = matches!(error, HubError::Store(StoreError::Full { .. }));
        let error = anyhow::Error::new(error);
        ensure!(is_full || self.homes[home].has_failing_disk, "the hub failed: {error:#}");
        self.note(&format_args!("hub {home} cannot write, full: {is_full}"));
        let committed = self.homes[home].archive.current()?.last_seq();
        if is_measurement {
            let beside = self.homes[home].beside.as_ref().context("no reader")?;
            let left = beside.after(committed)?;
            // That the clock was set is told before, in a transaction of its own.
            let is_all = left.iter().all(|it| it.lane == Lane::Event);
            ensure!(is_all, "a step that failed has left {left:?}");
        }
        self.absorb(home)?;
        self.check_engine(home)?;
        if may_go_on && self.random.bool() {
            self.uplink_turn(home)?;
        } else {
            let lasting = self.within(Duration::from_secs(300));
            self.kill_hub(home, lasting, false);
        }
        Ok(false)
    }

    /// Writes down what the hub has committed.
    fn absorb(&mut self, home: usize) -> anyhow::Result<()> {
        let now = self.now;
        let here = &mut self.homes[home];
        let ledger = here.hub()?.ledger();
        let beside = here.beside.as_ref().context("no reader")?;
        let books = here.archive.current()?;
        let before = books.last_seq();
        if ledger.last_seq != before {
            let news = beside.after(before)?;
            self.outcome.n_records += u64::try_from(news.len())?;
            books.commit(now, news)?;
        }
        let after = books.last_seq();
        ensure!(
            ledger.last_seq == after,
            "the hub counts {}, and {after} is committed",
            ledger.last_seq
        );
        ensure!(
            books.receipted.covers(&ledger.held),
            "the hub takes for held what no receipt covered: {:?} of {:?}",
            ledger.held,
            books.receipted
        );
        let raised: Vec<_> = (before.saturating_add(1)..=after)
            .filter(|seq| books.alerts.get(seq).is_some_and(|it| it.rev == 1 && it.is_high()))
            .collect();
        if before != after {
            let kinds: String = (before.saturating_add(1)..=after)
                .filter_map(|seq| books.record(seq))
                .map(|it| match it.lane {
                    Lane::Alert => 'a',
                    Lane::Reading => 'r',
                    Lane::Event => 'e',
                })
                .collect();
            self.note(&format_args!("hub {home} commits {kinds} up to {after}"));
        }
        if before != after && !self.homes[home].is_watched {
            self.homes[home].is_watched = true;
            self.after(ARRIVAL_WITHIN + SPARE, Happening::ArrivalCheck { home });
        }
        for seq in raised {
            self.outcome.n_alerts += 1;
            let card = self.homes[home].n_cards;
            self.after(ALERT_WITHIN, Happening::AlertCheck { home, seq, card });
        }
        self.schedule_hub(home)
    }

    /// The engine knows as many open alerts as are committed.
    pub(super) fn check_engine(&mut self, home: usize) -> anyhow::Result<()> {
        let here = &mut self.homes[home];
        let now = here.clock.stamp(self.now)?;
        let health: Health = canonical::decode(&here.hub()?.health(now)?)?;
        let n_open = u64::try_from(here.archive.current()?.n_open())?;
        ensure!(
            health.open_alerts == n_open,
            "the engine knows {} open alerts, {n_open} are committed",
            health.open_alerts
        );
        Ok(())
    }

    fn schedule_hub(&mut self, home: usize) -> anyhow::Result<()> {
        let now = self.homes[home].clock.stamp(self.now)?;
        let here = &mut self.homes[home];
        let Some(wait) = here.hub()?.next_wait(now) else { return Ok(()) };
        // What has time is done late, so that quiet hours cost nothing.
        let late = if wait < PROMPT { Duration::ZERO } else { self.within(LATE_MAX) };
        let at = self.now.saturating_add(wait).saturating_add(late);
        let here = &mut self.homes[home];
        if here.due_at.is_none_or(|due| at < due) {
            here.due_at = Some(at);
            let life = here.life;
            self.at(at, Happening::HubDue { home, life });
        }
        Ok(())
    }

    pub(super) fn hub_due(&mut self, home: usize, life: u32) -> anyhow::Result<()> {
        let here = &self.homes[home];
        // A later call for an earlier time makes this one void.
        if here.life != life || here.hub.is_none() || here.due_at != Some(self.now) {
            return Ok(());
        }
        self.homes[home].due_at = None;
        let now = self.homes[home].clock.stamp(self.now)?;
        match self.homes[home].hub()?.next_wait(now) {
            Some(Duration::ZERO) => {
                self.hub_step(home, Event::Deadline)?;
                // What could not be done now is tried again, but not in the same moment.
                if let Some(hub) = self.homes[home].hub.as_ref()
                    && hub.next_wait(now) == Some(Duration::ZERO)
                {
                    self.homes[home].due_at = Some(self.now + Duration::from_secs(1));
                    let life = self.homes[home].life;
                    self.after(Duration::from_secs(1), Happening::HubDue { home, life });
                }
                Ok(())
            }
            Some(_later) => self.schedule_hub(home),
            None => Ok(()),
        }
    }

    /// The process dies, and is started again after `lasting`.
    pub(super) fn kill_hub(&mut self, home: usize, lasting: Duration, is_power: bool) {
        let what = if is_power { "has no power" } else { "dies" };
        self.note(&format_args!("hub {home} {what}"));
        let connection = self.homes[home].end_hub();
        if let Some(connection) = connection {
            let noticed = if is_power { Duration::from_secs(90) } else { Duration::from_millis(9) };
            let delay = self.within(noticed);
            let connection = connection.id;
            self.after(delay, Happening::BrokerNotices { home, connection });
        }
        let here = &mut self.homes[home];
        here.down_until = here.down_until.max(self.now + lasting);
        self.after(lasting, Happening::Heals(crate::happening::Part::Hub(home)));
    }

    pub(super) fn begin_hub(&mut self, home: usize) -> anyhow::Result<()> {
        let now = self.now;
        self.note(&format_args!("hub {home} starts"));
        self.homes[home].begin_hub(now)?;
        self.check_engine(home)?;
        if self.hub_step(home, Event::Started)? {
            self.hub_will_dial(home, Duration::from_secs(1));
            // What waits in the cuff comes with its next sign of life.
            let delay = self.within(Duration::from_secs(3600));
            self.after(delay, Happening::CuffConnects { home });
        }
        Ok(())
    }

    /// A raised alert is at the agency in time, unless something was in its way.
    pub(super) fn check_alert(
        &mut self,
        home: usize,
        seq: vitals::Sequence,
        card: usize,
    ) -> anyhow::Result<()> {
        let is_clear = self.clear_since(home).saturating_add(ALERT_WITHIN) < self.now;
        if !is_clear || self.homes[home].n_cards != card {
            return Ok(());
        }
        let books = self.homes[home].archive.current()?;
        ensure!(
            books.at_station.contains(seq),
            "alert {seq} of home {home} is not at the agency after {ALERT_WITHIN:?}"
        );
        Ok(())
    }

    /// What was committed a while ago is at the agency, unless something was in its way.
    pub(super) fn check_arrival(&mut self, home: usize) -> anyhow::Result<()> {
        let is_clear = self.clear_since(home).saturating_add(ARRIVAL_WITHIN) <= self.now;
        let now = self.now;
        if is_clear {
            self.find_gone(home)?;
        }
        let books = self.homes[home].archive.current()?;
        let Some(missing) = books.first_missing() else {
            self.homes[home].is_watched = false;
            return Ok(());
        };
        let committed_at = books.record(missing).context("no such record")?.at;
        let is_old = committed_at.saturating_add(ARRIVAL_WITHIN) <= now;
        ensure!(
            !(is_clear && is_old),
            "record {missing} of home {home} is not at the agency after {ARRIVAL_WITHIN:?}"
        );
        let wait = if is_clear { ARRIVAL_WITHIN } else { 2 * ARRIVAL_WITHIN };
        self.after(wait + SPARE, Happening::ArrivalCheck { home });
        Ok(())
    }

    /// Finds out what is nowhere any more, which is a violation unless the station lost its database
    /// after it had confirmed it.
    pub(super) fn find_gone(&mut self, home: usize) -> anyhow::Result<()> {
        let here = &mut self.homes[home];
        let Some(beside) = here.beside.as_ref() else { return Ok(()) };
        if here.archive.current()?.first_missing().is_some() {
            let numbers = beside.numbers()?;
            here.archive.current()?.ledger_has(&numbers)?;
        }
        Ok(())
    }
}
