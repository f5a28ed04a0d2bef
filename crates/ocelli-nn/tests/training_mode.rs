//! What differs between training and evaluation: batch statistics, dropout, stochastic depth and
//! frozen parts.

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_nn::graph::{Activation, Builder, ConvSettings, Graph, NormSettings};
use ocelli_nn::init::InitScheme;
use ocelli_nn::{Error, Network, Pass, TrainPass};
use ocelli_random::Seed;

/// One normalisation, pooled, and a classifier.
fn norm_only() -> Graph {
    let (mut b, image) = Builder::new(1, InitScheme::FanInUniform, NormSettings::default());
    let features = b.batch_norm("bn", image);
    let pooled = b.global_avg_pool("pool", features);
    let logits = b.linear("fc", pooled, 2);
    b.finish(features, pooled, logits)
}

/// A convolution, dropout, stochastic depth and a classifier.
fn with_drops(dropout: f64, drop_path: f64) -> Graph {
    let (mut b, image) = Builder::new(1, InitScheme::FanInUniform, NormSettings::default());
    let x = b.conv("conv", image, ConvSettings::new(4, 3));
    let x = b.activation(x, Activation::Relu);
    let features = b.drop_path("path", x, drop_path);
    let pooled = b.global_avg_pool("pool", features);
    let pooled = b.dropout("dropout", pooled, dropout);
    let logits = b.linear("fc", pooled, 2);
    b.finish(features, pooled, logits)
}

fn images(values: &[f32], shape: [usize; 4]) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn value_of(network: &Network, name: &str) -> Vec<f32> {
    let id = network.params().index_by_name()[name];
    network.params().to_values(id)
}

#[test]
fn running_statistics_move_as_in_pytorch() -> Result<(), Error> {
    let mut network = Network::new(norm_only(), Seed(0), &Device::flex());
    let mut train = TrainPass::new(Seed(0), 0, 0);
    // Mean 2.5, unbiased variance 5/3.
    let batch = images(&[1.0, 2.0, 3.0, 4.0], [2, 1, 1, 2]);
    let normalised = network.features(batch, Pass::Train(&mut train));
    let deviation = (1.25_f32 + 1e-5).sqrt();
    let expected = [-1.5, -0.5, 0.5, 1.5].map(|centred| centred / deviation);
    for (actual, expected) in values(normalised).iter().zip(expected) {
        assert!((actual - expected).abs() < 1e-5);
    }
    assert_eq!(value_of(&network, "bn.running_mean"), [0.0], "a pass changes nothing");

    network.apply_batch_stats(train.stats())?;
    assert!((value_of(&network, "bn.running_mean")[0] - 0.25).abs() < 1e-6);
    let expected = 0.9 + 0.1 * 5.0 / 3.0;
    assert!((value_of(&network, "bn.running_var")[0] - expected).abs() < 1e-6);
    assert_eq!(value_of(&network, "bn.num_batches_tracked"), [1.0]);
    Ok(())
}

#[test]
fn a_frozen_normalisation_uses_its_running_statistics_in_training() -> Result<(), Error> {
    let mut network = Network::new(norm_only(), Seed(0), &Device::flex());
    assert_eq!(network.params_mut().freeze(&["bn.*".to_owned()])?, 5);
    let mut train = TrainPass::new(Seed(0), 0, 0);
    let batch = images(&[1.0, 2.0, 3.0, 4.0], [2, 1, 1, 2]);
    let trained = values(network.features(batch.clone(), Pass::Train(&mut train)));
    assert_eq!(trained, values(network.features(batch.clone(), Pass::Eval)));
    assert!(train.stats().is_empty());

    let tracked = network.tracked();
    let loss = tracked.forward(batch.autodiff(), Pass::Train(&mut train)).sum();
    let gradients = tracked.gradients(&loss);
    let trained: Vec<bool> = gradients.iter().map(|gradient| gradient.is_some()).collect();
    assert_eq!(trained, [false, false, false, false, false, true, true]);
    Ok(())
}

#[test]
fn what_is_dropped_depends_on_the_place_of_a_sample_alone() {
    let network = Network::new(with_drops(0.5, 0.5), Seed(1), &Device::flex());
    let batch = images(&[0.7; 8 * 9], [8, 1, 3, 3]);
    let run = |first: usize, count: usize, step: u64| {
        let part = batch.clone().narrow(0, first, count);
        let mut train = TrainPass::new(Seed(1), step, first as u64);
        values(network.forward(part, Pass::Train(&mut train)))
    };
    let whole = run(0, 8, 5);
    assert_eq!(whole, [run(0, 3, 5), run(3, 5, 5)].concat(), "split over ranks or accumulation");
    assert_eq!(whole, run(0, 8, 5));
    assert_ne!(whole, run(0, 8, 6), "every step drops others");
}

/// Whether a sample's values under training are zeros, `scale` times those of evaluation, or both.
fn fates(network: &Network, batch: &Tensor<4>, scale: f32, pooled: bool) -> Vec<[bool; 2]> {
    let look = |pass: Pass<'_>| {
        if pooled {
            values(network.pooled(batch.clone(), pass))
        } else {
            values(network.features(batch.clone(), pass))
        }
    };
    let trained = look(Pass::Train(&mut TrainPass::new(Seed(1), 3, 0)));
    let kept = look(Pass::Eval);
    let length = kept.len() / batch.dims()[0];
    let samples = trained.chunks(length).zip(kept.chunks(length));
    let fate = |(trained, kept): (&[f32], &[f32])| {
        let (mut has_zeros, mut has_kept) = (false, false);
        for (trained, kept) in trained.iter().zip(kept).filter(|(_, kept)| **kept != 0.0) {
            let is_kept = (trained - scale * kept).abs() <= 1e-6 * kept.abs();
            assert!(is_kept || *trained == 0.0, "{trained} of {kept}");
            has_zeros |= !is_kept;
            has_kept |= is_kept;
        }
        [has_zeros, has_kept]
    };
    samples.map(fate).collect()
}

#[test]
fn stochastic_depth_drops_whole_samples_and_dropout_drops_values() {
    let count = 400;
    let pixels: Vec<f32> = (0..count * 9).map(|at| ((at * 7) % 13) as f32 / 13.0 + 0.1).collect();
    let batch = images(&pixels, [count, 1, 3, 3]);
    let network = Network::new(with_drops(0.0, 0.25), Seed(1), &Device::flex());
    let fates_of_samples = fates(&network, &batch, 4.0 / 3.0, false);
    let dropped = fates_of_samples.iter().filter(|fate| **fate == [true, false]).count();
    let kept = fates_of_samples.iter().filter(|fate| **fate == [false, true]).count();
    assert_eq!(dropped + kept, count, "a sample is dropped whole or kept whole");
    // 100 are expected, with a deviation of 9.
    assert!((65..=135).contains(&dropped), "{dropped} of {count}");

    let network = Network::new(with_drops(0.5, 0.0), Seed(1), &Device::flex());
    let mixed = fates(&network, &batch, 2.0, true);
    assert!(mixed.contains(&[true, true]), "values of a sample are apart");
}

#[test]
fn dropping_keeps_the_expectation() {
    let network = Network::new(with_drops(0.0, 0.3), Seed(1), &Device::flex());
    let count = 4000;
    let batch = images(&vec![0.7; count * 9], [count, 1, 3, 3]);
    let mean = |pass: Pass<'_>| {
        let features = network.pooled(batch.clone(), pass);
        values(features.mean()).first().copied().unwrap_or(f32::NAN)
    };
    let (kept, expected) =
        (mean(Pass::Train(&mut TrainPass::new(Seed(1), 0, 0))), mean(Pass::Eval));
    ocelli_testkit::figure(
        "mean under stochastic depth over that without",
        f64::from(kept / expected),
    );
    assert!((kept / expected - 1.0).abs() < 0.05, "{kept} against {expected}");
}
