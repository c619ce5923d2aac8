//! Whose measurements a device makes: the device's own user slot says it, then a weight that only one
//! of its users can have; else nobody knows, and a person says it later. It is never guessed.

use std::collections::BTreeSet;

use vitals::{Measurement, Quantity, SubjectId, Vital};

/// Whose measurements a device makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Always the same client's.
    One(SubjectId),
    /// Of one of several.
    Shared(Vec<User>),
}

/// One of several who share a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub subject: SubjectId,
    /// The device's own number for that person.
    pub slot: Option<u8>,
    /// What that person can weigh.
    pub band: Option<Band>,
}

/// A range of weights, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// The lowest.
    pub from: Quantity,
    /// The highest.
    pub to: Quantity,
}

impl Band {
    /// Whether `weight` is in it; compared in the unit in which it was written, without rounding.
    fn contains(&self, weight: Quantity) -> bool {
        let is_above = weight.value_in(self.from.unit()).is_some_and(|it| self.from.value() <= it);
        let is_below = weight.value_in(self.to.unit()).is_some_and(|it| it <= self.to.value());
        is_above && is_below
    }
}

impl Owner {
    /// Whether a measurement can be of `subject`.
    #[must_use]
    pub fn may_be(&self, subject: &SubjectId) -> bool {
        match self {
            Self::One(owner) => owner == subject,
            Self::Shared(users) => users.iter().any(|it| it.subject == *subject),
        }
    }

    /// Whose a measurement with this user slot and these values is, or whose it may be.
    ///
    /// A slot that is nobody's is of a guest, and a weight that contradicts the slot is of nobody who is
    /// known. A weight decides only where every user has a band and it lies in one of them alone.
    pub(super) fn of(
        &self,
        slot: Option<u8>,
        values: &[Measurement],
    ) -> (Option<SubjectId>, Vec<SubjectId>) {
        let users = match self {
            Self::One(subject) => return (Some(subject.clone()), Vec::new()),
            Self::Shared(users) => users,
        };
        let weight = values.iter().find(|it| it.vital == Vital::BodyWeight).map(|it| it.quantity);
        let subject = match slot {
            Some(_) => by_slot(users, slot, weight),
            None => weight.and_then(|it| by_weight(users, it)),
        };
        match subject {
            Some(subject) => (Some(subject.clone()), Vec::new()),
            None => {
                let candidates: BTreeSet<_> = users.iter().map(|it| it.subject.clone()).collect();
                (None, candidates.into_iter().collect())
            }
        }
    }
}

fn by_slot(users: &[User], slot: Option<u8>, weight: Option<Quantity>) -> Option<&SubjectId> {
    let user = users.iter().find(|it| it.slot == slot)?;
    let fits = user.band.zip(weight).is_none_or(|(band, weight)| band.contains(weight));
    fits.then_some(&user.subject)
}

fn by_weight(users: &[User], weight: Quantity) -> Option<&SubjectId> {
    let can_be_told = users.iter().all(|it| it.band.is_some());
    let mut fitting = users.iter().filter(|it| it.band.is_some_and(|it| it.contains(weight)));
    let only = fitting.next().filter(|_first| can_be_told && fitting.next().is_none())?;
    Some(&only.subject)
}

#[cfg(test)]
mod tests {
    use vitals::Unit;

    use super::*;

    fn subject(text: &str) -> SubjectId {
        text.parse().unwrap()
    }

    fn kilograms(text: &str) -> Quantity {
        Quantity::new(text.parse().unwrap(), Unit::Kilogram).unwrap()
    }

    fn user(name: &str, slot: Option<u8>, band: Option<(&str, &str)>) -> User {
        let band = band.map(|(from, to)| Band { from: kilograms(from), to: kilograms(to) });
        User { subject: subject(name), slot, band }
    }

    fn weighing(quantity: Quantity) -> Vec<Measurement> {
        vec![Measurement { vital: Vital::BodyWeight, quantity }]
    }

    #[test]
    fn a_device_of_one_client_never_doubts() {
        let owner = Owner::One(subject("a"));
        assert_eq!(owner.of(None, &[]), (Some(subject("a")), vec![]));
        assert_eq!(owner.of(Some(2), &[]), (Some(subject("a")), vec![]));
    }

    #[test]
    fn a_shared_device_goes_by_its_user_slot_and_never_guesses() {
        let owner = Owner::Shared(vec![user("b", Some(2), None), user("a", Some(1), None)]);
        assert_eq!(owner.of(Some(2), &[]), (Some(subject("b")), vec![]));
        let nobody = (None, vec![subject("a"), subject("b")]);
        assert_eq!(owner.of(Some(3), &[]), nobody);
        assert_eq!(owner.of(None, &[]), nobody);
        assert_eq!(owner.of(None, &weighing(kilograms("70"))), nobody);
    }

    #[test]
    fn a_weight_decides_where_only_one_user_can_have_it() {
        let owner = Owner::Shared(vec![
            user("a", None, Some(("55", "65"))),
            user("b", None, Some(("65", "90"))),
        ]);
        let of = |weight| owner.of(None, &weighing(weight)).0;
        assert_eq!(of(kilograms("55.0")), Some(subject("a")));
        assert_eq!(of(kilograms("65.01")), Some(subject("b")));
        assert_eq!(of(Quantity::new(180.into(), Unit::Pound).unwrap()), Some(subject("b")));
        // Both, neither, and no weight at all.
        assert_eq!(of(kilograms("65")), None);
        assert_eq!(of(kilograms("54.9")), None);
        assert_eq!(owner.of(None, &[]).0, None);
    }

    #[test]
    fn a_user_without_a_band_may_have_any_weight() {
        let owner =
            Owner::Shared(vec![user("a", None, Some(("55", "65"))), user("b", Some(2), None)]);
        assert_eq!(owner.of(None, &weighing(kilograms("60"))).0, None);
    }

    #[test]
    fn a_weight_that_contradicts_the_slot_is_of_nobody_who_is_known() {
        let owner = Owner::Shared(vec![
            user("a", Some(1), Some(("55", "65"))),
            user("b", Some(2), Some(("75", "90"))),
        ]);
        assert_eq!(owner.of(Some(1), &weighing(kilograms("60"))).0, Some(subject("a")));
        assert_eq!(owner.of(Some(1), &weighing(kilograms("80"))).0, None);
        assert_eq!(owner.of(Some(3), &weighing(kilograms("60"))).0, None);
    }
}
