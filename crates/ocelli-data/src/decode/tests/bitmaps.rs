//! GIF, BMP, TIFF and PNM, and what is odd in PNG and WebP files: pixels as Pillow's.

use super::*;

#[test]
fn bitmaps_decode_exactly_as_in_pillow() {
    for name in [
        "palette.gif",
        "interlaced.gif",
        "grey.gif",
        "transparent.gif",
        "animated.gif",
        "partial.gif",
        "over_the_edge.gif",
        "black_white.bmp",
        "palette_4.bmp",
        "palette_8.bmp",
        "grey.bmp",
        "rgb.bmp",
        "os2.bmp",
        "rgb_555.bmp",
        "rgb_565.bmp",
        "top_down.bmp",
        "rgba.bmp",
        "run_length_8.bmp",
        "run_length_4.bmp",
        "rgb.tif",
        "rgb_lzw.tif",
        "rgb_deflate.tif",
        "rgb_packbits.tif",
        "rgb_16.tif",
        "rgb_tiles.tif",
        "rgb_planes.tif",
        "rgb_big.tif",
        "rgba.tif",
        "rgba_multiplied.tif",
        "grey.tif",
        "grey_16.tif",
        "grey_4_inverted.tif",
        "black_white.tif",
        "palette_4.tif",
        "palette_8.tif",
        "turned.tif",
        "plain.pbm",
        "raw.pbm",
        "plain.pgm",
        "raw.pgm",
        "plain.ppm",
        "raw.ppm",
        "raw_16.ppm",
        "raw_100.ppm",
    ] {
        assert_eq!(difference_to_pillow(name), 0, "{name}");
    }
}

#[test]
fn damaged_frames_behind_the_default_image_do_not_matter() {
    for name in [
        "bad_frames.png",
        "missing_frames.png",
        "bad_checksum_in_frames.png",
        "cut_frames.png",
        "no_frames.png",
    ] {
        assert_eq!(difference_to_pillow(name), 0, "{name}");
    }
    // The same of a GIF: its second frame is nonsense, and its end mark is there.
    let whole = fixture("animated.gif");
    let mut damaged = whole.clone();
    let second = whole.windows(2).rposition(|pair| pair == [b'!', 0xf9]).unwrap();
    let len = damaged.len();
    damaged[second + 8 + 10 + 1..len - 2].fill(0);
    let pixels = |bytes: &[u8]| decode_as_stored(bytes).unwrap().pixels;
    assert_eq!(pixels(&damaged), pixels(&whole));
}

#[test]
fn flags_for_chunks_that_are_missing_do_not_matter() {
    for name in ["promises.webp", "promises_lossless.webp"] {
        assert!(difference_to_pillow(name) <= 4, "{name}");
    }
}

#[test]
fn unsupported_bitmaps_are_named() {
    let changed = |name: &str, at: usize, bytes: &[u8]| {
        let mut file = fixture(name);
        file[at..at + bytes.len()].copy_from_slice(bytes);
        decode_as_stored(&file).unwrap_err().to_string()
    };
    assert_eq!(changed("rgb.bmp", 14, &[16]), "BMP file: a header of 16 bytes is not supported");
    assert_eq!(changed("rgb.bmp", 30, &[5]), "BMP file: a PNG inside is not supported");
    assert!(changed("rgb.bmp", 28, &[2]).contains("2 bits per pixel are not supported"));
    assert!(changed("rgb_565.bmp", 54, &[5]).contains("colours in the bits 0xf805, 0x7e0, 0x1f"));

    let tiff = fixture("rgb_planes.tif");
    let tag = |tag: u16| tiff.windows(2).position(|pair| pair == tag.to_le_bytes()).unwrap() + 8;
    for (at, value, expected) in [
        (tag(259), 7, "TIFF file: JPEG compression is not supported, only LZW, Deflate and"),
        (tag(259), 4, "TIFF file: fax compression is not supported"),
        (tag(262), 6, "TIFF file: YCbCr with 3 × 8 bits per pixel is not supported"),
        (tag(262), 5, "TIFF file: CMYK with"),
    ] {
        let message = changed("rgb_planes.tif", at, &[value, 0]);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_tile_or_canvas_far_larger_than_the_image_takes_no_memory() {
    let mut tiff = fixture("rgb_tiles.tif");
    for tag in [322_u16, 323] {
        let at = tiff.windows(2).position(|pair| pair == tag.to_le_bytes()).unwrap() + 8;
        tiff[at..at + 2].fill(0xff);
    }
    assert!(matches!(decode_as_stored(&tiff), Err(Error::TooManyPixels { .. })));
    let mut gif = fixture("palette.gif");
    gif[6..10].fill(0xff);
    assert!(matches!(decode_as_stored(&gif), Err(Error::TooManyPixels { .. })));
    for (name, at) in [("top_down.bmp", 18), ("rgb.bmp", 18)] {
        let mut bmp = fixture(name);
        bmp[at..at + 3].fill(0xff);
        assert!(matches!(decode_as_stored(&bmp), Err(Error::TooManyPixels { .. })), "{name}");
    }
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(2000))]

    /// As `damaged_files_never_panic`, for headers alone, where most of these formats are.
    #[test]
    fn damaged_headers_never_panic(
        which in 0..CONTAINERS.len(),
        changes in prop::collection::vec((0_usize..160, any::<u8>()), 1..6),
    ) {
        let mut bytes = fixture(CONTAINERS[which]);
        let length = bytes.len();
        for (at, value) in changes {
            bytes[at.min(length - 1)] = value;
        }
        let limits = Limits { pixels: 1 << 20, ..Limits::default() };
        let options = DecodeOptions { limits, ..DecodeOptions::default() };
        if let Ok(image) = decode(&bytes, &options) {
            let pixels = image.width as usize * image.height as usize;
            prop_assert_eq!(image.pixels.len(), 3 * pixels);
            prop_assert!(pixels > 0);
        }
    }
}
