//! From a graph to a plan of inference.

use super::step::{Convolution, Kernel, Step, StepWork};
use crate::graph::Graph;
use crate::lowering::{ConvolutionKind, Layout, Routed, Value, ValueId};
use crate::node_id::NodeId;
use crate::op::{self, BatchNorm, Conv2d, Linear, Op, Repeat, Shape};
use crate::parameter::{ParamId, Parameters};
use crate::route::Route;
use crate::wiring::Wiring;
use ocelli_kernels::{Activation, Conv, Norm, PackedWeight};

/// The steps of a graph, its values, and how long each buffer is per image.
pub(super) struct Lowered {
    pub(super) steps: Vec<Step>,
    pub(super) layout: Vec<Value>,
    pub(super) buffers: Vec<usize>,
    pub(super) given: Vec<ValueId>,
    pub(super) wanted: Vec<ValueId>,
}

/// What the weights of convolutions are packed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Images,
    /// Rectangles of images too.
    Patches,
}

/// `None` if an operation has no kernel, or would read and write in one buffer.
pub(super) fn lower(
    graph: &Graph,
    params: &Parameters,
    route: &Route,
    given: &[Shape],
    packing: Packing,
) -> Option<Lowered> {
    let Routed { shapes, computed, wiring, .. } = Routed::new(graph, route, given, false)?;
    let mut lowering = Lowering {
        graph,
        params,
        packing,
        layout: Layout::new(graph, shapes, &computed, 1),
        wiring,
        value_of: vec![None; graph.nodes().len()],
        steps: Vec::new(),
        current: 0,
    };
    for id in &route.from {
        lowering.result(id.index());
    }
    for index in (0..graph.nodes().len()).filter(|index| computed[*index]) {
        lowering.current = index;
        lowering.visit(index)?;
    }
    let value = |id: &NodeId| lowering.value_of[lowering.wiring.source(id.index())];
    let given = route.from.iter().map(value).collect::<Option<_>>()?;
    let wanted = route.to.iter().map(value).collect::<Option<_>>()?;
    let Lowering { steps, layout, .. } = lowering;
    Some(Lowered { steps, layout: layout.values, buffers: layout.buffers, given, wanted })
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
    wiring: Wiring,
    value_of: Vec<Option<ValueId>>,
    steps: Vec<Step>,
    /// The operation that is visited.
    current: usize,
}

impl Lowering<'_> {
    /// The value that an operation writes.
    fn result(&mut self, index: usize) -> ValueId {
        let id = self.layout.result(index);
        self.value_of[index] = Some(id);
        id
    }

    /// Adds a step, unless it would read what it writes. Only convolutions may read other channels
    /// of the buffer that they write, and those must stand before.
    fn push(
        &mut self,
        work: StepWork,
        x: ValueId,
        other: Option<ValueId>,
        y: ValueId,
    ) -> Option<()> {
        let value = |id: ValueId| self.layout.values[id.0];
        let (from, to) = (value(x), value(y));
        let beside =
            matches!(work, StepWork::Convolve(_)) && from.offset + from.channels <= to.offset;
        let separate = from.buffer != to.buffer || beside;
        if !separate || other.is_some_and(|other| value(other).buffer == to.buffer) {
            return None;
        }
        self.steps.push(Step { work, x, other, y, node: self.current });
        Some(())
    }

    fn visit(&mut self, index: usize) -> Option<()> {
        if self.value_of[index].is_some() || self.wiring.source(index) != index {
            return Some(());
        }
        let node = &self.graph.nodes()[index];
        let inputs = node.inputs.iter().map(|id| self.value_of[self.wiring.source(id.index())]);
        let inputs: Vec<ValueId> = inputs.collect::<Option<_>>()?;
        match (&node.op, &inputs[..]) {
            (Op::Conv2d(conv), &[x]) => self.convolve(index, conv, x),
            (Op::Linear(linear), &[x]) => self.linear(index, linear, x),
            (Op::BatchNorm(norm), &[x]) => self.normalise(index, norm, x),
            (Op::Add(_), &[a, b]) => {
                let (last, activation) = self.activation_after(index);
                let y = self.result(last);
                self.value_of[index] = Some(y);
                self.push(StepWork::Add(activation), a, Some(b), y)
            }
            (Op::Scale(_), &[x, gate]) => {
                let y = self.result(index);
                self.push(StepWork::Scale, x, Some(gate), y)
            }
            (Op::Concat(concat), _) => self.join(index, concat.keep, &inputs),
            (op, &[x]) => {
                let shape = self.layout.shapes[node.inputs[0].index()];
                let kernel = op.operation().kernel(shape, self.layout.shapes[index])?;
                let y = self.result(index);
                self.push(StepWork::Unary(kernel), x, None, y)
            }
            _ => None,
        }
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
        let input = self.layout.shapes[self.graph.nodes()[index].inputs[0].index()];
        let windows = [conv.window(0), conv.window(1)];
        let geometry = op::geometry(1, [input, self.layout.shapes[index]], conv.padding, windows);
        let weight = self.values(conv.weight);
        let mut x = x;
        let kernel = match ConvolutionKind::new(conv, geometry) {
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
        self.push(StepWork::Unary(Box::new(Repeat)), x, None, y)?;
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
        for covered in [Some(index), self.wiring.sole_reader(index)].into_iter().flatten() {
            if covered <= last {
                self.value_of[covered] = Some(y);
            }
        }
        let convolution = Convolution { kernel, bias, activation };
        self.push(StepWork::Convolve(Box::new(convolution)), x, residual, y)
    }

    /// The activation that alone reads an operation's value, and the last operation of both.
    fn activation_after(&self, index: usize) -> (usize, Option<Activation>) {
        let reader = self.wiring.sole_reader(index);
        match reader.map(|reader| (reader, &self.graph.nodes()[reader].op)) {
            Some((reader, Op::Activation(kind))) => (reader, Some(kind.to_kernel())),
            _ => (index, None),
        }
    }

    /// A sum with a value that is known already, then an activation.
    fn absorb(&self, index: usize) -> Absorbed {
        let residual = self.wiring.sole_reader(index).and_then(|reader| {
            let node = &self.graph.nodes()[reader];
            let mut sources = node.inputs.iter().map(|id| self.wiring.source(id.index()));
            let other = sources.find(|source| *source != index)?;
            let value = self.value_of[other].filter(|_| matches!(node.op, Op::Add(_)))?;
            Some((reader, value))
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
        self.push(StepWork::Normalise { norm, activation }, x, None, y)
    }

    fn join(&mut self, index: usize, keep: usize, inputs: &[ValueId]) -> Option<()> {
        let mut offset = 0;
        for (id, x) in self.graph.nodes()[index].inputs.iter().zip(inputs) {
            let channels = self.layout.shapes[id.index()].channels;
            if !self.layout.is_written_into(id.index(), index, offset) {
                let y = self.layout.joint(index, [offset, channels]);
                self.push(StepWork::Unary(Box::new(op::Copy)), *x, None, y)?;
            }
            offset += channels;
        }
        let y = self.layout.joint(index, [0, keep]);
        self.value_of[index] = Some(y);
        Some(())
    }
}
