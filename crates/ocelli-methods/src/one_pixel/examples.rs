//! Successes to look at.

use super::{Aim, AttackPlan, Attacked, Candidates, Classifier, apply};
use crate::Result;
use ocelli_data::Image;

/// A successful attempt, with what the model says before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What the dataset calls the image.
    pub name: String,
    /// Its class.
    pub label: u32,
    /// d.
    pub pixels: usize,
    /// What was to be reached.
    pub aim: Aim,
    /// The image.
    pub image: Image,
    /// The image with its changes.
    pub changed: Image,
    /// Column and row of each pixel that changes.
    pub positions: Vec<[u32; 2]>,
    /// The most probable classes of the image with their probabilities, the most probable first.
    pub before: Vec<(u32, f64)>,
    /// Those of the image with its changes.
    pub after: Vec<(u32, f64)>,
}

/// How many of the most probable classes an example names.
const TOP: usize = 3;

/// For each number of pixels the successes on different images, the first of each, `most` of them or
/// fewer.
///
/// # Errors
/// When an image cannot be read or the model fails.
pub fn examples(
    plan: &AttackPlan,
    attacked: &[Attacked],
    classifier: &mut dyn Classifier,
    most: usize,
) -> Result<Vec<Example>> {
    let mut examples = Vec::new();
    for &pixels in &plan.config().pixels {
        let chosen = attacked.iter().filter_map(|image| {
            let mut outcomes = image.outcomes.iter();
            outcomes.find(|outcome| outcome.success && outcome.pixels == pixels).map(|o| (image, o))
        });
        for (image, outcome) in chosen.take(most) {
            let picture = plan.pictures().read(image.image)?;
            let mut candidates = Candidates::new(plan.shape()[0]);
            candidates.push(&[]);
            candidates.push(&outcome.changes);
            let classes = plan.classes();
            let mut probabilities = vec![0.0; 2 * classes];
            classifier.begin(&picture.image)?.probabilities(&candidates, &mut probabilities)?;
            let (before, after) = probabilities.split_at(classes);
            examples.push(Example {
                name: image.name.clone(),
                label: image.label,
                pixels,
                aim: outcome.aim,
                changed: apply(&picture.image, &outcome.changes),
                image: picture.image,
                positions: outcome.changes.iter().map(|change| [change.x, change.y]).collect(),
                before: top(before),
                after: top(after),
            });
        }
    }
    Ok(examples)
}

fn top(probabilities: &[f64]) -> Vec<(u32, f64)> {
    let mut classes: Vec<(u32, f64)> = (0..).zip(probabilities.iter().copied()).collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    classes.truncate(TOP);
    classes
}
