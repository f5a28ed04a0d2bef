//! A network's inference on the kernels of `ocelli-kernels`.
//!
//! An [`InferPlan`] is made once for a network whose normalisations are folded, and an image size.
//! It holds the weights in the order in which kernels read them, and
//!
//! - runs bias, residual sum and activation while a convolution's output is in the cache,
//! - lets the parts of a concatenation write into their channels of the whole, and a part be computed
//!   from its neighbour in place,
//! - keeps values whose lives do not overlap in the same memory,
//! - gives each thread whole images, so that nobody waits between layers; only a single image is
//!   shared out within its layers.
//!
//! The value of each image is the same to the bit whatever images are beside it and however many
//! threads there are.
//!
//! | file | contents |
//! | --- | --- |
//! | `lower` | from a graph to steps and values |
//! | `step` | what a step is |
//! | `arena` | which values share memory |
//! | `delta` | images that differ in few pixels |

mod arena;
mod delta;
mod lower;
mod step;

pub use delta::LayerShare;
pub(crate) use delta::{BaseImage, DeltaPlan};
pub(crate) use step::{Convolution, Kernel, StepWork};

use crate::RowValues;
use crate::batch_shares::{BatchShare, batch_shares, result_rows, samples_at_once};
use crate::graph::Graph;
use crate::lowering::{GivenSlice, Value, ValueId};
use crate::op::Shape;
use crate::parameter::Parameters;
use crate::route::Route;
use arena::{InferenceArena, Slots};
use ocelli_kernels::{Finish, Geometry, Rows, RowsMut, Write};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};
use step::Step;

/// The steps of a route's forward pass for values of given shapes.
pub(crate) struct InferPlan {
    steps: Vec<Step>,
    layout: Vec<Value>,
    slots: Slots,
    given: Vec<ValueId>,
    wanted: Vec<ValueId>,
    /// Memory that no worker uses at the moment.
    arenas: Mutex<Vec<InferenceArena>>,
}

impl InferPlan {
    /// A plan for given values of these shapes; `None` if an operation has no kernel here or the values
    /// do not fit the network.
    pub(crate) fn new(
        graph: &Graph,
        params: &Parameters,
        route: &Route,
        given: &[Shape],
    ) -> Option<Self> {
        let lowered = lower::lower(graph, params, route, given, lower::Packing::Images)?;
        let lower::Lowered { steps, layout, buffers, given, wanted } = lowered;
        let buffers_of =
            |ids: &[ValueId]| -> Vec<usize> { ids.iter().map(|id| layout[id.0].buffer).collect() };
        let (first, last) = (buffers_of(&given), buffers_of(&wanted));
        let slots = Slots::assign(&steps, &layout, &buffers, &first, &last);
        Some(Self { steps, layout, slots, given, wanted, arenas: Mutex::default() })
    }

    /// How many bytes the values of a batch take at once.
    pub(crate) fn bytes(&self, batch: usize) -> u64 {
        let samples = samples_at_once(batch, |samples| self.slots.images_per_share(samples));
        (samples * self.slots.per_image() * size_of::<f32>()) as u64
    }

    /// Computes the wanted values of each sample, channels last.
    ///
    /// # Shapes
    /// - `given`: one for each value that the route gives
    /// - result: `[batch, pixels, channels]` for each value that it wants
    pub(crate) fn run(&self, given: &[GivenSlice<'_>], batch: usize) -> Vec<RowValues> {
        let value = |id: &ValueId| self.layout[id.0];
        let mut wanted = result_rows(self.wanted.iter().map(value), batch);
        let size = self.slots.images_per_share(batch.div_ceil(rayon::current_num_threads()));
        let lengths = self.given.iter().map(value).map(|value| value.pixels * value.channels);
        let lengths: Vec<usize> = lengths.collect();
        let shares = batch_shares(size, batch, given, &lengths, &mut wanted);
        ocelli_kernels::in_pool(|| shares.into_par_iter().for_each(|share| self.run_share(share)));
        wanted
    }

    fn run_share(&self, share: BatchShare<'_>) {
        let BatchShare { count, given, wanted } = share;
        let mut arena = self.arenas().pop().unwrap_or_default();
        arena.reserve(&self.slots, count);
        for (id, value) in self.given.iter().zip(given) {
            arena.write(&self.slots, self.layout[id.0], count, |rows| value.write(count, rows));
        }
        run_steps(&self.steps, &self.layout, &self.slots, &mut arena, count);
        for (id, results) in self.wanted.iter().zip(wanted) {
            let value = self.layout[id.0];
            let rows = arena.rows(&self.slots, value, count);
            for (row, to) in results.chunks_exact_mut(value.channels.max(1)).enumerate() {
                to.copy_from_slice(rows.row(row));
            }
        }
        self.arenas().push(arena);
    }

    fn arenas(&self) -> std::sync::MutexGuard<'_, Vec<InferenceArena>> {
        self.arenas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs steps on values in an arena.
fn run_steps(
    steps: &[Step],
    layout: &[Value],
    slots: &Slots,
    arena: &mut InferenceArena,
    images: usize,
) {
    for step in steps {
        let value = |id: ValueId| layout[id.0];
        let (pair, other) = ([value(step.x), value(step.y)], step.other.map(value));
        arena.step(slots, pair, other, images, |x, other, y| {
            run_work(&step.work, x, other, y, images);
        });
    }
}

/// Does the work of a step on `batch` images.
pub(crate) fn run_work(
    work: &StepWork,
    x: Rows<'_>,
    other: Option<Rows<'_>>,
    y: RowsMut<'_>,
    batch: usize,
) {
    let of_batch = |geometry: Geometry| Geometry { batch, ..geometry };
    match (work, other) {
        (StepWork::Convolve(convolution), residual) => {
            let Convolution { kernel, bias, activation } = &**convolution;
            let finish = Finish { bias: bias.as_deref(), residual, activation: *activation };
            match kernel {
                Kernel::Dense(conv, weight) => {
                    let conv = ocelli_kernels::Conv { geometry: of_batch(conv.geometry), ..*conv };
                    conv.infer(x, weight, &finish, y);
                }
                Kernel::Depthwise(conv, weight) => {
                    let geometry = of_batch(conv.geometry);
                    ocelli_kernels::Depthwise { geometry, ..*conv }.infer(x, weight, &finish, y);
                }
                Kernel::Grouped(grouped, weight) => {
                    let geometry = of_batch(grouped.conv.geometry);
                    let conv = ocelli_kernels::Conv { geometry, ..grouped.conv };
                    ocelli_kernels::GroupedConv { conv, ..*grouped }.infer(x, weight, &finish, y);
                }
            }
        }
        (StepWork::Normalise { norm, activation }, _) => norm.forward(x, *activation, y),
        (StepWork::Add(activation), Some(other)) => ocelli_kernels::add(x, other, *activation, y),
        (StepWork::Scale, Some(gate)) => ocelli_kernels::scale(x, gate, y, Write::Replace),
        (StepWork::Mix(quantizers), Some(attention)) => {
            ocelli_kernels::quantize::fake_quantize(x, quantizers, Some(attention), y);
        }
        (StepWork::Unary(kernel), _) => kernel.forward(batch, x, y),
        (StepWork::Add(_) | StepWork::Scale | StepWork::Mix(_), None) => {
            unreachable!("sums, gates and mixtures have a second input")
        }
    }
}
