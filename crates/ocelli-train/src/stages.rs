//! The stages of a training.

use crate::Recipe;
use ocelli_data::Loader;

/// A part of a training with settings of its own.
pub struct Stage {
    /// The recipe of this stage.
    pub recipe: Recipe,
    /// Its training batches.
    pub loader: Loader,
}

/// The stages of a training, of equal length, over one dataset. There is at least one.
pub struct Stages {
    first: Stage,
    others: Vec<Stage>,
}

impl Stages {
    /// A training that stays as it begins.
    pub fn single(recipe: Recipe, loader: Loader) -> Self {
        Self { first: Stage { recipe, loader }, others: Vec::new() }
    }

    /// Stages one after another; `None` if there are none.
    pub fn new(stages: Vec<Stage>) -> Option<Self> {
        let mut stages = stages.into_iter();
        Some(Self { first: stages.next()?, others: stages.collect() })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Stage> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The first one.
    pub fn first(&self) -> &Stage {
        &self.first
    }

    /// The stage of a step, both counted from zero, in a training of `total` steps.
    pub fn at(&self, step: u64, total: u64) -> (usize, &Stage) {
        let count = self.count() as u128;
        let index = u128::from(step) * count / u128::from(total.max(1));
        let index = index.min(count - 1) as usize;
        (index, index.checked_sub(1).map_or(&self.first, |other| &self.others[other]))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Machine, Recipe, Setup};

    /// EfficientNetV2's 350 epochs of 306.676 steps in four stages.
    #[test]
    fn stages_begin_at_equal_distances() {
        let text = "[progressive]\nstages = 4\nsize = [8, 32]";
        let recipe = Recipe::resolve("test", text, &["model.name=resnet20_cifar"]).unwrap();
        let stages = Setup::new(&recipe, &Machine::cpu(1)).unwrap().train;
        assert_eq!(stages.count(), 4);
        let stage = |step| stages.at(step, 107_336).0;
        for (index, border) in [26_834, 53_668, 80_502].into_iter().enumerate() {
            assert_eq!([stage(border - 1), stage(border)], [index, index + 1], "{border}");
        }
        assert_eq!([stage(0), stage(107_335), stage(107_336)], [0, 3, 3]);
        assert_eq!(stages.at(0, 107_336).1.recipe.input.size, 8);
    }
}
