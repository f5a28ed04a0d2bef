//! One function for each operation of a network.

use super::attribute::{float, int, ints};
use super::writer::{Value, Writer};
use crate::{Error, Result};
use ocelli_nn::graph::{
    Activation, BatchNorm, Concat, Conv2d, Linear, LocalResponseNorm, Node, Op, PadShortcut,
    Padding, Pool, Quantize, Shape,
};
use ocelli_nn::parameter::ParamId;

/// Writes an operation and returns its result, whose shape is `shape`. There is at least one input.
pub(super) fn write_operation(
    writer: &mut Writer<'_>,
    node: &Node,
    inputs: &[Value],
    shape: Shape,
) -> Result<Value> {
    let (x, name) = (&inputs[0], node.name.as_str());
    let value = |name: String, is_flat: bool| Value { name, shape, is_flat, levels: None };
    Ok(match &node.op {
        // Dropout is of training only.
        Op::Input(_) | Op::Dropout(_) | Op::DropPath(_) => x.clone(),
        Op::Conv2d(it) => value(conv(writer, name, x, it), false),
        Op::Linear(it) => value(linear(writer, name, x, it), true),
        Op::BatchNorm(it) => value(batch_norm(writer, name, x, it), x.is_flat),
        Op::Activation(it) => value(activation(writer, name, x, *it), x.is_flat),
        Op::Add(_) => value(of_maps(writer, "Add", name, inputs), false),
        Op::Scale(_) => value(of_maps(writer, "Mul", name, inputs), false),
        Op::Concat(it) => value(concat(writer, name, inputs, *it), false),
        Op::GlobalAvgPool(_) => {
            let x = writer.as_map(x);
            value(writer.node("GlobalAveragePool", name, vec![x], Vec::new()), false)
        }
        // Padding counts in no mean.
        Op::AvgPool(it) => value(pool(writer, "AveragePool", name, x, it.0), false),
        Op::MaxPool(it) => value(pool(writer, "MaxPool", name, x, it.0), false),
        Op::LocalResponseNorm(it) => value(local_response_norm(writer, name, x, it), false),
        Op::PadShortcut(it) => {
            // On levels of which zero is one it stays, and runtimes on integers look for pairs.
            let padded = pad_shortcut(writer, name, x, *it);
            let on_levels =
                x.levels.map(|grid| writer.levels(&format!("{name}.levels"), &padded, grid));
            Value { levels: x.levels, ..value(on_levels.unwrap_or(padded), false) }
        }
        Op::Flatten(_) => value(writer.as_matrix(x), true),
        Op::Unit(_) => value(unit(writer, name, x), x.is_flat),
        Op::SideInput(_) => return Err(no_export(name, "it is given beside the image")),
        Op::Upsample(_) => {
            return Err(no_export(name, "maps are enlarged, which is not exported yet"));
        }
        Op::Quantize(it) => quantize(writer, name, x, it),
    })
}

fn no_export(layer: &str, reason: &str) -> Error {
    Error::NoExport { layer: layer.to_owned(), reason: reason.to_owned() }
}

fn conv(writer: &mut Writer<'_>, name: &str, x: &Value, conv: &Conv2d) -> String {
    let mut inputs = vec![writer.as_map(x)];
    inputs.extend(weights(writer, x, conv.weight, conv.bias));
    let windows = [conv.window(0), conv.window(1)];
    let (top, bottom) = conv.padding.amounts(0, x.shape.height, windows[0]);
    let (left, right) = conv.padding.amounts(1, x.shape.width, windows[1]);
    let attributes = vec![
        ints("kernel_shape", &conv.kernel),
        ints("strides", &conv.stride),
        ints("pads", &[top, left, bottom, right]),
        ints("dilations", &conv.dilation),
        int("group", conv.groups),
    ];
    writer.node("Conv", name, inputs, attributes)
}

fn linear(writer: &mut Writer<'_>, name: &str, x: &Value, linear: &Linear) -> String {
    let mut inputs = vec![writer.as_matrix(x)];
    inputs.extend(weights(writer, x, linear.weight, linear.bias));
    writer.node("Gemm", name, inputs, vec![int("transB", 1)])
}

/// The weight of a layer and its bias, which is of integers where both others are.
fn weights(
    writer: &mut Writer<'_>,
    x: &Value,
    weight: ParamId,
    bias: Option<ParamId>,
) -> Vec<String> {
    let (weight, scales) = writer.weight(weight);
    let scales = x.levels.zip(scales).map(|(grid, scales)| {
        scales.into_iter().map(|scale| grid.step * scale).collect::<Vec<f32>>()
    });
    let bias = bias.map(|bias| {
        let integers = scales.and_then(|scales| writer.integer_bias(bias, &scales));
        integers.unwrap_or_else(|| writer.parameter(bias))
    });
    [Some(weight), bias].into_iter().flatten().collect()
}

/// A value on levels; as it is where there are none.
fn quantize(writer: &mut Writer<'_>, name: &str, x: &Value, quantize: &Quantize) -> Value {
    match writer.grid(quantize) {
        Some(grid) => {
            let name = writer.levels(name, &x.name, grid);
            Value { name, levels: Some(grid), ..x.clone() }
        }
        None => x.clone(),
    }
}

/// One that was not folded.
fn batch_norm(writer: &mut Writer<'_>, name: &str, x: &Value, norm: &BatchNorm) -> String {
    let params = [norm.weight, norm.bias, norm.running_mean, norm.running_var];
    let params = params.map(|id| writer.parameter(id));
    let inputs = std::iter::once(x.name.clone()).chain(params).collect();
    writer.node("BatchNormalization", name, inputs, vec![float("epsilon", norm.epsilon)])
}

fn activation(writer: &mut Writer<'_>, name: &str, x: &Value, kind: Activation) -> String {
    let x = x.name.clone();
    match kind {
        Activation::Relu => writer.node("Relu", &format!("{name}.relu"), vec![x], Vec::new()),
        Activation::Relu6 => {
            let inputs = vec![x, writer.number(0.0), writer.number(6.0)];
            writer.node("Clip", &format!("{name}.relu6"), inputs, Vec::new())
        }
        Activation::Silu => {
            let name = format!("{name}.silu");
            let gate = format!("{name}.sigmoid");
            let gate = writer.node("Sigmoid", &gate, vec![x.clone()], Vec::new());
            writer.node("Mul", &name, vec![x, gate], Vec::new())
        }
        Activation::Sigmoid => {
            writer.node("Sigmoid", &format!("{name}.sigmoid"), vec![x], Vec::new())
        }
        Activation::HardSigmoid => {
            let attributes = vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)];
            writer.node("HardSigmoid", &format!("{name}.hard_sigmoid"), vec![x], attributes)
        }
    }
}

fn of_maps(writer: &mut Writer<'_>, op_type: &str, name: &str, inputs: &[Value]) -> String {
    let inputs = inputs.iter().map(|input| writer.as_map(input)).collect();
    writer.node(op_type, name, inputs, Vec::new())
}

fn concat(writer: &mut Writer<'_>, name: &str, inputs: &[Value], concat: Concat) -> String {
    let all: usize = inputs.iter().map(|input| input.shape.channels).sum();
    let inputs = inputs.iter().map(|input| writer.as_map(input)).collect();
    let joined = writer.node("Concat", name, inputs, vec![int("axis", 1)]);
    if concat.keep == all {
        return joined;
    }
    let [start, end, axis] = [0, concat.keep as i64, 1].map(|at| writer.integers(&[at]));
    let name = format!("{name}.kept");
    writer.node("Slice", &name, vec![joined, start, end, axis], Vec::new())
}

fn pool(writer: &mut Writer<'_>, op_type: &str, name: &str, x: &Value, pool: Pool) -> String {
    let padding = Padding::Symmetric(pool.padding);
    let (top, bottom) = padding.amounts(0, x.shape.height, pool.window(0));
    let (left, right) = padding.amounts(1, x.shape.width, pool.window(1));
    let attributes = vec![
        ints("kernel_shape", &pool.kernel),
        ints("strides", &pool.stride),
        ints("pads", &[top, left, bottom, right]),
    ];
    let x = writer.as_map(x);
    writer.node(op_type, name, vec![x], attributes)
}

fn local_response_norm(
    writer: &mut Writer<'_>,
    name: &str,
    x: &Value,
    norm: &LocalResponseNorm,
) -> String {
    let attributes = vec![
        int("size", norm.size),
        float("alpha", norm.alpha),
        float("beta", norm.beta),
        float("bias", norm.k),
    ];
    let x = writer.as_map(x);
    writer.node("LRN", name, vec![x], attributes)
}

/// Every so-many-th row and column, then channels of zeros before and after.
fn pad_shortcut(writer: &mut Writer<'_>, name: &str, x: &Value, it: PadShortcut) -> String {
    let mut value = writer.as_map(x);
    if it.stride > 1 {
        let (step, ends) = (it.stride as i64, [x.shape.height as i64, x.shape.width as i64]);
        let lists: [&[i64]; 4] = [&[0, 0], &ends, &[2, 3], &[step, step]];
        let inputs = lists.map(|list| writer.integers(list));
        let inputs = std::iter::once(value).chain(inputs).collect();
        value = writer.node("Slice", &format!("{name}.sampled"), inputs, Vec::new());
    }
    let new = it.out_channels - x.shape.channels;
    if new > 0 {
        let (before, after) = (new as i64 / 2, (new - new / 2) as i64);
        let pads = writer.integers(&[0, before, 0, 0, 0, after, 0, 0]);
        value = writer.node("Pad", name, vec![value, pads], Vec::new());
    }
    value
}

/// What a length is at least.
const LEAST_LENGTH: f32 = 1e-12;

fn unit(writer: &mut Writer<'_>, name: &str, x: &Value) -> String {
    let x = x.name.clone();
    let (mut inputs, mut attributes) = (vec![x.clone()], vec![int("keepdims", 1)]);
    if writer.opset().reduces_by_input() {
        inputs.push(writer.integers(&[1]));
    } else {
        attributes.push(ints("axes", &[1]));
    }
    let length = writer.node("ReduceL2", &format!("{name}.length"), inputs, attributes);
    let least = writer.number(LEAST_LENGTH);
    let length = writer.node("Clip", &format!("{name}.divisor"), vec![length, least], Vec::new());
    writer.node("Div", name, vec![x, length], Vec::new())
}
