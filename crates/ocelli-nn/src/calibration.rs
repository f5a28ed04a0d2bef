//! The ranges of activations, from images.
//!
//! What training observes as it goes, a trained network can be shown: some hundred images tell the least and
//! the largest value of each tensor, and how values are spread between them.

mod histogram;

use crate::graph::{Graph, reader_name};
use crate::network::Network;
use crate::node_id::NodeId;
use crate::op::widened;
use crate::route::Route;
use crate::{Given, InferenceEngine, Result};
use burn::tensor::Tensor;
use histogram::Histogram;

/// Shows a network images, and remembers the ranges of what it quantizes.
///
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
/// use ocelli_nn::graph::QuantizerSettings;
/// use ocelli_nn::{Calibration, registry, registry::ModelOptions};
/// use ocelli_random::Seed;
///
/// let model = registry::find("resnet20_cifar")?;
/// let network = model.network(&ModelOptions::default(), Seed(0), &Device::flex())?;
/// let settings = QuantizerSettings::new(vec!["min_max:8".parse()?]);
/// let graph = network.graph().with_quantizers(&settings, |layer| layer != "fc")?;
/// let mut quantized = network.with_graph(graph)?;
/// let mut calibration = Calibration::new(&quantized)?;
/// let images = Tensor::random([2, 3, 32, 32], Distribution::Uniform(-1.0, 1.0), &Device::flex());
/// calibration.observe(images)?;
/// calibration.set_ranges(&mut quantized, 1.0)?;
/// let (_, _, first) = quantized.graph().quantizers().next().expect("one before each layer");
/// assert!(first.grid(quantized.params()).is_some());
/// # Ok::<(), ocelli_nn::Error>(())
/// ```
#[derive(Debug)]
pub struct Calibration {
    /// The network in float.
    engine: InferenceEngine,
    route: Route,
    tensors: Vec<TensorRange>,
}

/// What was seen of a tensor.
#[derive(Clone, Debug)]
pub struct TensorRange {
    /// The operation that quantizes it.
    pub name: String,
    /// The least value, or zero.
    pub low: f32,
    /// The largest value, or zero.
    pub high: f32,
    count: u64,
    magnitudes: f64,
    histogram: Histogram,
}

impl TensorRange {
    fn new(name: &str) -> Self {
        let name = name.to_owned();
        let histogram = Histogram::default();
        Self { name, low: 0.0, high: 0.0, count: 0, magnitudes: 0.0, histogram }
    }

    fn observe(&mut self, values: &[f32]) {
        for value in values {
            self.low = self.low.min(*value);
            self.high = self.high.max(*value);
            self.magnitudes += f64::from(value.abs());
        }
        self.count += values.len() as u64;
        self.histogram.add(values, self.high.max(-self.low));
    }

    /// How many values were seen.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// E|x|
    pub fn mean_magnitude(&self) -> f32 {
        (self.magnitudes / self.count.max(1) as f64) as f32
    }

    /// The least interval with zero in it which leaves out at most a share of `1 − coverage` of the values on
    /// either side, to a 1,024th of the largest magnitude; all of them with a coverage of 1.
    pub fn range(&self, coverage: f64) -> [f32; 2] {
        let surplus = ((1.0 - coverage).max(0.0) * self.count as f64) as u64;
        if surplus == 0 {
            return [self.low, self.high];
        }
        let [low, high] = self.histogram.without(surplus);
        [low.max(self.low), high.min(self.high)]
    }
}

impl Calibration {
    /// Begins with a network whose activations are to be quantized; it is run as if they were not.
    ///
    /// # Errors
    /// Only when the network is inconsistent in itself.
    pub fn new(network: &Network) -> Result<Self> {
        let quantized = network.graph();
        let plain = network.with_graph(quantized.without_quantizers())?;
        let mut engine = InferenceEngine::new(&plain)?;
        let (route, tensors) = tensors(network, &mut engine)?;
        Ok(Self { engine, route, tensors })
    }

    /// Shows it a batch of images. All feature maps of the batch are in memory at once.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn observe(&mut self, images: Tensor<4>) -> Result<()> {
        let values = self.engine.values(&self.route, vec![Given::Planes(images)])?;
        for (tensor, rows) in self.tensors.iter_mut().zip(values) {
            tensor.observe(&rows.values);
        }
        Ok(())
    }

    /// What was seen of each quantized tensor, in running order.
    pub fn tensors(&self) -> &[TensorRange] {
        &self.tensors
    }

    /// Sets the running ranges of a network to [those](TensorRange::range) seen, and learnt clips and steps to
    /// what they start from there. Of no images it sets nothing.
    ///
    /// # Errors
    /// Only when the network is inconsistent in itself.
    pub fn set_ranges(&self, network: &mut Network, coverage: f64) -> Result<()> {
        let quantizers: Vec<_> = network
            .graph()
            .quantizers()
            .map(|(_, node, quantize)| (node.name.clone(), quantize.clone()))
            .collect();
        for (name, quantize) in quantizers {
            let seen = self.tensors.iter().find(|tensor| tensor.name == name && tensor.count > 0);
            let Some(tensor) = seen else { continue };
            let range = widened(tensor.range(coverage));
            let params = network.params_mut();
            params.set_values(quantize.range, range.to_vec())?;
            let scales = quantize.first_scales(range, tensor.mean_magnitude());
            for (branch, scale) in quantize.branches.iter().zip(scales) {
                if let Some(id) = branch.scale {
                    params.set_values(id, vec![scale])?;
                }
            }
        }
        Ok(())
    }
}

/// The values that a network quantizes, as values of its float form in an engine.
fn tensors(network: &Network, engine: &mut InferenceEngine) -> Result<(Route, Vec<TensorRange>)> {
    let mut to = Vec::new();
    let mut tensors = Vec::new();
    for (_, node, _) in network.graph().quantizers() {
        let Some(reader) = node.name.strip_suffix(".quantize") else { continue };
        to.push(input_of(engine.graph(), reader)?);
        tensors.push(TensorRange::new(&node.name));
    }
    Ok((Route { from: vec![Graph::IMAGE], to }, tensors))
}

/// What a reader of levels reads, by its name.
fn input_of(graph: &Graph, reader: &str) -> Result<NodeId> {
    for node in graph.nodes() {
        for (input, id) in node.inputs.iter().enumerate() {
            if reader_name(node, input).as_deref() == Some(reader) {
                return Ok(*id);
            }
        }
    }
    graph.find(reader)
}
