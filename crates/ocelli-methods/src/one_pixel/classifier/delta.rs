//! Networks that compute of each candidate what its pixels change.

use super::gradient::InputGradient;
use super::normalised::normalised;
use super::{Candidates, Classifier, Session, dense};
use crate::{Error, Result};
use ocelli_data::{Image, InputConfig};
use ocelli_nn::{DeltaBase, DeltaEngine, EditBatch, Network, PixelEdit};
use ocelli_train::metrics::softmax;

/// A compiled network that computes of every candidate only what its pixels change.
///
/// Probabilities agree with those of [`Dense`](super::Dense) to rounding.
#[derive(Debug)]
pub struct Delta {
    engine: DeltaEngine,
    gradient: InputGradient,
    /// What to multiply a value with and what to add then, for each channel.
    scale_and_offset: [(f32, f32); 3],
}

impl Delta {
    /// Compiles `network` for images as `input` says.
    ///
    /// # Errors
    /// When the network takes no such images, or has operations that cannot be computed in parts.
    pub fn new(network: &Network, input: &InputConfig) -> Result<Self> {
        let [_, height, width] = dense::shape(network, input)?;
        let engine = DeltaEngine::new(network, [height, width])?;
        if !engine.has_plan() {
            return Err(Error::NoDelta);
        }
        let scale_and_offset = input.scale_and_offset();
        let gradient = InputGradient::new(network, scale_and_offset);
        Ok(Self { engine, gradient, scale_and_offset })
    }
}

impl Classifier for Delta {
    fn classes(&self) -> usize {
        self.engine.classes()
    }

    fn shape(&self) -> [usize; 3] {
        self.engine.image()
    }

    fn begin<'a>(&'a mut self, image: &'a Image) -> Result<Box<dyn Session + 'a>> {
        let planes = normalised(image, self.engine.image(), self.scale_and_offset);
        let base = self.engine.base(&planes)?;
        let edits = EditBatch::new(self.engine.image());
        let (values, logits) = (Vec::new(), Vec::new());
        Ok(Box::new(DeltaSession { model: self, image, base, edits, values, logits }))
    }
}

struct DeltaSession<'a> {
    model: &'a mut Delta,
    image: &'a Image,
    base: DeltaBase,
    edits: EditBatch,
    /// The normalised values of a candidate's changes.
    values: Vec<f32>,
    logits: Vec<f32>,
}

impl Session for DeltaSession<'_> {
    fn probabilities(&mut self, candidates: &Candidates, probabilities: &mut [f64]) -> Result<()> {
        let [channels, ..] = self.model.engine.image();
        self.edits.clear();
        for candidate in 0..candidates.len() {
            self.values.clear();
            for (_, values) in candidates.changes(candidate) {
                let scaled = values.iter().zip(self.model.scale_and_offset);
                self.values.extend(scaled.map(|(value, (scale, offset))| value * scale + offset));
            }
            let positions = candidates.changes(candidate).map(|(position, _)| position);
            let edits = positions
                .zip(self.values.chunks_exact(channels))
                .map(|([x, y], value)| PixelEdit { row: y as usize, column: x as usize, value });
            self.edits.push(edits)?;
        }
        let classes = self.model.engine.classes();
        self.logits.clear();
        self.logits.resize(candidates.len() * classes, 0.0);
        self.base.logits(&self.edits, &mut self.logits)?;
        let rows = probabilities.chunks_exact_mut(classes).zip(self.logits.chunks_exact(classes));
        rows.for_each(|(row, logits)| row.copy_from_slice(&softmax(logits)));
        Ok(())
    }

    fn gradient(&mut self, class: u32) -> Result<Vec<f32>> {
        self.model.gradient.compute(self.image, class)
    }
}
