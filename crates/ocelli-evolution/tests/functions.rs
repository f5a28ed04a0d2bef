//! Test functions, and that nothing but the seed decides what is found.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use ocelli_evolution::{
    BoundsRule, Config, End, Error, Evolution, Gene, Generation, Goal, Selection, Space, Start,
    State, StopRules, Strategy, Weight,
};
use ocelli_random::Seed;
use proptest::prelude::*;
use std::f64::consts::{E, TAU};

fn sphere(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}

fn ackley(x: &[f64]) -> f64 {
    let n = x.len() as f64;
    let waves = x.iter().map(|x| (TAU * x).cos()).sum::<f64>() / n;
    -20.0 * (-0.2 * (sphere(x) / n).sqrt()).exp() - waves.exp() + 20.0 + E
}

fn space(genes: usize) -> Space {
    Space::new(vec![Gene::uniform(-5.0, 5.0); genes])
}

fn evolve(config: &Config, function: fn(&[f64]) -> f64, seed: u64) -> Evolution {
    let mut evolution = Evolution::new(config.clone(), space(5), Seed(seed)).unwrap();
    evolution.run(&mut |x: &[f64]| function(x)).unwrap();
    evolution
}

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn sphere_and_ackley_in_five_dimensions_are_solved_in_a_hundred_generations() {
    let peer = Config {
        strategy: Strategy::Best1,
        weight: Weight::Dither([0.5, 1.0]),
        crossover: 0.7,
        bounds: BoundsRule::Redraw,
        start: Start::LatinHypercube,
        ..Config::default()
    };
    for config in [Config::default(), peer] {
        for (name, function) in [("sphere", sphere as fn(&[f64]) -> f64), ("ackley", ackley)] {
            for seed in 0..3 {
                let evolution = evolve(&config, function, seed);
                let best = evolution.best().unwrap().fitness;
                assert!(best < 1e-3, "{name}, seed {seed}, {:?}: {best}", config.strategy);
                assert_eq!(evolution.end(), Some(End::Generations));
                assert_eq!(evolution.evaluations(), 400 * 101);
                assert_eq!((evolution.generations(), evolution.trace().len()), (100, 101));
            }
        }
    }
}

#[test]
fn maximising_the_negative_is_minimising() {
    let small = Config { population: 40, ..Config::default() };
    let flipped = Config { goal: Goal::Maximise, ..small.clone() };
    let best = |evolution: &Evolution| evolution.best().unwrap().genes.to_vec();
    let negative: fn(&[f64]) -> f64 = |x| -ackley(x);
    assert_eq!(best(&evolve(&small, ackley, 7)), best(&evolve(&flipped, negative, 7)));
}

#[test]
fn threads_and_blocks_change_nothing() {
    let config = Config { population: 61, crossover: 0.8, ..Config::default() };
    let run = |threads: usize, block: usize| {
        in_pool(threads, || {
            let mut evolution = Evolution::new(config.clone(), space(5), Seed(11)).unwrap();
            evolution.run_in_blocks(&mut |x: &[f64]| ackley(x), block).unwrap();
            evolution.state().clone()
        })
    };
    let whole = run(1, usize::MAX);
    for (threads, block) in [(1, 1), (2, 7), (3, 61), (5, 60)] {
        assert_eq!(run(threads, block), whole, "{threads} threads, blocks of {block}");
    }
    let other = Evolution::new(config.clone(), space(5), Seed(12)).unwrap();
    let same = Evolution::new(config, space(5), Seed(11)).unwrap();
    assert_ne!(other.pending(), same.pending());
}

#[test]
fn best_fitness_never_gets_worse() {
    for selection in [Selection::SameIndex, Selection::SameIndexOrEqual, Selection::BestOfBoth] {
        let config = Config { population: 30, selection, ..Config::default() };
        let evolution = evolve(&config, ackley, 2);
        let is_monotone =
            |pair: &[Generation]| pair[1].best <= pair[0].best && pair[1].mean <= pair[0].mean;
        assert!(evolution.trace().windows(2).all(is_monotone), "{selection:?}");
        assert!(evolution.best().unwrap().fitness < 1.0, "{selection:?}");
    }
}

#[test]
fn a_state_from_the_middle_of_a_generation_goes_on_to_the_same_bits() {
    let weight = Weight::Dither([0.5, 1.0]);
    let config = Config { population: 23, weight, bounds: BoundsRule::Redraw, ..Config::default() };
    let whole = evolve(&config, ackley, 4);
    for stop_at in [0, 1, 22, 23, 24, 23 * 50 + 11, 23 * 101 - 1, 23 * 101] {
        let mut evolution = Evolution::new(config.clone(), space(5), Seed(4)).unwrap();
        while evolution.evaluations() < stop_at {
            let next: Vec<f64> = evolution.pending().chunks(5).take(1).map(ackley).collect();
            evolution.tell(&next).unwrap();
        }
        let text = serde_json::to_string(evolution.state()).unwrap();
        let state: State = serde_json::from_str(&text).unwrap();
        let mut resumed = Evolution::resume(config.clone(), space(5), Seed(4), state).unwrap();
        assert_eq!(resumed.evaluations(), stop_at);
        resumed.run(&mut |x: &[f64]| ackley(x)).unwrap();
        assert_eq!(resumed.state(), whole.state(), "stopped after {stop_at} evaluations");
    }
}

#[test]
fn a_state_of_another_evolution_is_refused() {
    let config = Config { population: 10, ..Config::default() };
    let state = evolve(&config, sphere, 1).state().clone();
    let resume = |config: &Config, genes, state: &State| {
        Evolution::resume(config.clone(), space(genes), Seed(1), state.clone())
    };
    assert!(resume(&config, 5, &state).is_ok());
    let larger = Config { population: 11, ..config.clone() };
    assert!(matches!(resume(&larger, 5, &state), Err(Error::State { .. })));
    assert!(matches!(resume(&config, 4, &state), Err(Error::State { .. })));
    let mut value = serde_json::to_value(&state).unwrap();
    value["population"][3] = 99.0_f64.to_bits().into();
    let beyond: State = serde_json::from_value(value.clone()).unwrap();
    let message = resume(&config, 5, &beyond).unwrap_err().to_string();
    assert!(message.contains("out of its range"), "{message}");
    value["trace"] = serde_json::json!([]);
    let without: State = serde_json::from_value(value).unwrap();
    assert!(matches!(resume(&config, 5, &without), Err(Error::State { .. })));
}

#[test]
fn stop_rules_end_after_whole_generations() {
    let run = |stop: StopRules| {
        let config = Config { population: 20, stop, ..Config::default() };
        let evolution = evolve(&config, sphere, 3);
        (evolution.end().unwrap(), evolution.evaluations(), evolution.pending().len())
    };
    let rules = StopRules::default();
    assert_eq!(run(StopRules { generations: 0, ..rules.clone() }), (End::Generations, 20, 0));
    assert_eq!(
        run(StopRules { evaluations: Some(99), ..rules.clone() }),
        (End::Evaluations, 80, 0)
    );
    let easy = StopRules { fitness: Some(1e9), ..rules.clone() };
    assert_eq!(run(easy.clone()), (End::Fitness, 20, 0));
    assert_eq!(run(StopRules { at_start: false, ..easy }), (End::Fitness, 40, 0));
    let (end, evaluations, _) = run(StopRules { fitness: Some(1.0), ..rules.clone() });
    assert!(end == End::Fitness && evaluations > 20 && evaluations < 20 * 101);
    let (end, ..) = run(StopRules { spread: Some(1e9), ..rules });
    assert_eq!(end, End::Spread);
}

#[test]
fn answers_that_are_not_numbers_lose_and_too_many_are_refused() {
    let config = Config { population: 10, ..Config::default() };
    let broken: fn(&[f64]) -> f64 = |x| if x[0] > 0.0 { f64::NAN } else { sphere(x) };
    let best = evolve(&config, broken, 6);
    assert!(best.best().unwrap().genes[0] <= 0.0);
    let mut evolution = Evolution::new(config, space(5), Seed(0)).unwrap();
    let refused = evolution.tell(&[0.0; 11]);
    assert_eq!(refused, Err(Error::Answers { found: 11, expected: 10 }));
}

proptest! {
    #![proptest_config(ocelli_testkit::cases(64))]
    #[test]
    fn no_candidate_ever_leaves_its_range(
        seed: u64,
        rule in 0..4_usize,
        best in any::<bool>(),
        weight in 0.0_f64..3.0,
        ranges in proptest::collection::vec((-1e3_f64..1e3, 0.0_f64..1e3), 1..8),
    ) {
        let rules = [BoundsRule::Clip, BoundsRule::Redraw, BoundsRule::Wrap, BoundsRule::Reflect];
        let config = Config {
            population: 12,
            bounds: rules[rule],
            strategy: if best { Strategy::Best1 } else { Strategy::Rand1 },
            weight: Weight::Constant(weight),
            stop: StopRules { generations: 10, ..StopRules::default() },
            ..Config::default()
        };
        let gene = |(low, width): &(f64, f64)| Gene::normal(*low, low + width, *low, 2.0 * width);
        let genes: Vec<Gene> = ranges.iter().map(gene).collect();
        let mut evolution = Evolution::new(config, Space::new(genes.clone()), Seed(seed)).unwrap();
        while evolution.end().is_none() {
            for candidate in evolution.pending().chunks(genes.len()) {
                for (value, gene) in candidate.iter().zip(&genes) {
                    prop_assert!((gene.low..=gene.high).contains(value));
                }
            }
            let fitness: Vec<f64> = evolution.pending().chunks(genes.len()).map(sphere).collect();
            evolution.tell(&fitness).unwrap();
        }
    }
}
