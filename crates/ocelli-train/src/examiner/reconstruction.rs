//! How well an autoencoder gives back what it sees.

use super::{Examined, Examiner, Score};
use crate::skipped::{output_not_finite, warn_of};
use crate::tensors::{give_back, images};
use crate::{Error, ProcessGroup, Result};
use burn::tensor::Tensor;
use ocelli_data::Loader;
use ocelli_nn::{Given, InferenceEngine, Network};
use std::sync::Arc;

/// Measures the squared error of pictures that come out against those that went in.
///
/// The score is the share of the pixels' variance that is explained, one less the mean squared error over
/// the variance around the mean image value, and 0 where that is negative: of a network that makes
/// the mean of all pixels it is 0.
pub struct Reconstruction {
    loader: Arc<Loader>,
}

/// Sums over pixels.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    values: f64,
    squares: f64,
    errors: f64,
}

impl Reconstruction {
    /// Reconstructs the images of `loader`, which must visit each exactly once, divided among the processes.
    pub fn new(loader: Arc<Loader>) -> Self {
        Self { loader }
    }
}

impl Examiner for Reconstruction {
    fn name(&self) -> &'static str {
        "reconstruction"
    }

    /// `eval/loss`, the mean squared error in the units of the network's input, and `eval/explained`, 0 to 1.
    fn examine(
        &mut self,
        network: &Network,
        group: &dyn ProcessGroup,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Examined> {
        let mut engine = InferenceEngine::new(network)?;
        let route = engine.graph().classify();
        let (mut sums, mut done, mut skipped) = (Sums::default(), 0, 0);
        let total = self.loader.source().len();
        for batch in self.loader.epoch(0, 0) {
            let mut batch = batch?;
            skipped += batch.skipped.len() as u64;
            warn_of(&batch.skipped);
            if batch.is_empty() {
                continue;
            }
            let clean = images(&mut batch, network);
            let made = engine.values(&route, vec![Given::Planes(clean.clone())])?;
            let made = made[0].to_planes(network.params().device());
            if made.dims() != batch.shape {
                return Err(Error::OtherSize { made: made.dims(), expected: batch.shape });
            }
            let read =
                |tensor: Tensor<4>| -> Vec<f32> { tensor.into_data().iter::<f32>().collect() };
            let length = batch.shape[1..].iter().product::<usize>().max(1);
            for (at, (x, y)) in read(clean.clone()).into_iter().zip(read(made)).enumerate() {
                let (x, y) = (f64::from(x), f64::from(y));
                if !y.is_finite() {
                    return Err(output_not_finite(&self.loader, &batch, at / length));
                }
                sums.count += 1.0;
                sums.values += x;
                sums.squares += x * x;
                sums.errors += (x - y).powi(2);
            }
            give_back(&mut batch, clean);
            done += batch.len() as u64;
            progress(done, total);
        }
        let mut all = [sums.count, sums.values, sums.squares, sums.errors];
        group.all_reduce_f64(&mut all)?;
        let [count, values, squares, errors] = all;
        if count == 0.0 {
            return Err(Error::NothingReadable {
                of: "the images that are reconstructed",
                skipped,
            });
        }
        let (loss, mean) = (errors / count, values / count);
        let variance = (squares / count - mean * mean).max(f64::MIN_POSITIVE);
        let explained = (1.0 - loss / variance).clamp(0.0, 1.0);
        let score = Score::measured("explained variance", explained);
        let values = [("eval/loss", loss), ("eval/explained", explained)];
        Ok(Examined { score: Some(score), ..Examined::values(values) })
    }
}
