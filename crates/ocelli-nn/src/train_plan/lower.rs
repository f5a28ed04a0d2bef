//! From a graph to a plan.

use super::step::Step;
use crate::graph::{self, BatchNorm, Conv2d, Graph, Linear, Node, NodeId, Op, Padding, Shape};
use crate::lowering::{ConvolutionKind, Layout, Value, ValueId, geometry};
use crate::parameter::{ParamId, Parameters};
use ocelli_kernels::{Activation, Conv, Geometry};

/// The steps of a graph, its values, and how long each buffer is.
pub(super) struct Lowered {
    pub(super) steps: Vec<Step>,
    pub(super) layout: Vec<Value>,
    /// Whether anything that is learnt stands before each value.
    pub(super) needs_gradient: Vec<bool>,
    pub(super) buffers: Vec<usize>,
    pub(super) image: ValueId,
    pub(super) logits: ValueId,
}

/// `None` if an operation has no kernel, a value would be read and written in one buffer, or the
/// batch is empty.
pub(super) fn lower(
    graph: &Graph,
    params: &Parameters,
    batch: usize,
    [height, width]: [usize; 2],
) -> Option<Lowered> {
    let shapes = graph.shapes(height, width).ok().filter(|_| batch > 0)?;
    let nodes = &graph.nodes()[..=graph.logits().index()];
    let sources = without_identities(nodes, &shapes);
    let mut consumers = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        if sources[index] == index {
            node.inputs.iter().for_each(|input| consumers[sources[input.index()]].push(index));
        }
    }
    // The loss reads the logits.
    consumers[sources[graph.logits().index()]].push(nodes.len());
    let mut lowering = Lowering {
        graph,
        params,
        batch,
        layout: Layout::new(graph, shapes, nodes.len(), batch),
        needs_gradient: Vec::new(),
        sources,
        consumers,
        value_of: vec![None; nodes.len()],
        steps: Vec::new(),
    };
    for index in 0..nodes.len() {
        lowering.visit(index)?;
    }
    let image = lowering.value_of[0]?;
    let logits = lowering.value_of[graph.logits().index()]?;
    let Lowering { steps, layout, needs_gradient, .. } = lowering;
    let Layout { values: layout, buffers, .. } = layout;
    Some(Lowered { steps, layout, needs_gradient, buffers, image, logits })
}

/// For each operation the one whose value is its own: one pixel is flat already, and what drops
/// nothing changes nothing.
fn without_identities(nodes: &[Node], shapes: &[Shape]) -> Vec<usize> {
    let mut sources: Vec<usize> = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        let identity = match (&node.op, &node.inputs[..]) {
            (Op::Flatten, [x]) => {
                let input = shapes[x.index()];
                (input.height * input.width == 1).then_some(x)
            }
            (Op::Dropout { probability } | Op::DropPath { probability }, [x]) => {
                (*probability == 0.0).then_some(x)
            }
            _ => None,
        };
        sources.push(identity.map_or(index, |x| sources[x.index()]));
    }
    sources
}

struct Lowering<'a> {
    graph: &'a Graph,
    params: &'a Parameters,
    batch: usize,
    layout: Layout<'a>,
    needs_gradient: Vec<bool>,
    /// For each operation the one whose value is its own.
    sources: Vec<usize>,
    /// The operations that read each operation's value, under whatever name; that of an identity
    /// is its source's.
    consumers: Vec<Vec<usize>>,
    value_of: Vec<Option<ValueId>>,
    steps: Vec<Step>,
}

impl Lowering<'_> {
    /// Notes whether anything that is learnt stands before a new value.
    fn note(&mut self, id: ValueId, needs_gradient: bool) -> ValueId {
        self.needs_gradient.push(needs_gradient);
        id
    }

    /// The value of an operation, in its place.
    fn result(&mut self, index: usize, needs_gradient: bool) -> ValueId {
        let id = self.layout.result(index);
        self.value_of[index] = Some(id);
        self.note(id, needs_gradient)
    }

    fn needs_gradient(&self, id: ValueId) -> bool {
        self.needs_gradient[id.0]
    }

    fn learns(&self, id: ParamId) -> bool {
        self.params.get(id).is_trainable()
    }

    /// Adds a step, unless it would read and write one buffer.
    fn push(&mut self, step: Step, inputs: &[ValueId], output: ValueId) -> Option<()> {
        let buffer = self.layout.values[output.0].buffer;
        if inputs.iter().any(|input| self.layout.values[input.0].buffer == buffer) {
            return None;
        }
        self.steps.push(step);
        Some(())
    }

    fn visit(&mut self, index: usize) -> Option<()> {
        if self.value_of[index].is_some() {
            return Some(());
        }
        let source = self.sources[index];
        if source != index {
            self.value_of[index] = self.value_of[source];
            return self.value_of[index].map(drop);
        }
        let node = &self.graph.nodes()[index];
        let inputs: Vec<ValueId> =
            node.inputs.iter().map(|id| self.value_of[id.index()]).collect::<Option<_>>()?;
        let any_needs = inputs.iter().any(|id| self.needs_gradient(*id));
        let inputs = &inputs[..];
        match (&node.op, inputs) {
            (Op::Input, _) => {
                self.result(index, false);
                Some(())
            }
            (Op::Conv2d(conv), &[x]) => self.convolve(index, conv, x),
            (Op::Linear(linear), &[x]) => self.linear(index, linear, x),
            (Op::BatchNorm(norm), &[x]) => self.normalise(index, norm, x),
            (Op::Activation(kind), &[x]) => {
                let y = self.result(index, any_needs);
                self.push(Step::Activate { x, y, activation: (*kind).into() }, inputs, y)
            }
            (Op::Add, &[a, b]) => {
                let y = self.result(index, any_needs);
                self.push(Step::Add { a, b, y }, inputs, y)
            }
            // The gate's gradient is written, not added.
            (Op::Scale, &[x, gate]) if self.sole_consumer(node.inputs[1].index()).is_some() => {
                let y = self.result(index, any_needs);
                self.push(Step::Scale { x, gate, y }, inputs, y)
            }
            (Op::Concat { keep }, _) => self.join(index, *keep, inputs),
            (Op::GlobalAvgPool, &[x]) => {
                let y = self.result(index, any_needs);
                self.push(Step::Mean { x, y }, inputs, y)
            }
            (Op::MaxPool(pool), &[x]) => {
                let padding = Padding::Symmetric(pool.padding);
                let geometry = self.geometry(index, padding, [pool.window(0), pool.window(1)]);
                let y = self.result(index, any_needs);
                self.push(Step::MaxPool { x, y, geometry }, inputs, y)
            }
            (Op::AvgPool(pool), &[x]) => {
                let padding = Padding::Symmetric(pool.padding);
                let geometry = self.geometry(index, padding, [pool.window(0), pool.window(1)]);
                let y = self.result(index, any_needs);
                self.push(Step::AvgPool { x, y, geometry }, inputs, y)
            }
            (Op::LocalResponseNorm(norm), &[x]) => {
                let y = self.result(index, any_needs);
                self.push(Step::LocalResponse { x, y, constants: (*norm).into() }, inputs, y)
            }
            (Op::PadShortcut { stride, .. }, &[x]) => {
                let window = graph::Window { kernel: 1, stride: *stride, dilation: 1 };
                let geometry = self.geometry(index, Padding::Symmetric([0; 2]), [window; 2]);
                let y = self.result(index, any_needs);
                self.push(Step::PadShortcut { x, y, geometry }, inputs, y)
            }
            (Op::Flatten, &[x]) => {
                let y = self.result(index, any_needs);
                self.push(Step::Flatten { x, y }, inputs, y)
            }
            (Op::Dropout { probability }, &[x]) => self.drop(index, *probability, x, false),
            (Op::DropPath { probability }, &[x]) => self.drop(index, *probability, x, true),
            _ => None,
        }
    }

    /// How a window slides over the input of an operation.
    fn geometry(&self, index: usize, padding: Padding, windows: [graph::Window; 2]) -> Geometry {
        let input = self.layout.shapes[self.graph.nodes()[index].inputs[0].index()];
        geometry(self.batch, [input, self.layout.shapes[index]], padding, windows)
    }

    fn convolve(&mut self, index: usize, conv: &Conv2d, x: ValueId) -> Option<()> {
        let geometry = self.geometry(index, conv.padding, [conv.window(0), conv.window(1)]);
        let convolution = ConvolutionKind::of(conv, geometry);
        let x = match convolution {
            ConvolutionKind::Depthwise(depthwise) if conv.in_channels < depthwise.channels => {
                self.repeat(index, x, depthwise.channels)?
            }
            _ => x,
        };
        self.push_convolution(index, convolution, (conv.weight, conv.bias), x)
    }

    /// The input of an operation with each channel several times.
    fn repeat(&mut self, index: usize, x: ValueId, channels: usize) -> Option<ValueId> {
        let input = self.layout.shapes[self.graph.nodes()[index].inputs[0].index()];
        let y = self.layout.own(Shape { channels, ..input });
        let y = self.note(y, self.needs_gradient(x));
        self.push(Step::Repeat { x, y }, &[x], y)?;
        Some(y)
    }

    fn linear(&mut self, index: usize, linear: &Linear, x: ValueId) -> Option<()> {
        if self.layout.values[x.0].pixels != self.batch {
            return None;
        }
        let conv = Conv::linear(self.batch, linear.in_features, linear.out_features);
        let dense = ConvolutionKind::Dense(conv);
        self.push_convolution(index, dense, (linear.weight, linear.bias), x)
    }

    fn push_convolution(
        &mut self,
        index: usize,
        convolution: ConvolutionKind,
        (weight, bias): (ParamId, Option<ParamId>),
        x: ValueId,
    ) -> Option<()> {
        let learns_weight = self.learns(weight);
        let learns_bias = bias.is_some_and(|bias| self.learns(bias));
        let needs_gradient = self.needs_gradient(x) || learns_weight || learns_bias;
        let norm =
            self.sole_consumer(index).and_then(|consumer| match &self.graph.nodes()[consumer].op {
                Op::BatchNorm(norm) => Some(norm),
                _ => None,
            });
        let takes_statistics = norm.is_some_and(|norm| !self.is_frozen(norm));
        let gradient_in_place = norm.is_some();
        let y = self.result(index, needs_gradient);
        let step = Step::Convolve {
            x,
            y,
            convolution,
            weight,
            bias,
            learns_weight,
            learns_bias,
            takes_statistics,
            gradient_in_place,
        };
        self.push(step, &[x], y)
    }

    /// The only operation that reads an operation's value, under whatever name.
    fn sole_consumer(&self, index: usize) -> Option<usize> {
        match self.consumers[self.sources[index]][..] {
            [consumer] if consumer < self.value_of.len() => Some(consumer),
            _ => None,
        }
    }

    fn is_frozen(&self, norm: &BatchNorm) -> bool {
        self.params.get(norm.running_mean).frozen
    }

    fn normalise(&mut self, index: usize, norm: &BatchNorm, x: ValueId) -> Option<()> {
        let input = self.sources[self.graph.nodes()[index].inputs[0].index()];
        let (learns_weight, learns_bias) = (self.learns(norm.weight), self.learns(norm.bias));
        let before = &self.graph.nodes()[input].op;
        let is_convolution = matches!(before, Op::Conv2d(_) | Op::Linear(_));
        let in_place = is_convolution && self.sole_consumer(input).is_some();
        let z = if in_place {
            x
        } else {
            let z = self.layout.own(self.layout.shapes[input]);
            let z = self.note(z, self.needs_gradient(x));
            self.push(Step::Detach { x, z }, &[x], z)?;
            z
        };
        let activation =
            self.sole_consumer(index).and_then(|consumer| match &self.graph.nodes()[consumer].op {
                Op::Activation(kind) => Some((consumer, Activation::from(*kind))),
                _ => None,
            });
        let needs_gradient = self.needs_gradient(z) || learns_weight || learns_bias;
        let y = self.result(activation.map_or(index, |(consumer, _)| consumer), needs_gradient);
        self.value_of[index] = Some(y);
        let step = Step::Normalise {
            z,
            y,
            node: NodeId(index),
            norm: norm.clone(),
            activation: activation.map(|(_, kind)| kind),
            learns_weight,
            learns_bias,
            frozen: self.is_frozen(norm),
            follows_convolution: in_place && self.follows_convolution(z),
        };
        self.push(step, &[z], y)
    }

    /// Whether the last step made this value, and its statistics.
    fn follows_convolution(&self, z: ValueId) -> bool {
        matches!(self.steps.last(), Some(Step::Convolve { y, .. }) if *y == z)
    }

    fn join(&mut self, index: usize, keep: usize, inputs: &[ValueId]) -> Option<()> {
        let needs_gradient = inputs.iter().any(|id| self.needs_gradient(*id));
        let sources: Vec<usize> =
            self.graph.nodes()[index].inputs.iter().map(|id| id.index()).collect();
        // The gradient of a part must not be written before that of the whole.
        let read_later = |part: &usize| {
            self.consumers[self.sources[*part]].iter().any(|consumer| *consumer > index)
        };
        if sources.iter().any(read_later) {
            return None;
        }
        let (mut parts, mut offset) = (Vec::new(), 0);
        for (source, x) in sources.into_iter().zip(inputs) {
            let channels = self.layout.shapes[source].channels;
            if self.layout.is_placed(source, index, offset) {
                parts.push(*x);
            } else {
                let y = self.layout.joint(index, [offset, channels]);
                let y = self.note(y, self.needs_gradient(*x));
                self.push(Step::Copy { x: *x, y }, &[*x], y)?;
                parts.push(y);
            }
            offset += channels;
        }
        let y = self.layout.joint(index, [0, keep]);
        let y = self.note(y, needs_gradient);
        self.value_of[index] = Some(y);
        self.steps.push(Step::Join { parts, y });
        Some(())
    }

    fn drop(
        &mut self,
        index: usize,
        probability: f64,
        x: ValueId,
        whole_sample: bool,
    ) -> Option<()> {
        let y = self.result(index, self.needs_gradient(x));
        self.push(Step::Drop { x, y, node: NodeId(index), probability, whole_sample }, &[x], y)
    }
}
