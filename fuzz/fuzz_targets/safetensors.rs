#![no_main]

use libfuzzer_sys::fuzz_target;
use ocelli_nn::weights::{Limits, ReadOptions, StateDict, safetensors};

fuzz_target!(|bytes: &[u8]| {
    read(bytes.to_vec());
    // No fuzzer guesses the length of the header, so a header without it gets one.
    if let Some(end) = bytes.iter().rposition(|&byte| byte == b'}') {
        let length = (end as u64 + 1).to_le_bytes();
        read([&length, bytes].concat());
    }
});

fn read(bytes: Vec<u8>) {
    let limits = Limits { total_values: 1 << 20, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    if let Ok(dict) = StateDict::from_bytes("fuzz.safetensors", bytes, &options) {
        safetensors::to_bytes(&dict).expect("what was read can be written");
    }
}
