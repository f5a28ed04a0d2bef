//! The names, operations and constants of a graph that is being written.

use crate::names::{INPUT, OUTPUT};
use crate::opset::Opset;
use crate::proto::{AttributeProto, NodeProto, TensorProto};
use crate::weights_form::WeightsForm;
use bytes::Bytes;
use ocelli_kernels::quantize::Grid;
use ocelli_nn::graph::{Quantize, Shape};
use ocelli_nn::parameter::{ParamId, Parameters};
use std::collections::{HashMap, HashSet};

use super::attribute::int;
use super::integers::IntegerWeight;
use super::written::Written;

/// A value in the file.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) name: String,
    pub(super) shape: Shape,
    /// Whether it has the axes of a matrix, batch and channels, rather than four.
    pub(super) is_flat: bool,
    /// Its levels, if it is quantized.
    pub(super) levels: Option<Grid>,
}

impl Value {
    pub(super) fn image(shape: Shape) -> Self {
        Self { name: INPUT.to_owned(), shape, is_flat: false, levels: None }
    }
}

/// Collects operations and constants under names that are given once.
pub(super) struct Writer<'a> {
    params: &'a Parameters,
    opset: Opset,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    names: HashSet<String>,
    constants: HashMap<Constant, String>,
    has_levels: bool,
    /// Weights of few bits that are written as integers, and by their values.
    packed: [usize; 2],
}

/// What constants are shared by.
#[derive(PartialEq, Eq, Hash)]
enum Constant {
    Parameter(ParamId),
    /// The bits of a single number.
    Number(u32),
    Integers(Vec<i64>),
    /// A zero point of activations.
    ZeroPoint(u8),
}

impl<'a> Writer<'a> {
    pub(super) fn new(params: &'a Parameters, opset: Opset) -> Self {
        let names = [INPUT, OUTPUT].map(str::to_owned).into();
        let (nodes, initializers, constants) = (Vec::new(), Vec::new(), HashMap::new());
        Self {
            params,
            opset,
            nodes,
            initializers,
            names,
            constants,
            has_levels: false,
            packed: [0; 2],
        }
    }

    pub(super) fn opset(&self) -> Opset {
        self.opset
    }

    /// An operation on values by name; the name of its result, which is also its own.
    pub(super) fn node(
        &mut self,
        op_type: &str,
        name: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) -> String {
        let name = self.unused(name);
        let (op_type, output) = (op_type.to_owned(), vec![name.clone()]);
        self.nodes.push(NodeProto { input, output, name: name.clone(), op_type, attribute });
        name
    }

    /// A parameter of the network.
    pub(super) fn parameter(&mut self, id: ParamId) -> String {
        let spec = &self.params.get(id).spec;
        let (name, shape) = (spec.name.clone(), spec.shape.clone());
        if self.params.get(id).packed().is_some()
            && !self.constants.contains_key(&Constant::Parameter(id))
        {
            self.packed[1] += 1;
        }
        self.constant(Constant::Parameter(id), &name, |writer| {
            let values = writer.params.to_values(id);
            let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
            (TensorProto::FLOAT, shape, bytes)
        })
    }

    /// The values of a network's parameter.
    pub(super) fn values(&self, id: ParamId) -> Vec<f32> {
        self.params.to_values(id)
    }

    /// The weight of a layer: floats, or integers with their scales, which come back for the bias.
    pub(super) fn weight(&mut self, id: ParamId) -> (String, Option<Vec<f32>>) {
        let entry = self.params.get(id);
        let Some(integers) = entry.packed().and_then(IntegerWeight::new) else {
            return (self.parameter(id), None);
        };
        let (name, shape) = (entry.spec.name.clone(), entry.spec.shape.clone());
        let IntegerWeight { codes, scales, zero_points } = integers;
        if let Some(name) = self.constants.get(&Constant::Parameter(id)) {
            return (name.clone(), Some(scales));
        }
        self.packed[0] += 1;
        let bytes = |codes: Vec<i8>| codes.into_iter().map(|code| code as u8).collect();
        let codes = self.add(&format!("{name}.codes"), TensorProto::INT8, shape, bytes(codes));
        // Runtimes on integers look for zero points, zeros too.
        let (shape, points) = (Self::shape_of(&scales), format!("{name}.zero_point"));
        let points = self.add(&points, TensorProto::INT8, shape, bytes(zero_points));
        let inputs = vec![codes, self.scales(&name, &scales), points];
        let name = self.dequantize(&name, inputs, &scales);
        self.constants.insert(Constant::Parameter(id), name.clone());
        (name, Some(scales))
    }

    /// A bias as integers of so many scales; `None` where 32 bits do not hold it.
    pub(super) fn integer_bias(&mut self, id: ParamId, scales: &[f32]) -> Option<String> {
        let scale = |index: usize| scales[if scales.len() == 1 { 0 } else { index }];
        let values = self.values(id).into_iter().enumerate();
        let integers: Vec<f64> =
            values.map(|(index, it)| (f64::from(it) / f64::from(scale(index))).round()).collect();
        if !integers.iter().all(|it| it.abs() < f64::from(i32::MAX)) {
            return None;
        }
        let bytes = integers.iter().flat_map(|it| (*it as i32).to_le_bytes()).collect();
        let name = self.params.get(id).spec.name.clone();
        let shape = vec![integers.len()];
        let codes = self.add(&format!("{name}.codes"), TensorProto::INT32, shape, bytes);
        let inputs = vec![codes, self.scales(&name, scales)];
        Some(self.dequantize(&name, inputs, scales))
    }

    /// The levels of a quantizer by the network's parameters.
    pub(super) fn grid(&self, quantize: &Quantize) -> Option<Grid> {
        quantize.grid(self.params)
    }

    /// A value on the levels of a grid on which zero is.
    pub(super) fn levels(&mut self, name: &str, x: &str, grid: Grid) -> String {
        self.has_levels = true;
        let mut x = x.to_owned();
        if grid.top < u32::from(u8::MAX) {
            let [low, high] = [0, grid.top].map(|code| self.number(grid.level(code)));
            x = self.node("Clip", &format!("{name}.clipped"), vec![x, low, high], Vec::new());
        }
        let point = (-grid.offset / grid.step).round() as u8;
        let scale = self.number(grid.step);
        let point =
            self.constant(Constant::ZeroPoint(point), &format!("zero_point_{point}"), |_| {
                (TensorProto::UINT8, Vec::new(), vec![point])
            });
        let inputs = vec![x, scale.clone(), point.clone()];
        let codes = self.node("QuantizeLinear", &format!("{name}.codes"), inputs, Vec::new());
        self.node("DequantizeLinear", name, vec![codes, scale, point], Vec::new())
    }

    fn scales(&mut self, name: &str, scales: &[f32]) -> String {
        let shape = Self::shape_of(scales);
        let bytes = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        self.add(&format!("{name}.scale"), TensorProto::FLOAT, shape, bytes)
    }

    /// A single number, or one for each output channel.
    fn shape_of(scales: &[f32]) -> Vec<usize> {
        if scales.len() == 1 { Vec::new() } else { vec![scales.len()] }
    }

    fn dequantize(&mut self, name: &str, inputs: Vec<String>, scales: &[f32]) -> String {
        let attributes = if scales.len() == 1 { Vec::new() } else { vec![int("axis", 0)] };
        self.node("DequantizeLinear", name, inputs, attributes)
    }

    /// A single number.
    pub(super) fn number(&mut self, value: f32) -> String {
        self.constant(Constant::Number(value.to_bits()), &format!("number_{value}"), |_| {
            (TensorProto::FLOAT, Vec::new(), value.to_le_bytes().to_vec())
        })
    }

    /// A list of whole numbers: a shape, or positions on axes.
    pub(super) fn integers(&mut self, values: &[i64]) -> String {
        let words: Vec<String> = values.iter().map(i64::to_string).collect();
        let name = format!("integers_{}", words.join("_"));
        self.constant(Constant::Integers(values.to_vec()), &name, |_| {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (TensorProto::INT64, vec![values.len()], bytes)
        })
    }

    /// The value with four axes.
    pub(super) fn as_map(&mut self, value: &Value) -> String {
        if !value.is_flat {
            return value.name.clone();
        }
        // In a shape zero is the length that the axis has already.
        let shape = self.integers(&[0, value.shape.channels as i64, 1, 1]);
        let (name, inputs) = (format!("{}.map", value.name), vec![value.name.clone(), shape]);
        self.node("Reshape", &name, inputs, Vec::new())
    }

    /// The value with the axes of a matrix.
    pub(super) fn as_matrix(&mut self, value: &Value) -> String {
        if value.is_flat {
            return value.name.clone();
        }
        let name = format!("{}.flat", value.name);
        self.node("Flatten", &name, vec![value.name.clone()], vec![int("axis", 1)])
    }

    /// Ends the graph with its result, which has so many values for an image.
    pub(super) fn finish(mut self, result: &Value, outputs: usize) -> Written {
        let last = self.as_matrix(result);
        let rename = |name: &mut String| {
            if *name == last {
                OUTPUT.clone_into(name);
            }
        };
        for node in &mut self.nodes {
            node.input.iter_mut().chain(&mut node.output).for_each(rename);
        }
        let [integers, dequantized] = self.packed;
        Written {
            nodes: self.nodes,
            initializers: self.initializers,
            outputs,
            weights: WeightsForm::new(integers, dequantized),
            has_levels: self.has_levels,
        }
    }

    fn constant(
        &mut self,
        key: Constant,
        name: &str,
        make: impl FnOnce(&Self) -> (i32, Vec<usize>, Vec<u8>),
    ) -> String {
        if let Some(name) = self.constants.get(&key) {
            return name.clone();
        }
        let (data_type, shape, bytes) = make(self);
        let name = self.add(name, data_type, shape, bytes);
        self.constants.insert(key, name.clone());
        name
    }

    fn add(&mut self, name: &str, data_type: i32, shape: Vec<usize>, bytes: Vec<u8>) -> String {
        let name = self.unused(name);
        let dims = shape.into_iter().map(|length| length as i64).collect();
        let raw_data = Bytes::from(bytes);
        self.initializers.push(TensorProto { dims, data_type, name: name.clone(), raw_data });
        name
    }

    /// The name, or the name with the first number that makes it a new one.
    fn unused(&mut self, name: &str) -> String {
        let numbered = (2..).map(|number| format!("{name}.{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        let unused = names.find(|name| !self.names.contains(name)).unwrap_or_default();
        self.names.insert(unused.clone());
        unused
    }
}
