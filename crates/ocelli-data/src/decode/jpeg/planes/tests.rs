use super::super::whole;
use super::*;
use crate::testing::test_pattern;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

const FILES: [(&str, &[u8]); 7] = [
    ("stray bytes", include_bytes!("../../../../tests/jpeg_cases/zero_bytes_before_dqt.jpg")),
    ("4:2:0", include_bytes!("../../../../tests/images/baseline_420.jpg")),
    ("4:4:4", include_bytes!("../../../../tests/images/baseline_444.jpg")),
    ("4:2:2, restarts", include_bytes!("../../../../tests/images/restart_422.jpg")),
    ("grey", include_bytes!("../../../../tests/images/grey.jpg")),
    ("progressive", include_bytes!("../../../../tests/images/progressive_420.jpg")),
    ("RGB", include_bytes!("../../../../tests/images/rgb_by_ids.jpg")),
];

fn read(decoder: &mut PlaneDecoder, bytes: &[u8], upright_only: bool) -> Result<Option<Header>> {
    decoder.read(bytes, upright_only, &Limits::default())
}

/// The whole planes, row by row.
fn planes(decoder: &mut PlaneDecoder, header: &Header) -> Vec<Vec<u8>> {
    let Frame { width, height, .. } = header.frame;
    let planes = decoder.decode(header, Region::whole(width, height), true, 1.0).unwrap();
    let rows = planes.iter().map(|plane| {
        let Region { width, height, .. } = plane.region;
        let at = |x, y| plane.pixels[(x * plane.height + y) as usize];
        (0..height).flat_map(|y| (0..width).map(move |x| at(x, y))).collect()
    });
    rows.collect()
}

fn luma(decoder: &mut PlaneDecoder, header: &Header) -> Vec<u8> {
    planes(decoder, header).swap_remove(0)
}

/// By how much a sample of any plane differs from what decoding the whole file gives, at most.
/// Colours would not do for the comparison: mixing cuts off what lies outside the cube of colours.
fn largest_difference(bytes: &[u8]) -> u8 {
    let mut decoder = PlaneDecoder::default();
    let header = read(&mut decoder, bytes, false).unwrap().unwrap();
    let ours = planes(&mut decoder, &header);
    let mut reader = Reader::new(bytes);
    let frame = reader.frame().unwrap();
    let samples = whole::decode(reader, &frame).unwrap();
    let mut largest = 0;
    for ((component, samples), ours) in frame.components.iter().zip(samples).zip(ours) {
        let (width, height) = frame.samples_of(component);
        let (width, height) = (width as u32, height as u32);
        let alone = Component { across: 1, down: 1, ..component.clone() };
        let frame = Frame { width, height, is_progressive: false, components: vec![alone] };
        let whole = whole::pixels(&frame, Model::Grey, &[samples], 1);
        assert_eq!(ours.len(), whole.len());
        let differences = ours.iter().zip(&whole).map(|(ours, whole)| ours.abs_diff(*whole));
        largest = largest.max(differences.max().unwrap());
    }
    largest
}

#[test]
fn planes_are_those_of_the_whole_picture() {
    for (name, bytes) in &FILES[..5] {
        // The inverse transform there works on integers.
        let difference = largest_difference(bytes);
        assert!(difference <= 1, "{name}: {difference}");
    }
}

#[test]
fn a_region_is_a_part_of_the_whole() {
    let mut decoder = PlaneDecoder::default();
    for (name, bytes) in &FILES[..5] {
        let header = read(&mut decoder, bytes, false).unwrap().unwrap();
        let whole = luma(&mut decoder, &header);
        let (width, height) = (header.frame.width, header.frame.height);
        for (left, top, right, bottom) in [
            (0, 0, 1, 1),
            (width / 3, height / 4, width / 2, height / 2),
            (width - 1, height - 1, width, height),
            (9, 7, width - 3, height - 5),
        ] {
            let region = Region { left, top, width: right - left, height: bottom - top };
            let plane = &decoder.decode(&header, region, true, 1.0).unwrap()[0];
            assert_eq!(plane.region, region);
            for (x, y) in (left..right).flat_map(|x| (top..bottom).map(move |y| (x, y))) {
                let at = (x - plane.left) * plane.height + y - plane.top;
                assert_eq!(
                    plane.pixels[at as usize],
                    whole[(y * width + x) as usize],
                    "{name} at ({x}, {y})"
                );
            }
        }
    }
}

/// A JPEG of a synthetic picture.
fn encoded(
    (width, height): (u32, u32),
    sampling: SamplingFactor,
    quality: u8,
    restart_interval: u16,
) -> Vec<u8> {
    let image = test_pattern(width, height, 3);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(sampling);
    encoder.set_restart_interval(restart_interval);
    encoder.encode(&image.pixels, width as u16, height as u16, ColorType::Rgb).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    #[test]
    fn every_region_of_every_sampling_is_a_part_of_the_whole(
        width in 1_u32..70,
        height in 1_u32..70,
        quality in 20_u8..=100,
        restart_interval in 0_u16..6,
        sampling in 0_usize..4,
        cut in prop::array::uniform4(0.0_f64..1.0),
    ) {
        let sampling = [
            SamplingFactor::R_4_4_4,
            SamplingFactor::R_4_4_0,
            SamplingFactor::R_4_2_2,
            SamplingFactor::R_4_2_0,
        ][sampling];
        let bytes = encoded((width, height), sampling, quality, restart_interval);
        let mut decoder = PlaneDecoder::default();
        let header = read(&mut decoder, &bytes, false).unwrap().unwrap();
        let part = |len: u32, start: f64, size: f64| {
            let start = (start * f64::from(len)) as u32;
            (start, 1 + (size * f64::from(len - start - 1)) as u32)
        };
        let (left, width_here) = part(width, cut[0], cut[1]);
        let (top, height_here) = part(height, cut[2], cut[3]);
        let region = Region { left, top, width: width_here, height: height_here };
        let pixel = |plane: &Plane, x: u32, y: u32| {
            plane.pixels[((x - plane.left) * plane.height + y - plane.top) as usize]
        };
        let mut whole = PlaneDecoder::default();
        read(&mut whole, &bytes, false).unwrap();
        let whole = whole.decode(&header, Region::whole(width, height), true, 1.0).unwrap();
        for (part, whole) in decoder.decode(&header, region, true, 1.0).unwrap().iter().zip(whole) {
            let Region { left, top, width, height } = part.region;
            for (x, y) in (left..left + width).flat_map(|x| (top..top + height).map(move |y| (x, y)))
            {
                prop_assert_eq!(pixel(part, x, y), pixel(whole, x, y));
            }
        }
    }

    #[test]
    fn planes_of_every_quality_are_those_of_the_whole_picture(
        width in 1_u32..70,
        height in 1_u32..70,
        quality in 20_u8..=100,
    ) {
        let bytes = encoded((width, height), SamplingFactor::R_4_2_0, quality, 0);
        prop_assert!(largest_difference(&bytes) <= 1);
    }

    #[test]
    fn noise_in_the_file_never_panics(
        changes in prop::collection::vec((0_usize..4000, any::<u8>()), 1..6),
        restart_interval in 0_u16..4,
    ) {
        let mut bytes = encoded((40, 30), SamplingFactor::R_4_2_0, 90, restart_interval);
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let mut decoder = PlaneDecoder::default();
        if let Ok(Some(header)) = read(&mut decoder, &bytes, false)
            && header.frame.width * header.frame.height < 1 << 20
        {
            let _ = decoder.decode(&header, Region::whole(header.frame.width, header.frame.height), true, 1.0);
        }
    }
}

#[test]
fn other_kinds_of_files_are_decoded_whole() {
    let mut decoder = PlaneDecoder::default();
    for (name, bytes) in &FILES[5..] {
        assert!(read(&mut decoder, bytes, false).unwrap().is_none(), "{name}");
    }
    let turned = include_bytes!("../../../../tests/images/turned.jpg");
    assert!(read(&mut decoder, turned, true).unwrap().is_none());
    assert!(read(&mut decoder, turned, false).unwrap().is_some());
}

#[test]
fn tables_of_the_file_before_are_not_used() {
    let bytes = encoded((20, 20), SamplingFactor::R_4_2_0, 90, 0);
    let mut decoder = PlaneDecoder::default();
    assert!(read(&mut decoder, &bytes, false).unwrap().is_some());
    // The quantisation tables become a comment, and the scan asks for Huffman tables that are not
    // those of Motion JPEG.
    for (marker, at, value) in [(0xdb, 1, 0xfe), (0xda, 6, 0x22)] {
        let mut without = bytes.clone();
        let mut from = 0;
        while let Some(found) = memchr::memmem::find(&without[from..], &[0xff, marker]) {
            without[from + found + at] = value;
            from += found + 2;
        }
        assert!(read(&mut decoder, &without, false).is_err());
        assert!(read(&mut decoder, &bytes, false).unwrap().is_some());
    }
}

#[test]
fn a_cut_file_is_an_error_wherever_it_is_cut() {
    let mut decoder = PlaneDecoder::default();
    for (name, bytes) in &FILES[..5] {
        for end in 2..bytes.len() {
            assert!(read(&mut decoder, &bytes[..end], false).is_err(), "{name} cut at {end}");
        }
    }
}

#[test]
fn damaged_data_never_panics() {
    let mut decoder = PlaneDecoder::default();
    for (_, bytes) in &FILES[..5] {
        for at in 2..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 0x55;
            let Ok(Some(header)) = read(&mut decoder, &damaged, false) else { continue };
            if header.frame.width * header.frame.height < 1 << 20 {
                let region = Region::whole(header.frame.width, header.frame.height);
                let _ = decoder.decode(&header, region, true, 1.0);
            }
        }
    }
}
