//! A network's training step on the kernels of `ocelli-kernels`.
//!
//! Run operation by operation, a depthwise network spends its time on memory traffic: each
//! operation reads and writes whole feature maps, and new memory is faulted in for each. A
//! [`TrainPlan`] is made once for a graph and an input size, and then
//!
//! - keeps all values channels-last in buffers that live from step to step,
//! - takes batch statistics while a convolution's output is in the cache,
//! - runs a normalisation and its activation as one pass, forward and backward,
//! - lets the parts of a concatenation write into their place of the whole,
//! - writes the gradient of a normalisation's input over that input.
//!
//! It computes what `execute` computes in a training pass, and its gradients; where it knows no
//! kernel for an operation there is no plan, and callers run the graph on burn's tensors instead.
//!
//! | file | contents |
//! | --- | --- |
//! | `lower` | from a graph to steps and values |
//! | `step` | what a step is |
//! | `memory` | buffers of values and of gradients |
//! | `forward`, `backward` | what each step does |

mod backward;
mod forward;
mod lower;
mod memory;
mod step;

use crate::graph::{Graph, NodeId};
use crate::lowering::{Value, ValueId};
use crate::parameter::Parameters;
use crate::pass::TrainPass;
use backward::Learnt;
use memory::{Gradients, Values};
use ocelli_kernels::{Norm, Statistics};
use step::Step;
use tracing::trace_span;

/// The steps of a network's forward and backward pass for one shape of input, with their memory.
pub(crate) struct TrainPlan {
    steps: Vec<Step>,
    layout: Vec<Value>,
    /// Whether anything that is learnt stands before each value.
    needs_gradient: Vec<bool>,
    image: ValueId,
    logits: ValueId,
    batch: usize,
    values: Values,
    gradients: Gradients,
    saved: Vec<Saved>,
}

/// What a step of the forward pass leaves for its backward pass.
#[derive(Default)]
enum Saved {
    #[default]
    Nothing,
    /// The statistics of a convolution's output, until the normalisation takes them.
    Statistics(Statistics),
    /// A normalisation with its batch's statistics.
    Norm(Norm),
    /// The factors of a dropout, `[batch, channels]`.
    Mask(Vec<f32>),
}

/// The statistics that a normalisation saw.
pub(crate) struct SeenStatistics {
    pub(crate) node: NodeId,
    pub(crate) statistics: Statistics,
    /// How many pixels they are of.
    pub(crate) count: usize,
}

impl TrainPlan {
    /// A plan for a batch of images of `height` × `width` pixels; `None` if an operation has no
    /// kernel here, the images do not fit the network or there are none.
    pub(crate) fn new(
        graph: &Graph,
        params: &Parameters,
        batch: usize,
        [height, width]: [usize; 2],
    ) -> Option<Self> {
        let lowered = lower::lower(graph, params, batch, [height, width])?;
        let saved = lowered.steps.iter().map(|_| Saved::Nothing).collect();
        let buffers = lowered.buffers;
        Some(Self {
            values: Values::new(&buffers),
            gradients: Gradients::new(&lowered.layout, &buffers),
            saved,
            steps: lowered.steps,
            layout: lowered.layout,
            needs_gradient: lowered.needs_gradient,
            image: lowered.image,
            logits: lowered.logits,
            batch,
        })
    }

    /// How many bytes a plan would take, about: all values, and as many gradients as usually live
    /// at once. `None` where there is no plan.
    pub(crate) fn bytes(
        graph: &Graph,
        params: &Parameters,
        batch: usize,
        size: [usize; 2],
    ) -> Option<u64> {
        /// Those of a step's input and output, of a shortcut, and one that waits to be reused.
        const GRADIENTS: usize = 4;
        let mut lengths = lower::lower(graph, params, batch, size)?.buffers;
        lengths.sort_unstable_by(|one, other| other.cmp(one));
        let largest = lengths.iter().take(GRADIENTS);
        let numbers: usize = lengths.iter().chain(largest).sum();
        Some((numbers * size_of::<f32>()) as u64)
    }

    /// How many images it takes.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// Computes the logits.
    ///
    /// # Shapes
    /// - `params`: one slice per parameter of the graph
    /// - `images`: `[batch, channels, height, width]`
    /// - result: `[batch, classes]`, and the statistics of each normalisation
    pub(crate) fn forward(
        &mut self,
        params: &[&[f32]],
        images: &[f32],
        pass: &TrainPass,
    ) -> (Vec<f32>, Vec<SeenStatistics>) {
        let mut seen = Vec::new();
        let image = self.layout[self.image.0];
        self.values.write(image, |_, rows| {
            ocelli_kernels::channels_last(images, self.batch, rows);
        });
        let steps = std::mem::take(&mut self.steps);
        for (index, step) in steps.iter().enumerate() {
            let _span = trace_span!("forward", step = %step.label(&self.layout)).entered();
            self.run_forward(index, step, params, pass, &mut seen);
        }
        self.steps = steps;
        let logits = self.values.rows(self.layout[self.logits.0]);
        let logits = (0..logits.count()).flat_map(|row| logits.row(row)).copied().collect();
        (logits, seen)
    }

    /// Computes the gradients of the parameters from that of the logits, once per forward pass.
    ///
    /// # Shapes
    /// - `params`: as in the forward pass
    /// - `logits`: `[batch, classes]`
    /// - result: one per parameter; `None` where nothing is to be learnt
    pub(crate) fn backward(&mut self, params: &[&[f32]], logits: &[f32]) -> Vec<Option<Vec<f32>>> {
        let mut learnt = Learnt { params, gradients: vec![None; params.len()] };
        let value = self.layout[self.logits.0];
        self.gradients.start();
        self.gradients.write(self.logits, value, |_, mut rows, _| {
            let width = rows.channels().max(1);
            for (row, from) in logits.chunks_exact(width).enumerate() {
                rows.row_mut(row).copy_from_slice(from);
            }
        });
        let steps = std::mem::take(&mut self.steps);
        for (index, step) in steps.iter().enumerate().rev() {
            let _span = trace_span!("backward", step = %step.label(&self.layout)).entered();
            self.run_backward(index, step, &mut learnt);
        }
        self.steps = steps;
        learnt.gradients
    }
}
