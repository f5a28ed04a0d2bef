//! What a training says at its end.

use ocelli::train::{Best, Evaluation, MODEL, Score, Summary, TrainOutcome};
use serde::Serialize;
use std::path::{Path, PathBuf};

use crate::output::{Output, grouped, percent};
use crate::talk::rate;

#[derive(Serialize)]
pub(super) struct TrainJson<'a> {
    run: &'a Path,
    outcome: &'static str,
    stopped_early: bool,
    steps: u64,
    epochs: f64,
    seconds: f64,
    images_per_second: f64,
    samples: Option<u64>,
    correct: Option<u64>,
    top1: Option<f64>,
    top5: Option<f64>,
    best_top1: Option<f64>,
    best_step: Option<u64>,
    score: Option<&'a str>,
    last_score: Option<f64>,
    best_score: Option<f64>,
    not_images: u64,
    model: Option<PathBuf>,
}

/// Shows where the run stands.
pub(super) fn show(output: &mut Output, folder: &Path, summary: &Summary) -> anyhow::Result<()> {
    let state = &summary.state;
    let early = match summary.outcome {
        TrainOutcome::StoppedEarly => ", stopped early (train.patience)",
        _ => "",
    };
    let lines = [
        ("run", folder.display().to_string()),
        ("steps", format!("{} in {:.0} s{early}", grouped(state.step), state.seconds)),
    ];
    for (name, value) in lines {
        output.text(format_args!("{name:<7}  {value}"))?;
    }
    // A run that had ended before takes no step.
    if summary.images_per_second.is_finite() {
        output.text(format_args!("speed    {}", rate(summary.images_per_second, "images")))?;
    }
    if let Some(Evaluation { scores, .. }) = &summary.evaluation {
        let counts = format!("({} of {})", grouped(scores.correct), grouped(scores.samples));
        output.text(format_args!("top-1    {} {counts}", percent(scores.top1)))?;
        if let Some(top5) = scores.top5 {
            output.text(format_args!("top-5    {}", percent(top5)))?;
        }
    }
    if let (None, Some(score)) = (&summary.evaluation, &summary.score) {
        output.text(format_args!("score    {score}"))?;
    }
    if let Some(Best { step, score }) = &state.best {
        let (share, step) = (percent(score.share()), grouped(*step));
        output.text(format_args!("best     {share} {} at step {step}", score.meaning))?;
    }
    Ok(())
}

/// The one JSON object.
pub(super) fn json<'a>(folder: &'a Path, summary: &'a Summary, not_images: u64) -> TrainJson<'a> {
    let state = &summary.state;
    let best = state.best.as_ref().map(|best| &best.score);
    let scores = summary.evaluation.as_ref().map(|evaluation| &evaluation.scores);
    TrainJson {
        run: folder,
        outcome: match summary.outcome {
            TrainOutcome::Finished => "finished",
            TrainOutcome::LimitReached => "limit_reached",
            TrainOutcome::StoppedEarly => "stopped_early",
            TrainOutcome::Interrupted => "interrupted",
        },
        stopped_early: summary.outcome == TrainOutcome::StoppedEarly,
        steps: state.step,
        epochs: state.step as f64 / state.steps_per_epoch as f64,
        seconds: state.seconds,
        images_per_second: summary.images_per_second,
        samples: scores.map(|scores| scores.samples),
        correct: scores.map(|scores| scores.correct),
        top1: scores.map(|scores| scores.top1),
        top5: scores.and_then(|scores| scores.top5),
        best_top1: state.best.as_ref().and_then(Best::top1),
        best_step: state.best.as_ref().map(|best| best.step),
        score: best.or(summary.score.as_ref()).map(|score| &*score.meaning),
        last_score: summary.score.as_ref().map(Score::share),
        best_score: best.map(Score::share),
        not_images,
        model: summary.checkpoint.as_ref().map(|saved| saved.file(MODEL)),
    }
}
