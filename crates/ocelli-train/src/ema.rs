//! The moving average of a network's parameters, which usually classifies better than the last ones.
//!
//! Follows `tf.train.ExponentialMovingAverage(decay, num_updates)`: the average starts as the
//! parameters themselves, and at update t (from zero) keeps at most (1 + t) / (10 + t) of itself, so
//! that the first values are soon forgotten. Statistics of batch normalisations are averaged too.

use crate::Result;
use ocelli_nn::Network;
use ocelli_nn::parameter::Role;

/// An average of the parameters of a network.
#[derive(Clone, Debug)]
pub struct Ema {
    decay: f64,
    updates: u64,
    average: Network,
}

impl Ema {
    /// An average that begins as `network`.
    pub fn new(network: &Network, decay: f64) -> Self {
        Self::resume(network.clone(), decay, 0)
    }

    /// An average that has taken `updates` already.
    pub fn resume(average: Network, decay: f64, updates: u64) -> Self {
        Self { decay, updates, average }
    }

    /// How much of the average the next update keeps.
    pub fn next_decay(&self) -> f64 {
        let updates = self.updates as f64;
        self.decay.min((1.0 + updates) / (10.0 + updates))
    }

    /// How many updates it has taken.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The network with averaged parameters.
    pub fn network(&self) -> &Network {
        &self.average
    }

    /// Moves the average towards `network`.
    ///
    /// # Errors
    /// When it is another network.
    pub fn update(&mut self, network: &Network) -> Result<()> {
        let gain = 1.0 - self.next_decay();
        let average = self.average.params_mut();
        for (id, entry) in network.params().iter() {
            let new = entry.value();
            let value = if entry.spec.role == Role::BatchCount {
                new
            } else {
                // In this form values that do not change are kept exactly.
                let old = average.get(id).value();
                old.clone() + (new - old).mul_scalar(gain)
            };
            average.set(id, value)?;
        }
        self.updates += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use ocelli_nn::graph::{Builder, NormSettings};
    use ocelli_nn::init::InitScheme;
    use ocelli_random::Seed;

    fn network(value: f32) -> Network {
        let (mut b, image) = Builder::new(1, InitScheme::FanInUniform, NormSettings::default());
        let features = b.batch_norm("bn", image);
        let pooled = b.global_avg_pool("pool", features);
        let logits = b.linear("fc", pooled, 1);
        let mut network =
            Network::new(b.finish(features, pooled, logits), Seed(0), &Device::flex());
        let ids: Vec<_> = network.params().iter().map(|(id, _)| id).collect();
        for id in ids {
            network.params_mut().set_values(id, vec![value]).unwrap();
        }
        network
    }

    fn values(network: &Network) -> Vec<f32> {
        network.params().iter().flat_map(|(id, _)| network.params().to_values(id)).collect()
    }

    #[test]
    fn the_first_updates_forget_quickly() {
        let mut ema = Ema::new(&network(1.0), 0.9999);
        assert!((ema.next_decay() - 0.1).abs() < 1e-12);
        ema.update(&network(2.0)).unwrap();
        // All but the count of batches: weight, bias, scale, shift, mean and variance.
        let averaged = values(ema.network());
        assert_eq!(averaged.iter().filter(|value| (**value - 1.9).abs() < 1e-6).count(), 6);
        assert_eq!(averaged.iter().filter(|value| **value == 2.0).count(), 1);
        assert!((ema.next_decay() - 2.0 / 11.0).abs() < 1e-12);

        let late = Ema::resume(network(1.0), 0.9999, 1_000_000);
        assert!((late.next_decay() - 0.9999).abs() < 1e-12);
    }

    #[test]
    fn values_that_do_not_change_are_kept_exactly() {
        let mut ema = Ema::new(&network(0.1), 0.9);
        for _ in 0..50 {
            ema.update(&network(0.1)).unwrap();
        }
        assert!(values(ema.network()).iter().all(|value| *value == 0.1));
    }
}
