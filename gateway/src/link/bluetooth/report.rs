//! Telling the hub once whether the link can be used.

use tokio::sync::mpsc;

use crate::link::{LinkEvent, LinkName};

/// What the hub was told last.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) events: mpsc::Sender<LinkEvent>,
    is_up: Option<bool>,
}

impl Report {
    pub(super) fn new(events: mpsc::Sender<LinkEvent>) -> Self {
        Self { events, is_up: None }
    }

    /// Tells that the link can be used, if that is news.
    pub(super) async fn up(&mut self) {
        if self.is_up.replace(true) != Some(true) {
            tracing::info!("bluetooth link up");
            self.tell(LinkEvent::Up(LinkName::Bluetooth)).await;
        }
    }

    /// Tells why the link cannot be used, if that is news.
    pub(super) async fn lost(&mut self, why: &str) {
        if self.is_up.replace(false) != Some(false) {
            tracing::warn!(error = why, "bluetooth link lost");
            self.tell(LinkEvent::Lost(LinkName::Bluetooth, why.to_owned())).await;
        } else {
            tracing::debug!(error = why, "bluetooth link still lost");
        }
    }

    /// Tells an event. A hub that is gone is noticed by whoever waits for that.
    pub(super) async fn tell(&self, event: LinkEvent) {
        if self.events.send(event).await.is_err() {
            tracing::debug!("nobody listens to the bluetooth link");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_outage_and_its_end_are_told_once() {
        let (events, mut told) = mpsc::channel(8);
        let mut report = Report::new(events);
        report.lost("no bus").await;
        report.lost("still no bus").await;
        report.up().await;
        report.up().await;
        drop(report);
        let no_bus = LinkEvent::Lost(LinkName::Bluetooth, "no bus".to_owned());
        assert_eq!(told.recv().await, Some(no_bus));
        assert_eq!(told.recv().await, Some(LinkEvent::Up(LinkName::Bluetooth)));
        assert_eq!(told.recv().await, None);
    }
}
