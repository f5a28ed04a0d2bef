//! The batches of one epoch: made ahead, out of order, and handed out in order.

use super::order::EpochOrder;
use super::{Batch, Shared, Skipped, Targets};
use crate::{Error, Result};
use crossbeam_channel::{Receiver, Sender, unbounded};
use ocelli_random::Purpose;
use rayon::ThreadPool;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The batches of one epoch, in order.
///
/// After an error the iterator ends.
pub struct Epoch {
    work: Arc<Work>,
    pool: Arc<ThreadPool>,
    done: Receiver<(u64, Result<Batch>)>,
    sender: Sender<(u64, Result<Batch>)>,
    /// Batches that came before their turn.
    early: BTreeMap<u64, Result<Batch>>,
    next_out: u64,
    next_in: u64,
    end: u64,
    skipped: u64,
}

/// What a thread needs to make any batch of the epoch.
struct Work {
    shared: Arc<Shared>,
    epoch: u64,
    order: EpochOrder,
    stopped: AtomicBool,
}

/// What became of one sample.
enum Outcome {
    Ready { index: u64, label: u32 },
    Unreadable { index: u64, error: Error },
    Panicked(Error),
    Stopped,
}

impl Epoch {
    pub(super) fn start(
        shared: Arc<Shared>,
        pool: Arc<ThreadPool>,
        epoch: u64,
        start_step: u64,
    ) -> Self {
        let config = &shared.config;
        let order = EpochOrder::new(config.order, config.seed, epoch, shared.plan.samples);
        let (sender, done) = unbounded();
        let (end, prefetch) = (shared.plan.steps(), config.prefetch);
        let work = Arc::new(Work { shared, epoch, order, stopped: AtomicBool::new(false) });
        let mut this = Self {
            work,
            pool,
            done,
            sender,
            early: BTreeMap::new(),
            next_out: start_step,
            next_in: start_step,
            end,
            skipped: 0,
        };
        for _ in 0..prefetch {
            this.begin_next();
        }
        this
    }

    /// How many samples were left out so far under the error budget.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// How many batches are still to come.
    pub fn remaining(&self) -> u64 {
        self.end.saturating_sub(self.next_out)
    }

    fn begin_next(&mut self) {
        if self.next_in >= self.end {
            return;
        }
        let (step, work, sender) = (self.next_in, Arc::clone(&self.work), self.sender.clone());
        self.next_in += 1;
        self.pool.spawn(move || {
            // The receiver is gone only when nobody wants the batch any more.
            let _ = sender.send((step, work.batch(step)));
        });
    }

    /// The batch whose turn it is, as soon as it is there.
    fn receive(&mut self) -> Result<Batch> {
        loop {
            if let Some(batch) = self.early.remove(&self.next_out) {
                return batch;
            }
            let Ok((step, batch)) = self.done.recv() else { return Err(Error::LoaderStopped) };
            self.early.insert(step, batch);
        }
    }

    fn charge(&mut self, skipped: &[Skipped]) -> Result<()> {
        self.skipped += skipped.len() as u64;
        let budget = self.work.shared.config.error_budget;
        let Some(last) = skipped.last().filter(|_| self.skipped > budget) else { return Ok(()) };
        for sample in skipped {
            tracing::error!(sample = sample.name, reason = sample.reason, "unreadable sample");
        }
        Err(Error::BudgetSpent { budget, name: last.name.clone(), reason: last.reason.clone() })
    }
}

impl Iterator for Epoch {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next_out >= self.end {
            return None;
        }
        let received = self.receive();
        let checked = received.and_then(|batch| self.charge(&batch.skipped).map(|()| batch));
        self.next_out += 1;
        if checked.is_err() {
            self.next_out = self.end;
            self.work.stopped.store(true, Ordering::Relaxed);
        } else {
            self.begin_next();
        }
        Some(checked)
    }
}

impl Drop for Epoch {
    /// Stops the threads and waits until none of them works for this epoch any more.
    fn drop(&mut self) {
        self.work.stopped.store(true, Ordering::Relaxed);
        let (_, disconnected) = unbounded();
        let done = std::mem::replace(&mut self.done, disconnected);
        self.sender = unbounded().0;
        while done.recv().is_ok() {}
    }
}

impl Work {
    fn batch(&self, step: u64) -> Result<Batch> {
        let shared = &*self.shared;
        let positions = shared.plan.share(step);
        let [channels, height, width] = shared.shape;
        let pixels = channels * height * width;
        let samples = (positions.end - positions.start) as usize;

        let mut images = shared.buffers.take(Vec::new);
        images.resize(samples * pixels, 0.0);
        let outcomes: Vec<Outcome> = images
            .par_chunks_mut(pixels.max(1))
            .enumerate()
            .with_max_len(1)
            .map(|(slot, output)| self.sample(positions.start + slot as u64, output))
            .collect();

        let global = shared.plan.global(step);
        let mut batch = Batch {
            images,
            shape: [samples, channels, height, width],
            targets: Targets::Hard(Vec::new()),
            indices: Vec::with_capacity(samples),
            step,
            global_len: (global.end - global.start) as usize,
            skipped: Vec::new(),
            home: Some(Arc::clone(&shared.buffers)),
        };
        self.assemble(&mut batch, outcomes)?;
        Ok(batch)
    }

    /// Lists labels and indices, and closes the gaps that unreadable samples leave.
    fn assemble(&self, batch: &mut Batch, outcomes: Vec<Outcome>) -> Result<()> {
        let pixels: usize = batch.shape[1..].iter().product();
        let mut labels = Vec::with_capacity(outcomes.len());
        for (slot, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Outcome::Ready { index, label } => {
                    let kept = labels.len();
                    if kept < slot {
                        let from = slot * pixels;
                        batch.images.copy_within(from..from + pixels, kept * pixels);
                    }
                    labels.push(label);
                    batch.indices.push(index);
                }
                Outcome::Unreadable { error, .. } if self.shared.config.error_budget == 0 => {
                    return Err(error);
                }
                Outcome::Unreadable { index, error } => batch.skipped.push(skip(index, error)),
                Outcome::Panicked(error) => return Err(error),
                Outcome::Stopped => return Err(Error::LoaderStopped),
            }
        }
        batch.shape[0] = labels.len();
        batch.images.truncate(labels.len() * pixels);
        batch.global_len -= batch.skipped.len();
        batch.targets = Targets::Hard(labels);
        Ok(())
    }

    fn sample(&self, position: u64, output: &mut [f32]) -> Outcome {
        if self.stopped.load(Ordering::Relaxed) {
            return Outcome::Stopped;
        }
        let Some(index) = self.order.index(position) else { return Outcome::Stopped };
        match catch_unwind(AssertUnwindSafe(|| self.read(index, position, output))) {
            Ok(Ok(label)) => Outcome::Ready { index, label },
            Ok(Err(error)) => Outcome::Unreadable { index, error },
            Err(panic) => {
                Outcome::Panicked(Error::WorkerPanicked { index, message: message(&*panic) })
            }
        }
    }

    fn read(&self, index: u64, position: u64, output: &mut [f32]) -> Result<u32> {
        let shared = &*self.shared;
        let record = shared.source.read(index)?;
        let mut random = shared.config.seed.stream(Purpose::AUGMENT, self.epoch, position);
        let mut scratch = shared.scratches.take(crate::Scratch::default);
        let applied = shared.transform.apply(&record.payload, &mut random, &mut scratch, output);
        shared.scratches.give_back(scratch);
        applied.map_err(|error| error.of_sample(record.name))?;
        Ok(record.label)
    }
}

fn skip(index: u64, error: Error) -> Skipped {
    match error {
        Error::Sample { name, reason } => Skipped { index, name, reason: reason.to_string() },
        other => Skipped { index, name: format!("sample {index}"), reason: other.to_string() },
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
        .to_owned()
}
