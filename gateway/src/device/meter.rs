//! Glucose records whose context is still to come: it may say that they are no glucose at all.
//!
//! Meters of i-SENS (`CareSens`) send ketones as glucose records, in a tenth of a mg/dL, and tell them
//! by the reserved meal 6 in the context (0x2A34) that follows. Such a record would be a very low
//! glucose. A record that promises a context waits for it, and no longer than for the next record,
//! the answer of the control point or the end of the session; the meter keeps it meanwhile. What comes
//! without the context that it promised may be either: it is told, and marked as questionable.

use vitals::Flag;

use super::catalogue::{characteristic, sig_uuid};
use super::error::DecodeError;
use super::glucose::context::GlucoseContext;
use super::item::{Item, Refused};
use crate::link::Source;

/// Meal by which a record is told to be a ketone.
const KETONE: u8 = 6;

/// The record that waits for its context.
#[derive(Debug, Default)]
pub(super) struct Meter {
    waiting: Option<(u16, Item)>,
}

impl Meter {
    /// Takes record number `sequence`; gives what needs to wait no longer.
    pub(super) fn record(&mut self, sequence: u16, has_context: bool, record: Item) -> Vec<Item> {
        let mut items: Vec<_> = self.release().into_iter().collect();
        if has_context {
            self.waiting = Some((sequence, record));
        } else {
            items.push(record);
        }
        items
    }

    /// Takes a context; gives the record that it belongs to, or any other that had waited.
    pub(super) fn context(&mut self, context: &GlucoseContext) -> Vec<Item> {
        let record = self.waiting.take().map(|(sequence, record)| {
            let is_ketone = context.meal == Some(KETONE);
            match (sequence == context.sequence, is_ketone) {
                (true, true) => refused(sequence, record),
                (true, false) => record,
                (false, _) => questionable(record),
            }
        });
        record.into_iter().collect()
    }

    /// Gives the record that had waited: no context comes any more.
    pub(super) fn release(&mut self) -> Option<Item> {
        self.waiting.take().map(|(_sequence, record)| questionable(record))
    }
}

/// A record of which nobody said what it is.
fn questionable(mut record: Item) -> Item {
    if let Item::Observation(observation) = &mut record {
        observation.flags.insert(Flag::Questionable);
    }
    record
}

/// A record that is none of glucose, as it came.
fn refused(sequence: u16, record: Item) -> Item {
    let (received, raw) = match record {
        Item::Observation(it) => (it.received, it.raw),
        Item::Failed(it) => (it.received, it.raw),
        other @ (Item::Refused(_)
        | Item::CuffPressure(_)
        | Item::Battery(_)
        | Item::Clock(_)
        | Item::Information { .. }) => return other,
    };
    let source = Source::Characteristic(sig_uuid(characteristic::GLUCOSE));
    let error = DecodeError::Ketone { sequence };
    Item::Refused(Refused { source, received, raw, error, n_untold: 0 })
}
