use super::*;
use crate::testing::mean_difference;
use crate::{Channels, DecodeOptions, decode};

const FILES: [(&str, &[u8]); 6] = [
    ("4:2:0", include_bytes!("../../../../tests/images/baseline_420.jpg")),
    ("4:4:4", include_bytes!("../../../../tests/images/baseline_444.jpg")),
    ("4:2:2, restarts", include_bytes!("../../../../tests/images/restart_422.jpg")),
    ("grey", include_bytes!("../../../../tests/images/grey.jpg")),
    ("progressive", include_bytes!("../../../../tests/images/progressive_420.jpg")),
    ("RGB", include_bytes!("../../../../tests/images/rgb_by_ids.jpg")),
];

/// The whole luma plane, row by row.
fn luma(decoder: &mut PlaneDecoder, header: &Header) -> Vec<u8> {
    let plane =
        &decoder.decode(header, Region::whole(header.width, header.height), true).unwrap()[0];
    let at = |x, y| plane.pixels[(x * plane.height + y) as usize];
    (0..header.height).flat_map(|y| (0..header.width).map(move |x| at(x, y))).collect()
}

#[test]
fn luma_is_that_of_the_general_decoder() {
    let options = DecodeOptions { channels: Channels::Grey, ..DecodeOptions::default() };
    let mut decoder = PlaneDecoder::default();
    for (name, bytes) in &FILES[..4] {
        let header = decoder.read(bytes, false).unwrap().unwrap();
        let image = decode(bytes, &options).unwrap();
        assert_eq!((header.width, header.height), (image.width, image.height));
        // Its inverse transform is less exact: single pixels differ by up to 4.
        let difference = mean_difference(&luma(&mut decoder, &header), &image.pixels);
        assert!(difference < 0.5, "{name}: {difference}");
    }
}

#[test]
fn a_region_is_a_part_of_the_whole() {
    let mut decoder = PlaneDecoder::default();
    for (name, bytes) in &FILES[..4] {
        let header = decoder.read(bytes, false).unwrap().unwrap();
        let whole = luma(&mut decoder, &header);
        let (width, height) = (header.width, header.height);
        for (left, top, right, bottom) in [
            (0, 0, 1, 1),
            (width / 3, height / 4, width / 2, height / 2),
            (width - 1, height - 1, width, height),
            (9, 7, width - 3, height - 5),
        ] {
            let region = Region { left, top, width: right - left, height: bottom - top };
            let plane = &decoder.decode(&header, region, true).unwrap()[0];
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

#[test]
fn other_kinds_of_files_are_left_to_the_general_decoder() {
    let mut decoder = PlaneDecoder::default();
    for (name, bytes) in &FILES[4..] {
        assert!(decoder.read(bytes, false).unwrap().is_none(), "{name}");
    }
    let turned = include_bytes!("../../../../tests/images/turned.jpg");
    assert!(decoder.read(turned, true).unwrap().is_none());
    assert!(decoder.read(turned, false).unwrap().is_some());
}

#[test]
fn a_cut_file_is_an_error_wherever_it_is_cut() {
    let mut decoder = PlaneDecoder::default();
    for (name, bytes) in &FILES[..4] {
        for end in 2..bytes.len() {
            assert!(decoder.read(&bytes[..end], false).is_err(), "{name} cut at {end}");
        }
    }
}

#[test]
fn damaged_data_never_panics() {
    let mut decoder = PlaneDecoder::default();
    for (_, bytes) in &FILES[..4] {
        for at in 2..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 0x55;
            let Ok(Some(header)) = decoder.read(&damaged, false) else { continue };
            if header.width * header.height < 1 << 20 {
                let region = Region::whole(header.width, header.height);
                let _ = decoder.decode(&header, region, true);
            }
        }
    }
}
