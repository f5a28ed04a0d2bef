//! What plans of training and of inference share on the way from a graph to kernels.

use crate::graph::{self, Conv2d, Graph, LocalResponseNorm, Op, Padding, Shape};
use ocelli_kernels::{
    Activation, Axis, Conv, Depthwise, Geometry, GroupedConv, LocalResponse, Window,
};
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

/// The kernels that convolutions have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConvolutionKind {
    Dense(Conv),
    /// A kernel for each channel of the output. If it has more channels than the input, it reads
    /// each channel of the input several times, side by side.
    Depthwise(Depthwise),
    Grouped(GroupedConv),
}

impl ConvolutionKind {
    /// The kernel of a convolution that slides as `geometry` says.
    pub(crate) fn of(conv: &Conv2d, geometry: Geometry) -> Self {
        let &Conv2d { in_channels, out_channels, groups, .. } = conv;
        if groups == 1 {
            Self::Dense(Conv { geometry, in_channels, out_channels })
        } else if groups == in_channels {
            Self::Depthwise(Depthwise { geometry, channels: out_channels })
        } else {
            let (in_channels, out_channels) = (in_channels / groups, out_channels / groups);
            Self::Grouped(GroupedConv {
                conv: Conv { geometry, in_channels, out_channels },
                groups,
            })
        }
    }
}

/// The place of a value in a plan's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ValueId(pub(crate) usize);

/// A matrix `[pixels, channels]`: some channels of a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    /// Pixels of all images of the layout.
    pub(crate) pixels: usize,
    /// Pixels in a line of an image.
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) buffer: usize,
    /// The first channel within the buffer's rows.
    pub(crate) offset: usize,
    /// The channels of the buffer's rows.
    pub(crate) stride: usize,
}

impl Value {
    /// Whether it is all that its buffer holds.
    pub(crate) fn is_whole(self) -> bool {
        self.offset == 0 && self.channels == self.stride
    }
}

/// Where the values of a graph stand: each in a buffer of its own, or in its place of the
/// concatenation that it is part of.
pub(crate) struct Layout<'a> {
    graph: &'a Graph,
    images: usize,
    /// The shape of each operation's value.
    pub(crate) shapes: Vec<Shape>,
    /// For each operation that may write into a concatenation: which one, and from which channel.
    places: HashMap<usize, (usize, usize)>,
    joint_buffers: HashMap<usize, usize>,
    pub(crate) values: Vec<Value>,
    /// How long each buffer is.
    pub(crate) buffers: Vec<usize>,
}

impl<'a> Layout<'a> {
    /// A layout for the first `count` operations on `images` images.
    pub(crate) fn new(graph: &'a Graph, shapes: Vec<Shape>, count: usize, images: usize) -> Self {
        let places = places_in_concatenations(graph, &shapes, count);
        let (joint_buffers, values, buffers) = (HashMap::new(), Vec::new(), Vec::new());
        Self { graph, images, shapes, places, joint_buffers, values, buffers }
    }

    /// A new value in the place of an operation's result.
    pub(crate) fn result(&mut self, index: usize) -> ValueId {
        match self.places.get(&index) {
            Some(&(concat, offset)) => self.joint(concat, [offset, self.shapes[index].channels]),
            None => self.own(self.shapes[index]),
        }
    }

    /// A new value with a buffer of its own.
    pub(crate) fn own(&mut self, shape: Shape) -> ValueId {
        let (pixels, channels) = (self.images * shape.height * shape.width, shape.channels);
        self.buffers.push(pixels * channels);
        let buffer = self.buffers.len() - 1;
        let width = shape.width;
        self.push(Value { pixels, width, channels, buffer, offset: 0, stride: channels })
    }

    /// `channels` channels of the buffer of a concatenation.
    pub(crate) fn joint(&mut self, concat: usize, [offset, channels]: [usize; 2]) -> ValueId {
        let parts = self.graph.nodes()[concat].inputs.iter();
        let stride = parts.map(|part| self.shapes[part.index()].channels).sum();
        let width = self.shapes[concat].width;
        let pixels = self.images * self.shapes[concat].height * width;
        let buffers = &mut self.buffers;
        let buffer = *self.joint_buffers.entry(concat).or_insert_with(|| {
            buffers.push(pixels * stride);
            buffers.len() - 1
        });
        self.push(Value { pixels, width, channels, buffer, offset, stride })
    }

    /// Whether an operation writes from channel `offset` of a concatenation on.
    pub(crate) fn is_placed(&self, index: usize, concat: usize, offset: usize) -> bool {
        self.places.get(&index) == Some(&(concat, offset))
    }

    fn push(&mut self, value: Value) -> ValueId {
        self.values.push(value);
        ValueId(self.values.len() - 1)
    }
}

/// An operation whose result is in several concatenations has its place in the first.
fn places_in_concatenations(
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

impl From<LocalResponseNorm> for LocalResponse {
    fn from(norm: LocalResponseNorm) -> Self {
        let LocalResponseNorm { size, alpha, beta, k } = norm;
        Self { size, alpha: alpha as f32, beta: beta as f32, k: k as f32 }
    }
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
