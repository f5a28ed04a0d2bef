use super::*;
use crate::testing::test_pattern;
use ocelli_random::{Purpose, Seed};

fn at(magnitude: f64) -> [RandAugmentOp; 16] {
    RandAugment { magnitude, ..RandAugment::default() }.operations()
}

/// The released table at half, full and one and a half times the nominal maximum.
#[test]
fn operations_have_the_released_magnitudes() {
    use RandAugmentOp::{Brightness, Cutout, Posterize, Rotate, ShearX, Solarize, SolarizeAdd};
    for (magnitude, bits, threshold, angle, slope, pixels, half, addition, factor) in [
        (5.0, 2, 128, 15.0, 0.15, 50.0, 20, 55, 1.0),
        (10.0, 4, 256, 30.0, 0.3, 100.0, 40, 110, 1.9),
        (15.0, 6, 384, 45.0, 0.45, 150.0, 60, 165, 2.8),
    ] {
        let operations = at(magnitude);
        assert!(operations.contains(&Posterize(bits)));
        assert!(operations.contains(&Solarize(threshold)));
        assert!(operations.contains(&SolarizeAdd(addition)));
        assert!(operations.contains(&Cutout(half)));
        assert!(operations.contains(&Rotate(angle)));
        assert!(operations.contains(&RandAugmentOp::TranslateX(pixels)));
        let close = |left: f64, right: f64| (left - right).abs() < 1e-6;
        assert!(operations.iter().any(|op| matches!(op, ShearX(s) if close(*s, slope))));
        assert!(
            operations.iter().any(|op| matches!(op, Brightness(f) if close((*f).into(), factor)))
        );
    }
}

#[test]
fn every_operation_keeps_the_size_of_any_image() {
    for (width, height, channels) in [(1, 1, 1), (1, 9, 3), (33, 17, 1), (32, 32, 3)] {
        for magnitude in [0.0, 7.0, 30.0] {
            let config = RandAugment { magnitude, ..RandAugment::default() };
            for operation in config.operations() {
                for interpolation in [Interpolation::Nearest, Interpolation::Bilinear] {
                    let config = RandAugment { interpolation, ..config };
                    let mut image = test_pattern(width, height, channels);
                    let mut random = Seed(0).stream(Purpose::AUGMENT, 0, 0);
                    config.run(operation, &mut image, &mut random);
                    let size = width as usize * height as usize * usize::from(channels);
                    assert_eq!(image.pixels.len(), size, "{operation:?}");
                }
            }
        }
    }
}

#[test]
fn augmented_images_are_repeatable_and_vary() {
    let augmented = |position| {
        let mut image = test_pattern(32, 32, 3);
        let mut random = Seed(4).stream(Purpose::AUGMENT, 1, position);
        RandAugment::default().apply(&mut image, &mut random);
        image
    };
    assert_eq!(augmented(3), augmented(3));
    let distinct = (0..20).filter(|position| augmented(*position) != augmented(position + 1));
    assert!(distinct.count() > 10);
}
