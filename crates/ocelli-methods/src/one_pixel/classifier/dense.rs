//! Networks that compute each candidate as a whole image.

use super::gradient::InputGradient;
use super::normalised::normalised;
use super::{Candidates, Classifier, Session, batch_size};
use crate::{Error, Result};
use burn::tensor::{Device, Tensor, TensorData};
use ocelli_data::{Image, InputConfig};
use ocelli_nn::{InferenceEngine, Network};
use ocelli_train::metrics::softmax;

/// A compiled network that computes every candidate from the beginning.
#[derive(Debug)]
pub struct Dense {
    engine: InferenceEngine,
    gradient: InputGradient,
    device: Device,
    classes: usize,
    shape: [usize; 3],
    /// What to multiply a value with and what to add then, for each channel.
    scale_and_offset: [(f32, f32); 3],
}

impl Dense {
    /// Compiles `network` for images as `input` says.
    ///
    /// # Errors
    /// When the network takes no such images.
    pub fn new(network: &Network, input: &InputConfig) -> Result<Self> {
        let shape = shape(network, input)?;
        Ok(Self {
            engine: InferenceEngine::new(network)?,
            gradient: InputGradient::new(network, input.scale_and_offset()),
            device: network.params().device().clone(),
            classes: network.graph().num_classes(),
            shape,
            scale_and_offset: input.scale_and_offset(),
        })
    }
}

/// `[channels, height, width]` of the images that `input` makes.
///
/// # Errors
/// When a setting is out of range or the network takes no such images.
pub(super) fn shape(network: &Network, input: &InputConfig) -> Result<[usize; 3]> {
    input.check()?;
    let size = input.size as usize;
    let (graph, channels) = (network.graph(), usize::from(input.channels));
    if channels != graph.in_channels() {
        return Err(Error::Network(ocelli_nn::Error::Shape {
            layer: "input".to_owned(),
            shape: [channels, size, size],
            reason: format!("it takes {} channels", graph.in_channels()),
        }));
    }
    graph.shapes(size, size)?;
    Ok([channels, size, size])
}

impl Classifier for Dense {
    fn classes(&self) -> usize {
        self.classes
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn begin<'a>(&'a mut self, image: &'a Image) -> Result<Box<dyn Session + 'a>> {
        let base = normalised(image, self.shape, self.scale_and_offset);
        Ok(Box::new(DenseSession { model: self, image, base }))
    }
}

struct DenseSession<'a> {
    model: &'a mut Dense,
    image: &'a Image,
    /// The image as the network wants it, `[channels, height, width]`.
    base: Vec<f32>,
}

impl Session for DenseSession<'_> {
    fn probabilities(&mut self, candidates: &Candidates, probabilities: &mut [f64]) -> Result<()> {
        let classes = self.model.classes;
        let batch = batch_size(self.base.len());
        for (index, rows) in probabilities.chunks_mut((batch * classes).max(1)).enumerate() {
            let first = index * batch;
            let count = (candidates.len() - first).min(batch);
            let images = self.images(candidates, first, count);
            let logits = self.model.engine.logits(images)?.into_data();
            let logits: Vec<f32> = logits.iter::<f32>().collect();
            let pairs = rows.chunks_exact_mut(classes).zip(logits.chunks_exact(classes));
            pairs.for_each(|(row, logits)| row.copy_from_slice(&softmax(logits)));
        }
        Ok(())
    }

    fn gradient(&mut self, class: u32) -> Result<Vec<f32>> {
        self.model.gradient.compute(self.image, class)
    }
}

impl DenseSession<'_> {
    /// Some of the candidates as images.
    ///
    /// # Shapes
    /// - result: `[count, channels, height, width]`
    fn images(&self, candidates: &Candidates, first: usize, count: usize) -> Tensor<4> {
        let [channels, height, width] = self.model.shape;
        let mut images = self.base.repeat(count);
        for (candidate, image) in images.chunks_exact_mut(self.base.len()).enumerate() {
            for ([x, y], values) in candidates.changes(first + candidate) {
                let at = y as usize * width + x as usize;
                let scales = self.model.scale_and_offset;
                for (channel, (value, (scale, offset))) in values.iter().zip(scales).enumerate() {
                    image[channel * height * width + at] = value * scale + offset;
                }
            }
        }
        let shape = [count, channels, height, width];
        Tensor::from_data(TensorData::new(images, shape), &self.model.device)
    }
}
