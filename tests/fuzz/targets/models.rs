//! Anything that a device of any model of the catalogue may send, in any pieces and at any time.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::models(input));
