//! Networks whose activations are quantized: both plans are burn's, ranges follow the data, evaluation does
//! not depend on the batch, and eight bits are nearly float.

#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]

mod mixed;
mod support;

use burn::tensor::{Device, Tensor, TensorData};
use mixed::mixed;
use ocelli_nn::graph::{Builder, ConvSettings, Graph, NormSettings, QuantizerSettings};
use ocelli_nn::init::InitScheme;
use ocelli_nn::parameter::{ParamId, Role};
use ocelli_nn::registry::{self, ModelOptions};
use ocelli_nn::{
    Calibration, DeltaEngine, EditBatch, Error, Given, GradientEngine, Gradients, InferenceEngine,
    Network, Pass, PixelEdit, Route, Seen, TrainPass, Wanted,
};
use ocelli_random::Seed;
use ocelli_testkit::{figure, relative_error};
use support::{noise, values};

const NETWORKS: [&str; 3] = ["resnet20_cifar", "ghostnet_small", "mobilenetv2_small"];

fn settings(quantizers: &[&str]) -> QuantizerSettings {
    let quantizers = quantizers.iter().map(|text| text.parse().expect("a quantizer"));
    QuantizerSettings::new(quantizers.collect())
}

fn registered(name: &str) -> Network {
    let model = registry::find(name).expect("a model");
    let options = ModelOptions { num_classes: 7, ..model.options() };
    model.network(&options, Seed(3), &Device::flex()).expect("a network")
}

/// A network with all its activations but the image quantized.
fn quantized(network: &Network, quantizers: &[&str]) -> Network {
    let graph = network.graph().with_quantizers(&settings(quantizers), |_| true);
    network.with_graph(graph.expect("a quantized graph")).expect("its network")
}

/// The attention of each tensor, for `batch` images, which sums to one.
fn attention(graph: &Graph, batch: usize) -> Vec<Tensor<4>> {
    let of_one = |id: &ocelli_nn::graph::NodeId| {
        let count = graph.node(*id).op.clone();
        let ocelli_nn::graph::Op::SideInput(side) = count else { unreachable!("it is given") };
        let weights: Vec<f32> = (1..=side.channels).map(|k| (k + id.index() % 3) as f32).collect();
        let sum: f32 = weights.iter().sum();
        let row: Vec<f32> = weights.iter().map(|weight| weight / sum).collect();
        let data = TensorData::new(row.repeat(batch), [batch, side.channels, 1, 1]);
        Tensor::from_data(data, &Device::flex())
    };
    graph.attention().iter().map(of_one).collect()
}

/// What a training pass computed: the first wanted value, the gradients of parameters and of given values,
/// and the ranges that were seen.
struct Computed {
    value: Vec<f32>,
    /// In state-dict order, where there is one.
    gradients: Vec<Option<Vec<f32>>>,
    given: Vec<Vec<f32>>,
    seen: Vec<Vec<f32>>,
}

fn seen(pass: &TrainPass) -> Vec<Vec<f32>> {
    let ranges = pass.stats().iter().filter_map(|stats| match &stats.seen {
        Seen::Range(range) => Some(values(range.clone())),
        Seen::Moments { .. } => None,
    });
    ranges.collect()
}

fn by_plan(network: &Network, route: &Route, given: &[Tensor<4>]) -> Computed {
    let mut engine = GradientEngine::new();
    let mut pass = TrainPass::new(Seed(5), 3, 8);
    let all = given.iter().cloned().map(Given::Planes).collect();
    let taped = engine
        .forward(network, route, all, Wanted::BOTH, Pass::Train(&mut pass))
        .expect("values that fit");
    assert!(engine.has_plan());
    let value = taped.value(0);
    let mut gradients = Gradients::new();
    let given = taped.backward(vec![Some(noise(value.dims()))], &mut gradients);
    let given = given.into_iter().map(|gradient| values(gradient.expect("a gradient"))).collect();
    let params = network.params().iter();
    let gradients = params.map(|(id, _)| gradients.get(id).cloned().map(values)).collect();
    Computed { value: values(value), gradients, given, seen: seen(&pass) }
}

fn by_burn(network: &Network, route: &Route, given: &[Tensor<4>]) -> Computed {
    let tracked = network.tracked();
    let mut pass = TrainPass::new(Seed(5), 3, 8);
    let given: Vec<Tensor<4>> =
        given.iter().map(|value| value.clone().autodiff().require_grad()).collect();
    let result = tracked
        .run_route(route, given.clone(), &mut Pass::Train(&mut pass))
        .expect("values that fit")
        .remove(0);
    let dims = result.dims();
    let loss = (result.clone() * noise(dims).autodiff()).sum();
    let mut found = loss.backward();
    let gradients = tracked.params().iter();
    let gradients =
        gradients.map(|(_, entry)| entry.value().grad_remove(&mut found).map(values)).collect();
    let of_given = |value: &Tensor<4>| {
        let dims = value.dims();
        let gradient = value.grad(&found);
        gradient.map_or_else(|| vec![0.0; dims.iter().product()], values)
    };
    let given = given.iter().map(of_given).collect();
    Computed { value: values(result.inner()), gradients, given, seen: seen(&pass) }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

/// The largest relative difference of the value, of a parameter's and of a given value's gradient.
fn farthest(actual: &Computed, expected: &Computed) -> f64 {
    let mut error = relative_error(&actual.value, &expected.value);
    let all = |computed: &Computed| -> Vec<Option<Vec<f32>>> {
        computed.gradients.iter().cloned().chain(computed.given.iter().cloned().map(Some)).collect()
    };
    let (actual, expected) = (all(actual), all(expected));
    let largest = expected.iter().flatten().map(|values| norm(values)).fold(0.0, f64::max);
    assert_eq!(actual.len(), expected.len());
    for (actual, expected) in actual.iter().zip(&expected) {
        let (Some(actual), Some(expected)) = (actual, expected) else {
            assert_eq!(actual.is_some(), expected.is_some());
            continue;
        };
        let difference: Vec<f32> = actual.iter().zip(expected).map(|(a, e)| a - e).collect();
        error = error.max(norm(&difference) / (norm(expected) + 1e-3 * largest));
    }
    error
}

/// The relative difference of the gradients of all parameters and given values together.
fn distance(actual: &Computed, expected: &Computed) -> f64 {
    let all = |computed: &Computed| -> Vec<f32> {
        let params = computed.gradients.iter().flatten();
        params.chain(&computed.given).flatten().copied().collect()
    };
    relative_error(&all(actual), &all(expected))
}

/// The image itself quantized, and nothing else: no convolution rounds before it.
fn bare(quantizers: &[&str]) -> Network {
    let (mut b, image) = Builder::new(5, InitScheme::FanInUniform, NormSettings::default());
    let features = b.conv("conv", image, ConvSettings::new(4, 1));
    let pooled = b.global_avg_pool("pool", features);
    let logits = b.linear("fc", pooled, 3);
    let graph = b.finish(features, pooled, logits);
    let settings = QuantizerSettings { image: true, ..settings(quantizers) };
    let graph = graph.with_quantizers(&settings, |name| name == "conv").expect("a graph");
    let mut network = Network::new(graph, Seed(1), &Device::flex());
    let named: Vec<(ParamId, String)> = network
        .params()
        .iter()
        .map(|(id, entry)| (id, entry.spec.name.clone()))
        .filter(|(_, name)| name.contains(".quantize."))
        .collect();
    for (id, name) in named {
        let value = match name.rsplit('.').next() {
            Some("range") => vec![-0.5, 0.7],
            Some("clip") => vec![0.6],
            _ => vec![0.3],
        };
        network.params_mut().set_values(id, value).expect("a value");
    }
    network
}

/// From image and attention to the quantized image.
fn to_quantized(network: &Network) -> Route {
    let graph = network.graph();
    let (id, ..) = graph.quantizers().next().expect("a quantizer");
    let image = graph.classify().from;
    graph.with_attention(&Route { from: image, to: vec![id] }).expect("a route")
}

const SETS: [&[&str]; 6] = [
    &["min_max:2"],
    &["pact:3"],
    &["lsq:2"],
    &["min_max:2", "min_max:4", "min_max:8"],
    &["pact:2", "float"],
    &["min_max:2", "pact:4", "lsq:8", "float"],
];

#[test]
fn a_quantized_value_is_burns_to_the_bit_and_its_gradients_to_rounding() {
    for set in SETS {
        let network = bare(set);
        let route = to_quantized(&network);
        let mut given = vec![noise([3, 5, 6, 7])];
        given.extend(attention(network.graph(), 3));
        let (plan, burn) = (by_plan(&network, &route, &given), by_burn(&network, &route, &given));
        if set.len() == 1 {
            assert_eq!(plan.value, burn.value, "{set:?}");
        }
        assert_eq!(plan.seen, burn.seen, "{set:?}");
        let error = farthest(&plan, &burn);
        assert!(error < 1e-5, "{set:?}: differs by {error:e}");
    }
}

/// Before the first step: levels and first scales are those of the batch itself.
#[test]
fn the_first_batch_is_its_own_range() -> Result<(), Error> {
    for set in SETS {
        let mut network = bare(set);
        let quantize: Vec<ParamId> = network
            .params()
            .iter()
            .filter(|(_, entry)| entry.spec.name.contains(".quantize."))
            .map(|(id, _)| id)
            .collect();
        for id in quantize {
            let length = network.params().get(id).spec.len();
            network.params_mut().set_values(id, vec![0.0; length])?;
        }
        let (_, _, quantizer) = network.graph().quantizers().next().expect("a quantizer");
        let quantizer = quantizer.clone();
        let route = to_quantized(&network);
        let mut given = vec![noise([3, 5, 6, 7])];
        given.extend(attention(network.graph(), 3));
        // In evaluation nothing is known, and nothing happens.
        let untouched = network.run_route(&route, given.clone(), &mut Pass::Eval)?.remove(0);
        assert!(relative_error(&values(untouched), &values(given[0].clone())) < 1e-6);
        assert_eq!(quantizer.grid(network.params()), None);

        let (plan, burn) = (by_plan(&network, &route, &given), by_burn(&network, &route, &given));
        assert!(farthest(&plan, &burn) < 1e-4, "{set:?}: {}", farthest(&plan, &burn));
        let mut pass = TrainPass::new(Seed(5), 0, 0);
        network.run_route(&route, given.clone(), &mut Pass::Train(&mut pass))?;
        network.apply_batch_stats(pass.stats())?;
        let image = values(given[0].clone());
        let [low, high] = [f32::min, f32::max].map(|f| image.iter().copied().fold(0.0, f));
        assert_eq!(quantizer.observed_range(network.params()), Some([low, high]));
        for branch in &quantizer.branches {
            let scale = branch.scale.map_or(1.0, |id| network.params().to_values(id)[0]);
            assert!(scale > 0.01, "{set:?}");
        }
        // Now they are those of the running range: the same.
        assert!(relative_error(&by_plan(&network, &route, &given).value, &plan.value) < 1e-5);
    }
    Ok(())
}

#[test]
fn ranges_follow_batches_once_per_step_and_stay_where_they_are_frozen() -> Result<(), Error> {
    let mut network = bare(&["min_max:4"]);
    let (_, _, quantizer) = network.graph().quantizers().next().expect("a quantizer");
    let quantizer = quantizer.clone();
    let route = to_quantized(&network);
    let image = noise([2, 5, 4, 4]).mul_scalar(3.0);
    let step = |network: &mut Network| -> Result<usize, Error> {
        let mut pass = TrainPass::new(Seed(5), 0, 0);
        let given = vec![Given::Planes(image.clone())];
        GradientEngine::new().forward(
            network,
            &route,
            given,
            Wanted::PARAMS,
            Pass::Train(&mut pass),
        )?;
        network.apply_batch_stats(pass.stats())?;
        Ok(pass.stats().len())
    };
    assert_eq!(step(&mut network)?, 1);
    let all = values(image.clone());
    let [low, high] = [f32::min, f32::max].map(|f| all.iter().copied().fold(0.0, f));
    let expected = [-0.5 + 0.1 * (low + 0.5), 0.7 + 0.1 * (high - 0.7)];
    let found = quantizer.observed_range(network.params()).expect("a range");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
    network.params_mut().freeze(&["*.range".to_owned()])?;
    assert_eq!(step(&mut network)?, 0);
    assert_eq!(quantizer.observed_range(network.params()), Some(found));
    Ok(())
}

/// The mixture is linear in the attention, and beyond a clip the value is the clip.
#[test]
fn gradients_of_attention_and_clip_are_differences() -> Result<(), Error> {
    let h = 1e-2_f32;
    let mut network = bare(&["min_max:2", "pact:4", "lsq:8"]);
    let route = to_quantized(&network);
    let attention = attention(network.graph(), 3).remove(0);
    // Everything is beyond the clip of 0.6, and beyond it plus h.
    let given = [noise([3, 5, 6, 7]).abs().add_scalar(0.7), attention];
    let exact = by_plan(&network, &route, &given);
    let direction = noise([3, 5, 6, 7]);
    let loss = |network: &Network, given: &[Tensor<4>]| -> Result<f64, Error> {
        let value = network.run_route(&route, given.to_vec(), &mut Pass::Eval)?.remove(0);
        let products = values(value * direction.clone());
        Ok(products.iter().map(|product| f64::from(*product)).sum())
    };
    for index in 0..9 {
        let mut nudge = vec![0.0; 9];
        nudge[index] = h;
        let nudge = Tensor::from_data(TensorData::new(nudge, [3, 3, 1, 1]), &Device::flex());
        let above = loss(&network, &[given[0].clone(), given[1].clone() + nudge.clone()])?;
        let below = loss(&network, &[given[0].clone(), given[1].clone() - nudge])?;
        let slope = (above - below) / f64::from(2.0 * h);
        let found = f64::from(exact.given[1][index]);
        assert!((slope - found).abs() < 2e-3 * (1.0 + slope.abs()), "{index}: {found} {slope}");
    }
    let clip = network.params().index_by_name()["conv.quantize.pact4.clip"];
    let found = exact.gradients[clip.index()].as_ref().map_or(0.0, |sum| f64::from(sum[0]));
    let mut at = |value: f32| {
        network.params_mut().set_values(clip, vec![value]).expect("a number");
        loss(&network, &given)
    };
    let slope = (at(0.6 + h)? - at(0.6 - h)?) / f64::from(2.0 * h);
    assert!((slope - found).abs() < 2e-3 * (1.0 + slope.abs()), "{found} {slope}");
    Ok(())
}

/// Rounding before a quantizer puts some values on the next level, each of which moves many after it. So a
/// plan may differ from burn as much as it differs from itself when its images change by what sums round,
/// and no more.
fn plan_equals_burn(name: &str, network: &Network, images: &Tensor<4>) {
    let graph = network.graph();
    let route = graph.with_attention(&graph.classify()).expect("a route");
    let mut given = vec![images.clone()];
    given.extend(attention(graph, images.dims()[0]));
    let plan = by_plan(network, &route, &given);
    let mut rounding = 0.0_f64;
    for axis in 0..4 {
        let mut nudged = given.clone();
        nudged[0] = images.clone() + images.clone().flip([axis]).mul_scalar(1e-6);
        rounding = rounding.max(distance(&by_plan(network, &route, &nudged), &plan));
    }
    let error = distance(&by_burn(network, &route, &given), &plan);
    figure(&format!("{name}: gradients of plan and burn"), error);
    figure(&format!("{name}: gradients after rounding"), rounding);
    assert!(error <= 4.0 * rounding + 1e-3, "{name}: differs by {error:e}, {rounding:e}");
}

/// A frozen range that was never seen quantizes nothing: gradients of the same steps without their jumps.
#[test]
fn networks_that_wait_for_their_ranges_have_training_plans_that_are_right() -> Result<(), Error> {
    for name in NETWORKS {
        let mut network = quantized(&registered(name), &["min_max:2", "pact:4", "min_max:8"]);
        network.params_mut().freeze(&["*.quantize.*".to_owned()])?;
        let graph = network.graph();
        let route = graph.with_attention(&graph.classify())?;
        let mut given = vec![noise([4, 3, 32, 32])];
        given.extend(attention(graph, 4));
        let plan = by_plan(&network, &route, &given);
        assert!(plan.seen.is_empty());
        let error = farthest(&by_burn(&network, &route, &given), &plan);
        assert!(error < 2e-2, "{name}: differs by {error:e}");
    }
    Ok(())
}

#[test]
fn quantized_networks_have_training_plans_that_are_right() {
    for name in NETWORKS {
        for set in [&["min_max:8"][..], &["min_max:2", "pact:4", "min_max:8"]] {
            let network = quantized(&registered(name), set);
            plan_equals_burn(&format!("{name} {set:?}"), &network, &noise([4, 3, 32, 32]));
        }
    }
}

#[test]
fn every_kind_of_operation_may_stand_around_quantizers() {
    let network = Network::new(mixed(), Seed(1), &Device::flex());
    for set in SETS {
        let network = quantized(&network, set);
        plan_equals_burn(&format!("mixed {set:?}"), &network, &noise([4, 3, 11, 8]));
    }
}

/// Shown images, as post-training quantization does it.
fn calibrated(network: &Network, quantizers: &[&str], images: &Tensor<4>) -> Network {
    let mut network = quantized(network, quantizers);
    let mut calibration = Calibration::new(&network).expect("a calibration");
    calibration.observe(images.clone()).expect("images that fit");
    calibration.set_ranges(&mut network, 1.0).expect("ranges");
    network
}

#[test]
fn eight_bits_are_nearly_float_and_two_are_not() -> Result<(), Error> {
    let images = noise([9, 3, 32, 32]);
    for name in NETWORKS {
        let float = registered(name);
        let expected = values(InferenceEngine::new(&float)?.logits(images.clone())?);
        let error = |bits: &str| -> Result<f64, Error> {
            let network = calibrated(&float, &[bits], &images);
            let mut engine = InferenceEngine::new(&network)?;
            assert!(engine.has_plan([32, 32]), "{name}");
            Ok(relative_error(&values(engine.logits(images.clone())?), &expected))
        };
        let [eight, two] = [error("min_max:8")?, error("min_max:2")?];
        figure(&format!("{name}: logits of 8 bits and float"), eight);
        figure(&format!("{name}: logits of 2 bits and float"), two);
        assert!(eight < 0.05, "{name}: {eight}");
        assert!(two > 2.0 * eight, "{name}: {two} {eight}");
    }
    Ok(())
}

#[test]
fn an_image_is_alone_in_every_batch_and_for_any_number_of_threads()
-> Result<(), Box<dyn std::error::Error>> {
    let images = noise([9, 3, 32, 32]);
    for name in NETWORKS {
        for set in [&["min_max:4"][..], &["min_max:2", "min_max:8"]] {
            let network = calibrated(&registered(name), set, &images);
            let graph = network.fold_batch_norm()?;
            let graph = graph.graph();
            let route = graph.with_attention(&graph.classify())?;
            let mut engine = InferenceEngine::new(&network)?;
            let mut logits = |images: Tensor<4>| -> Result<Vec<f32>, Error> {
                let batch = images.dims()[0];
                let given = std::iter::once(images).chain(attention(graph, batch));
                let given = given.map(Given::Planes).collect();
                Ok(engine.values(&route, given)?.remove(0).values)
            };
            let expected = logits(images.clone())?;
            for (row, expected) in expected.chunks(7).enumerate() {
                assert_eq!(logits(images.clone().narrow(0, row, 1))?, expected, "{name} {set:?}");
            }
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build()?;
            assert_eq!(pool.install(|| logits(images.clone()))?, expected, "{name} {set:?}");
        }
    }
    Ok(())
}

/// What a training step computes, for any number of threads.
#[test]
fn gradients_do_not_depend_on_the_number_of_threads() -> Result<(), Box<dyn std::error::Error>> {
    let network = quantized(&registered("ghostnet_small"), &["pact:2", "min_max:4"]);
    let graph = network.graph();
    let route = graph.with_attention(&graph.classify())?;
    let mut given = vec![noise([6, 3, 32, 32])];
    given.extend(attention(graph, 6));
    let run = |threads: usize| -> Result<_, rayon::ThreadPoolBuildError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let Computed { value, gradients, given, seen } =
            pool.install(|| by_plan(&network, &route, &given));
        Ok((value, gradients, given, seen))
    };
    assert!(run(1)? == run(3)?);
    Ok(())
}

#[test]
fn candidates_of_quantized_networks_are_computed_by_their_changes() -> Result<(), Error> {
    let network = calibrated(&registered("resnet20_cifar"), &["min_max:8"], &noise([4, 3, 32, 32]));
    let engine = DeltaEngine::new(&network, [32, 32])?;
    assert!(engine.has_plan());
    let image = values(noise([1, 3, 32, 32]));
    let base = engine.base(&image)?;
    let mut edits = EditBatch::new(engine.image());
    let mut whole = Vec::new();
    for place in [5_usize, 300, 700, 1023] {
        let (row, column) = (place / 32, place % 32);
        edits.push([PixelEdit { row, column, value: &[1.0, -1.0, 0.5] }])?;
        let mut changed = image.clone();
        for (channel, value) in [1.0, -1.0, 0.5].into_iter().enumerate() {
            changed[(channel * 32 + row) * 32 + column] = value;
        }
        whole.extend(changed);
    }
    let mut logits = vec![0.0; 4 * 7];
    base.logits(&edits, &mut logits)?;
    assert!(engine.layer_shares(1).iter().any(|layer| !layer.is_dense));
    let whole = Tensor::from_data(TensorData::new(whole, [4, 3, 32, 32]), &Device::flex());
    let expected = values(InferenceEngine::new(&network)?.logits(whole)?);
    let error = relative_error(&logits, &expected);
    assert!(error < 0.02, "differs by {error}");
    Ok(())
}

#[test]
fn what_needs_attention_says_so() -> Result<(), Error> {
    let network = quantized(&registered("resnet20_cifar"), &["min_max:2", "min_max:8"]);
    let words = |error: Error| error.to_string();
    let alone = DeltaEngine::new(&network, [32, 32]).map(drop).map_err(words);
    assert!(alone.is_err_and(|message| message.contains(".quantize.attention")));
    let logits = InferenceEngine::new(&network)?.logits(noise([1, 3, 32, 32])).map(drop);
    assert!(logits.is_err_and(|error| error.to_string().contains(".quantize.attention")));
    let route = network.graph().with_attention(&network.graph().classify())?;
    assert_eq!(route.from.len(), 1 + network.graph().attention().len());
    assert!(GradientEngine::memory(&network, [2, 3, 32, 32]).is_some());
    let mut given = vec![Given::Planes(noise([2, 3, 32, 32]))];
    given.extend(network.graph().attention().iter().map(|_| Given::Planes(noise([2, 3, 1, 1]))));
    let mut engine = InferenceEngine::new(&network)?;
    let route = engine.graph().with_attention(&engine.graph().classify())?;
    let message = engine.values(&route, given).map(drop).map_err(words);
    assert!(message.is_err_and(|message| message.contains("attention to 2 quantizers")));
    Ok(())
}

#[test]
fn learnt_scales_are_trained_and_ranges_are_not() {
    let network = quantized(&registered("resnet20_cifar"), &["pact:2", "lsq:4"]);
    let graph = network.graph();
    let route = graph.with_attention(&graph.classify()).expect("a route");
    let mut given = vec![noise([4, 3, 32, 32])];
    given.extend(attention(graph, 4));
    let found = by_plan(&network, &route, &given);
    for (id, entry) in network.params().iter() {
        let has_gradient = found.gradients[id.index()].is_some();
        assert_eq!(has_gradient, entry.spec.role.is_learnt(), "{}", entry.spec.name);
    }
    let roles = |role| network.params().iter().filter(|(_, p)| p.spec.role == role).count();
    assert_eq!([roles(Role::Range), roles(Role::Coefficient)], [19, 38]);
}
