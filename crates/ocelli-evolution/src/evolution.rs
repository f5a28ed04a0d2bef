//! The loop over generations, turned inside out: it hands out candidates and takes their fitness.

use crate::offspring::Parents;
use crate::{Config, Error, Generation, Objective, Result, Selection, Space, State};
use ocelli_random::Seed;

#[cfg(test)]
mod tests;

/// An evolution under way.
#[derive(Clone, Debug)]
pub struct Evolution {
    config: Config,
    space: Space,
    seed: Seed,
    state: State,
    /// The candidates of this generation, `[population, genes]`.
    candidates: Vec<f64>,
    end: Option<End>,
}

/// Why an evolution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// [`StopRules::generations`](crate::StopRules::generations)
    Generations,
    /// [`StopRules::fitness`](crate::StopRules::fitness)
    Fitness,
    /// [`StopRules::evaluations`](crate::StopRules::evaluations)
    Evaluations,
    /// [`StopRules::spread`](crate::StopRules::spread)
    Spread,
}

/// The fittest individual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best<'a> {
    /// Its genes.
    pub genes: &'a [f64],
    /// Its fitness.
    pub fitness: f64,
}

impl Evolution {
    /// An evolution before its first evaluation.
    ///
    /// # Errors
    /// [`Error::Setting`] when a setting is out of range.
    pub fn new(config: Config, space: Space, seed: Seed) -> Result<Self> {
        let state = State {
            generation: 0,
            population: Vec::new(),
            fitness: Vec::new(),
            evaluated: Vec::new(),
            trace: Vec::new(),
        };
        Self::resume(config, space, seed, state)
    }

    /// Goes on from a state of an evolution with the same settings and seed.
    ///
    /// # Errors
    /// [`Error::Setting`] when a setting is out of range, [`Error::State`] when the state is not one of
    /// such an evolution.
    pub fn resume(config: Config, space: Space, seed: Seed, state: State) -> Result<Self> {
        config.check()?;
        space.check()?;
        state.check(&config, &space)?;
        let mut evolution = Self { config, space, seed, state, candidates: Vec::new(), end: None };
        evolution.end = evolution.look_for_end();
        if evolution.end.is_none() {
            evolution.make_candidates();
        }
        Ok(evolution)
    }

    /// The candidates that wait for evaluation, in their order; none when the evolution has ended.
    ///
    /// # Shapes
    /// - result: `[waiting, genes]`
    pub fn pending(&self) -> &[f64] {
        let done = self.state.evaluated.len() * self.space.len();
        self.candidates.get(done..).unwrap_or_default()
    }

    /// How many candidates wait.
    pub fn pending_count(&self) -> usize {
        self.pending().len() / self.space.len()
    }

    /// Takes the fitness of the first of the [`pending`](Self::pending) candidates, as many as there
    /// are. After the last of a generation comes selection, and the next generation waits.
    ///
    /// # Errors
    /// [`Error::Answers`] when there are more than candidates wait.
    pub fn tell(&mut self, fitness: &[f64]) -> Result<()> {
        let waiting = self.pending_count();
        if fitness.len() > waiting {
            return Err(Error::Answers { found: fitness.len(), expected: waiting });
        }
        self.state.evaluated.extend_from_slice(fitness);
        if waiting > 0 && fitness.len() == waiting {
            self.close_generation();
        }
        Ok(())
    }

    /// Evolves to the end, a generation at a time.
    ///
    /// # Errors
    /// [`Error::Answers`] when the objective answers for another number of candidates.
    pub fn run(&mut self, objective: &mut impl Objective) -> Result<End> {
        self.run_in_blocks(objective, usize::MAX)
    }

    /// Evolves to the end, `block` candidates at a time. The result is the same for any block.
    ///
    /// # Errors
    /// [`Error::Answers`] when the objective answers for another number of candidates.
    pub fn run_in_blocks(&mut self, objective: &mut impl Objective, block: usize) -> Result<End> {
        loop {
            if let Some(end) = self.end {
                return Ok(end);
            }
            let expected = self.pending_count().min(block.max(1));
            let candidates = &self.pending()[..expected * self.space.len()];
            let fitness = objective.evaluate(candidates, self.space.len());
            if fitness.len() != expected {
                return Err(Error::Answers { found: fitness.len(), expected });
            }
            self.tell(&fitness)?;
        }
    }

    /// Why it ended, if it has.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// The fittest survivor; none before the first generation is whole.
    pub fn best(&self) -> Option<Best<'_>> {
        let best = self.best_index()?;
        let genes = &self.state.population[best * self.space.len()..][..self.space.len()];
        Some(Best { genes, fitness: self.state.fitness[best] })
    }

    /// How many generations after the first population are whole.
    pub fn generations(&self) -> u64 {
        self.state.generation.saturating_sub(1)
    }

    /// How many candidates were evaluated in all.
    pub fn evaluations(&self) -> u64 {
        self.state.generation * self.config.population as u64 + self.state.evaluated.len() as u64
    }

    /// What became of each generation; the first entry is the first population.
    pub fn trace(&self) -> &[Generation] {
        &self.state.trace
    }

    /// All that must be remembered to go on.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn best_index(&self) -> Option<usize> {
        let is_better = |new: usize, old: usize| {
            self.config.goal.is_better(self.state.fitness[new], self.state.fitness[old])
        };
        (0..self.state.fitness.len()).reduce(|old, new| if is_better(new, old) { new } else { old })
    }

    fn close_generation(&mut self) {
        if self.state.generation == 0 {
            self.state.population = std::mem::take(&mut self.candidates);
            self.state.fitness = std::mem::take(&mut self.state.evaluated);
        } else {
            match self.config.selection {
                Selection::SameIndex => self.select_same_index(false),
                Selection::SameIndexOrEqual => self.select_same_index(true),
                Selection::BestOfBoth => self.select_best_of_both(),
            }
            self.state.evaluated.clear();
        }
        self.state.generation += 1;
        let best = self.best().map_or(f64::NAN, |best| best.fitness);
        let sum: f64 = self.state.fitness.iter().sum();
        let mean = sum / self.config.population as f64;
        self.state.trace.push(Generation { best, mean });
        self.end = self.look_for_end();
        self.candidates.clear();
        if self.end.is_none() {
            self.make_candidates();
        }
    }

    fn select_same_index(&mut self, equal_too: bool) {
        let genes = self.space.len();
        for (index, fitness) in self.state.evaluated.iter().enumerate() {
            let parent = self.state.fitness[index];
            if self.config.goal.is_better(*fitness, parent) || (equal_too && *fitness == parent) {
                let row = index * genes..(index + 1) * genes;
                self.state.population[row.clone()].copy_from_slice(&self.candidates[row]);
                self.state.fitness[index] = *fitness;
            }
        }
    }

    fn select_best_of_both(&mut self) {
        let (genes, count) = (self.space.len(), self.config.population);
        let fitness = [&self.state.fitness[..], &self.state.evaluated].concat();
        let mut order: Vec<usize> = (0..fitness.len()).collect();
        let better = |a: usize, b: usize| self.config.goal.is_better(fitness[a], fitness[b]);
        order.sort_by(|&a, &b| better(b, a).cmp(&better(a, b)).then(a.cmp(&b)));
        order.truncate(count);
        let row = |index: usize| match index.checked_sub(count) {
            None => &self.state.population[index * genes..][..genes],
            Some(child) => &self.candidates[child * genes..][..genes],
        };
        let population = order.iter().flat_map(|index| row(*index)).copied().collect();
        self.state.fitness = order.iter().map(|index| fitness[*index]).collect();
        self.state.population = population;
    }

    fn look_for_end(&self) -> Option<End> {
        let rules = &self.config.stop;
        let best = self.best()?.fitness;
        let counts = rules.at_start || self.state.generation > 1;
        if counts && rules.fitness.is_some_and(|limit| self.config.goal.is_better(best, limit)) {
            return Some(End::Fitness);
        }
        if counts && rules.spread.is_some_and(|limit| self.has_spread_of(limit)) {
            return Some(End::Spread);
        }
        if self.generations() >= rules.generations {
            return Some(End::Generations);
        }
        let next = (self.state.generation + 1) * self.config.population as u64;
        rules.evaluations.is_some_and(|limit| next > limit).then_some(End::Evaluations)
    }

    /// Whether the deviation of fitness is at most this share of the size of its mean.
    fn has_spread_of(&self, limit: f64) -> bool {
        let fitness = &self.state.fitness;
        let count = fitness.len() as f64;
        let mean = fitness.iter().sum::<f64>() / count;
        let variance = fitness.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        variance.sqrt() <= limit * mean.abs()
    }

    fn make_candidates(&mut self) {
        if self.state.generation == 0 {
            self.candidates = self.space.first(&self.config, self.seed);
            return;
        }
        let parents = Parents {
            config: &self.config,
            space: &self.space,
            seed: self.seed,
            generation: self.state.generation,
            population: &self.state.population,
            best: self.best_index().unwrap_or(0),
        };
        parents.children(&mut self.candidates);
    }
}
