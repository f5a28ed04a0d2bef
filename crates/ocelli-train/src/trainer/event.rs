//! What a trainer tells while it works. It prints nothing itself.

use super::Best;
use crate::checkpoint::Rejected;
use crate::{Examined, Recipe, Row};
use std::fmt;
use std::path::Path;

/// Hears what happens in a training: draws bars, writes curves.
pub trait Observer {
    /// Something happened.
    fn notice(&mut self, event: &Event<'_>);
}

/// An observer that does not care.
impl Observer for () {
    fn notice(&mut self, _event: &Event<'_>) {}
}

/// Something that happened in a training.
#[derive(Debug)]
pub enum Event<'a> {
    /// Training begins, or goes on.
    Begun {
        /// Steps taken before.
        step: u64,
        /// Steps of the whole training.
        total_steps: u64,
        /// Steps of one pass over the training set.
        steps_per_epoch: u64,
    },
    /// A stage of a growing training begins, or goes on.
    Stage {
        /// Which one, counted from one.
        number: usize,
        /// How many there are.
        of: usize,
        /// Its settings.
        recipe: &'a Recipe,
    },
    /// A checkpoint was passed over because it is damaged.
    Rejected(&'a Rejected),
    /// A step was taken.
    Step(&'a StepReport),
    /// A row was added to the measurements.
    Logged(&'a Row),
    /// An evaluation is under way.
    Evaluating {
        /// Images done.
        done: u64,
        /// Images in all.
        total: u64,
    },
    /// An [`Examiner`](crate::Examiner) has measured the network.
    Examined {
        /// Steps taken.
        step: u64,
        /// The examiner.
        name: &'static str,
        /// Which of the [models](crate::Method::models) of the method, where it is not the one that is
        /// scored.
        model: Option<&'static str>,
        /// What was found.
        examined: &'a Examined,
        /// Whether its score is the best of the run so far.
        is_best: bool,
    },
    /// Training ends because it gets no better.
    StoppedEarly {
        /// Steps taken.
        step: u64,
        /// How many evaluations were no better (`train.patience`).
        patience: u64,
        /// The best evaluation.
        best: Option<Best>,
    },
    /// A checkpoint is on disk.
    Saved {
        /// Steps taken.
        step: u64,
        /// Its folder.
        path: &'a Path,
    },
}

/// One step, measured.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// Steps taken, this one included.
    pub step: u64,
    /// Passes over the training set, with a fraction.
    pub epoch: f64,
    /// The loss, averaged over the step's samples.
    pub loss: f64,
    /// The learning rate.
    pub lr: f64,
    /// What else the method and the clipping measured.
    pub metrics: Vec<(&'static str, f64)>,
    /// Images of this process.
    pub images: u64,
    /// How long the step took, waiting for images included.
    pub seconds: f64,
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun { step: 0, total_steps, steps_per_epoch } => {
                write!(f, "training for {total_steps} steps, {steps_per_epoch} per epoch")
            }
            Self::Begun { step, total_steps, .. } => {
                write!(f, "resuming after step {step} of {total_steps}")
            }
            Self::Stage { number, of, recipe } => {
                write!(f, "stage {number} of {of}: images of {} pixels", recipe.input.size)?;
                if let Some(augment) = recipe.augment.rand_augment {
                    write!(f, ", RandAugment {:.2}", augment.magnitude)?;
                }
                for (name, alpha) in [("mixup", recipe.mix.mixup), ("cutmix", recipe.mix.cutmix)] {
                    if alpha > 0.0 {
                        write!(f, ", {name} {alpha:.3}")?;
                    }
                }
                match recipe.model.dropout {
                    Some(dropout) => write!(f, ", dropout {dropout:.3}"),
                    None => Ok(()),
                }
            }
            Self::Rejected(Rejected { path, reason }) => {
                write!(f, "passing over the damaged checkpoint {}: {reason}", path.display())
            }
            Self::Step(report) => write!(
                f,
                "step {}: loss {:.4}, learning rate {:.3e}",
                report.step, report.loss, report.lr
            ),
            Self::Logged(row) => write!(f, "step {}: {:?}", row.step, row.values),
            Self::Evaluating { done, total } => write!(f, "evaluating: {done} of {total}"),
            Self::Examined { step, model, examined, is_best, .. } => {
                let model = model.map(|name| format!("{name}: ")).unwrap_or_default();
                let best = if *is_best { ", the best so far" } else { "" };
                write!(f, "step {step}: {model}{examined}{best}")
            }
            Self::StoppedEarly { step, patience, best } => {
                write!(f, "step {step}: stopped early, no better in {patience} evaluations")?;
                match best {
                    Some(best) => write!(f, "; the best is step {}, {best}", best.step),
                    None => Ok(()),
                }
            }
            Self::Saved { path, .. } => write!(f, "saved {}", path.display()),
        }
    }
}
