use super::*;
use ocelli_random::{Purpose, Seed};
use proptest::prelude::*;

fn draws(mix: Mix, samples: usize) -> MixDraws {
    mix.draw(samples, (8, 8), &mut Seed(0).stream(Purpose::MIX, 0, 0))
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(256))]
    #[test]
    fn labels_are_probabilities(
        mixup in 0.0_f64..2.0,
        cutmix in 0.0_f64..2.0,
        label_smoothing in 0.0_f32..0.5,
        labels in prop::collection::vec(0_u32..7, 1..3),
        step: u64,
    ) {
        let mix = Mix { mixup, cutmix, label_smoothing };
        let draws = mix.draw(32, (9, 5), &mut Seed(1).stream(Purpose::MIX, 0, step));
        for position in [0, 14, 16, 30] {
            let mut rows = Vec::new();
            let sets: Vec<&[u32]> = labels.iter().map(std::slice::from_ref).collect();
            draws.label_pair(position, &sets, 7, &mut rows);
            for (row, label) in rows.chunks(7).zip(&labels) {
                prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                prop_assert!(row.iter().all(|entry| (-1e-6..=1.0001).contains(entry)));
                prop_assert!(row[*label as usize] > 0.0 || cutmix > 0.0);
            }
        }
    }
}

#[test]
fn with_both_on_the_first_half_is_mixed_and_the_second_half_is_cut() {
    let draws = draws(Mix { mixup: 0.2, cutmix: 0.2, label_smoothing: 0.0 }, 16);
    for (sample, share) in draws.shares.iter().enumerate() {
        assert_eq!(matches!(share, Share::Blend(_)), sample < 8, "sample {sample}");
    }
}

#[test]
fn pixels_and_labels_are_mixed_alike() {
    let draws = draws(Mix { mixup: 1.0, cutmix: 1.0, label_smoothing: 0.0 }, 16);
    for position in [0, 2, 10, 14] {
        let (mut first, mut second) = (vec![1.0_f32; 2 * 64], vec![0.0_f32; 2 * 64]);
        draws.mix_pair(position, &mut first, &mut second);
        let mut rows = Vec::new();
        draws.label_pair(position, &[&[0], &[1]], 2, &mut rows);
        let mean = |image: &[f32]| image.iter().sum::<f32>() / image.len() as f32;
        assert!((mean(&first) - rows[0]).abs() < 1e-5);
        assert!((mean(&second) - rows[2]).abs() < 1e-5);
    }
}

#[test]
fn the_larger_part_of_a_mixed_image_is_its_own() {
    let draws = draws(Mix { mixup: 0.5, ..Mix::default() }, 200);
    assert!(draws.shares.iter().all(|share| matches!(share, Share::Blend(0.0..=0.5))));
}

#[test]
fn a_sample_without_partner_keeps_its_label() {
    let mut rows = Vec::new();
    draws(Mix { mixup: 1.0, ..Mix::default() }, 5).label_pair(4, &[&[2]], 3, &mut rows);
    assert_eq!(rows, [0.0, 0.0, 1.0]);
}

#[test]
fn smoothing_alone_leaves_pixels_and_spreads_labels() {
    let draws = draws(Mix { label_smoothing: 0.1, ..Mix::default() }, 4);
    let (mut first, mut second) = (vec![1.0; 64], vec![2.0; 64]);
    draws.mix_pair(0, &mut first, &mut second);
    assert_eq!((first, second), (vec![1.0; 64], vec![2.0; 64]));
    let mut rows = Vec::new();
    draws.label_pair(0, &[&[1], &[0]], 2, &mut rows);
    let expected = [0.05, 0.95, 0.95, 0.05];
    assert!(rows.iter().zip(expected).all(|(row, expected)| (row - expected).abs() < 1e-6));
}
