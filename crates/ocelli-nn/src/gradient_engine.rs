//! Values and their gradients, by the fastest way that a network and its device allow.

mod plans;
mod taped;

pub use taped::Taped;

use crate::gradients::Gradients;
use crate::network::Network;
use crate::op::{Op, Shape};
use crate::parameter::ParamSpec;
use crate::pass::{BatchStats, Pass, Seen, TrainPass};
use crate::route::Route;
use crate::train_plan::{SeenStatistics, SeenValues, TrainPlan, Wants};
use crate::{Error, Given, Result, RowValues};
use burn::tensor::{Device, Tensor, TensorData};
use ocelli_kernels::in_pool;
use plans::{Key, Plans};
use std::fmt;
use taped::{Slices, Tape};

/// Computes values and gradients, and keeps its working memory from step to step, for two sizes of a
/// batch on each route: the last batch of an epoch is often a smaller one.
///
/// On the CPU a route is differentiated by a plan made for it and the shapes of its inputs. On other
/// devices, and for networks with operations that no plan knows, burn differentiates it. Both ways
/// compute the same, up to rounding.
#[derive(Default)]
pub struct GradientEngine {
    plans: Plans,
    has_plan: bool,
}

impl fmt::Debug for GradientEngine {
    /// Without its working memory, which is millions of elements.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = formatter.debug_struct("GradientEngine");
        text.field("has_plan", &self.has_plan).finish_non_exhaustive()
    }
}

/// Which gradients are wanted of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Those of the trainable parameters.
    pub params: bool,
    /// Those of the given values.
    pub inputs: bool,
}

impl Wanted {
    /// Those of the trainable parameters.
    pub const PARAMS: Self = Self { params: true, inputs: false };
    /// Those of the given values.
    pub const INPUTS: Self = Self { params: false, inputs: true };
    /// Both.
    pub const BOTH: Self = Self { params: true, inputs: true };
}

/// What a network is given in a training pass.
#[derive(Clone, Debug)]
pub struct TrainImages<'a> {
    /// `[batch, channels, height, width]`
    pub images: Tensor<4>,
    /// How much each image gets of the quantizers of each tensor, in the order of
    /// [`Graph::attention`](crate::graph::Graph::attention).
    pub attention: &'a [Vec<f32>],
}

/// What one step computed.
#[derive(Debug)]
pub struct Differentiated {
    /// The loss, `[1]`, without autodiff.
    pub loss: Tensor<1>,
    /// `[batch, classes]`, without autodiff.
    pub logits: Tensor<2>,
    /// The gradient of the loss for each parameter, in state-dict order.
    pub gradients: Gradients,
}

impl GradientEngine {
    /// An engine without memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the last forward pass had a plan.
    pub fn has_plan(&self) -> bool {
        self.has_plan
    }

    /// How many bytes a training step of `network` takes, about, beside the network itself: its
    /// feature maps, the gradients of some of them, and those of all parameters. `None` where there
    /// is no plan to tell.
    ///
    /// # Shapes
    /// - `shape`: `[batch, channels, height, width]`
    pub fn memory(network: &Network, shape: [usize; 4]) -> Option<u64> {
        let [batch, channels, height, width] = shape;
        let graph = network.graph();
        if channels != graph.in_channels() {
            return None;
        }
        let route = graph.with_attention(&graph.classify()).ok()?;
        let beside = route.from.iter().skip(1).map(|id| match &graph.node(*id).op {
            Op::SideInput(side) => Shape::vector(side.channels),
            _ => Shape::vector(0),
        });
        let image = Shape { channels, height, width };
        let given: Vec<Shape> = std::iter::once(image).chain(beside).collect();
        let wants = Wants { training: true, params: true, inputs: route.from.len() > 1 };
        let params = network.params();
        let maps = TrainPlan::bytes(graph, params, &route, batch, &given, wants)?;
        let params: usize = graph.params().iter().map(ParamSpec::len).sum();
        Some(maps + (params * size_of::<f32>()) as u64)
    }

    /// Computes the values that a route wants, and keeps what their gradients need. What normalisations
    /// see in a training pass is in `pass` afterwards; in an evaluating one they use their running
    /// statistics and nothing is dropped, gradients or not.
    ///
    /// # Errors
    /// When the values are not those that the route gives, do not fit the network, or are of different
    /// batches.
    pub fn forward(
        &mut self,
        network: &Network,
        route: &Route,
        given: Vec<Given>,
        wanted: Wanted,
        mut pass: Pass<'_>,
    ) -> Result<Taped> {
        let training = pass.training().is_some();
        let wants = Wants { training, params: wanted.params, inputs: wanted.inputs };
        let batch = given.first().map_or(0, Given::batch);
        if let Some(other) = given.iter().find(|other| other.batch() != batch) {
            return Err(Error::BatchSizes { first: batch, other: other.batch() });
        }
        let shapes: Vec<Shape> = given.iter().map(Given::shape).collect();
        network.graph().shapes_on(route, &shapes)?;
        let key = Key::new(network, route, batch, shapes, wants);
        // A plan in use is not kept, so that nobody uses one which a panic left half done.
        let mut planned = self.plans.take(key, network);
        let slices = planned.plan.as_ref().and_then(|_| Slices::new(network, &given));
        self.has_plan = planned.plan.is_some() && slices.is_some();
        let (Some(plan), Some(slices)) = (&mut planned.plan, slices) else {
            self.plans.keep(planned);
            return taped::with_burn(network, route, given, wants, &mut pass);
        };
        let drops = pass.training().map(|pass| pass.drops()).unwrap_or_default();
        let seen = in_pool(|| plan.forward(&slices.params(), &slices.given(), drops));
        let device = network.params().device();
        if let Some(pass) = pass.training() {
            pass.stats.extend(seen.into_iter().map(|seen| batch_stats(seen, device)));
        }
        let tape = Tape::Plan { planned: Box::new(planned), slices, plans: self.plans.clone() };
        Ok(Taped::new(tape, device.clone()))
    }

    /// Runs a training pass and differentiates a loss of the logits. The statistics that the pass
    /// saw are in `pass` afterwards.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    /// - `loss` maps logits `[batch, classes]`, which track gradients, to `[1]`
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn differentiate(
        &mut self,
        network: &Network,
        images: Tensor<4>,
        pass: &mut TrainPass,
        loss: impl FnOnce(Tensor<2>) -> Tensor<1>,
    ) -> Result<Differentiated> {
        let mut gradients = Gradients::new();
        let (loss, logits) =
            self.add_gradients(network, images, pass, loss, 1.0, &mut gradients)?;
        Ok(Differentiated { loss, logits, gradients })
    }

    /// The same, with `weight` times the gradients added to those of other parts. Returns the loss and
    /// the logits.
    ///
    /// # Shapes
    /// As for [`differentiate`](Self::differentiate).
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn add_gradients(
        &mut self,
        network: &Network,
        images: Tensor<4>,
        pass: &mut TrainPass,
        loss: impl FnOnce(Tensor<2>) -> Tensor<1>,
        weight: f64,
        into: &mut Gradients,
    ) -> Result<(Tensor<1>, Tensor<2>)> {
        let images = TrainImages { images, attention: &[] };
        let (loss, logits, _) = self.add_gradients_of(network, images, pass, loss, weight, into)?;
        Ok((loss, logits))
    }

    /// The same for a network whose activations are mixtures of quantizers. The gradients of the attention,
    /// summed over the images and multiplied by `weight`, come after loss and logits.
    ///
    /// # Shapes
    /// As for [`differentiate`](Self::differentiate).
    ///
    /// # Errors
    /// When images or attention do not fit the network.
    pub fn add_gradients_of(
        &mut self,
        network: &Network,
        TrainImages { images, attention }: TrainImages<'_>,
        pass: &mut TrainPass,
        loss: impl FnOnce(Tensor<2>) -> Tensor<1>,
        weight: f64,
        into: &mut Gradients,
    ) -> Result<(Tensor<1>, Tensor<2>, Vec<Vec<f64>>)> {
        let graph = network.graph();
        let mut route = graph.classify();
        route.from.extend(graph.attention());
        let count = images.dims()[0];
        let mut given = vec![Given::Planes(images.without_autodiff())];
        given.extend(attention.iter().map(|shares| {
            let shape = Shape::vector(shares.len());
            Given::Rows(RowValues { values: shares.repeat(count), shape })
        }));
        let wanted = if attention.is_empty() { Wanted::PARAMS } else { Wanted::BOTH };
        let taped = self.forward(network, &route, given, wanted, Pass::Train(pass))?;
        let values = taped.value(0);
        let [batch, channels, height, width] = values.dims();
        let logits = values.reshape([batch, channels * height * width]);
        let leaf = logits.clone().autodiff().require_grad();
        let loss = loss(leaf.clone());
        let mut of_attention: Vec<Vec<f64>> =
            attention.iter().map(|shares| vec![0.0; shares.len()]).collect();
        if let Some(gradient) = leaf.grad(&loss.backward()) {
            let gradient = if weight == 1.0 { gradient } else { gradient.mul_scalar(weight) };
            let gradient = gradient.reshape([batch, channels, height, width]);
            let given = taped.backward(vec![Some(gradient)], into);
            for (sums, gradient) in of_attention.iter_mut().zip(given.into_iter().skip(1)) {
                let values = gradient.map(|it| RowValues::from(it).values).unwrap_or_default();
                for row in values.chunks_exact(sums.len().max(1)) {
                    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
                }
            }
        }
        Ok((loss.without_autodiff(), logits, of_attention))
    }
}

/// What an operation saw, as tensors.
fn batch_stats(SeenStatistics { node, seen }: SeenStatistics, device: &Device) -> BatchStats {
    let vector = |values: Vec<f32>| {
        let length = values.len();
        Tensor::<1>::from_data(TensorData::new(values, [length]), device)
    };
    let seen = match seen {
        SeenValues::Moments { statistics, count } => {
            let count = count as f64;
            let unbiased = (count / (count - 1.0).max(1.0)) as f32;
            let variance = vector(statistics.variance).mul_scalar(unbiased);
            Seen::Moments { mean: vector(statistics.mean), variance }
        }
        SeenValues::Range(range) => Seen::Range(vector(range)),
    };
    BatchStats { node, seen }
}
