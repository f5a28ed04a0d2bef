//! Networks of the registry, computed whole and in parts.

use super::fixture::{CLASSES, Noise, chosen, without_time};
use crate::one_pixel::*;
use burn::tensor::Device;
use ocelli_data::{EvalConfig, InputConfig};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_random::Seed;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn attack(name: &str, channels: u8, pixels: &[usize], inference: Inference) -> Vec<Attacked> {
    let model = registry::find(name).unwrap();
    let in_channels = channels.into();
    let options = ModelOptions { num_classes: CLASSES, in_channels, ..model.options() };
    let network = model.network(&options, Seed(3), &Device::flex()).unwrap();
    let (mean, std) = (vec![0.45], vec![0.22]);
    let input = InputConfig { size: 12, channels, mean, std, ..InputConfig::default() };
    let eval = EvalConfig { crop_pct: 1.0, ..EvalConfig::default() };
    let source = Arc::new(Noise::new(channels, 20));
    let pictures = Pictures::new(source, &input, eval).unwrap();
    let mut classifier = Compiled::new(&network, &input, inference).unwrap();
    let way = classifier.inference();
    assert_eq!(way, if inference == Inference::Dense { "dense" } else { "delta" });
    let victim = Victim {
        model: name.to_owned(),
        weights: String::new(),
        inference: way.to_owned(),
        input,
        eval,
    };
    let config = Config {
        images: 3,
        pixels: pixels.to_vec(),
        untargeted: true,
        // It knows nothing yet.
        misclassified: Misclassified::Attack,
        inference,
        evolution: EvolutionSection { population: 12, generations: 3, ..Default::default() },
        ..Config::default()
    };
    let plan = chosen(&config, victim, pictures, &mut classifier).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let mut journal = Journal::create(folder.path(), &plan).unwrap();
    let stop = AtomicBool::new(false);
    run(&plan, &mut journal, &mut classifier, &stop, &mut |_| ()).unwrap();
    without_time(journal.attacked())
}

#[test]
fn attacks_in_parts_have_the_successes_and_evaluations_of_whole_ones() {
    for (name, channels) in [("resnet20_cifar", 3), ("mobilenetv2_100", 1)] {
        let dense = attack(name, channels, &[1, 3], Inference::Dense);
        let delta = attack(name, channels, &[1, 3], Inference::Auto);
        assert_eq!(dense.len(), 3);
        for (dense, delta) in dense.iter().zip(&delta) {
            assert_eq!((dense.image, dense.predicted), (delta.image, delta.predicted), "{name}");
            assert!((dense.clean_probability - delta.clean_probability).abs() < 1e-5);
            for (dense, delta) in dense.outcomes.iter().zip(&delta.outcomes) {
                assert_eq!((dense.pixels, dense.aim), (delta.pixels, delta.aim));
                assert_eq!((dense.success, dense.evaluations), (delta.success, delta.evaluations));
                assert!((dense.confidence - delta.confidence).abs() < 1e-3, "{name}");
            }
        }
        let again = attack(name, channels, &[1, 3], Inference::Delta);
        assert_eq!(again, delta, "the same bits");
    }
}
