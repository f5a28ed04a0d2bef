//! Whether a file is sound does not depend on what is wanted of it: decoding it whole, as
//! `verify` does, any crop of training, and evaluation agree on every file.

use super::{CASES, case, random_file};
use crate::decode::{Channels, DecodeOptions, decode};
use crate::testing::test_pattern;
use crate::{
    EvalConfig, EvalTransform, InputConfig, Limits, Payload, Scratch, TrainConfig, TrainTransform,
    Transform,
};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use ocelli_random::{ChaCha8Rng, Purpose, Seed};
use rand::RngExt;

const CROPS: u64 = 40;

/// All that reads a file, with buffers that live from file to file as in a loader.
struct Readers {
    train: TrainTransform,
    eval: EvalTransform,
    grey: EvalTransform,
    scratch: Scratch,
    output: Vec<f32>,
}

impl Readers {
    fn new() -> Self {
        let input = InputConfig { size: 16, ..InputConfig::default() };
        let grey = InputConfig {
            channels: 1,
            mean: vec![0.5],
            std: vec![0.5],
            apply_orientation: true,
            ..input.clone()
        };
        Self {
            train: TrainTransform::new(input.clone(), TrainConfig::default()).unwrap(),
            eval: EvalTransform::new(input, EvalConfig::default()).unwrap(),
            grey: EvalTransform::new(grey, EvalConfig::default()).unwrap(),
            scratch: Scratch::default(),
            output: vec![0.0; 3 * 16 * 16],
        }
    }

    /// Whether the file is sound, which all must agree on.
    fn verdict(&mut self, bytes: &[u8], crops: u64, what: &str) -> bool {
        let channels = Channels::AsStored;
        let whole = decode(bytes, &DecodeOptions { channels, ..DecodeOptions::default() });
        if let Err(error) = &whole {
            let message = error.to_string();
            assert!(!message.contains(['{', '(', '"']), "internals in a message: {message}");
        }
        let picture = Payload::Encoded(bytes.to_vec());
        let Self { train, eval, grey, scratch, output } = self;
        let mut is_sound = |transform: &dyn Transform, crop| {
            let mut random = Seed(1).stream(Purpose::AUGMENT, 0, crop);
            let output = &mut output[..transform.shape().iter().product()];
            transform.apply(&picture, &mut random, scratch, output).is_ok()
        };
        assert_eq!(is_sound(eval, 0), whole.is_ok(), "{what}: evaluation and {whole:?}");
        assert_eq!(is_sound(grey, 0), whole.is_ok(), "{what}: grey and {whole:?}");
        for crop in 0..crops {
            assert_eq!(is_sound(train, crop), whole.is_ok(), "{what}: crop {crop} and {whole:?}");
        }
        whole.is_ok()
    }
}

/// A photo with some noise.
fn photo(sampling: SamplingFactor, restart_interval: u16, is_progressive: bool) -> Vec<u8> {
    let (width, height) = (150, 110);
    let mut image = test_pattern(width, height, 3);
    let mut random = Seed(2).stream(Purpose("noise"), 0, 0);
    for pixel in &mut image.pixels {
        *pixel = (*pixel / 2).saturating_add(random.random_range(0..40));
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 85);
    encoder.set_sampling_factor(sampling);
    encoder.set_progressive(is_progressive);
    encoder.set_optimized_huffman_tables(is_progressive);
    encoder.set_restart_interval(restart_interval);
    encoder.encode(&image.pixels, width as u16, height as u16, ColorType::Rgb).unwrap();
    bytes
}

fn sound_files() -> Vec<(String, Vec<u8>)> {
    let mut files = vec![
        ("4:2:0".to_owned(), photo(SamplingFactor::R_4_2_0, 0, false)),
        ("4:4:4".to_owned(), photo(SamplingFactor::R_4_4_4, 0, false)),
        ("4:2:2, restarts".to_owned(), photo(SamplingFactor::R_4_2_2, 3, false)),
        ("4:1:1".to_owned(), photo(SamplingFactor::R_4_1_1, 0, false)),
        ("progressive".to_owned(), photo(SamplingFactor::R_4_2_0, 0, true)),
    ];
    for name in CASES {
        files.push((name.to_owned(), std::fs::read(case(&format!("{name}.jpg"))).unwrap()));
    }
    files.extend((0..12).map(|number| (format!("random {number}"), random_file(number).1)));
    files
}

/// Where the first marker with this code stands.
fn marker(bytes: &[u8], code: u8) -> Option<usize> {
    memchr::memmem::find(bytes, &[0xff, code])
}

/// A position in the data of a scan, not in a header.
fn in_data(bytes: &[u8], random: &mut ChaCha8Rng) -> usize {
    let start = marker(bytes, 0xda).unwrap() + 14;
    random.random_range(start.min(bytes.len() - 3)..bytes.len() - 2)
}

fn with_end(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0xff, 0xd9]].concat()
}

#[test]
fn sound_files_are_sound_for_all() {
    let mut readers = Readers::new();
    for (name, bytes) in sound_files() {
        assert!(readers.verdict(&bytes, CROPS, &name), "{name}");
    }
    for number in 12..200 {
        let (plan, bytes) = random_file(number);
        assert!(readers.verdict(&bytes, 3, "random"), "{plan:?}");
    }
}

#[test]
fn a_cut_is_found_by_all_wherever_it_is() {
    let mut readers = Readers::new();
    for (name, bytes) in sound_files() {
        let data = marker(&bytes, 0xda).unwrap() + 14;
        for step in 0..200 {
            let at = 2 + step * (bytes.len() - 4) / 200;
            let crops = if step % 20 == 0 { CROPS } else { 2 };
            let is_sound = readers.verdict(&with_end(&bytes[..at]), crops, &name);
            // The last bytes may be fill.
            assert!(!is_sound || at + 8 > bytes.len(), "{name}: sound, cut at {at} (data {data})");
        }
    }
}

#[test]
fn other_damage_is_judged_alike_by_all() {
    let mut readers = Readers::new();
    let mut random = Seed(3).stream(Purpose("damage"), 0, 0);
    let (mut refused, mut compared) = ([0; 4], 0);
    for (name, bytes) in sound_files() {
        for _ in 0..30 {
            let at = in_data(&bytes, &mut random);
            let end = (at + random.random_range(1..60)).min(bytes.len() - 2);
            let removed = [&bytes[..at], &bytes[end..]].concat();
            let mut zeroed = bytes.clone();
            zeroed[at..end].fill(0);
            let mut changed = bytes.clone();
            changed[at] ^= 1 << random.random_range(0..8);
            let mut anywhere = bytes.clone();
            anywhere[random.random_range(2..bytes.len())] = random.random();
            for (kind, damaged) in [removed, zeroed, changed, anywhere].iter().enumerate() {
                let is_small = crate::dimensions(damaged).is_ok_and(|(w, h)| w * h < 1 << 18);
                if is_small || marker(damaged, 0xc0).is_none() {
                    refused[kind] += usize::from(!readers.verdict(damaged, 3, &name));
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 2000);
    // Most of what is lost shows. A bit that is changed mostly gives another sound file.
    assert!(refused[0] > 500 && refused[1] > 500, "{refused:?} of {compared}");
}

#[test]
fn a_restart_marker_that_is_missing_is_found_by_all() {
    let mut readers = Readers::new();
    let bytes = photo(SamplingFactor::R_4_2_2, 3, false);
    let is_restart = |at: &usize| bytes[*at] == 0xff && (0xd0..=0xd7).contains(&bytes[*at + 1]);
    let data = marker(&bytes, 0xda).unwrap();
    let markers: Vec<usize> = (data..bytes.len() - 2).filter(is_restart).collect();
    assert!(markers.len() > 20);
    for at in markers {
        let without = [&bytes[..at], &bytes[at + 2..]].concat();
        assert!(!readers.verdict(&without, 2, "without a marker"));
        let mut other = bytes.clone();
        other[at + 1] ^= 1;
        assert!(!readers.verdict(&other, 2, "another marker"));
    }
}

#[test]
fn a_header_that_is_too_large_is_refused_before_memory_is_taken() {
    let mut readers = Readers::new();
    for (name, mut bytes) in sound_files() {
        let frame =
            [0xc0, 0xc1, 0xc2].iter().filter_map(|code| marker(&bytes, *code)).min().unwrap();
        let size = u32::from(bytes[frame + 5]) << 24
            | u32::from(bytes[frame + 6]) << 16
            | u32::from(bytes[frame + 7]) << 8
            | u32::from(bytes[frame + 8]);
        for (height, width) in
            [(10_000_u16, 10_000_u16), (1_000, 200), ((size >> 16) as u16 + 16, size as u16)]
        {
            bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
            bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
            assert!(!readers.verdict(&bytes, 3, &name), "{name}: {width}×{height}");
        }
    }
    let options = DecodeOptions { limits: Limits::default(), ..DecodeOptions::default() };
    let mut bytes = photo(SamplingFactor::R_4_2_0, 0, true);
    let frame = marker(&bytes, 0xc2).unwrap();
    bytes[frame + 5..frame + 9].copy_from_slice(&[0x27, 0x10, 0x27, 0x10]);
    let length = bytes.len();
    assert_eq!(
        decode(&bytes, &options).unwrap_err().to_string(),
        format!("JPEG file: {length} bytes are too few for the 10000×10000 pixels of its header")
    );
}

#[test]
fn a_file_without_image_data_is_refused_by_all() {
    let mut readers = Readers::new();
    for (name, bytes) in sound_files() {
        let scan = marker(&bytes, 0xda).unwrap();
        assert!(!readers.verdict(&with_end(&bytes[..scan]), CROPS, &name));
    }
    // Sound up to its last component.
    let separate = std::fs::read(case("scans_separate_420.jpg")).unwrap();
    let last = memchr::memmem::rfind(&separate, &[0xff, 0xda]).unwrap();
    assert!(!readers.verdict(&with_end(&separate[..last]), CROPS, "two of three scans"));
    let half = std::fs::read(case("cut_in_half_with_end_mark.jpg")).unwrap();
    assert!(!readers.verdict(&half, CROPS, "cut in half"));
}

#[test]
fn data_that_is_left_over_is_found_by_all() {
    let mut readers = Readers::new();
    for (name, bytes) in sound_files() {
        let mut longer = bytes[..bytes.len() - 2].to_vec();
        longer.extend([0x55; 9]);
        assert!(!readers.verdict(&with_end(&longer), 5, &name), "{name}");
        let trailing = [&bytes[..], b"bytes behind the end"].concat();
        assert!(readers.verdict(&trailing, 5, &name), "{name}");
    }
}
