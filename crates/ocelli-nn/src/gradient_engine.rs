//! Losses and their gradients, by the fastest way that a network and its device allow.

use crate::graph::Graph;
use crate::network::{Gradients, Network};
use crate::parameter::ParamSpec;
use crate::pass::{BatchStats, Pass, TrainPass};
use crate::train_plan::TrainPlan;
use burn::backend::Flex;
use burn::tensor::{Device, Tensor, TensorData};
use ocelli_kernels::in_pool;
use std::fmt;
use std::sync::Arc;

/// Computes the gradients of losses, and keeps its working memory from step to step, for two sizes
/// of a batch: the last batch of an epoch is often a smaller one.
///
/// On the CPU a network is differentiated by a plan made for its graph and the shape of its input,
/// and only the loss by burn. On other devices, and for networks with operations that no plan
/// knows, burn differentiates everything. Both ways compute the same, up to rounding.
#[derive(Default)]
pub struct GradientEngine {
    /// The newest last.
    planned: Vec<Planned>,
}

impl fmt::Debug for GradientEngine {
    /// Without its working memory, which is millions of numbers.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = formatter.debug_struct("GradientEngine");
        text.field("has_plan", &self.has_plan()).finish_non_exhaustive()
    }
}

/// A plan and what it was made for.
struct Planned {
    graph: Arc<Graph>,
    frozen: Vec<bool>,
    shape: [usize; 4],
    /// `None` if there can be none.
    plan: Option<TrainPlan>,
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
    /// How many plans are kept.
    const PLANS: usize = 2;

    /// An engine without memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the last step's network and input have a plan.
    pub fn has_plan(&self) -> bool {
        self.planned.last().is_some_and(|planned| planned.plan.is_some())
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
        let maps = TrainPlan::bytes(graph, network.params(), batch, [height, width])?;
        let params: usize = graph.params().iter().map(ParamSpec::len).sum();
        Some(maps + (params * size_of::<f32>()) as u64)
    }

    /// Runs a training pass and differentiates a loss of the logits. The statistics that the pass
    /// saw are in `pass` afterwards.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    /// - `loss` maps logits `[batch, classes]`, which track gradients, to `[1]`
    pub fn differentiate(
        &mut self,
        network: &Network,
        images: Tensor<4>,
        pass: &mut TrainPass,
        loss: impl FnOnce(Tensor<2>) -> Tensor<1>,
    ) -> Differentiated {
        let images = images.without_autodiff();
        // A plan in use is not kept here, so that nobody uses one which a panic left half done.
        let mut planned = self.take(network, images.dims());
        let slices = planned.plan.as_ref().and_then(|_| Slices::of(network, &images));
        let result = match (&mut planned.plan, slices) {
            (Some(plan), Some(slices)) => run_plan(plan, &slices, &images.device(), pass, loss),
            _ => run_burn(network, images, pass, loss),
        };
        self.planned.push(planned);
        result
    }

    /// The plan for a network and the shape of its input, which is no longer kept then.
    fn take(&mut self, network: &Network, shape: [usize; 4]) -> Planned {
        let frozen: Vec<bool> = network.params().iter().map(|(_, entry)| entry.frozen).collect();
        let graph = network.shared_graph();
        let [batch, channels, height, width] = shape;
        // Of another network or for images of another size a plan is not needed again soon. The
        // memory of old plans goes before the new one's comes.
        self.planned.retain(|planned| {
            Arc::ptr_eq(&planned.graph, graph)
                && planned.shape[1..] == shape[1..]
                && planned.frozen == frozen
        });
        let place = self.planned.iter().position(|planned| planned.shape == shape);
        if let Some(place) = place {
            return self.planned.remove(place);
        }
        let surplus = (self.planned.len() + 1).saturating_sub(Self::PLANS);
        self.planned.drain(..surplus);
        let plan = (channels == graph.in_channels())
            .then(|| TrainPlan::new(graph, network.params(), batch, [height, width]))
            .flatten();
        Planned { graph: Arc::clone(graph), frozen, shape, plan }
    }
}

type FlexTensor = <Flex as burn::backend::BackendTypes>::FloatTensorPrimitive;

/// The numbers of a network and its images, as they stand in memory.
struct Slices {
    params: Vec<FlexTensor>,
    images: FlexTensor,
}

impl Slices {
    /// `None` unless all of them are on the CPU.
    fn of(network: &Network, images: &Tensor<4>) -> Option<Self> {
        let params = network.params().iter().map(|(_, entry)| {
            let tensor = entry.value().without_autodiff().try_into_primitive::<Flex>().ok()?;
            tensor.as_slice::<f32>().is_some().then_some(tensor)
        });
        let params = params.collect::<Option<_>>()?;
        let images = images.clone().try_into_primitive::<Flex>().ok()?.to_contiguous();
        images.as_slice::<f32>().is_some().then_some(Self { params, images })
    }

    fn params(&self) -> Vec<&[f32]> {
        self.params.iter().map(|tensor| tensor.as_slice().unwrap_or_default()).collect()
    }

    fn images(&self) -> &[f32] {
        self.images.as_slice().unwrap_or_default()
    }
}

fn run_plan(
    plan: &mut TrainPlan,
    slices: &Slices,
    device: &Device,
    pass: &mut TrainPass,
    loss: impl FnOnce(Tensor<2>) -> Tensor<1>,
) -> Differentiated {
    let params = slices.params();
    let images = slices.images();
    let (logits, seen) = in_pool(|| plan.forward(&params, images, pass));
    let vector = |values: Vec<f32>| {
        let length = values.len();
        Tensor::<1>::from_data(TensorData::new(values, [length]), device)
    };
    for seen in seen {
        let count = seen.count as f64;
        let unbiased = (count / (count - 1.0).max(1.0)) as f32;
        pass.stats.push(BatchStats {
            node: seen.node,
            mean: vector(seen.statistics.mean),
            variance: vector(seen.statistics.variance).mul_scalar(unbiased),
        });
    }
    let shape = [plan.batch(), logits.len() / plan.batch().max(1)];
    let logits = Tensor::<2>::from_data(TensorData::new(logits, shape), device);
    let leaf = logits.clone().autodiff().require_grad();
    let loss = loss(leaf.clone());
    let gradient = leaf.grad(&loss.backward());
    let gradients = match gradient {
        Some(gradient) => {
            let gradient: Vec<f32> = gradient.into_data().iter::<f32>().collect();
            in_pool(|| plan.backward(&params, &gradient))
        }
        None => vec![None; params.len()],
    };
    Differentiated {
        loss: loss.without_autodiff(),
        logits,
        gradients: gradients.into_iter().map(|gradient| gradient.map(vector)).collect(),
    }
}

fn run_burn(
    network: &Network,
    images: Tensor<4>,
    pass: &mut TrainPass,
    loss: impl FnOnce(Tensor<2>) -> Tensor<1>,
) -> Differentiated {
    let tracked = network.tracked();
    let logits = tracked.forward(images.autodiff(), Pass::Train(pass));
    let loss = loss(logits.clone());
    Differentiated {
        gradients: tracked.gradients(&loss),
        loss: loss.without_autodiff(),
        logits: logits.without_autodiff(),
    }
}
