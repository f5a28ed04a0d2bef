//! A run's files as the report that shows them.

use ocelli::report::{Confusion, LinePlot, Mark, RunReport, Series};
use ocelli::train::{Best, MetricsLog, Row, RunFolder, State};
use std::collections::BTreeSet;
use std::path::Path;

use super::{SavedEvaluation, quantized};
use crate::output::{grouped, percent};

/// The curve on which the best evaluation is marked.
const TOP1: &str = "eval/top1";
/// What the last row of a run has that got no better.
const STOPPED_EARLY: &str = "train/stopped_early";

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
        curves: &[
            ("train/loss", "training"),
            ("eval/loss", "evaluation"),
            ("soft/eval/loss", "mixture in evaluation"),
        ],
    },
    Figure {
        title: "Accuracy",
        unit: "top-1",
        curves: &[
            ("train/top1", "training"),
            (TOP1, "evaluation"),
            ("soft/eval/top1", "mixture in evaluation"),
        ],
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
    let best = best(folder)?;
    let figures = FIGURES.iter().filter_map(|figure| plot(&rows, figure, best.as_ref()));
    let quantized = quantized::of_run(folder, &recipe, &rows)?;
    let headlines = headlines(&rows, evaluation.as_ref(), best.as_ref());
    let title = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
    Ok(RunReport {
        title: title.into_owned(),
        subtitle: format!("{} on {}, seed {}", recipe.model.name, recipe.data.source, recipe.seed),
        headlines: headlines.into_iter().chain(quantized.headlines).collect(),
        plots: figures.chain(others(&rows)).collect(),
        sections: quantized.sections,
        confusion: evaluation.filter(|found| !found.confusion.is_empty()).map(confusion),
        recipe: recipe.to_toml()?,
    })
}

/// The best evaluation, as the newest checkpoint knows it: of its step is what other commands open.
fn best(folder: &Path) -> anyhow::Result<Option<Best>> {
    let newest = RunFolder::checkpoints_of(folder).newest()?.checkpoint;
    // A page is of use without it, as while the run has no checkpoint.
    Ok(newest.and_then(|newest| State::read(&newest).ok()?.best))
}

fn headlines(
    rows: &[Row],
    evaluation: Option<&SavedEvaluation>,
    best: Option<&Best>,
) -> Vec<(String, String)> {
    let mut headlines = Vec::new();
    if let Some(row) = rows.last() {
        headlines.push(("steps", grouped(row.step)));
        headlines.push(("epochs", format!("{:.2}", row.epoch)));
        if row.values.contains_key(STOPPED_EARLY) {
            headlines.push(("stopped early at step", grouped(row.step)));
        }
    }
    if let Some(found) = evaluation {
        headlines.push(("top-1", percent(found.top1)));
        headlines.extend(found.top5.map(|top5| ("top-5", percent(top5))));
        headlines.push(("images", grouped(found.samples)));
        headlines.push(("calibration error", format!("{:.4}", found.calibration_error)));
    }
    let mut found: Vec<(String, String)> =
        headlines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if let Some(best) = best {
        let of = format!("best {}", best.score.meaning);
        found.push((of, percent(best.score.share())));
        found.push(("best at step".to_owned(), grouped(best.step)));
    }
    found
}

/// The curves of one figure, if any of them was measured.
fn plot(rows: &[Row], figure: &Figure, best: Option<&Best>) -> Option<LinePlot> {
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
    let shows_top1 = figure.curves.iter().any(|(key, _)| *key == TOP1);
    (!series.is_empty()).then(|| LinePlot {
        title: figure.title.to_owned(),
        x_label: "step".to_owned(),
        y_label: figure.unit.to_owned(),
        series,
        marks: best.filter(|_| shows_top1).and_then(best_mark).into_iter().collect(),
    })
}

/// A figure for each measurement that is only a method's.
fn others(rows: &[Row]) -> Vec<LinePlot> {
    const OF_ALL: [&str; 4] = ["train", "eval", "attack", quantized::SOFT];
    let is_other = |key: &&String| {
        let is_of_all = OF_ALL.contains(&key.split('/').next().unwrap_or_default());
        !is_of_all && !quantized::is_of_layer(key)
    };
    let keys: BTreeSet<&String> = rows.iter().flat_map(|row| row.values.keys()).collect();
    let curve = |key: &String| {
        let point = |row: &Row| Some((row.step as f64, *row.values.get(key)?));
        let points = rows.iter().filter_map(point).collect();
        LinePlot {
            title: key.clone(),
            x_label: "step".to_owned(),
            y_label: "value".to_owned(),
            series: vec![Series { name: "evaluation".to_owned(), points }],
            marks: Vec::new(),
        }
    };
    keys.into_iter().filter(is_other).map(curve).collect()
}

fn best_mark(best: &Best) -> Option<Mark> {
    let point = (best.step as f64, best.top1()?);
    Some(Mark { name: format!("best, step {}", best.step), point })
}

fn confusion(evaluation: SavedEvaluation) -> Confusion {
    Confusion { classes: evaluation.classes, counts: evaluation.confusion }
}
