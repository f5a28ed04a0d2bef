use super::*;
use crate::search::{EvolutionConfig, Proxy, SamplerKind, SearchConfig, StepTime};
use ocelli_nn::backbones::efficientnetv2::{BlockKind, Stage};
use ocelli_train::{Machine, Recipe};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

const RECIPE: &str = "
    seed = 11
    [model]
    name = 'efficientnetv2_small_cifar'
    [data]
    source = 'builtin:fashion-mnist'
    [input]
    size = 28
    channels = 1
    [train]
    epochs = 9
    batch_size = 32
    max_hours = 5.0
    [ema]
    enabled = true";

fn recipe(overrides: &[&str]) -> Recipe {
    Recipe::resolve("test", RECIPE, overrides).unwrap()
}

fn plan(sampler: SamplerKind, trials: u64) -> SearchPlan {
    let evolution = EvolutionConfig { population: 4, tournament: 2 };
    let config = SearchConfig { trials, sampler, evolution, ..SearchConfig::default() };
    SearchPlan::new(recipe(&[]), config).unwrap()
}

/// Likes fused stages, is slow with large kernels, fails where the first stage expands six times, and
/// can be stopped.
struct Stub {
    left: usize,
}

impl Evaluator for Stub {
    fn evaluate(&mut self, layout: &Layout) -> Result<Verdict> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(Verdict::Interrupted) };
        self.left = left;
        if layout.stages[0].expand == 6 {
            return Ok(Verdict::Failed("the loss is not finite at step 3".to_owned()));
        }
        let fused = |stage: &&Stage| stage.op == BlockKind::FusedMbConv;
        let kernels: usize = layout.stages.iter().map(|stage| stage.kernel).sum();
        let layers: usize = layout.stages.iter().map(|stage| stage.layers).sum();
        Ok(Verdict::Measured(Measured {
            correct: 500 + 20 * layout.stages.iter().filter(fused).count() as u64,
            samples: 1000,
            step_ms: 10.0 * kernels as f64 / 3.0,
            backbone_step_ms: 50.0,
            params: 10_000 * layers as u64,
            backbone_params: 90_000,
            macs: 1,
            seconds: 0.5,
        }))
    }
}

fn search(plan: &SearchPlan, ledger: &mut Ledger, left: usize) -> End {
    run(plan, ledger, &mut Stub { left }, &mut |_| {}).unwrap()
}

fn create(plan: &SearchPlan, path: &Path) -> Ledger {
    Ledger::create(path, &plan.header().unwrap()).unwrap()
}

fn open(plan: &SearchPlan, path: &Path) -> Ledger {
    Ledger::open(path, &plan.header().unwrap(), plan.space()).unwrap().0
}

#[test]
fn stopped_anywhere_and_resumed_a_search_makes_the_same_trials() {
    for sampler in [SamplerKind::Random, SamplerKind::Evolution, SamplerKind::Reinforce] {
        let folder = TempDir::new().unwrap();
        let plan = plan(sampler, 14);
        let mut whole = create(&plan, &folder.path().join("whole"));
        assert_eq!(search(&plan, &mut whole, 14), End::Finished);
        assert_eq!(whole.trials().len(), 14);
        assert_eq!(Some(&whole.trials()[0].stages), plan.space().backbone().as_ref());
        for stop in [0, 1, 5, 13] {
            let path = folder.path().join(format!("stopped-{stop}"));
            assert_eq!(search(&plan, &mut create(&plan, &path), stop), End::Interrupted);
            let mut resumed = open(&plan, &path);
            assert_eq!(resumed.trials().len(), stop);
            assert_eq!(search(&plan, &mut resumed, 14), End::Finished);
            assert_eq!(resumed.trials(), whole.trials(), "{sampler:?} stopped after {stop}");
        }
        assert_eq!(
            search(&plan, &mut open(&plan, &folder.path().join("stopped-5")), 0),
            End::Finished
        );
    }
}

#[test]
fn failed_trials_are_kept_and_stop_nothing() {
    let folder = TempDir::new().unwrap();
    let plan = plan(SamplerKind::Random, 20);
    let mut ledger = create(&plan, &folder.path().join("ledger"));
    let mut lines = Vec::new();
    let mut notice = |event: &Event<'_>| lines.push(event.to_string());
    run(&plan, &mut ledger, &mut Stub { left: 20 }, &mut notice).unwrap();
    let failed = ledger.trials().iter().filter(|trial| trial.score().is_none()).count();
    assert!(failed > 0 && failed < 20, "{failed}");
    assert_eq!(lines.len(), 40);
    assert_eq!(lines[0], "trial 0: Fk3e1×1 Fk3e4×2 Fk3e4×2 Mk3e4×2 Mk3e6×2");
    assert!(
        lines[1].starts_with("trial 0: reward 0.5600, top-1 56.00 %, step 50.00 ms (1.00×)"),
        "{}",
        lines[1]
    );
    assert!(lines[1].ends_with("; the best so far"), "{}", lines[1]);
    assert!(
        lines.iter().any(|line| line.contains("failed: the loss is not finite at step 3; best"))
    );
}

#[test]
fn the_winner_has_the_best_reward_and_is_on_the_front() {
    let folder = TempDir::new().unwrap();
    let mut plan = plan(SamplerKind::Evolution, 30);
    let mut ledger = create(&plan, &folder.path().join("ledger"));
    search(&plan, &mut ledger, 30);
    let trials = ledger.trials();
    let winner = plan.winner(trials).unwrap();
    let best = trials.iter().filter_map(Trial::score).map(|score| score.reward).fold(0.0, f64::max);
    assert_eq!(winner.score().unwrap().reward, best);
    let front = plan.front(trials);
    assert!(front.iter().any(|(trial, _)| trial.number == winner.number));
    assert!(front.is_sorted_by(|a, b| a.1.measured.step_ratio() <= b.1.measured.step_ratio()));

    let recipe = plan.winner_recipe(winner);
    let again = Recipe::resolve::<&str>("winner", &recipe.to_toml().unwrap(), &[]).unwrap();
    assert_eq!(again, recipe);
    assert_eq!(recipe.model.layout, Some(plan.space().layout(&winner.stages)));
    assert_eq!((recipe.train.epochs, recipe.ema.enabled), (9, true), "the full training");

    plan = SearchPlan::new(
        plan.recipe().clone(),
        SearchConfig { max_step_ratio: Some(1.0), ..plan.config().clone() },
    )
    .unwrap();
    let fast = plan.winner(trials).unwrap().score().unwrap();
    assert!(fast.measured.step_ratio() <= 1.0 && fast.reward <= best);
    assert!(
        Ledger::open(&folder.path().join("none"), &plan.header().unwrap(), plan.space()).is_err()
    );
}

#[test]
fn a_trial_is_short_and_the_header_knows_what_it_depends_on() {
    let plan = plan(SamplerKind::Random, 3);
    let trial = plan.trial_recipe(plan.space().backbone_layout());
    assert_eq!((trial.train.epochs, trial.train.max_hours, trial.ema.enabled), (10, None, false));
    let header = |sets: &[&str], config: SearchConfig| {
        SearchPlan::new(recipe(sets), config).unwrap().header().unwrap()
    };
    let config = plan.config();
    assert_eq!(header(&[], config.clone()), plan.header().unwrap());
    let longer = SearchConfig { trials: 99, max_step_ratio: Some(1.0), ..config.clone() };
    assert_eq!(header(&["train.epochs=90"], longer), plan.header().unwrap());
    assert_ne!(header(&["seed=12"], config.clone()), plan.header().unwrap());
    assert_ne!(header(&["optimizer.lr=0.3"], config.clone()), plan.header().unwrap());
    let modelled = SearchConfig { step_time: StepTime::Modelled, ..config.clone() };
    assert_ne!(header(&[], modelled), plan.header().unwrap());
    let smaller = SearchConfig { image_size: Some(20), ..config.clone() };
    assert_ne!(header(&[], smaller), plan.header().unwrap());
}

#[test]
fn only_an_efficientnetv2_can_be_the_backbone() {
    let refuse = |sets: &[&str], config: SearchConfig| {
        SearchPlan::new(recipe(sets), config)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let message = refuse(&["model.name=resnet20_cifar"], SearchConfig::default());
    assert!(message.contains("`model.name` is resnet20_cifar, expected an EfficientNetV2"));
    let many = SearchConfig { minival_per_class: 1_000_000, ..SearchConfig::default() };
    assert!(refuse(&[], many).contains("1000000"));
    assert!(refuse(&["data.source=nowhere"], SearchConfig::default()).contains("nowhere"));
}

#[test]
fn a_proxy_trains_measures_and_stops() {
    let folder = TempDir::new().unwrap();
    let config = SearchConfig {
        epochs: 1,
        image_size: Some(8),
        minival_per_class: 995,
        timed_steps: 1,
        ..SearchConfig::default()
    };
    let plan = SearchPlan::new(recipe(&["train.batch_size=16"]), config.clone()).unwrap();
    let machine = Machine::cpu(1);
    let (scratch, stop) = (folder.path().join("trial"), AtomicBool::new(false));
    let backbone = plan.space().backbone_layout().clone();
    let mut observer = ();
    let mut proxy = Proxy::new(&plan, &machine, &scratch, &mut observer, &stop).unwrap();
    let mut measure = || match proxy.evaluate(&backbone).unwrap() {
        Verdict::Measured(measured) => measured,
        other => panic!("{other:?}"),
    };
    let (one, two) = (measure(), measure());
    assert_eq!((one.samples, one.params), (9950, one.backbone_params));
    assert_eq!(one.correct, two.correct, "accuracy does not depend on time");
    assert!(one.step_ms > 0.0 && one.seconds > 0.0 && one.macs > 1_000_000);
    assert!(!scratch.exists(), "the run of a trial is not kept");
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(proxy.evaluate(&backbone).unwrap(), Verdict::Interrupted);

    let wild = ["optimizer.lr=1e30", "schedule.kind=constant", "train.batch_size=16"];
    let plan = SearchPlan::new(recipe(&wild), config).unwrap();
    let (stop, mut observer) = (AtomicBool::new(false), ());
    let mut proxy = Proxy::new(&plan, &machine, &scratch, &mut observer, &stop).unwrap();
    match proxy.evaluate(&backbone).unwrap() {
        Verdict::Failed(reason) => assert!(reason.contains("not finite at step"), "{reason}"),
        other => panic!("{other:?}"),
    }
}
