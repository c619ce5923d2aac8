//! Any bytes for the one decoder that `VITALGATE_TARGET` names.

#![no_main]

use std::env;
use std::sync::LazyLock;

use properties::{Look, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = env::var("VITALGATE_TARGET").expect("VITALGATE_TARGET names a target");
    Target::named(&name).expect("it is one of tests/fuzz/targets.txt")
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET.check(input, look(input)));

/// One input in 64 gets the whole look, and the same one every time.
fn look(input: &[u8]) -> Look {
    let sum = input.iter().fold(0_u8, |sum, it| sum.wrapping_add(*it));
    if sum & 0x3F == 0 { Look::Whole } else { Look::Short }
}
