//! Logits and features without gradients, by the fastest way that a device allows.

use crate::given::GivenValues;
use crate::graph::Graph;
use crate::infer_plan::InferPlan;
use crate::int_plan::{IntPlan, IntegerLayers, StepTime};
use crate::lowering::GivenSlice;
use crate::network::Network;
use crate::op::Shape;
use crate::pass::Pass;
use crate::route::Route;
use crate::{Error, Given, Result, RowValues};
use burn::tensor::{Tensor, TensorData};
use std::fmt;

/// A network compiled for inference.
///
/// Normalisations are folded into the convolutions and linear layers before them. On the CPU a
/// network is then run by a plan made for the size of its images; on other devices, and for networks
/// with operations that no plan knows, by burn. Layers whose weights are packed and whose inputs are quantized
/// run on integers. It is a copy: later changes of the network do not
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
    /// Without its weights, which are millions of elements.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = formatter.debug_struct("InferenceEngine");
        text.field("plans", &self.plans.len()).finish_non_exhaustive()
    }
}

/// A plan and what it was made for.
struct Planned {
    route: Route,
    given: Vec<Shape>,
    /// `None` if there can be none.
    plan: Option<AnyPlan>,
}

/// A plan of inference.
enum AnyPlan {
    Float(InferPlan),
    /// Of a network whose weights are packed and whose activations are quantized.
    Integer(IntPlan),
}

impl AnyPlan {
    fn bytes(&self, batch: usize) -> u64 {
        match self {
            Self::Float(plan) => plan.bytes(batch),
            Self::Integer(plan) => plan.bytes(batch),
        }
    }

    fn run(&self, given: &[GivenSlice<'_>], batch: usize) -> Vec<RowValues> {
        match self {
            Self::Float(plan) => plan.run(given, batch),
            Self::Integer(plan) => plan.run(given, batch),
        }
    }
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
        let (route, given) =
            (engine.folded.graph().classify(), [Shape { channels, height, width }]);
        Ok(engine.plan_for(&route, &given).map(|plan| plan.bytes(batch)))
    }

    /// Whether images of `height` × `width` pixels are classified by a plan.
    pub fn has_plan(&mut self, [height, width]: [usize; 2]) -> bool {
        let graph = self.folded.graph();
        let (route, channels) = (graph.classify(), graph.in_channels());
        self.plan_for(&route, &[Shape { channels, height, width }]).is_some()
    }

    /// Which operations run on integers for images of `height` × `width` pixels: those of layers whose weights
    /// are packed and whose inputs are quantized. `None` where all of them compute in floats.
    pub fn integer_layers(&mut self, [height, width]: [usize; 2]) -> Option<&IntegerLayers> {
        let graph = self.folded.graph();
        let (route, channels) = (graph.classify(), graph.in_channels());
        match self.plan_for(&route, &[Shape { channels, height, width }])? {
            AnyPlan::Integer(plan) => Some(plan.layers()),
            AnyPlan::Float(_) => None,
        }
    }

    /// What each step takes in `passes` passes over a batch of images, where [layers](Self::integer_layers) run
    /// on integers. The first pass of all is slower than others.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    pub fn integer_step_times(
        &mut self,
        images: Tensor<4>,
        passes: usize,
    ) -> Option<Vec<StepTime>> {
        let route = self.folded.graph().classify();
        let given = [Given::Planes(images)];
        let (batch, shapes) = (given[0].batch(), [given[0].shape()]);
        let slices = GivenValues::new(&given)?;
        match self.plan_for(&route, &shapes)? {
            AnyPlan::Integer(plan) => Some(plan.times(&slices.slices(), batch, passes)),
            AnyPlan::Float(_) => None,
        }
    }

    /// The graph that it runs, in which normalisations are folded: routes through it have the operations
    /// of this one.
    pub fn graph(&self) -> &Graph {
        self.folded.graph()
    }

    /// Whether a route that is given one value is run by a plan.
    pub fn has_plan_for(&mut self, route: &Route, given: &Shape) -> bool {
        self.plan_for(route, &[*given]).is_some()
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
        let route = self.folded.graph().classify();
        self.vectors(&route, images)
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
        let route = self.folded.graph().embed();
        self.vectors(&route, images)
    }

    /// The values that a route wants, several from one pass, channels last.
    ///
    /// # Errors
    /// When the values are not those that the route gives, do not fit the network, or are of different
    /// batches.
    pub fn values(&mut self, route: &Route, given: Vec<Given>) -> Result<Vec<RowValues>> {
        let batch = given.first().map_or(0, Given::batch);
        if let Some(other) = given.iter().find(|other| other.batch() != batch) {
            return Err(Error::BatchSizes { first: batch, other: other.batch() });
        }
        let shapes: Vec<Shape> = given.iter().map(Given::shape).collect();
        if let Some(slices) = GivenValues::new(&given)
            && let Some(plan) = self.plan_for(route, &shapes)
        {
            return Ok(plan.run(&slices.slices(), batch));
        }
        self.folded.graph().shapes_on(route, &shapes)?;
        let device = self.folded.params().device();
        let given = given.into_iter().map(|value| value.into_planes(device)).collect();
        let values = self.folded.run_route(route, given, &mut Pass::Eval)?;
        Ok(values.into_iter().map(RowValues::from).collect())
    }

    /// The one value that a route wants, for each image in one row.
    fn vectors(&mut self, route: &Route, images: Tensor<4>) -> Result<Tensor<2>> {
        let (batch, device) = (images.dims()[0], images.device());
        let values = self.values(route, vec![Given::Planes(images)])?;
        let Ok([RowValues { values, shape }]) = <[RowValues; 1]>::try_from(values) else {
            unreachable!("the route wants one value")
        };
        Ok(Tensor::from_data(TensorData::new(values, [batch, shape.len()]), &device))
    }

    fn plan_for(&mut self, route: &Route, given: &[Shape]) -> Option<&AnyPlan> {
        let fits = |planned: &Planned| planned.route == *route && planned.given == given;
        let newest = if let Some(index) = self.plans.iter().position(fits) {
            self.plans.remove(index)
        } else {
            let surplus = (self.plans.len() + 1).saturating_sub(Self::PLANS);
            self.plans.drain(..surplus);
            let (graph, params) = (self.folded.graph(), self.folded.params());
            let integer = IntPlan::new(graph, params, route, given).map(AnyPlan::Integer);
            let float = || InferPlan::new(graph, params, route, given).map(AnyPlan::Float);
            let plan = integer.or_else(float);
            Planned { route: route.clone(), given: given.to_vec(), plan }
        };
        self.plans.push(newest);
        self.plans.last()?.plan.as_ref()
    }
}
