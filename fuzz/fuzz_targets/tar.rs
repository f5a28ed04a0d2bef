#![no_main]

use libfuzzer_sys::fuzz_target;
use ocelli_data::{Source, TarSource};

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    // No fuzzer guesses a checksum, so every block that could be a header gets the right one.
    for block in bytes.as_chunks_mut::<512>().0.iter_mut().filter(|block| **block != [0; 512]) {
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        header.set_cksum();
        block.copy_from_slice(header.as_bytes());
    }
    if let Ok(source) = TarSource::from_bytes("fuzz.tar", bytes, None) {
        for index in 0..source.len() {
            source.read(index).expect("what was listed can be read");
        }
    }
});
