//! Where individuals live: the range of each gene, and the law of its first value.

use crate::config::require;
use crate::{BoundsRule, Config, Error, Gene, Law, Result, Start};
use ocelli_random::{ChaCha8Rng, Purpose, Seed};
use rand::RngExt;
use rand_distr::{Distribution, Normal};
use rayon::prelude::*;

const FIRST: Purpose = Purpose("evolution-first");
const STRATA: Purpose = Purpose("evolution-strata");

impl Gene {
    fn draw(self, rule: BoundsRule, random: &mut ChaCha8Rng) -> f64 {
        match self.law {
            Law::Uniform => self.at(random.random::<f64>()),
            Law::Normal { mean, deviation } => {
                let value = Normal::new(mean, deviation).map_or(mean, |law| law.sample(random));
                rule.apply(value, self, random)
            }
        }
    }
}

/// All genes of an individual.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    genes: Vec<Gene>,
}

impl Space {
    /// Individuals of these genes.
    pub fn new(genes: Vec<Gene>) -> Self {
        Self { genes }
    }

    /// How many genes an individual has.
    pub fn len(&self) -> usize {
        self.genes.len()
    }

    /// Whether there is no gene.
    pub fn is_empty(&self) -> bool {
        self.genes.is_empty()
    }

    /// The genes.
    pub fn genes(&self) -> &[Gene] {
        &self.genes
    }

    pub(crate) fn check(&self) -> Result<()> {
        require("genes", 0, !self.is_empty(), "one or more")?;
        for gene in &self.genes {
            let Gene { low, high, law } = *gene;
            let wide = low.is_finite() && high.is_finite() && low <= high;
            if !wide || !(high - low).is_finite() {
                let (found, expected) = (format!("{low} to {high}"), "low ≤ high".to_owned());
                return Err(Error::Setting { field: "range", found, expected });
            }
            if let Law::Normal { mean, deviation } = law {
                let fine = mean.is_finite() && deviation.is_finite() && deviation >= 0.0;
                let found = format!("{mean} ± {deviation}");
                require("law", found, fine, "finite numbers, the deviation 0 or more")?;
            }
        }
        Ok(())
    }

    /// The first population.
    ///
    /// # Shapes
    /// - result: `[population, genes]`
    pub(crate) fn first(&self, config: &Config, seed: Seed) -> Vec<f64> {
        let mut population = vec![0.0; config.population * self.len()];
        let orders = match config.start {
            Start::ByLaw => Vec::new(),
            Start::LatinHypercube => self.strata(config.population, seed),
        };
        let rows = population.par_chunks_mut(self.len()).enumerate();
        rows.for_each(|(individual, row)| {
            let mut random = seed.stream(FIRST, 0, individual as u64);
            for (at, (value, gene)) in row.iter_mut().zip(&self.genes).enumerate() {
                *value = match orders.get(at) {
                    None => gene.draw(config.bounds, &mut random),
                    Some(order) => {
                        let inside = f64::from(order[individual]) + random.random::<f64>();
                        gene.at(inside / config.population as f64)
                    }
                };
            }
        });
        population
    }

    /// For each gene, which stratum of its range each individual has.
    fn strata(&self, population: usize, seed: Seed) -> Vec<Vec<u32>> {
        let order = |gene: usize| {
            let mut random = seed.stream(STRATA, 0, gene as u64);
            let mut order: Vec<u32> = (0..population as u32).collect();
            for at in (1..population).rev() {
                order.swap(at, random.random_range(0..=at));
            }
            order
        };
        (0..self.len()).map(order).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_values_follow_their_laws() {
        let genes = vec![Gene::uniform(0.0, 32.0), Gene::normal(0.0, 255.0, 128.0, 127.0)];
        let config = Config { population: 4000, ..Config::default() };
        let first = Space::new(genes).first(&config, Seed(3));
        let column = |gene: usize| first.iter().skip(gene).step_by(2);
        let mean = |gene| column(gene).sum::<f64>() / 4000.0;
        assert!((mean(0) - 16.0).abs() < 0.5, "{}", mean(0));
        assert!((mean(1) - 128.0).abs() < 5.0, "{}", mean(1));
        let clipped = column(1).filter(|value| [0.0, 255.0].contains(*value)).count() as f64;
        assert!((clipped / 4000.0 - 0.315).abs() < 0.03, "beyond one deviation: {clipped}");
    }

    #[test]
    fn a_latin_hypercube_has_one_individual_in_each_stratum() {
        let start = Start::LatinHypercube;
        let config = Config { population: 50, start, ..Config::default() };
        let space = Space::new(vec![Gene::uniform(0.0, 50.0), Gene::uniform(100.0, 150.0)]);
        let first = space.first(&config, Seed(1));
        for gene in 0..2 {
            let mut strata: Vec<u64> =
                first.iter().skip(gene).step_by(2).map(|v| *v as u64).collect();
            assert!(!strata.is_sorted());
            strata.sort_unstable();
            assert_eq!(strata, (gene as u64 * 100..gene as u64 * 100 + 50).collect::<Vec<_>>());
        }
    }

    #[test]
    fn impossible_genes_are_refused() {
        let refused = |genes| Space::new(genes).check().unwrap_err().to_string();
        assert!(refused(vec![]).contains("`genes` is 0"));
        assert!(refused(vec![Gene::uniform(1.0, 0.0)]).contains("1 to 0"));
        assert!(refused(vec![Gene::uniform(f64::MIN, f64::MAX)]).contains("`range`"));
        assert!(refused(vec![Gene::normal(0.0, 1.0, 0.0, -1.0)]).contains("0 ± -1"));
    }
}
