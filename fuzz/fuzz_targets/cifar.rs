#![no_main]

use libfuzzer_sys::fuzz_target;
use ocelli_data::{Cifar, CifarSource, Source};

fuzz_target!(|bytes: &[u8]| {
    for cifar in [Cifar::Ten, Cifar::Hundred] {
        if let Ok(source) = CifarSource::from_bytes(cifar, "fuzz", bytes.to_vec()) {
            for index in 0..source.len() {
                source.read(index).expect("what was listed can be read");
            }
        }
    }
});
