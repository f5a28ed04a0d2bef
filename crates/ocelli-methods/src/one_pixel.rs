//! The one-pixel attack: how easily a classifier is fooled by changing a pixel or a few.
//!
//! Paper: Su, Vargas and Sakurai, *One Pixel Attack for Fooling Deep Neural Networks*, IEEE Transactions
//! on Evolutionary Computation 23(5), 2019 (<https://doi.org/10.1109/TEVC.2019.2890858>,
//! <https://arxiv.org/abs/1710.08864>), in its final version.
//!
//! | paper | here |
//! | --- | --- |
//! | maximise f_adv(x + e(x)) with ‖e(x)‖₀ ≤ d (section III-A) | [`Aim`], `attempt` |
//! | a candidate is d tuples of coordinates and colour (III-C) | [`Encoding`], [`PixelChange`] |
//! | differential evolution, F = 0.5, 400 × 100 (III-B, III-C) | `ocelli-evolution`, [`EvolutionSection`] |
//! | fitness is the probability of a class; early stops at 90 % and 5 % (III-C) | [`Stop`] |
//! | success rate, confidence, target classes, pairs of classes, cost (IV) | [`Summary`] |
//! | random search of 100 tries (Table VII) | [`RandomSearch`] |
//! | fast gradient sign method and local search (Table IX) | [`CompareSection`], [`Rival`] |
//!
//! A model is whatever gives probabilities ([`Classifier`]): a [`Compiled`] network, which computes
//! whole candidates ([`Dense`]) or only what their pixels change ([`Delta`]), or anything else as a
//! [`BlackBox`]. A [`AttackPlan`] says who is attacked and how; [`run`] works it off image
//! by image, writes each into a [`Journal`], and goes on from there when it was stopped.
//!
//! A tuple overwrites its pixel, and of several on one pixel the last one counts. An early stop is not
//! the test of success: that is whether the class has changed (for a target: whether it is the target) when
//! the evolution has ended. A non-targeted result is either *direct*, one evolution that lowers the
//! probability of the true class, or *derived*, when any of the targeted attempts succeeded; these are
//! different experiments and always labelled.
//!
//! What the paper leaves open is a switch, with the value of [`Preset::Paper`]:
//!
//! | open | switch |
//! | --- | --- |
//! | values out of range | [`EvolutionSection::bounds`], clipped |
//! | real numbers to pixels | [`Config::rounding`], truncated |
//! | whether r_k may be i | [`EvolutionSection::may_include_parent`], no |
//! | whether the first population counts as evaluations | both are told |
//! | when direct non-targeted attacks stop early on CIFAR | [`Config::true_probability`], as on ImageNet |
//! | whether misclassified images are attacked | [`Config::misclassified`], skipped and counted |
//! | the confidence of direct attacks | that of the new class |
//!
//! [`Preset::ScipyPeer`] is what implementations that build on SciPy's evolution do: `best1bin` with
//! dither, in most of them a Latin hypercube, values out of range drawn anew, an end at the first change
//! of class, which is not looked for before the first mutation. Two of them count an attempt as a targeted
//! success when the class has changed to any other; here it has to be the target.
//!
//! Deviations of that preset: the peers keep the best individual at index 0 and write a child that is better
//! than it there *as well as* at its own index, so that the best stands twice in their populations and what
//! stood first is lost; here a child takes the place of its own parent alone. Selection is strict (`<`), as
//! in the SciPy of which they are a copy; today's lets equals through
//! ([`Selection::SameIndexOrEqual`](ocelli_evolution::Selection::SameIndexOrEqual)).
//!
//! Ours: the [`Oracle`], which tries everything where that is possible, random search with as many
//! evaluations as the attack had, the exact test of McNemar between the two, and the search for the
//! [fewest pixels](Config::fewest) that are enough. A black box may take [images of any
//! size](Pictures::as_they_are).

mod aim;
mod attempt;
mod classifier;
mod config;
mod encoding;
mod examples;
mod image_attack;
mod journal;
mod mcnemar;
mod oracle;
mod pictures;
mod pixel;
mod plan;
mod random;
mod record;
mod rivals;
mod robustness;
mod run;
mod summary;
#[cfg(test)]
mod tests;

pub use aim::Aim;
pub use attempt::argmax;
pub use classifier::{
    BlackBox, Candidates, Classifier, Compiled, Delta, Dense, Inference, Session,
};
pub use config::{
    CompareSection, Config, EvolutionSection, FirstPopulation, Misclassified, Preset, Rounding,
    Stop,
};
pub use encoding::Encoding;
pub use examples::{Example, examples};
pub use journal::Journal;
pub use mcnemar::mcnemar;
pub use oracle::Oracle;
pub use pictures::{Picture, Pictures};
pub use pixel::{PixelChange, apply};
pub use plan::{AttackPlan, AttackSubject, Sample, Victim};
pub use random::RandomSearch;
pub use record::{AttackOutcome, Attacked, Ending};
pub use rivals::{Rival, RivalOutcome};
pub use robustness::Robustness;
pub use run::{End, Event, attack, run};
pub use summary::{
    ClassPairs, Comparison, FewestPixels, Group, Kind, OracleReport, Rate, RivalRate, Summary,
    Trace,
};
