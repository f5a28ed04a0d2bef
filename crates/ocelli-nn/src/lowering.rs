//! What plans of training and of inference share on the way from a graph to kernels.

use crate::graph::{self, Graph, NodeId, Op, Padding, Shape};
use ocelli_kernels::{Activation, Axis, Geometry, Window};
use std::collections::HashMap;

/// How a window slides from images of one shape to images of another.
pub(crate) fn geometry(
    batch: usize,
    [input, output]: [Shape; 2],
    padding: Padding,
    windows: [graph::Window; 2],
) -> Geometry {
    let axis = |axis: usize, input: usize, output: usize| {
        let graph::Window { kernel, stride, dilation } = windows[axis];
        let (before, _) = padding.amounts(axis, input, windows[axis]);
        Axis { window: Window { kernel, stride, dilation, before }, input, output }
    };
    Geometry {
        batch,
        rows: axis(0, input.height, output.height),
        columns: axis(1, input.width, output.width),
    }
}

/// For each operation that may write into a concatenation: which one, and from which channel. An
/// operation whose result is in several concatenations has its place in the first.
pub(crate) fn places_in_concatenations(
    graph: &Graph,
    shapes: &[Shape],
    count: usize,
) -> HashMap<usize, (usize, usize)> {
    let mut places = HashMap::new();
    for (concat, node) in graph.nodes()[..count].iter().enumerate() {
        if !matches!(node.op, Op::Concat { .. }) {
            continue;
        }
        let mut offset = 0;
        for input in &node.inputs {
            let is_new = matches!(
                graph.node(*input).op,
                Op::Conv2d(_) | Op::BatchNorm(_) | Op::Activation(_) | Op::Add | Op::Scale
            );
            if is_new {
                places.entry(input.index()).or_insert((concat, offset));
            }
            offset += shapes[input.index()].channels;
        }
    }
    places
}

/// The channels of a concatenation's parts together, of which it may not keep all.
pub(crate) fn joint_channels(graph: &Graph, shapes: &[Shape], concat: usize) -> usize {
    let inputs: &[NodeId] = &graph.nodes()[concat].inputs;
    inputs.iter().map(|input| shapes[input.index()].channels).sum()
}

impl From<graph::Activation> for Activation {
    fn from(kind: graph::Activation) -> Self {
        match kind {
            graph::Activation::Relu => Self::Relu,
            graph::Activation::Relu6 => Self::Relu6,
            graph::Activation::Silu => Self::Silu,
            graph::Activation::Sigmoid => Self::Sigmoid,
            graph::Activation::HardSigmoid => Self::HardSigmoid,
        }
    }
}
