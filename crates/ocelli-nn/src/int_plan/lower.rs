//! From a graph to a plan on integers.

use super::chain::{Chain, Chains};
use super::demand::Analysis;
use super::layers::IntegerLayers;
use super::memory::{IntSlots, Life};
use super::step::{IntGiven, IntInput, IntStep, IntWork};
use super::times::StepLabel;
use crate::graph::Graph;
use crate::infer_plan::StepWork;
use crate::lowering::{ConvolutionKind, Routed, Value};
use crate::node_id::NodeId;
use crate::op::{self, Concat, Op, Repeat, Shape};
use crate::parameter::Parameters;
use crate::route::Route;
use ocelli_kernels::int8::ByteGrid;
use std::collections::HashMap;

/// The steps of a graph, and what they work on.
pub(super) struct IntLowered {
    pub(super) steps: Vec<IntStep>,
    pub(super) slots: IntSlots,
    pub(super) given: Vec<IntGiven>,
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
    let given = route.from.iter().map(|id| lowering.given(id.index()));
    let given: Vec<IntGiven> = given.collect();
    for index in 0..count {
        if let Some(chain) = lowering.analysis.chains[index] {
            lowering.visit(index, chain)?;
        }
    }
    let wanted = wanted.iter().map(|index| lowering.values[*index]);
    let wanted: Vec<Value> = wanted.collect::<Option<_>>()?;
    Some(lowering.finish(given, wanted))
}

pub(super) struct IntLowering<'a> {
    pub(super) chains: Chains<'a>,
    pub(super) analysis: Analysis,
    /// For each operation that writes its codes into a concatenation: which one, and from which channel.
    places: HashMap<usize, (usize, usize)>,
    /// The buffer of each concatenation of codes.
    joints: HashMap<usize, usize>,
    pub(super) shapes: Vec<Shape>,
    /// How long each buffer is per image.
    value_buffers: Vec<usize>,
    code_buffers: Vec<usize>,
    /// The plain values of each operation, if it has any.
    pub(super) values: Vec<Option<Value>>,
    /// The codes of each operation.
    pub(super) codes: Vec<Vec<(ByteGrid, Value)>>,
    steps: Vec<IntStep>,
    pub(super) layers: IntegerLayers,
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
    pub(super) fn joint(&mut self, concat: usize, [offset, channels]: [usize; 2]) -> Value {
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
            for part in self.chains.sources(concat) {
                if let Some(writer) = self.writer_into(concat, part) {
                    self.places.entry(writer).or_insert((concat, offset));
                }
                offset += self.shapes[part].channels;
            }
        }
    }

    /// The operation that may write a part of a concatenation of codes in its place. The codes of a
    /// quantization are written by what stands before it.
    fn writer_into(&self, concat: usize, part: usize) -> Option<usize> {
        let grid = self.analysis.demands[concat].codes_alone()?;
        let is_alone = |value: usize, reader: usize| {
            self.chains.wiring.sole_reader(value) == Some(reader)
                && self.analysis.demands[value].codes_alone() == Some(grid)
        };
        let is_quantize = matches!(self.chains.graph.nodes()[part].op, Op::Quantize(_));
        if !is_alone(part, concat) {
            return None;
        }
        if !(is_quantize && self.chains.levels(part).is_some()) {
            return Some(part);
        }
        let before = self.chains.sources(part)[0];
        is_alone(before, part).then_some(before)
    }

    /// Where an operation writes its codes.
    pub(super) fn code_result(&mut self, index: usize, grid: ByteGrid) -> Value {
        let shape = self.shapes[index];
        let value = match self.places.get(&index) {
            Some((concat, offset)) => self.joint(*concat, [*offset, shape.channels]),
            None => self.own_codes(shape),
        };
        self.codes[index].push((grid, value));
        value
    }

    /// Where an operation writes its plain values.
    pub(super) fn value_result(&mut self, index: usize) -> Value {
        let value = self.own_values(self.shapes[index]);
        self.values[index] = Some(value);
        value
    }

    pub(super) fn codes_of(&self, index: usize, grid: ByteGrid) -> Option<Value> {
        self.codes[index].iter().find(|(kind, _)| *kind == grid).map(|(_, value)| *value)
    }

    /// A given value in the forms that are needed.
    fn given(&mut self, index: usize) -> IntGiven {
        let demand = self.analysis.demands[index].clone();
        let is_read = demand.values || demand.codes.is_empty();
        let values = is_read.then(|| self.value_result(index));
        let codes = demand.codes.into_iter();
        IntGiven {
            values,
            codes: codes.map(|grid| (grid, self.code_result(index, grid))).collect(),
        }
    }

    pub(super) fn push(
        &mut self,
        index: usize,
        work: IntWork,
        [x, other]: [Option<IntInput>; 2],
        [values, codes]: [Option<Value>; 2],
    ) {
        let label = StepLabel {
            layer: self.chains.graph.nodes()[index].name.clone(),
            work: work.word(),
            on_integers: !matches!(work, IntWork::Float(_)),
            products: if work.is_layer() { self.products(index) } else { 0 },
        };
        self.steps.extend(x.map(|x| IntStep { label, work, x, other, values, codes }));
    }

    /// The multiply-adds of a layer for an image.
    fn products(&self, index: usize) -> u64 {
        let each = match &self.chains.graph.nodes()[index].op {
            Op::Conv2d(conv) => {
                conv.in_channels / conv.groups.max(1) * conv.kernel.iter().product::<usize>()
            }
            Op::Linear(linear) => linear.in_features,
            _ => 0,
        };
        (self.shapes[index].len() * each) as u64
    }

    /// Makes those codes of plain values that are needed and not there.
    pub(super) fn quantize_rest(&mut self, index: usize) -> Option<()> {
        for grid in self.analysis.demands[index].codes.clone() {
            if self.codes_of(index, grid).is_none() {
                let x = IntInput::Values(self.values[index]?);
                let codes = Some(self.code_result(index, grid));
                self.push(index, IntWork::Quantize(grid), [Some(x), None], [None, codes]);
            }
        }
        Some(())
    }

    fn visit(&mut self, index: usize, chain: Chain) -> Option<()> {
        if let Some(grids) = self.analysis.read[index].clone() {
            return self.on_codes(index, chain, &grids);
        }
        let node = &self.chains.graph.nodes()[index];
        let inputs = self.chains.sources(index);
        if let Op::Concat(concat) = &node.op {
            return self.concat(index, *concat, &inputs);
        }
        let work = self.float_work(index, chain, &inputs)?;
        if !matches!(node.op, Op::Flatten(_)) {
            self.layers.float.push(node.name.clone());
        }
        self.float_step(work, index, chain, &inputs)
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
            self.push_float(index, StepWork::Unary(Box::new(Repeat)), [Some(x), None], repeated);
            x = repeated;
        }
        let y = self.value_result(chain.last);
        self.push_float(index, work, [Some(x), other], y);
        self.quantize_rest(chain.last)
    }

    fn push_float(&mut self, index: usize, work: StepWork, inputs: [Option<Value>; 2], y: Value) {
        let inputs = inputs.map(|input| input.map(IntInput::Values));
        self.push(index, IntWork::Float(work), inputs, [Some(y), None]);
    }

    fn concat(&mut self, index: usize, concat: Concat, inputs: &[usize]) -> Option<()> {
        let mut offset = 0;
        let stride = inputs.iter().map(|part| self.shapes[*part].channels).sum();
        let all = self.own_values(Shape { channels: stride, ..self.shapes[index] });
        for part in inputs {
            let channels = self.shapes[*part].channels;
            let y = Value { channels, offset, ..all };
            let x = Some(self.values[*part]?);
            self.push_float(index, StepWork::Unary(Box::new(op::Copy)), [x, None], y);
            offset += channels;
        }
        self.values[index] = Some(Value { channels: concat.keep, ..all });
        self.quantize_rest(index)
    }

    fn finish(self, given: Vec<IntGiven>, wanted: Vec<Value>) -> IntLowered {
        let steps = self.steps;
        let unused = Life { first: usize::MAX, last: 0 };
        let mut lives =
            [vec![unused; self.value_buffers.len()], vec![unused; self.code_buffers.len()]];
        // Given values are there before the first step, wanted ones after the last.
        let mut touch = |kind: usize, value: Value, step: usize| {
            let life = &mut lives[kind][value.buffer];
            *life = Life { first: life.first.min(step), last: life.last.max(step) };
        };
        for given in &given {
            given.values.iter().for_each(|value| touch(0, *value, 0));
            given.codes.iter().for_each(|(_, value)| touch(1, *value, 0));
        }
        for value in &wanted {
            touch(0, *value, steps.len() + 1);
        }
        for (index, step) in steps.iter().enumerate() {
            let now = index + 1;
            for input in [Some(step.x), step.other].into_iter().flatten() {
                match input {
                    IntInput::Values(value) => touch(0, value, now),
                    IntInput::Codes(value) => touch(1, value, now),
                }
            }
            step.values.iter().for_each(|value| touch(0, *value, now));
            step.codes.iter().for_each(|value| touch(1, *value, now));
        }
        let [values, codes] = &lives;
        let slots = IntSlots::assign((&self.value_buffers, values), (&self.code_buffers, codes));
        IntLowered { steps, slots, given, wanted, layers: self.layers }
    }
}
