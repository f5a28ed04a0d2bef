//! A run that is killed and resumed ends with the same bits as one that was not.

use super::fixture::{Call, Scene, final_model, noisy_graph};
use crate::{Event, MetricsLog, Row, RunFolder};
use ocelli_nn::graph::QuantizerSettings;
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

/// 7 steps per epoch, 21 in all, checkpoints every 4: 7 and 14 are the last of their epochs.
const KILLED_AT: [u64; 6] = [1, 6, 7, 8, 14, 20];

pub(super) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A row without what the clock says.
fn without_times(mut row: Row) -> Row {
    row.values.retain(|name, _| !name.ends_with("per_second"));
    row
}

pub(super) fn rows(folder: &Path) -> Vec<Row> {
    let rows = MetricsLog::read(&RunFolder::metrics_path(folder)).unwrap();
    rows.into_iter().map(without_times).collect()
}

/// Trains to the end and keeps a copy of the folder as a kill after each of these steps would
/// have left it.
fn run_with_copies(scene: &Scene<'_>) -> (TempDir, Vec<u8>, Vec<(u64, TempDir)>) {
    let folder = tempfile::tempdir().unwrap();
    let mut copies = Vec::new();
    let mut observer = Call(|event: &Event<'_>| {
        if let Event::Step(report) = event
            && KILLED_AT.contains(&report.step)
        {
            let copy = tempfile::tempdir().unwrap();
            copy_folder(folder.path(), copy.path());
            copies.push((report.step, copy));
        }
    });
    let summary = scene.run(folder.path(), &mut observer).unwrap();
    assert_eq!(summary.state.step, 21);
    let model = final_model(&summary);
    (folder, model, copies)
}

#[test]
fn killed_at_any_step_and_resumed_with_other_threads() {
    let variants: [&[&str]; 4] = [
        &[],
        &["optimizer.group=[{match=['conv.*'],lr=0.3,weight_decay=0.1}]"],
        &["ema.enabled=true", "optimizer.kind=rmsprop", "optimizer.lr=0.001"],
        &["optimizer.kind=adamw", "train.batch_size=2", "train.accumulate=2", "train.eval_every=2"],
    ];
    for overrides in variants {
        let (folder, expected, copies) = run_with_copies(&Scene::new(overrides));
        assert_eq!(copies.len(), KILLED_AT.len());
        for (at, (step, copy)) in copies.into_iter().enumerate() {
            let scene = Scene { threads: 1 + at % 3, ..Scene::new(overrides) };
            let summary = scene.run(copy.path(), &mut ()).unwrap();
            assert!(final_model(&summary) == expected, "{overrides:?}, killed at step {step}");
            assert_eq!(rows(copy.path()), rows(folder.path()), "{overrides:?}, step {step}");
        }
    }
}

/// Ranges, clips and steps are kept as all parameters are.
#[test]
fn quantized_networks_go_on_with_their_ranges() {
    let variants: [&[&str]; 2] =
        [&["ema.enabled=true"], &["train.batch_size=2", "train.accumulate=2"]];
    for (quantizer, overrides) in ["pact:4", "lsq:3"].into_iter().zip(variants) {
        let settings = QuantizerSettings::new(vec![quantizer.parse().unwrap()]);
        let graph = noisy_graph().with_quantizers(&settings, |_| true).unwrap();
        let scene = || Scene { graph: graph.clone(), ..Scene::new(overrides) };
        let (folder, expected, copies) = run_with_copies(&scene());
        for (step, copy) in copies {
            let summary = scene().run(copy.path(), &mut ()).unwrap();
            assert!(final_model(&summary) == expected, "{quantizer}, killed at step {step}");
            assert_eq!(rows(copy.path()), rows(folder.path()), "{quantizer}, step {step}");
        }
    }
}

#[test]
fn stopped_at_any_step_and_resumed() {
    let (folder, expected, _) = run_with_copies(&Scene::new(&[]));
    for stop_at in [3, 7, 21] {
        let resumed = tempfile::tempdir().unwrap();
        let scene = Scene::new(&[]);
        let mut observer = Call(|event: &Event<'_>| {
            if matches!(event, Event::Step(report) if report.step == stop_at) {
                scene.stop.store(true, Ordering::Relaxed);
            }
        });
        let summary = scene.run(resumed.path(), &mut observer).unwrap();
        assert_eq!(summary.checkpoint.unwrap().step, stop_at);
        let summary = Scene::new(&[]).run(resumed.path(), &mut ()).unwrap();
        assert!(final_model(&summary) == expected, "stopped at step {stop_at}");
        assert_eq!(rows(resumed.path()), rows(folder.path()), "stopped at step {stop_at}");
    }
}

#[test]
fn a_flipped_byte_in_the_newest_checkpoint_costs_some_steps_and_no_bits() {
    let (_folder, expected, copies) = run_with_copies(&Scene::new(&[]));
    let (_, copy) = copies.into_iter().find(|(step, _)| *step == 14).unwrap();
    let newest = RunFolder::checkpoints_of(copy.path()).newest().unwrap().checkpoint.unwrap();
    let mut bytes = fs::read(newest.file(crate::MODEL)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(newest.file(crate::MODEL), bytes).unwrap();

    let (mut passed_over, mut begun_at) = (Vec::new(), 0);
    let mut observer = Call(|event: &Event<'_>| match event {
        Event::Rejected(rejected) => passed_over.push(rejected.path.clone()),
        Event::Begun { step, .. } => begun_at = *step,
        _ => {}
    });
    let summary = Scene::new(&[]).run(copy.path(), &mut observer).unwrap();
    assert_eq!(passed_over, [newest.path]);
    assert!(0 < begun_at && begun_at < newest.step, "begun at {begun_at}");
    assert!(final_model(&summary) == expected);
    let log = fs::read_to_string(copy.path().join("log.txt")).unwrap();
    assert!(log.contains("passing over the damaged checkpoint"), "{log}");
}

#[test]
fn without_any_good_checkpoint_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    Scene::new(&["train.max_steps=4"]).run(folder.path(), &mut ()).unwrap();
    let checkpoints = RunFolder::checkpoints_of(folder.path());
    for step in checkpoints.steps().unwrap() {
        fs::remove_file(checkpoints.at(step).unwrap().file("state.json")).unwrap();
    }
    let error = Scene::new(&[]).run(folder.path(), &mut ()).unwrap_err().to_string();
    assert!(error.contains("can be trusted") && error.contains("state.json"), "{error}");
}

#[test]
fn a_finished_run_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let first = Scene::new(&[]).run(folder.path(), &mut ()).unwrap();
    let (model, before) = (final_model(&first), rows(folder.path()));
    let second = Scene::new(&[]).run(folder.path(), &mut ()).unwrap();
    assert!(final_model(&second) == model);
    assert_eq!(rows(folder.path()), before);
}
