use super::*;
use crate::augment::{ColourJitter, GaussianBlur, PadCrop, RandAugment, RandomErasing};
use crate::testing::test_pattern;
use crate::{Interpolation, resize};
use ocelli_random::{Purpose, Seed};

fn applied(transform: &impl Transform, image: &Image, position: u64) -> Vec<f32> {
    let mut output = vec![f32::NAN; transform.shape().iter().product()];
    let mut random = Seed(6).stream(Purpose::AUGMENT, 0, position);
    let picture = Payload::Pixels(image.clone());
    transform.apply(&picture, &mut random, &mut Scratch::default(), &mut output).unwrap();
    output
}

/// Numbers that are the bytes themselves.
fn bytes(size: u32, channels: u8) -> InputConfig {
    InputConfig {
        size,
        channels,
        mean: vec![0.0],
        std: vec![1.0 / 255.0],
        ..InputConfig::default()
    }
}

fn rounded(values: &[f32]) -> Vec<u8> {
    values.iter().map(|value| value.round() as u8).collect()
}

#[test]
fn evaluation_is_resize_and_centre_crop() {
    let image = test_pattern(61, 47, 1);
    for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
        let input = InputConfig { interpolation, ..bytes(28, 1) };
        let transform = EvalTransform::new(input, EvalConfig::default()).unwrap();
        let output = rounded(&applied(&transform, &image, 0));
        // Short side 32, long side ⌊32 · 61 / 47⌋ = 41; the crop starts at (6, 2).
        let whole = resize(&image, 41, 32, interpolation).unwrap();
        for (row, pixels) in output.chunks(28).enumerate() {
            assert_eq!(pixels, &whole.pixels[(row + 2) * 41 + 6..][..28], "row {row}");
        }
    }
}

#[test]
fn a_border_has_the_mean_colour_and_a_missing_centre_is_black() {
    let image = Image { width: 8, height: 4, channels: 1, pixels: vec![200; 32] };
    let evaluated = |crop_mode, mean| {
        let input = InputConfig { mean: vec![mean], std: vec![1.0], ..bytes(8, 1) };
        let config = EvalConfig { crop_pct: 1.0, crop_mode };
        applied(&EvalTransform::new(input, config).unwrap(), &image, 0)
    };
    let border = evaluated(CropMode::Border, 0.4);
    assert!(border[..16].iter().all(|value| value.abs() < 1e-6));
    assert!(border[16..48].iter().all(|value| *value > 0.3));
    let black = evaluated(CropMode::None, 0.0);
    assert_eq!(black[0], 0.0);
    assert!((black[16] - 200.0 / 255.0).abs() < 1e-6);
}

#[test]
fn without_augmentation_training_sees_the_picture_itself() {
    let image = test_pattern(32, 32, 3);
    let config = TrainConfig { crop: TrainCrop::Squash, flip: 0.0, ..TrainConfig::default() };
    let transform = TrainTransform::new(bytes(32, 3), config).unwrap();
    let output = rounded(&applied(&transform, &image, 0));
    for (channel, plane) in output.chunks(32 * 32).enumerate() {
        assert!(plane.iter().eq(image.pixels.iter().skip(channel).step_by(3)));
    }
    let flipped = TrainTransform::new(bytes(32, 3), TrainConfig { flip: 1.0, ..config }).unwrap();
    let mirrored = rounded(&applied(&flipped, &image, 0));
    assert!(output.chunks(32).zip(mirrored.chunks(32)).all(|(a, b)| a.iter().rev().eq(b)));
}

#[test]
fn grey_and_colour_are_converted_to_what_the_model_wants() {
    let config = EvalConfig { crop_pct: 1.0, ..EvalConfig::default() };
    let grey = EvalTransform::new(bytes(8, 1), config).unwrap();
    assert_eq!(rounded(&applied(&grey, &solid(3, &[10, 200, 30]), 0)), [124; 64]);
    let colour = EvalTransform::new(bytes(8, 3), config).unwrap();
    assert_eq!(rounded(&applied(&colour, &solid(1, &[70]), 0)), [70; 3 * 64]);
}

fn solid(channels: u8, colour: &[u8]) -> Image {
    Image { width: 8, height: 8, channels, pixels: colour.repeat(64) }
}

#[test]
fn full_augmentation_is_finite_repeatable_and_varied() {
    for (crop, channels) in
        [(TrainCrop::default(), 3), (TrainCrop::Pad(PadCrop::default()), 1), (TrainCrop::Squash, 3)]
    {
        let config = TrainConfig {
            crop,
            rand_augment: Some(RandAugment::default()),
            colour_jitter: Some(ColourJitter { hue: 0.1, ..ColourJitter::default() }),
            grey: 0.2,
            blur: Some(GaussianBlur::default()),
            erasing: Some(RandomErasing::default()),
            ..TrainConfig::default()
        };
        let transform = TrainTransform::new(bytes(32, channels), config).unwrap();
        let image = test_pattern(40, 36, channels);
        let outputs: Vec<_> = (0..40).map(|at| applied(&transform, &image, at)).collect();
        assert!(outputs.iter().flatten().all(|value| value.is_finite()));
        assert_eq!(outputs[7], applied(&transform, &image, 7));
        assert!(outputs.windows(2).all(|pair| pair[0] != pair[1]));
    }
}

#[test]
fn a_picture_that_cannot_be_decoded_is_an_error() {
    let transform = EvalTransform::new(bytes(8, 3), EvalConfig::default()).unwrap();
    let mut random = Seed(0).stream(Purpose::AUGMENT, 0, 0);
    let picture = Payload::Encoded(b"no image".to_vec());
    let mut output = vec![0.0; 192];
    let applied = transform.apply(&picture, &mut random, &mut Scratch::default(), &mut output);
    assert!(applied.is_err());
}
