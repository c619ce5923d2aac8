//! Joining the packets of one body composition: pure.
//!
//! A scale with more to say than fits into one indication sends two, each with flags and body fat of
//! its own, and says of both that they are parts (Body Composition Service 1.0, §3.2.1.1). The first
//! waits for the second, and no longer than for anything else or the end of the session.

use super::BodyComposition;
use crate::clock::Stamp;

/// A measurement as it came, in one packet or in two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) measured: BodyComposition,
    /// When its first packet came.
    pub(crate) received: Stamp,
    /// Its packets, one behind the other.
    pub(crate) raw: Vec<u8>,
}

/// The packet that waits for another.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    waiting: Option<Taken>,
}

impl Parts {
    /// Takes the next packet; gives what is whole by it.
    pub(crate) fn push(&mut self, packet: Taken) -> Vec<Taken> {
        let waiting = self.waiting.take();
        if !packet.measured.is_part {
            return waiting.into_iter().chain([packet]).collect();
        }
        match waiting {
            Some(first) if fits(&first.measured, &packet.measured) => vec![joined(first, packet)],
            other => {
                self.waiting = Some(packet);
                other.into_iter().collect()
            }
        }
    }

    /// Gives the packet that had waited: no other comes any more.
    pub(crate) fn release(&mut self) -> Option<Taken> {
        self.waiting.take()
    }
}

/// Whether two packets are of one measurement: none says again or otherwise what the other said.
fn fits(first: &BodyComposition, second: &BodyComposition) -> bool {
    let agree = |one: Option<_>, other: Option<_>| one.is_none() || other.is_none() || one == other;
    let is_new = |(one, other): (&Option<_>, &Option<_>)| one.is_none() || other.is_none();
    first.is_imperial == second.is_imperial
        && agree(first.user_id, second.user_id)
        && (first.device_time.is_none()
            || second.device_time.is_none()
            || first.device_time == second.device_time)
        && first.numbers().iter().zip(&second.numbers()).all(is_new)
        && is_new((
            &first.basal_metabolism_kj.map(Into::into),
            &second.basal_metabolism_kj.map(Into::into),
        ))
}

fn joined(first: Taken, second: Taken) -> Taken {
    let Taken { measured: one, received, mut raw } = first;
    let other = second.measured;
    raw.extend(second.raw);
    let measured = BodyComposition {
        is_imperial: one.is_imperial,
        body_fat: one.body_fat.or(other.body_fat),
        device_time: one.device_time.or(other.device_time),
        user_id: one.user_id.or(other.user_id),
        basal_metabolism_kj: one.basal_metabolism_kj.or(other.basal_metabolism_kj),
        muscle: one.muscle.or(other.muscle),
        muscle_mass: one.muscle_mass.or(other.muscle_mass),
        fat_free_mass: one.fat_free_mass.or(other.fat_free_mass),
        soft_lean_mass: one.soft_lean_mass.or(other.soft_lean_mass),
        body_water_mass: one.body_water_mass.or(other.body_water_mass),
        impedance_ohm: one.impedance_ohm.or(other.impedance_ohm),
        weight: one.weight.or(other.weight),
        height: one.height.or(other.height),
        is_part: false,
    };
    Taken { measured, received, raw }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::clock::BootId;
    use crate::device::body_composition::decode;
    use crate::device::fixture::bytes;

    /// Fat 21.5 %, a time, user 1, muscle 38.4 %; and the weight 70.5 kg of the same.
    const FIRST: &str = "1610d700ea0703010805000180 01";
    const SECOND: &str = "0014ffff1437";

    fn packet(hex: &str) -> Taken {
        let raw = bytes(&hex.replace(' ', ""));
        let wall = Timestamp::UNIX_EPOCH;
        let received = Stamp { wall, boot: BootId([0; 16]), since_boot: Duration::ZERO };
        Taken { measured: decode(&raw).unwrap(), received, raw }
    }

    #[test]
    fn two_packets_are_one_measurement() {
        let mut parts = Parts::default();
        assert_eq!(parts.push(packet(FIRST)), []);
        let whole = parts.push(packet(SECOND));
        let [whole] = whole.as_slice() else { panic!("{whole:?}") };
        assert_eq!(whole.measured.body_fat.unwrap().to_string(), "21.5");
        assert_eq!(whole.measured.weight.unwrap().to_string(), "70.500");
        assert_eq!(whole.measured.report().unwrap().result.unwrap().len(), 3);
        assert_eq!(whole.raw.len(), 20);
        assert_eq!(parts.release(), None);
    }

    #[test]
    fn a_packet_waits_no_longer_than_for_something_else() {
        let mut parts = Parts::default();
        let alone = packet("0004d7001437");
        parts.push(packet(FIRST));
        assert_eq!(parts.push(alone.clone()), [packet(FIRST), alone]);
        parts.push(packet(FIRST));
        assert_eq!(parts.release(), Some(packet(FIRST)));
    }

    #[test]
    fn packets_of_two_measurements_are_not_joined() {
        let mut parts = Parts::default();
        parts.push(packet(FIRST));
        let other_user = FIRST.replace("0001 8001", "0002 8001").replace("000180", "000280");
        assert_eq!(parts.push(packet(&other_user)), [packet(FIRST)]);
        assert_eq!(parts.push(packet(&other_user)), [packet(&other_user)], "it says it again");
    }
}
