use super::*;
use crate::search::config::{EvolutionConfig, ReinforceConfig};
use std::collections::HashSet;

/// The decisions of two stages of the paper's space.
const DECISIONS: [usize; 8] = [2, 2, 3, 3, 2, 2, 3, 2];
const SAMPLERS: [SamplerKind; 3] =
    [SamplerKind::Random, SamplerKind::Evolution, SamplerKind::Reinforce];

fn config(sampler: SamplerKind) -> SearchConfig {
    SearchConfig { sampler, ..SearchConfig::default() }
}

/// A world in which the larger options of the first four decisions are better.
fn reward(choices: &[usize]) -> f64 {
    0.5 + choices[..4].iter().map(|choice| *choice as f64).sum::<f64>() / 50.0
}

fn search(config: &SearchConfig, seed: u64, trials: usize) -> Vec<Scored> {
    let mut past = Vec::new();
    while past.len() < trials {
        let choices = propose(config, Seed(seed), &DECISIONS, &past);
        past.push(Scored { reward: reward(&choices), choices });
    }
    past
}

#[test]
fn every_option_of_every_decision_is_drawn_and_no_other() {
    for sampler in SAMPLERS {
        let trials = search(&config(sampler), 1, 150);
        for (at, options) in DECISIONS.iter().enumerate() {
            let drawn: HashSet<usize> = trials.iter().map(|trial| trial.choices[at]).collect();
            assert_eq!(drawn, (0..*options).collect(), "{sampler:?}, decision {at}");
        }
    }
}

#[test]
fn a_proposal_follows_from_the_past_and_the_seed_alone() {
    for sampler in SAMPLERS {
        let (whole, other) = (search(&config(sampler), 3, 40), search(&config(sampler), 4, 40));
        assert_ne!(whole, other, "{sampler:?}");
        for done in [0, 1, 11, 12, 13, 39] {
            let next = propose(&config(sampler), Seed(3), &DECISIONS, &whole[..done]);
            assert_eq!(next, whole[done].choices, "{sampler:?} after {done}");
        }
    }
}

#[test]
fn no_network_is_tried_twice_while_there_are_others() {
    for sampler in SAMPLERS {
        let trials = search(&config(sampler), 5, 60);
        let different: HashSet<&Vec<usize>> = trials.iter().map(|trial| &trial.choices).collect();
        assert_eq!(different.len(), 60, "{sampler:?}");
    }
    let only = propose(
        &config(SamplerKind::Random),
        Seed(0),
        &[1, 1],
        &[Scored { choices: vec![0, 0], reward: 0.5 }],
    );
    assert_eq!(only, [0, 0], "rather again than never");
}

#[test]
fn what_learns_finds_better_networks_than_chance() {
    let late = |sampler| {
        let rewards = |seed| search(&config(sampler), seed, 60)[40..].to_vec();
        (0..10).flat_map(rewards).map(|trial| trial.reward).sum::<f64>() / 200.0
    };
    let chance = late(SamplerKind::Random);
    for sampler in [SamplerKind::Evolution, SamplerKind::Reinforce] {
        let learnt = late(sampler);
        assert!(learnt > chance + 0.02, "{sampler:?}: {learnt} against {chance}");
    }
}

#[test]
fn evolution_mutates_one_decision_of_a_member_of_the_population() {
    let evolution = EvolutionConfig { population: 6, tournament: 6 };
    let config = SearchConfig { evolution, ..config(SamplerKind::Evolution) };
    let trials = search(&config, 2, 30);
    for at in 6..30 {
        let population = &trials[at - 6..at];
        let best = population.iter().map(|trial| trial.reward).fold(0.0, f64::max);
        let distance = |parent: &Scored| {
            parent.choices.iter().zip(&trials[at].choices).filter(|(a, b)| a != b).count()
        };
        let parents = population.iter().filter(|trial| trial.reward == best);
        assert_eq!(parents.map(distance).min(), Some(1), "trial {at}");
    }
}

#[test]
fn a_failed_trial_has_no_offspring_while_others_compete() {
    let mut past = search(&config(SamplerKind::Random), 7, 3);
    past[1].reward = 0.0;
    let evolution = EvolutionConfig { population: 3, tournament: 2 };
    let config = SearchConfig { evolution, ..config(SamplerKind::Evolution) };
    for seed in 0..50 {
        let child = propose(&config, Seed(seed), &DECISIONS, &past);
        let distance = past[1].choices.iter().zip(&child).filter(|(a, b)| a != b).count();
        assert!(distance > 1, "{child:?}");
    }
}

#[test]
fn the_policy_moves_by_advantage_times_gradient() {
    let config = ReinforceConfig { learning_rate: 2.0, baseline_decay: 0.5 };
    let trial = |choice, reward| Scored { choices: vec![choice], reward };
    // The first trial sets the baseline. Then 0.5 · 2 · (one-hot − ½), and the baseline is 0.75.
    let policy = reinforce::learn(&config, &[2], &[trial(0, 0.5), trial(1, 1.0)]);
    assert_eq!(policy, [[-0.5, 0.5]]);
    let next = reinforce::learn(&config, &[2], &[trial(0, 0.5), trial(1, 1.0), trial(1, 0.75)]);
    assert_eq!(next, policy, "what is worth the baseline teaches nothing");
    let probabilities = reinforce::softmax(&[-0.5, 0.5]);
    assert!((probabilities[1] - 0.731_058_578_630_004_9).abs() < 1e-12);
}
