//! Whether a file computes what its network does.

use crate::evaluate::evaluate;
use crate::file::OnnxFile;
use crate::{Error, Result};
use burn::tensor::{Tensor, TensorData};
use ocelli_nn::{InferenceEngine, Network};
use ocelli_random::{Purpose, Seed};
use rand::RngExt;

/// Noise by which a file is compared with its network.
const NOISE: Purpose = Purpose("onnx-check");

/// How far apart the values of a file and those of its network are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The largest difference of a value.
    pub max_difference: f64,
    /// The largest absolute value of the network.
    pub largest: f64,
    /// The largest share of it by which they may differ.
    pub tolerance: f64,
}

impl Comparison {
    /// Images that are compared: more than one, so that a file of a fixed batch is noticed.
    pub const IMAGES: usize = 2;

    /// The tolerance where nothing but the order of sums differs. Networks of random weights amplify rounding
    /// most.
    pub const TOLERANCE: f64 = 1e-4;

    /// The tolerance where activations are quantized: one that rounding moves to the level beside it moves
    /// others.
    pub const TOLERANCE_OF_LEVELS: f64 = 0.05;

    fn new(found: &[f32], expected: &[f32], tolerance: f64) -> Self {
        let pairs = found.iter().zip(expected);
        let differences = pairs.map(|(found, own)| (f64::from(*found) - f64::from(*own)).abs());
        // A difference that is not a number is larger than any.
        let larger = |most: f64, it: f64| if it.is_nan() { f64::INFINITY } else { most.max(it) };
        Self {
            max_difference: differences.fold(0.0, larger),
            largest: expected.iter().fold(0.0, |most, own| f64::from(own.abs()).max(most)),
            tolerance,
        }
    }

    /// The largest difference over the largest value.
    pub fn relative(self) -> f64 {
        if self.max_difference == 0.0 { 0.0 } else { self.max_difference / self.largest }
    }

    /// Whether the relative difference is within the tolerance.
    pub fn is_close(self) -> bool {
        self.relative() <= self.tolerance
    }
}

impl OnnxFile {
    /// Reads the file anew, runs it on a batch of noise by the definitions of its operations, and compares the
    /// result with that of the network.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the file cannot be read or run, and [`Error::NotFinite`] when the network's own
    /// values cannot be compared.
    pub fn compare(&self, network: &Network) -> Result<Comparison> {
        let [channels, height, width] = self.input();
        let mut rng = Seed(0).stream(NOISE, 0, 0);
        let length = Comparison::IMAGES * channels * height * width;
        let noise: Vec<f32> = (0..length).map(|_| rng.random::<f32>() * 4.0 - 2.0).collect();
        let shape = [Comparison::IMAGES, channels, height, width];
        let images = TensorData::new(noise.clone(), shape);
        let images = Tensor::from_data(images, network.params().device());
        let own = InferenceEngine::new(network)?.logits(images)?;
        let own: Vec<f32> = own.into_data().iter::<f32>().collect();
        if let Some(value) = own.iter().copied().find(|value| !value.is_finite()) {
            return Err(Error::NotFinite { value });
        }
        let found = self.run(noise)?;
        if found.len() != own.len() {
            let reason = format!("{} values, expected {}", found.len(), own.len());
            return Err(Error::malformed(crate::OUTPUT, reason));
        }
        let tolerance =
            if self.has_levels() { Comparison::TOLERANCE_OF_LEVELS } else { Comparison::TOLERANCE };
        Ok(Comparison::new(&found, &own, tolerance))
    }

    /// Runs the file by the definitions of its operations, slowly.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    /// - result: `[batch, values]`
    ///
    /// # Errors
    /// [`Error::Malformed`] when the file cannot be read or run.
    pub fn run(&self, images: Vec<f32>) -> Result<Vec<f32>> {
        let [channels, height, width] = self.input();
        let batch = images.len() / (channels * height * width).max(1);
        evaluate(self.shared_bytes(), images, [batch, channels, height, width])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(found: &[f32], own: &[f32]) -> Comparison {
        Comparison::new(found, own, Comparison::TOLERANCE)
    }

    #[test]
    fn a_difference_that_is_not_a_number_is_not_close() {
        let comparison = compare(&[1.0, f32::NAN], &[1.0, 2.0]);
        assert!(!comparison.is_close(), "{comparison:?}");
        assert!(compare(&[0.0, 0.0], &[0.0, 0.0]).is_close(), "a new classifier is zero");
        assert!(!compare(&[1e-9], &[0.0]).is_close());
        let comparison = compare(&[1.0, -4.0], &[1.5, -4.0]);
        assert_eq!((comparison.max_difference, comparison.relative()), (0.5, 0.125));
    }
}
