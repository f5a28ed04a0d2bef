//! The sections of a recipe, each with its defaults.

use crate::{TrainingLength, WeightsChoice};
use ocelli_data::{ClassOrder, Limits};
use ocelli_nn::backbones::efficientnetv2::Layout;
use ocelli_nn::ghostify::Ghost;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which network is trained, and from what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSection {
    /// A name in the registry, as `ocelli models` lists them.
    pub name: String,
    /// A weights file to start from; none means random weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// The dictionary of a checkpoint that holds the weights, as in `model_ema`; found if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights_section: Option<String>,
    /// What stands before the names of the weights, as in `module.`; found if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights_prefix: Option<String>,
    /// Start the classifier anew, at zero, for classes other than the file's.
    pub reset_head: bool,
    /// Dropout before the classifier, 0 to 1; none means the architecture's own rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// Stochastic depth of the last block, 0 to 1; none means no stochastic depth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop_path: Option<f64>,
    /// Give the stem stride one, for images of about 32 pixels.
    pub small_input: bool,
    /// Globs over parameter names, as in `blocks.0.*`. What matches is not trained; a batch
    /// normalisation whose running mean matches keeps its statistics.
    pub freeze: Vec<String>,
    /// Batch normalisations keep the statistics of the weights, which more images have made, where
    /// the training set has fewer images than this. None means that they follow the training set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_statistics_below: Option<u64>,
    /// How convolutions become Ghost modules; none means that they stay as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ghost: Option<Ghost>,
    /// The stages of the model `efficientnetv2`, which is no network without them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
}

/// Which images are trained on and which are evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataSection {
    /// The dataset, as [`ocelli_data::open`] takes it; its train part is trained on.
    pub source: String,
    /// Another dataset to evaluate; none means the test part of `source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// A dataset of the same classes whose images are trained on too, as those that an attack
    /// found; nothing of it is held out or evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
    /// A labelled dataset that features are probed with, where a method learns without classes; none
    /// means the recipe's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    /// A file that says which images are of further classes, as [`ocelli_data::LabelFile`] reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
    /// The share of each class's training images, above 0 and below 1, that is held out and
    /// evaluated instead of a test part, which is not opened then. It is drawn by the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_out: Option<f64>,
    /// The share of each class's training images, above 0 and up to 1, that is trained on, after what is held
    /// out: how much can be learnt from few labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Which draw of the share, whatever the seed.
    #[serde(skip_serializing_if = "is_zero")]
    pub share_draw: u64,
    /// A file with the name of a training image on each line: only these are trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list: Option<PathBuf>,
    /// How the classes are sorted, where the dataset has names for them: the index of a class is its
    /// label.
    pub class_order: ClassOrder,
    /// Whether a dataset of a single class is meant to be that.
    pub one_class: bool,
    /// How many unreadable images may be left out of each epoch; they are listed.
    pub error_budget: u64,
    /// Whether a run that is resumed goes on with other images than it was begun with.
    pub accept_changes: bool,
    /// The most pixels that an image may have; larger ones are unreadable.
    pub max_pixels: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl DataSection {
    /// What is too large to be read.
    pub fn limits(&self) -> Limits {
        Limits { pixels: self.max_pixels, ..Limits::default() }
    }
}

/// How gradients change weights.
///
/// One set of fields serves all kinds, so that changing `kind` alone is always possible. Each
/// field says which kinds read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OptimizerSection {
    /// Which rule.
    pub kind: OptimizerKind,
    /// The learning rate at the schedule's peak, per step.
    pub lr: f64,
    /// The training images for which `lr` is meant: a set of fewer has a rate in proportion, a tenth
    /// of it at least. None means that the rate is the same for all sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr_images: Option<u64>,
    /// The classifier's learning rate over that of all else, for a classifier that starts anew on
    /// a network that does not. Short for a group of the head's parameters, after all others.
    pub head_lr: f64,
    /// Added to the gradient as in an L2 penalty (sgd, rmsprop, lars), or subtracted from the
    /// weight in proportion to the learning rate (adamw).
    pub weight_decay: f64,
    /// Whether biases and normalisations decay too.
    pub decay_bias_and_norm: bool,
    /// How much of the last update is kept (sgd, rmsprop, lars), 0 to 1.
    pub momentum: f64,
    /// Whether momentum looks ahead (sgd).
    pub nesterov: bool,
    /// The memories of the two moments (adamw), 0 to 1.
    pub betas: [f64; 2],
    /// The memory of the mean square (rmsprop), 0 to 1.
    pub smoothing: f64,
    /// Keeps a division finite; none means 1e-8 (adamw) or 1e-3 (rmsprop).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon: Option<f64>,
    /// The size of a layer's step relative to its weights (lars).
    pub trust_coefficient: f64,
    /// The longest gradient, over all parameters together; longer ones are shortened to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// The largest element of a gradient; larger ones are cut to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f64>,
    /// Parameters with rates of their own; the first that matches one decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<OptimizerGroup>,
}

/// Parameters that learn at another rate, or decay otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OptimizerGroup {
    /// Globs of the parameters' names, as in `blocks.0.*`.
    #[serde(rename = "match")]
    pub patterns: Vec<String>,
    /// Their learning rate over that of all else.
    pub lr: f64,
    /// Their weight decay instead of that of all else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
}

impl Default for OptimizerGroup {
    /// Nothing, treated as all else.
    fn default() -> Self {
        Self { patterns: Vec::new(), lr: 1.0, weight_decay: None }
    }
}

/// The rules that turn gradients into updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Stochastic gradient descent with momentum, as in PyTorch.
    Sgd,
    /// Adam with decoupled weight decay.
    AdamW,
    /// RMSProp as TensorFlow computes it.
    RmsProp,
    /// Layer-wise adaptive rate scaling, as SimCLR uses it.
    Lars,
}

/// How the learning rate changes over training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduleSection {
    /// Which curve.
    pub kind: ScheduleKind,
    /// Linear rise to the peak at the start (all but `one_cycle`).
    pub warmup: TrainingLength,
    /// Where the rise starts, as a fraction of the peak.
    pub warmup_from: f64,
    /// Where the curve ends, as a fraction of the peak (cosine, cosine_restarts, polynomial).
    pub end: f64,
    /// How long the curve is, warm-up included (cosine, polynomial), or its first period
    /// (cosine_restarts); none means the whole training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<TrainingLength>,
    /// How much longer each period is than the one before (cosine_restarts).
    pub period_factor: f64,
    /// The exponent (polynomial); 1 is a straight line.
    pub power: f64,
    /// What the rate is multiplied by at each decay (step, multi_step, exponential).
    pub decay: f64,
    /// How far decays lie apart (step, exponential).
    pub every: TrainingLength,
    /// Whether the rate falls in stairs rather than smoothly (exponential).
    pub staircase: bool,
    /// When the rate decays (multi_step).
    pub milestones: Vec<TrainingLength>,
    /// The share of the training in which the rate rises (one_cycle).
    pub rise: f64,
    /// The peak over the first rate (one_cycle).
    pub start_divisor: f64,
    /// The first rate over the last (one_cycle).
    pub end_divisor: f64,
}

/// The curves of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// The peak, always.
    Constant,
    /// Half a cosine from the peak to the end.
    Cosine,
    /// Cosines that start anew, each period longer by a factor.
    CosineRestarts,
    /// A power of the remaining share of the training.
    Polynomial,
    /// A decay at regular distances.
    Step,
    /// A decay at each milestone.
    MultiStep,
    /// An exponential, smooth or in stairs, counted from the first step (warm-up included).
    Exponential,
    /// Up and down in two cosines, as in PyTorch.
    OneCycle,
}

/// How long and in what portions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainSection {
    /// Passes over the training set, or more where they have fewer steps than `min_steps`.
    pub epochs: u64,
    /// The least number of steps: a training set so small that `epochs` have fewer is passed over as
    /// often as it takes. The schedule knows of it. None means that `epochs` are enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_steps: Option<u64>,
    /// Images per forward pass, over all processes.
    pub batch_size: usize,
    /// Forward passes whose gradients are averaged into one step.
    pub accumulate: usize,
    /// Stop after so many steps, whatever `epochs` says; the schedule does not know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u64>,
    /// Stop after so many hours; the schedule does not know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_hours: Option<f64>,
    /// Evaluate after every so many epochs, and after the last.
    pub eval_every: u64,
    /// Stop after so many evaluations in a row that are no better than the best before them; 0 means
    /// never. The schedule does not know of it.
    pub patience: u64,
    /// Log the mean of so many steps.
    pub log_every: u64,
}

/// The moving average of the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmaSection {
    /// Whether an average is kept. If so, it is what is evaluated and saved as the model.
    pub enabled: bool,
    /// How much of the average survives a step, 0 to 1. At step t it is at most (1+t)/(10+t).
    pub decay: f64,
}

/// When checkpoints are written and which are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckpointSection {
    /// How far checkpoints lie apart.
    pub every: TrainingLength,
    /// How many of the newest are kept, besides the best.
    pub keep: usize,
}

impl CheckpointSection {
    /// Steps from one checkpoint to the next, at least 1.
    pub(crate) fn distance(&self, steps_per_epoch: u64) -> u64 {
        (self.every.steps(steps_per_epoch as f64).round() as u64).max(1)
    }
}

impl ModelSection {
    /// What the recipe says of its file of weights.
    pub(crate) fn weights_choice(&self) -> WeightsChoice {
        WeightsChoice {
            arch: Some(self.name.clone()),
            section: self.weights_section.clone(),
            prefix: self.weights_prefix.clone(),
            checkpoint: None,
        }
    }
}

impl Default for ModelSection {
    fn default() -> Self {
        Self {
            name: "ghostnet_small".to_owned(),
            weights: None,
            weights_section: None,
            weights_prefix: None,
            reset_head: false,
            dropout: None,
            drop_path: None,
            small_input: false,
            freeze: Vec::new(),
            keep_statistics_below: None,
            ghost: None,
            layout: None,
        }
    }
}

impl Default for DataSection {
    fn default() -> Self {
        Self {
            source: "builtin:fashion-mnist".to_owned(),
            test: None,
            extra: None,
            probe: None,
            labels: None,
            hold_out: None,
            share: None,
            share_draw: 0,
            list: None,
            class_order: ClassOrder::default(),
            one_class: false,
            error_budget: 0,
            accept_changes: false,
            max_pixels: Limits::default().pixels,
        }
    }
}

impl Default for OptimizerSection {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::Sgd,
            lr: 0.1,
            lr_images: None,
            head_lr: 1.0,
            weight_decay: 1e-4,
            decay_bias_and_norm: false,
            momentum: 0.9,
            nesterov: true,
            betas: [0.9, 0.999],
            smoothing: 0.9,
            epsilon: None,
            trust_coefficient: 1e-3,
            clip_norm: None,
            clip_value: None,
            group: Vec::new(),
        }
    }
}

impl Default for ScheduleSection {
    fn default() -> Self {
        Self {
            kind: ScheduleKind::OneCycle,
            warmup: TrainingLength::Epochs(0.0),
            warmup_from: 0.0,
            end: 0.0,
            length: None,
            period_factor: 2.0,
            power: 1.0,
            decay: 0.1,
            every: TrainingLength::Epochs(30.0),
            staircase: true,
            milestones: Vec::new(),
            rise: 0.3,
            start_divisor: 25.0,
            end_divisor: 1e4,
        }
    }
}

impl Default for TrainSection {
    fn default() -> Self {
        Self {
            epochs: 15,
            min_steps: None,
            batch_size: 64,
            accumulate: 1,
            max_steps: None,
            max_hours: None,
            eval_every: 1,
            patience: 0,
            log_every: 10,
        }
    }
}

impl Default for EmaSection {
    fn default() -> Self {
        Self { enabled: false, decay: 0.9999 }
    }
}

impl Default for CheckpointSection {
    fn default() -> Self {
        Self { every: TrainingLength::Epochs(1.0), keep: 2 }
    }
}
