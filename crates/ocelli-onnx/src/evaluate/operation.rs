//! Which function an operation is.

use super::settings::Settings;
use super::tensor::Values;
use super::{convolution, elementwise, layout, levels, normalisation, pooling};
use crate::Result;

/// Runs one operation.
pub(super) fn run(settings: Settings<'_>, inputs: &[&Values]) -> Result<Values> {
    let [x, others @ ..] = inputs else {
        return Err(settings.wrong("it has no input"));
    };
    let two = || match others {
        [other] => Ok([*x, *other]),
        _ => Err(settings.wrong(format!("{} inputs, expected 2", inputs.len()))),
    };
    match settings.kind() {
        "Conv" => convolution::conv(settings, inputs),
        "Gemm" => convolution::gemm(settings, inputs),
        "BatchNormalization" => match inputs.try_into() {
            Ok(inputs) => normalisation::batch_norm(settings, inputs),
            Err(_) => Err(settings.wrong(format!("{} inputs, expected 5", inputs.len()))),
        },
        "LRN" => normalisation::local_response(settings, x),
        "ReduceL2" => normalisation::length(settings, inputs),
        "Relu" => elementwise::map(settings, x, |x| x.max(0.0)),
        "Sigmoid" => elementwise::map(settings, x, |x| 1.0 / (1.0 + (-x).exp())),
        "HardSigmoid" => {
            let (alpha, beta) = (settings.float("alpha")?, settings.float("beta")?);
            elementwise::map(settings, x, |x| (alpha * x + beta).clamp(0.0, 1.0))
        }
        "Clip" => elementwise::clip(settings, inputs),
        "Add" => elementwise::zip(settings, two()?, |x, other| x + other),
        "Mul" => elementwise::zip(settings, two()?, |x, other| x * other),
        "Div" => elementwise::zip(settings, two()?, |x, other| x / other),
        "QuantizeLinear" => levels::quantize(settings, inputs),
        "DequantizeLinear" => levels::dequantize(settings, inputs),
        "Concat" => layout::concat(settings, inputs),
        "Slice" => layout::slice(settings, inputs),
        "Pad" => layout::pad(settings, two()?),
        "Flatten" => layout::flatten(settings, x),
        "Reshape" => layout::reshape(settings, two()?),
        "GlobalAveragePool" => pooling::global_average(settings, x),
        "AveragePool" => pooling::average(settings, x),
        "MaxPool" => pooling::maximum(settings, x),
        other => Err(settings.wrong(format!("`{other}` is not known"))),
    }
}
