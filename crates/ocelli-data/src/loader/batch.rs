//! What the loader hands out.

use super::recycle::Recycler;
use std::sync::Arc;

/// The labels of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// No sample has a label.
    None,
    /// One class per sample.
    Hard(Vec<u32>),
    /// The classes of each sample, the dataset's own first, where a sample of the batch has several.
    /// They are equally probable.
    MultiLabel(Vec<Vec<u32>>),
    /// A probability for each class, after mixup, cutmix or label smoothing.
    ///
    /// # Shapes
    /// - `rows`: `[samples, classes]`; every row sums to 1
    Soft {
        /// The probabilities, row after row.
        rows: Vec<f32>,
        /// The length of a row.
        classes: usize,
    },
}

impl Targets {
    /// How many samples are labelled.
    pub fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Hard(labels) => labels.len(),
            Self::MultiLabel(sets) => sets.len(),
            Self::Soft { rows, classes } => rows.len() / (*classes).max(1),
        }
    }

    /// Whether no sample is labelled.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most probable class of each sample, the first of several.
    pub fn classes(&self) -> Vec<u32> {
        match self {
            Self::None => Vec::new(),
            Self::Hard(labels) => labels.clone(),
            Self::MultiLabel(sets) => {
                sets.iter().map(|set| set.first().copied().unwrap_or_default()).collect()
            }
            Self::Soft { rows, classes } => {
                rows.chunks_exact((*classes).max(1)).map(largest).collect()
            }
        }
    }
}

fn largest(row: &[f32]) -> u32 {
    let best =
        row.iter().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map_or(0, |(class, _)| class as u32)
}

/// A sample that was left out of its batch because it could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its index in the source.
    pub index: u64,
    /// What the source calls it.
    pub name: String,
    /// Why it could not be used.
    pub reason: String,
    /// What the user can try, where there is something to say.
    pub hint: Option<&'static str>,
}

/// One rank's share of a batch, ready for the model.
///
/// The pixel buffer goes back to the loader when the batch is dropped. Where it was taken out with
/// [`std::mem::take`], it goes back if it, or another of its size, is put in again before; else the loader
/// allocates another.
#[derive(Debug)]
pub struct Batch {
    /// Normalised pixels, row after row. The rows of a sample, its views, stand side by side: with two
    /// views the partner of row `i` is row `i ^ 1`.
    pub images: Vec<f32>,
    /// `[rows, channels, height, width]`, where `rows` are `samples × views`; they may be 0 in a
    /// partial batch of several ranks.
    pub shape: [usize; 4],
    /// How many rows each sample has.
    pub views: usize,
    /// The label of each sample, whatever the number of its views.
    pub targets: Targets,
    /// The index in the source of each sample.
    pub indices: Vec<u64>,
    /// Which batch of the epoch this is, counted from 0.
    pub step: u64,
    /// How many samples (not rows) all ranks together have in this batch, less this rank's skipped ones.
    pub global_len: usize,
    /// Where this rank's share begins among the samples (not rows) of all ranks.
    pub first: u64,
    /// The samples of this rank's share that were left out under the error budget.
    pub skipped: Vec<Skipped>,
    pub(super) home: Option<Arc<Recycler<Vec<f32>>>>,
}

impl Batch {
    /// How many samples this share has; the rows of `images` are [`views`](Self::views) times as many.
    pub fn len(&self) -> usize {
        self.shape[0] / self.views.max(1)
    }

    /// Whether this share has no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        let images = std::mem::take(&mut self.images);
        if let Some(home) = &self.home
            && images.capacity() > 0
        {
            home.give_back(images);
        }
    }
}
