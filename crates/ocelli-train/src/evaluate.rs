//! Evaluation: every sample of a dataset, exactly once.

use crate::metrics::{Scores, Tally};
use crate::skipped::{output_not_finite, warn_of};
use crate::tensors::{give_back, images, values};
use crate::{Error, ProcessGroup, Result};
use ocelli_data::Loader;
use ocelli_nn::{InferenceEngine, Network};
use serde::Serialize;
use std::time::{Duration, Instant};

/// How good a network is, and how fast.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// What was right and what was not.
    #[serde(flatten)]
    pub scores: Scores,
    /// The time from the first image to the last, loading included, in seconds.
    pub seconds: f64,
    /// Images per second over that time.
    pub images_per_second: f64,
    /// The mean time that the network alone took per image, in milliseconds.
    pub latency_ms: f64,
    /// How many samples could not be read, under the loader's error budget.
    pub skipped: u64,
}

/// Classifies every sample of `loader`, which must visit each exactly once
/// ([`LoaderConfig::eval`](ocelli_data::LoaderConfig::eval)). `progress` hears how many of this
/// process's samples are done.
///
/// # Errors
/// When samples cannot be read, have labels that the network does not know, or did not all come, and
/// [`Error::OutputNotFinite`] when a logit is not finite.
pub fn evaluate(
    network: &Network,
    loader: &Loader,
    group: &dyn ProcessGroup,
    progress: &mut dyn FnMut(u64),
) -> Result<Evaluation> {
    let classes = network.graph().num_classes();
    let known = loader.source().classes().len();
    if classes == 0 {
        return Err(Error::NoClassifier);
    }
    if classes != known {
        return Err(Error::ClassCount { network: classes, data: known });
    }
    let begin = Instant::now();
    let mut engine = InferenceEngine::new(network)?;
    let mut tally = Tally::new(classes);
    let mut computing = Duration::ZERO;
    let (mut done, mut skipped) = (0, 0);
    for batch in loader.epoch(0, 0) {
        let mut batch = batch?;
        skipped += batch.skipped.len() as u64;
        warn_of(&batch.skipped);
        if batch.is_empty() {
            continue;
        }
        let images = images(&mut batch, network);
        let start = Instant::now();
        let logits = values(engine.logits(images.clone())?);
        computing += start.elapsed();
        give_back(&mut batch, images);
        if let Some(at) = first_not_finite(&logits, classes) {
            return Err(output_not_finite(loader, &batch, at));
        }
        tally.add_targets(&logits, &batch.targets);
        done += batch.len() as u64;
        progress(done);
    }
    tally.reduce(group)?;
    let mut all_skipped = [skipped as f64];
    group.all_reduce_f64(&mut all_skipped)?;
    let skipped = all_skipped[0] as u64;

    let scores = tally.finish();
    if scores.samples == 0 && skipped > 0 {
        return Err(Error::NothingReadable { of: "the images to evaluate", skipped });
    }
    let expected = loader.source().len() - skipped;
    if scores.samples != expected {
        return Err(Error::IncompleteEvaluation { counted: scores.samples, expected });
    }
    let seconds = begin.elapsed().as_secs_f64();
    Ok(Evaluation {
        images_per_second: scores.samples as f64 / seconds,
        latency_ms: computing.as_secs_f64() * 1e3 / done.max(1) as f64,
        scores,
        seconds,
        skipped,
    })
}

/// The first row of `logits` with a value that is NaN or ∞: no class is the largest then, and none is
/// more probable than others.
pub(crate) fn first_not_finite(logits: &[f32], classes: usize) -> Option<usize> {
    let is_finite = |row: &[f32]| row.iter().all(|logit| logit.is_finite());
    logits.chunks_exact(classes.max(1)).position(|row| !is_finite(row))
}
