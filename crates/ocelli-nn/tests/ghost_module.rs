//! The Ghost module and its gradients against their definition, written out (Han et al. 2020,
//! section 3.1).

mod support;

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::graph::{Activation, Builder, ConvSettings, Graph, NodeId, NormSettings};
use ocelli_nn::init::InitScheme;
use ocelli_nn::layers::{GhostModule, SqueezeExcite, ghost_module, squeeze_excite};
use ocelli_nn::{Error, GradientEngine, Network, Pass, TrainPass};
use ocelli_random::Seed;
use ocelli_testkit::{figure, relative_error};
use support::{noise, values};

const CHANNELS: usize = 2;
const SIDE: usize = 6;
const RELU: Option<Activation> = Some(Activation::Relu);

fn builder(channels: usize) -> (Builder, NodeId) {
    Builder::new(channels, InitScheme::FanInUniform, NormSettings::default())
}

fn finish(mut b: Builder, features: NodeId) -> Graph {
    let pooled = b.global_avg_pool("pool", features);
    let logits = b.linear("fc", pooled, 3);
    b.finish(features, pooled, logits)
}

/// A network whose features are one module over an image of [`CHANNELS`].
fn network(module: GhostModule) -> Network {
    let (mut b, image) = builder(CHANNELS);
    let features = ghost_module(&mut b, "ghost", image, module);
    Network::new(finish(b, features), Seed(7), &Device::flex())
}

fn parameter(network: &Network, name: &str) -> Vec<f32> {
    network.params().to_values(network.params().index_by_name()[name])
}

/// Maps of [`SIDE`] pixels one after another.
type Maps = Vec<Vec<f32>>;

/// A convolution with zeros outside, a normalisation at its first values, and perhaps a ReLU.
/// Output `q` reads `inputs` maps, from `first(q)` on.
fn branch(
    maps: &Maps,
    weight: &[f32],
    (inputs, kernel): (usize, usize),
    first: impl Fn(usize) -> usize,
    relu: bool,
) -> Maps {
    let at = |map: &[f32], row: isize, column: isize| {
        let inside = 0..SIDE as isize;
        let is_inside = inside.contains(&row) && inside.contains(&column);
        if is_inside { map[row as usize * SIDE + column as usize] } else { 0.0 }
    };
    let reach = kernel as isize / 2;
    let output = |(q, weights): (usize, &[f32])| -> Vec<f32> {
        let pixel = |index: usize| {
            let (row, column) = ((index / SIDE) as isize, (index % SIDE) as isize);
            let term = |(index, w): (usize, &f32)| {
                let (input, tap) = (index / (kernel * kernel), index % (kernel * kernel));
                let (down, right) = ((tap / kernel) as isize, (tap % kernel) as isize);
                w * at(&maps[first(q) + input], row + down - reach, column + right - reach)
            };
            let sum: f32 = weights.iter().enumerate().map(term).sum();
            let normal = sum / 1.000_01_f32.sqrt();
            if relu { normal.max(0.0) } else { normal }
        };
        (0..SIDE * SIDE).map(pixel).collect()
    };
    weight.chunks(inputs * kernel * kernel).enumerate().map(output).collect()
}

/// n, s, the primary kernel, d, and whether there is a ReLU; 5 is not divisible by 2 or 3.
const MODULES: [(usize, usize, usize, usize, bool); 8] = [
    (5, 2, 1, 3, true),
    (5, 2, 1, 3, false),
    (6, 3, 1, 3, true),
    (5, 3, 3, 3, true),
    (8, 4, 1, 1, true),
    (4, 2, 3, 5, true),
    (4, 2, 1, 7, true),
    (4, 1, 3, 3, true),
];

#[test]
fn a_module_is_what_its_equations_say() {
    let image = noise([1, CHANNELS, SIDE, SIDE]);
    let planes: Maps = values(image.clone()).chunks(SIDE * SIDE).map(<[f32]>::to_vec).collect();
    for (n, ratio, kernel, cheap_kernel, relu) in MODULES {
        let activation = RELU.filter(|_| relu);
        let conv = ConvSettings::new(n, kernel);
        let network = network(GhostModule { conv, ratio, cheap_kernel, activation });
        let weight = parameter(&network, "ghost.primary_conv.0.weight");
        let intrinsic = branch(&planes, &weight, (CHANNELS, kernel), |_| 0, relu);
        assert_eq!(intrinsic.len(), n.div_ceil(ratio));
        let mut expected = intrinsic.clone();
        if ratio > 1 {
            // The cheap operations read what is normalised and activated already; s − 1 maps follow
            // one another for each intrinsic one.
            let weight = parameter(&network, "ghost.cheap_operation.0.weight");
            let from = |q: usize| q / (ratio - 1);
            expected.extend(branch(&intrinsic, &weight, (1, cheap_kernel), from, relu));
        }
        let expected: Vec<f32> = expected.into_iter().take(n).flatten().collect();
        let found = network.features(image.clone(), Pass::Eval);
        assert_eq!(found.dims(), [1, n, SIDE, SIDE]);
        let error = relative_error(&values(found), &expected);
        figure(&format!("module n = {n}, s = {ratio}, k = {kernel}, d = {cheap_kernel}"), error);
        assert!(error < 1e-5, "n = {n}, s = {ratio}, d = {cheap_kernel}: {error:e}");
    }
}

#[test]
fn the_gate_is_hard() -> Result<(), Error> {
    let (mut b, image) = builder(1);
    let gate = Activation::HardSigmoid;
    let settings = SqueezeExcite { hidden_channels: 1, activation: Activation::Relu, gate };
    let features = squeeze_excite(&mut b, "se", image, settings);
    let mut network = Network::new(finish(b, features), Seed(0), &Device::flex());
    let names = network.params().index_by_name();
    let ids = ["se.conv_reduce.weight", "se.conv_reduce.bias", "se.conv_expand.weight"]
        .map(|name| names[name]);
    let bias = names["se.conv_expand.bias"];
    for id in ids {
        network.params_mut().set_values(id, vec![0.0])?;
    }
    for (input, expected) in [(-3.0, 0.0), (0.0, 0.5), (3.0, 1.0), (9.0, 1.0), (-9.0, 0.0)] {
        network.params_mut().set_values(bias, vec![input])?;
        let ones = Tensor::ones([1, 1, 2, 2], &Device::flex());
        assert_eq!(values(network.features(ones, Pass::Eval)), [expected; 4], "gate({input})");
    }
    Ok(())
}

/// A block as GhostNet has them: two modules whose surplus ghosts are dropped, a strided depthwise
/// convolution between them, and a projection shortcut beside them. All is smooth, so that
/// differences can be trusted.
fn smooth_block() -> Network {
    let (mut b, image) = builder(CHANNELS);
    let module = |channels| GhostModule {
        conv: ConvSettings::new(channels, 1),
        ratio: 2,
        cheap_kernel: 3,
        activation: Some(Activation::Silu),
    };
    let x = ghost_module(&mut b, "ghost1", image, module(7));
    let x = b.conv("conv_dw", x, ConvSettings::depthwise(7, 3).stride(2));
    let x = b.batch_norm("bn_dw", x);
    let x = ghost_module(&mut b, "ghost2", x, module(5));
    let y = b.conv("shortcut.0", image, ConvSettings::depthwise(CHANNELS, 3).stride(2));
    let y = b.batch_norm("shortcut.1", y);
    let y = b.conv("shortcut.2", y, ConvSettings::new(5, 1));
    let y = b.batch_norm("shortcut.3", y);
    let features = b.add("block", x, y);
    Network::new(finish(b, features), Seed(7), &Device::flex())
}

#[test]
fn gradients_are_those_of_finite_differences() -> Result<(), Error> {
    let network = smooth_block();
    let images = noise([4, CHANNELS, SIDE, SIDE]);
    let loss = |logits: Tensor<2>| {
        let [batch, classes] = logits.dims();
        let weights = (0..batch * classes).map(|at| (at as f32).sin()).collect();
        let weights = TensorData::new::<f32, _>(weights, [batch, classes]);
        (logits.clone() * Tensor::from_data(weights, &logits.device())).sum()
    };
    let mut pass = TrainPass::new(Seed(0), 0, 0);
    let mut engine = GradientEngine::new();
    let found = engine.differentiate(&network, images.clone(), &mut pass, loss).unwrap();
    let at = |network: &Network| -> f64 {
        let mut pass = TrainPass::new(Seed(0), 0, 0);
        let logits = network.forward(images.clone(), Pass::Train(&mut pass));
        values(loss(logits)).into_iter().map(f64::from).sum()
    };
    let ids: Vec<_> = network.params().iter().map(|(id, _)| id).collect();
    let mut worst = 0.0_f64;
    for (id, gradient) in ids.into_iter().zip(found.gradients) {
        let Some(gradient) = gradient.map(values) else { continue };
        let start = network.params().to_values(id);
        let largest = gradient.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
        for (index, gradient) in gradient.iter().enumerate() {
            let moved = |by: f32| -> Result<f64, Error> {
                let (mut network, mut moved) = (network.clone(), start.clone());
                moved[index] += by;
                network.params_mut().set_values(id, moved)?;
                Ok(at(&network))
            };
            let step = 1e-2;
            let slope = (moved(step)? - moved(-step)?) / (2.0 * f64::from(step));
            let difference = (slope - f64::from(*gradient)).abs();
            let tolerance = 2e-3 + 2e-2 * f64::from(largest);
            worst = worst.max(difference / tolerance);
            let name = &network.params().get(id).spec.name;
            assert!(
                difference < tolerance,
                "{name} {index}: {gradient} by the plan, {slope} by differences"
            );
        }
    }
    figure("gradients less finite differences, over what is allowed", worst);
    Ok(())
}
