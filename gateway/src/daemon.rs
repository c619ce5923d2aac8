//! The daemon's shell: the hub on a thread of its own, links and uplink around it, and the end.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use sd_notify::NotifyState;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::config::Config;
use crate::hub::inbox::{Inbox, Ledger, Request};
use crate::hub::{Event, Hub, HubError};
use crate::link::bluetooth::{BluetoothSettings, Remedies};
use crate::link::history::History;
use crate::link::serial::SerialPort;
use crate::link::{LinkEvent, bluetooth, serial};
use crate::live::Live;
use crate::store::{MEMORY_MAX_BYTES, Store};
use crate::supervise::Supervisor;
use crate::watchdog::{Part, Pulse, Watchdog, notify};
use crate::{local, uplink};

/// Link events that wait for the hub; a link whose events do not fit waits with reading.
const LINK_EVENTS_CAPACITY: usize = 64;

/// The tasks that end by themselves once they are asked to.
const UPLINK: &str = "uplink";
const LINK_EVENTS: &str = "link events";

/// Longest wait for their end.
const FAREWELL_MAX: Duration = Duration::from_secs(3);

/// Runs until a signal asks for the end.
///
/// # Errors
///
/// Fails where the ledger cannot be opened or a task dies; a restart is the answer to that.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let clock = Clock::start()?;
    let mut store = Store::open_or_remember(&config.ledger_path(), MEMORY_MAX_BYTES)
        .context("failed to open the ledger")?;
    store.keep_within(config.upkeep).context("failed to limit the ledger")?;
    let mut hub = Hub::new(config.hub_settings(), store, clock.now())?;
    let network_time = config.synchronized_file.clone();
    hub.step(clock.now(), Event::Clock(clock.synchronization(&network_time)))?;
    hub.step(clock.now(), Event::Started)?;
    if config.plans.is_empty() {
        warn!("no care plan: readings are sent, and nothing is ever alerted");
    }

    let (inbox, requests) = Inbox::new();
    let (ledger_sender, ledger) = watch::channel(hub.ledger());
    let (live_sender, live_state) = watch::channel(Live::of(&hub, clock.now()));
    let (time_sender, booted_at) = watch::channel(hub.booted_at());
    let shown = Shown { ledger: ledger_sender, live: live_sender, booted_at: time_sender };
    let (stop_sender, stop) = watch::channel(false);
    let runtime = Handle::current();
    let watchdog = Watchdog::from_environment(clock);
    let pulse = watchdog.pulse(Part::Hub);
    let hub_thread = thread::Builder::new()
        .name("hub".to_owned())
        .spawn(move || serve(hub, clock, &network_time, requests, &shown, &runtime, &pulse))
        .context("failed to start the hub's thread")?;

    let mut tasks = Supervisor::new();
    let pulse = watchdog.pulse(Part::Links);
    let (quiet_sender, quiet_until) = watch::channel(Duration::ZERO);
    let bluetooth = config.bluetooth.clone();
    let bluetooth = bluetooth.map(|it| BluetoothSettings { quiet_until, booted_at, ..it });
    let remedies = bluetooth
        .as_ref()
        .map_or_else(|| watch::channel(Remedies::default()).1, |it| it.remedies.subscribe());
    let (events, from_links) = mpsc::channel::<LinkEvent>(LINK_EVENTS_CAPACITY);
    start_links(&mut tasks, bluetooth, &config.serial, clock, &events);
    let history = start_link_events(&mut tasks, events, from_links, &inbox, stop.clone(), pulse);
    let pulse = watchdog.pulse(Part::Uplink);
    let uplink = uplink::run(config.uplink_settings(), clock, inbox.clone(), ledger, stop, pulse);
    tasks.spawn(UPLINK, uplink);
    tasks.spawn("watchdog", watchdog.feed());
    let asked = local::Daemon {
        live: live_state,
        inbox: inbox.clone(),
        quiet_until: quiet_sender,
        history,
        remedies,
        zone: config.zone.clone(),
        clock,
    };
    tasks.spawn("local questions", local::run(config.socket_path(), asked));
    drop(inbox);
    notify(&[NotifyState::Ready]);
    info!(hub = %config.hub, devices = config.devices.len(), "hub running");

    let end = wait_for_end(&mut tasks).await;
    notify(&[NotifyState::Stopping]);
    stop_sender.send_replace(true);
    if end.is_ok() {
        say_farewell(&mut tasks).await;
    }
    drop(tasks);
    let hub_end = tokio::task::spawn_blocking(move || hub_thread.join()).await?;
    match hub_end {
        Ok(Ok(())) => end,
        Ok(Err(error)) => Err(anyhow!(error).context("the hub ended")),
        Err(_panic) => Err(anyhow!("the hub's thread panicked")),
    }
}

fn start_links(
    tasks: &mut Supervisor,
    bluetooth: Option<BluetoothSettings>,
    serial: &[SerialPort],
    clock: Clock,
    events: &mpsc::Sender<LinkEvent>,
) {
    if let Some(settings) = bluetooth {
        tasks.spawn("bluetooth link", bluetooth::run(settings, clock, events.clone()));
    }
    if !serial.is_empty() {
        tasks.spawn("serial link", serial::run(serial.to_vec(), clock, events.clone()));
    }
}

/// Passes on to the hub what links tell, and keeps what happened to each device.
fn start_link_events(
    tasks: &mut Supervisor,
    events: mpsc::Sender<LinkEvent>,
    mut from_links: mpsc::Receiver<LinkEvent>,
    inbox: &Inbox,
    mut stop: watch::Receiver<bool>,
    pulse: Pulse,
) -> watch::Receiver<History> {
    let inbox = inbox.clone();
    let (keeper, history) = watch::channel(History::default());
    tasks.spawn(LINK_EVENTS, async move {
        // Held here, so that a home without devices does not look like dead links.
        let _events = events;
        loop {
            let event = tokio::select! {
                event = from_links.recv() => event,
                // What the links have delivered by now still reaches the ledger.
                stopped = stop.wait_for(|it| *it), if !from_links.is_closed() => {
                    stopped?;
                    from_links.close();
                    continue;
                }
                () = tokio::time::sleep(pulse.round()) => {
                    pulse.beat();
                    continue;
                }
            };
            match event {
                Some(event) => {
                    keeper.send_modify(|it| it.note(&event));
                    inbox.tell(Event::Link(event)).await?;
                    pulse.beat();
                }
                None => return Ok(()),
            }
        }
    });
    history
}

/// Waits for a signal, which is a good end, or for the end of any task, which is not.
async fn wait_for_end(tasks: &mut Supervisor) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for SIGINT")?;
    tokio::select! {
        _signal = terminate.recv() => Ok(()),
        _signal = interrupt.recv() => Ok(()),
        end = tasks.next_end() => match end {
            Some((name, Err(error))) => {
                error!(task = name, error = format!("{error:#}"), "task died");
                Err(error.context(format!("{name} died")))
            }
            Some((name, Ok(()))) => Err(anyhow!("{name} ended by itself")),
            None => Err(anyhow!("nothing runs")),
        }
    }
}

/// Waits until the last event of the links is with the hub, and the uplink has said "offline".
async fn say_farewell(tasks: &mut Supervisor) {
    let farewell = async {
        let mut awaited = BTreeSet::from([UPLINK, LINK_EVENTS]);
        while let Some((name, _end)) = tasks.next_end().await {
            awaited.remove(name);
            if awaited.is_empty() {
                break;
            }
        }
    };
    if tokio::time::timeout(FAREWELL_MAX, farewell).await.is_err() {
        warn!("the farewell took too long");
    }
}

/// What the hub's thread shows to the tasks around it.
struct Shown {
    ledger: watch::Sender<Ledger>,
    live: watch::Sender<Live>,
    booted_at: watch::Sender<Option<Timestamp>>,
}

/// The hub's thread: answers requests until nobody can ask any more.
fn serve(
    mut hub: Hub,
    clock: Clock,
    network_time: &Path,
    mut requests: mpsc::Receiver<Request>,
    shown: &Shown,
    runtime: &Handle,
    pulse: &Pulse,
) -> Result<(), HubError> {
    loop {
        hub.step(clock.now(), Event::Clock(clock.synchronization(network_time)))?;
        let round = pulse.round();
        let wait = hub.next_wait(clock.now()).map_or(round, |it| it.min(round));
        let request = runtime.block_on(async { tokio::time::timeout(wait, requests.recv()).await });
        match request {
            Ok(Some(request)) => answer(&mut hub, clock, request)?,
            Ok(None) => {
                return hub.step(clock.now(), Event::Stopping);
            }
            Err(_elapsed) => {}
        }
        // Also between two requests: a busy inbox must not keep a deadline waiting.
        let now = clock.now();
        if hub.next_wait(now).is_some_and(|it| it.is_zero()) {
            hub.step(now, Event::Deadline)?;
        }
        let current = hub.ledger();
        shown.ledger.send_if_modified(|known| {
            let is_new = *known != current;
            *known = current;
            is_new
        });
        shown.live.send_replace(Live::of(&hub, now));
        shown.booted_at.send_replace(hub.booted_at());
        pulse.beat();
    }
}

fn answer(hub: &mut Hub, clock: Clock, request: Request) -> Result<(), HubError> {
    let now = clock.now();
    // Whoever asked may have gone in the meantime: an answer that nobody takes is no failure.
    match request {
        Request::Event(event) => hub.step(now, event)?,
        Request::Pending { lane, after, held, limit, reply } => {
            let page = hub.ask(now, |hub| hub.pending(lane, after, &held, limit))?;
            drop(reply.send(page));
        }
        Request::Records { seqs, reply } => {
            drop(reply.send(hub.ask(now, |hub| hub.records(&seqs))?));
        }
        Request::Health { reply } => drop(reply.send(hub.ask(now, |hub| hub.health(now))?)),
        Request::Acknowledge { alert, by, note, reply } => {
            drop(reply.send(hub.acknowledge_at_home(now, alert, &by, note.as_deref())?));
        }
        Request::Assign { reading, to, by, note, reply } => {
            drop(reply.send(hub.assign_at_home(now, reading, to, &by, note)?));
        }
        Request::Exercise { subject, begins, reply } => {
            let done = match begins {
                true => hub.start_exercise(now, &subject)?,
                false => hub.end_exercise(now, &subject)?,
            };
            drop(reply.send(done));
        }
        Request::Observe { subject, values, reply } => {
            drop(reply.send(hub.observe_at_home(now, &subject, values)?));
        }
    }
    Ok(())
}
