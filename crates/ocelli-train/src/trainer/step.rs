//! One update of the weights.

use super::gradients::{Accumulated, reduce_stats};
use super::snapshot::Snapshot;
use super::{Event, StepReport, Trainer};
use crate::evaluate::warn_of;
use crate::optimizer::{clip_norm, clip_value};
use crate::{Error, Place, Result};
use ocelli_data::Epoch;
use ocelli_random::Seed;
use std::time::Instant;

impl Trainer<'_> {
    /// One update of the weights.
    pub(super) fn step(&mut self, batches: &mut Option<Epoch>) -> Result<()> {
        let start = Instant::now();
        let (step, accumulate) = (self.now.state.step, self.recipe.train.accumulate as u64);
        let first_part = self.now.state.step_in_epoch() * accumulate;
        if self.enter_stage(step) || first_part == 0 {
            *batches = None;
        }
        let epoch = self.now.state.epoch();
        let loader = &self.train.at(step, self.total_steps).1.loader;
        let batches = batches.get_or_insert_with(|| loader.epoch(epoch, first_part));

        let mut sum = Accumulated::default();
        for part in 0..accumulate {
            let batch = batches.next().ok_or(ocelli_data::Error::LoaderStopped)??;
            warn_of(&batch.skipped);
            let images = batch.len();
            let weight = images as f64 / (batch.global_len.max(1) as f64 * accumulate as f64);
            if images == 0 {
                // Alone, nothing is lost. Among others, their exchange would wait for ever.
                if self.group.world_size() > 1 {
                    return Err(Error::EmptyShare { step: step + 1 });
                }
                continue;
            }
            let first_row = part * self.recipe.train.batch_size as u64 + batch.first;
            let place = Place { seed: Seed(self.recipe.seed), step, first_row };
            let mut output = self.method.step(&self.now.network, batch, place)?;
            let stats = std::mem::take(&mut output.stats);
            let stats = reduce_stats(stats, weight * accumulate as f64, self.group)?;
            self.now.network.apply_batch_stats(&stats)?;
            sum.add(output, weight, images as u64);
        }
        sum.reduce(self.now.network.params(), self.group)?;
        if !sum.loss.is_finite() {
            return Err(self.diverged("the loss".to_owned(), step + 1));
        }
        let lr = self.schedule.rate(step);
        self.update(&mut sum, lr)?;

        self.is_saved = false;
        let state = &mut self.now.state;
        state.step += 1;
        let report = StepReport {
            step: state.step,
            epoch: state.epochs(),
            loss: sum.loss,
            lr,
            metrics: sum.metrics,
            images: sum.images,
            seconds: start.elapsed().as_secs_f64(),
        };
        self.images += report.images;
        self.seconds_training += report.seconds;
        self.record(&report)
    }

    /// Prepares the network for the stage of a step, if another one came before.
    fn enter_stage(&mut self, step: u64) -> bool {
        let (index, stage) = self.train.at(step, self.total_steps);
        if self.stage == Some(index) {
            return false;
        }
        self.stage = Some(index);
        if self.train.count() > 1 {
            if let Some(probability) = stage.recipe.model.dropout {
                self.now.network.set_dropout(probability);
            }
            let (number, of, recipe) = (index + 1, self.train.count(), &stage.recipe);
            self.observer.notice(&Event::Stage { number, of, recipe });
        }
        true
    }

    /// Applies the gradients of a step.
    fn update(&mut self, sum: &mut Accumulated, lr: f64) -> Result<()> {
        let section = &self.recipe.optimizer;
        if let Some(largest) = section.clip_value {
            clip_value(&mut sum.gradients, largest);
        }
        if let Some(longest) = section.clip_norm {
            let norm = clip_norm(&mut sum.gradients, longest);
            sum.metrics.push(("gradient_norm", norm));
        }
        let Snapshot { network, optimizer, ema, state } = &mut self.now;
        optimizer.step(network.params_mut(), std::mem::take(&mut sum.gradients), lr)?;
        if let Some(ema) = ema {
            ema.update(network)?;
            state.ema_updates = ema.updates();
        }
        Ok(())
    }

    /// Tells of a step, and logs the mean of some.
    fn record(&mut self, report: &StepReport) -> Result<()> {
        let state = &mut self.now.state;
        state.window.add(report);
        if state.window.steps() >= self.recipe.train.log_every || state.step == self.total_steps {
            let values = state.window.take(report.lr);
            self.log(values)?;
        }
        self.observer.notice(&Event::Step(report));
        Ok(())
    }
}
