//! The default recipe on the embedded images, for two steps: every part in its place.

use ocelli_train::{
    Error, Local, Machine, Outcome, Parts, Recipe, RunFolder, Setup, Summary, Supervised, Trained,
    Trainer, evaluate, recipe,
};
use std::path::Path;
use std::sync::atomic::AtomicBool;

fn train(folder: &Path, overrides: &[&str]) -> Result<(Summary, Setup), Error> {
    let common =
        ["train.max_steps=2", "train.batch_size=4", "model.name=resnet20_cifar", "input.size=14"];
    let recipe = Recipe::resolve("default", recipe::DEFAULT, &[&common, overrides].concat())?;
    let setup = Setup::new(&recipe, &Machine::cpu(2))?;
    let mut run = RunFolder::create(folder, &recipe)?;
    let parts = Parts {
        recipe: &recipe,
        network: setup.network.clone(),
        method: &mut Supervised::default(),
        train: &setup.train,
        eval: Some(&setup.eval),
        run: &mut run,
        metadata: setup.metadata.clone(),
        group: &Local,
        observer: &mut (),
        stop: &AtomicBool::new(false),
    };
    Ok((Trainer::new(parts)?.run()?, setup))
}

#[test]
fn the_models_file_alone_is_enough_to_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let (summary, setup) = train(folder.path(), &["mix.label_smoothing=0.1"]).unwrap();
    assert_eq!((summary.outcome, summary.state.step), (Outcome::LimitReached, 2));
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
