//! Fixtures and their expected pixels are made by `make_decode_fixtures.py` and
//! `make_bitmap_fixtures.py` of `bench/peers`.

mod bitmaps;

use super::*;
use crate::{Error, Limits};
use proptest::prelude::*;
use std::path::Path;

const WIDTH: u32 = 19;
const HEIGHT: u32 = 13;

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images");
    std::fs::read(folder.join(name)).unwrap()
}

fn decode_as_stored(bytes: &[u8]) -> Result<Image> {
    let channels = Channels::AsStored;
    decode(bytes, &DecodeOptions { channels, ..DecodeOptions::default() })
}

/// The largest difference to what Pillow gives.
fn difference_to_pillow(name: &str) -> u8 {
    let image = decode_as_stored(&fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!((image.width, image.height), (WIDTH, HEIGHT), "{name}");
    let expected = fixture(&format!("{}.raw", name.replace('.', "_")));
    assert_eq!(image.pixels.len(), expected.len(), "{name}");
    image.pixels.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn lossless_files_decode_exactly_as_in_pillow() {
    for name in [
        "rgb.png",
        "rgb_16.png",
        "rgba.png",
        "grey.png",
        "grey_16.png",
        "grey_alpha.png",
        "black_white.png",
        "palette_4.png",
        "palette_transparent.png",
        "animated.png",
        "turned.png",
        "lossless.webp",
        "alpha.webp",
        "animated.webp",
        "turned.webp",
    ] {
        assert_eq!(difference_to_pillow(name), 0, "{name}");
    }
}

#[test]
fn jpegs_decode_exactly_as_in_pillow() {
    for name in [
        "baseline_444.jpg",
        "baseline_420.jpg",
        "progressive_420.jpg",
        "restart_422.jpg",
        "grey.jpg",
        "cmyk_adobe.jpg",
        "cmyk_plain.jpg",
        "ycck.jpg",
        "rgb_by_ids.jpg",
        "rgb_by_adobe.jpg",
        "turned.jpg",
    ] {
        assert_eq!(difference_to_pillow(name), 0, "{name}");
    }
}

#[test]
fn lossy_webps_decode_nearly_as_in_pillow() {
    for name in ["lossy.webp", "lossy_alpha.webp"] {
        let difference = difference_to_pillow(name);
        assert!(difference <= 4, "{name}: {difference}");
    }
}

#[test]
fn channels_are_as_asked_for() {
    for (name, stored) in [("grey.jpg", 1), ("grey_16.png", 1), ("rgb.png", 3), ("ycck.jpg", 3)] {
        let bytes = fixture(name);
        for (channels, count) in
            [(Channels::Grey, 1), (Channels::Rgb, 3), (Channels::AsStored, stored)]
        {
            let options = DecodeOptions { channels, ..DecodeOptions::default() };
            let image = decode(&bytes, &options).unwrap();
            assert_eq!(image.channels, count, "{name} {channels:?}");
            assert_eq!(image.pixels.len(), (WIDTH * HEIGHT) as usize * usize::from(count));
        }
    }
}

#[test]
fn orientation_is_applied_only_on_demand() {
    for name in ["turned.jpg", "turned.png", "turned.webp"] {
        let bytes = fixture(name);
        let stored = decode(&bytes, &DecodeOptions::default()).unwrap();
        assert_eq!((stored.width, stored.height), (WIDTH, HEIGHT), "{name}");
        let options = DecodeOptions { apply_orientation: true, ..DecodeOptions::default() };
        let seen = decode(&bytes, &options).unwrap();
        assert_eq!((seen.width, seen.height), (HEIGHT, WIDTH), "{name}");
        // Orientation 6: the first row as seen is the first column as stored, from below.
        let below = ((HEIGHT - 1) * WIDTH * 3) as usize;
        assert_eq!(seen.pixels[..3], stored.pixels[below..below + 3], "{name}");
    }
}

#[test]
fn dimensions_come_from_the_header() {
    for entry in
        std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images")).unwrap()
    {
        let path = entry.unwrap().path();
        if path.extension().unwrap() != "raw" {
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(dimensions(&bytes).unwrap(), (WIDTH, HEIGHT), "{}", path.display());
        }
    }
}

/// All of these are complete up to their last byte.
const CONTAINERS: [&str; 32] = [
    "baseline_420.jpg",
    "progressive_420.jpg",
    "restart_422.jpg",
    "cmyk_adobe.jpg",
    "rgb_by_adobe.jpg",
    "rgb_16.png",
    "palette_4.png",
    "animated.png",
    "lossy.webp",
    "alpha.webp",
    "lossy_alpha.webp",
    "animated.webp",
    "missing_frames.png",
    "promises.webp",
    "interlaced.gif",
    "animated.gif",
    "over_the_edge.gif",
    "top_down.bmp",
    "rgba.bmp",
    "rgb_lzw.tif",
    "rgb_deflate.tif",
    "rgb_packbits.tif",
    "rgb_16.tif",
    "rgb_tiles.tif",
    "rgb_planes.tif",
    "rgb_big.tif",
    "rgba_multiplied.tif",
    "grey_4_inverted.tif",
    "palette_4.tif",
    "raw.pbm",
    "raw_16.ppm",
    "raw_100.ppm",
];

#[test]
fn every_cut_file_is_an_error() {
    for name in CONTAINERS {
        let bytes = fixture(name);
        for len in 0..bytes.len() {
            let result = decode(&bytes[..len], &DecodeOptions::default());
            assert!(result.is_err(), "{name}, cut after {len} of {} bytes", bytes.len());
        }
    }
}

#[test]
fn a_cut_file_is_said_to_be_cut() {
    for name in ["baseline_420.jpg", "rgb.png", "lossy.webp"] {
        let bytes = fixture(name);
        let error = decode_as_stored(&bytes[..bytes.len() * 2 / 3]).unwrap_err();
        assert!(matches!(error, Error::CutImage { .. }), "{name}: {error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_thumbnail_does_not_hide_a_cut() {
    // An EXIF segment with a whole JPEG inside, as cameras write it, has its own end marker.
    let whole = fixture("baseline_420.jpg");
    let content = [b"Exif\0\0", whole.as_slice()].concat();
    let length = (content.len() as u16 + 2).to_be_bytes();
    let bytes = [&[0xff, 0xd8, 0xff, 0xe1], &length[..], &content, &whole[2..]].concat();
    assert!(decode_as_stored(&bytes).is_ok());
    let cut = &bytes[..bytes.len() - 100];
    assert!(matches!(decode_as_stored(cut), Err(Error::CutImage { .. })));
}

#[test]
fn bytes_after_the_end_are_ignored() {
    for name in ["baseline_420.jpg", "rgb.png", "lossy.webp"] {
        let bytes = [fixture(name), b"trailing bytes".to_vec()].concat();
        assert!(decode_as_stored(&bytes).is_ok(), "{name}");
    }
}

#[test]
fn the_pixel_limit_is_checked_from_the_header() {
    let limits = Limits { pixels: u64::from(WIDTH * HEIGHT) - 1, ..Limits::default() };
    let options = DecodeOptions { limits, ..DecodeOptions::default() };
    for name in CONTAINERS {
        let error = decode(&fixture(name), &options).unwrap_err();
        assert!(
            matches!(error, Error::TooManyPixels { width: WIDTH, height: HEIGHT, .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn an_absurd_size_takes_no_memory() {
    let mut png = fixture("rgb.png");
    png[16..24].fill(0x7f);
    assert!(matches!(decode_as_stored(&png), Err(Error::TooManyPixels { .. })));

    let mut jpeg = fixture("baseline_420.jpg");
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xff);
    assert!(matches!(decode_as_stored(&jpeg), Err(Error::TooManyPixels { .. })));

    // The canvas is small, but the bitstream inside claims 16,383 × 16,383 pixels.
    let mut webp = fixture("lossy_alpha.webp");
    let start = webp.windows(3).position(|bytes| bytes == [0x9d, 0x01, 0x2a]).unwrap();
    webp[start + 3..start + 7].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    assert!(matches!(decode_as_stored(&webp), Err(Error::TooManyPixels { .. })));
}

#[test]
fn the_file_limit_is_checked_first() {
    let limits = Limits { file_bytes: 10, ..Limits::default() };
    let options = DecodeOptions { limits, ..DecodeOptions::default() };
    let error = decode(&fixture("rgb.png"), &options).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 10, .. }));
}

#[test]
fn unsupported_jpegs_are_named() {
    let bytes = fixture("baseline_420.jpg");
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let message = |at: usize, value: u8| {
        let mut changed = bytes.clone();
        changed[frame + at] = value;
        decode_as_stored(&changed).unwrap_err().to_string()
    };
    assert_eq!(message(1, 0xc3), "JPEG file: lossless coding is not supported");
    assert_eq!(message(1, 0xc9), "JPEG file: arithmetic coding is not supported");
    assert_eq!(message(4, 12), "JPEG file: samples of 12 bits are not supported, only of 8");
    assert_eq!(message(9, 2), "JPEG file: 2 components, expected 1, 3 or 4");
}

#[test]
fn a_flipped_bit_in_a_png_is_found_by_its_checksum() {
    let mut bytes = fixture("rgb.png");
    let data = bytes.windows(4).position(|kind| kind == b"IDAT").unwrap();
    bytes[data + 20] ^= 1;
    assert!(matches!(decode_as_stored(&bytes), Err(Error::BadImage { .. })));
}

/// The file with another content of its first chunk of this kind, and the right checksum.
fn with_chunk(png: &[u8], kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let start = png.windows(4).position(|found| found == kind.as_slice()).unwrap();
    let length: [u8; 4] = png[start - 4..start].try_into().unwrap();
    let end = start + 8 + u32::from_be_bytes(length) as usize;
    let mut checksum = flate2::Crc::new();
    checksum.update(&kind);
    checksum.update(content);
    let length = (content.len() as u32).to_be_bytes();
    let sum = checksum.sum().to_be_bytes();
    [&png[..start - 4], &length, &kind, content, &sum, &png[end..]].concat()
}

#[test]
fn a_palette_of_an_odd_length_is_an_error() {
    let png = fixture("palette_4.png");
    assert!(decode_as_stored(&with_chunk(&png, *b"PLTE", &[7; 48])).is_ok());
    for len in [4, 49, 3 * 256 + 1, 3 * 257] {
        let error = decode_as_stored(&with_chunk(&png, *b"PLTE", &vec![7; len])).unwrap_err();
        assert!(matches!(error, Error::BadImage { .. }), "{len} bytes: {error}");
    }
}

#[test]
fn reference_photos_decode() {
    let Some(path) = ocelli_testkit::reference_data("imagenet_samples/originals.tar") else {
        return;
    };
    let source = crate::open(&path.display().to_string(), &crate::OpenOptions::default()).unwrap();
    for index in 0..source.len() {
        let record = source.read(index).unwrap();
        let crate::Payload::Encoded(bytes) = record.payload else { panic!("pixels") };
        let image = decode(&bytes, &DecodeOptions::default()).unwrap();
        assert_eq!(dimensions(&bytes).unwrap(), (image.width, image.height), "{}", record.name);
    }
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    #[test]
    fn damaged_files_never_panic(
        which in 0..CONTAINERS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = fixture(CONTAINERS[which]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut {
            bytes.truncate(keep.index(bytes.len()));
        }
        let _ = dimensions(&bytes);
        let limits = Limits { pixels: 1 << 20, ..Limits::default() };
        let options = DecodeOptions { limits, ..DecodeOptions::default() };
        if let Ok(image) = decode(&bytes, &options) {
            let pixels = image.width as usize * image.height as usize;
            prop_assert_eq!(image.pixels.len(), 3 * pixels);
        }
    }
}
