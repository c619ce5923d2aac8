//! What a client is asked to do: to measure again.

use alerting::{Change, Transition};
use vitals::wire::v1::EventKind;

use super::record::Remark;

/// What `transition` asks the client for.
pub(super) fn of(transition: &Transition) -> Option<Remark> {
    let alert = &transition.alert;
    let vital = alert.vital.filter(|_it| transition.change == Change::Asked)?;
    let repeat_by = alert.timers.repeat_by?.at.civil();
    let text = format!(
        "Please measure {} again: rest for a minute first, and measure before {:02}:{:02}.",
        vital.label(),
        repeat_by.hour(),
        repeat_by.minute()
    );
    let remark = Remark::about_hub(EventKind::RepeatAsked, text);
    Some(Remark { subject: alert.subject.clone(), ..remark })
}
