//! The samples of a step, in parts.

use crate::skipped::warn_of;
use crate::{Error, Result};
use ocelli_data::{Batch, Epoch, Loader};

/// Some samples of a step, as many as fit into memory.
#[derive(Debug)]
pub struct Part {
    /// The samples.
    pub batch: Batch,
    /// The position of the first row among all rows of the step, over parts and processes; a sample has as
    /// many rows as views.
    pub first_row: u64,
    /// Its share of the samples of the whole step.
    pub weight: f64,
}

/// This process's parts of a step, one after another.
pub struct StepParts<'a> {
    loader: &'a Loader,
    batches: &'a mut Option<Epoch>,
    position: StepPosition,
    /// How many parts were taken.
    taken: u64,
    /// The parts once more, if they were asked for.
    repeated: Option<Epoch>,
}

/// Where a step's parts stand in its epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepPosition {
    pub(crate) step: u64,
    pub(crate) epoch: u64,
    /// The first part's number within the epoch.
    pub(crate) first_part: u64,
    /// How many parts a step has.
    pub(crate) count: u64,
    /// Samples of a whole part, of all processes.
    pub(crate) batch_size: u64,
    pub(crate) processes: usize,
}

impl<'a> StepParts<'a> {
    pub(crate) fn new(
        loader: &'a Loader,
        batches: &'a mut Option<Epoch>,
        position: StepPosition,
    ) -> Self {
        Self { loader, batches, position, taken: 0, repeated: None }
    }

    /// The next part.
    ///
    /// # Errors
    /// When samples cannot be read.
    pub fn next_part(&mut self) -> Result<Option<Part>> {
        let StepPosition { step, epoch, first_part, count, batch_size, processes } = self.position;
        while self.taken < count {
            let part = self.taken;
            let batches = match &mut self.repeated {
                Some(batches) => batches,
                None => self.batches.get_or_insert_with(|| self.loader.epoch(epoch, first_part)),
            };
            let batch = batches.next().ok_or(ocelli_data::Error::LoaderStopped)??;
            self.taken += 1;
            if self.repeated.is_none() {
                warn_of(&batch.skipped);
            }
            let images = batch.len();
            if images > 0 {
                let all = batch.global_len.max(1) as f64 * count as f64;
                let first_row = (part * batch_size + batch.first) * batch.views as u64;
                return Ok(Some(Part { batch, first_row, weight: images as f64 / all }));
            }
            // Alone, nothing is lost. Among others, their exchange would wait for ever.
            if processes > 1 {
                return Err(Error::EmptyShare { step: step + 1 });
            }
        }
        Ok(None)
    }

    /// Begins the same parts once more: a loader is a pure function, so a method of two passes keeps no
    /// pixels.
    pub fn again(&mut self) {
        self.taken = 0;
        self.repeated = Some(self.loader.epoch(self.position.epoch, self.position.first_part));
    }
}
