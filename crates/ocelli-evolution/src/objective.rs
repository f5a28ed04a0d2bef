//! What is optimised.

use rayon::prelude::*;

/// A function of individuals, asked for blocks of them.
///
/// A closure `Fn(&[f64]) -> f64` over the genes of one individual is one; it is run on all threads.
pub trait Objective {
    /// The fitness of each candidate of a block.
    ///
    /// # Shapes
    /// - `candidates`: `[block, genes]`
    /// - result: `[block]`
    fn evaluate(&mut self, candidates: &[f64], genes: usize) -> Vec<f64>;
}

impl<F: Fn(&[f64]) -> f64 + Sync> Objective for F {
    fn evaluate(&mut self, candidates: &[f64], genes: usize) -> Vec<f64> {
        candidates.par_chunks_exact(genes.max(1)).map(&*self).collect()
    }
}
