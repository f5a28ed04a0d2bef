//! Changed pixels are computed as whole images are, wherever the one ends and the other begins.

use super::*;
use crate::graph::{Activation, Builder, ConvSettings, LocalResponseNorm, NormSettings};
use crate::infer_plan::InferPlan;
use crate::init::InitScheme;
use crate::lowering::GivenSlice;
use crate::{Network, PixelEdit};
use burn::tensor::Device;
use ocelli_random::{Purpose, Seed};
use proptest::prelude::*;
use rand::RngExt;
use std::collections::BTreeSet;

/// Elements in [−1, 1).
fn noise(length: usize, seed: u64) -> Vec<f32> {
    let mut rng = Seed(seed).stream(Purpose::INIT, 0, 0);
    (0..length).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect()
}

/// Candidates of 0 to `most` edits, at corners and borders and twice at one pixel too.
fn candidates(image: [usize; 3], most: usize, seed: u64) -> EditBatch {
    let [channels, height, width] = image;
    let mut rng = Seed(seed).stream(Purpose::INIT, 1, 0);
    let mut edits = EditBatch::new(image);
    let corners = [[0, 0], [0, width - 1], [height - 1, 0], [height - 1, width - 1]];
    for candidate in 0..13 {
        let values = noise(most * channels, seed + candidate as u64);
        let count = if candidate == 5 { 0 } else { 1 + candidate % most };
        let pixels = values.chunks_exact(channels).take(count).enumerate().map(|(edit, value)| {
            let [row, column] = match candidate {
                0..4 => corners[(candidate + edit) % 4],
                4 => [height / 2, width / 2],
                _ => [rng.random_range(0..height), rng.random_range(0..width)],
            };
            PixelEdit { row, column, value }
        });
        let added = edits.push(pixels.collect::<Vec<_>>());
        assert!(added.is_ok());
    }
    edits
}

/// Candidates as whole images.
fn whole(image: &[f32], edits: &EditBatch) -> Vec<f32> {
    let [_, height, width] = edits.image();
    let mut images = image.repeat(edits.len());
    for (candidate, image) in images.chunks_exact_mut(image.len()).enumerate() {
        for edit in edits.candidate(candidate) {
            for (channel, value) in edit.value.iter().enumerate() {
                image[(channel * height + edit.row) * width + edit.column] = *value;
            }
        }
    }
    images
}

/// The plans for whole images of a size and for candidates.
fn plans(network: &Network, [height, width]: [usize; 2]) -> (Option<InferPlan>, Option<DeltaPlan>) {
    let (graph, params, route) = (network.graph(), network.params(), network.graph().classify());
    let shape = Shape { channels: graph.in_channels(), height, width };
    let dense = InferPlan::new(graph, params, &route, &[shape]);
    (dense, DeltaPlan::new(graph, params, &route, shape))
}

fn dense_logits(plan: &InferPlan, images: &[f32], batch: usize) -> Vec<f32> {
    plan.run(&[GivenSlice::Planes(images)], batch).swap_remove(0).values
}

/// Compares candidates with whole images, for every step from which on they may be whole, or only
/// some of these.
#[track_caller]
fn check(name: &str, network: &Network, size: [usize; 2], every: usize) {
    let Ok(folded) = network.fold_batch_norm() else { panic!("{name} does not fold") };
    let image_size = [folded.graph().in_channels(), size[0], size[1]];
    let (Some(dense), Some(plan)) = plans(&folded, size) else {
        panic!("{name} has no plan for {size:?}")
    };
    let image = noise(image_size.iter().product(), 7);
    for most in [1, 3, 5] {
        let edits = candidates(image_size, most, 11);
        let counts: BTreeSet<usize> =
            (0..edits.len()).map(|candidate| edits.count(candidate).max(1)).collect();
        let expected = dense_logits(&dense, &whole(&image, &edits), edits.len());
        let changed = plan.predict(most, plan.steps.len());
        let last = Arc::new(plan.schedule_from(changed.len(), 4, &changed));
        locked(&plan.schedules).insert(1, last);
        let base = plan.base(&image);
        let froms = (0..=changed.len()).filter(|from| from % every == 0 || *from == changed.len());
        for from in froms {
            for count in &counts {
                let schedule = Arc::new(plan.schedule_from(from, 3, &changed));
                locked(&plan.schedules).insert(*count, schedule);
            }
            let mut results = vec![f32::NAN; expected.len()];
            plan.run(&base, &edits, &mut results);
            let classes = plan.result_len();
            for (candidate, (actual, expected)) in
                results.chunks(classes).zip(expected.chunks(classes)).enumerate()
            {
                let norm = |values: &mut dyn Iterator<Item = f32>| {
                    values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt()
                };
                let mut differences = actual.iter().zip(expected).map(|(a, b)| a - b);
                let error = norm(&mut differences) / norm(&mut expected.iter().copied()).max(1e-9);
                let context = format!("{name} {size:?}, {most} edits, whole from {from}");
                assert!(error < 1e-5, "{context}, candidate {candidate}: differs by {error:e}");
            }
        }
        locked(&plan.schedules).clear();
    }
}

/// Windows of every kind, concatenations, a gate, a residual in another buffer than its partner.
fn knotted() -> Graph {
    let (mut b, image) = Builder::new(3, InitScheme::FanInUniform, NormSettings::default());
    let a = b.conv("a", image, ConvSettings::new(5, 3).with_bias());
    let a = b.activation(a, Activation::Silu);
    let c = b.conv("c", image, ConvSettings::new(6, 3));
    let c = b.batch_norm("c_bn", c);
    let joined = b.concat("joined", &[a, c], 9);
    let other = b.conv("other", joined, ConvSettings::new(9, 1));
    let sum = b.add("sum", other, joined);
    let sum = b.activation(sum, Activation::Relu);
    let double = b.add("double", sum, sum);
    let normal = b.batch_norm("normal", double);
    let normal = b.activation(normal, Activation::HardSigmoid);
    let features = b.concat("features", &[normal, sum], 18);
    let pooled = b.max_pool(
        "max",
        features,
        crate::graph::Pool { kernel: [3, 2], stride: [2, 1], padding: [1, 1] },
    );
    let deep = b.conv("deep", pooled, ConvSettings::depthwise(18, 5).stride(2));
    let twin = b.conv("twin", pooled, ConvSettings::new(18, 3).stride(2));
    let features = b.add("features_sum", deep, twin);
    let squeezed = b.global_avg_pool("squeeze", features);
    let gate = b.conv("gate", squeezed, ConvSettings::new(18, 1));
    let gate = b.activation(gate, Activation::Sigmoid);
    let mixed = b.conv("mixed", features, ConvSettings::new(18, 1));
    let mixed = b.scale("scale", mixed, gate);
    let pooled = b.global_avg_pool("pool", mixed);
    let logits = b.linear("fc", pooled, 7);
    b.finish(mixed, pooled, logits)
}

#[test]
fn knotted_graphs_may_change_over_anywhere() {
    let network = Network::new(knotted(), Seed(1), &Device::flex());
    for size in [[9, 8], [1, 1], [16, 23], [40, 37]] {
        check("knotted", &network, size, 1);
    }
}

#[test]
fn registered_models_may_change_over_anywhere() -> Result<(), crate::Error> {
    let cases = [
        ("resnet20_cifar", [32, 32], 1),
        ("ghost_resnet20_cifar", [17, 22], 2),
        ("vgg16_small_cifar", [32, 32], 1),
        ("ghost_vgg16_small_cifar", [33, 47], 3),
        ("mobilenetv2_100", [65, 48], 7),
        ("efficientnet_lite0", [64, 71], 7),
        ("ghostnet_050", [64, 64], 9),
        ("efficientnetv2_small_cifar", [32, 32], 3),
        ("tf_efficientnetv2_b0", [75, 64], 11),
        ("resnet18", [70, 64], 5),
        ("allconv_cifar", [32, 32], 3),
        ("nin_cifar", [32, 32], 4),
        ("lenet_keras_cifar", [32, 32], 1),
        ("resnet32_keras_cifar", [32, 32], 5),
    ];
    for (name, size, every) in cases {
        let model = crate::registry::find(name)?;
        let options = crate::registry::ModelOptions { num_classes: 7, ..model.options() };
        let network = model.network(&options, Seed(3), &Device::flex())?;
        check(name, &network, size, every);
    }
    Ok(())
}

#[test]
fn candidates_may_replace_pixels_that_are_no_numbers() {
    let (mut b, image) = Builder::new(2, InitScheme::FanInUniform, NormSettings::default());
    let features = b.conv("stem", image, ConvSettings::new(64, 3).with_bias());
    let features = b.activation(features, Activation::Silu);
    let features = b.conv("features", features, ConvSettings::new(64, 3).with_bias());
    let features = b.activation(features, Activation::Silu);
    let pooled = b.global_avg_pool("pool", features);
    let logits = b.linear("fc", pooled, 3);
    let network = Network::new(b.finish(features, pooled, logits), Seed(1), &Device::flex());
    let (Some(dense), Some(plan)) = plans(&network, [8, 9]) else { panic!("there is no plan") };
    let changed = plan.predict(1, plan.steps.len());
    assert_eq!(changed.len(), plan.steps.len());
    let schedule = Arc::new(plan.schedule_from(changed.len(), 4, &changed));
    locked(&plan.schedules).insert(1, schedule);

    let mut edits = EditBatch::new([2, 8, 9]);
    assert!(edits.push([PixelEdit { row: 3, column: 4, value: &[0.5, -0.5] }]).is_ok());
    for broken in [f32::NAN, f32::INFINITY] {
        let mut image = noise(2 * 8 * 9, 7);
        image[3 * 9 + 4] = broken;
        let mut actual = [9.0; 3];
        plan.run(&plan.base(&image), &edits, &mut actual);
        for (actual, expected) in actual.iter().zip(dense_logits(&dense, &whole(&image, &edits), 1))
        {
            assert!((actual - expected).abs() < 1e-5, "{actual} for {expected} after {broken}");
        }
    }
}

/// One layer of a random chain.
#[derive(Clone, Debug)]
struct Layer {
    kind: usize,
    kernel: usize,
    stride: usize,
    channels: usize,
    residual: bool,
}

fn chain(layers: &[Layer], [height, width]: [usize; 2], flat: bool) -> Graph {
    let (mut b, image) = Builder::new(2, InitScheme::FanInUniform, NormSettings::default());
    let (mut value, mut channels) = (image, 2);
    for (index, layer) in layers.iter().enumerate() {
        let (name, before) = (format!("layer{index}"), value);
        let (kernel, stride) = (layer.kernel, layer.stride);
        let mut same = stride == 1;
        match layer.kind {
            0 => {
                let conv = ConvSettings::depthwise(channels, kernel).stride(stride);
                value = b.conv(&name, value, conv);
            }
            5 if channels % 2 == 0 && layer.channels % 2 == 0 => {
                let conv = ConvSettings::new(layer.channels, kernel).stride(stride);
                value = b.conv(&name, value, ConvSettings { groups: 2, ..conv });
                same &= channels == layer.channels;
                channels = layer.channels;
            }
            6 => {
                let norm = LocalResponseNorm { size: kernel, alpha: 0.5, beta: 0.75, k: 1.0 };
                value = b.local_response_norm(&name, value, norm);
                same = true;
            }
            1 | 2 => {
                let (kernel, padding) = ([kernel; 2], [kernel / 2; 2]);
                let pool = crate::graph::Pool { kernel, stride: [stride; 2], padding };
                value = if layer.kind == 1 {
                    b.max_pool(&name, value, pool)
                } else {
                    b.avg_pool(&name, value, pool)
                };
                same &= kernel[0] % 2 == 1;
            }
            _ => {
                let conv = ConvSettings::new(layer.channels, kernel).stride(stride).with_bias();
                value = b.conv(&name, value, conv);
                same &= channels == layer.channels;
                channels = layer.channels;
            }
        }
        if layer.residual && same {
            value = b.add(&name, value, before);
        }
        value = b.activation(value, Activation::Relu);
    }
    let pooled = if flat {
        let shrink = |size: usize| {
            let strided = layers.iter().filter(|layer| layer.kind != 6);
            strided.fold(size, |size, layer| size.div_ceil(layer.stride))
        };
        b.flatten("flat", value, channels * shrink(height) * shrink(width))
    } else {
        b.global_avg_pool("pool", value)
    };
    let logits = b.linear("fc", pooled, 3);
    b.finish(value, pooled, logits)
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(24))]
    #[test]
    fn random_chains_may_change_over_anywhere(
        layers in prop::collection::vec(
            (0_usize..9, 0_usize..3, 1_usize..3, 1_usize..20, any::<bool>()), 1..6,
        ),
        height in 6_usize..30, width in 6_usize..30, flat: bool,
    ) {
        let layers: Vec<Layer> = layers
            .into_iter()
            .map(|(kind, kernel, stride, channels, residual)| {
                let kernel = 2 * kernel + 1;
                Layer { kind, kernel, stride, channels, residual }
            })
            .collect();
        let network = Network::new(chain(&layers, [height, width], flat), Seed(2), &Device::flex());
        check("chain", &network, [height, width], 1);
    }
}
