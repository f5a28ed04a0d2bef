//! The metrics of the paper's section IV.

mod case;
mod fewest;
mod group;
mod ratios;
mod rival;

pub use fewest::FewestPixels;
pub use group::{Comparison, Group, Kind, OracleReport};
pub use rival::RivalRate;

use super::{Aim, AttackPlan, Attacked};
use case::Reach;
use ratios::{mean, share};
use serde::Serialize;

/// What an attack found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Images that were attacked.
    pub images: u64,
    /// Images that were looked at to find them.
    pub examined: u64,
    /// The share of those that the model classifies rightly, 0 to 1.
    pub clean_accuracy: f64,
    /// Those that were passed over because the model does not.
    pub misclassified: u64,
    /// Candidates that evolutions asked the model about.
    pub evaluations: u64,
    /// Candidates that random search, the oracle and other attacks asked it about.
    pub baseline_evaluations: u64,
    /// How long it all took, in seconds.
    pub seconds: f64,
    /// All evaluations over this time.
    pub evaluations_per_second: f64,
    /// Rates and costs, by pixels and kind.
    pub groups: Vec<Group>,
    /// How few pixels are enough, where several numbers were tried.
    pub fewest_pixels: Vec<FewestPixels>,
    /// The paper's random search, by pixels.
    pub random_tries: Vec<Rate>,
    /// Other attacks on the same images.
    pub rivals: Vec<RivalRate>,
    /// Which classes were turned into which, by pixels, where there were targets.
    pub class_pairs: Vec<ClassPairs>,
    /// How fitness changed, by pixels and kind of attempt.
    pub traces: Vec<Trace>,
}

/// How often something succeeded, and how confident the model was of what it was made to believe.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// d.
    pub pixels: usize,
    /// How often it was tried.
    pub attempts: u64,
    /// How often it succeeded.
    pub successes: u64,
    /// The share of successes, 0 to 1.
    pub success_rate: f64,
    /// The mean probability of the class that was reached, over successes.
    pub mean_confidence: Option<f64>,
}

/// Original and target classes of successful targeted attempts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassPairs {
    /// d.
    pub pixels: usize,
    /// `[original][target]`, in successes (Figures 6 and 7).
    pub counts: Vec<Vec<u64>>,
    /// How many images could be turned into exactly 0, 1, 2, … classes (Figure 5).
    pub target_counts: Vec<u64>,
    /// How many classes an image could be turned into, the mean over images.
    pub mean_targets: f64,
}

/// The mean fitness over all attempts of a kind after each generation. An attempt that has ended keeps
/// its last value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// d.
    pub pixels: usize,
    /// Whether fitness is the probability of a target, which grows, or of the true class.
    pub targeted: bool,
    /// The mean of the best of each population.
    pub best: Vec<f64>,
    /// The mean of all.
    pub mean: Vec<f64>,
}

impl Summary {
    /// The metrics of the images that are attacked so far.
    pub fn new(plan: &AttackPlan, attacked: &[Attacked]) -> Self {
        let sample = plan.sample();
        let pixels = &plan.config().pixels;
        let groups: Vec<Group> =
            pixels.iter().flat_map(|&pixels| group::groups(plan, attacked, pixels)).collect();
        let outcomes = || attacked.iter().flat_map(|image| &image.outcomes);
        let evaluations = outcomes().map(|outcome| outcome.evaluations).sum();
        let equal = outcomes().filter_map(|outcome| outcome.random.as_ref());
        let random = attacked.iter().flat_map(|image| &image.random).chain(equal);
        let oracle = attacked.iter().filter_map(|image| image.oracle.as_ref());
        let baseline_evaluations = random.map(|random| random.evaluations).sum::<u64>()
            + oracle.map(|oracle| oracle.evaluations).sum::<u64>()
            + attacked.iter().flat_map(|image| &image.rivals).map(|o| o.evaluations).sum::<u64>();
        let seconds: f64 = attacked.iter().map(|image| image.seconds).sum();
        let all = (evaluations + baseline_evaluations) as f64;
        let targeted = pixels.iter().filter(|_| plan.config().targeted);
        Self {
            images: attacked.len() as u64,
            examined: sample.examined,
            clean_accuracy: share(sample.correct, sample.examined),
            misclassified: sample.examined - sample.correct,
            evaluations,
            baseline_evaluations,
            seconds,
            evaluations_per_second: if seconds > 0.0 { all / seconds } else { 0.0 },
            groups,
            fewest_pixels: FewestPixels::all(plan, attacked),
            random_tries: pixels.iter().filter_map(|&pixels| tries(attacked, pixels)).collect(),
            rivals: RivalRate::all(plan, attacked),
            class_pairs: targeted.map(|&pixels| ClassPairs::new(plan, attacked, pixels)).collect(),
            traces: pixels
                .iter()
                .flat_map(|&pixels| [true, false].map(|targeted| (pixels, targeted)))
                .filter_map(|(pixels, targeted)| Trace::from_attacked(attacked, pixels, targeted))
                .collect(),
        }
    }
}

/// The paper's random search with this number of pixels.
fn tries(attacked: &[Attacked], pixels: usize) -> Option<Rate> {
    let found = attacked.iter().flat_map(|image| &image.random);
    let found: Vec<_> = found.filter(|random| random.pixels == pixels).collect();
    let won = found.iter().filter(|random| random.success);
    let rate = Rate::new(pixels, found.len() as u64, won.map(|random| random.confidence));
    (!found.is_empty()).then_some(rate)
}

impl Rate {
    fn new(pixels: usize, attempts: u64, confidences: impl Iterator<Item = f64>) -> Self {
        let confidences: Vec<f64> = confidences.collect();
        let successes = confidences.len() as u64;
        Self {
            pixels,
            attempts,
            successes,
            success_rate: share(successes, attempts),
            mean_confidence: mean(&confidences),
        }
    }
}

impl ClassPairs {
    fn new(plan: &AttackPlan, attacked: &[Attacked], pixels: usize) -> Self {
        let (classes, reach) = (plan.classes(), Reach::new(plan, pixels));
        let mut counts = vec![vec![0; classes]; classes];
        let mut target_counts = vec![0; classes];
        for image in attacked {
            let won = image.outcomes.iter().filter(|o| reach.holds(o) && o.success);
            let targets = won.filter_map(|outcome| outcome.aim.target());
            let targets: Vec<u32> = targets.collect();
            for target in &targets {
                counts[image.label as usize][*target as usize] += 1;
            }
            target_counts[targets.len()] += 1;
        }
        let reached = counts.iter().flatten().sum::<u64>();
        Self { pixels, counts, target_counts, mean_targets: share(reached, attacked.len() as u64) }
    }
}

impl Trace {
    fn from_attacked(attacked: &[Attacked], pixels: usize, targeted: bool) -> Option<Self> {
        let outcomes = attacked.iter().flat_map(|image| &image.outcomes);
        let is_one = |aim: Aim| matches!(aim, Aim::Target(_)) == targeted;
        let outcomes: Vec<_> = outcomes.filter(|o| o.pixels == pixels && is_one(o.aim)).collect();
        let longest = outcomes.iter().map(|outcome| outcome.best.len()).max()?;
        let mean = |values: &dyn Fn(usize) -> Vec<f64>| -> Vec<f64> {
            (0..longest).filter_map(|at| mean(&values(at))).collect()
        };
        let at = |values: &[f32], at: usize| {
            let value = values.get(at).or(values.last()).copied();
            value.map_or(f64::NAN, f64::from)
        };
        Some(Self {
            pixels,
            targeted,
            best: mean(&|generation| outcomes.iter().map(|o| at(&o.best, generation)).collect()),
            mean: mean(&|generation| outcomes.iter().map(|o| at(&o.mean, generation)).collect()),
        })
    }
}
