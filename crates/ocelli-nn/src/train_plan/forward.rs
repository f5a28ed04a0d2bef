//! What each step does forward.

use super::plan::{Saved, SeenStatistics, SeenValues, TrainPlan};
use super::step::Step;
use crate::lowering::{ConvolutionKind, Value};
use crate::op::{KeptBits, Quantize, is_observed, keep_mask, pair, widened};
use crate::parameter::ParamId;
use crate::pass::Drops;
use ocelli_kernels::quantize::{FakeQuantizer, fake_quantize};
use ocelli_kernels::{Norm, Rows, RowsMut, Statistics, Write};

impl TrainPlan {
    pub(super) fn run_forward(
        &mut self,
        index: usize,
        step: &Step,
        params: &[&[f32]],
        drops: Drops,
        seen: &mut Vec<SeenStatistics>,
    ) {
        let layout = &self.layout;
        let values = &mut self.values;
        match step {
            Step::Convolve { x, y, convolution, weight, bias, takes_statistics, .. } => {
                let mut statistics = Statistics::default();
                let mut taken = takes_statistics.then_some(&mut statistics);
                let weight = params[weight.index()];
                let bias = bias.map(|bias| params[bias.index()]);
                values.write(layout[y.0], |values, y| {
                    let x = values.rows(layout[x.0]);
                    match convolution {
                        ConvolutionKind::Dense(conv) => conv.forward(x, weight, bias, y, taken),
                        ConvolutionKind::Grouped(conv) => conv.forward(x, weight, bias, y, taken),
                        ConvolutionKind::Depthwise(conv) => {
                            let mut y = y;
                            conv.forward(x, weight, y.reborrow(), taken.as_deref_mut());
                            if let Some(bias) = bias {
                                shift(bias, y, taken);
                            }
                        }
                    }
                });
                self.saved[index] = Saved::Statistics(statistics);
            }
            Step::Normalise {
                z, y, node, norm, activation, frozen, follows_convolution, ..
            } => {
                let [weight, bias] = [norm.weight, norm.bias].map(|id| params[id.index()]);
                let ready = if *frozen {
                    let [mean, variance] =
                        [norm.running_mean, norm.running_var].map(|id| params[id.index()]);
                    Norm::new(weight, bias, mean, variance, norm.epsilon)
                } else {
                    let statistics = match self.saved.get_mut(index.wrapping_sub(1)) {
                        Some(Saved::Statistics(statistics)) if *follows_convolution => {
                            std::mem::take(statistics)
                        }
                        _ => Statistics::from_rows(values.rows(layout[z.0])),
                    };
                    let Statistics { mean, variance } = &statistics;
                    let ready = Norm::new(weight, bias, mean, variance, norm.epsilon);
                    seen.push(SeenStatistics {
                        node: *node,
                        seen: SeenValues::Moments { statistics, count: layout[z.0].pixels },
                    });
                    ready
                };
                values.write(layout[y.0], |values, y| {
                    ready.forward(values.rows(layout[z.0]), *activation, y);
                });
                self.saved[index] = Saved::Norm(ready);
            }
            Step::Detach { x, z: y } => values.write(layout[y.0], |values, y| {
                ocelli_kernels::copy(values.rows(layout[x.0]), y, Write::Replace);
            }),
            Step::Unary { x, y, kernel } => values.write(layout[y.0], |values, y| {
                kernel.forward(self.batch, values.rows(layout[x.0]), y);
            }),
            Step::Add { a, b, y } => values.write(layout[y.0], |values, y| {
                ocelli_kernels::add(values.rows(layout[a.0]), values.rows(layout[b.0]), None, y);
            }),
            Step::Join { .. } => {}
            Step::Scale { x, gate, y } => values.write(layout[y.0], |values, y| {
                let (x, gate) = (values.rows(layout[x.0]), values.rows(layout[gate.0]));
                ocelli_kernels::scale(x, gate, y, Write::Replace);
            }),
            Step::Drop { x, y, node, probability, whole_sample } => {
                let Value { channels, pixels, .. } = layout[x.0];
                let x = layout[x.0];
                self.saved[index] = if *whole_sample {
                    let gates = keep_mask(*node, [1; 3], *probability, self.batch, drops);
                    let gates = gates.iter().flat_map(|gate| std::iter::repeat_n(*gate, channels));
                    let gates: Vec<f32> = gates.collect();
                    values.write(layout[y.0], |values, y| {
                        let gates = Rows::dense(&gates, channels);
                        ocelli_kernels::scale(values.rows(x), gates, y, Write::Replace);
                    });
                    Saved::Gates(gates)
                } else {
                    let shape = [channels, pixels / self.batch];
                    let kept = KeptBits::new(*node, shape, *probability, self.batch, drops);
                    values.write(layout[y.0], |values, y| {
                        kept.multiply(values.rows(x), y, Write::Replace);
                    });
                    Saved::Kept(kept)
                };
            }
            Step::Quantize { x, attention, y, node, quantize, observes, .. } => {
                let (x, len) =
                    (layout[x.0], layout[x.0].pixels / self.batch * layout[x.0].channels);
                let (quantizers, first) = ready(quantize, params, values.rows(x), *observes, len);
                values.write(layout[y.0], |values, y| {
                    let attention = attention.map(|id| values.rows(layout[id.0]));
                    let range = fake_quantize(values.rows(x), &quantizers, attention, y);
                    if *observes {
                        let range = [&range[..], &first].concat();
                        seen.push(SeenStatistics { node: *node, seen: SeenValues::Range(range) });
                    }
                });
                self.saved[index] = Saved::Quantizers(quantizers);
            }
        }
    }
}

/// The quantizers of a step by the network's parameters, for values of which an image has `len`, and what
/// each learnt scale starts from: of the values themselves, before the first step.
fn ready(
    quantize: &Quantize,
    params: &[&[f32]],
    x: Rows<'_>,
    observes: bool,
    len: usize,
) -> (Vec<FakeQuantizer>, Vec<f32>) {
    let range = pair(params[quantize.range.index()]);
    if is_observed(range) || !observes {
        let scale = |id: ParamId| params[id.index()].first().copied().unwrap_or_default();
        let quantizers = quantize.with_scales(range, &quantize.scales(scale), len);
        return (quantizers, vec![0.0; quantize.branches.len()]);
    }
    let (mut range, mut sum) = ([0.0_f32; 2], 0.0_f64);
    for value in (0..x.count()).flat_map(|row| x.row(row)) {
        range = [range[0].min(*value), range[1].max(*value)];
        sum += f64::from(value.abs());
    }
    let (range, mean) = (widened(range), sum / (x.count() * x.channels()).max(1) as f64);
    let first = quantize.first_scales(range, mean as f32);
    (quantize.with_scales(range, &first, len), first)
}

/// Adds a bias to the output of a convolution that has none, and to its statistics.
fn shift(bias: &[f32], y: RowsMut<'_>, statistics: Option<&mut Statistics>) {
    ocelli_kernels::add_bias(bias, y);
    if let Some(statistics) = statistics {
        statistics.mean.iter_mut().zip(bias).for_each(|(mean, bias)| *mean += bias);
    }
}
