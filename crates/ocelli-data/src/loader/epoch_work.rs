//! How one batch is made.

use super::{Batch, Positions, Shared, Skipped, Targets, elements_of};
use crate::{Error, Payload, Result};
use ocelli_random::Purpose;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a thread needs to make any batch of the epoch.
pub(super) struct EpochWork {
    shared: Arc<Shared>,
    epoch: u64,
    order: Box<dyn Positions>,
    stopped: AtomicBool,
}

/// What became of one sample.
enum SampleOutcome {
    /// With its classes, if it is labelled.
    Ready {
        index: u64,
        labels: Vec<u32>,
    },
    Unreadable {
        index: u64,
        error: Error,
    },
    Panicked(Error),
    Stopped,
}

impl SampleOutcome {
    fn labels(&self) -> Option<&[u32]> {
        if let Self::Ready { labels, .. } = self { Some(labels) } else { None }
    }
}

impl EpochWork {
    pub(super) fn new(shared: Arc<Shared>, epoch: u64) -> Self {
        let config = &shared.config;
        let order = config.sampler.epoch(shared.source.len(), config.seed, epoch);
        Self { shared, epoch, order, stopped: AtomicBool::new(false) }
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn error_budget(&self) -> u64 {
        self.shared.config.error_budget
    }

    /// This rank's share of the batch at `step`.
    pub(super) fn batch(&self, step: u64) -> Result<Batch> {
        let shared = &*self.shared;
        let (global, share) = (shared.plan.global(step), shared.plan.share(step));
        let [channels, height, width] = shared.shape;
        let views = shared.config.views;
        let samples = (share.end - share.start) as usize;

        let mut images = shared.buffers.take(Vec::new);
        let rows = samples.saturating_mul(views);
        images.resize(elements_of(rows as u64, shared.shape)?, 0.0);
        let outcomes: Vec<SampleOutcome> = images
            .par_chunks_mut(shared.elements_per_sample().max(1))
            .enumerate()
            .map(|(slot, output)| self.sample(share.start + slot as u64, output))
            .collect();

        let mut batch = Batch {
            images,
            shape: [rows, channels, height, width],
            views,
            targets: Targets::Hard(Vec::new()),
            indices: Vec::with_capacity(samples),
            step,
            global_len: (global.end - global.start) as usize,
            first: share.start - global.start,
            skipped: Vec::new(),
            home: Some(Arc::clone(&shared.buffers)),
        };
        if !shared.config.mix.is_off() {
            batch.targets = self.mix(&mut batch, &outcomes, (share.start - global.start) as usize);
        }
        self.assemble(&mut batch, outcomes)?;
        Ok(batch)
    }

    /// Mixes the pairs of the batch, of which the first starts at position `first` of the global
    /// batch. A sample whose partner is unreadable stays as it is.
    fn mix(&self, batch: &mut Batch, outcomes: &[SampleOutcome], first: usize) -> Targets {
        let config = &self.shared.config;
        let [_, channels, height, width] = batch.shape;
        let pixels = channels * height * width;
        let mut random = config.seed.stream(Purpose::MIX, self.epoch, batch.step);
        let draws = config.mix.draw(batch.global_len, (height, width), &mut random);
        batch.images.par_chunks_exact_mut((2 * pixels).max(1)).enumerate().for_each(
            |(pair, images)| {
                if outcomes[2 * pair..][..2].iter().all(|outcome| outcome.labels().is_some()) {
                    let (left, right) = images.split_at_mut(pixels);
                    draws.mix_pair(first + 2 * pair, left, right);
                }
            },
        );
        let classes = self.shared.source.classes().len();
        let mut rows = Vec::with_capacity(outcomes.len() * classes);
        for (pair, outcomes) in outcomes.chunks(2).enumerate() {
            let labels: Vec<&[u32]> = outcomes.iter().filter_map(SampleOutcome::labels).collect();
            draws.label_pair(first + 2 * pair, &labels, classes, &mut rows);
        }
        Targets::Soft { rows, classes }
    }

    /// Lists labels and indices, and closes the gaps that unreadable samples leave.
    fn assemble(&self, batch: &mut Batch, outcomes: Vec<SampleOutcome>) -> Result<()> {
        let elements = self.shared.elements_per_sample();
        let mut sets: Vec<Vec<u32>> = Vec::with_capacity(outcomes.len());
        for (slot, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                SampleOutcome::Ready { index, labels } => {
                    let kept = sets.len();
                    if kept < slot {
                        let from = slot * elements;
                        batch.images.copy_within(from..from + elements, kept * elements);
                    }
                    sets.push(labels);
                    batch.indices.push(index);
                }
                SampleOutcome::Unreadable { error, .. } if self.error_budget() == 0 => {
                    return Err(error);
                }
                SampleOutcome::Unreadable { index, error } => {
                    batch.skipped.push(skip(index, error));
                }
                SampleOutcome::Panicked(error) => return Err(error),
                SampleOutcome::Stopped => return Err(Error::LoaderStopped),
            }
        }
        batch.shape[0] = sets.len() * batch.views;
        batch.images.truncate(sets.len() * elements);
        batch.global_len -= batch.skipped.len();
        if matches!(batch.targets, Targets::Hard(_)) {
            batch.targets = targets(sets, !self.shared.source.classes().is_empty());
        }
        Ok(())
    }

    fn sample(&self, position: u64, output: &mut [f32]) -> SampleOutcome {
        if self.stopped.load(Ordering::Relaxed) {
            return SampleOutcome::Stopped;
        }
        let Some(index) = self.order.index(position) else { return SampleOutcome::Stopped };
        match catch_unwind(AssertUnwindSafe(|| self.read(index, position, output))) {
            Ok(Ok(labels)) => SampleOutcome::Ready { index, labels },
            Ok(Err(error)) => SampleOutcome::Unreadable { index, error },
            Err(panic) => {
                SampleOutcome::Panicked(Error::WorkerPanicked { index, message: message(&*panic) })
            }
        }
    }

    fn read(&self, index: u64, position: u64, output: &mut [f32]) -> Result<Vec<u32>> {
        let shared = &*self.shared;
        let record = shared.source.read(index)?;
        let views = self.views(record.payload, position, output);
        views.map_err(|error| error.of_sample(record.name))?;
        Ok(record.label.into_iter().chain(record.others).collect())
    }

    /// Writes all views of a picture, which is decoded once.
    fn views(&self, picture: Payload, position: u64, output: &mut [f32]) -> Result<()> {
        let Shared { transform, config, scratches, .. } = &*self.shared;
        let picture = if config.views > 1 { transform.decode(picture)? } else { picture };
        let mut scratch = scratches.take(crate::Scratch::default);
        let rows = output.chunks_exact_mut((output.len() / config.views).max(1));
        let applied = rows.zip(0..).try_for_each(|(row, view)| {
            let mut random = config.seed.view_stream(Purpose::AUGMENT, self.epoch, position, view);
            transform.apply(&picture, &mut random, &mut scratch, row)
        });
        scratches.give_back(scratch);
        applied
    }
}

/// The targets of samples that are not mixed.
fn targets(sets: Vec<Vec<u32>>, is_labelled: bool) -> Targets {
    if !is_labelled {
        return Targets::None;
    }
    if sets.iter().any(|set| set.len() > 1) {
        return Targets::MultiLabel(sets);
    }
    Targets::Hard(sets.into_iter().flatten().collect())
}

fn skip(index: u64, error: Error) -> Skipped {
    let hint = error.hint();
    let (name, reason) = match error {
        Error::Sample { name, reason } => (name, reason.to_string()),
        other => (format!("sample {index}"), other.to_string()),
    };
    Skipped { index, name, reason, hint }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
        .to_owned()
}
