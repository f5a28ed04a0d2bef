//! What plans of training and of inference share on the way from a graph to kernels.

use crate::graph::Graph;
use crate::op::{Conv2d, Op, Shape};
use crate::route::Route;
use crate::wiring::Wiring;
use ocelli_kernels::{Conv, Depthwise, Geometry, GroupedConv, Rows, RowsMut, Write};
use std::collections::HashMap;

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
    pub(crate) fn new(conv: &Conv2d, geometry: Geometry) -> Self {
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

/// The index of a value in a plan's list.
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

/// A given value as it stands in memory.
#[derive(Clone, Copy)]
pub(crate) enum GivenSlice<'a> {
    /// `[batch, channels, height, width]`
    Planes(&'a [f32]),
    /// `[batch, height, width, channels]`
    Rows(&'a [f32]),
}

impl GivenSlice<'_> {
    /// `count` samples of `length` elements each, from number `first` on.
    pub(crate) fn samples(self, first: usize, count: usize, length: usize) -> Self {
        let range = first * length..(first + count) * length;
        match self {
            Self::Planes(values) => Self::Planes(&values[range]),
            Self::Rows(values) => Self::Rows(&values[range]),
        }
    }

    /// Writes all of `batch` samples, channels last.
    pub(crate) fn write(self, batch: usize, rows: RowsMut<'_>) {
        match self {
            Self::Planes(planes) => ocelli_kernels::channels_last(planes, batch, rows),
            Self::Rows(values) => {
                let from = Rows::dense(values, rows.channels());
                ocelli_kernels::copy(from, rows, Write::Replace);
            }
        }
    }
}

/// Where the values of a graph stand: each in a buffer of its own, or in its channels of the
/// concatenation that it is part of.
pub(crate) struct Layout<'a> {
    graph: &'a Graph,
    images: usize,
    /// The shape of each operation's value.
    pub(crate) shapes: Vec<Shape>,
    /// For each operation that may write into a concatenation: which one, and from which channel.
    slots: HashMap<usize, (usize, usize)>,
    joint_buffers: HashMap<usize, usize>,
    pub(crate) values: Vec<Value>,
    /// How long each buffer is.
    pub(crate) buffers: Vec<usize>,
}

impl<'a> Layout<'a> {
    /// A layout for the operations that are `computed`, on `images` images.
    pub(crate) fn new(
        graph: &'a Graph,
        shapes: Vec<Shape>,
        computed: &[bool],
        images: usize,
    ) -> Self {
        let slots = slots_in_concatenations(graph, &shapes, computed);
        let (joint_buffers, values, buffers) = (HashMap::new(), Vec::new(), Vec::new());
        Self { graph, images, shapes, slots, joint_buffers, values, buffers }
    }

    /// A new value for an operation's result.
    pub(crate) fn result(&mut self, index: usize) -> ValueId {
        match self.slots.get(&index) {
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
    pub(crate) fn is_written_into(&self, index: usize, concat: usize, offset: usize) -> bool {
        self.slots.get(&index) == Some(&(concat, offset))
    }

    fn push(&mut self, value: Value) -> ValueId {
        self.values.push(value);
        ValueId(self.values.len() - 1)
    }
}

/// An operation whose result is in several concatenations is written into the first.
fn slots_in_concatenations(
    graph: &Graph,
    shapes: &[Shape],
    computed: &[bool],
) -> HashMap<usize, (usize, usize)> {
    let mut slots = HashMap::new();
    for (concat, node) in graph.nodes().iter().enumerate() {
        if !computed[concat] || !matches!(node.op, Op::Concat(_)) {
            continue;
        }
        let mut offset = 0;
        for input in &node.inputs {
            if computed[input.index()] && graph.node(*input).op.operation().may_write_part() {
                slots.entry(input.index()).or_insert((concat, offset));
            }
            offset += shapes[input.index()].channels;
        }
    }
    slots
}

/// What plans of training and of inference start from: a route with all that is known of it.
pub(crate) struct Routed {
    /// The shape of each operation's value; of no elements where it is not on the route.
    pub(crate) shapes: Vec<Shape>,
    /// Whether each operation runs: it is on the route, and its value is not given.
    pub(crate) computed: Vec<bool>,
    pub(crate) wiring: Wiring,
}

impl Routed {
    /// `None` if the given values do not fit.
    pub(crate) fn new(
        graph: &Graph,
        route: &Route,
        given: &[Shape],
        training: bool,
    ) -> Option<Self> {
        let shapes = graph.shapes_on(route, given).ok()?;
        let shapes = shapes.into_iter().map(|shape| shape.unwrap_or(Shape::vector(0)));
        let shapes: Vec<Shape> = shapes.collect();
        let needed = graph.needed(route).ok()?;
        let wiring = Wiring::of_route(graph, route, &needed, |node| {
            let input = node.inputs.first().map(|id| shapes[id.index()]);
            input.is_some_and(|input| node.op.operation().is_identity(input, training))
        });
        let mut computed = needed;
        route.from.iter().for_each(|id| computed[id.index()] = false);
        Some(Self { shapes, computed, wiring })
    }
}
