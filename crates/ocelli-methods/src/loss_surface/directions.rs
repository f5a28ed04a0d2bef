//! Two random directions through the weights of a network, as long as its filters are.

use crate::Result;
use ocelli_nn::Network;
use ocelli_nn::parameter::{ParamId, Role};
use ocelli_random::{Purpose, Seed};
use rand_distr::{Distribution, StandardNormal};

const DIRECTION: Purpose = Purpose("loss-surface");

/// Two directions, each with as many values as the network has weights.
#[derive(Clone, Debug)]
pub struct Directions {
    /// The values of both, for each tensor of weights.
    tensors: Vec<(ParamId, [Vec<f32>; 2])>,
}

impl Directions {
    /// Draws them by `seed`. In each direction the part that belongs to a filter of `network` has the norm of that
    /// filter. All else than kernels and matrices is not moved.
    pub fn new(network: &Network, seed: Seed) -> Self {
        let params = network.params();
        let weights = params.iter().filter(|(_, param)| param.spec.role == Role::Weight);
        let tensors = weights.map(|(id, param)| {
            let values = params.to_values(id);
            let filters = param.spec.shape.first().copied().unwrap_or(1).max(1);
            let len = (values.len() / filters).max(1);
            let draw = |direction| {
                let mut stream = seed.stream(DIRECTION, direction, id.index() as u64);
                let drawn = StandardNormal.sample_iter(&mut stream).take(values.len());
                let mut drawn: Vec<f64> = drawn.collect();
                for (own, filter) in drawn.chunks_mut(len).zip(values.chunks(len)) {
                    scale(own, filter);
                }
                drawn.into_iter().map(|value| value as f32).collect()
            };
            (id, [draw(0), draw(1)])
        });
        Self { tensors: tensors.collect() }
    }

    /// The network with its weights moved by `x` times the first direction and `y` times the second.
    ///
    /// # Errors
    /// When it is another network than the directions are of.
    pub fn at(&self, network: &Network, [x, y]: [f64; 2]) -> Result<Network> {
        let mut moved = network.clone();
        if x == 0.0 && y == 0.0 {
            return Ok(moved);
        }
        for (id, [first, second]) in &self.tensors {
            let mut values = network.params().to_values(*id);
            for (value, (a, b)) in values.iter_mut().zip(first.iter().zip(second)) {
                *value = (f64::from(*value) + x * f64::from(*a) + y * f64::from(*b)) as f32;
            }
            moved.params_mut().set_values(*id, values)?;
        }
        Ok(moved)
    }

    /// The values of both directions for a tensor, if it is moved.
    pub fn of(&self, id: ParamId) -> Option<&[Vec<f32>; 2]> {
        self.tensors.iter().find(|(own, _)| *own == id).map(|(_, values)| values)
    }
}

/// Gives `direction` the norm of `filter`.
fn scale(direction: &mut [f64], filter: &[f32]) {
    let own = direction.iter().map(|value| value * value).sum::<f64>().sqrt();
    let wanted = filter.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    let factor = if own > 0.0 { wanted / own } else { 0.0 };
    for value in direction {
        *value *= factor;
    }
}
