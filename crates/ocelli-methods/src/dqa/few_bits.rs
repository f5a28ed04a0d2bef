//! From a trained run to the recipe that gives its network few bits.

use super::config::PerChoice;
use super::names::SECTION;
use super::{DqaConfig, DqaError};
use ocelli_nn::graph::ActivationQuantizer;
use ocelli_train::recipe::{ScheduleKind, ScheduleSection};
use ocelli_train::{MethodSection, Recipe, Result, Trained, TrainingLength};

/// Some epochs more, in which the weights of a trained network are mixtures of min-max quantizers.
///
/// The rate falls from a small share of the run's peak along a cosine: weights that are trained already have
/// only to find the levels. At higher rates α leaves its start within a few epochs, so that the mixture does not
/// harden to its first quantizer, which is what is packed.
#[derive(Clone, Debug, PartialEq)]
pub struct FewBits {
    /// The bits of each quantizer, fewest first; the first is what is left.
    pub bits: Vec<u32>,
    /// The fewest bits of what layers read; those of [`bits`](Self::bits) above them are mixed in. None
    /// leaves floats.
    pub activations: Option<u32>,
    /// Passes over the training set.
    pub epochs: u64,
    /// The rate at the start, over the peak of the run.
    pub rate: f64,
    /// Which weights share their levels.
    pub per: PerChoice,
    /// Layers that stay as they are.
    pub keep: Vec<String>,
}

impl Default for FewBits {
    fn default() -> Self {
        Self {
            bits: vec![2, 4, 8],
            activations: None,
            epochs: 3,
            rate: 0.01,
            per: PerChoice::Tensor,
            keep: Vec::new(),
        }
    }
}

/// How much more the next quantizer costs: the paper's 1, 4 and 16.
const COST_RATIO: f64 = 4.0;

/// Tensors have so many quantizers at most.
const MOST_OF_ACTIVATIONS: usize = 4;

impl FewBits {
    /// Whether a run can be trained further.
    ///
    /// # Errors
    /// [`DqaError::OtherMethod`] when it was not trained with labels.
    pub fn check_run(run: &Recipe) -> Result<()> {
        match run.method.as_ref().map(MethodSection::name).filter(|name| *name != SECTION) {
            Some(section) => Err(DqaError::OtherMethod { section: section.to_owned() }.into()),
            None => Ok(()),
        }
    }

    /// The recipe of a `run` from the weights of its network: the run's own but for `[dqa]`, rate and
    /// schedule, length, and what belongs to a longer training (freezing, stages, patience).
    ///
    /// # Errors
    /// As [`check_run`](Self::check_run).
    pub fn recipe(&self, run: &Recipe, network: &Trained) -> Result<Recipe> {
        Self::check_run(run)?;
        let mut recipe = run.clone();
        let model = &mut recipe.model;
        model.weights = Some(network.file.clone());
        (model.weights_section, model.weights_prefix) = (None, None);
        model.reset_head = false;
        model.freeze = Vec::new();
        (recipe.input, recipe.eval) = (network.input.clone(), network.eval);
        recipe.optimizer.lr *= self.rate;
        recipe.optimizer.head_lr = 1.0;
        recipe.schedule =
            ScheduleSection { kind: ScheduleKind::Cosine, ..ScheduleSection::default() };
        let train = &mut recipe.train;
        (train.epochs, train.min_steps, train.eval_every) = (self.epochs, None, 1);
        (train.max_steps, train.max_hours, train.patience) = (None, None, 0);
        recipe.progressive = None;
        recipe.checkpoint.every = TrainingLength::Epochs(1.0);
        recipe.method = Some(MethodSection::new(SECTION, &self.config())?);
        Ok(recipe)
    }

    fn config(&self) -> DqaConfig {
        let min_max = |bits: &u32| ActivationQuantizer::MinMax { bits: *bits }.to_string();
        let activations: Vec<String> = self.activations.map_or_else(Vec::new, |least| {
            let above = self.bits.iter().filter(|bits| **bits > least);
            let all = std::iter::once(&least).chain(above).take(MOST_OF_ACTIVATIONS);
            all.map(min_max).collect()
        });
        let count = self.bits.len().max(activations.len());
        DqaConfig {
            quantizers: self.bits.iter().map(min_max).collect(),
            penalty: (0..count).map(|k| COST_RATIO.powi(k as i32)).collect(),
            activations,
            per: self.per,
            keep: self.keep.clone(),
            ..DqaConfig::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_have_their_own_bits_and_those_above() {
        let activations = |bits: &[u32], least| {
            let few = FewBits { bits: bits.to_vec(), activations: least, ..FewBits::default() };
            few.config().activations.join(" ")
        };
        assert_eq!(activations(&[2, 4, 8], None), "");
        assert_eq!(activations(&[2, 4, 8], Some(2)), "min_max:2 min_max:4 min_max:8");
        assert_eq!(activations(&[2, 4, 8], Some(3)), "min_max:3 min_max:4 min_max:8");
        assert_eq!(activations(&[2, 4, 8], Some(8)), "min_max:8");
        let all = [1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(activations(&all, Some(1)), "min_max:1 min_max:2 min_max:3 min_max:4");
    }

    #[test]
    fn each_choice_of_bits_is_possible() {
        for bits in [&[2][..], &[1, 2, 8], &[1, 2, 3, 4, 5, 6, 7, 8]] {
            for activations in [None, Some(1), Some(8)] {
                let few = FewBits { bits: bits.to_vec(), activations, ..FewBits::default() };
                let config = few.config();
                let section = MethodSection::new(SECTION, &config).unwrap();
                config.check(&section).unwrap();
            }
        }
        let paper = FewBits::default().config();
        assert_eq!(paper, DqaConfig::default(), "three quantizers are the paper's");
    }
}
