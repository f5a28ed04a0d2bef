//! What examiners are made of.

use crate::loaders::eval_loader;
use crate::{Machine, Recipe, Result};
use ocelli_data::{
    Loader, OpenOptions, Source, Split, Subset, is_one_part, open_labelled, open_splits,
};
use ocelli_random::Seed;
use std::sync::Arc;

/// The share of a probe's pictures whose classes are asked for, where it has no test part.
const QUERIES: f64 = 0.2;

/// What the examiners of a training can be made of.
pub struct ExaminerSetup<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// What the training runs on.
    pub machine: &'a Machine,
    /// The pictures that are trained on.
    pub train: &'a Arc<dyn Source>,
    /// The batches that are evaluated, divided among the processes.
    pub eval: &'a Arc<Loader>,
}

impl ExaminerSetup<'_> {
    /// Every picture of a source once, in every process, as the network sees them in evaluation.
    ///
    /// # Errors
    /// When a setting is out of range.
    pub fn loader(&self, source: Arc<dyn Source>) -> Result<Arc<Loader>> {
        let machine = Machine { rank: 0, world_size: 1, ..self.machine.clone() };
        Ok(Arc::new(eval_loader(self.recipe, &machine, source)?))
    }

    /// The two parts of the labelled pictures that features are probed with, first those whose classes
    /// are shown: the train and the test part of `data.probe`, or else of the recipe's own dataset. Of a
    /// probe that is one part, a fifth of each class is asked for.
    ///
    /// # Errors
    /// When the dataset cannot be opened.
    pub fn probe(&self) -> Result<[Arc<Loader>; 2]> {
        let data = &self.recipe.data;
        let (bank, queries) = match &data.probe {
            None => (Arc::clone(self.train), Arc::clone(self.eval.source())),
            Some(probe) => {
                let options = OpenOptions {
                    limits: data.limits(),
                    class_order: data.class_order,
                    ..OpenOptions::new(Split::Train)
                };
                if is_one_part(probe)? {
                    let (bank, queries) = Subset::hold_out_share(
                        open_labelled(probe, &options)?,
                        QUERIES,
                        Seed(self.recipe.seed),
                    )?;
                    (Arc::new(bank) as Arc<dyn Source>, Arc::new(queries) as Arc<dyn Source>)
                } else {
                    open_splits(probe, &options)?
                }
            }
        };
        Ok([self.loader(bank)?, self.loader(queries)?])
    }
}
