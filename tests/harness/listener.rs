//! Somebody who listens to everything on the broker.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{Client, Event, MqttOptions};

/// How long the broker may take to let somebody listen.
const START_MAX: Duration = Duration::from_secs(20);

/// A message as it came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its topic.
    pub topic: String,
    /// Its bytes.
    pub payload: Vec<u8>,
}

#[derive(Debug, Default)]
struct Notes {
    heard: Mutex<Vec<Heard>>,
    is_listening: Mutex<bool>,
    grown: Condvar,
}

/// Listens until dropped.
pub struct Listener {
    notes: Arc<Notes>,
    client: Client,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("n_heard", &self.notes.heard().len()).finish()
    }
}

impl Notes {
    fn heard(&self) -> MutexGuard<'_, Vec<Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Begins to listen to everything on the broker at `port`.
    ///
    /// # Errors
    ///
    /// Fails where the broker does not let it in time.
    pub fn start(port: u16) -> anyhow::Result<Self> {
        let mut options = MqttOptions::new("listener", "127.0.0.1", port);
        options.set_max_packet_size(Some(1024 * 1024));
        let (client, mut connection) = Client::new(options, 16);
        client.subscribe("#", QoS::AtLeastOnce).context("failed to subscribe")?;
        let notes = Arc::new(Notes::default());
        let writer = Arc::clone(&notes);
        let thread = std::thread::spawn(move || {
            for event in connection.iter().map_while(Result::ok) {
                match event {
                    Event::Incoming(Packet::SubAck(_)) => {
                        *writer.is_listening.lock().unwrap_or_else(PoisonError::into_inner) = true;
                        writer.grown.notify_all();
                    }
                    Event::Incoming(Packet::Publish(it)) => {
                        let topic = String::from_utf8_lossy(&it.topic).into_owned();
                        writer.heard().push(Heard { topic, payload: it.payload.to_vec() });
                        writer.grown.notify_all();
                    }
                    Event::Incoming(_) | Event::Outgoing(_) => {}
                }
            }
        });
        let listener = Self { notes, client, thread: Some(thread) };
        listener.wait_for_start()?;
        Ok(listener)
    }

    fn wait_for_start(&self) -> anyhow::Result<()> {
        let listening = self.notes.is_listening.lock().unwrap_or_else(PoisonError::into_inner);
        let (listening, _timeout) = self
            .notes
            .grown
            .wait_timeout_while(listening, START_MAX, |it| !*it)
            .unwrap_or_else(PoisonError::into_inner);
        if *listening { Ok(()) } else { bail!("the broker does not let anybody listen") }
    }

    /// Everything that was heard so far.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        self.notes.heard().clone()
    }

    /// Waits until what was heard is enough.
    ///
    /// # Errors
    ///
    /// Fails with what was heard where it is not enough in time.
    pub fn wait_until(
        &self,
        limit: Duration,
        mut is_enough: impl FnMut(&[Heard]) -> bool,
    ) -> anyhow::Result<Vec<Heard>> {
        let (heard, timeout) = self
            .notes
            .grown
            .wait_timeout_while(self.notes.heard(), limit, |it| !is_enough(it))
            .unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            let topics: Vec<_> = heard.iter().map(|it| it.topic.as_str()).collect();
            bail!("not everything was heard: {topics:#?}");
        }
        Ok(heard.clone())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The connection may be gone already.
        drop(self.client.disconnect());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
