use super::*;
use crate::augment::{ColourJitter, GaussianBlur, PadCrop, RandAugment, RandomErasing};
use crate::testing::{mean_difference, test_pattern};
use crate::{CropMode, Interpolation, resize};
use ocelli_random::{Purpose, Seed};

fn applied(transform: &impl Transform, image: &Image, position: u64) -> Vec<f32> {
    applied_to(transform, &Payload::Pixels(image.clone()), position)
}

fn applied_to(transform: &dyn Transform, picture: &Payload, position: u64) -> Vec<f32> {
    let mut output = vec![f32::NAN; transform.shape().iter().product()];
    let mut random = Seed(6).stream(Purpose::AUGMENT, 0, position);
    transform.apply(picture, &mut random, &mut Scratch::default(), &mut output).unwrap();
    output
}

/// Values that are the bytes themselves.
fn bytes_of(size: u32, channels: u8) -> InputConfig {
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
        let input = InputConfig { interpolation, ..bytes_of(28, 1) };
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
        let input = InputConfig { mean: vec![mean], std: vec![1.0], ..bytes_of(8, 1) };
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
    let transform = TrainTransform::new(bytes_of(32, 3), config).unwrap();
    let output = rounded(&applied(&transform, &image, 0));
    for (channel, plane) in output.chunks(32 * 32).enumerate() {
        assert!(plane.iter().eq(image.pixels.iter().skip(channel).step_by(3)));
    }
    let flipped =
        TrainTransform::new(bytes_of(32, 3), TrainConfig { flip: 1.0, ..config }).unwrap();
    let mirrored = rounded(&applied(&flipped, &image, 0));
    assert!(output.chunks(32).zip(mirrored.chunks(32)).all(|(a, b)| a.iter().rev().eq(b)));
}

#[test]
fn grey_and_colour_are_converted_to_what_the_model_wants() {
    let config = EvalConfig { crop_pct: 1.0, ..EvalConfig::default() };
    let grey = EvalTransform::new(bytes_of(8, 1), config).unwrap();
    assert_eq!(rounded(&applied(&grey, &solid(3, &[10, 200, 30]), 0)), [124; 64]);
    let colour = EvalTransform::new(bytes_of(8, 3), config).unwrap();
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
        let transform = TrainTransform::new(bytes_of(32, channels), config).unwrap();
        let image = test_pattern(40, 36, channels);
        let outputs: Vec<_> = (0..40).map(|at| applied(&transform, &image, at)).collect();
        assert!(outputs.iter().flatten().all(|value| value.is_finite()));
        assert_eq!(outputs[7], applied(&transform, &image, 7));
        assert!(outputs.windows(2).all(|pair| pair[0] != pair[1]));
    }
}

#[test]
fn a_picture_that_cannot_be_decoded_is_an_error() {
    let transform = EvalTransform::new(bytes_of(8, 3), EvalConfig::default()).unwrap();
    let mut random = Seed(0).stream(Purpose::AUGMENT, 0, 0);
    let picture = Payload::Encoded(b"no image".to_vec());
    let mut output = vec![0.0; 192];
    let applied = transform.apply(&picture, &mut random, &mut Scratch::default(), &mut output);
    assert!(applied.is_err());
}

/// Files whose planes are resized before the colours are mixed, and what Pillow makes of them.
const JPEGS: [(&str, &[u8], &[u8]); 4] = [
    (
        "4:2:0",
        include_bytes!("../../tests/images/baseline_420.jpg"),
        include_bytes!("../../tests/images/baseline_420_jpg.raw"),
    ),
    (
        "4:4:4",
        include_bytes!("../../tests/images/baseline_444.jpg"),
        include_bytes!("../../tests/images/baseline_444_jpg.raw"),
    ),
    (
        "4:2:2",
        include_bytes!("../../tests/images/restart_422.jpg"),
        include_bytes!("../../tests/images/restart_422_jpg.raw"),
    ),
    (
        "grey",
        include_bytes!("../../tests/images/grey.jpg"),
        include_bytes!("../../tests/images/grey_jpg.raw"),
    ),
];

#[test]
fn planes_give_the_colours_of_the_whole_picture() {
    for (name, bytes, pixels) in JPEGS {
        let (width, height) = crate::dimensions(bytes).unwrap();
        let channels = (pixels.len() / (width * height) as usize) as u8;
        let image = Image { width, height, channels, pixels: pixels.to_vec() };
        for size in [8, 24] {
            let config = EvalConfig { crop_mode: CropMode::None, ..EvalConfig::default() };
            let transform = EvalTransform::new(bytes_of(size, 3), config).unwrap();
            let whole = rounded(&applied(&transform, &image, 0));
            let planes = rounded(&applied_to(&transform, &Payload::Encoded(bytes.to_vec()), 0));
            let difference = mean_difference(&whole, &planes);
            assert!(difference < 1.0, "{name} {size}: {difference}");
        }
    }
}

#[test]
fn a_picture_does_not_depend_on_the_ones_before_it() {
    let transform = TrainTransform::new(bytes_of(16, 3), TrainConfig::default()).unwrap();
    let mut pictures: Vec<_> =
        JPEGS.iter().map(|(_, bytes, _)| Payload::Encoded(bytes.to_vec())).collect();
    pictures.push(Payload::Pixels(test_pattern(40, 30, 3)));
    pictures.push(Payload::Pixels(test_pattern(9, 50, 1)));
    let mut scratch = Scratch::default();
    for position in 0..60 {
        let picture = &pictures[position as usize * 7 % 6];
        let mut output = vec![f32::NAN; 3 * 16 * 16];
        let mut random = Seed(6).stream(Purpose::AUGMENT, 0, position);
        transform.apply(picture, &mut random, &mut scratch, &mut output).unwrap();
        assert_eq!(output, applied_to(&transform, picture, position), "at {position}");
    }
}

/// Photos: resizing the planes and mixing the colours then gives what decoding the whole picture,
/// cutting out and resizing gives, within one level of 255.
#[test]
fn resized_planes_agree_with_resized_photos() {
    for file in ["images.tar", "originals.tar"] {
        let Some(path) = ocelli_testkit::reference_data(&format!("imagenet_samples/{file}")) else {
            return;
        };
        let source = crate::open(path.to_str().unwrap(), &crate::OpenOptions::default()).unwrap();
        let crop = TrainConfig { flip: 0.0, ..TrainConfig::default() };
        let trained = TrainTransform::new(bytes_of(224, 3), crop).unwrap();
        let bicubic = InputConfig { interpolation: Interpolation::Bicubic, ..bytes_of(224, 3) };
        let evaluated = EvalTransform::new(bicubic, EvalConfig::default()).unwrap();
        // Blocks are drawn at half and at quarter size for these.
        let small = EvalTransform::new(bytes_of(56, 3), EvalConfig::default()).unwrap();
        let tiny = EvalTransform::new(bytes_of(24, 3), EvalConfig::default()).unwrap();
        let transforms: [(&str, &dyn Transform); 4] =
            [("train", &trained), ("eval", &evaluated), ("small", &small), ("tiny", &tiny)];
        for (name, transform) in transforms {
            let mut differences = Vec::new();
            for index in (0..source.len()).step_by(7) {
                let picture = source.read(index).unwrap().payload;
                let Payload::Encoded(bytes) = &picture else { unreachable!() };
                let whole = crate::decode(bytes, &crate::DecodeOptions::default()).unwrap();
                let whole = applied_to(transform, &Payload::Pixels(whole), index);
                let planes = applied_to(transform, &picture, index);
                differences.push(mean_difference(&rounded(&whole), &rounded(&planes)));
            }
            let mean = differences.iter().sum::<f64>() / differences.len() as f64;
            let largest = differences.iter().copied().fold(0.0, f64::max);
            assert!(mean < 0.6 && largest < 1.5, "{file} {name}: {mean}, at most {largest}");
        }
    }
}
