//! Counts, bounds and claims against the model itself.

use super::fixture::{CLASSES, SIDE, attack, config, model};
use crate::one_pixel::*;
use ocelli_evolution::{BoundsRule, Strategy};
use std::sync::atomic::AtomicU64;

#[test]
fn reported_evaluations_are_those_that_the_model_saw() {
    for (channels, pixels) in [(1, vec![1]), (3, vec![1, 3])] {
        let random = Config { random: true, ..config() };
        for config in [config(), random, Config::preset(Preset::ScipyPeer)] {
            let evolution = EvolutionSection { population: 40, generations: 9, ..config.evolution };
            let pixels = pixels.clone();
            let config = Config { images: 6, untargeted: true, pixels, evolution, ..config };
            let whole = attack(&config, channels);
            let summary = Summary::new(&whole.plan, &whole.attacked);
            assert_eq!(summary.evaluations + summary.baseline_evaluations, whole.asked);
            assert_eq!(summary.baseline_evaluations > 0, config.random);
            for outcome in whole.attacked.iter().flat_map(|image| &image.outcomes) {
                let (population, evaluations) = (outcome.population as u64, outcome.evaluations);
                assert_eq!(evaluations, population * (outcome.generations + 1));
                assert_eq!(outcome.evaluations_after_start(), population * outcome.generations);
                assert!(evaluations <= population * (config.evolution.generations + 1));
            }
        }
    }
}

#[test]
fn every_claim_holds_when_the_model_is_asked_again() {
    for channels in [1, 3] {
        let config = Config { pixels: vec![1, 2], ..config() };
        let whole = attack(&config, channels);
        let asked = AtomicU64::new(0);
        let mut classifier = model(channels.into(), &asked);
        for image in &whole.attacked {
            let picture = whole.plan.pictures().read(image.image).unwrap();
            assert_eq!(picture.label, image.label);
            for outcome in &image.outcomes {
                let changed = apply(&picture.image, &outcome.changes);
                let both = picture.image.pixels.chunks(channels.into());
                let both = both.zip(changed.pixels.chunks(channels.into()));
                assert!(both.filter(|(old, new)| old != new).count() <= outcome.pixels);
                assert_eq!(outcome.changes.len(), outcome.pixels);
                let inside = |change: &PixelChange| change.x.max(change.y) < SIDE as u32;
                assert!(outcome.changes.iter().all(inside));

                let mut itself = Candidates::new(channels.into());
                itself.push(&[]);
                let mut probabilities = [0.0; CLASSES];
                let mut session = classifier.begin(&changed).unwrap();
                session.probabilities(&itself, &mut probabilities).unwrap();
                let most = probabilities.iter().copied().fold(0.0, f64::max);
                assert_eq!(probabilities[outcome.predicted as usize], most);
                let told =
                    probabilities[outcome.aim.target().unwrap_or(outcome.predicted) as usize];
                assert!((told - outcome.confidence).abs() < 1e-12);
                let left = probabilities[image.label as usize];
                assert!((left - outcome.true_probability).abs() < 1e-12);
                let reached = match outcome.aim {
                    Aim::Target(class) => outcome.predicted == class,
                    Aim::Untargeted => outcome.predicted != image.label,
                };
                assert_eq!(outcome.success, reached);
            }
        }
    }
}

#[test]
fn early_stops_are_those_of_the_paper() {
    let strong =
        EvolutionSection { population: 60, generations: 40, ..EvolutionSection::default() };
    let config = Config { pixels: vec![5], evolution: strong, ..config() };
    let whole = attack(&config, 1);
    let outcomes: Vec<_> = whole.attacked.iter().flat_map(|image| &image.outcomes).collect();
    assert!(outcomes.iter().any(|outcome| outcome.ending == Ending::EarlyStop));
    for outcome in &outcomes {
        let is_beyond = |best: f32| match outcome.aim {
            Aim::Target(_) => best > 0.9,
            Aim::Untargeted => best < 0.05,
        };
        let (last, before) = outcome.best.split_last().unwrap();
        assert_eq!(is_beyond(*last), outcome.ending == Ending::EarlyStop);
        assert!(!before.iter().any(|best| is_beyond(*best)), "it would have stopped before");
        let improves = |pair: &[f32]| match outcome.aim {
            Aim::Target(_) => pair[1] >= pair[0],
            Aim::Untargeted => pair[1] <= pair[0],
        };
        assert!(outcome.best.windows(2).all(improves), "the best never gets worse");
    }
    let never = attack(&Config { stop: Stop::Never, ..config.clone() }, 1);
    let all = never.attacked.iter().flat_map(|image| &image.outcomes);
    assert!(all.clone().all(|outcome| outcome.evaluations == 60 * 41));
    let goes_on =
        all.clone().filter(|outcome| outcome.success).any(|outcome| outcome.confidence > 0.95);
    assert!(goes_on, "success does not stop an attack");

    let first = attack(&Config { stop: Stop::FirstSuccess, ..config }, 1);
    for outcome in first.attacked.iter().flat_map(|image| &image.outcomes) {
        assert_eq!(outcome.success, outcome.ending == Ending::FirstSuccess);
    }
}

#[test]
fn peers_need_two_populations_at_least() {
    let peer = Config { pixels: vec![5], ..Config::preset(Preset::ScipyPeer) };
    let evolution = EvolutionSection { population: 60, generations: 5, ..peer.evolution.clone() };
    let whole = attack(&Config { images: 10, untargeted: true, evolution, ..peer }, 1);
    let outcomes = whole.attacked.iter().flat_map(|image| &image.outcomes);
    let least = outcomes.map(|outcome| outcome.evaluations / outcome.population as u64).min();
    assert_eq!(least, Some(2));
}

#[test]
fn every_switch_leads_to_attacks_that_succeed() {
    type Turn = fn(&mut Config);
    let turns: [Turn; 8] = [
        |config| config.rounding = Rounding::Nearest,
        |config| config.rounding = Rounding::Real,
        |config| config.first_population = FirstPopulation::Uniform,
        |config| config.evolution.bounds = BoundsRule::Wrap,
        |config| config.evolution.bounds = BoundsRule::Reflect,
        |config| config.evolution.may_include_parent = true,
        |config| config.evolution.strategy = Strategy::Best1,
        |config| config.evolution.crossover = 0.7,
    ];
    let rate = |config: &Config| {
        let whole = attack(config, 1);
        Summary::new(&whole.plan, &whole.attacked).groups[2].success_rate
    };
    let paper = rate(&config());
    assert!(paper > 0.3, "{paper}");
    for turn in turns {
        let mut config = config();
        turn(&mut config);
        let turned = rate(&config);
        assert!((turned - paper).abs() <= 0.21, "{turned} or {paper} with {config:?}");
    }
}
