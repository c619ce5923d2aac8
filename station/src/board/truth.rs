//! True times on the board: what a home recorded before it knew the time is put right as soon as a
//! later record tells how.
//!
//! What was recorded is kept beside it; the board is the same in whatever order the records come.

use std::collections::VecDeque;
use std::sync::Arc;

use vitals::{HubId, Moment, Timeline};

use super::{Board, Chart, Taken};
use crate::inbound::Body;

impl Board {
    /// Takes in when `hub` made the record with this body; puts right what that tells about.
    pub(super) fn note_time(&mut self, hub: &HubId, body: &Body) {
        if body.recorded().is_some_and(|moment| self.tells_more(hub, &moment)) {
            self.put_right(hub);
        }
    }

    fn tells_more(&mut self, hub: &HubId, moment: &Moment) -> bool {
        // Most records tell nothing new, and must not cost a copy.
        let is_news = self.timelines.get(hub).is_none_or(|it| it.is_news(moment));
        is_news && Arc::make_mut(self.timelines.entry(hub.clone()).or_default()).note(moment)
    }

    /// When `hub` knew the time.
    #[must_use]
    pub fn timeline(&self, hub: &HubId) -> Arc<Timeline> {
        self.timelines.get(hub).cloned().unwrap_or_default()
    }

    fn put_right(&mut self, hub: &HubId) {
        let timeline = self.timeline(hub);
        for ((_hub, _alert), episode) in self.alerts.iter_mut().filter(|((it, _), _)| it == hub) {
            if episode.is_estimated() {
                Arc::make_mut(episode).put_right(&timeline);
            }
        }
        for chart in self.clients.values_mut() {
            if chart.vitals.values().flatten().any(|it| it.is_estimate_of(hub)) {
                Arc::make_mut(chart).put_right(hub, &timeline);
            }
        }
        put_all_right(&mut self.unassigned, hub, &timeline);
        for incident in self.events.iter_mut().filter(|it| it.hub == *hub) {
            if let Some(event) = incident.event.corrected(&timeline) {
                Arc::make_mut(incident).event = event;
            }
        }
    }
}

impl Taken {
    /// A reading as it is to be shown.
    pub(super) fn new(hub: HubId, reading: vitals::Reading, timeline: &Timeline) -> Self {
        match reading.corrected(timeline) {
            Some(corrected) => Self { hub, reading: corrected, first: Some(Box::new(reading)) },
            None => Self { hub, reading, first: None },
        }
    }

    fn is_estimate_of(&self, hub: &HubId) -> bool {
        self.hub == *hub && (self.first.is_some() || !self.reading.recorded.is_known)
    }

    fn put_right(&self, timeline: &Timeline) -> Self {
        let recorded = self.first.as_deref().unwrap_or(&self.reading);
        Self::new(self.hub.clone(), recorded.clone(), timeline)
    }
}

impl Chart {
    fn put_right(&mut self, hub: &HubId, timeline: &Timeline) {
        for newest in self.vitals.values_mut() {
            put_all_right(newest, hub, timeline);
            newest
                .make_contiguous()
                .sort_by_key(|it| std::cmp::Reverse((it.reading.measured_at.at, it.reading.id)));
        }
    }
}

fn put_all_right(readings: &mut VecDeque<Arc<Taken>>, hub: &HubId, timeline: &Timeline) {
    for taken in readings.iter_mut().filter(|it| it.is_estimate_of(hub)) {
        *taken = Arc::new(taken.put_right(timeline));
    }
}
