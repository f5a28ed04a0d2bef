//! What each step does forward.

use super::plan::{Saved, SeenStatistics, TrainPlan};
use super::step::Step;
use crate::lowering::{ConvolutionKind, Value};
use crate::op::keep_mask;
use crate::pass::Drops;
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
                        statistics,
                        count: layout[z.0].pixels,
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
                let shape = if *whole_sample { [1, 1] } else { [channels, pixels / self.batch] };
                let mask =
                    keep_mask(*node, [shape[0], shape[1], 1], *probability, self.batch, drops);
                let mask = if *whole_sample {
                    mask.iter().flat_map(|f| std::iter::repeat_n(*f, channels)).collect()
                } else {
                    pixels_first(&mask, self.batch, channels)
                };
                values.write(layout[y.0], |values, y| {
                    drop_values(values.rows(layout[x.0]), &mask, y, Write::Replace);
                });
                self.saved[index] = Saved::Mask(mask);
            }
        }
    }
}

/// Adds a bias to the output of a convolution that has none, and to its statistics.
fn shift(bias: &[f32], y: RowsMut<'_>, statistics: Option<&mut Statistics>) {
    ocelli_kernels::add_bias(bias, y);
    if let Some(statistics) = statistics {
        statistics.mean.iter_mut().zip(bias).for_each(|(mean, bias)| *mean += bias);
    }
}

/// A mask `[batch, channels, pixels]` as `[batch, pixels, channels]`.
fn pixels_first(mask: &[f32], batch: usize, channels: usize) -> Vec<f32> {
    let mut ordered = vec![0.0; mask.len()];
    ocelli_kernels::channels_last(mask, batch, RowsMut::dense(&mut ordered, channels));
    ordered
}

/// `y = x · mask`, where the mask has a factor for each value, or for each channel of an image.
pub(super) fn drop_values(x: Rows<'_>, mask: &[f32], y: RowsMut<'_>, write: Write) {
    let mask = Rows::dense(mask, x.channels());
    if mask.count() == x.count() {
        ocelli_kernels::multiply(x, mask, y, write);
    } else {
        ocelli_kernels::scale(x, mask, y, write);
    }
}
