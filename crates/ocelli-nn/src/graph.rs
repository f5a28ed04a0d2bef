//! A network as data: a list of operations in the order in which they run.
//!
//! A backbone describes itself once, through a [`Builder`], as a [`Graph`]. Everything that needs
//! to know a network's structure reads that one description: the forward pass, cost counting,
//! the state dict, and whatever compiles or rewrites a network.
//!
//! All values between operations have four axes, `[batch, channels, height, width]`; pooled
//! features and logits have a height and width of one.

mod builder;
mod decided;
mod head;
mod join;
mod quantizers;

pub use crate::node_id::NodeId;
pub use crate::op::{
    Activation, ActivationQuantizer, Add, AvgPool, BatchNorm, Concat, Conv2d, DropPath, Dropout,
    Flatten, GlobalAvgPool, Input, Linear, LocalResponseNorm, MaxPool, Op, PadShortcut, Padding,
    Pool, Quantize, QuantizeBranch, Scale, Shape, SideInput, Unit, Upsample, Window,
};
pub use crate::route::Route;
pub use builder::{Builder, ConvSettings, NormSettings};
pub(crate) use head::{DECODER, KERAS, PROJECTION};
pub use head::{Decoder, Head, Projection};
pub use quantizers::QuantizerSettings;
pub(crate) use quantizers::reader_name;

use crate::init::InitScheme;
use crate::parameter::{ParamId, ParamSpec};
use crate::{Error, Result};
use ocelli_common::most_alike;
use std::collections::BTreeMap;

/// One operation and where its inputs come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The module path in the reference network, as in `blocks.0.0.conv_pw`.
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// The operations whose results it takes, all earlier in the graph.
    pub inputs: Vec<NodeId>,
}

/// A network's operations in running order, its parameters, and the values that others ask for.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) params: Vec<ParamSpec>,
    pub(crate) stages: Vec<NodeId>,
    pub(crate) features: NodeId,
    pub(crate) pooled: NodeId,
    pub(crate) logits: NodeId,
    pub(crate) in_channels: usize,
    /// The routes that have names.
    pub(crate) routes: BTreeMap<String, Route>,
    /// How the first values of its family are drawn.
    pub(crate) init: InitScheme,
}

impl Graph {
    /// The operations in running order; the first is the input.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The operation at `id`.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The last operation of that name: of several that share a layer's name, as an activation does
    /// with what it follows, the one whose result leaves the layer.
    ///
    /// # Errors
    /// [`UnknownLayer`](crate::Error::UnknownLayer) with the names that are nearest.
    pub fn find(&self, name: &str) -> Result<NodeId> {
        if let Some(index) = self.nodes.iter().rposition(|node| node.name == name) {
            return Ok(NodeId(index));
        }
        let mut names: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let near = most_alike(name, names, 3).into_iter().map(str::to_owned).collect();
        Err(Error::UnknownLayer { name: name.to_owned(), near })
    }

    /// The parameters in state-dict order.
    pub fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    /// The last operation of each stage, for heads that want features at several scales.
    pub fn stages(&self) -> &[NodeId] {
        &self.stages
    }

    /// The last feature map before pooling.
    pub fn features(&self) -> NodeId {
        self.features
    }

    /// The input of the classifier.
    pub fn pooled(&self) -> NodeId {
        self.pooled
    }

    /// The output of the classifier.
    pub fn logits(&self) -> NodeId {
        self.logits
    }

    /// The channels of an input image.
    pub fn in_channels(&self) -> usize {
        self.in_channels
    }

    /// The classifier's parameters, weight first, then the bias if it has one; those of a projection where
    /// that is what follows the pooled features.
    pub fn head(&self) -> Vec<ParamId> {
        match &self.node(self.logits).op {
            Op::Linear(linear) => std::iter::once(linear.weight).chain(linear.bias).collect(),
            Op::Conv2d(conv) => std::iter::once(conv.weight).chain(conv.bias).collect(),
            Op::Unit(_) => {
                let head = Route { from: vec![self.pooled], to: vec![self.logits] };
                self.params_on(&head).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// How many classes the classifier tells apart.
    pub fn num_classes(&self) -> usize {
        match &self.node(self.logits).op {
            Op::Linear(linear) => linear.out_features,
            Op::Conv2d(conv) => conv.out_channels,
            _ => 0,
        }
    }

    /// How many pixels of the image one of the last feature map spans, on each axis; 1 where the
    /// network takes no large image.
    pub fn stride(&self) -> usize {
        const LARGE: usize = 1 << 12;
        let map = self.shapes(LARGE, LARGE).map(|shapes| shapes[self.features.0].height);
        map.map_or(1, |rows| LARGE / rows.max(1))
    }

    /// From the image to the logits.
    pub fn classify(&self) -> Route {
        Route { from: vec![Self::IMAGE], to: vec![self.logits] }
    }

    /// From the image to the input of the classifier.
    pub fn embed(&self) -> Route {
        Route { from: vec![Self::IMAGE], to: vec![self.pooled] }
    }

    /// The route of that name.
    ///
    /// # Errors
    /// [`UnknownRoute`](crate::Error::UnknownRoute) with the names that there are.
    pub fn route(&self, name: &str) -> Result<&Route> {
        self.routes.get(name).ok_or_else(|| Error::UnknownRoute {
            name: name.to_owned(),
            known: self.routes.keys().cloned().collect(),
        })
    }

    /// The input image.
    pub(crate) const IMAGE: NodeId = NodeId(0);

    /// The shape of every operation's result for an image of `height` × `width` pixels.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) when the image is too small for the network, or the network
    /// contradicts itself: a convolution whose groups do not divide its channels, a concatenation of
    /// values of different sizes, and the like.
    pub fn shapes(&self, height: usize, width: usize) -> Result<Vec<Shape>> {
        let input = Shape { channels: self.in_channels, height, width };
        let mut shapes: Vec<Shape> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let inputs: Vec<Shape> = node.inputs.iter().map(|id| shapes[id.0]).collect();
            shapes.push(node.op.operation().output_shape(&node.name, input, &inputs)?);
        }
        Ok(shapes)
    }

    /// The shape of every operation's result on a route, for given values of these shapes; `None` for
    /// operations that are not on it.
    ///
    /// # Errors
    /// [`Shape`](crate::Error::Shape) as for [`shapes`](Self::shapes), or when other values are given
    /// than the route says; [`NotGiven`](crate::Error::NotGiven) when it needs another input.
    pub fn shapes_on(&self, route: &Route, given: &[Shape]) -> Result<Vec<Option<Shape>>> {
        let needed = self.needed(route)?;
        let mut shapes: Vec<Option<Shape>> = vec![None; self.nodes.len()];
        if given.len() != route.from.len() {
            return Err(Error::GivenValues { expected: route.from.len(), actual: given.len() });
        }
        for (id, shape) in route.from.iter().zip(given) {
            shapes[id.0] = Some(*shape);
        }
        for (index, node) in self.nodes.iter().enumerate() {
            if !needed[index] || shapes[index].is_some() {
                continue;
            }
            let inputs: Vec<Shape> = node.inputs.iter().filter_map(|id| shapes[id.0]).collect();
            let first = inputs.first().copied().unwrap_or(Shape::vector(0));
            shapes[index] = Some(node.op.operation().output_shape(&node.name, first, &inputs)?);
        }
        Ok(shapes)
    }

    /// Which operations are on a route, those whose values are given among them.
    ///
    /// # Errors
    /// [`NotGiven`](crate::Error::NotGiven) when it needs an input that is not given;
    /// [`ForeignRoute`](crate::Error::ForeignRoute) when it is another graph's.
    pub(crate) fn needed(&self, route: &Route) -> Result<Vec<bool>> {
        let mut needed = vec![false; self.nodes.len()];
        for id in route.from.iter().chain(&route.to) {
            let operations = self.nodes.len();
            let foreign = || Error::ForeignRoute { index: id.0, operations };
            *needed.get_mut(id.0).ok_or_else(foreign)? = true;
        }
        for index in (0..self.nodes.len()).rev() {
            if !needed[index] || route.from.contains(&NodeId(index)) {
                continue;
            }
            let node = &self.nodes[index];
            if matches!(node.op, Op::Input(_) | Op::SideInput(_)) {
                return Err(Error::NotGiven { layer: node.name.clone() });
            }
            node.inputs.iter().for_each(|id| needed[id.0] = true);
        }
        Ok(needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_that_contradict_themselves_are_refused() {
        let settings = ConvSettings::new(8, 3);
        for (settings, words) in [
            (settings.groups(0), "12 and 8 channels are not in 0 equal groups"),
            (settings.groups(8), "12 and 8 channels are not in 8 equal groups"),
            (settings.groups(12), "12 and 8 channels are not in 12 equal groups"),
            (settings.stride(0), "its kernel, stride or dilation is zero"),
            (ConvSettings { kernel: 0, ..settings }, "its kernel, stride or dilation is zero"),
            (ConvSettings { dilation: 0, ..settings }, "its kernel, stride or dilation is zero"),
        ] {
            let scheme = InitScheme::FanInUniform;
            let (mut b, image) = Builder::new(12, scheme, NormSettings::default());
            let conv = b.conv("conv", image, settings);
            let message = b.finish(conv, conv, conv).shapes(33, 33).unwrap_err().to_string();
            assert!(message.ends_with(words), "{message}");
        }
    }
}
