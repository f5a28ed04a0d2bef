//! Logits of images that differ from a base image in few pixels, without computing them whole.
//!
//! A one-pixel attack (Su, Vargas and Sakurai 2019, <https://arxiv.org/abs/1710.08864>) asks for the
//! logits of hundreds of candidates that are all but equal. The values of the image that they come
//! from are computed once; for each candidate only what its pixels change is computed again, layer
//! by layer, until that is nearly everything; from there on it is a batch like any other. The
//! logits are those of [`InferenceEngine`](crate::InferenceEngine) to rounding: a mean over pixels is moved
//! by a difference, and layers that are computed in tiles of whole images take plain sums here. Candidates
//! of an image in which something is no finite number are computed whole.

mod edits;

pub use crate::infer_plan::LayerShare;
pub use edits::{EditBatch, PixelEdit};

use crate::infer_plan::{BaseImage, DeltaPlan};
use crate::network::Network;
use crate::op::Shape;
use crate::pass::Pass;
use crate::{Error, Result};
use burn::tensor::{Tensor, TensorData};
use std::fmt;
use std::sync::Arc;

/// A network compiled for candidates that differ from a base image in few pixels.
///
/// It runs on the CPU. It is a copy: later changes of the network do not reach it. Networks with
/// operations that no plan knows are run as a whole, by burn, on the network's device.
///
/// ```
/// use burn::tensor::Device;
/// use ocelli_nn::{DeltaEngine, EditBatch, PixelEdit, registry, registry::ModelOptions};
/// use ocelli_random::Seed;
///
/// let model = registry::find("resnet20_cifar")?;
/// let network = model.network(&ModelOptions::default(), Seed(0), &Device::flex())?;
/// let engine = DeltaEngine::new(&network, [32, 32])?;
/// let base = engine.base(&vec![0.5; 3 * 32 * 32])?;
/// let mut edits = EditBatch::new(engine.image());
/// edits.push([PixelEdit { row: 4, column: 7, value: &[1.0, -1.0, 0.5] }])?;
/// let mut logits = vec![0.0; edits.len() * engine.classes()];
/// base.logits(&edits, &mut logits)?;
/// assert_ne!(logits, base.own_logits());
/// # Ok::<(), ocelli_nn::Error>(())
/// ```
#[derive(Clone)]
pub struct DeltaEngine {
    way: Way,
    image: [usize; 3],
    classes: usize,
}

/// How candidates are computed.
#[derive(Clone)]
enum Way {
    Plan(Arc<DeltaPlan>),
    Burn(Arc<Network>),
}

impl fmt::Debug for DeltaEngine {
    /// Without its weights, which are millions of elements.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DeltaEngine").field("image", &self.image).finish_non_exhaustive()
    }
}

impl DeltaEngine {
    /// Compiles a network for images of `height` × `width` pixels.
    ///
    /// # Errors
    /// [`Error::Shape`] when the network takes no such images.
    pub fn new(network: &Network, [height, width]: [usize; 2]) -> Result<Self> {
        let folded = network.fold_batch_norm()?;
        let graph = folded.graph();
        let classes = graph.shapes(height, width)?[graph.logits().index()].len();
        let channels = graph.in_channels();
        let (image, shape) = ([channels, height, width], Shape { channels, height, width });
        let way = match DeltaPlan::new(graph, folded.params(), &graph.classify(), shape) {
            Some(plan) => Way::Plan(Arc::new(plan)),
            None => Way::Burn(Arc::new(folded)),
        };
        Ok(Self { way, image, classes })
    }

    /// `[channels, height, width]` of the images.
    pub fn image(&self) -> [usize; 3] {
        self.image
    }

    /// How many logits an image has.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Whether candidates are computed by a plan, and not by burn.
    pub fn has_plan(&self) -> bool {
        matches!(self.way, Way::Plan(_))
    }

    /// How much of every layer is computed for candidates of `edits` edits, predicted and so far;
    /// layers without multiply-adds are left out. Of more edits than there are pixels it is the same
    /// as of one for each. Empty where there is no plan.
    pub fn layer_shares(&self, edits: usize) -> Vec<LayerShare> {
        match &self.way {
            Way::Plan(plan) => plan.layer_shares(edits),
            Way::Burn(_) => Vec::new(),
        }
    }

    /// Memory that threads keep between calls, beside weights and base images, in bytes.
    pub fn scratch_bytes(&self) -> usize {
        match &self.way {
            Way::Plan(plan) => plan.scratch_bytes(),
            Way::Burn(_) => 0,
        }
    }

    /// Computes all values of an image, for candidates to differ from.
    ///
    /// # Shapes
    /// - `image`: `[channels, height, width]`, normalised
    ///
    /// # Errors
    /// [`Error::ImageLength`] when it has another number of values.
    pub fn base(&self, image: &[f32]) -> Result<DeltaBase> {
        if image.len() != self.image.iter().product::<usize>() {
            return Err(Error::ImageLength { expected: self.image, actual: image.len() });
        }
        let values = match &self.way {
            Way::Plan(plan) => Values::Plan(plan.base(image)),
            Way::Burn(network) => {
                let logits = forward(network, image.to_vec(), self.image);
                Values::Burn { image: image.to_vec(), logits }
            }
        };
        Ok(DeltaBase { engine: self.clone(), values })
    }
}

/// An image with all its values, from which candidates differ.
pub struct DeltaBase {
    engine: DeltaEngine,
    values: Values,
}

enum Values {
    Plan(BaseImage),
    Burn { image: Vec<f32>, logits: Vec<f32> },
}

impl fmt::Debug for DeltaBase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DeltaBase").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}

impl DeltaBase {
    /// The memory that the values take, in bytes.
    pub fn bytes(&self) -> usize {
        match &self.values {
            Values::Plan(base) => base.bytes(),
            Values::Burn { image, logits } => (image.len() + logits.len()) * size_of::<f32>(),
        }
    }

    /// The logits of the image itself.
    pub fn own_logits(&self) -> &[f32] {
        match &self.values {
            Values::Plan(base) => base.result(),
            Values::Burn { logits, .. } => logits,
        }
    }

    /// The logits of candidates. Those of one do not depend on the others or on the number of
    /// threads, to the bit.
    ///
    /// # Shapes
    /// - `logits`: `[candidates, classes]`
    ///
    /// # Errors
    /// [`Error::Candidates`] when the candidates are of images of another size, or `logits` has
    /// another length.
    pub fn logits(&self, edits: &EditBatch, logits: &mut [f32]) -> Result<()> {
        let (image, classes) = (self.engine.image, self.engine.classes);
        if edits.image() != image || logits.len() != edits.len() * classes {
            return Err(Error::Candidates {
                image: edits.image(),
                expected: image,
                logits: logits.len(),
                expected_logits: edits.len() * classes,
            });
        }
        match (&self.engine.way, &self.values) {
            (Way::Plan(plan), Values::Plan(base)) => plan.run(base, edits, logits),
            (Way::Burn(network), Values::Burn { image, .. }) => {
                self.run_whole(network, image, edits, logits);
            }
            (Way::Plan(_), Values::Burn { .. }) | (Way::Burn(_), Values::Plan(_)) => {}
        }
        Ok(())
    }

    /// Computes candidates as whole images.
    fn run_whole(&self, network: &Network, image: &[f32], edits: &EditBatch, logits: &mut [f32]) {
        /// Images at a time.
        const BATCH: usize = 32;
        let [_, height, width] = self.engine.image;
        let classes = self.engine.classes.max(1);
        for (index, logits) in logits.chunks_mut(BATCH * classes).enumerate() {
            let first = index * BATCH;
            let mut images = image.repeat(logits.len() / classes);
            for (slot, image) in images.chunks_exact_mut(image.len().max(1)).enumerate() {
                for PixelEdit { row, column, value } in edits.candidate(first + slot) {
                    for (channel, value) in value.iter().enumerate() {
                        image[(channel * height + row) * width + column] = *value;
                    }
                }
            }
            logits.copy_from_slice(&forward(network, images, self.engine.image));
        }
    }
}

/// The logits of whole images `[images, channels, height, width]`, by burn.
fn forward(network: &Network, images: Vec<f32>, image: [usize; 3]) -> Vec<f32> {
    let [channels, height, width] = image;
    let shape = [images.len() / image.iter().product::<usize>().max(1), channels, height, width];
    let images = Tensor::from_data(TensorData::new(images, shape), network.params().device());
    network.forward(images, Pass::Eval).into_data().iter::<f32>().collect()
}
