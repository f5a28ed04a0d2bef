//! Logits and features without gradients, by the fastest way that a device allows.

use crate::graph::NodeId;
use crate::infer_plan::InferPlan;
use crate::network::Network;
use crate::pass::Pass;
use crate::{Error, Result};
use burn::backend::Flex;
use burn::tensor::{Tensor, TensorData};
use std::fmt;

/// A network compiled for inference.
///
/// Normalisations are folded into the convolutions and linear layers before them. On the CPU a
/// network is then run by a plan made for the size of its images; on other devices, and for networks
/// with operations that no plan knows, by burn. It is a copy: later changes of the network do not
/// reach it.
///
/// The plans of the two sizes and results that were asked for last are kept.
///
/// On the CPU the result for an image does not depend on the images beside it or on the number of
/// threads, to the bit.
pub struct InferenceEngine {
    folded: Network,
    /// The newest last.
    plans: Vec<Planned>,
}

impl fmt::Debug for InferenceEngine {
    /// Without its weights, which are millions of numbers.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = formatter.debug_struct("InferenceEngine");
        text.field("plans", &self.plans.len()).finish_non_exhaustive()
    }
}

/// A plan and what it was made for.
struct Planned {
    wanted: NodeId,
    size: [usize; 2],
    /// `None` if there can be none.
    plan: Option<InferPlan>,
}

impl InferenceEngine {
    /// How many plans are kept; each has a copy of the weights.
    const PLANS: usize = 2;

    /// Compiles a network.
    ///
    /// # Errors
    /// Only when the network is inconsistent in itself.
    pub fn new(network: &Network) -> Result<Self> {
        Ok(Self { folded: network.fold_batch_norm()?, plans: Vec::new() })
    }

    /// How many bytes the feature maps of a batch take at once, about, beside the network itself. `None`
    /// where there is no plan to tell.
    ///
    /// # Shapes
    /// - `shape`: `[batch, channels, height, width]`
    ///
    /// # Errors
    /// Only when the network is inconsistent in itself.
    pub fn memory(network: &Network, shape: [usize; 4]) -> Result<Option<u64>> {
        let [batch, channels, height, width] = shape;
        if channels != network.graph().in_channels() {
            return Ok(None);
        }
        let mut engine = Self::new(network)?;
        let wanted = engine.folded.graph().logits();
        Ok(engine.plan_for(wanted, [height, width]).map(|plan| plan.bytes(batch)))
    }

    /// Whether images of `height` × `width` pixels are classified by a plan.
    pub fn has_plan(&mut self, [height, width]: [usize; 2]) -> bool {
        self.plan_for(self.folded.graph().logits(), [height, width]).is_some()
    }

    /// The logits of a batch of images.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    /// - result: `[batch, classes]`
    ///
    /// # Errors
    /// [`Error::Shape`] when the network takes no such images.
    pub fn logits(&mut self, images: Tensor<4>) -> Result<Tensor<2>> {
        let wanted = self.folded.graph().logits();
        if let Some(logits) = self.run(&images, wanted) {
            return Ok(logits);
        }
        self.check(&images)?;
        Ok(self.folded.forward(images, Pass::Eval))
    }

    /// The pooled features that the classifier takes.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    /// - result: `[batch, features]`
    ///
    /// # Errors
    /// [`Error::Shape`] when the network takes no such images.
    pub fn pooled(&mut self, images: Tensor<4>) -> Result<Tensor<2>> {
        let wanted = self.folded.graph().pooled();
        if let Some(pooled) = self.run(&images, wanted) {
            return Ok(pooled);
        }
        self.check(&images)?;
        Ok(self.folded.pooled(images, Pass::Eval))
    }

    /// Refuses images that no way of running the network takes.
    fn check(&self, images: &Tensor<4>) -> Result<()> {
        let (graph, [_, channels, height, width]) = (self.folded.graph(), images.dims());
        if channels != graph.in_channels() {
            return Err(Error::Shape {
                layer: "input".to_owned(),
                shape: [channels, height, width],
                reason: format!("it takes {} channels", graph.in_channels()),
            });
        }
        graph.shapes(height, width).map(drop)
    }

    /// `None` if the images are not on the CPU or there is no plan.
    fn run(&mut self, images: &Tensor<4>, wanted: NodeId) -> Option<Tensor<2>> {
        let [batch, channels, height, width] = images.dims();
        if channels != self.folded.graph().in_channels() {
            return None;
        }
        let device = images.device();
        let images = images.clone().without_autodiff().try_into_primitive::<Flex>().ok()?;
        let images = images.to_contiguous();
        let values = images.as_slice::<f32>()?;
        let plan = self.plan_for(wanted, [height, width])?;
        let shape = [batch, plan.result_len()];
        let result = TensorData::new(plan.run(values, batch), shape);
        Some(Tensor::from_data(result, &device))
    }

    fn plan_for(&mut self, wanted: NodeId, size: [usize; 2]) -> Option<&InferPlan> {
        let fits = |planned: &Planned| planned.wanted == wanted && planned.size == size;
        let newest = if let Some(place) = self.plans.iter().position(fits) {
            self.plans.remove(place)
        } else {
            let surplus = (self.plans.len() + 1).saturating_sub(Self::PLANS);
            self.plans.drain(..surplus);
            let (graph, params) = (self.folded.graph(), self.folded.params());
            Planned { wanted, size, plan: InferPlan::new(graph, params, wanted, size) }
        };
        self.plans.push(newest);
        self.plans.last()?.plan.as_ref()
    }
}
