//! A classifier that is reset knows nothing: every class is as likely as any other, and the first
//! step moves it.

mod support;

use burn::tensor::Device;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::weights::{LoadOptions, load, state_dict};
use ocelli_nn::{Network, Pass, TrainPass};
use ocelli_random::Seed;
use std::error::Error;
use support::{noise, values};

const CLASSES: usize = 3;

/// One network of each way to end: a linear layer on pooled features, with or without biases before
/// it, and a convolution after a mean.
const NETWORKS: [(&str, usize); 9] = [
    ("ghostnet_050", 64),
    ("efficientnet_lite0", 64),
    ("tf_efficientnetv2_b0", 64),
    ("resnet18", 64),
    ("resnet20_cifar", 32),
    ("mobilenetv2_100", 64),
    ("vgg16_small_cifar", 32),
    ("allconv_bn_cifar", 32),
    ("nin_bn_cifar", 32),
];

/// A network for [`CLASSES`] classes with all but the classifier of one that tells seven apart.
fn reset(name: &str) -> Result<Network, Box<dyn Error>> {
    let model = registry::find(name)?;
    let network = |num_classes, seed| {
        let options = ModelOptions { num_classes, ..model.options() };
        model.network(&options, Seed(seed), &Device::flex())
    };
    let dict = state_dict(&network(7, 1)?)?;
    let mut network = network(CLASSES, 2)?;
    let options = LoadOptions { reset_head: true, ..LoadOptions::default() };
    load(&mut network, &dict, &options)?;
    Ok(network)
}

/// The cross-entropy of a row of logits when the first class is the right one.
fn loss(logits: &[f32]) -> f64 {
    let sum: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
    sum.ln() - f64::from(logits[0])
}

#[test]
fn the_first_loss_is_that_of_a_guess() -> Result<(), Box<dyn Error>> {
    for (name, size) in NETWORKS {
        let network = reset(name)?;
        let mut train = TrainPass::new(Seed(3), 0, 0);
        let images = noise([4, 3, size, size]);
        let logits = values(network.forward(images, Pass::Train(&mut train)));
        for row in logits.chunks_exact(CLASSES) {
            let (loss, guess) = (loss(row), (CLASSES as f64).ln());
            assert!((loss - guess).abs() < 1e-3, "{name}: {loss} and not {guess}");
        }
    }
    Ok(())
}

/// Zeros in any layer before the last would have no gradient and never learn.
#[test]
fn the_first_step_moves_every_class() -> Result<(), Box<dyn Error>> {
    for (name, size) in NETWORKS {
        let network = reset(name)?;
        let tracked = network.tracked();
        let mut train = TrainPass::new(Seed(3), 0, 0);
        let images = noise([4, 3, size, size]);
        let logits = tracked.forward(images.autodiff(), Pass::Train(&mut train));
        let gradients = tracked.gradients(&(logits - 1.0).powi_scalar(2).mean());
        let weight = network.head()[0];
        let gradient = values(gradients.get(weight).cloned().unwrap());
        for (class, row) in gradient.chunks_exact(gradient.len() / CLASSES).enumerate() {
            assert!(row.iter().any(|g| g.abs() > 1e-6), "{name}: class {class} never learns");
        }
    }
    Ok(())
}
