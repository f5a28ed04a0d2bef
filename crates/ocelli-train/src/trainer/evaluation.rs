//! Evaluations: what examiners find, and which checkpoint is the best.

use super::{Best, Event, State, Trainer};
use crate::{Error, Examined, Examiner, Occasion, Result, Score};
use ocelli_nn::Network;
use std::collections::BTreeMap;

impl Trainer<'_> {
    /// Lets all examiners whose turn it is measure the network.
    pub(super) fn evaluate(&mut self) -> Result<()> {
        if self.examiners.is_empty() {
            return Ok(());
        }
        let mut examiners = std::mem::take(&mut self.examiners);
        let found = self.examine_all(&mut examiners);
        self.examiners = examiners;
        self.log(found?)
    }

    /// Scores a network that was evaluated in an earlier session, which leaves nothing behind.
    pub(super) fn score_again(&mut self) -> Result<()> {
        let models = self.method.models(self.now.model(), self.now.state.step)?;
        let scored = models.first().map(|(_, network)| network);
        for mut examiner in std::mem::take(&mut self.examiners) {
            if let Some(Examined { score: Some(score), evaluation, .. }) =
                self.examine(&mut *examiner, scored)?
            {
                (self.score, self.evaluation) = (Some(score), evaluation);
                break;
            }
        }
        Ok(())
    }

    /// What is found, by the names in the log.
    fn examine_all(
        &mut self,
        examiners: &mut [Box<dyn Examiner + '_>],
    ) -> Result<BTreeMap<String, f64>> {
        let State { step, steps_per_epoch, .. } = self.now.state;
        let models = self.method.models(self.now.model(), step)?;
        let scored = models.first().map(|(_, network)| network);
        self.now.state.evaluated_at = Some(step);
        self.is_saved = false;
        (self.score, self.evaluation) = (None, None);
        let occasion = Occasion { step, steps_per_epoch };
        let mut values = BTreeMap::new();
        for examiner in examiners.iter_mut().filter(|examiner| examiner.is_due(occasion)) {
            let name = examiner.name();
            if let Some(examined) = self.examine(&mut **examiner, scored)? {
                values.extend(examined.values.iter().cloned());
                let is_best = self.keep_score(examined.score.as_ref());
                let (model, found) = (None, &examined);
                self.tell(&Event::Examined { step, name, model, examined: found, is_best })?;
                self.evaluation = self.evaluation.take().or(examined.evaluation);
            }
            for (model, network) in models.iter().skip(1) {
                let found = self.examine(&mut **examiner, Some(network))?;
                let Some(examined) = &found else { continue };
                let renamed = |(name, value): &(String, f64)| (format!("{model}/{name}"), *value);
                values.extend(examined.values.iter().map(renamed));
                let model = Some(*model);
                self.tell(&Event::Examined { step, name, model, examined, is_best: false })?;
            }
        }
        values.extend(self.waiting());
        Ok(values)
    }

    /// What an examiner finds of a network, the present one unless another is given; `None` where it fails
    /// and that does not matter.
    fn examine(
        &mut self,
        examiner: &mut dyn Examiner,
        network: Option<&Network>,
    ) -> Result<Option<Examined>> {
        let network = network.unwrap_or_else(|| self.now.model());
        let observer = &mut *self.observer;
        let mut progress = |done, total| observer.notice(&Event::Evaluating { done, total });
        match examiner.examine(network, self.group, &mut progress) {
            Ok(examined) => Ok(Some(examined)),
            Err(error) if !examiner.is_vital() => {
                let step = self.now.state.step;
                tracing::warn!("the network cannot be measured after step {step}: {error}");
                Ok(None)
            }
            Err(Error::OutputNotFinite { image }) => Err(self.diverged_on(&image)),
            Err(error) => Err(error),
        }
    }

    /// Whether a score is the best of the run. The first of an evaluation is what counts.
    fn keep_score(&mut self, score: Option<&Score>) -> bool {
        let (Some(score), None) = (score, &self.score) else { return false };
        self.score = Some(score.clone());
        let now = Best { step: self.now.state.step, score: score.clone() };
        if self.is_turn_to_evaluate() {
            self.now.state.patience.add(now.clone());
        }
        let best = &mut self.now.state.best;
        let is_best = now.is_better_than(best.as_ref());
        if is_best {
            *best = Some(now);
        }
        is_best
    }
}
