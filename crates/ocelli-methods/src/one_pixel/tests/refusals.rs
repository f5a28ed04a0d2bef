//! What cannot be attacked.

use super::fixture::{CLASSES, Noise, attack, chosen, config, model, pictures, plan, victim};
use crate::Error;
use crate::one_pixel::*;
use ocelli_data::{Image, InputConfig};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_random::Seed;
use std::sync::atomic::AtomicU64;

fn refused(config: &Config, classifier: &mut dyn Classifier) -> Error {
    plan(config, 1, classifier).err().unwrap()
}

#[test]
fn a_model_of_one_class_has_nothing_else_to_be() {
    let mut certain = BlackBox::new(1, [1, 6, 6], |_: &[f32], count| Ok(vec![1.0; count]));
    assert!(matches!(refused(&config(), &mut certain), Error::OneClass { classes: 1 }));
}

#[test]
fn other_classes_or_other_images_than_the_dataset_s_are_refused() {
    let model = |_: &[f32], count| Ok(vec![0.2; count * 5]);
    let message = refused(&config(), &mut BlackBox::new(5, [1, 6, 6], model)).to_string();
    assert!(message.contains("tells 5 classes apart, the dataset has 4"), "{message}");
    let model = |_: &[f32], count: usize| Ok(vec![0.25; count * CLASSES]);
    let mut larger = BlackBox::new(CLASSES, [3, 6, 6], model);
    let message = refused(&config(), &mut larger).to_string();
    assert!(message.contains("[1, 6, 6], expected [3, 6, 6]"), "{message}");
}

#[test]
fn answers_that_are_no_probabilities_are_refused() {
    let model = |_: &[f32], count: usize| Ok(vec![f32::NAN; count * CLASSES]);
    let error = refused(&config(), &mut BlackBox::new(CLASSES, [1, 6, 6], model));
    assert!(matches!(&error, Error::NoProbability { found, .. } if found.is_nan()), "{error}");
    assert!(error.to_string().contains("is NaN, expected probabilities"), "{error}");
}

#[test]
fn populations_that_no_memory_holds_are_refused() {
    let asked = AtomicU64::new(0);
    let evolution = EvolutionSection { population: 1 << 20, ..EvolutionSection::default() };
    let config = Config { pixels: vec![36], evolution, ..config() };
    let message = refused(&config, &mut model(1, &asked)).to_string();
    assert!(message.contains("`evolution.population` is 1048576"), "{message}");
}

#[test]
fn a_model_that_is_always_wrong_leaves_nothing_to_attack() {
    // The first image is of class 0.
    let mut wrong =
        BlackBox::new(
            CLASSES,
            [1, 6, 6],
            |_: &[f32], count| Ok([0.1, 0.7, 0.1, 0.1].repeat(count)),
        );
    let mut plan = |misclassified| {
        let config = Config { misclassified, ..config() };
        let pictures = pictures(Noise::new(1, 1));
        chosen(&config, victim(), pictures, &mut wrong)
    };
    let error = plan(Misclassified::Skip).err().unwrap();
    assert!(matches!(error, Error::NothingToAttack { examined: 1 }), "{error}");
    assert_eq!(plan(Misclassified::Attack).unwrap().subjects().len(), 1);
}

#[test]
fn misclassified_images_are_passed_over_and_counted_or_attacked() {
    let all = |misclassified| attack(&Config { images: 60, misclassified, ..config() }, 1);
    let skipped = all(Misclassified::Skip);
    let summary = Summary::new(&skipped.plan, &skipped.attacked);
    assert_eq!((summary.examined, summary.images + summary.misclassified), (60, 60));
    assert!(summary.misclassified > 0 && summary.clean_accuracy < 1.0);
    assert!(skipped.attacked.iter().all(|image| image.predicted == image.label));
    let whole = all(Misclassified::Attack);
    let summary = Summary::new(&whole.plan, &whole.attacked);
    assert_eq!((summary.images, summary.examined), (60, 60));
    assert!(summary.misclassified > 0);
    for image in whole.attacked.iter().filter(|image| image.predicted != image.label) {
        assert!(image.outcomes.last().unwrap().success, "it is another class from the start");
    }
}

#[test]
fn an_attack_that_finds_no_adversary_says_so() {
    let stubborn = |images: &[f32], count: usize| {
        let size = images.len() / count;
        let quarter = |image: &[f32], class: usize| -> f32 {
            let inside = |at: &usize| 2 * (at / 18) + at % 6 / 3 == class;
            (0..size).filter(inside).map(|at| image[at]).sum()
        };
        let of = |image: &[f32]| -> Vec<f32> {
            let sums: Vec<f32> = (0..CLASSES).map(|class| quarter(image, class)).collect();
            let most = (0..CLASSES).max_by(|a, b| sums[*a].total_cmp(&sums[*b])).unwrap();
            (0..CLASSES).map(|class| if class == most { 0.7 } else { 0.1 }).collect()
        };
        // One pixel of 255 does not outweigh a margin: probabilities come from a blurred image.
        Ok(images
            .chunks_exact(size)
            .flat_map(|image| {
                let mean = image.iter().sum::<f32>() / size as f32;
                let tame: Vec<f32> =
                    image.iter().map(|v| mean + (v - mean).clamp(-1.0, 1.0)).collect();
                of(&tame)
            })
            .collect())
    };
    let mut classifier = BlackBox::new(CLASSES, [1, 6, 6], stubborn);
    let evolution =
        EvolutionSection { population: 8, generations: 2, ..EvolutionSection::default() };
    let config = Config { images: 3, evolution, ..config() };
    let plan = plan(&config, 1, &mut classifier).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let mut journal = Journal::create(folder.path(), &plan).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    run(&plan, &mut journal, &mut classifier, &stop, &mut |_| ()).unwrap();
    let summary = Summary::new(&plan, journal.attacked());
    for group in &summary.groups {
        assert!(group.success_rate < 1.0);
        if group.successes == 0 {
            assert_eq!((group.mean_confidence, group.mean_distortion), (None, None));
        }
    }
    assert_eq!(summary.class_pairs[0].target_counts.iter().sum::<u64>(), 3);
}

#[test]
fn more_pixels_than_the_image_has_and_too_much_for_the_oracle_are_refused() {
    let asked = AtomicU64::new(0);
    let mut classifier = model(1, &asked);
    let message = refused(&Config { pixels: vec![1, 37], ..config() }, &mut classifier).to_string();
    assert!(message.contains("`pixels` is 37, expected up to 36"), "{message}");
    let limit = Config { oracle: true, oracle_limit: 9000, ..config() };
    assert!(refused(&limit, &mut classifier).to_string().contains("takes 9216 evaluations"));
    let few = EvolutionSection { population: 3, ..EvolutionSection::default() };
    let message = refused(&Config { evolution: few, ..config() }, &mut classifier).to_string();
    assert!(message.contains("`population` is 3"), "{message}");
}

#[test]
fn a_model_that_gives_too_little_is_refused() {
    let mut short = BlackBox::new(CLASSES, [1, 6, 6], |_: &[f32], count| Ok(vec![1.0; count]));
    let error = refused(&config(), &mut short);
    assert!(matches!(error, Error::Probabilities { found: 1, expected: 4 }), "{error}");
}

#[test]
fn networks_of_the_registry_are_attacked_as_they_evaluate() {
    let model = registry::find("resnet20_cifar").unwrap();
    for channels in [1, 3] {
        let options =
            ModelOptions { num_classes: CLASSES, in_channels: channels, ..model.options() };
        let device = burn::tensor::Device::flex();
        let network = model.network(&options, Seed(3), &device).unwrap();
        let size = 12;
        let input = InputConfig {
            size,
            channels: channels as u8,
            mean: vec![0.45],
            std: vec![0.22],
            ..InputConfig::default()
        };
        let mut dense = Dense::new(&network, &input).unwrap();
        let pictures = pictures(Noise::new(channels as u8, 5));
        let small = pictures.read(3).unwrap().image;
        // The picture twice as large, and one of its pixels overwritten.
        let channels = usize::from(small.channels);
        let at = |at: usize| {
            let (pixel, channel) = (at / channels, at % channels);
            let (row, column) = (pixel / 12 / 2, pixel % 12 / 2);
            small.pixels[(row * 6 + column) * channels + channel]
        };
        let pixels = (0..12 * 12 * channels).map(at).collect();
        let image = Image { width: 12, height: 12, channels: small.channels, pixels };
        let change = PixelChange { x: 7, y: 2, value: [250.0, 3.0, 99.0][..channels].to_vec() };
        let mut candidates = Candidates::new(channels);
        candidates.push(&[]);
        candidates.push(std::slice::from_ref(&change));
        let mut pair = [0.0; 2 * CLASSES];
        dense.begin(&image).unwrap().probabilities(&candidates, &mut pair).unwrap();
        let changed = apply(&image, &[change]);
        let mut itself = Candidates::new(channels);
        itself.push(&[]);
        let mut alone = [0.0; CLASSES];
        dense.begin(&changed).unwrap().probabilities(&itself, &mut alone).unwrap();
        assert_eq!(pair[CLASSES..], alone, "the same bits");
        assert_ne!(pair[..CLASSES], alone);
        assert!((pair[..CLASSES].iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let other = InputConfig { channels: 4 - channels as u8, ..input };
        assert!(Dense::new(&network, &other).unwrap_err().to_string().contains("channels"));
    }
}

#[test]
fn an_image_size_that_a_network_cannot_take_is_refused() {
    let model = registry::find("vgg16_cifar").unwrap();
    let network = model.network(&model.options(), Seed(0), &burn::tensor::Device::flex()).unwrap();
    let input = InputConfig { size: 8, ..InputConfig::default() };
    let message = Dense::new(&network, &input).unwrap_err().to_string();
    assert!(message.contains("`features.33` cannot take"), "{message}");
}
