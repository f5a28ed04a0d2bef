//! A search that is about to begin: what is looked for, by what, and on what.

use super::ledger::FORMAT;
use super::sampler::{Scored, propose};
use super::{Candidate, Reward, SamplerKind, Score, SearchConfig, Space, StepTime, Trial, pareto};
use crate::error::require;
use crate::ledger::Header;
use crate::{Error, Result};
use ocelli_data::{OpenOptions, Source, Split, Subset, check_several_classes, open_labelled};
use ocelli_nn::backbones::efficientnetv2::Layout;
use ocelli_nn::registry;
use ocelli_random::Seed;
use ocelli_train::recipe::{CheckpointSection, DataSection};
use ocelli_train::{Recipe, TrainingLength};
use serde::Serialize;
use std::sync::Arc;

/// The model that a layout describes.
const DESCRIBED: &str = "efficientnetv2";

/// A search: the recipe in which the winner will be trained, how it is searched for, and the images.
pub struct SearchPlan {
    recipe: Recipe,
    config: SearchConfig,
    space: Space,
    train: Arc<dyn Source>,
    minival: Arc<dyn Source>,
}

/// All that decides what the trials of a search mean.
#[derive(Serialize)]
struct Identity<'a> {
    format: u32,
    seed: u64,
    sampler: SamplerKind,
    evolution: &'a super::EvolutionConfig,
    reinforce: &'a super::ReinforceConfig,
    space: &'a Space,
    reward: Reward,
    minival_per_class: u64,
    /// Absent where it is measured, as in ledgers of before there was a choice.
    #[serde(skip_serializing_if = "StepTime::is_measured")]
    step_time: StepTime,
    timed_steps: usize,
    classes: usize,
    training_images: u64,
    minival_images: u64,
    recipe: Recipe,
}

impl SearchPlan {
    /// Checks a search and opens its images. The minival split is held out of the training part; the
    /// test part is not even opened.
    ///
    /// # Errors
    /// When a field is out of range, the recipe's network is no EfficientNetV2, or the dataset cannot be
    /// opened or is too small.
    pub fn new(recipe: Recipe, config: SearchConfig) -> Result<Self> {
        config.check()?;
        let data = &recipe.data;
        for (field, given) in
            [("data.extra", data.extra.is_some()), ("data.labels", data.labels.is_some())]
        {
            require(
                field,
                "set",
                !given,
                "none: a search has one dataset, with one class an image",
            )?;
        }
        let own = "none: a search holds `search.minival_per_class` images out";
        require("data.hold_out", data.hold_out.unwrap_or(0.0), data.hold_out.is_none(), own)?;
        let options = recipe.model_options(1);
        let Some(backbone) = registry::find(&recipe.model.name)?.layout(&options)? else {
            return Err(Error::Backbone { model: recipe.model.name });
        };
        let space = Space::new(&config.space, backbone)?;
        let (class_order, split) = (recipe.data.class_order, Split::Train);
        let whole = open_labelled(
            &recipe.data.source,
            &OpenOptions { class_order, ..OpenOptions::new(split) },
        )?;
        if !recipe.data.one_class {
            check_several_classes(&whole, &recipe.data.source)?;
        }
        let (train, minival) =
            Subset::hold_out(whole, config.minival_per_class, Seed(recipe.seed))?;
        Ok(Self { recipe, config, space, train: Arc::new(train), minival: Arc::new(minival) })
    }

    /// The recipe in which the winner will be trained.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// How it is searched.
    pub fn config(&self) -> &SearchConfig {
        &self.config
    }

    /// Where it is searched.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The images of trainings, and those that are held out of them.
    pub fn images(&self) -> [&Arc<dyn Source>; 2] {
        [&self.train, &self.minival]
    }

    /// What the ledger of this search says at its head. Where the images lie, how many trials are made,
    /// which of them may win and how the winner will be trained is not in it.
    ///
    /// # Errors
    /// Never for values that can be written as JSON, which all of these can.
    pub fn header(&self) -> Result<Header> {
        Header::new(&Identity {
            format: FORMAT,
            seed: self.recipe.seed,
            sampler: self.config.sampler,
            evolution: &self.config.evolution,
            reinforce: &self.config.reinforce,
            space: &self.space,
            reward: self.config.reward,
            minival_per_class: self.config.minival_per_class,
            step_time: self.config.step_time,
            timed_steps: self.config.timed_steps,
            classes: self.train.classes().len(),
            training_images: self.train.len(),
            minival_images: self.minival.len(),
            recipe: Recipe {
                data: DataSection {
                    source: String::new(),
                    class_order: self.recipe.data.class_order,
                    ..DataSection::default()
                },
                ..self.trial_recipe(self.space.backbone_layout())
            },
        })
    }

    /// The network to try after `trials`: first the backbone, where it is in the space.
    pub fn propose(&self, trials: &[Trial]) -> Candidate {
        if let (true, Some(backbone)) = (trials.is_empty(), self.space.backbone()) {
            return backbone;
        }
        let scored = |trial: &Trial| Scored {
            choices: self.space.choices(&trial.stages).unwrap_or_default(),
            reward: trial.score().map_or(0.0, |score| score.reward),
        };
        let past: Vec<Scored> = trials.iter().map(scored).collect();
        let seed = Seed(self.recipe.seed);
        self.space.candidate(&propose(&self.config, seed, &self.space.decisions(), &past))
    }

    /// The recipe of the trial of a network: short, with images as small as the search says, evaluated
    /// at the end.
    pub fn trial_recipe(&self, layout: &Layout) -> Recipe {
        let mut recipe = self.described(layout);
        let epochs = self.config.epochs;
        recipe.train.epochs = epochs;
        recipe.train.eval_every = epochs;
        recipe.train.max_steps = None;
        recipe.train.max_hours = None;
        recipe.input.size = self.config.image_size.unwrap_or(recipe.input.size);
        recipe.progressive = None;
        recipe.ema.enabled = false;
        recipe.checkpoint =
            CheckpointSection { every: TrainingLength::Epochs(epochs as f64), keep: 1 };
        recipe
    }

    /// The recipe in which a network of the search is trained at full length.
    pub fn winner_recipe(&self, winner: &Trial) -> Recipe {
        self.described(&self.space.layout(&winner.stages))
    }

    fn described(&self, layout: &Layout) -> Recipe {
        let mut recipe = self.recipe.clone();
        DESCRIBED.clone_into(&mut recipe.model.name);
        recipe.model.layout = Some(layout.clone());
        // Weights of one network are of no use to the others.
        recipe.model.weights = None;
        recipe.model.freeze = Vec::new();
        recipe
    }

    /// The trial with the best reward, among those whose step is not too slow.
    pub fn winner<'a>(&self, trials: &'a [Trial]) -> Option<&'a Trial> {
        let limit = self.config.max_step_ratio.unwrap_or(f64::INFINITY);
        let scored = |trial: &'a Trial| Some((trial, trial.score()?));
        let eligible = trials
            .iter()
            .filter_map(scored)
            .filter(|(_, score)| score.measured.step_ratio() <= limit);
        let better = |best: (&'a Trial, &'a Score), next: (&'a Trial, &'a Score)| {
            if next.1.reward > best.1.reward { next } else { best }
        };
        eligible.reduce(better).map(|(trial, _)| trial)
    }

    /// The trials than which no other is better in accuracy, step time and parameters together; the
    /// fastest first.
    pub fn front<'a>(&self, trials: &'a [Trial]) -> Vec<(&'a Trial, &'a Score)> {
        let scored: Vec<_> =
            trials.iter().filter_map(|trial| Some((trial, trial.score()?))).collect();
        let point = |(_, score): &(&Trial, &Score)| {
            let measured = &score.measured;
            [measured.accuracy(), -measured.step_ratio(), -(measured.params as f64)]
        };
        let points: Vec<[f64; 3]> = scored.iter().map(point).collect();
        let mut front: Vec<_> = pareto::front(&points).into_iter().map(|at| scored[at]).collect();
        front.sort_by(|(_, one), (_, other)| {
            one.measured.step_ratio().total_cmp(&other.measured.step_ratio())
        });
        front
    }
}
