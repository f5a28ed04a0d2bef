//! What each step does forward.

use super::step::{Convolution, Step};
use super::{Saved, SeenStatistics, TrainPlan};
use crate::execute::keep_mask;
use crate::pass::TrainPass;
use ocelli_kernels::{Norm, Rows, Statistics, Write};

impl TrainPlan {
    pub(super) fn run_forward(
        &mut self,
        index: usize,
        step: &Step,
        params: &[&[f32]],
        pass: &TrainPass,
        seen: &mut Vec<SeenStatistics>,
    ) {
        let layout = &self.layout;
        let values = &mut self.values;
        match step {
            Step::Convolve { x, y, convolution, weight, bias, takes_statistics, .. } => {
                let mut statistics = Statistics::default();
                let taken = takes_statistics.then_some(&mut statistics);
                let weight = params[weight.index()];
                let bias = bias.map(|bias| params[bias.index()]);
                values.write(layout[y.0], |values, y| {
                    let x = values.rows(layout[x.0]);
                    match convolution {
                        Convolution::Dense(conv) => conv.forward(x, weight, bias, y, taken),
                        Convolution::Depthwise(conv) => conv.forward(x, weight, y, taken),
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
                        _ => Statistics::of(values.rows(layout[z.0])),
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
            Step::Detach { x, z: y } | Step::Copy { x, y } => {
                values.write(layout[y.0], |values, y| {
                    ocelli_kernels::copy(values.rows(layout[x.0]), y, Write::Replace);
                });
            }
            Step::Activate { x, y, activation } => values.write(layout[y.0], |values, y| {
                ocelli_kernels::activate(values.rows(layout[x.0]), *activation, y);
            }),
            Step::Add { a, b, y } => values.write(layout[y.0], |values, y| {
                ocelli_kernels::add(values.rows(layout[a.0]), values.rows(layout[b.0]), None, y);
            }),
            Step::Join { .. } => {}
            Step::Scale { x, gate, y } => values.write(layout[y.0], |values, y| {
                let (x, gate) = (values.rows(layout[x.0]), values.rows(layout[gate.0]));
                ocelli_kernels::scale(x, gate, y, Write::Replace);
            }),
            Step::Mean { x, y } => values.write(layout[y.0], |values, y| {
                ocelli_kernels::mean(values.rows(layout[x.0]), y);
            }),
            Step::MaxPool { x, y, geometry } => values.write(layout[y.0], |values, y| {
                ocelli_kernels::max_pool(*geometry, values.rows(layout[x.0]), y);
            }),
            Step::PadShortcut { x, y, geometry } => values.write(layout[y.0], |values, y| {
                ocelli_kernels::pad_shortcut(*geometry, values.rows(layout[x.0]), y);
            }),
            Step::Drop { x, y, node, probability, whole_sample } => {
                let channels = layout[x.0].channels;
                let distinct = if *whole_sample { 1 } else { channels };
                let shape = [distinct, 1, 1];
                let mut mask = keep_mask(*node, shape, *probability, self.batch, pass);
                if *whole_sample {
                    mask = mask.iter().flat_map(|f| std::iter::repeat_n(*f, channels)).collect();
                }
                values.write(layout[y.0], |values, y| {
                    let x = values.rows(layout[x.0]);
                    ocelli_kernels::scale(x, Rows::dense(&mask, channels), y, Write::Replace);
                });
                self.saved[index] = Saved::Mask(mask);
            }
        }
    }
}
