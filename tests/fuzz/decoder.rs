//! Any bytes for the one decoder that `VITALGATE_TARGET` names.
//!
//! Each input is tried with [`N_NEIGHBOURS`] others that differ from it in one byte: libFuzzer takes
//! longer to look through its counters than a decoder to decode.

#![no_main]

use std::env;
use std::panic;
use std::sync::{LazyLock, Mutex, PoisonError};

use properties::{Look, Target};

/// Inputs that are tried beside each input of libFuzzer; `tests/campaigns/fuzz` knows of them.
const N_NEIGHBOURS: usize = 7;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let say_more = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let tried = TRIED.lock().unwrap_or_else(PoisonError::into_inner);
        let hex: String = tried.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("the bytes, as tests/fuzz/found.txt has them: {hex}");
        say_more(info);
    }));
    let name = env::var("VITALGATE_TARGET").expect("VITALGATE_TARGET names a target");
    Target::named(&name).expect("it is one of tests/fuzz/targets.txt")
});

/// What is being tried.
static TRIED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    attempt(input);
    let mut noise = hash(input);
    for _ in 0..N_NEIGHBOURS {
        noise = noise.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        let mut neighbour = input.to_vec();
        let [byte, .., low, high] = noise.to_be_bytes();
        let position = usize::from(u16::from_le_bytes([low, high])) % input.len().max(1);
        if let Some(it) = neighbour.get_mut(position) {
            *it = byte;
        }
        attempt(&neighbour);
    }
});

fn attempt(input: &[u8]) {
    input.clone_into(&mut TRIED.lock().unwrap_or_else(PoisonError::into_inner));
    TARGET.check(input, look(input));
}

/// FNV-1a: the neighbours of an input are the same ones every time.
fn hash(input: &[u8]) -> u64 {
    input.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// One input in 64 gets the whole look, and the same one every time.
fn look(input: &[u8]) -> Look {
    let sum = input.iter().fold(0_u8, |sum, it| sum.wrapping_add(*it));
    if sum & 0x3F == 0 { Look::Whole } else { Look::Short }
}
