//! A network's inference on the kernels of `ocelli-kernels`.
//!
//! An [`InferPlan`] is made once for a network whose normalisations are folded, and an image size.
//! It holds the weights in the order in which kernels read them, and
//!
//! - runs bias, residual sum and activation while a convolution's output is in the cache,
//! - lets the parts of a concatenation write into their place of the whole, and a part be computed
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

use crate::graph::{Graph, NodeId};
use crate::lowering::{Value, ValueId};
use crate::parameter::Parameters;
use arena::{Arena, Slots};
use ocelli_kernels::{Finish, Geometry, Rows, RowsMut, Write};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};
use step::{Convolution, Kernel, Step, Work};

/// The steps of a network's forward pass for one size of images.
pub(crate) struct InferPlan {
    steps: Vec<Step>,
    layout: Vec<Value>,
    slots: Slots,
    image: ValueId,
    result: ValueId,
    /// Memory that no worker uses at the moment.
    arenas: Mutex<Vec<Arena>>,
}

impl InferPlan {
    /// A plan for the value of `wanted`; `None` if an operation has no kernel here or the images
    /// do not fit the network.
    pub(crate) fn new(
        graph: &Graph,
        params: &Parameters,
        wanted: NodeId,
        size: [usize; 2],
    ) -> Option<Self> {
        let lowered = lower::lower(graph, params, wanted, size, lower::Packing::Images)?;
        let lower::Lowered { steps, layout, buffers, image, result } = lowered;
        let [first, last] = [image, result].map(|id| layout[id.0].buffer);
        let slots = Slots::assign(&steps, &layout, &buffers, &[first], last);
        Some(Self { steps, layout, slots, image, result, arenas: Mutex::default() })
    }

    /// How many numbers the wanted value of an image has.
    pub(crate) fn result_len(&self) -> usize {
        let result = self.layout[self.result.0];
        result.pixels * result.channels
    }

    /// How many bytes the values of a batch take at once.
    pub(crate) fn bytes(&self, batch: usize) -> u64 {
        let threads = rayon::current_num_threads();
        let share = self.slots.images_per_share(batch.div_ceil(threads)).min(batch).max(1);
        let shares = batch.div_ceil(share).min(threads);
        (shares * share * self.slots.per_image() * size_of::<f32>()) as u64
    }

    /// Computes the wanted value of each image, channels last.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`
    /// - result: `[batch, pixels, channels]`
    pub(crate) fn run(&self, images: &[f32], batch: usize) -> Vec<f32> {
        let image = self.layout[self.image.0];
        let (from_len, to_len) = (image.pixels * image.channels, self.result_len());
        let mut results = vec![0.0; batch * to_len];
        let share = self.slots.images_per_share(batch.div_ceil(rayon::current_num_threads()));
        ocelli_kernels::in_pool(|| {
            results
                .par_chunks_mut((share * to_len).max(1))
                .zip(images.par_chunks((share * from_len).max(1)))
                .for_each(|(results, images)| self.run_share(images, results));
        });
        results
    }

    fn run_share(&self, images: &[f32], results: &mut [f32]) {
        let (image, result) = (self.layout[self.image.0], self.layout[self.result.0]);
        let count = images.len() / (image.pixels * image.channels).max(1);
        let mut arena = self.arenas().pop().unwrap_or_default();
        arena.reserve(&self.slots, count);
        arena.write(&self.slots, image, count, |rows| {
            ocelli_kernels::channels_last(images, count, rows);
        });
        run_steps(&self.steps, &self.layout, &self.slots, &mut arena, count);
        let rows = arena.rows(&self.slots, result, count);
        for (row, to) in results.chunks_exact_mut(result.channels.max(1)).enumerate() {
            to.copy_from_slice(rows.row(row));
        }
        self.arenas().push(arena);
    }

    fn arenas(&self) -> std::sync::MutexGuard<'_, Vec<Arena>> {
        self.arenas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs steps on values in an arena.
fn run_steps(steps: &[Step], layout: &[Value], slots: &Slots, arena: &mut Arena, images: usize) {
    for step in steps {
        let value = |id: ValueId| layout[id.0];
        let (pair, other) = ([value(step.x), value(step.y)], step.other.map(value));
        arena.step(slots, pair, other, images, |x, other, y| {
            run_work(&step.work, x, other, y, images);
        });
    }
}

fn run_work(work: &Work, x: Rows<'_>, other: Option<Rows<'_>>, y: RowsMut<'_>, batch: usize) {
    let of_batch = |geometry: Geometry| Geometry { batch, ..geometry };
    match (work, other) {
        (Work::Convolve(convolution), residual) => {
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
        (Work::Normalise { norm, activation }, _) => norm.forward(x, *activation, y),
        (Work::Activate(activation), _) => ocelli_kernels::activate(x, *activation, y),
        (Work::Add(activation), Some(other)) => ocelli_kernels::add(x, other, *activation, y),
        (Work::Scale, Some(gate)) => ocelli_kernels::scale(x, gate, y, Write::Replace),
        (Work::Copy | Work::Add(_) | Work::Scale, _) => {
            ocelli_kernels::copy(x, y, Write::Replace);
        }
        (Work::Mean, _) => ocelli_kernels::mean(x, y),
        (Work::MaxPool(geometry), _) => ocelli_kernels::max_pool(of_batch(*geometry), x, y),
        (Work::AvgPool(geometry), _) => ocelli_kernels::avg_pool(of_batch(*geometry), x, y),
        (Work::LocalResponse(constants), _) => constants.forward(x, y),
        (Work::Flatten, _) => ocelli_kernels::flatten(x, y),
        (Work::Repeat, _) => ocelli_kernels::repeat_channels(x, y),
        (Work::PadShortcut(geometry), _) => {
            ocelli_kernels::pad_shortcut(of_batch(*geometry), x, y);
        }
    }
}
