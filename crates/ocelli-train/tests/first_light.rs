//! The default recipe on the embedded images, for two steps: every part in its place.

use ocelli_train::{
    Classification, Error, Local, Machine, Recipe, RunFolder, Setup, Summary, Supervised,
    TrainOutcome, Trained, Trainer, TrainerParts, evaluate, recipe,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn train(folder: &Path, overrides: &[&str]) -> Result<(Summary, Setup), Error> {
    let common =
        ["train.max_steps=2", "train.batch_size=4", "model.name=resnet20_cifar", "input.size=14"];
    let recipe = Recipe::resolve("default", recipe::DEFAULT, &[&common, overrides].concat())?;
    let setup = Setup::new(&recipe, &Machine::cpu(2))?;
    let mut run = match RunFolder::open(folder) {
        Ok((run, _)) => run,
        Err(_) => RunFolder::create(folder, &recipe)?,
    };
    let parts = TrainerParts {
        recipe: &recipe,
        network: setup.network.clone(),
        method: &mut Supervised::default(),
        train: &setup.train,
        examiners: vec![Box::new(Classification::new(Arc::clone(&setup.eval)))],
        run: &mut run,
        metadata: setup.metadata.clone(),
        group: &Local,
        observer: &mut (),
        stop: &AtomicBool::new(false),
    };
    let summary = Trainer::new(parts)?.run()?;
    Ok((summary, setup))
}

#[test]
fn the_models_file_alone_is_enough_to_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let (summary, setup) = train(folder.path(), &["mix.label_smoothing=0.1"]).unwrap();
    assert_eq!((summary.outcome, summary.state.step), (TrainOutcome::LimitReached, 2));
    let scores = summary.evaluation.unwrap().scores;
    assert_eq!(scores.samples, 2000);

    let device = Machine::cpu(1).device;
    let file = summary.checkpoint.unwrap().file(ocelli_train::MODEL);
    let trained = Trained::open(&file, None, &device).unwrap();
    assert_eq!((trained.input.size, trained.input.channels), (14, 1));
    assert_eq!(trained.class_name(9), "Ankle boot");
    let again = evaluate(&trained.network, &setup.eval, &Local, &mut |_| {}).unwrap();
    assert_eq!(again.scores, scores);

    let fine_tuned = tempfile::tempdir().unwrap();
    let weights = format!("model.weights={}", file.display());
    let (_, setup) = train(fine_tuned.path(), &[&weights, "input.channels=1"]).unwrap();
    assert!(setup.weights.unwrap().is_complete());
}

#[test]
fn what_the_recipe_asks_for_and_nobody_has_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let refuse = |set: &str| train(folder.path(), &[set]).err().unwrap().to_string();
    assert!(refuse("data.source=builtin:fashion").contains("builtin:fashion"));
    assert!(refuse("model.weights=no/such.pth").starts_with("no/such.pth: "));
    assert!(refuse("mix.mixup=-1").contains("mix.mixup"));
    assert!(!folder.path().join("recipe.toml").exists(), "nothing was begun");
}

/// Two stages of five steps, the second with larger images and more dropout.
#[test]
fn a_growing_run_that_is_cut_in_any_stage_ends_with_the_same_bits() {
    let growing = [
        "train.batch_size=1000",
        "model.name=ghostnet_small",
        "train.epochs=1",
        "progressive.stages=2",
        "progressive.size=[10, 14]",
        "progressive.magnitude=[2, 4]",
        "progressive.dropout=[0.0, 0.3]",
    ];
    let model = |folder: &Path, cuts: &[u64]| {
        for cut in cuts {
            let limit = format!("train.max_steps={cut}");
            let (summary, _) = train(folder, &[&growing[..], &[&limit]].concat()).unwrap();
            assert_eq!(summary.state.step, *cut);
        }
        let newest = RunFolder::open(folder).unwrap().0.checkpoints().newest().unwrap();
        std::fs::read(newest.checkpoint.unwrap().file(ocelli_train::MODEL)).unwrap()
    };
    let whole = tempfile::tempdir().unwrap();
    let expected = model(whole.path(), &[7]);
    for cut in [3, 5, 6] {
        let folder = tempfile::tempdir().unwrap();
        assert!(model(folder.path(), &[cut, 7]) == expected, "cut after step {cut}");
    }
}

#[test]
fn images_that_the_network_cannot_take_are_refused_before_anything_begins() {
    let folder = tempfile::tempdir().unwrap();
    let sizes = ["model.name=vgg16_cifar", "input.size=32", "progressive.size=[16, 32]"];
    let error = train(folder.path(), &sizes).err().unwrap().to_string();
    assert!(error.contains("`progressive.size` is 16"), "{error}");
    let small = ["model.name=vgg16_cifar", "input.size=16"];
    let error = train(folder.path(), &small).err().unwrap().to_string();
    assert!(error.contains("`input.size` is 16"), "{error}");
}
