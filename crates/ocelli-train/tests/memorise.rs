//! The networks of the one-pixel attack learn a few pictures by heart: a wire that leads nowhere, a
//! dead layer or a wrong gradient would keep them from it.

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_data::Targets;
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{GradientEngine, TrainPass};
use ocelli_random::{Purpose, Seed};
use ocelli_train::loss::cross_entropy;
use ocelli_train::recipe::{OptimizerKind, OptimizerSection};
use ocelli_train::{Error, Optimizer};
use rand::RngExt;

#[test]
fn small_networks() -> Result<(), Error> {
    for (name, size) in [
        ("lenet_keras_cifar", 32),
        ("resnet32_keras_cifar", 16),
        ("allconv_cifar", 16),
        ("allconv_original_cifar", 16),
        ("allconv_bn_cifar", 16),
        ("nin_cifar", 8),
        ("nin_printed_cifar", 8),
        ("nin_bn_cifar", 8),
    ] {
        memorises(name, [8, size], 1e-3)?;
    }
    memorises("nin_original_cifar", [8, 32], 2e-4)
}

#[test]
fn networks_of_many_parameters() -> Result<(), Error> {
    memorises("vgg16_fc2048_cifar", [4, 32], 2e-4)?;
    memorises("vgg16_fc2048_bn_cifar", [4, 32], 2e-4)?;
    memorises("bvlc_alexnet", [2, 227], 3e-4)
}

/// Trains on pictures of noise without dropout until their classes are known.
fn memorises(name: &str, [images, size]: [usize; 2], lr: f64) -> Result<(), Error> {
    const MOST_STEPS: u64 = 80;
    let model = registry::find(name)?;
    let options = ModelOptions { num_classes: 4, dropout: Some(0.0), ..model.options() };
    let mut network = model.network(&options, Seed(3), &Device::flex())?;
    let section = OptimizerSection { kind: OptimizerKind::AdamW, ..OptimizerSection::default() };
    let (mut optimizer, mut engine) = (Optimizer::new(&section), GradientEngine::new());
    let targets = Targets::Hard((0..images as u32).map(|image| image % 4).collect());
    let mut losses = vec![f32::INFINITY];
    let known = |losses: &[f32]| losses.last().is_some_and(|loss| *loss < 0.1);
    for step in 0..MOST_STEPS {
        if known(&losses) {
            break;
        }
        let mut pass = TrainPass::new(Seed(3), step, 0);
        let loss = |logits: Tensor<2>| cross_entropy(logits, &targets);
        let result =
            engine.differentiate(&network, noise([images, 3, size, size]), &mut pass, loss)?;
        losses.push(result.loss.into_scalar::<f32>());
        network.apply_batch_stats(pass.stats())?;
        optimizer.step(network.params_mut(), &result.gradients, lr)?;
    }
    assert!(engine.has_plan(), "{name} has no plan");
    assert!(known(&losses), "{name} does not learn {images} pictures by heart: {losses:?}");
    Ok(())
}

fn noise(shape: [usize; 4]) -> Tensor<4> {
    let mut rng = Seed(9).stream(Purpose::INIT, 0, 0);
    let values = (0..shape.iter().product()).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
    Tensor::from_data(TensorData::new::<f32, _>(values, shape), &Device::flex())
}
