use super::*;
use crate::{BoundsRule, Gene, Goal, StopRules, Strategy, Weight};
use Survivor::{Child, Parent};

/// An evolution of individuals with two genes, after its first population.
fn after_first(config: Config, fitness: &[f64]) -> Evolution {
    let config = Config { population: fitness.len(), ..config };
    let space = Space::new(vec![Gene::uniform(-1.0, 1.0); 2]);
    let mut evolution = Evolution::new(config, space, Seed(9)).unwrap();
    evolution.tell(fitness).unwrap();
    evolution
}

#[derive(Debug, PartialEq)]
enum Survivor {
    Parent(usize),
    Child(usize),
}

/// Who survives when the second population has this fitness, and the fitness that is kept.
fn survivors(selection: Selection, parents: &[f64], children: &[f64]) -> (Vec<Survivor>, Vec<f64>) {
    // Children that are clipped could be equal.
    let config = Config { selection, bounds: BoundsRule::Redraw, ..Config::default() };
    let mut evolution = after_first(config, parents);
    let old = evolution.state.population.clone();
    let new = evolution.pending().to_vec();
    evolution.tell(children).unwrap();
    let find = |row: &[f64]| {
        let of = |rows: &[f64]| rows.chunks(2).position(|other| other == row);
        of(&old).map(Parent).or_else(|| of(&new).map(Child)).unwrap()
    };
    (evolution.state.population.chunks(2).map(find).collect(), evolution.state.fitness)
}

const PARENTS: [f64; 5] = [10.0, 20.0, 30.0, 40.0, 50.0];
const CHILDREN: [f64; 5] = [15.0, 15.0, 35.0, 35.0, 5.0];

#[test]
fn a_child_replaces_the_parent_of_its_own_index_alone() {
    let (who, fitness) = survivors(Selection::SameIndex, &PARENTS, &CHILDREN);
    assert_eq!(who, [Parent(0), Child(1), Parent(2), Child(3), Child(4)]);
    assert_eq!(fitness, [10.0, 15.0, 30.0, 35.0, 5.0]);
}

#[test]
fn the_best_of_both_are_chosen_from_all_and_stand_in_their_order() {
    let (who, fitness) = survivors(Selection::BestOfBoth, &PARENTS, &CHILDREN);
    assert_eq!(who, [Child(4), Parent(0), Child(0), Child(1), Parent(1)]);
    assert_eq!(fitness, [5.0, 10.0, 15.0, 15.0, 20.0]);
}

#[test]
fn of_equals_the_parent_stays_unless_equals_may_replace_it() {
    let (parents, children) = ([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 3.0, 0.0]);
    let who = |selection| survivors(selection, &parents, &children).0;
    assert_eq!(who(Selection::SameIndex), [Parent(0), Parent(1), Parent(2), Child(3)]);
    assert_eq!(who(Selection::SameIndexOrEqual), [Child(0), Parent(1), Child(2), Child(3)]);
    assert_eq!(
        who(Selection::BestOfBoth),
        [Child(3), Parent(0), Child(0), Parent(1)],
        "parents come first"
    );
    let same = survivors(Selection::BestOfBoth, &[7.0; 4], &[7.0; 4]).0;
    assert_eq!(same, [Parent(0), Parent(1), Parent(2), Parent(3)]);
}

#[test]
fn of_equally_fit_individuals_the_first_is_the_best() {
    let evolution = after_first(Config::default(), &[2.0, 1.0, 3.0, 1.0]);
    assert_eq!(evolution.best_index(), Some(1));
    assert_eq!(evolution.best().unwrap().genes, &evolution.state.population[2..4]);
    let maximise = Config { goal: Goal::Maximise, ..Config::default() };
    assert_eq!(after_first(maximise, &[2.0, 3.0, 3.0, 1.0]).best_index(), Some(1));
}

#[test]
fn the_trace_has_the_best_and_the_mean_of_survivors() {
    let mut evolution = after_first(Config::default(), &PARENTS);
    assert_eq!(evolution.trace(), [Generation { best: 10.0, mean: 30.0 }]);
    evolution.tell(&CHILDREN).unwrap();
    assert_eq!(evolution.trace()[1], Generation { best: 5.0, mean: 19.0 });
}

/// The deviation of these is 2, their variance 4, their mean 2 or −2.
#[test]
fn spread_is_the_deviation_over_the_size_of_the_mean_and_its_threshold_counts() {
    let end = |fitness: &[f64], spread| {
        let stop = StopRules { spread: Some(spread), ..StopRules::default() };
        after_first(Config { stop, ..Config::default() }, fitness).end()
    };
    for sign in [1.0, -1.0] {
        let wide = [0.0, 4.0, 0.0, 4.0].map(|value| sign * value);
        assert_eq!(end(&wide, 1.0), Some(End::Spread), "at the threshold");
        assert_eq!(end(&wide, 0.999), None);
        // Deviation ¼, variance 1/16.
        let narrow = [1.75, 2.25, 1.75, 2.25].map(|value| sign * value);
        assert_eq!(end(&narrow, 0.125), Some(End::Spread));
        assert_eq!(end(&narrow, 0.124), None);
    }
    assert_eq!(end(&[3.0; 4], 0.0), Some(End::Spread), "no deviation at all");
}

#[test]
fn limits_of_fitness_and_evaluations_are_met_exactly() {
    let end = |stop: StopRules| after_first(Config { stop, ..Config::default() }, &PARENTS).end();
    let rules = StopRules::default();
    assert_eq!(end(StopRules { fitness: Some(10.0), ..rules.clone() }), None, "not beyond it");
    assert_eq!(end(StopRules { fitness: Some(10.1), ..rules.clone() }), Some(End::Fitness));
    assert_eq!(end(StopRules { evaluations: Some(10), ..rules.clone() }), None);
    assert_eq!(end(StopRules { evaluations: Some(9), ..rules.clone() }), Some(End::Evaluations));
    assert_eq!(end(StopRules { at_start: false, fitness: Some(10.1), ..rules }), None);
}

#[test]
fn the_best_that_mutants_start_from_is_the_fittest() {
    let config =
        Config { strategy: Strategy::Best1, weight: Weight::Constant(0.0), ..Config::default() };
    let evolution = after_first(config, &[3.0, 2.0, 1.0, 4.0]);
    let best = evolution.state.population[4..6].to_vec();
    assert!(evolution.pending().chunks(2).all(|child| child == best));
}

#[test]
fn evaluations_and_what_waits_are_counted_in_the_middle_of_a_generation() {
    let mut evolution = after_first(Config::default(), &PARENTS);
    assert_eq!((evolution.evaluations(), evolution.pending_count()), (5, 5));
    let children = evolution.pending().to_vec();
    evolution.tell(&CHILDREN[..2]).unwrap();
    assert_eq!((evolution.evaluations(), evolution.pending_count()), (7, 3));
    assert_eq!(evolution.pending(), &children[4..]);
    assert_eq!(evolution.generations(), 0);
    evolution.tell(&[]).unwrap();
    assert_eq!(evolution.evaluations(), 7);
    evolution.tell(&CHILDREN[2..]).unwrap();
    assert_eq!((evolution.evaluations(), evolution.generations()), (10, 1));
}
