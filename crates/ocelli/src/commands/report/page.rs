//! A run's files as the report that shows them.

use ocelli::report::{Confusion, LinePlot, RunReport, Series};
use ocelli::train::{MetricsLog, Row, RunFolder};
use std::path::Path;

use super::SavedEvaluation;
use crate::output::{grouped, percent};

/// What one figure shows.
struct Figure {
    title: &'static str,
    unit: &'static str,
    /// Each curve by its name in `metrics.jsonl`, and by that in the legend.
    curves: &'static [(&'static str, &'static str)],
}

const FIGURES: [Figure; 5] = [
    Figure {
        title: "Loss",
        unit: "cross-entropy",
        curves: &[("train/loss", "training"), ("eval/loss", "evaluation")],
    },
    Figure {
        title: "Accuracy",
        unit: "top-1",
        curves: &[("train/top1", "training"), ("eval/top1", "evaluation")],
    },
    Figure {
        title: "One-pixel attack",
        unit: "share that is fooled",
        curves: &[("attack/success_rate", "untargeted")],
    },
    Figure {
        title: "Learning rate",
        unit: "rate per step",
        curves: &[("train/lr", "learning rate")],
    },
    Figure {
        title: "Speed",
        unit: "images per second",
        curves: &[("train/images_per_second", "training")],
    },
];

/// The report of the run in `folder`.
pub(super) fn of_run(folder: &Path) -> anyhow::Result<RunReport> {
    let recipe = RunFolder::recipe(folder)?;
    let rows = MetricsLog::read(&RunFolder::metrics_path(folder))?;
    let evaluation = SavedEvaluation::load(folder)?;
    let title = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
    Ok(RunReport {
        title: title.into_owned(),
        subtitle: format!("{} on {}, seed {}", recipe.model.name, recipe.data.source, recipe.seed),
        numbers: numbers(&rows, evaluation.as_ref()),
        plots: FIGURES.iter().filter_map(|figure| plot(&rows, figure)).collect(),
        confusion: evaluation.filter(|found| !found.confusion.is_empty()).map(confusion),
        recipe: recipe.to_toml()?,
    })
}

fn numbers(rows: &[Row], evaluation: Option<&SavedEvaluation>) -> Vec<(String, String)> {
    let mut numbers = Vec::new();
    if let Some(row) = rows.last() {
        numbers.push(("steps", grouped(row.step)));
        numbers.push(("epochs", format!("{:.2}", row.epoch)));
    }
    if let Some(found) = evaluation {
        numbers.push(("top-1", percent(found.top1)));
        numbers.extend(found.top5.map(|top5| ("top-5", percent(top5))));
        numbers.push(("images", grouped(found.samples)));
        numbers.push(("calibration error", format!("{:.4}", found.calibration_error)));
    }
    numbers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The curves of one figure, if any of them was measured.
fn plot(rows: &[Row], figure: &Figure) -> Option<LinePlot> {
    let point = |row: &Row, key: &str| Some((row.step as f64, *row.values.get(key)?));
    let series: Vec<Series> = figure
        .curves
        .iter()
        .map(|(key, name)| Series {
            name: (*name).to_owned(),
            points: rows.iter().filter_map(|row| point(row, key)).collect(),
        })
        .filter(|series| !series.points.is_empty())
        .collect();
    (!series.is_empty()).then(|| LinePlot {
        title: figure.title.to_owned(),
        x_label: "step".to_owned(),
        y_label: figure.unit.to_owned(),
        series,
        marks: Vec::new(),
    })
}

fn confusion(evaluation: SavedEvaluation) -> Confusion {
    Confusion { classes: evaluation.classes, counts: evaluation.confusion }
}
