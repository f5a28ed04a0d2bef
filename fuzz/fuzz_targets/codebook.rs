#![no_main]

use libfuzzer_sys::fuzz_target;
use ocelli_codebooks::{Clusters, ProductQuantizer, codes_from_bytes, codes_to_bytes};

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    // No fuzzer guesses the length of the header, so a header without it gets one.
    if let Some(end) = bytes.iter().rposition(|&byte| byte == b'}') {
        let length = (end as u64 + 1).to_le_bytes();
        read(&[&length, bytes].concat());
    }
    // Nor the checksum of centroids: a whole file of any, and then changes of a byte each.
    let [width, rows, rest @ ..] = bytes else { return };
    let width = usize::from(*width % 8) + 1;
    let (floats, rest) = rest.split_at(rest.len().min(4 * width * usize::from(*rows % 8)));
    let (values, _) = floats.as_chunks::<4>();
    let mut centroids: Vec<f32> = values.iter().map(|value| f32::from_le_bytes(*value)).collect();
    centroids.truncate(centroids.len() / width * width);
    let assignment = rest.iter().take(3).map(|byte| u32::from(*byte)).collect();
    let clusters = Clusters { centroids, width, assignment, notes: [].into() };
    let Ok(mut file) = clusters.to_bytes() else { return };
    read(&file);
    for change in rest.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % file.len();
        file[at] = change[2];
    }
    read(&file);
});

fn read(bytes: &[u8]) {
    if let Ok(clusters) = Clusters::from_bytes(bytes) {
        clusters.to_bytes().expect("what was read can be written");
    }
    if let Ok(quantizer) = ProductQuantizer::from_bytes(bytes) {
        quantizer.to_bytes().expect("what was read can be written");
    }
    if let Ok(codes) = codes_from_bytes(bytes) {
        codes_to_bytes(&codes).expect("what was read can be written");
    }
}
