//! Which evaluation is the best, that its weights are kept, and when a training stops for want of a
//! better one.

use super::exact_resume::{copy_folder, rows};
use super::fixture::{Call, Scene, plain_graph};
use crate::{
    CheckpointChoice, Error, Event, Local, RunFolder, State, Summary, TrainOutcome, WeightsFile,
    evaluate,
};
use ocelli_nn::weights::{LoadOptions, ReadOptions, StateDict, load};
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

/// How many images a file of weights classifies rightly.
fn correct(scene: &Scene<'_>, weights: &Path) -> u64 {
    let dict = StateDict::open(weights, &ReadOptions::default()).unwrap();
    let mut network = scene.network();
    load(&mut network, &dict, &LoadOptions::default()).unwrap();
    let loader = scene.eval_loader(scene.samples);
    evaluate(&network, &loader, &Local, &mut |_| {}).unwrap().scores.correct
}

#[test]
fn what_is_opened_is_what_was_scored_and_outlives_newer_ones() {
    for ema in ["ema.enabled=false", "ema.enabled=true"] {
        // After six epochs the steps become so large that what was learnt is lost.
        let scene = Scene::new(&[
            ema,
            "ema.decay=0.5",
            "train.epochs=8",
            "schedule.kind=multi_step",
            "schedule.milestones=['42 steps']",
            "schedule.decay=1e4",
            "optimizer.clip_norm=1.0",
            "checkpoint.every='3 steps'",
            "checkpoint.keep=1",
        ]);
        let folder = TempDir::new().unwrap();
        let summary = scene.run(folder.path(), &mut ()).unwrap();
        let best = summary.state.best.unwrap();
        let last = summary.evaluation.unwrap().scores.correct;
        assert!(
            best.step < summary.state.step && best.score.correct > last,
            "{ema}: {best}, then {last}"
        );

        let steps = RunFolder::checkpoints_of(folder.path()).steps().unwrap();
        assert_eq!(steps, [best.step, summary.state.step], "{ema}: the best and the last");
        let open = |choice| WeightsFile::find(folder.path(), choice).unwrap();
        let opened = open(None);
        assert_eq!(opened.checkpoint.unwrap().step, best.step);
        assert_eq!(correct(&scene, &opened.path), best.score.correct, "{ema}");
        let opened = open(Some(CheckpointChoice::Last));
        assert_eq!(correct(&scene, &opened.path), last, "{ema}");
    }
}

#[test]
fn each_best_is_written_once() {
    let scene = Scene::new(&["checkpoint.every='7 steps'", "checkpoint.keep=9"]);
    let folder = TempDir::new().unwrap();
    let mut saved = Vec::new();
    let mut observer = Call(|event: &Event<'_>| {
        if let Event::Saved { step, .. } = event {
            saved.push(*step);
        }
    });
    scene.run(folder.path(), &mut observer).unwrap();
    assert_eq!(saved, [7, 14, 21], "evaluations and checkpoints of the same steps");
}

/// Steps of ordinary size until the eighth, which is so large that the weights are finite and the
/// outputs are not.
fn diverging(more: &[&str]) -> Scene<'static> {
    let overrides = [
        "optimizer.lr=1e-3",
        "schedule.kind=multi_step",
        "schedule.milestones=['8 steps']",
        "schedule.decay=1e24",
        "checkpoint.every='1 steps'",
        "checkpoint.keep=5",
    ];
    Scene::new(&[&overrides, more].concat())
}

#[test]
fn an_evaluation_that_is_not_finite_is_never_the_best_and_its_checkpoint_never_good() {
    let folder = TempDir::new().unwrap();
    let mut scene = diverging(&["train.max_steps=9"]);
    scene.stop = false.into();
    let error = scene.run(folder.path(), &mut ()).unwrap_err();
    let kept_of = |error: &Error| {
        let Error::Diverged { what, step, kept } = error else { panic!("{error}") };
        assert!(what.starts_with("the answer to pattern"), "{error}");
        (*step, kept.clone().unwrap())
    };
    let checkpoints = RunFolder::checkpoints_of(folder.path());
    assert_eq!(kept_of(&error), (9, checkpoints.folder_of(8)));
    assert_eq!(checkpoints.steps().unwrap().last(), Some(&8), "what was not scored is not saved");

    // A signal after the ninth step saves it before anybody could see what is wrong with it.
    let interrupted = TempDir::new().unwrap();
    let scene = diverging(&["train.max_steps=9"]);
    let mut observer = Call(|event: &Event<'_>| {
        if let Event::Step(report) = event
            && report.step == 9
        {
            scene.stop.store(true, Ordering::Relaxed);
        }
    });
    let summary = scene.run(interrupted.path(), &mut observer).unwrap();
    assert_eq!((summary.outcome, summary.state.step), (TrainOutcome::Interrupted, 9));
    let error = diverging(&["train.max_steps=9"]).run(interrupted.path(), &mut ()).unwrap_err();
    let checkpoints = RunFolder::checkpoints_of(interrupted.path());
    assert_eq!(kept_of(&error), (9, checkpoints.folder_of(8)), "not the ninth, which is there");

    for run in [folder.path(), interrupted.path()] {
        let chosen = WeightsFile::find(run, None).unwrap().checkpoint.unwrap();
        assert_eq!((chosen.step, chosen.which), (7, CheckpointChoice::Best), "{chosen}");
        let newest = RunFolder::checkpoints_of(run).newest().unwrap().checkpoint.unwrap();
        assert_eq!(State::read(&newest).unwrap().best.unwrap().step, 7);
    }
}

/// Nothing is learnt: the first evaluation stays the best.
fn to_no_better(more: &[&str]) -> Scene<'static> {
    let overrides = ["optimizer.lr=1e-9", "train.epochs=8", "train.patience=2"];
    Scene { graph: plain_graph(), ..Scene::new(&[&overrides, more].concat()) }
}

fn model(folder: &Path) -> Vec<u8> {
    let last = WeightsFile::find(folder, Some(CheckpointChoice::Last)).unwrap();
    fs::read(last.path).unwrap()
}

#[test]
fn a_training_stops_after_as_many_evaluations_as_it_has_patience_for() {
    for (more, stops_at) in [
        (vec![], 21),
        (vec!["train.patience=1"], 14),
        (vec!["train.patience=1", "train.eval_every=2"], 28),
    ] {
        let folder = TempDir::new().unwrap();
        let summary = to_no_better(&more).run(folder.path(), &mut ()).unwrap();
        assert_eq!((summary.outcome, summary.state.step), (TrainOutcome::StoppedEarly, stops_at));
        let first = if stops_at == 28 { 14 } else { 7 };
        assert_eq!(summary.state.best.unwrap().step, first, "{more:?}");
        let rows = rows(folder.path());
        let values = &rows.last().unwrap().values;
        assert_eq!(values.get("train/stopped_early"), Some(&1.0));
        assert_eq!(
            rows.iter().filter(|row| row.values.contains_key("train/stopped_early")).count(),
            1
        );
        let log = fs::read_to_string(folder.path().join("log.txt")).unwrap();
        let words = format!("step {stops_at}: stopped early, no better in ");
        assert!(log.contains(&words), "{log}");
    }
    for patience in ["train.patience=0", "train.patience=7"] {
        let folder = TempDir::new().unwrap();
        let summary = to_no_better(&[patience]).run(folder.path(), &mut ()).unwrap();
        let Summary { outcome, state, .. } = summary;
        assert_eq!(
            (outcome, state.step),
            (TrainOutcome::Finished, 56),
            "{patience}: the end is the end"
        );
    }
}

#[test]
fn killed_stopped_or_limited_it_stops_early_at_the_same_step() {
    let whole = TempDir::new().unwrap();
    let mut copies = Vec::new();
    let mut observer = Call(|event: &Event<'_>| {
        // As kills in the middle of epochs, before and after evaluations and checkpoints left it.
        let at = match event {
            Event::Step(report) => report.step,
            Event::Examined { step, .. } | Event::Saved { step, .. } => *step,
            _ => return,
        };
        if [3, 7, 10, 14, 20, 21].contains(&at) {
            let copy = TempDir::new().unwrap();
            copy_folder(whole.path(), copy.path());
            copies.push(copy);
        }
    });
    to_no_better(&[]).run(whole.path(), &mut observer).unwrap();
    let (expected, rows_of_whole) = (model(whole.path()), rows(whole.path()));
    assert!(copies.len() > 8);
    for copy in copies {
        let summary = to_no_better(&[]).run(copy.path(), &mut ()).unwrap();
        assert_eq!((summary.outcome, summary.state.step), (TrainOutcome::StoppedEarly, 21));
        assert!(model(copy.path()) == expected);
        assert_eq!(rows(copy.path()), rows_of_whole);
    }
    // A limit means an evaluation more, which does not count.
    for steps in [3, 10, 14, 18] {
        let limited = TempDir::new().unwrap();
        let limit = format!("train.max_steps={steps}");
        let summary = to_no_better(&[&limit]).run(limited.path(), &mut ()).unwrap();
        assert_eq!((summary.outcome, summary.state.step), (TrainOutcome::LimitReached, steps));
        let summary = to_no_better(&[]).run(limited.path(), &mut ()).unwrap();
        assert_eq!(
            (summary.outcome, summary.state.step),
            (TrainOutcome::StoppedEarly, 21),
            "{steps}"
        );
        assert!(model(limited.path()) == expected);
    }
}

#[test]
fn more_patience_goes_on_with_the_same_learning_rate() {
    let (stopped, whole) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    to_no_better(&[]).run(stopped.path(), &mut ()).unwrap();
    let again = to_no_better(&[]).run(stopped.path(), &mut ()).unwrap();
    assert_eq!((again.outcome, again.state.step), (TrainOutcome::StoppedEarly, 21), "it has ended");
    let longer = to_no_better(&["train.patience=4"]).run(stopped.path(), &mut ()).unwrap();
    assert_eq!((longer.outcome, longer.state.step), (TrainOutcome::StoppedEarly, 35));
    to_no_better(&["train.patience=4"]).run(whole.path(), &mut ()).unwrap();
    assert!(model(stopped.path()) == model(whole.path()));
}
