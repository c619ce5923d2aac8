//! Glucose Measurement Context (0x2A34): in what situation a glucose was measured.
//!
//! ```text
//! offset  size  field
//! 0       1     flags            bits 0 to 4, 6 and 7: the fields below
//!                                bit 5: medication in 0 = kg, 1 = L
//! 1       2     sequence number  little-endian, that of the Glucose Measurement
//! +0      1     extended flags   bit 7, reserved
//! +0      1     carbohydrate     bit 0: 1 breakfast, 2 lunch, 3 dinner, 4 snack, 5 drink,
//!                                6 supper, 7 brunch
//! +0      2                      SFLOAT, kg
//! +0      1     meal             bit 1: 1 before, 2 after, 3 fasting, 4 casual, 5 bedtime
//! +0      1     bits 0-3         bit 2: tester: 1 self, 2 professional, 3 laboratory, 15 unknown
//!               bits 4-7         health: 1 minor issues, 2 major issues, 3 menses, 4 stress,
//!                                5 none, 15 unknown
//! +0      2     exercise         bit 3: little-endian, s; 0xFFFF = longer
//! +0      1                      intensity, %
//! +0      1     medication       bit 4: 1 rapid, 2 short, 3 intermediate, 4 long acting insulin,
//!                                5 pre-mixed insulin
//! +0      2                      SFLOAT, kg or L
//! +0      2     HbA1c            bit 6: SFLOAT, %
//! ```
//!
//! Codes are kept as they came: meters are known that use reserved ones.

use crate::device::error::DecodeError;
use crate::device::medfloat::{Number, sfloat};
use crate::device::payload::Payload;

/// A decoded Glucose Measurement Context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlucoseContext {
    /// Number of the record that it belongs to.
    pub sequence: u16,
    /// What was eaten, and how much in kg.
    pub carbohydrate: Option<Amount>,
    /// How the measurement stands to a meal.
    pub meal: Option<u8>,
    /// Who measured.
    pub tester: Option<u8>,
    /// How the person was.
    pub health: Option<u8>,
    /// How long the person exercised, and how hard.
    pub exercise: Option<Exercise>,
    /// Which medication, and how much in kg or L.
    pub medication: Option<Amount>,
    /// Whether the medication is in litres, and not in kilograms.
    pub is_medication_volume: bool,
    /// Share of glycated haemoglobin in percent.
    pub hba1c: Option<Number>,
}

/// So much of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount {
    /// Of what, as the code came.
    pub kind: u8,
    /// How much.
    pub amount: Number,
}

/// Exercise before a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exercise {
    /// How long in seconds; 65535 stands for longer.
    pub duration_s: u16,
    /// How hard in percent.
    pub intensity_percent: u8,
}

/// Decodes the value of a Glucose Measurement Context characteristic.
///
/// # Errors
///
/// Returns [`DecodeError::Truncated`] or [`DecodeError::Trailing`] if the length is not what the
/// flags promise.
pub fn decode(bytes: &[u8]) -> Result<GlucoseContext, DecodeError> {
    let mut payload = Payload::new(bytes);
    let flags = payload.byte("flags")?;
    let is = |bit: u8| flags & bit != 0;

    let sequence = payload.u16_le("sequence number")?;
    if is(1 << 7) {
        payload.byte("extended flags")?;
    }
    let carbohydrate = is(1 << 0).then(|| amount(&mut payload, "carbohydrate")).transpose()?;
    let meal = is(1 << 1).then(|| payload.byte("meal")).transpose()?;
    let people = is(1 << 2).then(|| payload.byte("tester and health")).transpose()?;
    let exercise = is(1 << 3).then(|| exercise(&mut payload)).transpose()?;
    let medication = is(1 << 4).then(|| amount(&mut payload, "medication")).transpose()?;
    let hba1c = is(1 << 6).then(|| sfloat("HbA1c", payload.array("HbA1c")?)).transpose()?;
    payload.end()?;
    Ok(GlucoseContext {
        sequence,
        carbohydrate,
        meal,
        tester: people.map(|it| it & 0x0F),
        health: people.map(|it| it >> 4),
        exercise,
        medication,
        is_medication_volume: is(1 << 5),
        hba1c,
    })
}

fn amount(payload: &mut Payload<'_>, field: &'static str) -> Result<Amount, DecodeError> {
    let kind = payload.byte(field)?;
    let amount = sfloat(field, payload.array(field)?)?;
    Ok(Amount { kind, amount })
}

fn exercise(payload: &mut Payload<'_>) -> Result<Exercise, DecodeError> {
    let duration_s = payload.u16_le("exercise duration")?;
    let intensity_percent = payload.byte("exercise intensity")?;
    Ok(Exercise { duration_s, intensity_percent })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::device::fixture::{bytes, prefixes};
    use crate::device::medfloat::NoValue;

    /// Ours, by the table: 50 g for lunch, after it, by the person, who is well; 30 min at 60 %;
    /// 4 mg of rapid insulin; `HbA1c` 6.4 %.
    const EVERY_FIELD: &str = "df04000002 32d0 02 51 08073c 01 04a0 40f0";

    fn every_field() -> String {
        EVERY_FIELD.replace(' ', "")
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn every_field_is_taken_in_its_place() {
        let context = decode(&bytes(&every_field())).unwrap();
        let exercise = Exercise { duration_s: 1800, intensity_percent: 60 };
        let expected = GlucoseContext {
            sequence: 4,
            carbohydrate: Some(Amount { kind: 2, amount: Ok(decimal("0.050")) }),
            meal: Some(2),
            tester: Some(1),
            health: Some(5),
            exercise: Some(exercise),
            medication: Some(Amount { kind: 1, amount: Ok(decimal("0.000004")) }),
            is_medication_volume: false,
            hba1c: Some(Ok(decimal("6.4"))),
        };
        assert_eq!(context, expected);
    }

    #[test]
    fn reserved_codes_are_kept() {
        let context = decode(&bytes("02040006")).unwrap();
        assert_eq!((context.sequence, context.meal), (4, Some(6)));
        assert_eq!(context.carbohydrate, None);
    }

    #[test]
    fn a_medication_may_be_a_volume() {
        let context = decode(&bytes("3001000305d0")).unwrap();
        let medication = Amount { kind: 3, amount: Ok(decimal("0.005")) };
        assert_eq!(context.medication, Some(medication));
        assert!(context.is_medication_volume);
    }

    #[test]
    fn special_codes_are_no_numbers() {
        let context = decode(&bytes("400100ff07")).unwrap();
        assert_eq!(context.hba1c, Some(Err(NoValue::NotANumber)));
    }

    #[test]
    fn every_length_but_the_promised_one_is_refused() {
        for prefix in prefixes(&every_field()) {
            assert!(matches!(decode(&prefix), Err(DecodeError::Truncated { .. })), "{prefix:02x?}");
        }
        let longer = decode(&bytes("0204000600"));
        assert_eq!(longer, Err(DecodeError::Trailing { n_trailing: 1, len_bytes: 5 }));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _context = decode(&bytes);
        }
    }
}
