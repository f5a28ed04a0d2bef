#![no_main]

use libfuzzer_sys::fuzz_target;
use ocelli_data::{DecodeOptions, Limits, decode, dimensions};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { pixels: 1 << 20, ..Limits::default() };
    let options = DecodeOptions { apply_orientation: true, limits, ..DecodeOptions::default() };
    let _ = dimensions(bytes);
    if let Ok(image) = decode(bytes, &options) {
        assert_eq!(image.pixels.len(), 3 * image.width as usize * image.height as usize);
    }
});
