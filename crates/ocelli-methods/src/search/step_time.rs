//! The time of a training step: measured, or counted from what the step computes and moves.

use ocelli_nn::Cost;
use serde::{Deserialize, Serialize};

/// Where the time of a training step comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepTime {
    /// Steps are taken on this device. What the paper rewards; no two searches are the same.
    #[default]
    Measured,
    /// It follows from multiply-adds and bytes ([`modelled_step_ms`]): the same in every search.
    Modelled,
}

impl StepTime {
    /// Whether it is measured.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn is_measured(&self) -> bool {
        *self == Self::Measured
    }
}

/// Multiply-adds a second of the nominal machine, of the order of two cores of a server.
const MACS_PER_SECOND: f64 = 1e11;
/// Bytes a second that it moves between caches and memory.
const BYTES_PER_SECOND: f64 = 1e10;
/// Forward, and backward towards inputs and weights.
const PASSES: f64 = 3.0;
/// How often a value between layers is read or written, its gradient included.
const TOUCHES_OF_VALUES: f64 = 6.0;
/// How often a parameter is: in three passes, and with gradient and momentum in the update.
const TOUCHES_OF_PARAMETERS: f64 = 8.0;
const BYTES: f64 = 4.0;

/// The milliseconds of a training step with `batch` images on a nominal machine, on which computing and
/// moving do not overlap. Ratios are what it is for: no machine is this one.
pub fn modelled_step_ms(cost: &Cost, batch: usize) -> f64 {
    let batch = batch as f64;
    let macs = PASSES * batch * cost.macs as f64;
    let values = batch * (cost.activations + cost.norm_elements) as f64;
    let touches = TOUCHES_OF_VALUES * values + TOUCHES_OF_PARAMETERS * cost.params as f64;
    1e3 * (macs / MACS_PER_SECOND + BYTES * touches / BYTES_PER_SECOND)
}

#[cfg(test)]
mod tests;
