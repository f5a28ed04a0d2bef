//! A network as data: a list of operations in the order in which they run.
//!
//! A backbone describes itself once, through a [`Builder`], as a [`Graph`]. Everything that needs
//! to know a network's structure reads that one description: the forward pass, cost counting,
//! the state dict, and whatever compiles or rewrites a network.
//!
//! All values between operations have four axes, `[batch, channels, height, width]`; pooled
//! features and logits have a height and width of one.

mod builder;
mod op;
mod shape;

pub use builder::{Builder, ConvSettings, NormSettings};
pub use op::{Activation, BatchNorm, Conv2d, Linear, LocalResponseNorm, Op, Padding, Pool, Window};
pub use shape::Shape;

use crate::init::InitScheme;
use crate::parameter::{ParamId, ParamSpec};
use crate::{Error, Result};

/// The place of an operation in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// The position in [`Graph::nodes`], counted from zero.
    pub fn index(self) -> usize {
        self.0
    }
}

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
        let distance = |other: &str| strsim::jaro_winkler(other, name);
        names.sort_by(|a, b| distance(b).total_cmp(&distance(a)));
        let near = names.iter().take(3).map(|name| (*name).to_owned()).collect();
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

    /// The classifier's parameters: weight first, then the bias if it has one.
    pub fn head(&self) -> Vec<ParamId> {
        match &self.node(self.logits).op {
            Op::Linear(linear) => std::iter::once(linear.weight).chain(linear.bias).collect(),
            Op::Conv2d(conv) => std::iter::once(conv.weight).chain(conv.bias).collect(),
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
            shapes.push(node.op.output_shape(&node.name, input, &inputs)?);
        }
        Ok(shapes)
    }
}
