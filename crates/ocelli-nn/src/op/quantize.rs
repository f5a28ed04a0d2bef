//! Fake quantization of activations: values go to levels, and gradients straight through.
//!
//! In training the range of the data is observed, and the running range follows it once per step, as the
//! statistics of a batch normalisation do; a frozen range stays. Levels are those of the *running* range, in
//! training too, so that training and evaluation see the same quantizer and one pass suffices. Before the
//! first step there is no range yet: in training the batch's own serves, and gives learnt clips and steps
//! their first value; in evaluation values stay as they are.

use super::activation_quantizer::ActivationQuantizer;
use super::operation::{Operation, Run};
use super::shape::Shape;
use super::unary::{Taped, UnaryKernel, effort};
use crate::Result;
use crate::parameter::{ParamId, Parameters};
use crate::pass::{BatchStats, Seen};
use burn::tensor::{Tensor, TensorData};
use ocelli_kernels::quantize::{FakeQuantizer, Grid, fake_quantize, fake_quantize_gradient};
use ocelli_kernels::{Rows, RowsMut, Write};

/// The value on the levels of a quantizer, or the mixture Σ aₖ Qₖ(x) of several with an attention `a`,
/// `[batch, quantizers, 1, 1]`, as the second input, or with fixed shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantize {
    /// The quantizers, one to four.
    pub branches: Vec<QuantizeBranch>,
    /// The attention of a mixture that is given none.
    pub shares: Option<Vec<f32>>,
    /// The running range, low and high, with zero between them; both are zero before the first batch.
    pub range: ParamId,
    /// Whether values may be negative.
    pub is_signed: bool,
    /// The weight of the newest batch in the running range.
    pub momentum: f64,
}

/// One quantizer of a mixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuantizeBranch {
    /// Its kind and bits.
    pub quantizer: ActivationQuantizer,
    /// Its learnt clip or step, a single number, if it has one.
    pub scale: Option<ParamId>,
}

/// A running range is at least this wide, once data was seen.
const LEAST_RANGE: f32 = 1e-6;

impl Quantize {
    /// The levels of a single quantizer; `None` where values stay as they are, there are several quantizers,
    /// or no data was seen yet.
    pub fn grid(&self, params: &Parameters) -> Option<Grid> {
        match self.ready(params, 1)[..] {
            [FakeQuantizer { grid, .. }] if self.shares.is_none() => grid,
            _ => None,
        }
    }

    /// The running range, low and high; `None` before the first batch.
    pub fn observed_range(&self, params: &Parameters) -> Option<[f32; 2]> {
        let range = pair(&params.to_values(self.range));
        is_observed(range).then_some(range)
    }

    /// The quantizers by a network's parameters, of values of which an image has `len`.
    pub(crate) fn ready(&self, params: &Parameters, len: usize) -> Vec<FakeQuantizer> {
        let scale = |id: ParamId| params.to_values(id).first().copied().unwrap_or_default();
        self.with_scales(pair(&params.to_values(self.range)), &self.scales(scale), len)
    }

    /// The learnt scale of each quantizer, 0 for those without.
    pub(crate) fn scales(&self, value: impl Fn(ParamId) -> f32) -> Vec<f32> {
        self.branches.iter().map(|branch| branch.scale.map_or(0.0, &value)).collect()
    }

    pub(crate) fn with_scales(
        &self,
        range: [f32; 2],
        scales: &[f32],
        len: usize,
    ) -> Vec<FakeQuantizer> {
        let branches = self.branches.iter().zip(scales);
        let ready = branches.map(|(branch, scale)| {
            if is_observed(range) {
                branch.quantizer.with_scale(self.is_signed, range, *scale, len)
            } else {
                FakeQuantizer::IDENTITY
            }
        });
        ready.collect()
    }

    /// The first scale of each quantizer, 0 for those without.
    pub(crate) fn first_scales(&self, range: [f32; 2], mean_magnitude: f32) -> Vec<f32> {
        let first = |branch: &QuantizeBranch| {
            branch.quantizer.first_scale(self.is_signed, range, mean_magnitude)
        };
        self.branches.iter().map(first).collect()
    }

    /// The running range after a batch of this range.
    pub(crate) fn moved(&self, old: [f32; 2], batch: [f32; 2]) -> [f32; 2] {
        if !is_observed(old) {
            return widened(batch);
        }
        let momentum = self.momentum as f32;
        let [low, high] = [0, 1].map(|end| old[end] + momentum * (batch[end] - old[end]));
        widened([low, high])
    }

    /// The kernel of a single quantizer, or of a mixture with fixed shares.
    pub(crate) fn unary(&self, params: &Parameters, len: usize) -> Option<Box<dyn UnaryKernel>> {
        let quantizers = self.ready(params, len);
        let shares = self.shares.clone();
        let is_whole = quantizers.len() == shares.as_ref().map_or(1, Vec::len);
        is_whole.then(|| Box::new(QuantizeKernel { quantizers, shares }) as Box<dyn UnaryKernel>)
    }
}

/// The two values of a range.
pub(crate) fn pair(values: &[f32]) -> [f32; 2] {
    [0, 1].map(|end| values.get(end).copied().unwrap_or_default())
}

/// Whether a running range has seen data.
pub(crate) fn is_observed(range: [f32; 2]) -> bool {
    range != [0.0; 2]
}

/// A range in which zero is, and of some width.
pub(crate) fn widened([low, high]: [f32; 2]) -> [f32; 2] {
    let (low, high) = (low.min(0.0), high.max(0.0));
    [low, high.max(low + LEAST_RANGE)]
}

impl Operation for Quantize {
    fn output_shape(&self, layer: &str, image: Shape, inputs: &[Shape]) -> Result<Shape> {
        let first = inputs.first().copied().unwrap_or(image);
        let count = self.branches.len();
        let shares = self.shares.as_ref().map_or(1, Vec::len);
        match inputs.get(1) {
            Some(attention) if *attention != Shape::vector(count) => {
                Err(attention.refuse(layer, format!("it is attention to {count} quantizers")))
            }
            None if count != shares => {
                Err(first.refuse(layer, format!("{count} quantizers need attention")))
            }
            _ => Ok(first),
        }
    }

    fn run(&self, mut inputs: Vec<Tensor<4>>, run: &mut Run<'_, '_>) -> Tensor<4> {
        let x = inputs.remove(0);
        let attention = inputs.pop().or_else(|| {
            let shares = self.shares.clone()?;
            let data = TensorData::new(shares, [1, self.branches.len(), 1, 1]);
            Some(Tensor::from_data(data, &x.device()))
        });
        let detached = x.clone().detach();
        let [_, channels, height, width] = x.dims();
        let scale_tensors: Vec<Option<Tensor<1>>> =
            self.branches.iter().map(|branch| branch.scale.map(|id| run.vector(id))).collect();
        let mut range = pair(&run.params.to_values(self.range));
        let mut scales =
            self.scales(|id| run.params.to_values(id).first().copied().unwrap_or_default());
        let frozen = run.params.get(self.range).frozen;
        if let Some(train) = run.pass.training().filter(|_| !frozen) {
            let values = x.clone().without_autodiff();
            let low: f32 = values.clone().min().into_scalar();
            let high: f32 = values.clone().max().into_scalar();
            let seen = [low.min(0.0), high.max(0.0)];
            let mut first = vec![0.0; self.branches.len()];
            if !is_observed(range) {
                let mean: f32 = values.abs().mean().into_scalar();
                range = widened(seen);
                first = self.first_scales(range, mean);
                scales.clone_from(&first);
            }
            let values = [&seen[..], &first].concat();
            let data = TensorData::new(values, [2 + self.branches.len()]);
            let device = run.params.device();
            let range = Tensor::from_data(data, device);
            train.stats.push(BatchStats { node: run.node, seen: Seen::Range(range) });
        }
        let quantizers = self.with_scales(range, &scales, channels * height * width);
        let mut mixture: Option<Tensor<4>> = None;
        for (index, (quantizer, scale)) in quantizers.iter().zip(scale_tensors).enumerate() {
            let level = quantized(quantizer, &x, &detached, scale);
            let term = match &attention {
                Some(attention) => attention.clone().narrow(1, index, 1) * level,
                None => level,
            };
            mixture = Some(match mixture {
                Some(sum) => sum + term,
                None => term,
            });
        }
        mixture.unwrap_or(x)
    }

    fn map_params(&mut self, new: &mut dyn FnMut(ParamId) -> ParamId) {
        self.range = new(self.range);
        for branch in &mut self.branches {
            branch.scale = branch.scale.map(&mut *new);
        }
    }

    fn is_identity(&self, _: Shape, _: bool) -> bool {
        let is_float = |branch: &QuantizeBranch| branch.quantizer == ActivationQuantizer::Float;
        self.branches.len() == 1 && self.branches.iter().all(is_float)
    }
}

/// The levels of values, with gradients that go straight through, on burn's tensors.
fn quantized(
    quantizer: &FakeQuantizer,
    x: &Tensor<4>,
    detached: &Tensor<4>,
    scale: Option<Tensor<1>>,
) -> Tensor<4> {
    let Some(grid) = quantizer.grid else { return x.clone() };
    let place = detached.clone().sub_scalar(grid.offset).div_scalar(grid.step);
    let code = place.clone().clamp(0.0, grid.top as f32).round();
    let level = code.clone().mul_scalar(grid.step).add_scalar(grid.offset);
    let below = detached.clone().lower_elem(quantizer.low);
    let above = detached.clone().greater_equal_elem(quantizer.high);
    // A value less itself is nothing, and has the gradient of the value.
    let ghost = |value: Tensor<4>| value.clone() - value.detach();
    let outside = below.clone().bool_or(above.clone());
    let level = level + ghost(x.clone().mask_fill(outside, 0.0));
    let Some(scale) = scale.filter(|_| quantizer.slopes != [0.0; 3]) else { return level };
    let slope = (code - place).mul_scalar(quantizer.slopes[1]);
    let slope = slope.mask_fill(below, quantizer.slopes[0]).mask_fill(above, quantizer.slopes[2]);
    level + ghost(scale.reshape([1, 1, 1, 1]) * slope)
}

#[derive(Debug)]
struct QuantizeKernel {
    quantizers: Vec<FakeQuantizer>,
    shares: Option<Vec<f32>>,
}

impl QuantizeKernel {
    /// The same for all images, so that they count as one.
    fn attention(&self) -> Option<Rows<'_>> {
        self.shares.as_ref().map(|shares| Rows::dense(shares, shares.len()))
    }
}

impl UnaryKernel for QuantizeKernel {
    fn label(&self) -> &'static str {
        "quantize"
    }

    fn forward(&self, _: usize, x: Rows<'_>, y: RowsMut<'_>) {
        fake_quantize(x, &self.quantizers, self.attention(), y);
    }

    fn backward(&self, _: usize, taped: Taped<'_>, dx: RowsMut<'_>, write: Write) {
        let dx = Some((dx, write));
        fake_quantize_gradient(taped.x, taped.dy, &self.quantizers, self.attention(), dx);
    }

    fn effort(&self, _: f64, outputs: f64) -> f64 {
        effort::SINGLE * self.quantizers.len() as f64 * outputs
    }
}
