//! Against Pillow: `bench/peers/make_pillow_fixtures.py` draws the same pattern and applies the same
//! operations.

use super::*;
use crate::testing::{mean_difference, test_pattern};
use crate::{Image, Interpolation};

static GOLDEN: &[u8] = include_bytes!("../../tests/fixtures/augment_pillow.bin");

type Operation = (&'static str, fn(&mut Image));

#[test]
fn operations_agree_with_pillow() {
    const NEAREST: Interpolation = Interpolation::Nearest;
    const BILINEAR: Interpolation = Interpolation::Bilinear;
    let operations: [Operation; 20] = [
        ("auto_contrast", |image| {
            image.pixels.iter_mut().for_each(|value| *value = 40 + *value / 2);
            auto_contrast(image);
        }),
        ("equalize", equalize),
        ("posterize", |image| posterize(image, 3)),
        ("solarize", |image| solarize(image, 100)),
        ("saturation 0.3", |image| saturation(image, 0.3)),
        ("saturation 1.7", |image| saturation(image, 1.7)),
        ("contrast 0.3", |image| contrast(image, 0.3)),
        ("contrast 1.7", |image| contrast(image, 1.7)),
        ("brightness 0.3", |image| brightness(image, 0.3)),
        ("brightness 1.7", |image| brightness(image, 1.7)),
        ("sharpness 0.3", |image| sharpness(image, 0.3)),
        ("sharpness 1.7", |image| sharpness(image, 1.7)),
        ("rotate, nearest", |image| rotate(image, 20.0, NEAREST, 128)),
        ("shear_x, nearest", |image| shear_x(image, 0.25, NEAREST, 128)),
        ("shear_y, nearest", |image| shear_y(image, -0.25, NEAREST, 128)),
        ("translate, nearest", |image| translate(image, (7.5, 0.0), NEAREST, 128)),
        ("rotate, bilinear", |image| rotate(image, 20.0, BILINEAR, 128)),
        ("shear_x, bilinear", |image| shear_x(image, 0.25, BILINEAR, 128)),
        ("shear_y, bilinear", |image| shear_y(image, -0.25, BILINEAR, 128)),
        ("translate, bilinear", |image| translate(image, (7.5, 0.0), BILINEAR, 128)),
    ];
    let cases = GOLDEN.chunks_exact(31 * 23 * 3);
    assert_eq!(cases.len(), operations.len());
    for ((name, operation), expected) in operations.into_iter().zip(cases) {
        let mut image = test_pattern(31, 23, 3);
        operation(&mut image);
        let difference = mean_difference(&image.pixels, expected);
        assert!(difference < 0.02, "{name}: {difference}");
    }
}

#[test]
fn flipping_mirrors_whole_pixels() {
    let pixels = vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let mut image = Image { width: 2, height: 2, channels: 3, pixels };
    flip_horizontal(&mut image);
    assert_eq!(image.pixels, [4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
}

#[test]
fn a_cutout_is_cut_off_at_the_border() {
    let mut image = Image { width: 3, height: 2, channels: 1, pixels: vec![0; 6] };
    cutout(&mut image, crate::Region { left: 2, top: 1, width: 9, height: 9 }, 128);
    assert_eq!(image.pixels, [0, 0, 0, 0, 0, 128]);
}
