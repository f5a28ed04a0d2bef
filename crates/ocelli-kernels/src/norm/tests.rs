use super::*;
use crate::testing::{assert_close, values};
use proptest::prelude::*;

const ACTIVATIONS: [Option<Activation>; 6] = [
    None,
    Some(Activation::Relu),
    Some(Activation::Relu6),
    Some(Activation::Silu),
    Some(Activation::Sigmoid),
    Some(Activation::HardSigmoid),
];

fn activate(activation: Option<Activation>, x: f64) -> f64 {
    match activation {
        None => x,
        Some(Activation::Relu) => x.max(0.0),
        Some(Activation::Relu6) => x.clamp(0.0, 6.0),
        Some(Activation::Silu) => x / (1.0 + (-x).exp()),
        Some(Activation::Sigmoid) => 1.0 / (1.0 + (-x).exp()),
        Some(Activation::HardSigmoid) => (x + 3.0).clamp(0.0, 6.0) / 6.0,
    }
}

/// The output for a batch that gives its own statistics, in double precision.
fn naive(z: &[f64], gamma: &[f64], beta: &[f64], activation: Option<Activation>) -> Vec<f64> {
    let channels = gamma.len();
    let count = (z.len() / channels) as f64;
    let sum = |c: usize, f: &dyn Fn(f64) -> f64| -> f64 {
        z.iter().skip(c).step_by(channels).map(|z| f(*z)).sum()
    };
    let mean: Vec<f64> = (0..channels).map(|c| sum(c, &|z| z) / count).collect();
    let variance: Vec<f64> =
        (0..channels).map(|c| sum(c, &|z| (z - mean[c]).powi(2)) / count).collect();
    let normal = |i: usize| (z[i] - mean[i % channels]) / (variance[i % channels] + 1e-3).sqrt();
    (0..z.len())
        .map(|i| activate(activation, gamma[i % channels] * normal(i) + beta[i % channels]))
        .collect()
}

fn double(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// The slope of `Σ dy · f(moved)` when one number of `at` moves, by central differences.
fn slopes(at: &[f64], objective: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const STEP: f64 = 1e-6;
    let moved = |index: usize, by: f64| {
        let mut moved = at.to_vec();
        moved[index] += by;
        objective(&moved)
    };
    (0..at.len()).map(|i| (moved(i, STEP) - moved(i, -STEP)) / (2.0 * STEP)).collect()
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(48))]
    #[test]
    fn values_and_gradients_equal_central_differences(
        count in 2_usize..9, channels in 1_usize..21, which in 0_usize..6, seed in 0_u32..1000,
    ) {
        let activation = ACTIVATIONS[which];
        let z = values(count * channels, seed);
        let (gamma, beta) = (values(channels, seed + 1), values(channels, seed + 2));
        let dy = values(z.len(), seed + 3);
        let (zd, gd, bd, dyd) = (double(&z), double(&gamma), double(&beta), double(&dy));
        let objective = |z: &[f64], gamma: &[f64], beta: &[f64]| -> f64 {
            naive(z, gamma, beta, activation).iter().zip(&dyd).map(|(y, dy)| y * dy).sum()
        };

        let statistics = Statistics::from_rows(Rows::dense(&z, channels));
        let norm = Norm::new(&gamma, &beta, &statistics.mean, &statistics.variance, 1e-3);
        let (z_rows, dy_rows) = (Rows::dense(&z, channels), Rows::dense(&dy, channels));
        let mut y = vec![9.0; z.len()];
        norm.forward(z_rows, activation, RowsMut::dense(&mut y, channels));
        assert_close(&y, &naive(&zd, &gd, &bd, activation));

        let gradients = norm.parameter_gradients(z_rows, dy_rows, activation);
        assert_close(&gradients.weight, &slopes(&gd, |gamma| objective(&zd, gamma, &bd)));
        assert_close(&gradients.bias, &slopes(&bd, |beta| objective(&zd, &gd, beta)));
        let mut dz = z.clone();
        let to = RowsMut::dense(&mut dz, channels);
        norm.data_gradient(to, dy_rows, activation, Some(&gradients));
        assert_close(&dz, &slopes(&zd, |z| objective(z, &gd, &bd)));
    }
}

#[test]
fn the_variance_keeps_its_digits_beside_a_large_mean() {
    let spread = values(30_000, 1);
    let z: Vec<f32> = spread.iter().map(|value| 1000.0 + value).collect();
    let statistics = Statistics::from_rows(Rows::dense(&z, 3));
    for channel in 0..3 {
        let exact: Vec<f64> = double(&z).into_iter().skip(channel).step_by(3).collect();
        let mean = exact.iter().sum::<f64>() / 10_000.0;
        let variance = exact.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / 10_000.0;
        assert_close(&[statistics.variance[channel]], &[variance]);
    }
}

#[test]
fn statistics_that_come_with_a_convolution_are_those_of_its_output() {
    let conv = crate::Conv::linear(5000, 4, 7);
    let (x, w) = (values(20_000, 1), values(28, 2));
    let mut y = vec![0.0; 35_000];
    let mut statistics = Statistics::default();
    let to = RowsMut::dense(&mut y, 7);
    conv.forward(Rows::dense(&x, 4), &w, None, to, Some(&mut statistics));
    let again = Statistics::from_rows(Rows::dense(&y, 7));
    assert_close(&statistics.mean, &double(&again.mean));
    assert_close(&statistics.variance, &double(&again.variance));
}

#[test]
fn statistics_of_no_pixels_and_of_no_channels() {
    let none = Statistics::from_rows(Rows::dense(&[], 3));
    assert_eq!((none.mean, none.variance), (vec![0.0; 3], vec![0.0; 3]));
    assert_eq!(Statistics::from_rows(Rows::strided(&[], 5, 0, 0)), Statistics::default());
    let norm = Norm::new(&[], &[], &[], &[], 1e-3);
    let empty = Rows::strided(&[], 5, 0, 0);
    assert!(norm.parameter_gradients(empty, empty, None).weight.is_empty());
}
