//! What a step of DQA does.

use super::activations::{ActivationMixtures, decay_clips, keep_positive};
use super::hardened::{measure, models};
use super::mixtures::Mixtures;
use super::{DqaSettings, layer::quantized_layers};
use ocelli_data::Source;
use ocelli_nn::{Gradients, Network};
use ocelli_train::{Method, Moment, Result, Step, StepOutput, Supervised};

/// Supervised training of a network whose weights are put through quantizers in each step.
#[derive(Debug)]
pub struct Dqa {
    settings: DqaSettings,
    supervised: Supervised,
}

/// Steps that are learnt stay above this.
const SMALLEST_STEP: f32 = 1e-8;

impl Dqa {
    /// With settings that are possible.
    pub fn new(settings: DqaSettings) -> Self {
        Self { settings, supervised: Supervised::default() }
    }
}

impl Method for Dqa {
    fn check(&self, network: &Network, data: &dyn Source) -> Result<()> {
        self.supervised.check(network, data)?;
        Mixtures::new(network, &self.settings, 0, 1)?;
        ActivationMixtures::new(network, &self.settings, 0, 1)?;
        Ok(())
    }

    fn step(&mut self, step: Step<'_>, gradients: &mut Gradients) -> Result<StepOutput> {
        if self.settings.quantizers.is_empty() {
            return self.supervised.step(step, gradients);
        }
        let Step { network, parts, group, seed, step, total_steps } = step;
        let mixtures = Mixtures::new(network, &self.settings, step + 1, total_steps)?;
        let activations = ActivationMixtures::new(network, &self.settings, step + 1, total_steps)?;
        let quantized = mixtures.soft(network)?;
        let step = Step { network: &quantized, parts, group, seed, step, total_steps };
        let (mut output, of_attention) =
            self.supervised.step_with_attention(step, &activations.attention(), gradients)?;
        let share: f64 = output.stats.iter().map(|(weight, _)| weight).sum();
        mixtures.pull_back(network, share, gradients);
        activations.pull_back(network, of_attention, share, gradients);
        decay_clips(network, self.settings.clip_decay, share, gradients);
        output.loss += share * (mixtures.penalty() + activations.penalty());
        Ok(output)
    }

    /// Keeps the steps of LSQ and the clips of PACT positive.
    fn after_update(&self, network: &mut Network, step: u64) -> Result<()> {
        let _ = step;
        keep_positive(network)?;
        let learnt = self.settings.quantizers.iter().enumerate();
        let learnt: Vec<usize> =
            learnt.filter(|(_, own)| own.is_learnt()).map(|(k, _)| k).collect();
        if learnt.is_empty() {
            return Ok(());
        }
        let layers = quantized_layers(network.graph(), &self.settings)?;
        let names = layers.iter().flat_map(|layer| learnt.iter().map(|k| layer.step_name(*k)));
        let names: Vec<String> = names.collect();
        let index = network.params().index_by_name();
        let ids: Vec<_> =
            names.iter().filter_map(|name| index.get(name.as_str()).copied()).collect();
        for id in ids {
            let mut steps = network.params().to_values(id);
            if steps.iter().any(|step| *step < SMALLEST_STEP) {
                for step in &mut steps {
                    *step = step.max(SMALLEST_STEP);
                }
                network.params_mut().set_values(id, steps)?;
            }
        }
        Ok(())
    }

    fn models(
        &self,
        network: &Network,
        moment: Moment<'_>,
    ) -> Result<Vec<(&'static str, Network)>> {
        models(network, &self.settings, moment)
    }

    fn measure(&self, network: &Network, moment: Moment<'_>) -> Result<Vec<(String, f64)>> {
        measure(network, &self.settings, moment)
    }
}
