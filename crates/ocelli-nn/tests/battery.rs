//! What every registered model must do.

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::backbones::efficientnetv2::{BlockKind, Flavour, Layout, Stage};
use ocelli_nn::registry::{self, Model, ModelOptions};
use ocelli_nn::{InferenceEngine, Network, Pass, TrainPass};
use ocelli_random::{Purpose, Seed};
use ocelli_testkit::{figure, relative_error};
use rand::RngExt;

/// Two image sizes that no stride divides.
const ODD_SIZES: [[usize; 2]; 2] = [[65, 47], [39, 75]];

/// The networks whose linear layers read a map of one size, and that of their images.
const FIXED_SIZES: [(&str, usize); 2] = [("bvlc_alexnet", 227), ("nin_original_cifar", 32)];

/// Those with a normalisation that does not follow a convolution which it alone reads.
const PRE_NORMALISED: [&str; 1] = ["resnet32_keras_cifar"];

#[test]
fn ghostnets_pass_the_battery() -> Result<(), ocelli_nn::Error> {
    run_family("ghostnet")
}

#[test]
fn efficientnets_pass_the_battery() -> Result<(), ocelli_nn::Error> {
    run_family("efficientnetv2")
}

#[test]
fn resnets_pass_the_battery() -> Result<(), ocelli_nn::Error> {
    run_family("resnet")?;
    run_family("resnet_cifar")
}

#[test]
fn vggs_pass_the_battery() -> Result<(), ocelli_nn::Error> {
    run_family("vgg")
}

#[test]
fn mobilenets_pass_the_battery() -> Result<(), ocelli_nn::Error> {
    run_family("mobilenetv2")
}

#[test]
fn networks_without_linear_layers_pass_the_battery() -> Result<(), ocelli_nn::Error> {
    run_family("allconv")?;
    run_family("nin")
}

#[test]
fn alexnet_passes_the_battery() -> Result<(), ocelli_nn::Error> {
    run_family("alexnet")
}

#[test]
fn keras_networks_pass_the_battery() -> Result<(), ocelli_nn::Error> {
    run_family("keras_cifar")
}

#[test]
fn encoders_pass_the_battery() -> Result<(), ocelli_nn::Error> {
    run_family("autoencoder")
}

#[test]
fn no_family_is_left_out() {
    let older = ["ghostnet", "efficientnetv2", "resnet", "resnet_cifar", "mobilenetv2", "vgg"];
    let tested =
        [&older[..], &["allconv", "nin", "alexnet", "keras_cifar", "autoencoder"]].concat();
    let missing: Vec<_> = registry::models().filter(|m| !tested.contains(&m.family)).collect();
    assert!(missing.is_empty(), "add a battery for {missing:?}");
}

#[test]
fn names_are_unique() {
    let mut names: Vec<String> = registry::models().map(Model::name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

fn run_family(family: &str) -> Result<(), ocelli_nn::Error> {
    for model in registry::models().filter(|model| model.family == family) {
        let options = ModelOptions { num_classes: 7, ..model.options() };
        run(&model.name(), &model.network(&options, Seed(3), &Device::flex())?)?;
        a_grey_version_exists(model)?;
    }
    Ok(())
}

/// What a network with seven classes must do.
fn run(name: &str, network: &Network) -> Result<(), ocelli_nn::Error> {
    let sizes = sizes(name);
    for [height, width] in sizes {
        a_batch_equals_its_samples(name, network, [3, height, width]);
    }
    every_learnt_parameter_has_a_gradient(name, network, sizes[0]);
    compiling_changes_nothing(name, network, sizes[0])
}

/// The sizes of images that a network is run on.
fn sizes(name: &str) -> [[usize; 2]; 2] {
    let fixed = FIXED_SIZES.iter().find(|(fixed, _)| *fixed == name);
    fixed.map_or(ODD_SIZES, |(_, size)| [[*size; 2]; 2])
}

/// Blocks that no published network has: MBConv without expansion or without squeeze-and-excitation,
/// Fused-MBConv with it, or with a projection and without expansion, kernels of 5 and 7.
#[test]
fn described_networks_pass_the_battery() -> Result<(), ocelli_nn::Error> {
    let stage = |op, kernel, stride, expand, squeeze_ratio| Stage {
        op,
        kernel,
        stride,
        expand,
        channels: 12,
        layers: 2,
        squeeze_ratio,
        always_project: expand == 1,
    };
    let stages = vec![
        stage(BlockKind::MbConv, 5, 1, 1, None),
        stage(BlockKind::FusedMbConv, 5, 2, 4, Some(0.5)),
        stage(BlockKind::FusedMbConv, 5, 1, 1, None),
        stage(BlockKind::MbConv, 7, 2, 6, Some(0.0)),
    ];
    for flavour in [Flavour::PyTorch, Flavour::TensorFlow] {
        let layout =
            Layout { stem: 8, head: 32, flavour, stages: stages.clone(), ..Layout::default() };
        let model = registry::find("efficientnetv2")?;
        let options = ModelOptions { num_classes: 7, layout: Some(layout), ..model.options() };
        run("a described network", &model.network(&options, Seed(3), &Device::flex())?)?;
    }
    Ok(())
}

fn a_batch_equals_its_samples(name: &str, network: &Network, [c, h, w]: [usize; 3]) {
    let images = noise([2, c, h, w]);
    let both = values(network.forward(images.clone(), Pass::Eval));
    assert_eq!(both.len(), 2 * 7, "{name}");
    let again = values(network.forward(images.clone(), Pass::Eval));
    assert_eq!(both, again, "{name}: evaluation is not deterministic");
    for sample in 0..2 {
        let alone = network.forward(images.clone().narrow(0, sample, 1), Pass::Eval);
        let error = relative_error(&values(alone), &both[sample * 7..][..7]);
        assert!(error < 1e-4, "{name}: sample {sample} alone differs by {error:e}");
    }
}

fn every_learnt_parameter_has_a_gradient(name: &str, network: &Network, [h, w]: [usize; 2]) {
    let tracked = network.tracked();
    let mut train = TrainPass::new(Seed(3), 0, 0);
    let logits = tracked.forward(noise([2, 3, h, w]).autodiff(), Pass::Train(&mut train));
    let gradients = tracked.gradients(&logits.powi_scalar(2).mean());
    let norms = network.graph().nodes().iter();
    let norms = norms.filter(|node| matches!(node.op, ocelli_nn::graph::Op::BatchNorm(_)));
    assert_eq!(train.stats().len(), norms.count(), "{name}");
    for (id, parameter) in network.params().iter() {
        let what = &parameter.spec.name;
        let gradient = gradients.get(id).cloned();
        assert_eq!(gradient.is_some(), parameter.spec.role.is_learnt(), "{name}: {what}");
        if let Some(gradient) = gradient {
            let finite = values(gradient).iter().all(|value| value.is_finite());
            assert!(finite, "{name}: gradient of {what} is not finite");
        }
    }
}

/// With running statistics near those of a batch, since with first values the signal of a deep
/// network grows or fades beyond what single precision holds. A random network amplifies rounding;
/// the golden tensors, which have the statistics of a real one, test this to 1e-5.
fn compiling_changes_nothing(
    name: &str,
    network: &Network,
    [height, width]: [usize; 2],
) -> Result<(), ocelli_nn::Error> {
    let mut network = network.clone();
    let images = noise([4, 3, height, width]);
    let mut train = TrainPass::new(Seed(3), 0, 0);
    network.forward(images.clone(), Pass::Train(&mut train));
    for _ in 0..30 {
        network.apply_batch_stats(train.stats())?;
    }
    let keeps_norms = PRE_NORMALISED.contains(&name);
    assert_eq!(network.fold_batch_norm()?.has_batch_norm(), keeps_norms, "{name}");
    let mut engine = InferenceEngine::new(&network)?;
    assert!(engine.has_plan([height, width]), "{name} has no plan");
    let (plain, compiled) = (network.forward(images.clone(), Pass::Eval), engine.logits(images)?);
    let error = relative_error(&values(compiled), &values(plain));
    figure(&format!("{name}: compiled logits of random weights"), error);
    assert!(error < 1e-3, "{name}: compiled differs by {error:e}");
    Ok(())
}

fn a_grey_version_exists(model: &Model) -> Result<(), ocelli_nn::Error> {
    let options = ModelOptions { in_channels: 1, small_input: true, ..model.options() };
    let graph = model.graph(&options)?;
    assert_eq!((graph.in_channels(), graph.num_classes()), (1, options.num_classes));
    let size = FIXED_SIZES.iter().find(|(name, _)| *name == model.name());
    let size = size.map_or(32, |(_, size)| *size);
    graph.shapes(size, size).map(drop)
}

fn noise(shape: [usize; 4]) -> Tensor<4> {
    let mut rng = Seed(9).stream(Purpose::INIT, 0, 0);
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| rng.random::<f32>() - 0.5).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
