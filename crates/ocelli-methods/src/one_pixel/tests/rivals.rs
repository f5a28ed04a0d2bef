//! Other attacks on the same images: what they claim, what they cost, and that they can be stopped.

use super::fixture::{CLASSES, Noise, SIDE, attack, chosen, config, model, plan, resume};
use crate::Error;
use crate::one_pixel::*;
use burn::tensor::Device;
use ocelli_data::{EvalConfig, Image, InputConfig, Source};
use ocelli_nn::Network;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_random::Seed;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

fn compare(attacks: &[Rival]) -> CompareSection {
    CompareSection { attacks: attacks.to_vec(), ..CompareSection::default() }
}

fn local_search() -> Config {
    Config { images: 6, compare: compare(&[Rival::LocalSearch]), ..config() }
}

#[test]
fn local_search_counts_what_it_asks_and_changes() {
    for channels in [1, 3] {
        // There are so few pixels that they must not rest.
        let compare = CompareSection { rest: 0, ..compare(&[Rival::LocalSearch]) };
        let whole = attack(&Config { compare, ..local_search() }, channels);
        let summary = Summary::new(&whole.plan, &whole.attacked);
        assert_eq!(summary.evaluations + summary.baseline_evaluations, whole.asked);
        let outcomes: Vec<_> = whole.attacked.iter().flat_map(|image| &image.rivals).collect();
        assert_eq!(outcomes.len(), whole.attacked.len());
        let won = outcomes.iter().filter(|outcome| outcome.success).count();
        assert!(won >= 3, "{won}");
        for (image, outcome) in whole.attacked.iter().zip(&outcomes) {
            assert_eq!(outcome.predicted != image.label, outcome.success);
            assert!(outcome.true_probability <= outcome.confidence);
            assert!((1..=(SIDE * SIDE) as u64).contains(&outcome.changed_pixels));
            assert!(outcome.distortion > 0.0 && outcome.gradients == 0);
        }
        let [rate] = &summary.rivals[..] else { panic!("one attack, one rate") };
        assert_eq!((rate.attempts, rate.successes), (6, won as u64));
        let of_successes = outcomes.iter().filter(|outcome| outcome.success);
        let changed: u64 = of_successes.map(|outcome| outcome.changed_pixels).sum();
        assert_eq!(rate.mean_changed_pixels, Some(changed as f64 / won as f64));
    }
}

#[test]
fn a_search_that_gains_nothing_ends_after_its_rounds() {
    // At r = 1 nothing changes.
    let compare = CompareSection { cyclic: 1.0, rounds: 7, ..compare(&[Rival::LocalSearch]) };
    let whole = attack(&Config { compare, ..local_search() }, 1);
    for image in &whole.attacked {
        let [outcome] = &image.rivals[..] else { panic!("one attack, one outcome") };
        assert!(!outcome.success);
        assert_eq!((outcome.predicted, outcome.changed_pixels), (image.label, 0));
        assert_eq!(outcome.distortion, 0.0);
        // A tenth, rounded up, then all but those that rest, five more each round after the first; and
        // the image that results, each time.
        assert_eq!(outcome.evaluations, 4 + 32 + 27 + 22 + 17 + 12 + 7 + 7);
    }
}

#[test]
fn stopped_anywhere_local_search_ends_the_same() {
    let whole = attack(&local_search(), 1).attacked;
    for most in [1, 600, 2500] {
        let folder = tempfile::TempDir::new().unwrap();
        let mut stops = 0;
        let attacked = loop {
            let (end, attacked) = resume(&local_search(), folder.path(), most);
            if end == End::Finished {
                break attacked;
            }
            stops += 1;
            assert!(stops < 5000, "nothing gets done");
        };
        assert!(stops > 0 && attacked == whole, "stopped {stops} times");
    }
}

#[test]
fn a_model_that_only_gives_probabilities_has_no_gradient_sign() {
    let asked = AtomicU64::new(0);
    let config = Config { compare: compare(&[Rival::Fgsm]), ..config() };
    let refused = plan(&config, 1, &mut model(1, &asked)).err().unwrap();
    assert!(matches!(refused, Error::NoGradient), "{refused}");
}

fn network(name: &str) -> (Network, InputConfig) {
    let model = registry::find(name).unwrap();
    let options = ModelOptions { num_classes: CLASSES, in_channels: 3, ..model.options() };
    let network = model.network(&options, Seed(3), &Device::flex()).unwrap();
    let input = InputConfig { size: 12, ..InputConfig::default() };
    (network, input)
}

fn picture() -> Image {
    let pixels = (0..12 * 12 * 3).map(|at| (40 + at * 37 % 170) as u8).collect();
    Image { width: 12, height: 12, channels: 3, pixels }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for inference in [Inference::Dense, Inference::Delta] {
        // Its activations have no corners.
        let (network, input) = network("efficientnetv2_small_cifar");
        let mut classifier = Compiled::new(&network, &input, inference).unwrap();
        let image = picture();
        let mut session = classifier.begin(&image).unwrap();
        let class = 1;
        let gradient = session.gradient(class).unwrap();
        assert_eq!(gradient.len(), image.pixels.len());
        // The loss, up to a constant: the logarithm of (1 − p) / p.
        let mut loss = |at: usize, step: f32| {
            let [pixel, channel] = [at / 3, at % 3];
            let mut value: Vec<f32> =
                image.pixels[3 * pixel..][..3].iter().map(|byte| f32::from(*byte)).collect();
            value[channel] += step;
            let [x, y] = [(pixel % 12) as u32, (pixel / 12) as u32];
            let mut candidates = Candidates::new(3);
            candidates.push(&[PixelChange { x, y, value }]);
            let mut probabilities = [0.0; CLASSES];
            session.probabilities(&candidates, &mut probabilities).unwrap();
            let own = probabilities[class as usize];
            ((1.0 - own) / own).ln()
        };
        let mut largest = 0.0_f64;
        for at in (0..image.pixels.len()).step_by(13) {
            let difference = (loss(at, 1.0) - loss(at, -1.0)) / 2.0;
            let expected = f64::from(gradient[at]);
            let error = (difference - expected).abs();
            assert!(error < 0.02 * expected.abs() + 1e-6, "{at}: {difference} {expected}");
            largest = expected.abs().max(largest);
        }
        assert!(largest > 2e-5, "{largest}");
    }
}

#[test]
fn the_gradient_sign_changes_every_value_by_epsilon() {
    let (network, input) = network("resnet20_cifar");
    let eval = EvalConfig { crop_pct: 1.0, ..EvalConfig::default() };
    let source: Arc<dyn Source> = Arc::new(Noise::new(3, 20));
    let pictures = Pictures::new(source, &input, eval).unwrap();
    let mut classifier = Compiled::new(&network, &input, Inference::Auto).unwrap();
    let victim = super::fixture::victim();
    let config = Config {
        images: 4,
        // It knows nothing yet.
        misclassified: Misclassified::Attack,
        compare: CompareSection {
            epsilon: 3,
            rounds: 4,
            ..compare(&[Rival::Fgsm, Rival::LocalSearch])
        },
        evolution: EvolutionSection { population: 8, generations: 1, ..Default::default() },
        ..Config::default()
    };
    let plan = chosen(&config, victim, pictures, &mut classifier).unwrap();
    let stop = AtomicBool::new(false);
    let attacked = super::super::attack(&plan, &mut classifier, &stop).unwrap().unwrap();
    let mut sinks = 0;
    for image in &attacked {
        let [sign, local] = &image.rivals[..] else { panic!("two attacks, two outcomes") };
        assert_eq!((sign.attack, local.attack), (Rival::Fgsm, Rival::LocalSearch));
        assert_eq!((sign.evaluations, sign.gradients), (1, 1));
        // No value is so near to 0 or 255 that it is cut off.
        assert_eq!(sign.changed_pixels, 12 * 12);
        assert_eq!(sign.distortion, 3.0);
        sinks += usize::from(sign.true_probability < image.clean_probability);
    }
    assert_eq!(sinks, attacked.len(), "a step up the loss lowers the probability");
}
