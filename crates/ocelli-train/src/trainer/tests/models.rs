//! Methods whose network is used as another than it is trained, and those that change it after an epoch.

use super::exact_resume::rows;
use super::fixture::{Scene, final_model};
use crate::{Error, Method, Result, Step, StepOutput, Supervised, TrainOutcome};
use ocelli_data::Loader;
use ocelli_nn::weights::{ReadOptions, StateDict};
use ocelli_nn::{Gradients, Network};
use std::path::Path;

/// Supervised, but used with all weights rounded to quarters, and with all of them zero.
#[derive(Default)]
struct Rounded(Supervised);

fn changed(network: &Network, change: impl Fn(f32) -> f32) -> Result<Network> {
    let mut other = network.clone();
    for (id, _) in network.params().iter() {
        let values = network.params().to_values(id).into_iter().map(&change).collect();
        other.params_mut().set_values(id, values)?;
    }
    Ok(other)
}

impl Method for Rounded {
    fn step(&mut self, step: Step<'_>, gradients: &mut Gradients) -> Result<StepOutput> {
        self.0.step(step, gradients)
    }

    fn models(&self, network: &Network, _step: u64) -> Result<Vec<(&'static str, Network)>> {
        let rounded = changed(network, |value| (4.0 * value).round() / 4.0)?;
        Ok(vec![("rounded", rounded), ("zero", changed(network, |_| 0.0)?)])
    }
}

/// Supervised, but with the last bias set to the number of images after each epoch.
#[derive(Default)]
struct Reset(Supervised);

impl Method for Reset {
    fn step(&mut self, step: Step<'_>, gradients: &mut Gradients) -> Result<StepOutput> {
        self.0.step(step, gradients)
    }

    fn end_epoch(&self, network: &mut Network, train: &Loader) -> Result<()> {
        let bias = network.graph().head().pop();
        let Some(bias) = bias else { return Ok(()) };
        let images = train.source().len() as f32;
        let values = network.params().to_values(bias).iter().map(|_| images).collect();
        Ok(network.params_mut().set_values(bias, values)?)
    }
}

fn open(file: &Path) -> StateDict {
    StateDict::open(file, &ReadOptions::default()).unwrap()
}

fn values(dict: &StateDict, name: &str) -> Vec<f32> {
    dict.get(name).unwrap().values().unwrap()
}

#[test]
fn the_first_model_is_scored_and_saved_and_others_are_only_measured() {
    for ema in ["ema.enabled=false", "ema.enabled=true"] {
        let scene = Scene { method: || Box::new(Rounded::default()), ..Scene::new(&[ema]) };
        let folder = tempfile::tempdir().unwrap();
        let summary = scene.run(folder.path(), &mut ()).unwrap();
        let last = rows(folder.path()).pop().unwrap();
        let score = summary.score.unwrap();
        assert_eq!(last.values["eval/top1"], score.share());
        assert_eq!(
            last.values["zero/eval/top1"],
            1.0 / 3.0,
            "a zero network knows one class of three"
        );
        assert!((last.values["zero/eval/loss"] - 3_f64.ln()).abs() < 1e-6);
        assert!(score.share() > 0.4, "{ema}: {score}");

        let checkpoint = summary.checkpoint.unwrap();
        let model = open(&checkpoint.file(crate::MODEL));
        let memory = open(&checkpoint.file("optimizer.safetensors"));
        for tensor in model.iter() {
            assert!(tensor.values().unwrap().iter().all(|value| (4.0 * value).fract() == 0.0));
            let trained = values(&memory, &format!("weights.{}", tensor.name()));
            assert_eq!(trained.len(), tensor.values().unwrap().len(), "all parameters are kept");
        }
        let kernel = values(&memory, "weights.conv.weight");
        assert!(kernel.iter().any(|value| (4.0 * value).fract() != 0.0), "as they are trained");
        let has_average = memory.get("average.conv.weight").is_some();
        assert_eq!(has_average, ema == "ema.enabled=true", "{ema}");
    }
}

#[test]
fn a_run_of_other_models_is_resumed_to_the_bit() {
    for ema in ["ema.enabled=false", "ema.enabled=true"] {
        let scene = |more| Scene {
            method: || Box::new(Rounded::default()),
            ..Scene::new(&[ema, "ema.decay=0.8", more])
        };
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let expected = scene("seed=5").run(whole.path(), &mut ()).unwrap();
        let stopped = scene("train.max_steps=9").run(parts.path(), &mut ()).unwrap();
        assert_eq!(stopped.outcome, TrainOutcome::LimitReached);
        let resumed = scene("seed=5").run(parts.path(), &mut ()).unwrap();
        assert!(final_model(&resumed) == final_model(&expected), "{ema}");
        let memory = |summary: &crate::Summary| {
            std::fs::read(summary.checkpoint.as_ref().unwrap().file("optimizer.safetensors"))
        };
        assert!(memory(&resumed).unwrap() == memory(&expected).unwrap(), "{ema}");
    }
}

#[test]
fn the_end_of_an_epoch_changes_the_network_before_it_is_evaluated_and_saved() {
    let scene = |more: &str| Scene {
        method: || Box::new(Reset::default()),
        ..Scene::new(&["train.epochs=2", "checkpoint.every='7 steps'", "checkpoint.keep=9", more])
    };
    let folder = tempfile::tempdir().unwrap();
    let summary = scene("seed=5").run(folder.path(), &mut ()).unwrap();
    let checkpoints = crate::RunFolder::checkpoints_of(folder.path());
    for step in [7, 14] {
        let model = open(&checkpoints.at(step).unwrap().file(crate::MODEL));
        assert_eq!(values(&model, "fc.bias"), [30.0; 3], "after {step} steps");
    }
    let parts = tempfile::tempdir().unwrap();
    scene("train.max_steps=7").run(parts.path(), &mut ()).unwrap();
    let resumed = scene("seed=5").run(parts.path(), &mut ()).unwrap();
    assert!(final_model(&resumed) == final_model(&summary), "resumed between two epochs");

    let amid = tempfile::tempdir().unwrap();
    let summary = scene("train.max_steps=9").run(amid.path(), &mut ()).unwrap();
    let model = open(&summary.checkpoint.unwrap().file(crate::MODEL));
    assert!(values(&model, "fc.bias") != [30.0; 3], "only at the end of one");
}

/// Supervised, but without a model to be scored.
#[derive(Default)]
struct Broken(Supervised);

impl Method for Broken {
    fn step(&mut self, step: Step<'_>, gradients: &mut Gradients) -> Result<StepOutput> {
        self.0.step(step, gradients)
    }

    fn models(&self, _: &Network, step: u64) -> Result<Vec<(&'static str, Network)>> {
        Err(Error::Method(format!("no model after {step} steps").into()))
    }
}

#[test]
fn an_error_of_a_method_is_told_as_it_is() {
    let scene = Scene { method: || Box::new(Broken::default()), ..Scene::new(&[]) };
    let folder = tempfile::tempdir().unwrap();
    let error = scene.run(folder.path(), &mut ()).unwrap_err();
    assert_eq!(error.to_string(), "no model after 4 steps");
}
