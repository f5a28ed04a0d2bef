//! Forward and backward passes of a route through a network on the kernels of `ocelli-kernels`.
//!
//! Run operation by operation, a depthwise network spends its time on memory traffic: each
//! operation reads and writes whole feature maps, and new memory is faulted in for each. A
//! [`TrainPlan`] is made once for a route and the shapes of its inputs, and then
//!
//! - keeps all values channels-last in buffers that live from step to step,
//! - takes batch statistics while a convolution's output is in the cache,
//! - runs a normalisation and its activation as one pass, forward and backward,
//! - lets the parts of a concatenation write into their channels of the whole,
//! - writes the gradient of a normalisation's input over that input.
//!
//! It computes what `execute` computes in a training pass, and its gradients; where it knows no
//! kernel for an operation there is no plan, and callers run the graph on burn's tensors instead.
//!
//! | file | contents |
//! | --- | --- |
//! | `lower` | from a graph to steps and values |
//! | `plan` | what a plan holds |
//! | `step` | what a step is |
//! | `memory` | buffers of values and of gradients |
//! | `forward`, `backward` | what each step does |

mod backward;
mod forward;
mod lower;
mod memory;
mod plan;
mod step;

pub(crate) use plan::{SeenStatistics, TrainPlan, Wants};

use crate::RowValues;
use crate::gradients::Gradients;
use crate::graph::Graph;
use crate::lowering::{GivenSlice, Value, ValueId};
use crate::op::Shape;
use crate::parameter::Parameters;
use crate::pass::Drops;
use crate::route::Route;
use backward::Learnt;
use memory::{ValueGradients, Values};
use ocelli_kernels::Rows;
use plan::Saved;
use tracing::trace_span;

impl TrainPlan {
    /// A plan for a batch of given values of these shapes; `None` if an operation has no kernel here,
    /// the values do not fit the network or there are none.
    pub(crate) fn new(
        graph: &Graph,
        params: &Parameters,
        route: &Route,
        batch: usize,
        given: &[Shape],
        wants: Wants,
    ) -> Option<Self> {
        let lowered = lower::lower(graph, params, route, batch, given, wants)?;
        let saved = lowered.steps.iter().map(|_| Saved::Nothing).collect();
        let buffers = lowered.buffers;
        Some(Self {
            values: Values::new(&buffers),
            gradients: ValueGradients::new(&lowered.layout, &buffers),
            saved,
            steps: lowered.steps,
            layout: lowered.layout,
            needs_gradient: lowered.needs_gradient,
            given: lowered.given,
            wanted: lowered.wanted,
            batch,
        })
    }

    /// How many bytes a plan would take, about: all values, and as many gradients as usually live
    /// at once. `None` where there is no plan.
    pub(crate) fn bytes(
        graph: &Graph,
        params: &Parameters,
        route: &Route,
        batch: usize,
        given: &[Shape],
        wants: Wants,
    ) -> Option<u64> {
        /// Those of a step's input and output, of a shortcut, and one that waits to be reused.
        const GRADIENTS: usize = 4;
        let mut lengths = lower::lower(graph, params, route, batch, given, wants)?.buffers;
        lengths.sort_unstable_by(|one, other| other.cmp(one));
        let largest = lengths.iter().take(GRADIENTS);
        let elements: usize = lengths.iter().chain(largest).sum();
        Some((elements * size_of::<f32>()) as u64)
    }

    /// Computes the wanted values, which [`wanted`](Self::wanted) tells afterwards, and returns what
    /// each normalisation saw.
    ///
    /// # Shapes
    /// - `params`: one slice per parameter of the graph
    /// - `given`: one for each value that the route gives
    pub(crate) fn forward(
        &mut self,
        params: &[&[f32]],
        given: &[GivenSlice<'_>],
        drops: Drops,
    ) -> Vec<SeenStatistics> {
        let mut seen = Vec::new();
        for (id, from) in self.given.iter().zip(given) {
            self.values.write(self.layout[id.0], |_, rows| from.write(self.batch, rows));
        }
        let steps = std::mem::take(&mut self.steps);
        for (index, step) in steps.iter().enumerate() {
            let _span = trace_span!("forward", step = %step.label(&self.layout)).entered();
            self.run_forward(index, step, params, drops, &mut seen);
        }
        self.steps = steps;
        seen
    }

    /// The elements of a wanted value, channels last: `[batch, pixels, channels]`.
    pub(crate) fn wanted(&self, index: usize) -> RowValues {
        let value = self.layout[self.wanted[index].0];
        self.to_values(value, self.values.rows(value))
    }

    fn to_values(&self, value: Value, rows: Rows<'_>) -> RowValues {
        let Value { pixels, width, channels, .. } = value;
        let shape = Shape { channels, height: pixels / (self.batch * width).max(1), width };
        let values = (0..rows.count()).flat_map(|row| rows.row(row)).copied().collect();
        RowValues { values, shape }
    }

    /// Adds the gradients of the parameters to `into`, from those of the wanted values, once per forward
    /// pass. Returns those of the given values where they are wanted.
    ///
    /// # Shapes
    /// - `params`: as in the forward pass
    /// - `wanted`: for each wanted value `[batch, pixels, channels]`, if it has a gradient
    /// - result: for each given value `[batch, pixels, channels]`
    pub(crate) fn backward(
        &mut self,
        params: &[&[f32]],
        wanted: &[Option<Vec<f32>>],
        into: &mut Gradients,
    ) -> Vec<Option<RowValues>> {
        self.gradients.start();
        for (id, gradient) in self.wanted.iter().zip(wanted) {
            let Some(gradient) = gradient.as_ref().filter(|_| self.needs_gradient[id.0]) else {
                continue;
            };
            self.gradients.write(*id, self.layout[id.0], |_, rows, write| {
                let from = Rows::dense(gradient, rows.channels());
                ocelli_kernels::copy(from, rows, write);
            });
        }
        let mut learnt = Learnt { params, gradients: into };
        let steps = std::mem::take(&mut self.steps);
        for (index, step) in steps.iter().enumerate().rev() {
            let _span = trace_span!("backward", step = %step.label(&self.layout)).entered();
            self.run_backward(index, step, &mut learnt);
        }
        self.steps = steps;
        self.given.iter().map(|id| self.given_gradient(*id)).collect()
    }

    fn given_gradient(&self, id: ValueId) -> Option<RowValues> {
        let value = self.layout[id.0];
        if !self.needs_gradient[id.0] {
            return None;
        }
        if self.gradients.is_written(id) {
            return Some(self.to_values(value, self.gradients.rows(value)));
        }
        let zeros = vec![0.0; value.pixels * value.channels];
        Some(self.to_values(value, Rows::dense(&zeros, value.channels)))
    }
}
