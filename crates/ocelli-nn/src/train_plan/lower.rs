//! From a graph to a plan.

use super::plan::Wants;
use super::step::Step;
use crate::graph::Graph;
use crate::lowering::{ConvolutionKind, Layout, Routed, Value, ValueId};
use crate::node_id::NodeId;
use crate::op::{self, BatchNorm, Conv2d, Linear, Op, Quantize, Repeat, Shape, UnaryKernel};
use crate::parameter::{ParamId, Parameters};
use crate::route::Route;
use crate::wiring::Wiring;
use ocelli_kernels::Conv;

/// The steps of a graph, its values, and how long each buffer is.
pub(super) struct Lowered {
    pub(super) steps: Vec<Step>,
    pub(super) layout: Vec<Value>,
    /// Whether anything that is learnt stands before each value.
    pub(super) needs_gradient: Vec<bool>,
    pub(super) buffers: Vec<usize>,
    pub(super) given: Vec<ValueId>,
    pub(super) wanted: Vec<ValueId>,
}

/// `None` if an operation has no kernel, a value would be read and written in one buffer, or the
/// batch is empty.
pub(super) fn lower(
    graph: &Graph,
    params: &Parameters,
    route: &Route,
    batch: usize,
    given: &[Shape],
    wants: Wants,
) -> Option<Lowered> {
    let routed = Routed::new(graph, route, given, wants.training).filter(|_| batch > 0)?;
    let Routed { shapes, computed, wiring, .. } = routed;
    let mut lowering = Lowering {
        graph,
        params,
        batch,
        wants,
        layout: Layout::new(graph, shapes, &computed, batch),
        computed,
        needs_gradient: Vec::new(),
        wiring,
        value_of: vec![None; graph.nodes().len()],
        steps: Vec::new(),
    };
    for id in &route.from {
        lowering.result(id.index(), wants.inputs);
    }
    for index in 0..graph.nodes().len() {
        if lowering.computed[index] {
            lowering.visit(index)?;
        }
    }
    let values = |ids: &[NodeId]| -> Option<Vec<ValueId>> {
        ids.iter().map(|id| lowering.value_of[id.index()]).collect()
    };
    let (given, wanted) = (values(&route.from)?, values(&route.to)?);
    let Lowering { steps, layout, needs_gradient, .. } = lowering;
    let Layout { values: layout, buffers, .. } = layout;
    Some(Lowered { steps, layout, needs_gradient, buffers, given, wanted })
}

struct Lowering<'a> {
    graph: &'a Graph,
    params: &'a Parameters,
    batch: usize,
    wants: Wants,
    computed: Vec<bool>,
    layout: Layout<'a>,
    needs_gradient: Vec<bool>,
    wiring: Wiring,
    value_of: Vec<Option<ValueId>>,
    steps: Vec<Step>,
}

impl Lowering<'_> {
    /// Notes whether anything that is learnt stands before a new value.
    fn note(&mut self, id: ValueId, needs_gradient: bool) -> ValueId {
        self.needs_gradient.push(needs_gradient);
        id
    }

    /// The value that an operation writes.
    fn result(&mut self, index: usize, needs_gradient: bool) -> ValueId {
        let id = self.layout.result(index);
        self.value_of[index] = Some(id);
        self.note(id, needs_gradient)
    }

    fn needs_gradient(&self, id: ValueId) -> bool {
        self.needs_gradient[id.0]
    }

    fn learns(&self, id: ParamId) -> bool {
        self.wants.params && self.params.get(id).is_trainable()
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
        let source = self.wiring.source(index);
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
            (Op::Conv2d(conv), &[x]) => self.convolve(index, conv, x),
            (Op::Linear(linear), &[x]) => self.linear(index, linear, x),
            (Op::BatchNorm(norm), &[x]) => self.normalise(index, norm, x),
            (Op::Add(_), &[a, b]) => {
                let y = self.result(index, any_needs);
                self.push(Step::Add { a, b, y }, inputs, y)
            }
            // The gate's gradient is written, not added.
            (Op::Scale(_), &[x, gate])
                if self.wiring.sole_reader(node.inputs[1].index()).is_some() =>
            {
                let y = self.result(index, any_needs);
                self.push(Step::Scale { x, gate, y }, inputs, y)
            }
            // Shares are fixed where nobody trains any more.
            (Op::Quantize(quantize), _) if quantize.shares.is_none() => {
                self.quantize(index, quantize, inputs)
            }
            (Op::Concat(concat), _) => self.join(index, concat.keep, inputs),
            (Op::Dropout(dropout), &[x]) => self.drop(index, dropout.probability, x, false),
            (Op::DropPath(path), &[x]) => self.drop(index, path.probability, x, true),
            (op, &[x]) => {
                let shape = self.layout.shapes[node.inputs[0].index()];
                let kernel = op.operation().kernel(shape, self.layout.shapes[index])?;
                let y = self.result(index, any_needs);
                self.unary(kernel, x, y)
            }
            _ => None,
        }
    }

    fn unary(&mut self, kernel: Box<dyn UnaryKernel>, x: ValueId, y: ValueId) -> Option<()> {
        self.push(Step::Unary { x, y, kernel }, &[x], y)
    }

    fn convolve(&mut self, index: usize, conv: &Conv2d, x: ValueId) -> Option<()> {
        let input = self.layout.shapes[self.graph.nodes()[index].inputs[0].index()];
        let windows = [conv.window(0), conv.window(1)];
        let shapes = [input, self.layout.shapes[index]];
        let geometry = op::geometry(self.batch, shapes, conv.padding, windows);
        let convolution = ConvolutionKind::new(conv, geometry);
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
        self.unary(Box::new(Repeat), x, y)?;
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
        let norm = self.wiring.sole_reader(index).and_then(|reader| {
            match &self.graph.nodes()[reader].op {
                Op::BatchNorm(norm) => Some(norm),
                _ => None,
            }
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

    fn is_frozen(&self, norm: &BatchNorm) -> bool {
        !self.wants.training || self.params.get(norm.running_mean).frozen
    }

    fn normalise(&mut self, index: usize, norm: &BatchNorm, x: ValueId) -> Option<()> {
        let input = self.wiring.source(self.graph.nodes()[index].inputs[0].index());
        let (learns_weight, learns_bias) = (self.learns(norm.weight), self.learns(norm.bias));
        let before = &self.graph.nodes()[input].op;
        let is_convolution = matches!(before, Op::Conv2d(_) | Op::Linear(_));
        // The gradient of a given value is wanted where its reader expects it.
        let is_ours = is_convolution && self.computed[input];
        let in_place = is_ours && self.wiring.sole_reader(input).is_some();
        let z = if in_place {
            x
        } else {
            let z = self.layout.own(self.layout.shapes[input]);
            let z = self.note(z, self.needs_gradient(x));
            self.push(Step::Detach { x, z }, &[x], z)?;
            z
        };
        let activation = self.wiring.sole_reader(index).and_then(|reader| {
            match &self.graph.nodes()[reader].op {
                Op::Activation(kind) => Some((reader, kind.to_kernel())),
                _ => None,
            }
        });
        let needs_gradient = self.needs_gradient(z) || learns_weight || learns_bias;
        let y = self.result(activation.map_or(index, |(reader, _)| reader), needs_gradient);
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
        if sources.iter().any(|part| self.wiring.is_read_after(*part, index)) {
            return None;
        }
        let (mut parts, mut offset) = (Vec::new(), 0);
        for (source, x) in sources.into_iter().zip(inputs) {
            let channels = self.layout.shapes[source].channels;
            if self.layout.is_written_into(source, index, offset) {
                parts.push(*x);
            } else {
                let y = self.layout.joint(index, [offset, channels]);
                let y = self.note(y, self.needs_gradient(*x));
                self.unary(Box::new(op::Copy), *x, y)?;
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

    fn quantize(&mut self, index: usize, quantize: &Quantize, inputs: &[ValueId]) -> Option<()> {
        let (&x, attention) = (inputs.first()?, inputs.get(1).copied());
        let branches = quantize.branches.iter();
        let learns: Vec<bool> =
            branches.map(|branch| branch.scale.is_some_and(|id| self.learns(id))).collect();
        let any_needs = inputs.iter().any(|id| self.needs_gradient(*id));
        let y = self.result(index, any_needs || learns.contains(&true));
        let step = Step::Quantize {
            x,
            attention,
            y,
            node: NodeId(index),
            quantize: Box::new(quantize.clone()),
            observes: self.wants.training && !self.params.get(quantize.range).frozen,
            learns,
        };
        self.push(step, inputs, y)
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
