//! What the features of a network know of classes, without a classifier.
//!
//! | measure | source |
//! | --- | --- |
//! | kNN | Wu et al., <https://arxiv.org/abs/1805.01978>, section 3.4 |
//! | alignment, uniformity | Wang & Isola, <https://arxiv.org/abs/2005.10242>, section 4 |
//! | spread | Chen & He, <https://arxiv.org/abs/2011.10566>, section 4.1 |
//!
//! Deviations: the positive pairs of the alignment are all pairs of queries of one class, since a labelled
//! picture has no second view. Uniformity is that of the first 4,096 queries.

mod features;
#[cfg(test)]
mod tests;

use super::{Examined, Examiner, Score};
use crate::skipped::{output_not_finite, warn_of};
use crate::tensors::{give_back, images, values};
use crate::{Error, ProcessGroup, Result};
use features::Features;
use ocelli_data::Loader;
use ocelli_nn::{InferenceEngine, Network};
use std::sync::Arc;

/// How neighbours vote.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voting {
    /// How many neighbours have a vote.
    k: usize,
    /// The temperature of the votes' weights, exp(cosine / temperature).
    temperature: f64,
}

impl Default for Voting {
    fn default() -> Self {
        Self { k: 20, temperature: 0.1 }
    }
}

impl Voting {
    /// `k` neighbours, whose votes weigh exp(cosine / `temperature`).
    ///
    /// # Errors
    /// When there is no neighbour, or the temperature is not a finite one above 0.
    pub fn new(k: usize, temperature: f64) -> Result<Self> {
        let refuse = |field: &str, found: String, expected: &str| {
            let (field, expected) = (field.to_owned(), expected.to_owned());
            Err(Error::Field { field, found, expected })
        };
        if k == 0 {
            return refuse("k", k.to_string(), "1 or more neighbours");
        }
        if !(temperature.is_finite() && temperature > 0.0) {
            return refuse("temperature", temperature.to_string(), "a number above 0");
        }
        Ok(Self { k, temperature })
    }
}

/// Classifies pictures by their nearest neighbours among pictures whose classes are known, as a network's
/// features tell. The score is the share of right predictions.
///
/// Memory: the features of all pictures, 4 bytes for each number.
pub struct Neighbours {
    bank: Arc<Loader>,
    queries: Arc<Loader>,
    voting: Voting,
}

impl Neighbours {
    /// Classifies the pictures of `queries` by those of `bank`. Both must visit every picture exactly
    /// once, in every process.
    pub fn new(bank: Arc<Loader>, queries: Arc<Loader>, voting: Voting) -> Self {
        Self { bank, queries, voting }
    }
}

impl Examiner for Neighbours {
    fn name(&self) -> &'static str {
        "neighbours"
    }

    /// `knn/top1`; `features/alignment`, 0 to 4; `features/uniformity`, -8 to 0; `features/spread`, about 1
    /// where features point everywhere, 0 where they have collapsed into one.
    fn examine(
        &mut self,
        network: &Network,
        _group: &dyn ProcessGroup,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Examined> {
        let mut engine = InferenceEngine::new(network)?;
        let (first, total) = (self.bank.source().len(), self.queries.source().len());
        let total = first + total;
        let bank = read(&mut engine, network, &self.bank, &mut |done| progress(done, total))?;
        let mut after = |done| progress(first + done, total);
        let queries = read(&mut engine, network, &self.queries, &mut after)?;

        let correct = queries.classified_by(&bank, self.voting.k, self.voting.temperature);
        let score =
            Score { meaning: "kNN top-1".to_owned(), correct, samples: queries.len() as u64 };
        let values = [
            ("knn/top1", score.share()),
            ("features/alignment", queries.alignment()),
            ("features/uniformity", queries.uniformity()),
            ("features/spread", queries.spread()),
        ];
        Ok(Examined { score: Some(score), ..Examined::values(values) })
    }
}

/// The features of all pictures of a loader.
fn read(
    engine: &mut InferenceEngine,
    network: &Network,
    loader: &Loader,
    progress: &mut dyn FnMut(u64),
) -> Result<Features> {
    let mut features = Features::default();
    let mut skipped = 0;
    for batch in loader.epoch(0, 0) {
        let mut batch = batch?;
        skipped += batch.skipped.len() as u64;
        warn_of(&batch.skipped);
        if batch.is_empty() {
            continue;
        }
        let pixels = images(&mut batch, network);
        let pooled = values(engine.pooled(pixels.clone())?);
        give_back(&mut batch, pixels);
        let length = pooled.len() / batch.len();
        let is_finite = |row: &[f32]| row.iter().all(|value| value.is_finite());
        if let Some(at) = pooled.chunks_exact(length.max(1)).position(|row| !is_finite(row)) {
            return Err(output_not_finite(loader, &batch, at));
        }
        features.extend(&pooled, length, &batch.targets.classes());
        progress(features.len() as u64);
    }
    if features.len() == 0 {
        return Err(Error::NothingReadable { of: "the images of the probe", skipped });
    }
    Ok(features)
}
