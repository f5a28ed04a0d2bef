//! How easily a network is fooled, as a metric of its training.

use super::run::attack;
use super::{
    AttackPlan, Compiled, Config, EvolutionSection, Inference, Pictures, Stop, Summary, Victim,
};
use crate::{Error, Result};
use ocelli_data::{EvalConfig, InputConfig, Limits, Source};
use ocelli_nn::Network;
use ocelli_train::{Error as TrainError, Examined, Examiner, Occasion, ProcessGroup};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Attacks a network at evaluations of its training, always on images of the same order.
pub struct Robustness<'a> {
    config: Config,
    every: u64,
    eval_every: u64,
    source: Arc<dyn Source>,
    input: InputConfig,
    eval: EvalConfig,
    limits: Limits,
    stop: &'a AtomicBool,
}

impl<'a> Robustness<'a> {
    /// Short attacks on `images` images, which end when `stop` is set: one pixel, any other class, 100
    /// individuals, 20 generations, an end at the first success. That is a nineteenth of the paper's
    /// evaluations; rates are to be compared with one another only.
    ///
    /// They are made once in `every` epochs, at the first evaluation that comes when those are over;
    /// there is one each `eval_every` epochs, and one at the end.
    pub fn new(
        (images, seed): (u64, u64),
        (every, eval_every): (u64, u64),
        source: Arc<dyn Source>,
        (input, eval): (InputConfig, EvalConfig),
        stop: &'a AtomicBool,
    ) -> Self {
        let evolution = EvolutionSection { population: 100, generations: 20, ..Default::default() };
        let config = Config {
            seed,
            images,
            targeted: false,
            untargeted: true,
            stop: Stop::FirstSuccess,
            evolution,
            ..Config::default()
        };
        let (every, eval_every) = (every.max(1), eval_every.max(1));
        let limits = Limits::default();
        Self { config, every, eval_every, source, input, eval, limits, stop }
    }

    /// The same with other limits on what is decoded.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    fn summary(&self, network: &Network) -> Result<Option<Summary>> {
        let mut classifier = Compiled::new(network, &self.input, Inference::Auto)?;
        let pictures = Pictures::new(Arc::clone(&self.source), &self.input, self.eval)?;
        let pictures = pictures.with_limits(self.limits);
        let victim = Victim {
            model: String::new(),
            weights: String::new(),
            inference: classifier.inference().to_owned(),
            input: self.input.clone(),
            eval: self.eval,
        };
        let config = self.config.clone();
        let plan =
            AttackPlan::new(config, victim, pictures, &mut classifier, self.stop, &mut |_| ());
        let plan = match plan {
            Ok(Some(plan)) => plan,
            Ok(None) | Err(Error::NothingToAttack { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let attacked = attack(&plan, &mut classifier, self.stop)?;
        Ok(attacked.map(|attacked| Summary::new(&plan, &attacked)))
    }
}

impl Examiner for Robustness<'_> {
    fn name(&self) -> &'static str {
        "robustness"
    }

    fn is_due(&self, occasion: Occasion) -> bool {
        let Some(epoch) = occasion.between_epochs() else { return false };
        let evaluated_before = epoch.saturating_sub(1) / self.eval_every * self.eval_every;
        epoch / self.every != evaluated_before / self.every
    }

    fn is_vital(&self) -> bool {
        false
    }

    /// `attack/success_rate`, `attack/images`, `attack/evaluations`; nothing of a network that classifies
    /// no image rightly.
    fn examine(
        &mut self,
        network: &Network,
        _group: &dyn ProcessGroup,
        _progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Examined, TrainError> {
        let summary = self.summary(network).map_err(TrainError::method)?;
        let Some(summary) = summary else { return Ok(Examined::default()) };
        let rate = summary.groups.first().map_or(0.0, |group| group.success_rate);
        Ok(Examined::values([
            ("attack/success_rate", rate),
            ("attack/images", summary.images as f64),
            ("attack/evaluations", summary.evaluations as f64),
        ]))
    }
}
