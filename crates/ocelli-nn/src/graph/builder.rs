//! How a backbone describes itself.

use super::{Graph, Node};
use crate::init::{InitScheme, Initializer};
use crate::node_id::NodeId;
use crate::op::{
    Activation, Add, AvgPool, BatchNorm, Concat, Conv2d, DropPath, Dropout, Flatten, GlobalAvgPool,
    Input, Linear, LocalResponseNorm, MaxPool, Op, PadShortcut, Padding, Pool, Scale,
};
use crate::parameter::{ParamId, ParamSpec, Role};
use std::collections::BTreeMap;

/// Collects the operations and parameters of a network.
///
/// Parameters are listed in the order of the calls, which therefore follows the order in which
/// the reference registers its modules.
#[derive(Debug)]
pub struct Builder {
    nodes: Vec<Node>,
    channels: Vec<usize>,
    params: Vec<ParamSpec>,
    stages: Vec<NodeId>,
    init: InitScheme,
    norm: NormSettings,
}

/// What all batch normalisations of a network share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormSettings {
    /// Added to the variance.
    pub epsilon: f64,
    /// The weight of the newest batch in the running statistics (PyTorch's convention).
    pub momentum: f64,
}

impl Default for NormSettings {
    /// PyTorch's defaults.
    fn default() -> Self {
        Self { epsilon: 1e-5, momentum: 0.1 }
    }
}

/// The settings of a convolution; everything but the channels has a usual value.
#[derive(Clone, Copy, Debug)]
pub struct ConvSettings {
    /// Channels of the result.
    pub out_channels: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// The step in rows and columns.
    pub stride: usize,
    /// What lies outside the image; `None` for `dilation * (kernel − 1) / 2` zeros on all sides.
    pub padding: Option<Padding>,
    /// The distance of the kernel's taps.
    pub dilation: usize,
    /// In how many independent groups the channels are.
    pub groups: usize,
    /// Whether there is a bias.
    pub bias: bool,
}

impl ConvSettings {
    /// A dense convolution with stride one, 'same' size and no bias.
    pub fn new(out_channels: usize, kernel: usize) -> Self {
        Self { out_channels, kernel, stride: 1, padding: None, dilation: 1, groups: 1, bias: false }
    }

    /// A depthwise convolution over `channels`.
    pub fn depthwise(channels: usize, kernel: usize) -> Self {
        Self { groups: channels, ..Self::new(channels, kernel) }
    }

    /// With another stride.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// With another padding.
    #[must_use]
    pub fn padding(self, padding: Padding) -> Self {
        Self { padding: Some(padding), ..self }
    }

    /// In independent groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// With a bias.
    #[must_use]
    pub fn with_bias(self) -> Self {
        Self { bias: true, ..self }
    }
}

impl Builder {
    /// Starts a network for images of `in_channels`; returns it with the node of the image.
    pub fn new(in_channels: usize, init: InitScheme, norm: NormSettings) -> (Self, NodeId) {
        let mut builder = Self {
            nodes: Vec::new(),
            channels: Vec::new(),
            params: Vec::new(),
            stages: Vec::new(),
            init,
            norm,
        };
        let image = builder.push("input", Input, &[], in_channels);
        (builder, image)
    }

    /// The channels of a value.
    pub fn channels(&self, node: NodeId) -> usize {
        self.channels[node.0]
    }

    /// A convolution; its parameters are `name.weight` and `name.bias`.
    pub fn conv(&mut self, name: &str, x: NodeId, settings: ConvSettings) -> NodeId {
        let ConvSettings { out_channels, kernel, stride, padding, dilation, groups, bias } =
            settings;
        let in_channels = self.channels(x);
        // What no layer has is refused where shapes are asked for.
        let shape = [out_channels, in_channels / groups.max(1), kernel, kernel];
        let (weight_init, bias_init) = self.init.convolution(shape, groups.max(1));
        let weight = self.param(name, "weight", &shape, Role::Weight, weight_init);
        let bias = bias.then(|| self.param(name, "bias", &[out_channels], Role::Bias, bias_init));
        let half = dilation * kernel.saturating_sub(1) / 2;
        let conv = Conv2d {
            weight,
            bias,
            in_channels,
            out_channels,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: padding.unwrap_or(Padding::Symmetric([half; 2])),
            dilation: [dilation; 2],
            groups,
        };
        self.push(name, conv, &[x], out_channels)
    }

    /// A batch normalisation; its parameters are those of PyTorch's `BatchNorm2d`.
    pub fn batch_norm(&mut self, name: &str, x: NodeId) -> NodeId {
        let channels = self.channels(x);
        let (zero, one) = (Initializer::Constant(0.0), Initializer::Constant(1.0));
        let weight = self.param(name, "weight", &[channels], Role::NormScale, one);
        let bias = self.param(name, "bias", &[channels], Role::NormShift, zero);
        let running_mean = self.param(name, "running_mean", &[channels], Role::RunningMean, zero);
        let running_var = self.param(name, "running_var", &[channels], Role::RunningVar, one);
        let num_batches_tracked =
            self.param(name, "num_batches_tracked", &[], Role::BatchCount, zero);
        let NormSettings { epsilon, momentum } = self.norm;
        let norm = BatchNorm {
            weight,
            bias,
            running_mean,
            running_var,
            num_batches_tracked,
            epsilon,
            momentum,
        };
        self.push(name, norm, &[x], channels)
    }

    /// An operation without parameters on one value.
    pub fn apply(&mut self, name: &str, x: NodeId, op: impl Into<Op>) -> NodeId {
        let op = op.into();
        let channels = op.operation().out_channels(self.channels(x));
        self.push(name, op, &[x], channels)
    }

    /// An activation; it has no parameters and takes the name of its input.
    pub fn activation(&mut self, x: NodeId, activation: Activation) -> NodeId {
        let name = self.name_of(x);
        self.apply(&name, x, activation)
    }

    /// The sum of two values.
    pub fn add(&mut self, name: &str, a: NodeId, b: NodeId) -> NodeId {
        self.push(name, Add, &[a, b], self.channels(a))
    }

    /// A value times a gate per channel.
    pub fn scale(&mut self, name: &str, x: NodeId, gate: NodeId) -> NodeId {
        self.push(name, Scale, &[x, gate], self.channels(x))
    }

    /// The first `keep` channels of several values side by side.
    pub fn concat(&mut self, name: &str, inputs: &[NodeId], keep: usize) -> NodeId {
        self.push(name, Concat { keep }, inputs, keep)
    }

    /// The mean over height and width.
    pub fn global_avg_pool(&mut self, name: &str, x: NodeId) -> NodeId {
        self.apply(name, x, GlobalAvgPool)
    }

    /// The mean over a window.
    pub fn avg_pool(&mut self, name: &str, x: NodeId, pool: Pool) -> NodeId {
        self.apply(name, x, AvgPool(pool))
    }

    /// The maximum over a window.
    pub fn max_pool(&mut self, name: &str, x: NodeId, pool: Pool) -> NodeId {
        self.apply(name, x, MaxPool(pool))
    }

    /// A local response normalisation.
    pub fn local_response_norm(
        &mut self,
        name: &str,
        x: NodeId,
        norm: LocalResponseNorm,
    ) -> NodeId {
        self.apply(name, x, norm)
    }

    /// The parameter-free shortcut of the CIFAR ResNets.
    pub fn pad_shortcut(
        &mut self,
        name: &str,
        x: NodeId,
        out_channels: usize,
        stride: usize,
    ) -> NodeId {
        self.apply(name, x, PadShortcut { out_channels, stride })
    }

    /// All axes but the batch joined; `features` is how many values that are.
    pub fn flatten(&mut self, name: &str, x: NodeId, features: usize) -> NodeId {
        self.push(name, Flatten, &[x], features)
    }

    /// A linear layer with bias over a pooled or flattened value.
    pub fn linear(&mut self, name: &str, x: NodeId, out_features: usize) -> NodeId {
        let (_, bias_init) = self.init.linear([out_features, self.channels(x)]);
        let mut linear = self.linear_weight(name, x, out_features);
        linear.bias = Some(self.param(name, "bias", &[out_features], Role::Bias, bias_init));
        self.push(name, linear, &[x], out_features)
    }

    /// A linear layer whose shift a normalisation gives.
    pub fn linear_without_bias(&mut self, name: &str, x: NodeId, out_features: usize) -> NodeId {
        let linear = self.linear_weight(name, x, out_features);
        self.push(name, linear, &[x], out_features)
    }

    fn linear_weight(&mut self, name: &str, x: NodeId, out_features: usize) -> Linear {
        let in_features = self.channels(x);
        let (initializer, _) = self.init.linear([out_features, in_features]);
        let shape = [out_features, in_features];
        let weight = self.param(name, "weight", &shape, Role::Weight, initializer);
        Linear { weight, bias: None, in_features, out_features }
    }

    /// Dropout; nothing is added when `probability` is zero.
    pub fn dropout(&mut self, name: &str, x: NodeId, probability: f64) -> NodeId {
        if probability == 0.0 {
            return x;
        }
        self.apply(name, x, Dropout { probability })
    }

    /// Stochastic depth; nothing is added when `probability` is zero.
    pub fn drop_path(&mut self, name: &str, x: NodeId, probability: f64) -> NodeId {
        if probability == 0.0 {
            return x;
        }
        self.apply(name, x, DropPath { probability })
    }

    /// Marks the end of a stage.
    pub fn end_stage(&mut self, x: NodeId) {
        self.stages.push(x);
    }

    /// Ends the description: `features` is the last feature map, `pooled` the input of the
    /// classifier and `logits` its output.
    pub fn finish(self, features: NodeId, pooled: NodeId, logits: NodeId) -> Graph {
        Graph {
            in_channels: self.channels[0],
            init: self.init,
            nodes: self.nodes,
            params: self.params,
            stages: self.stages,
            features,
            pooled,
            logits,
            routes: BTreeMap::new(),
        }
    }

    /// An operation of another graph, whose parameters are `specs`. The channels of a flattened
    /// value are not known then.
    pub(crate) fn copy(&mut self, node: &Node, specs: &[ParamSpec], inputs: &[NodeId]) -> NodeId {
        let mut op = node.op.clone();
        op.operation_mut().map_params(&mut |id| {
            self.params.push(specs[id.index()].clone());
            ParamId(self.params.len() - 1)
        });
        let first = inputs.first().map_or(0, |input| self.channels(*input));
        let channels = op.operation().out_channels(first);
        self.push(&node.name, op, inputs, channels)
    }

    /// Goes on after the last operation of a graph, whose value has `channels`; those of others are not
    /// known.
    pub(super) fn resume(graph: Graph, channels: usize) -> Self {
        let last = graph.nodes.len() - 1;
        let known = |index: usize| match index {
            0 => graph.in_channels,
            index if index == last => channels,
            _ => 0,
        };
        Self {
            channels: (0..graph.nodes.len()).map(known).collect(),
            nodes: graph.nodes,
            params: graph.params,
            stages: graph.stages,
            init: graph.init,
            norm: NormSettings::default(),
        }
    }

    /// Tells how many channels a value has that was there before.
    pub(super) fn set_channels(&mut self, node: NodeId, channels: usize) {
        self.channels[node.0] = channels;
    }

    /// What batch normalisations share from now on.
    pub(crate) fn set_norm(&mut self, norm: NormSettings) {
        self.norm = norm;
    }

    fn name_of(&self, node: NodeId) -> String {
        self.nodes[node.0].name.clone()
    }

    fn push(
        &mut self,
        name: &str,
        op: impl Into<Op>,
        inputs: &[NodeId],
        channels: usize,
    ) -> NodeId {
        let node = Node { name: name.to_owned(), op: op.into(), inputs: inputs.to_vec() };
        self.nodes.push(node);
        self.channels.push(channels);
        NodeId(self.nodes.len() - 1)
    }

    fn param(
        &mut self,
        module: &str,
        name: &str,
        shape: &[usize],
        role: Role,
        initializer: Initializer,
    ) -> ParamId {
        let name = format!("{module}.{name}");
        self.params.push(ParamSpec { name, shape: shape.to_vec(), role, initializer });
        ParamId(self.params.len() - 1)
    }
}
