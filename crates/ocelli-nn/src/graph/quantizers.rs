//! The form of a network whose activations are quantized.

use super::{Graph, Node};
use crate::init::Initializer;
use crate::node_id::NodeId;
use crate::op::{Activation, ActivationQuantizer, Op, Quantize, QuantizeBranch, SideInput};
use crate::parameter::{ParamId, ParamSpec, Role};
use crate::route::Route;
use crate::{Error, Result};
use ocelli_kernels::quantize::FakeQuantizer;
use std::collections::BTreeMap;

/// How activations are quantized.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizerSettings {
    /// The quantizers of each tensor; of several it takes a mixture, with attention that is given.
    pub quantizers: Vec<ActivationQuantizer>,
    /// Whether the network's image is quantized too.
    pub image: bool,
    /// Whether sums, concatenations, gates and means read levels as layers do, so that an engine on integers
    /// has bytes from the image to the classifier, as runtimes of ONNX do.
    pub sums: bool,
    /// The weight of the newest batch in running ranges.
    pub momentum: f64,
}

impl QuantizerSettings {
    /// Ranges that follow as running statistics do (0.1), and images and sums that stay as they are.
    pub fn new(quantizers: Vec<ActivationQuantizer>) -> Self {
        Self { quantizers, image: false, sums: false, momentum: 0.1 }
    }
}

/// What reads levels where it is to: a layer, or one of the inputs of a sum or the like. Written as `LAYER`, and
/// `SUM.add1`, `SUM.add2`.
pub(crate) fn reader_name(node: &Node, input: usize) -> Option<String> {
    let kind = match node.op {
        Op::Conv2d(_) | Op::Linear(_) => return (input == 0).then(|| node.name.clone()),
        Op::Add(_) => "add",
        Op::Concat(_) => "concat",
        Op::Scale(_) => "scale",
        Op::GlobalAvgPool(_) | Op::AvgPool(_) => "mean",
        Op::PadShortcut(_) => "pad_shortcut",
        _ => return None,
    };
    Some(format!("{}.{kind}{}", node.name, input + 1))
}

impl Graph {
    /// The same network with a [`Quantize`] on every tensor that a convolution or linear layer reads for
    /// whose name `is_quantized` holds; one for each tensor, whoever reads it. Other operations, and what the
    /// graph names (features, pooled, stages), keep a tensor's own values.
    ///
    /// With [`sums`](QuantizerSettings::sums) it is the same with sums, concatenations, gates, means and
    /// parameter-free shortcuts, whose inputs `is_quantized` is asked for as `SUM.add1`, `SUM.add2`,
    /// `NAME.concat1`, `NAME.scale1`, `NAME.mean1` and `NAME.pad_shortcut1`. What such a shortcut makes of levels
    /// is on levels already.
    ///
    /// A `Quantize` is called after the first layer that reads the tensor, else after what else reads it first:
    /// `LAYER.quantize`, its running range
    /// `LAYER.quantize.range`, its learnt numbers `LAYER.quantize.pact2.clip` or `LAYER.quantize.lsq4.step`,
    /// and the attention that it is given, if there are several quantizers, `LAYER.quantize.attention`.
    /// Parameters come after all others, whose first values stay as they are.
    ///
    /// # Errors
    /// [`ModelOption`](crate::Error::ModelOption) for no quantizers, too many, or twice the same, impossible
    /// bits, or a network whose activations are quantized already.
    pub fn with_quantizers(
        &self,
        settings: &QuantizerSettings,
        is_quantized: impl Fn(&str) -> bool,
    ) -> Result<Self> {
        check(&settings.quantizers)?;
        if let Some((_, node, _)) = self.quantizers().next() {
            return Err(refuse(
                format!("`{}` is there already", node.name),
                "a network whose activations are not quantized yet".to_owned(),
            ));
        }
        if settings.quantizers == [ActivationQuantizer::Float] {
            return Ok(self.clone());
        }
        let reads = self.reads(settings, is_quantized);
        let first_readers = self.first_readers(&reads);
        let mut rewritten = Rewritten::new(self.params.clone());
        let mut quantized: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let of_input = |(input, id): (usize, &NodeId)| {
                let levels = quantized.get(id).filter(|_| reads[index][input].is_some());
                levels.copied().unwrap_or(rewritten.at(*id))
            };
            let inputs = node.inputs.iter().enumerate().map(of_input).collect();
            rewritten.push(Node { inputs, ..node.clone() });
            if let Some(reader) = first_readers.get(&NodeId(index)) {
                let is_signed = !self.is_nonnegative(NodeId(index));
                let x = rewritten.at(NodeId(index));
                let id = rewritten.quantize(reader, x, settings, is_signed)?;
                quantized.insert(NodeId(index), id);
            }
        }
        Ok(rewritten.finish(self))
    }

    /// For each input of each operation the name of what reads it, if it reads levels.
    fn reads(
        &self,
        settings: &QuantizerSettings,
        is_quantized: impl Fn(&str) -> bool,
    ) -> Vec<Vec<Option<String>>> {
        let mut has_levels = vec![false; self.nodes.len()];
        let mut reads = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let is_layer = matches!(node.op, Op::Conv2d(_) | Op::Linear(_));
            let of_input = |(input, id): (usize, &NodeId)| {
                let is_image = matches!(self.node(*id).op, Op::Input(_));
                let may = (is_layer || settings.sums) && (settings.image || !is_image);
                let name = reader_name(node, input).filter(|_| may && !has_levels[id.index()]);
                name.filter(|name| is_quantized(name))
            };
            let of_node: Vec<_> = node.inputs.iter().enumerate().map(of_input).collect();
            has_levels[index] = matches!(node.op, Op::PadShortcut(_))
                && node
                    .inputs
                    .iter()
                    .zip(&of_node)
                    .all(|(id, name)| name.is_some() || has_levels[id.index()]);
            reads.push(of_node);
        }
        reads
    }

    /// For each tensor that is read as levels who reads it first, layers before all others.
    fn first_readers<'a>(&self, reads: &'a [Vec<Option<String>>]) -> BTreeMap<NodeId, &'a str> {
        let mut first: BTreeMap<NodeId, &str> = BTreeMap::new();
        for of_layers in [true, false] {
            for (node, names) in self.nodes.iter().zip(reads) {
                let is_layer = matches!(node.op, Op::Conv2d(_) | Op::Linear(_));
                for (id, name) in node.inputs.iter().zip(names) {
                    if let Some(name) = name.as_deref().filter(|_| is_layer == of_layers) {
                        first.entry(*id).or_insert(name);
                    }
                }
            }
        }
        first
    }

    /// The quantizations of activations, in running order.
    pub fn quantizers(&self) -> impl Iterator<Item = (NodeId, &Node, &Quantize)> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter_map(|(index, node)| match &node.op {
            Op::Quantize(quantize) => Some((NodeId(index), node, quantize)),
            _ => None,
        })
    }

    /// The given values that tell quantizations how much of each quantizer to take, in running order.
    pub fn attention(&self) -> Vec<NodeId> {
        let attention = self.quantizers().filter_map(|(_, node, _)| node.inputs.get(1).copied());
        attention.filter(|id| matches!(self.node(*id).op, Op::SideInput(_))).collect()
    }

    /// A route that is given the attention that it needs too, after its own values and in running order.
    ///
    /// # Errors
    /// As for [`params_on`](Self::params_on).
    pub fn with_attention(&self, route: &Route) -> Result<Route> {
        let mut all = route.clone();
        all.from.extend(self.attention());
        let mut reached = vec![false; self.nodes.len()];
        self.needed(&all)?;
        route.to.iter().for_each(|id| reached[id.index()] = true);
        for index in (0..self.nodes.len()).rev() {
            if reached[index] && !route.from.contains(&NodeId(index)) {
                self.nodes[index].inputs.iter().for_each(|id| reached[id.index()] = true);
            }
        }
        let is_new = |id: &NodeId| reached[id.index()] && !route.from.contains(id);
        let from = route.from.iter().copied();
        let from = from.chain(self.attention().into_iter().filter(is_new)).collect();
        Ok(Route { from, to: route.to.clone() })
    }

    /// Whether a value is never below zero, as far as its operations tell.
    fn is_nonnegative(&self, id: NodeId) -> bool {
        let node = self.node(id);
        let all = || node.inputs.iter().all(|input| self.is_nonnegative(*input));
        match &node.op {
            Op::Activation(kind) => *kind != Activation::Silu,
            Op::Add(_)
            | Op::Scale(_)
            | Op::Concat(_)
            | Op::GlobalAvgPool(_)
            | Op::AvgPool(_)
            | Op::MaxPool(_)
            | Op::LocalResponseNorm(_)
            | Op::PadShortcut(_)
            | Op::Upsample(_)
            | Op::Flatten(_)
            | Op::Unit(_)
            | Op::Dropout(_)
            | Op::DropPath(_) => all(),
            Op::Quantize(_) => self.is_nonnegative(node.inputs[0]),
            Op::Input(_) | Op::SideInput(_) | Op::Conv2d(_) | Op::Linear(_) | Op::BatchNorm(_) => {
                false
            }
        }
    }
}

pub(super) fn refuse(value: String, expected: String) -> Error {
    Error::ModelOption { option: "activations".to_owned(), value, expected }
}

fn check(quantizers: &[ActivationQuantizer]) -> Result<()> {
    let (count, most) = (quantizers.len(), FakeQuantizer::MOST);
    if !(1..=most).contains(&count) {
        return Err(refuse(format!("{count} quantizers"), format!("1 to {most} of them")));
    }
    for (index, quantizer) in quantizers.iter().enumerate() {
        quantizer.check(false)?;
        if quantizers[..index].contains(quantizer) {
            return Err(refuse(format!("`{quantizer}` twice"), "each quantizer once".to_owned()));
        }
    }
    Ok(())
}

/// A graph in the making.
pub(super) struct Rewritten {
    nodes: Vec<Node>,
    params: Vec<ParamSpec>,
    /// Where each old value now comes from.
    moved: Vec<NodeId>,
}

impl Rewritten {
    pub(super) fn new(params: Vec<ParamSpec>) -> Self {
        Self { nodes: Vec::new(), params, moved: Vec::new() }
    }

    pub(super) fn at(&self, id: NodeId) -> NodeId {
        self.moved[id.index()]
    }

    /// The next old operation.
    pub(super) fn push(&mut self, node: Node) {
        self.moved.push(NodeId(self.nodes.len()));
        self.nodes.push(node);
    }

    /// The next old operation goes, and `instead` has its value.
    pub(super) fn skip(&mut self, instead: NodeId) {
        self.moved.push(instead);
    }

    fn param(&mut self, name: String, shape: &[usize], role: Role) -> ParamId {
        let initializer = Initializer::Constant(0.0);
        self.params.push(ParamSpec { name, shape: shape.to_vec(), role, initializer });
        ParamId(self.params.len() - 1)
    }

    /// A new operation that quantizes `x`, which `reader` reads.
    fn quantize(
        &mut self,
        reader: &str,
        x: NodeId,
        settings: &QuantizerSettings,
        is_signed: bool,
    ) -> Result<NodeId> {
        let name = format!("{reader}.quantize");
        let mut inputs = vec![x];
        if settings.quantizers.len() > 1 {
            let op = Op::from(SideInput { channels: settings.quantizers.len() });
            self.nodes.push(Node { name: format!("{name}.attention"), op, inputs: Vec::new() });
            inputs.push(NodeId(self.nodes.len() - 1));
        }
        let range = self.param(format!("{name}.range"), &[2], Role::Range);
        let mut branches = Vec::new();
        for quantizer in &settings.quantizers {
            quantizer.check(is_signed)?;
            let label = quantizer.to_string().replace(':', "");
            let scale = quantizer
                .scale_name()
                .map(|scale| self.param(format!("{name}.{label}.{scale}"), &[], Role::Coefficient));
            branches.push(QuantizeBranch { quantizer: *quantizer, scale });
        }
        let momentum = settings.momentum;
        let op = Quantize { branches, shares: None, range, is_signed, momentum };
        self.nodes.push(Node { name, op: Op::from(op), inputs });
        Ok(NodeId(self.nodes.len() - 1))
    }

    /// The graph, with all that `old` names.
    pub(super) fn finish(self, old: &Graph) -> Graph {
        let at = |id: NodeId| self.moved[id.index()];
        Graph {
            stages: old.stages.iter().map(|id| at(*id)).collect(),
            features: at(old.features),
            pooled: at(old.pooled),
            logits: at(old.logits),
            in_channels: old.in_channels,
            routes: old.routes.iter().map(|(name, route)| (name.clone(), route.map(at))).collect(),
            init: old.init,
            nodes: self.nodes,
            params: self.params,
        }
    }
}
