//! Classifying pictures that nobody has labelled.

use super::Trained;
use crate::Result;
use crate::evaluate::first_not_finite;
use crate::metrics::softmax;
use crate::tensors::{give_back, images, values};
use ocelli_data::{Loader, LoaderConfig, Skipped, Source};
use ocelli_nn::InferenceEngine;
use serde::Serialize;
use std::sync::Arc;

/// How pictures are classified.
#[derive(Clone, Copy, Debug)]
pub struct PredictOptions {
    /// How many classes each prediction names.
    pub top: usize,
    /// Pictures per forward pass.
    pub batch_size: usize,
    /// How many threads decode.
    pub threads: usize,
}

/// What became of one picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Prediction {
    /// It was classified.
    Classified {
        /// The file.
        image: String,
        /// The most probable classes, the most probable first.
        top: Vec<Guess>,
    },
    /// It could not be read.
    Unreadable {
        /// The file.
        image: String,
        /// What is wrong with it.
        error: String,
        /// What the user can try, where there is something to say.
        #[serde(skip)]
        hint: Option<&'static str>,
    },
}

impl Prediction {
    fn of_skipped(Skipped { index, name, reason, hint }: Skipped, pictures: &dyn Source) -> Self {
        let image = pictures.name(index).unwrap_or(name);
        // An error of the system names the file already.
        let error = reason.strip_prefix(&format!("{image}: ")).unwrap_or(&reason).to_owned();
        Self::Unreadable { image, error, hint }
    }
}

/// A class and how probable it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Guess {
    /// The class, counted from zero.
    pub class: usize,
    /// Its name, or its number where names are not known.
    pub name: String,
    /// Its identifier in WordNet, where it is known as a class of ImageNet only by its index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wnid: Option<&'static str>,
    /// The network's probability, 0 to 1.
    pub probability: f64,
}

impl Trained {
    /// Classifies `pictures`, batch after batch, and hands out each prediction as soon as it is there,
    /// in the order of the pictures. Labels are not looked at. Memory does not grow with their number.
    ///
    /// # Errors
    /// When a setting is out of range, the network's output for a picture is not finite, or `tell`
    /// returns an error.
    pub fn predict<E: From<crate::Error>>(
        &self,
        pictures: &Arc<dyn Source>,
        options: PredictOptions,
        mut tell: impl FnMut(Prediction) -> Result<(), E>,
    ) -> Result<(), E> {
        let config = LoaderConfig {
            threads: options.threads,
            error_budget: u64::MAX,
            ..LoaderConfig::eval(options.batch_size)
        };
        self.check_classifies()?;
        let transform = Arc::new(self.transform()?);
        let loader =
            Loader::new(Arc::clone(pictures), transform, config).map_err(crate::Error::from)?;
        let mut engine = InferenceEngine::new(&self.network).map_err(crate::Error::from)?;
        for batch in loader.epoch(0, 0) {
            let mut batch = batch.map_err(crate::Error::from)?;
            let mut unreadable = std::mem::take(&mut batch.skipped).into_iter().peekable();
            let indices = std::mem::take(&mut batch.indices);
            let logits = if indices.is_empty() {
                Vec::new()
            } else {
                let pixels = images(&mut batch, &self.network);
                let logits = engine.logits(pixels.clone()).map_err(crate::Error::from)?;
                give_back(&mut batch, pixels);
                values(logits)
            };
            let classes = self.network.graph().num_classes().max(1);
            for (index, logits) in indices.into_iter().zip(logits.chunks_exact(classes)) {
                while let Some(before) = unreadable.next_if(|skipped| skipped.index < index) {
                    tell(Prediction::of_skipped(before, pictures))?;
                }
                let image = pictures.name(index).map_err(crate::Error::from)?;
                if first_not_finite(logits, classes).is_some() {
                    return Err(crate::Error::OutputNotFinite { image }.into());
                }
                tell(Prediction::Classified { image, top: self.best(logits, options.top) })?;
            }
            for skipped in unreadable {
                tell(Prediction::of_skipped(skipped, pictures))?;
            }
        }
        Ok(())
    }

    /// The `count` most probable classes; of equal ones the first.
    fn best(&self, logits: &[f32], count: usize) -> Vec<Guess> {
        let probabilities = softmax(logits);
        let mut classes: Vec<usize> = (0..logits.len()).collect();
        classes.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
        let guess = |class| Guess {
            class,
            name: self.class_name(class),
            wnid: self.imagenet_classes().and_then(|known| Some(known.get(class)?.wnid)),
            probability: probabilities[class],
        };
        classes.into_iter().take(count).map(guess).collect()
    }
}
