//! A quantized network's inference on integers.
//!
//! Layers whose weights are packed codes and whose inputs are quantized run on the integer kernels. An
//! [`IntPlan`] computes the values of the same network in floats, with quantized values as their codes:
//! each operation is asked for what its readers need, plain values, codes, or both (`demand`). So a
//! layer that only layers read writes codes alone, one that a sum of floats reads too writes both in one
//! pass, and maxima and concatenations pass codes on. Where the network quantizes what sums, gates and
//! means read, these are of codes as well, a sum within the layer before it, and values stay bytes
//! from the image to the classifier. Everything else runs in floats.
//!
//! | file | contents |
//! | --- | --- |
//! | `chain` | what a layer does beside its products: sum, activation |
//! | `demand` | which form of each value is needed |
//! | `lower` | from a graph to steps |
//! | `codes`, `work` | operations on codes; kernels with their weights |
//! | `step` | what a step is |
//! | `memory` | which values share memory |
//! | `layers` | which operations run on integers |
//! | `times` | what each step takes |

mod chain;
mod codes;
mod demand;
mod layers;
mod lower;
mod memory;
mod step;
mod times;
mod work;

pub use layers::IntegerLayers;
pub use times::{StepLabel, StepTime};

use crate::RowValues;
use crate::batch_shares::{BatchShare, batch_shares, result_rows, samples_at_once};
use crate::graph::Graph;
use crate::lowering::{GivenSlice, Value};
use crate::op::Shape;
use crate::parameter::Parameters;
use crate::route::Route;
use memory::{IntArena, IntSlots};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};
use step::{IntGiven, IntStep};
use times::StepClocks;

/// The steps of a route's forward pass for values of given shapes.
pub(crate) struct IntPlan {
    steps: Vec<IntStep>,
    slots: IntSlots,
    given: Vec<IntGiven>,
    wanted: Vec<Value>,
    layers: IntegerLayers,
    /// Memory that no worker uses at the moment.
    arenas: Mutex<Vec<IntArena>>,
}

impl IntPlan {
    /// A plan for given values of these shapes; `None` if no layer runs on integers, an operation has no
    /// kernel, or the values do not fit the network.
    pub(crate) fn new(
        graph: &Graph,
        params: &Parameters,
        route: &Route,
        given: &[Shape],
    ) -> Option<Self> {
        let lower::IntLowered { steps, slots, given, wanted, layers } =
            lower::lower(graph, params, route, given)?;
        Some(Self { steps, slots, given, wanted, layers, arenas: Mutex::default() })
    }

    /// Which operations run on integers.
    pub(crate) fn layers(&self) -> &IntegerLayers {
        &self.layers
    }

    /// How many bytes the values of a batch take at once.
    pub(crate) fn bytes(&self, batch: usize) -> u64 {
        let samples = samples_at_once(batch, |samples| self.slots.images_per_share(samples));
        (samples * self.slots.bytes_per_image()) as u64
    }

    /// Computes the wanted values of each sample, channels last.
    ///
    /// # Shapes
    /// - `given`: one for each value that the route gives
    /// - result: `[batch, pixels, channels]` for each value that it wants
    pub(crate) fn run(&self, given: &[GivenSlice<'_>], batch: usize) -> Vec<RowValues> {
        self.run_with(given, batch, None)
    }

    /// What each step takes in `passes` passes, that of the given values first.
    pub(crate) fn times(
        &self,
        given: &[GivenSlice<'_>],
        batch: usize,
        passes: usize,
    ) -> Vec<StepTime> {
        let clocks = StepClocks::new(self.steps.len());
        for _ in 0..passes {
            self.run_with(given, batch, Some(&clocks));
        }
        let image = StepLabel {
            layer: "input".to_owned(),
            work: "image",
            on_integers: self.given.iter().any(|given| !given.codes.is_empty()),
            products: 0,
        };
        let labels = std::iter::once(&image).chain(self.steps.iter().map(|step| &step.label));
        let times = labels.cloned().zip(clocks.seconds());
        times.map(|(label, seconds)| StepTime { label, seconds }).collect()
    }

    fn run_with(
        &self,
        given: &[GivenSlice<'_>],
        batch: usize,
        clocks: Option<&StepClocks>,
    ) -> Vec<RowValues> {
        let mut wanted = result_rows(self.wanted.iter().copied(), batch);
        let size = self.slots.images_per_share(batch.div_ceil(rayon::current_num_threads()));
        let lengths: Vec<usize> = self.given.iter().map(IntGiven::len).collect();
        let shares = batch_shares(size, batch, given, &lengths, &mut wanted);
        ocelli_kernels::in_pool(|| {
            shares.into_par_iter().for_each(|share| self.run_share(share, clocks));
        });
        wanted
    }

    fn run_share(&self, share: BatchShare<'_>, clocks: Option<&StepClocks>) {
        let BatchShare { count, given, wanted } = share;
        let mut arena = self.arenas().pop().unwrap_or_default();
        arena.reserve(&self.slots, count);
        StepClocks::time(clocks, 0, || {
            for (given, samples) in self.given.iter().zip(given) {
                given.write(samples, &self.slots, &mut arena, count);
            }
        });
        for (index, step) in self.steps.iter().enumerate() {
            StepClocks::time(clocks, index + 1, || step.run(&self.slots, &mut arena, count));
        }
        for (value, results) in self.wanted.iter().zip(wanted) {
            let rows = arena.values(&self.slots, *value, count);
            for (row, to) in results.chunks_exact_mut(value.channels.max(1)).enumerate() {
                to.copy_from_slice(rows.row(row));
            }
        }
        self.arenas().push(arena);
    }

    fn arenas(&self) -> std::sync::MutexGuard<'_, Vec<IntArena>> {
        self.arenas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
