//! From a graph to a plan of inference.

use super::step::{Convolution, Kernel, Step, Work};
use crate::graph::{self, BatchNorm, Conv2d, Graph, Linear, NodeId, Op, Padding, Shape};
use crate::lowering::{ConvolutionKind, Layout, Value, ValueId, geometry};
use crate::parameter::{ParamId, Parameters};
use ocelli_kernels::{Activation, Conv, Geometry, Norm, PackedWeight};

/// The steps of a graph, its values, and how long each buffer is per image.
pub(super) struct Lowered {
    pub(super) steps: Vec<Step>,
    pub(super) layout: Vec<Value>,
    pub(super) buffers: Vec<usize>,
    pub(super) image: ValueId,
    pub(super) result: ValueId,
}

/// What the weights of convolutions are packed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Images,
    /// Rectangles of images too.
    Patches,
}

/// `None` if an operation has no kernel, or would read and write one place.
pub(super) fn lower(
    graph: &Graph,
    params: &Parameters,
    wanted: NodeId,
    [height, width]: [usize; 2],
    packing: Packing,
) -> Option<Lowered> {
    let shapes = graph.shapes(height, width).ok()?;
    let count = wanted.index() + 1;
    let sources = without_identities(graph, count);
    let mut consumers = vec![Vec::new(); count];
    for (index, node) in graph.nodes()[..count].iter().enumerate() {
        if sources[index] == index {
            node.inputs.iter().for_each(|id| consumers[sources[id.index()]].push(index));
        }
    }
    // Whoever asked for the result is a consumer too.
    consumers[sources[wanted.index()]].push(count);
    let mut lowering = Lowering {
        graph,
        params,
        packing,
        layout: Layout::new(graph, shapes, count, 1),
        sources,
        consumers,
        value_of: vec![None; count],
        steps: Vec::new(),
        current: 0,
    };
    for index in 0..count {
        lowering.current = index;
        lowering.visit(index)?;
    }
    let image = lowering.value_of[0]?;
    let result = lowering.value_of[lowering.sources[wanted.index()]]?;
    let Lowering { steps, layout, .. } = lowering;
    Some(Lowered { steps, layout: layout.values, buffers: layout.buffers, image, result })
}

/// For each operation the one whose value is its own: dropout does nothing in inference.
fn without_identities(graph: &Graph, count: usize) -> Vec<usize> {
    let mut sources: Vec<usize> = Vec::with_capacity(count);
    for (index, node) in graph.nodes()[..count].iter().enumerate() {
        let is_identity = matches!(node.op, Op::Dropout { .. } | Op::DropPath { .. });
        sources.push(if is_identity { sources[node.inputs[0].index()] } else { index });
    }
    sources
}

/// What a step does after its own operation, and the last operation that it thereby covers.
struct Absorbed {
    last: usize,
    residual: Option<ValueId>,
    activation: Option<Activation>,
}

struct Lowering<'a> {
    graph: &'a Graph,
    params: &'a Parameters,
    packing: Packing,
    layout: Layout<'a>,
    sources: Vec<usize>,
    /// The operations that read each operation's value.
    consumers: Vec<Vec<usize>>,
    value_of: Vec<Option<ValueId>>,
    steps: Vec<Step>,
    /// The operation that is visited.
    current: usize,
}

impl Lowering<'_> {
    /// The value of an operation, in its place.
    fn result(&mut self, index: usize) -> ValueId {
        let id = self.layout.result(index);
        self.value_of[index] = Some(id);
        id
    }

    /// Adds a step, unless it would read what it writes. Only convolutions may read other channels
    /// of the buffer that they write, and those must stand before.
    fn push(&mut self, work: Work, x: ValueId, other: Option<ValueId>, y: ValueId) -> Option<()> {
        let value = |id: ValueId| self.layout.values[id.0];
        let (from, to) = (value(x), value(y));
        let beside = matches!(work, Work::Convolve(_)) && from.offset + from.channels <= to.offset;
        let apart = from.buffer != to.buffer || beside;
        if !apart || other.is_some_and(|other| value(other).buffer == to.buffer) {
            return None;
        }
        self.steps.push(Step { work, x, other, y, node: self.current });
        Some(())
    }

    fn visit(&mut self, index: usize) -> Option<()> {
        if self.value_of[index].is_some() || self.sources[index] != index {
            return Some(());
        }
        let node = &self.graph.nodes()[index];
        let inputs = node.inputs.iter().map(|id| self.value_of[self.sources[id.index()]]);
        let inputs: Vec<ValueId> = inputs.collect::<Option<_>>()?;
        match (&node.op, &inputs[..]) {
            (Op::Input, _) => {
                self.result(index);
                Some(())
            }
            (Op::Conv2d(conv), &[x]) => self.convolve(index, conv, x),
            (Op::Linear(linear), &[x]) => self.linear(index, linear, x),
            (Op::BatchNorm(norm), &[x]) => self.normalise(index, norm, x),
            (Op::Activation(kind), &[x]) => {
                let y = self.result(index);
                self.push(Work::Activate((*kind).into()), x, None, y)
            }
            (Op::Add, &[a, b]) => {
                let (last, activation) = self.activation_after(index);
                let y = self.result(last);
                self.value_of[index] = Some(y);
                self.push(Work::Add(activation), a, Some(b), y)
            }
            (Op::Scale, &[x, gate]) => {
                let y = self.result(index);
                self.push(Work::Scale, x, Some(gate), y)
            }
            (Op::Concat { keep }, _) => self.join(index, *keep, &inputs),
            (Op::GlobalAvgPool, &[x]) => {
                let y = self.result(index);
                self.push(Work::Mean, x, None, y)
            }
            (Op::MaxPool(pool) | Op::AvgPool(pool), &[x]) => {
                let padding = Padding::Symmetric(pool.padding);
                let geometry = self.geometry(index, padding, [pool.window(0), pool.window(1)]);
                let y = self.result(index);
                let is_max = matches!(node.op, Op::MaxPool(_));
                let work = if is_max { Work::MaxPool } else { Work::AvgPool };
                self.push(work(geometry), x, None, y)
            }
            (Op::LocalResponseNorm(norm), &[x]) => {
                let y = self.result(index);
                self.push(Work::LocalResponse((*norm).into()), x, None, y)
            }
            (Op::PadShortcut { stride, .. }, &[x]) => {
                let window = graph::Window { kernel: 1, stride: *stride, dilation: 1 };
                let geometry = self.geometry(index, Padding::Symmetric([0; 2]), [window; 2]);
                let y = self.result(index);
                self.push(Work::PadShortcut(geometry), x, None, y)
            }
            (Op::Flatten, &[x]) if self.layout.values[x.0].pixels == 1 => {
                self.value_of[index] = Some(x);
                Some(())
            }
            (Op::Flatten, &[x]) => {
                let y = self.result(index);
                self.push(Work::Flatten, x, None, y)
            }
            _ => None,
        }
    }

    /// How a window slides over one image at the input of an operation.
    fn geometry(&self, index: usize, padding: Padding, windows: [graph::Window; 2]) -> Geometry {
        let input = self.layout.shapes[self.graph.nodes()[index].inputs[0].index()];
        geometry(1, [input, self.layout.shapes[index]], padding, windows)
    }

    fn values(&self, id: ParamId) -> Vec<f32> {
        self.params.to_values(id)
    }

    fn pack(&self, conv: Conv, weight: &[f32]) -> PackedWeight {
        match self.packing {
            Packing::Images => conv.pack(weight),
            Packing::Patches => conv.pack_for_patches(weight),
        }
    }

    fn convolve(&mut self, index: usize, conv: &Conv2d, x: ValueId) -> Option<()> {
        let geometry = self.geometry(index, conv.padding, [conv.window(0), conv.window(1)]);
        let weight = self.values(conv.weight);
        let mut x = x;
        let kernel = match ConvolutionKind::of(conv, geometry) {
            ConvolutionKind::Dense(conv) => Kernel::Dense(conv, self.pack(conv, &weight)),
            ConvolutionKind::Depthwise(depthwise) => {
                if conv.in_channels < depthwise.channels {
                    x = self.repeat(index, x, depthwise.channels)?;
                }
                Kernel::Depthwise(depthwise, Box::new(depthwise.pack(&weight)))
            }
            ConvolutionKind::Grouped(conv) => Kernel::Grouped(
                conv,
                match self.packing {
                    Packing::Images => conv.pack(&weight),
                    Packing::Patches => conv.pack_for_patches(&weight),
                },
            ),
        };
        self.push_kernel(index, kernel, conv.bias, x)
    }

    /// The input of an operation with each channel several times.
    fn repeat(&mut self, index: usize, x: ValueId, channels: usize) -> Option<ValueId> {
        let input = self.layout.shapes[self.graph.nodes()[index].inputs[0].index()];
        let y = self.layout.own(Shape { channels, ..input });
        self.push(Work::Repeat, x, None, y)?;
        Some(y)
    }

    fn linear(&mut self, index: usize, linear: &Linear, x: ValueId) -> Option<()> {
        if self.layout.values[x.0].pixels != 1 {
            return None;
        }
        let conv = Conv::linear(1, linear.in_features, linear.out_features);
        let kernel = Kernel::Dense(conv, self.pack(conv, &self.values(linear.weight)));
        self.push_kernel(index, kernel, linear.bias, x)
    }

    fn push_kernel(
        &mut self,
        index: usize,
        kernel: Kernel,
        bias: Option<ParamId>,
        x: ValueId,
    ) -> Option<()> {
        let Absorbed { last, residual, activation } = self.absorb(index);
        let bias = bias.map(|id| self.values(id));
        let y = self.result(last);
        for covered in [Some(index), self.sole_consumer(index)].into_iter().flatten() {
            if covered <= last {
                self.value_of[covered] = Some(y);
            }
        }
        let convolution = Convolution { kernel, bias, activation };
        self.push(Work::Convolve(Box::new(convolution)), x, residual, y)
    }

    /// The only operation that reads an operation's value.
    fn sole_consumer(&self, index: usize) -> Option<usize> {
        match self.consumers[index][..] {
            [consumer] if consumer < self.value_of.len() => Some(consumer),
            _ => None,
        }
    }

    /// The activation that alone reads an operation's value, and the last operation of both.
    fn activation_after(&self, index: usize) -> (usize, Option<Activation>) {
        let consumer = self.sole_consumer(index);
        match consumer.map(|consumer| (consumer, &self.graph.nodes()[consumer].op)) {
            Some((consumer, Op::Activation(kind))) => (consumer, Some((*kind).into())),
            _ => (index, None),
        }
    }

    /// A sum with a value that is known already, then an activation.
    fn absorb(&self, index: usize) -> Absorbed {
        let residual = self.sole_consumer(index).and_then(|consumer| {
            let node = &self.graph.nodes()[consumer];
            let mut sources = node.inputs.iter().map(|id| self.sources[id.index()]);
            let other = sources.find(|source| *source != index)?;
            let value = self.value_of[other].filter(|_| node.op == Op::Add)?;
            Some((consumer, value))
        });
        let (summed, residual) = match residual {
            Some((sum, value)) => (sum, Some(value)),
            None => (index, None),
        };
        let (last, activation) = self.activation_after(summed);
        Absorbed { last, residual, activation }
    }

    fn normalise(&mut self, index: usize, norm: &BatchNorm, x: ValueId) -> Option<()> {
        let [weight, bias, mean, variance] =
            [norm.weight, norm.bias, norm.running_mean, norm.running_var].map(|id| self.values(id));
        let norm = Norm::new(&weight, &bias, &mean, &variance, norm.epsilon);
        let (last, activation) = self.activation_after(index);
        let y = self.result(last);
        self.value_of[index] = Some(y);
        self.push(Work::Normalise { norm, activation }, x, None, y)
    }

    fn join(&mut self, index: usize, keep: usize, inputs: &[ValueId]) -> Option<()> {
        let mut offset = 0;
        for (id, x) in self.graph.nodes()[index].inputs.iter().zip(inputs) {
            let channels = self.layout.shapes[id.index()].channels;
            if !self.layout.is_placed(id.index(), index, offset) {
                let y = self.layout.joint(index, [offset, channels]);
                self.push(Work::Copy, *x, None, y)?;
            }
            offset += channels;
        }
        let y = self.layout.joint(index, [0, keep]);
        self.value_of[index] = Some(y);
        Some(())
    }
}
