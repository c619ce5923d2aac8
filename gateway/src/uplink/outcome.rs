//! What a broker's answer to a published record means.

use rumqttc::v5::mqttbytes::v5::PubAckReason;

/// What follows from the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The broker took it; only the agency's receipt finishes it.
    Sent,
    /// The broker does not want it now: wait and try again.
    Later(&'static str),
    /// The broker will not take it from this hub; a person has to look.
    Refused(&'static str),
}

/// Reads the broker's answer.
pub(super) const fn classify(reason: PubAckReason) -> Outcome {
    match reason {
        // Nobody subscribes just now; the missing receipt brings it back.
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Outcome::Sent,
        PubAckReason::QuotaExceeded => Outcome::Later("quota exceeded"),
        PubAckReason::UnspecifiedError => Outcome::Later("unspecified error"),
        PubAckReason::ImplementationSpecificError => Outcome::Later("implementation error"),
        PubAckReason::PacketIdentifierInUse => Outcome::Later("packet identifier in use"),
        PubAckReason::NotAuthorized => Outcome::Refused("not authorized for this topic"),
        PubAckReason::TopicNameInvalid => Outcome::Refused("topic name invalid"),
        PubAckReason::PayloadFormatInvalid => Outcome::Refused("payload format invalid"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_subscriber_is_sent_because_receipts_decide() {
        assert_eq!(classify(PubAckReason::NoMatchingSubscribers), Outcome::Sent);
        assert_eq!(classify(PubAckReason::Success), Outcome::Sent);
    }

    #[test]
    fn a_denied_publish_is_never_taken_for_a_sent_one() {
        assert!(matches!(classify(PubAckReason::NotAuthorized), Outcome::Refused(_)));
        assert!(matches!(classify(PubAckReason::QuotaExceeded), Outcome::Later(_)));
    }
}
