//! What else can be measured about a network while it is trained.

use ocelli_nn::Network;
use std::error::Error;

/// Measures more about a network at its evaluations, as in how easily it is fooled. What it finds goes
/// to the run's measurements and decides nothing.
pub trait Probe {
    /// What is measured, each value by its name in `metrics.jsonl`; nothing where it is not its turn.
    ///
    /// It is asked after evaluations between two passes over the training set, of which `epoch` are
    /// complete.
    ///
    /// # Errors
    /// When it cannot be measured; the log says so, and the training goes on.
    fn measure(
        &mut self,
        network: &Network,
        epoch: u64,
    ) -> Result<Vec<(String, f64)>, Box<dyn Error + Send + Sync>>;
}
