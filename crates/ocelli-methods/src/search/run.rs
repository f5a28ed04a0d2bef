//! The loop of a search: propose, try, write down.

use super::{Candidate, Ledger, Measured, Score, SearchPlan, Trial, TrialOutcome};
use crate::Result;
use ocelli_nn::backbones::efficientnetv2::Layout;
use std::fmt;

#[cfg(test)]
mod tests;

/// Finds out what a network is worth.
pub trait Evaluator {
    /// Tries one network.
    ///
    /// # Errors
    /// When something else than the network is at fault; that ends the search.
    fn evaluate(&mut self, layout: &Layout) -> Result<Verdict>;
}

/// What came of trying a network.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It was trained and measured.
    Measured(Measured),
    /// It cannot be trained, for this reason.
    Failed(String),
    /// It was stopped from outside, and will be tried again.
    Interrupted,
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All trials are made.
    Finished,
    /// It was stopped from outside.
    Interrupted,
}

/// Something that happened in a search.
#[derive(Debug)]
pub enum Event<'a> {
    /// A network is about to be tried.
    Trying {
        /// Which trial, counted from zero.
        number: u64,
        /// The network.
        candidate: &'a Candidate,
    },
    /// A trial is in the ledger.
    Tried {
        /// The trial.
        trial: &'a Trial,
        /// The best so far.
        best: Option<&'a Trial>,
    },
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trying { number, candidate } => write!(f, "trial {number}: {candidate}"),
            Self::Tried { trial, best } => {
                write!(f, "trial {}: ", trial.number)?;
                match &trial.outcome {
                    TrialOutcome::Done(Score { reward, measured }) => write!(
                        f,
                        "reward {reward:.4}, top-1 {:.2} %, step {:.2} ms ({:.2}×), {:.3}M parameters",
                        100.0 * measured.accuracy(),
                        measured.step_ms,
                        measured.step_ratio(),
                        measured.params as f64 / 1e6,
                    )?,
                    TrialOutcome::Failed { reason } => write!(f, "failed: {reason}")?,
                }
                match best.and_then(|best| Some((best.number, best.score()?.reward))) {
                    Some((number, _)) if number == trial.number => write!(f, "; the best so far"),
                    Some((number, reward)) => write!(f, "; best {reward:.4} of trial {number}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Makes the trials that the ledger lacks, one after another.
///
/// # Errors
/// When an evaluation meets an error that is not the network's fault, or the ledger cannot be written.
pub fn run(
    plan: &SearchPlan,
    ledger: &mut Ledger,
    evaluator: &mut dyn Evaluator,
    notice: &mut dyn FnMut(&Event<'_>),
) -> Result<End> {
    while (ledger.trials().len() as u64) < plan.config().trials {
        let number = ledger.trials().len() as u64;
        let candidate = plan.propose(ledger.trials());
        notice(&Event::Trying { number, candidate: &candidate });
        let outcome = match evaluator.evaluate(&plan.space().layout(&candidate))? {
            Verdict::Measured(measured) => TrialOutcome::Done(weigh(plan, measured)),
            Verdict::Failed(reason) => TrialOutcome::Failed { reason },
            Verdict::Interrupted => return Ok(End::Interrupted),
        };
        ledger.add(&Trial { number, stages: candidate, outcome })?;
        if let Some(trial) = ledger.trials().last() {
            notice(&Event::Tried { trial, best: plan.winner(ledger.trials()) });
        }
    }
    Ok(End::Finished)
}

fn weigh(plan: &SearchPlan, measured: Measured) -> Score {
    let [accuracy, step, params] =
        [measured.accuracy(), measured.step_ratio(), measured.params_ratio()];
    Score { reward: plan.config().reward.weigh(accuracy, step, params), measured }
}
