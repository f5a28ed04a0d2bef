//! The loaders that a recipe describes.

use crate::{Machine, Recipe, Result};
use ocelli_data::{EvalTransform, Loader, LoaderConfig, Source, TrainTransform};
use ocelli_random::Seed;
use std::sync::Arc;

/// Training batches, with what a method `changes` of them.
pub(crate) fn train_loader(
    recipe: &Recipe,
    machine: &Machine,
    source: Arc<dyn Source>,
    change: impl FnOnce(LoaderConfig, &dyn Source) -> Result<LoaderConfig>,
) -> Result<Loader> {
    let transform = TrainTransform::new(recipe.input.clone(), recipe.augment)?;
    let transform = transform.with_limits(recipe.data.limits());
    let config = LoaderConfig::train(recipe.train.batch_size, Seed(recipe.seed));
    let config = LoaderConfig { mix: recipe.mix, ..spread(config, recipe, machine) };
    let config = change(config, &*source)?;
    Ok(Loader::new(source, Arc::new(transform), config)?)
}

/// Every picture once, divided among the processes.
pub(crate) fn eval_loader(
    recipe: &Recipe,
    machine: &Machine,
    source: Arc<dyn Source>,
) -> Result<Loader> {
    let transform = EvalTransform::new(recipe.input.clone(), recipe.eval)?;
    let transform = transform.with_limits(recipe.data.limits());
    let config = spread(LoaderConfig::eval(recipe.train.batch_size), recipe, machine);
    Ok(Loader::new(source, Arc::new(transform), config)?)
}

/// The same loader over the threads and processes of a machine.
fn spread(mut config: LoaderConfig, recipe: &Recipe, machine: &Machine) -> LoaderConfig {
    config.threads = machine.threads;
    config.rank = machine.rank;
    config.world_size = machine.world_size;
    config.error_budget = recipe.data.error_budget;
    config
}
