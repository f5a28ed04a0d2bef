//! From a graph to a plan on integers.

use super::chain::{Chain, Chains};
use super::demand::Analysis;
use super::layers::IntegerLayers;
use super::memory::{IntSlots, Life};
use super::step::{IntInput, IntKernel, IntStep, IntWork};
use crate::graph::Graph;
use crate::infer_plan::{Convolution, Kernel, StepWork};
use crate::lowering::{ConvolutionKind, Routed, Value};
use crate::node_id::NodeId;
use crate::op::{self, Activation, BatchNorm, Concat, Conv2d, Linear, Op, Repeat, Shape};
use crate::parameter::{ParamId, Parameters};
use crate::route::Route;
use ocelli_kernels::int8::{
    AddendKind, ByteGrid, OutputKind, PackedConv, PackedDepthwise, PackedGroups, QuantizedLayer,
};
use ocelli_kernels::quantize::Grid;
use ocelli_kernels::{Conv, Norm};
use std::collections::HashMap;

/// The steps of a graph, and what they work on.
pub(super) struct IntLowered {
    pub(super) steps: Vec<IntStep>,
    pub(super) slots: IntSlots,
    pub(super) given: Vec<Value>,
    pub(super) wanted: Vec<Value>,
    pub(super) layers: IntegerLayers,
}

/// `None` if no layer runs on integers, or an operation has no kernel.
pub(super) fn lower(
    graph: &Graph,
    params: &Parameters,
    route: &Route,
    given: &[Shape],
) -> Option<IntLowered> {
    let Routed { shapes, computed, wiring, .. } = Routed::new(graph, route, given, false)?;
    let chains = Chains { graph, params, wiring: &wiring, computed: &computed };
    if !(0..graph.nodes().len()).any(|node| computed[node] && chains.integer_input(node).is_some())
    {
        return None;
    }
    let source = |id: &NodeId| wiring.source(id.index());
    let wanted: Vec<usize> = route.to.iter().map(source).collect();
    let analysis = Analysis::new(&chains, &wanted);
    let count = graph.nodes().len();
    let mut lowering = IntLowering {
        chains,
        places: HashMap::new(),
        joints: HashMap::new(),
        analysis,
        shapes,
        value_buffers: Vec::new(),
        code_buffers: Vec::new(),
        values: vec![None; count],
        codes: vec![Vec::new(); count],
        steps: Vec::new(),
        layers: IntegerLayers::default(),
    };
    lowering.find_places();
    for id in &route.from {
        let value = lowering.own_values(lowering.shapes[id.index()]);
        lowering.values[id.index()] = Some(value);
        lowering.quantize_rest(id.index())?;
    }
    for index in 0..count {
        if let Some(chain) = lowering.analysis.chains[index] {
            lowering.visit(index, chain)?;
        }
    }
    let at = |index: usize| lowering.values[index];
    let given: Vec<Value> = route.from.iter().map(|id| at(source(id))).collect::<Option<_>>()?;
    let wanted: Vec<Value> = wanted.iter().map(|index| at(*index)).collect::<Option<_>>()?;
    Some(lowering.finish(given, wanted))
}

struct IntLowering<'a> {
    chains: Chains<'a>,
    analysis: Analysis,
    /// For each operation that writes its codes into a concatenation: which one, and from which channel.
    places: HashMap<usize, (usize, usize)>,
    /// The buffer of each concatenation of codes.
    joints: HashMap<usize, usize>,
    shapes: Vec<Shape>,
    /// How long each buffer is per image.
    value_buffers: Vec<usize>,
    code_buffers: Vec<usize>,
    /// The plain values of each operation, if it has any.
    values: Vec<Option<Value>>,
    /// The codes of each operation.
    codes: Vec<Vec<(ByteGrid, Value)>>,
    steps: Vec<IntStep>,
    layers: IntegerLayers,
}

fn whole(shape: Shape, buffer: usize) -> Value {
    let Shape { channels, height, width } = shape;
    Value { pixels: height * width, width, channels, buffer, offset: 0, stride: channels }
}

impl IntLowering<'_> {
    fn own_values(&mut self, shape: Shape) -> Value {
        self.value_buffers.push(shape.len());
        whole(shape, self.value_buffers.len() - 1)
    }

    fn own_codes(&mut self, shape: Shape) -> Value {
        self.code_buffers.push(shape.len());
        whole(shape, self.code_buffers.len() - 1)
    }

    /// Channels of the buffer of a concatenation of codes.
    fn joint(&mut self, concat: usize, [offset, channels]: [usize; 2]) -> Value {
        let inputs = &self.chains.graph.nodes()[concat].inputs;
        let stride = inputs.iter().map(|id| self.shapes[id.index()].channels).sum();
        let shape = Shape { channels: stride, ..self.shapes[concat] };
        let buffer = match self.joints.get(&concat) {
            Some(buffer) => *buffer,
            None => self.own_codes(shape).buffer,
        };
        self.joints.insert(concat, buffer);
        Value { channels, offset, ..whole(shape, buffer) }
    }

    /// The parts of concatenations of codes that nothing else reads.
    fn find_places(&mut self) {
        for concat in 0..self.shapes.len() {
            let node = &self.chains.graph.nodes()[concat];
            let is_joint =
                matches!(node.op, Op::Concat(_)) && self.analysis.chains[concat].is_some();
            if !is_joint || self.analysis.demands[concat].codes_alone().is_none() {
                continue;
            }
            let mut offset = 0;
            for id in &node.inputs {
                let part = self.chains.wiring.source(id.index());
                if self.chains.wiring.sole_reader(part) == Some(concat)
                    && self.analysis.demands[part].codes_alone().is_some()
                {
                    self.places.entry(part).or_insert((concat, offset));
                }
                offset += self.shapes[id.index()].channels;
            }
        }
    }

    /// Where an operation writes its codes.
    fn code_result(&mut self, index: usize, grid: ByteGrid) -> Value {
        let shape = self.shapes[index];
        let value = match self.places.get(&index) {
            Some((concat, offset)) => self.joint(*concat, [*offset, shape.channels]),
            None => self.own_codes(shape),
        };
        self.codes[index].push((grid, value));
        value
    }

    /// Where an operation writes its plain values.
    fn value_result(&mut self, index: usize) -> Value {
        let value = self.own_values(self.shapes[index]);
        self.values[index] = Some(value);
        value
    }

    fn codes_of(&self, index: usize, grid: ByteGrid) -> Option<Value> {
        self.codes[index].iter().find(|(kind, _)| *kind == grid).map(|(_, value)| *value)
    }

    /// The sources of an operation's inputs.
    fn inputs(&self, index: usize) -> Vec<usize> {
        let inputs = self.chains.graph.nodes()[index].inputs.iter();
        inputs.map(|id| self.chains.wiring.source(id.index())).collect()
    }

    /// Makes those codes of plain values that are needed and not there.
    fn quantize_rest(&mut self, index: usize) -> Option<()> {
        for grid in self.analysis.demands[index].codes.clone() {
            if self.codes_of(index, grid).is_none() {
                let x = IntInput::Values(self.values[index]?);
                let codes = Some(self.code_result(index, grid));
                let work = IntWork::Quantize(grid);
                self.steps.push(IntStep { work, x, other: None, values: None, codes });
            }
        }
        Some(())
    }

    fn visit(&mut self, index: usize, chain: Chain) -> Option<()> {
        let node = &self.chains.graph.nodes()[index];
        let (op, inputs) = (&node.op, self.inputs(index));
        if let Some((input, grid)) = self.chains.integer_input(index) {
            let x = self.codes_of(input, grid)?;
            self.layers.integer.push(node.name.clone());
            return self.integer_layer(index, chain, (x, grid));
        }
        match op {
            Op::Quantize(quantize) if let Some(grid) = self.chains.grid(quantize) => {
                self.quantized(index, inputs[0], grid)
            }
            Op::MaxPool(pool) if let Some(grid) = self.analysis.demands[index].codes_alone() => {
                let x = IntInput::Codes(self.codes_of(inputs[0], grid)?);
                let shapes = [self.shapes[inputs[0]], self.shapes[index]];
                let work = IntWork::MaxPool(pool.0.geometry(shapes));
                let codes = Some(self.code_result(index, grid));
                self.steps.push(IntStep { work, x, other: None, values: None, codes });
                Some(())
            }
            Op::Concat(concat) => self.concat(index, *concat, &inputs),
            _ => {
                let work = self.float_work(index, chain, &inputs)?;
                if !matches!(op, Op::Flatten(_)) {
                    self.layers.float.push(node.name.clone());
                }
                self.float_step(work, index, chain, &inputs)
            }
        }
    }

    /// The codes of a quantization are those that its input was asked for.
    fn quantized(&mut self, index: usize, input: usize, grid: ByteGrid) -> Option<()> {
        let value = self.codes_of(input, grid)?;
        self.codes[index].push((grid, value));
        if self.analysis.demands[index].values {
            let values = Some(self.value_result(index));
            let (work, x) = (IntWork::Dequantize(grid), IntInput::Codes(value));
            self.steps.push(IntStep { work, x, other: None, values, codes: None });
        }
        self.quantize_rest(index)
    }

    fn integer_layer(
        &mut self,
        index: usize,
        chain: Chain,
        (x, input): (Value, ByteGrid),
    ) -> Option<()> {
        let demand = self.analysis.demands[chain.last].clone();
        let output = match demand.codes.first() {
            None => OutputKind::Values,
            Some(grid) if demand.codes_alone().is_some() => OutputKind::Codes(*grid),
            Some(grid) => OutputKind::Both(*grid),
        };
        let kernel = self.pack(index, chain, (input, output))?;
        let other = match chain.residual {
            Some(residual) => Some(self.values[residual]?),
            None => None,
        };
        let values =
            (!matches!(output, OutputKind::Codes(_))).then(|| self.value_result(chain.last));
        let codes = match output {
            OutputKind::Values => None,
            OutputKind::Codes(grid) | OutputKind::Both(grid) => {
                Some(self.code_result(chain.last, grid))
            }
        };
        let (work, x) = (IntWork::Layer(kernel), IntInput::Codes(x));
        self.steps.push(IntStep { work, x, other, values, codes });
        self.quantize_rest(chain.last)
    }

    /// The kernel of a layer on integers.
    fn pack(
        &self,
        index: usize,
        chain: Chain,
        (input, output): (ByteGrid, OutputKind),
    ) -> Option<IntKernel> {
        let node = &self.chains.graph.nodes()[index];
        let (weight, bias) = match &node.op {
            Op::Conv2d(conv) => (conv.weight, conv.bias),
            Op::Linear(linear) => (linear.weight, linear.bias),
            _ => return None,
        };
        let packed = self.chains.params.get(weight).packed()?;
        let (codes, bias) = (packed.codes(), bias.map(|id| self.elements(id)));
        let channels = self.shapes[index].channels;
        let factors = packed.multipliers().map(|factors| match factors {
            [one] => vec![*one; channels],
            several => several.to_vec(),
        });
        let grids: Vec<Grid> = packed.grids().to_vec();
        let layer = QuantizedLayer {
            codes: &codes,
            grids: &grids,
            factors: factors.as_deref(),
            bias: bias.as_deref(),
            input,
            addend: chain.residual.map_or(AddendKind::None, |_| AddendKind::Values),
            range: match chain.activation {
                Some(Activation::Relu) => [0.0, f32::INFINITY],
                Some(Activation::Relu6) => [0.0, 6.0],
                _ => [f32::NEG_INFINITY, f32::INFINITY],
            },
            output,
        };
        match &node.op {
            Op::Conv2d(conv) => Some(match self.kind(index, conv) {
                ConvolutionKind::Dense(conv) => {
                    IntKernel::Dense(Box::new(PackedConv::new(conv, &layer)))
                }
                ConvolutionKind::Depthwise(conv) => {
                    IntKernel::Depthwise(Box::new(PackedDepthwise::new(conv, &layer)))
                }
                ConvolutionKind::Grouped(conv) => {
                    IntKernel::Grouped(PackedGroups::new(conv, &layer))
                }
            }),
            Op::Linear(linear) if self.is_vector(index) => {
                let conv = Conv::linear(1, linear.in_features, linear.out_features);
                Some(IntKernel::Dense(Box::new(PackedConv::new(conv, &layer))))
            }
            _ => None,
        }
    }

    fn elements(&self, id: ParamId) -> Vec<f32> {
        self.chains.params.to_values(id)
    }

    fn kind(&self, index: usize, conv: &Conv2d) -> ConvolutionKind {
        let input = self.shapes[self.chains.graph.nodes()[index].inputs[0].index()];
        let windows = [conv.window(0), conv.window(1)];
        let geometry = op::geometry(1, [input, self.shapes[index]], conv.padding, windows);
        ConvolutionKind::new(conv, geometry)
    }

    /// Whether a linear layer reads a single pixel.
    fn is_vector(&self, index: usize) -> bool {
        let shape = self.shapes[self.chains.graph.nodes()[index].inputs[0].index()];
        shape.height * shape.width == 1
    }

    /// What an operation does in floats.
    fn float_work(&mut self, index: usize, chain: Chain, inputs: &[usize]) -> Option<StepWork> {
        let activation = chain.activation.map(Activation::to_kernel);
        let node = &self.chains.graph.nodes()[index];
        let convolution = |kernel: Kernel, bias: Option<Vec<f32>>| {
            StepWork::Convolve(Box::new(Convolution { kernel, bias, activation }))
        };
        Some(match &node.op {
            Op::Conv2d(conv) => {
                let weight = self.elements(conv.weight);
                let kernel = match self.kind(index, conv) {
                    ConvolutionKind::Dense(conv) => Kernel::Dense(conv, conv.pack(&weight)),
                    ConvolutionKind::Depthwise(conv) => {
                        Kernel::Depthwise(conv, Box::new(conv.pack(&weight)))
                    }
                    ConvolutionKind::Grouped(conv) => Kernel::Grouped(conv, conv.pack(&weight)),
                };
                convolution(kernel, conv.bias.map(|id| self.elements(id)))
            }
            Op::Linear(linear) if self.is_vector(index) => {
                let &Linear { weight, bias, in_features, out_features } = linear;
                let conv = Conv::linear(1, in_features, out_features);
                let kernel = Kernel::Dense(conv, conv.pack(&self.elements(weight)));
                convolution(kernel, bias.map(|id| self.elements(id)))
            }
            Op::BatchNorm(norm) => self.normalise(norm, activation),
            Op::Add(_) => StepWork::Add(activation),
            Op::Scale(_) => StepWork::Scale,
            Op::Quantize(quantize) => {
                StepWork::Unary(quantize.unary(self.chains.params, self.shapes[index].len())?)
            }
            op => {
                let (input, output) = (*inputs.first()?, self.shapes[index]);
                StepWork::Unary(op.operation().kernel(self.shapes[input], output)?)
            }
        })
    }

    fn normalise(
        &self,
        norm: &BatchNorm,
        activation: Option<ocelli_kernels::Activation>,
    ) -> StepWork {
        let [weight, bias, mean, variance] =
            [norm.weight, norm.bias, norm.running_mean, norm.running_var]
                .map(|id| self.elements(id));
        let norm = Norm::new(&weight, &bias, &mean, &variance, norm.epsilon);
        StepWork::Normalise { norm, activation }
    }

    fn float_step(
        &mut self,
        work: StepWork,
        index: usize,
        chain: Chain,
        inputs: &[usize],
    ) -> Option<()> {
        let mut x = self.values[*inputs.first()?]?;
        let other = match (chain.residual, inputs) {
            (Some(residual), _) => Some(self.values[residual]?),
            (None, [_, other]) => Some(self.values[*other]?),
            (None, _) => None,
        };
        if let Op::Conv2d(conv) = &self.chains.graph.nodes()[index].op
            && let ConvolutionKind::Depthwise(depthwise) = self.kind(index, conv)
            && depthwise.channels > x.channels
        {
            let shape = Shape { channels: depthwise.channels, ..self.shapes[inputs[0]] };
            let repeated = self.own_values(shape);
            self.push_float(StepWork::Unary(Box::new(Repeat)), x, None, repeated);
            x = repeated;
        }
        let y = self.value_result(chain.last);
        self.push_float(work, x, other, y);
        self.quantize_rest(chain.last)
    }

    fn push_float(&mut self, work: StepWork, x: Value, other: Option<Value>, y: Value) {
        let (work, x) = (IntWork::Float(work), IntInput::Values(x));
        self.steps.push(IntStep { work, x, other, values: Some(y), codes: None });
    }

    fn concat(&mut self, index: usize, concat: Concat, inputs: &[usize]) -> Option<()> {
        let parts = self.chains.graph.nodes()[index].inputs.iter();
        let channels: Vec<usize> = parts.map(|id| self.shapes[id.index()].channels).collect();
        let mut offset = 0;
        if let Some(grid) = self.analysis.demands[index].codes_alone() {
            for (part, channels) in inputs.iter().zip(channels) {
                if self.places.get(part) != Some(&(index, offset)) {
                    let x = IntInput::Codes(self.codes_of(*part, grid)?);
                    let codes = Some(self.joint(index, [offset, channels]));
                    let work = IntWork::Copy;
                    self.steps.push(IntStep { work, x, other: None, values: None, codes });
                }
                offset += channels;
            }
            let value = self.joint(index, [0, concat.keep]);
            self.codes[index].push((grid, value));
            return Some(());
        }
        let shape = Shape { channels: channels.iter().sum(), ..self.shapes[index] };
        let all = self.own_values(shape);
        for (part, channels) in inputs.iter().zip(channels) {
            let y = Value { channels, offset, ..all };
            self.push_float(StepWork::Unary(Box::new(op::Copy)), self.values[*part]?, None, y);
            offset += channels;
        }
        self.values[index] = Some(Value { channels: concat.keep, ..all });
        self.quantize_rest(index)
    }

    fn finish(self, given: Vec<Value>, wanted: Vec<Value>) -> IntLowered {
        let steps = self.steps;
        let unused = Life { first: usize::MAX, last: 0 };
        let mut lives =
            [vec![unused; self.value_buffers.len()], vec![unused; self.code_buffers.len()]];
        // Given values are there before the first step, wanted ones after the last.
        let mut touch = |kind: usize, value: Value, step: usize| {
            let life = &mut lives[kind][value.buffer];
            *life = Life { first: life.first.min(step), last: life.last.max(step) };
        };
        for value in &given {
            touch(0, *value, 0);
        }
        for value in &wanted {
            touch(0, *value, steps.len() + 1);
        }
        for (index, step) in steps.iter().enumerate() {
            let now = index + 1;
            match step.x {
                IntInput::Values(value) => touch(0, value, now),
                IntInput::Codes(value) => touch(1, value, now),
            }
            for value in [step.other, step.values].into_iter().flatten() {
                touch(0, value, now);
            }
            if let Some(value) = step.codes {
                touch(1, value, now);
            }
        }
        let [values, codes] = &lives;
        let slots = IntSlots::assign((&self.value_buffers, values), (&self.code_buffers, codes));
        IntLowered { steps, slots, given, wanted, layers: self.layers }
    }
}
