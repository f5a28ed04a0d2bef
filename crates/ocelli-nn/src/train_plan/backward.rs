//! What each step does backward: from the gradient of its output to those of its inputs and
//! parameters.

use super::memory::{ValueGradients, Values};
use super::plan::{Saved, TrainPlan};
use super::step::Step;
use crate::gradients::Gradients;
use crate::lowering::{ConvolutionKind, Value, ValueId};
use crate::op::Taped;
use crate::parameter::ParamId;
use ocelli_kernels::quantize::{FakeQuantizer, FakeQuantizerGradients, fake_quantize_gradient};
use ocelli_kernels::{Rows, RowsMut, Write, bias_gradient};

/// The parameters, and what their gradients are added to.
pub(super) struct Learnt<'a> {
    pub(super) params: &'a [&'a [f32]],
    pub(super) gradients: &'a mut Gradients,
}

impl Learnt<'_> {
    fn fill(&mut self, id: ParamId, fill: impl FnOnce(&mut [f32])) {
        self.gradients.fill(id, self.params[id.index()].len(), fill);
    }
}

impl TrainPlan {
    /// Runs one step, unless no gradient comes to it, and frees the gradient of its output.
    pub(super) fn run_backward(&mut self, index: usize, step: &Step, learnt: &mut Learnt<'_>) {
        let y = step.output();
        let flows = self.gradients.is_written(y) && self.needs_gradient[y.0];
        if flows {
            let saved = std::mem::take(&mut self.saved[index]);
            let (values, gradients) = (&mut self.values, &mut self.gradients);
            let (layout, needs_gradient) = (&self.layout, &self.needs_gradient);
            Backward { batch: self.batch, layout, needs_gradient, values, gradients }
                .run(step, saved, learnt);
        }
        self.gradients.release(self.layout[y.0]);
    }
}

struct Backward<'a> {
    batch: usize,
    layout: &'a [Value],
    needs_gradient: &'a [bool],
    values: &'a mut Values,
    gradients: &'a mut ValueGradients,
}

impl Backward<'_> {
    fn run(&mut self, step: &Step, saved: Saved, learnt: &mut Learnt<'_>) {
        match (step, saved) {
            (Step::Convolve { .. }, _) => self.convolve(step, learnt),
            (Step::Normalise { .. }, Saved::Norm(norm)) => self.normalise(step, &norm, learnt),
            (Step::Detach { x, z }, _) => {
                let z = self.layout[z.0];
                self.pass_on(*x, |values, _, dx, write| {
                    ocelli_kernels::copy(values.rows(z), dx, write);
                });
            }
            (Step::Unary { x, y, kernel }, _) => {
                let (from, to, batch) = (self.layout[x.0], self.layout[y.0], self.batch);
                self.pass_on(*x, |values, gradients, dx, write| {
                    let [x, y] = [from, to].map(|value| values.rows(value));
                    kernel.backward(batch, Taped { x, y, dy: gradients.rows(to) }, dx, write);
                });
            }
            (Step::Add { a, b, y }, _) => self.add(*a, *b, *y),
            (Step::Join { parts, y }, _) => self.join(parts, *y),
            (Step::Scale { x, gate, y }, _) => self.scale(*x, *gate, *y),
            (Step::Drop { x, y, .. }, Saved::Kept(kept)) => {
                let y = self.layout[y.0];
                self.pass_on(*x, |_, gradients, dx, write| {
                    kept.multiply(gradients.rows(y), dx, write);
                });
            }
            (Step::Drop { x, y, .. }, Saved::Gates(gates)) => {
                let y = self.layout[y.0];
                self.pass_on(*x, |_, gradients, dx, write| {
                    let gates = Rows::dense(&gates, y.channels);
                    ocelli_kernels::scale(gradients.rows(y), gates, dx, write);
                });
            }
            (Step::Quantize { .. }, Saved::Quantizers(ready)) => {
                self.quantize(step, &ready, learnt);
            }
            (Step::Normalise { .. } | Step::Drop { .. } | Step::Quantize { .. }, _) => {
                unreachable!("a backward pass follows a forward pass")
            }
        }
    }

    /// Writes or adds to the gradient of `x`, if it has one.
    fn pass_on(
        &mut self,
        x: ValueId,
        work: impl FnOnce(&Values, &ValueGradients, RowsMut<'_>, Write),
    ) {
        if self.needs_gradient[x.0] {
            let values = &*self.values;
            self.gradients.write(x, self.layout[x.0], |gradients, dx, write| {
                work(values, gradients, dx, write);
            });
        }
    }

    fn pass_copy(&mut self, x: ValueId, y: ValueId) {
        let y = self.layout[y.0];
        self.pass_on(x, |_, gradients, dx, write| {
            ocelli_kernels::copy(gradients.rows(y), dx, write);
        });
    }

    fn convolve(&mut self, step: &Step, learnt: &mut Learnt<'_>) {
        let &Step::Convolve {
            x,
            y,
            convolution,
            weight,
            bias,
            learns_weight,
            learns_bias,
            gradient_in_place,
            ..
        } = step
        else {
            return;
        };
        let (x_value, y_value) = (self.layout[x.0], self.layout[y.0]);
        let (values, gradients) = (&*self.values, &*self.gradients);
        let dy = if gradient_in_place { values.rows(y_value) } else { gradients.rows(y_value) };
        if learns_weight {
            let x = values.rows(x_value);
            learnt.fill(weight, |dweight| match convolution {
                ConvolutionKind::Dense(conv) => conv.weight_gradient(x, dy, dweight),
                ConvolutionKind::Depthwise(conv) => conv.weight_gradient(x, dy, dweight),
                ConvolutionKind::Grouped(conv) => conv.weight_gradient(x, dy, dweight),
            });
        }
        if let Some(bias) = bias.filter(|_| learns_bias) {
            learnt.fill(bias, |dbias| bias_gradient(dy, dbias));
        }
        let weight = learnt.params[weight.index()];
        self.pass_on(x, |values, gradients, dx, write| {
            let dy = if gradient_in_place { values.rows(y_value) } else { gradients.rows(y_value) };
            match convolution {
                ConvolutionKind::Dense(conv) => conv.data_gradient(dy, weight, dx, write),
                ConvolutionKind::Depthwise(conv) => conv.data_gradient(dy, weight, dx, write),
                ConvolutionKind::Grouped(conv) => conv.data_gradient(dy, weight, dx, write),
            }
        });
    }

    fn normalise(&mut self, step: &Step, ready: &ocelli_kernels::Norm, learnt: &mut Learnt<'_>) {
        let Step::Normalise { z, y, norm, activation, learns_weight, learns_bias, frozen, .. } =
            step
        else {
            return;
        };
        let (z_value, dy) = (self.layout[z.0], self.gradients.rows(self.layout[y.0]));
        let needs_data = self.needs_gradient[z.0];
        if !frozen || *learns_weight || *learns_bias {
            let sums = ready.parameter_gradients(self.values.rows(z_value), dy, *activation);
            if needs_data {
                let sums = (!frozen).then_some(&sums);
                self.values.update(z_value, |z| ready.data_gradient(z, dy, *activation, sums));
            }
            if *learns_weight {
                learnt.gradients.add_values(norm.weight, &sums.weight);
            }
            if *learns_bias {
                learnt.gradients.add_values(norm.bias, &sums.bias);
            }
        } else if needs_data {
            self.values.update(z_value, |z| ready.data_gradient(z, dy, *activation, None));
        }
        if needs_data {
            self.gradients.mark_written(*z);
        }
    }

    /// Both inputs have the gradient of the sum. One of them may have its very memory.
    fn add(&mut self, a: ValueId, b: ValueId, y: ValueId) {
        let y_value = self.layout[y.0];
        let can_take = |gradients: &ValueGradients, id: ValueId| {
            let value = self.layout[id.0];
            a != b
                && y_value.is_whole()
                && value.is_whole()
                && self.needs_gradient[id.0]
                && !gradients.is_written(id)
        };
        let (taker, other) = match [a, b].map(|id| can_take(self.gradients, id)) {
            [true, _] => (Some(a), b),
            [false, true] => (Some(b), a),
            [false, false] => (None, a),
        };
        self.pass_copy(other, y);
        match taker {
            Some(taker) => self.gradients.hand_over(y_value, taker, self.layout[taker.0]),
            None => self.pass_copy(b, y),
        }
    }

    /// The parts' gradients stand in that of the whole; channels that were dropped have none.
    fn join(&mut self, parts: &[ValueId], y: ValueId) {
        let y = self.layout[y.0];
        if y.channels < y.stride {
            let dropped = Value { offset: y.channels, channels: y.stride - y.channels, ..y };
            self.gradients.clear(dropped);
        }
        for part in parts {
            self.gradients.mark_written(*part);
        }
    }

    fn scale(&mut self, x: ValueId, gate: ValueId, y: ValueId) {
        let [x_value, gate_value, y_value] = [x, gate, y].map(|id| self.layout[id.0]);
        self.pass_on(gate, |values, gradients, dgate, _| {
            ocelli_kernels::gate_gradient(values.rows(x_value), gradients.rows(y_value), dgate);
        });
        self.pass_on(x, |values, gradients, dx, write| {
            let (dy, gate) = (gradients.rows(y_value), values.rows(gate_value));
            ocelli_kernels::scale(dy, gate, dx, write);
        });
    }

    /// The gradients of a mixture's input, attention and learnt scales, in one pass over its values.
    fn quantize(&mut self, step: &Step, ready: &[FakeQuantizer], learnt: &mut Learnt<'_>) {
        let Step::Quantize { x, attention, y, quantize, learns, .. } = step else { return };
        let [x_value, y_value] = [x, y].map(|id| self.layout[id.0]);
        let mut found = FakeQuantizerGradients::default();
        let rows =
            |values: &Values, gradients: &ValueGradients, dx: Option<(RowsMut<'_>, Write)>| {
                let weights = attention.map(|id| values.rows(self.layout[id.0]));
                let (x, dy) = (values.rows(x_value), gradients.rows(y_value));
                fake_quantize_gradient(x, dy, ready, weights, dx)
            };
        if self.needs_gradient[x.0] {
            let values = &*self.values;
            self.gradients.write(*x, x_value, |gradients, dx, write| {
                found = rows(values, gradients, Some((dx, write)));
            });
        } else {
            found = rows(self.values, self.gradients, None);
        }
        if let Some(attention) = attention {
            self.pass_on(*attention, |_, _, da, write| {
                let from = Rows::dense(&found.attention, da.channels());
                ocelli_kernels::copy(from, da, write);
            });
        }
        for ((branch, learns), gradient) in quantize.branches.iter().zip(learns).zip(&found.scales)
        {
            if let Some(scale) = branch.scale.filter(|_| *learns) {
                learnt.gradients.add_values(scale, &[*gradient]);
            }
        }
    }
}
