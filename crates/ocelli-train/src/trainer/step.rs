//! One update of the weights.

use super::gradients::{reduce, reduce_stats};
use super::snapshot::Snapshot;
use super::{Event, StepReport, Trainer};
use crate::Result;
use crate::method::{Step, StepOutput, StepParts, StepPosition};
use crate::optimizer::{clip_norm, clip_value};
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
        let position = StepPosition {
            step,
            epoch: self.now.state.epoch(),
            first_part,
            count: accumulate,
            batch_size: self.recipe.train.batch_size as u64,
            processes: self.group.world_size(),
        };
        let loader = &self.train.at(step, self.total_steps).1.loader;
        let context = Step {
            network: &self.now.network,
            parts: StepParts::new(loader, batches, position),
            group: self.group,
            seed: Seed(self.recipe.seed),
            step,
            total_steps: self.total_steps,
        };
        self.gradients.clear();
        let mut sum = self.method.step(context, &mut self.gradients)?;
        for (weight, stats) in std::mem::take(&mut sum.stats) {
            let stats = reduce_stats(stats, weight * accumulate as f64, self.group)?;
            self.now.network.apply_batch_stats(&stats)?;
        }
        reduce(&mut sum, &mut self.gradients, self.now.network.params(), self.group)?;
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
        self.record(&report)?;
        if self.now.state.step_in_epoch() == 0 {
            let loader = &self.train.at(step, self.total_steps).1.loader;
            self.method.end_epoch(&mut self.now.network, loader)?;
        }
        Ok(())
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
    fn update(&mut self, sum: &mut StepOutput, lr: f64) -> Result<()> {
        let section = &self.recipe.optimizer;
        if let Some(largest) = section.clip_value {
            clip_value(&mut self.gradients, largest);
        }
        if let Some(longest) = section.clip_norm {
            let norm = clip_norm(&mut self.gradients, longest);
            sum.metrics.push(("gradient_norm", norm));
        }
        let Snapshot { network, optimizer, ema, state } = &mut self.now;
        optimizer.step(network.params_mut(), &self.gradients, lr)?;
        self.method.after_update(network, state.step + 1)?;
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
