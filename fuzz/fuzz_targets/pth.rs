#![no_main]

use libfuzzer_sys::fuzz_target;
use ocelli_nn::weights::{Limits, ReadOptions, StateDict};

/// The magic number, the protocol and the facts about the machine that open a legacy file.
const LEGACY_HEAD: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\
    \x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.";

fuzz_target!(|bytes: &[u8]| {
    read(bytes.to_vec());
    // No fuzzer guesses the head, so that the pickles behind it are reached.
    read([LEGACY_HEAD, bytes].concat());
});

fn read(bytes: Vec<u8>) {
    let limits = Limits { total_values: 1 << 20, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    if let Ok(dict) = StateDict::from_bytes("fuzz.pth", bytes, &options) {
        for entry in dict.iter() {
            let values = entry.values().expect("what was listed can be read");
            assert_eq!(values.len(), entry.shape().iter().product::<usize>());
        }
    }
}
