//! What else can be measured about a network while it is trained.

use crate::Result;
use ocelli_nn::Network;

/// Measures more about a network at its evaluations, as in how easily it is fooled. What it finds goes
/// to the run's measurements and decides nothing.
pub trait Probe {
    /// What is measured, each value by its name in `metrics.jsonl`; nothing where it is not its turn.
    ///
    /// `epoch` counts the passes over the training set that are complete.
    ///
    /// # Errors
    /// When it cannot be measured; that ends the training.
    fn measure(&mut self, network: &Network, epoch: u64) -> Result<Vec<(String, f64)>>;
}
