//! Any bytes of any format that `vitalgate device decode` knows.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::formats(input));
