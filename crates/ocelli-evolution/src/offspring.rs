//! The children of a generation: mutation and crossover.

use crate::{Config, Space, Strategy, Weight};
use ocelli_random::{ChaCha8Rng, Purpose, Seed};
use rand::RngExt;
use rayon::prelude::*;

const CHILD: Purpose = Purpose("evolution-child");
const DITHER: Purpose = Purpose("evolution-dither");

/// Parents that have children in `generation`.
pub(crate) struct Parents<'a> {
    pub(crate) config: &'a Config,
    pub(crate) space: &'a Space,
    pub(crate) seed: Seed,
    pub(crate) generation: u64,
    /// `[population, genes]`
    pub(crate) population: &'a [f64],
    /// The index of the fittest.
    pub(crate) best: usize,
}

impl Parents<'_> {
    /// One child of each parent.
    ///
    /// # Shapes
    /// - `children`: `[population, genes]`
    pub(crate) fn children(&self, children: &mut Vec<f64>) {
        children.resize(self.population.len(), 0.0);
        let weight = self.weight();
        let rows = children.par_chunks_mut(self.space.len()).enumerate();
        rows.for_each(|(parent, child)| self.child(parent, weight, child));
    }

    fn weight(&self) -> f64 {
        match self.config.weight {
            Weight::Constant(weight) => weight,
            Weight::Dither([low, high]) => {
                let share: f64 = self.seed.stream(DITHER, self.generation, 0).random();
                low + share * (high - low)
            }
        }
    }

    fn child(&self, parent: usize, weight: f64, child: &mut [f64]) {
        let mut random = self.seed.stream(CHILD, self.generation, parent as u64);
        let [base, plus, minus] = self.partners(parent, &mut random).map(|index| self.row(index));
        let config = self.config;
        let crosses = config.crossover < 1.0;
        let certain = if crosses { random.random_range(0..child.len()) } else { 0 };
        for (at, (value, gene)) in child.iter_mut().zip(self.space.genes()).enumerate() {
            let inherits = crosses && random.random::<f64>() >= config.crossover && at != certain;
            *value = if inherits {
                self.row(parent)[at]
            } else {
                let mutant = base[at] + weight * (plus[at] - minus[at]);
                config.bounds.apply(mutant, *gene, &mut random)
            };
        }
    }

    /// The three individuals that a mutant is made of: a base, and two whose difference is added.
    fn partners(&self, parent: usize, random: &mut ChaCha8Rng) -> [usize; 3] {
        let excluded = (!self.config.may_include_parent).then_some(parent);
        let mut taken = [usize::MAX; 3];
        let count = match self.config.strategy {
            Strategy::Rand1 => 3,
            Strategy::Best1 => 2,
        };
        for slot in 0..count {
            taken[slot] = loop {
                let index = random.random_range(0..self.config.population);
                if Some(index) != excluded && !taken[..slot].contains(&index) {
                    break index;
                }
            };
        }
        match self.config.strategy {
            Strategy::Rand1 => taken,
            Strategy::Best1 => [self.best, taken[0], taken[1]],
        }
    }

    fn row(&self, index: usize) -> &[f64] {
        &self.population[index * self.space.len()..][..self.space.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gene;

    fn children(config: &Config, population: &[f64]) -> Vec<f64> {
        let space = Space::new(vec![Gene::uniform(-1e9, 1e9); 2]);
        let parents =
            Parents { config, space: &space, seed: Seed(5), generation: 1, population, best: 2 };
        let mut children = Vec::new();
        parents.children(&mut children);
        children
    }

    /// Powers of two, so that a sum tells what it was made of.
    fn population() -> Vec<f64> {
        (0..8)
            .flat_map(|index| [f64::from(1 << (2 * index)), f64::from(-(1 << (2 * index)))])
            .collect()
    }

    #[test]
    fn a_mutant_is_made_of_three_others() {
        let config = Config { population: 8, ..Config::default() };
        let population = population();
        for (parent, child) in children(&config, &population).chunks(2).enumerate() {
            assert_eq!(child[0], -child[1], "all genes of the same three");
            let is_made = (0..8).any(|a| {
                (0..8).any(|b| {
                    (0..8).any(|c| {
                        let others = [a, b, c];
                        let distinct = a != b && b != c && a != c && !others.contains(&parent);
                        let value = |index: usize| population[2 * index];
                        distinct && child[0] == value(a) + 0.5 * (value(b) - value(c))
                    })
                })
            });
            assert!(is_made, "child {parent}: {child:?}");
        }
    }

    #[test]
    fn best1_starts_from_the_best() {
        let strategy = Strategy::Best1;
        let config =
            Config { population: 8, strategy, weight: Weight::Constant(0.0), ..Config::default() };
        assert!(children(&config, &population()).chunks(2).all(|child| child == [16.0, -16.0]));
    }

    #[test]
    fn crossover_keeps_genes_of_the_parent_but_never_all() {
        let config = Config { population: 8, crossover: 0.0, ..Config::default() };
        let population = population();
        for (child, parent) in children(&config, &population).chunks(2).zip(population.chunks(2)) {
            let kept = child.iter().zip(parent).filter(|(child, parent)| child == parent).count();
            assert_eq!(kept, 1, "{child:?} of {parent:?}");
        }
    }

    /// Whether each gene of each child is the mutant's: with F = 0 and `best1` that is the best's.
    fn crossed(crossover: f64, individuals: usize, genes: usize) -> Vec<Vec<bool>> {
        let space = Space::new(vec![Gene::uniform(-1e9, 1e9); genes]);
        let config = Config {
            population: individuals,
            strategy: Strategy::Best1,
            weight: Weight::Constant(0.0),
            crossover,
            ..Config::default()
        };
        let population: Vec<f64> =
            (0..individuals).flat_map(|index| vec![index as f64; genes]).collect();
        let population = &population[..];
        let parents = Parents {
            config: &config,
            space: &space,
            seed: Seed(2),
            generation: 3,
            population,
            best: 0,
        };
        let mut children = Vec::new();
        parents.children(&mut children);
        let is_mutant = |child: &[f64]| child.iter().map(|gene| *gene == 0.0).collect();
        // The best's own child is the best whatever crosses.
        children.chunks(genes).skip(1).map(is_mutant).collect()
    }

    #[test]
    fn so_many_genes_cross_as_the_rate_says() {
        for rate in [0.3, 0.7] {
            let genes = 50;
            let crossed = crossed(rate, 401, genes).concat();
            let share = crossed.iter().filter(|is_mutant| **is_mutant).count() as f64 / 20_000.0;
            // One gene is certain. The deviation of the share is 0.0033.
            let expected = rate + (1.0 - rate) / genes as f64;
            assert!((share - expected).abs() < 0.012, "{share} of genes at rate {rate}");
        }
        assert!(crossed(1.0, 20, 5).concat().iter().all(|is_mutant| *is_mutant));
    }

    #[test]
    fn the_gene_that_is_certain_is_any_gene() {
        let mut counts = [0; 4];
        for child in crossed(0.0, 401, 4) {
            let certain: Vec<usize> = (0..4).filter(|gene| child[*gene]).collect();
            assert_eq!(certain.len(), 1, "{child:?}");
            counts[certain[0]] += 1;
        }
        // 100 each are expected, with a deviation of 9.
        assert!(counts.iter().all(|count| (65..=135).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_parent_is_in_its_own_mutant_only_where_it_may_be() {
        let includes = |may_include_parent| {
            let config = Config { population: 8, may_include_parent, ..Config::default() };
            let space = Space::new(vec![Gene::uniform(-1e9, 1e9)]);
            let population = &[0.0; 8][..];
            let parents = Parents {
                config: &config,
                space: &space,
                seed: Seed(1),
                generation: 1,
                population,
                best: 0,
            };
            let partners = |at: u64| parents.partners(5, &mut Seed(1).stream(CHILD, 1, at));
            (0..100).filter(|at| partners(*at).contains(&5)).count()
        };
        assert_eq!(includes(false), 0);
        // Three of eight are 37.5 of 100.
        assert!((20..=55).contains(&includes(true)), "{}", includes(true));
    }

    #[test]
    fn dither_draws_one_weight_for_a_generation() {
        let weight = Weight::Dither([0.5, 1.0]);
        let config = Config { weight, ..Config::default() };
        let space = Space::new(vec![Gene::uniform(0.0, 1.0)]);
        let draw = |generation| {
            let population = &[][..];
            let config = &config;
            Parents { config, space: &space, seed: Seed(5), generation, population, best: 0 }
                .weight()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!((1..100).all(|generation| (0.5..1.0).contains(&draw(generation))));
    }
}
