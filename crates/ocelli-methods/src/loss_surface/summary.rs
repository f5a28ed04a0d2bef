//! What a loss surface says of a network, in a few numbers.

use ocelli_train::Exact;
use serde::{Deserialize, Serialize};

/// What was measured of a network at a point. Nothing where its logits are not finite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurfaceScore {
    /// The cross-entropy.
    pub loss: Option<Exact>,
    /// The share of right predictions.
    pub top1: Option<Exact>,
}

/// What was measured at a point, of each network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurfacePoint {
    /// Its index, counted row by row.
    pub point: usize,
    /// In the order of the networks.
    pub scores: Vec<SurfaceScore>,
}

/// A surface in a few numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SurfaceSummary {
    /// The network: `network`, or what the method calls it, as in `hardened`.
    pub network: String,
    /// The loss of the trained network, in the middle.
    pub loss: Option<f64>,
    /// Its accuracy.
    pub top1: Option<f64>,
    /// The least loss on the plane.
    pub lowest: Option<f64>,
    /// The greatest.
    pub highest: Option<f64>,
    /// The mean absolute second difference of the loss of neighbours along both axes.
    pub roughness: Option<f64>,
    /// The same of the logarithm of the loss, which outer points do not rule where the loss grows by powers of ten.
    pub log_roughness: Option<f64>,
    /// The mean of what is negative among those of the loss, without its sign: nothing where the surface is convex along
    /// both axes.
    pub concavity: Option<f64>,
    /// At how many points logits are not finite, which count nowhere else.
    pub not_finite: usize,
}

/// The summary of each of the `networks`, over all points of a grid with `side` points along a side.
pub fn summaries(networks: &[String], side: usize, points: &[SurfacePoint]) -> Vec<SurfaceSummary> {
    let centre = points.len() / 2;
    let of = |at: usize| {
        let score = |point: &SurfacePoint| point.scores.get(at).copied();
        let losses: Vec<Option<f64>> =
            points.iter().map(|point| score(point)?.loss.map(|loss| loss.0)).collect();
        let known = || losses.iter().flatten().copied();
        let logs: Vec<Option<f64>> =
            losses.iter().map(|loss| loss.map(f64::ln).filter(|log| log.is_finite())).collect();
        let [of_loss, of_logs] = [&losses, &logs].map(|values| second_differences(values, side));
        let mean = |differences: &[f64], of: &dyn Fn(f64) -> f64| {
            let count = differences.len() as f64;
            (count > 0.0).then(|| differences.iter().map(|own| of(*own)).sum::<f64>() / count)
        };
        SurfaceSummary {
            network: networks[at].clone(),
            loss: losses.get(centre).copied().flatten(),
            top1: points.get(centre).and_then(score).and_then(|own| own.top1).map(|top1| top1.0),
            lowest: known().min_by(f64::total_cmp),
            highest: known().max_by(f64::total_cmp),
            roughness: mean(&of_loss, &f64::abs),
            log_roughness: mean(&of_logs, &f64::abs),
            concavity: mean(&of_loss, &|difference| (-difference).max(0.0)),
            not_finite: losses.iter().filter(|loss| loss.is_none()).count(),
        }
    };
    (0..networks.len()).map(of).collect()
}

/// `f(i - 1) - 2 f(i) + f(i + 1)` along rows and columns, where all three are known.
fn second_differences(values: &[Option<f64>], side: usize) -> Vec<f64> {
    let at = |row: usize, column: usize| *values.get(row * side + column)?;
    let mut differences = Vec::new();
    for line in 0..side {
        for middle in 1..side.saturating_sub(1) {
            let row = [middle - 1, middle, middle + 1].map(|column| at(line, column));
            let column = [middle - 1, middle, middle + 1].map(|row| at(row, line));
            for triple in [row, column] {
                if let [Some(before), Some(own), Some(after)] = triple {
                    differences.push(before - 2.0 * own + after);
                }
            }
        }
    }
    differences
}
