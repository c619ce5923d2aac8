//! A hub as the broker sees it.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{Client, Event, MqttOptions};
use vitals::HubId;
use vitals::wire::topic::Channel;

use crate::broker::Broker;
use crate::sample;

/// Longest wait for something that has to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that publishes as a hub and listens to what comes down.
pub(crate) struct Hub {
    id: HubId,
    client: Client,
    commands: Receiver<Vec<u8>>,
    receipts: Receiver<Vec<u8>>,
}

impl Hub {
    /// Returns once the hub listens.
    pub(crate) fn connect(broker: &Broker, id: &str) -> Self {
        let id: HubId = id.parse().unwrap();
        let mut options = MqttOptions::new(id.as_str(), "127.0.0.1", broker.port);
        options.set_max_packet_size(Some(1 << 20));
        let (client, mut connection) = Client::new(options, 1000);
        let topic = |channel| sample::topics().of(&id, channel);
        let (command, receipt) = (topic(Channel::Command), topic(Channel::Receipt));
        client.subscribe(command.as_str(), QoS::AtLeastOnce).unwrap();
        client.subscribe(receipt.as_str(), QoS::AtLeastOnce).unwrap();
        let (commands_in, commands) = channel();
        let (receipts_in, receipts) = channel();
        let (ready_in, ready) = channel();
        std::thread::spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::SubAck(_))) => drop(ready_in.send(())),
                    Ok(Event::Incoming(Packet::Publish(it))) => {
                        let to = if it.topic == command { &commands_in } else { &receipts_in };
                        drop(to.send(it.payload.to_vec()));
                    }
                    Ok(_other) => {}
                    Err(_gone) => break,
                }
            }
        });
        for _subscription in 0..2 {
            ready.recv_timeout(PATIENCE).unwrap();
        }
        Self { id, client, commands, receipts }
    }

    pub(crate) fn publish(&self, channel: Channel, payload: Vec<u8>) {
        let topic = sample::topics().of(&self.id, channel);
        self.client.publish(topic, QoS::AtLeastOnce, channel.is_retained(), payload).unwrap();
    }

    /// The next message that comes down.
    pub(crate) fn expect(&self, channel: Channel) -> Vec<u8> {
        let from = if channel == Channel::Command { &self.commands } else { &self.receipts };
        from.recv_timeout(PATIENCE).expect("a message of the agency comes in time")
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        drop(self.client.disconnect());
    }
}
