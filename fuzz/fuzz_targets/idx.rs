#![no_main]

use libfuzzer_sys::fuzz_target;
use ocelli_data::{IdxSource, Source};

fuzz_target!(|files: (&[u8], &[u8])| {
    if let Ok(source) = IdxSource::from_bytes("fuzz", files.0, files.1, None) {
        for index in 0..source.len() {
            source.read(index).expect("what was listed can be read");
        }
    }
});
