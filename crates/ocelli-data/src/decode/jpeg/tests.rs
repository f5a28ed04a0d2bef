//! Files of every kind, and what must be read and refused whatever is wanted of them.

mod reference;
mod verdicts;

use crate::decode::{DecodeOptions, decode};
use crate::{EvalConfig, EvalTransform, Image, InputConfig, Payload, Scratch, Transform};
use ocelli_random::{Purpose, Seed};
use ocelli_testkit::jpeg::{JpegPlan, write};
use std::path::{Path, PathBuf};

/// What users of other projects have reported: scans of one component each, and the like. The
/// pixels beside them are those of libjpeg-turbo.
const CASES: [&str; 7] = [
    "scans_separate_420",
    "scans_separate_422",
    "scans_separate_440",
    "scans_separate_restart_420",
    "scans_luma_then_chroma_420",
    "luma_smaller_than_chroma",
    "zero_bytes_before_dqt",
];

fn case(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jpeg_cases").join(file)
}

/// A file that someone had trouble with, and what should become of it.
fn read_case(name: &str) -> (Vec<u8>, Image) {
    let read = |extension| std::fs::read(case(&format!("{name}.{extension}"))).unwrap();
    (read("jpg"), decode(&read("png"), &DecodeOptions::default()).unwrap())
}

/// A random file of any kind.
fn random_file(number: u64) -> (JpegPlan, Vec<u8>) {
    let mut random = Seed(15).stream(Purpose("random jpeg"), 0, number);
    let plan = JpegPlan::random(&mut random);
    let bytes = write(&plan, &mut random);
    (plan, bytes)
}

#[test]
fn reported_files_are_decoded_as_by_libjpeg_turbo() {
    for name in CASES {
        let (bytes, expected) = read_case(name);
        let image = decode(&bytes, &DecodeOptions::default()).unwrap();
        assert!(image == expected, "{name}: not the same to the bit");
    }
}

#[test]
fn reported_files_are_transformed_as_their_pixels_are() {
    let mut scratch = Scratch::default();
    for name in CASES {
        let (bytes, expected) = read_case(name);
        for size in [24, 64] {
            let input = InputConfig {
                size,
                mean: vec![0.0],
                std: vec![1.0 / 255.0],
                ..InputConfig::default()
            };
            let transform = EvalTransform::new(input, EvalConfig::default()).unwrap();
            let [ours, theirs] =
                [Payload::Encoded(bytes.clone()), Payload::Pixels(expected.clone())].map(
                    |picture| {
                        let mut output = vec![0.0; transform.shape().iter().product()];
                        let mut random = Seed(0).stream(Purpose::AUGMENT, 0, 0);
                        transform.apply(&picture, &mut random, &mut scratch, &mut output).unwrap();
                        output
                    },
                );
            let differences = ours.iter().zip(&theirs).map(|(ours, theirs)| (ours - theirs).abs());
            let largest = differences.clone().fold(0.0, f32::max);
            let mean = differences.sum::<f32>() / ours.len() as f32;
            // Where the planes are resized one by one, chroma is blurred once less.
            let is_by_planes = name == "zero_bytes_before_dqt";
            let (usual, most) = if is_by_planes { (3.0, 40.0) } else { (0.0, 0.0) };
            assert!(mean <= usual && largest <= most, "{name} {size}: {mean}, at most {largest}");
        }
    }
}

/// Sampling factors, scripts of scans, restart intervals, sizes, colours and tables at random. The
/// reference rounds nothing, so that a level or two of 255 is what roundings add up to.
#[test]
fn random_files_are_decoded_as_by_the_reference() {
    let (mut largest, mut largest_mean) = (0.0_f64, 0.0_f64);
    for number in 0..400 {
        let (plan, bytes) = random_file(number);
        let image = decode(&bytes, &DecodeOptions::default())
            .unwrap_or_else(|error| panic!("file {number}: {error}: {plan:?}"));
        let (width, height, expected) = reference::decode(&bytes);
        assert_eq!((image.width as usize, image.height as usize), (width, height));
        let pairs = image.pixels.iter().zip(expected.iter().flatten());
        let differences = pairs.map(|(ours, expected)| (f64::from(*ours) - expected).abs());
        let (most, mean) = (
            differences.clone().fold(0.0, f64::max),
            differences.sum::<f64>() / image.pixels.len() as f64,
        );
        assert!(most < 3.5 && mean < 0.75, "file {number}: {mean}, at most {most}: {plan:?}");
        (largest, largest_mean) = (largest.max(most), largest_mean.max(mean));
    }
    ocelli_testkit::figure("JPEG, largest difference to the reference", largest);
    ocelli_testkit::figure("JPEG, largest mean difference to the reference", largest_mean);
}

#[test]
fn a_band_that_is_never_sent_is_missed() {
    let progressive = include_bytes!("../../../tests/images/progressive_420.jpg");
    let last_scan = memchr::memmem::rfind(progressive, &[0xff, 0xda]).unwrap();
    let without = [&progressive[..last_scan], &[0xff, 0xd9]].concat();
    let error = decode(&without, &DecodeOptions::default()).unwrap_err().to_string();
    assert_eq!(error, "JPEG file: the image data is incomplete: scans are missing");
}

#[test]
fn motion_jpeg_needs_no_huffman_tables() {
    let mut frame = include_bytes!("../../../tests/images/baseline_420.jpg").to_vec();
    let expected = decode(&frame, &DecodeOptions::default()).unwrap();
    while let Some(table) = memchr::memmem::find(&frame, &[0xff, 0xc4]) {
        let length = usize::from(frame[table + 2]) << 8 | usize::from(frame[table + 3]);
        frame.drain(table..table + 2 + length);
    }
    assert!(decode(&frame, &DecodeOptions::default()).unwrap() == expected);
}
