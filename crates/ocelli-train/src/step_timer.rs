//! How long a training step takes on this device.

use crate::tensors::images;
use crate::{Optimizer, Recipe, Result, Supervised};
use burn::tensor::Tensor;
use ocelli_data::{Batch, Targets};
use ocelli_nn::{Gradients, Network, TrainImages, TrainPass};
use ocelli_random::Seed;
use std::time::Instant;

/// Takes the same training step again and again: loss, gradients, statistics of the batch
/// normalisations and update, as in the trainer, without loading and logging.
///
/// The learning rate is zero, so that no number of steps makes a network diverge.
#[derive(Debug)]
pub struct StepTimer {
    network: Network,
    method: Supervised,
    optimizer: Optimizer,
    images: Tensor<4>,
    targets: Targets,
    seed: Seed,
    step: u64,
    gradients: Gradients,
}

impl StepTimer {
    /// Prepares to train `network` under `recipe` with a batch of the recipe's loader.
    pub fn new(recipe: &Recipe, network: Network, mut batch: Batch) -> Self {
        Self {
            images: images(&mut batch, &network),
            targets: batch.targets.clone(),
            network,
            method: Supervised::default(),
            optimizer: Optimizer::new(&recipe.optimizer),
            seed: Seed(recipe.seed),
            step: 0,
            gradients: Gradients::new(),
        }
    }

    /// Takes a step, and says how many seconds it took.
    ///
    /// # Errors
    /// When the batch does not fit the network.
    pub fn step(&mut self) -> Result<f64> {
        let start = Instant::now();
        let Self { network, method, optimizer, images, targets, seed, step, gradients } = self;
        let mut pass = TrainPass::new(*seed, *step, 0);
        gradients.clear();
        let given = TrainImages { images: images.clone(), attention: &[] };
        method.differentiate(network, given, targets, 1.0, &mut pass, gradients)?;
        network.apply_batch_stats(pass.stats())?;
        optimizer.step(network.params_mut(), gradients, 0.0)?;
        *step += 1;
        Ok(start.elapsed().as_secs_f64())
    }
}

/// Steps that are not counted: they fill memory and caches.
const WARM_UP: usize = 2;

/// The median time of a step of each of some trainings, in seconds. They take turns step by step, so
/// that what slows the machine slows all of them, and ratios stay true.
///
/// # Errors
/// When a batch does not fit its network.
pub fn time_in_turns<const N: usize>(
    timers: &mut [StepTimer; N],
    steps: usize,
) -> Result<[f64; N]> {
    let mut times = [const { Vec::new() }; N];
    for round in 0..WARM_UP + steps.max(1) {
        for (timer, times) in timers.iter_mut().zip(&mut times) {
            let seconds = timer.step()?;
            if round >= WARM_UP {
                times.push(seconds);
            }
        }
    }
    Ok(times.map(median))
}

/// The middle, or the lower of the two middles.
fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Machine, Setup};

    #[test]
    fn the_median_is_a_time_that_was_measured() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn a_larger_network_takes_longer() {
        let timer = |model: &str| {
            let sets = [format!("model.name={model}"), "train.batch_size=8".to_owned()];
            let recipe = Recipe::resolve("default", crate::recipe::DEFAULT, &sets).unwrap();
            let setup = Setup::new(&recipe, &Machine::cpu(1)).unwrap();
            let batch = setup.train.first().loader.epoch(0, 0).next().unwrap().unwrap();
            StepTimer::new(&recipe, setup.network, batch)
        };
        let [small, large] =
            time_in_turns(&mut [timer("resnet20_cifar"), timer("resnet56_cifar")], 3).unwrap();
        assert!(0.0 < small && small < large, "{small} s, {large} s");
    }
}
