//! The batches of one epoch: made ahead, out of order, and handed out in order.

use super::epoch_work::EpochWork;
use super::{Batch, Shared, Skipped};
use crate::{Error, Result};
use crossbeam_channel::{Receiver, Sender, unbounded};
use rayon::ThreadPool;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The batches of one epoch, in order.
///
/// After an error the iterator ends.
pub struct Epoch {
    work: Arc<EpochWork>,
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

impl Epoch {
    pub(super) fn start(
        shared: Arc<Shared>,
        pool: Arc<ThreadPool>,
        epoch: u64,
        start_step: u64,
    ) -> Self {
        let config = &shared.config;
        let (sender, done) = unbounded();
        let (end, prefetch) = (shared.plan.steps(), config.prefetch);
        let work = Arc::new(EpochWork::new(shared, epoch));
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
        let budget = self.work.error_budget();
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
            self.work.stop();
        } else {
            self.begin_next();
        }
        Some(checked)
    }
}

impl Drop for Epoch {
    /// Stops the threads and waits until none of them works for this epoch any more.
    fn drop(&mut self) {
        self.work.stop();
        let (_, disconnected) = unbounded();
        let done = std::mem::replace(&mut self.done, disconnected);
        self.sender = unbounded().0;
        while done.recv().is_ok() {}
    }
}
