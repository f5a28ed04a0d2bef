//! That networks learn, and what happens when they cannot.

use super::fixture::{CLASSES, Patterns, Scene, plain_graph};
use crate::{Error, Local, MetricsLog, RunFolder, TrainOutcome, evaluate};
use ocelli_data::Source;
use ocelli_nn::weights::{ReadOptions, StateDict};
use std::sync::atomic::Ordering;

#[test]
fn a_tiny_set_can_be_memorised_by_every_optimiser() {
    let cases: [&[&str]; 4] = [
        &["optimizer.kind=sgd", "optimizer.lr=0.01"],
        &["optimizer.kind=adamw", "optimizer.lr=0.003"],
        &["optimizer.kind=rmsprop", "optimizer.lr=0.001"],
        &["optimizer.kind=lars", "optimizer.lr=0.02", "optimizer.trust_coefficient=0.1"],
    ];
    for case in cases {
        let common = ["train.epochs=40", "checkpoint.every=40"];
        let overrides = [case, &common].concat();
        let scene = Scene::new(&overrides);
        let folder = tempfile::tempdir().unwrap();
        let summary = scene.run(folder.path(), &mut ()).unwrap();
        let scores = summary.evaluation.unwrap().scores;
        assert_eq!((scores.samples, scores.correct), (30, 30), "{case:?}: {scores:?}");

        let rows = MetricsLog::read(&RunFolder::metrics_path(folder.path())).unwrap();
        let losses: Vec<f64> =
            rows.iter().filter_map(|row| row.values.get("train/loss").copied()).collect();
        let (first, last) = (losses[0], losses[losses.len() - 1]);
        assert!(last < first / 2.0, "{case:?}: the loss goes from {first} to {last}");
    }
}

/// Seven steps an epoch: 30 steps are five epochs, and the cosine ends with the last of them.
#[test]
fn a_small_training_set_is_passed_over_until_it_has_the_least_steps() {
    let sets = ["train.epochs=2", "train.min_steps=30", "train.log_every=1"];
    let scene = Scene::new(&[&sets[..], &["schedule.kind=cosine", "optimizer.lr=0.01"]].concat());
    let folder = tempfile::tempdir().unwrap();
    let summary = scene.run(folder.path(), &mut ()).unwrap();
    assert_eq!((summary.outcome, summary.state.step), (TrainOutcome::Finished, 35));
    let rows = MetricsLog::read(&RunFolder::metrics_path(folder.path())).unwrap();
    let rate = rows.iter().filter_map(|row| Some((row.step, *row.values.get("train/lr")?)));
    let rates: Vec<_> = rate.collect();
    assert!(rates[13].1 > 0.006, "two epochs are no end: {rates:?}");
    assert!(rates[34].1 < 1e-4, "the schedule ends where training does: {rates:?}");
}

#[test]
fn probes_are_asked_between_epochs_and_their_errors_end_nothing() {
    let mut scene = Scene::new(&["train.epochs=3", "train.max_steps=17"]);
    scene.probe = Some(|epoch| match epoch {
        1 => Err("no figure".into()),
        _ => Ok(vec![("probe".to_owned(), epoch as f64)]),
    });
    let folder = tempfile::tempdir().unwrap();
    scene.run(folder.path(), &mut ()).unwrap();
    let rows = MetricsLog::read(&RunFolder::metrics_path(folder.path())).unwrap();
    let evaluated = rows.iter().filter(|row| row.values.contains_key("eval/top1"));
    let found: Vec<_> = evaluated.map(|row| (row.step, row.values.get("probe").copied())).collect();
    // Seven steps an epoch; the last evaluation is amid the third.
    assert_eq!(found, [(7, None), (14, Some(2.0)), (17, None)]);
}

#[test]
fn evaluation_counts_every_image_once_and_changes_nothing() {
    let scene = Scene::new(&[]);
    let network = scene.network();
    for samples in [1, 8, 29] {
        let loader = scene.eval_loader(samples);
        let mut heard = Vec::new();
        let first = evaluate(&network, &loader, &Local, &mut |done| heard.push(done)).unwrap();
        let second = evaluate(&network, &loader, &Local, &mut |_| {}).unwrap();
        assert_eq!(first.scores, second.scores, "evaluation is deterministic");
        assert_eq!(first.scores.samples, samples);
        let source = Patterns::new(samples);
        let mut expected = vec![0; CLASSES as usize];
        for index in 0..source.len() {
            expected[source.read(index).unwrap().required_label().unwrap() as usize] += 1;
        }
        assert_eq!(first.scores.class_samples, expected);
        assert_eq!(heard.last(), Some(&samples));
        assert!(first.latency_ms > 0.0 && first.images_per_second > 0.0);
    }
}

#[test]
fn a_training_that_diverges_stops_and_keeps_the_last_good_checkpoint() {
    // Small steps until the sixth, which is huge.
    let scene = Scene::new(&[
        "optimizer.lr=1e-3",
        "schedule.kind=multi_step",
        "schedule.milestones=['5 steps']",
        "schedule.decay=1e24",
        "checkpoint.every='1 steps'",
    ]);
    let folder = tempfile::tempdir().unwrap();
    let error = scene.run(folder.path(), &mut ()).unwrap_err();
    let Error::Diverged { step, kept, .. } = &error else { panic!("{error}") };
    assert!((6..=8).contains(step), "{error}");
    let kept = kept.as_ref().unwrap();
    assert!(error.to_string().contains("the last good checkpoint is"), "{error}");

    let dict = StateDict::open(&kept.join(crate::MODEL), &ReadOptions::default()).unwrap();
    for tensor in dict.iter() {
        assert!(tensor.values().unwrap().iter().all(|value| value.is_finite()));
    }
    assert_eq!(dict.metadata["arch"], "test");
}

#[test]
fn limits_and_stops_end_a_training_after_a_saved_step() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(&["train.max_steps=6"]);
    let summary = scene.run(folder.path(), &mut ()).unwrap();
    assert_eq!((summary.outcome, summary.state.step), (TrainOutcome::LimitReached, 6));
    assert_eq!(summary.checkpoint.unwrap().step, 6);
    assert!(summary.evaluation.is_some(), "it is evaluated where it ends");

    let scene = Scene::new(&["train.max_hours=1e-9"]);
    let summary = scene.run(folder.path(), &mut ()).unwrap();
    assert_eq!((summary.outcome, summary.state.step), (TrainOutcome::LimitReached, 6));

    let scene = Scene::new(&[]);
    scene.stop.store(true, Ordering::Relaxed);
    let summary = scene.run(folder.path(), &mut ()).unwrap();
    assert_eq!((summary.outcome, summary.state.step), (TrainOutcome::Interrupted, 6));
}

#[test]
fn frozen_parts_stay_and_so_do_their_statistics() {
    let scene = Scene::new(&["model.freeze=['conv.*', 'bn.*']", "train.epochs=1"]);
    let folder = tempfile::tempdir().unwrap();
    let summary = scene.run(folder.path(), &mut ()).unwrap();
    let path = summary.checkpoint.unwrap().file(crate::MODEL);
    let after = StateDict::open(&path, &ReadOptions::default()).unwrap();
    let before = scene.network();
    for (id, entry) in before.params().iter() {
        let name = entry.spec.name.as_str();
        let same = before.params().to_values(id) == after.get(name).unwrap().values().unwrap();
        assert_eq!(same, name.starts_with("conv.") || name.starts_with("bn."), "{name}");
    }
}

#[test]
fn statistics_of_the_weights_stay_on_a_small_training_set() {
    let train = |least: &str| {
        let sets = [least, "model.weights=w.safetensors", "train.epochs=1"];
        let scene = Scene::new(&sets);
        let folder = tempfile::tempdir().unwrap();
        let summary = scene.run(folder.path(), &mut ()).unwrap();
        let path = summary.checkpoint.unwrap().file(crate::MODEL);
        let after = StateDict::open(&path, &ReadOptions::default()).unwrap();
        let before = scene.network();
        let stays = |name: &str| {
            let entry = before.params().index_by_name()[name];
            before.params().to_values(entry) == after.get(name).unwrap().values().unwrap()
        };
        ["bn.running_mean", "bn.running_var", "bn.weight", "conv.weight"].map(stays)
    };
    assert_eq!(train("model.keep_statistics_below=1000"), [true, true, false, false]);
    assert_eq!(train("model.keep_statistics_below=2"), [false; 4]);
}

#[test]
fn parts_of_a_step_add_up_to_its_batch() {
    let train = |overrides: &[&str]| {
        let scene = Scene { graph: plain_graph(), samples: 32, ..Scene::new(overrides) };
        let folder = tempfile::tempdir().unwrap();
        let summary = scene.run(folder.path(), &mut ()).unwrap();
        let path = summary.checkpoint.unwrap().file(crate::MODEL);
        let dict = StateDict::open(&path, &ReadOptions::default()).unwrap();
        dict.iter().flat_map(|tensor| tensor.values().unwrap()).collect::<Vec<f32>>()
    };
    let whole = train(&["train.batch_size=8", "optimizer.clip_norm=0.5"]);
    let parts = train(&["train.batch_size=2", "train.accumulate=4", "optimizer.clip_norm=0.5"]);
    let error = ocelli_testkit::relative_error(&parts, &whole);
    assert!(error < 1e-5, "{error}");
}

#[test]
fn what_does_not_fit_is_refused_before_the_first_step() {
    let folder = tempfile::tempdir().unwrap();
    let small = Scene { samples: 3, ..Scene::new(&[]) };
    let error = small.run(folder.path(), &mut ()).unwrap_err().to_string();
    assert!(error.contains("3 images, fewer than the 4"), "{error}");

    let mut other = Scene::new(&[]);
    other.samples = 60;
    let begun = Scene::new(&["train.max_steps=1"]);
    begun.run(folder.path(), &mut ()).unwrap();
    let error = other.run(folder.path(), &mut ()).unwrap_err().to_string();
    assert_eq!(error, "the run was begun with steps per epoch 7, now it is 15");
}
