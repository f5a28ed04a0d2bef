//! A quantized network's inference on integers.
//!
//! Layers whose weights are packed codes and whose inputs are quantized run on the integer kernels. An
//! [`IntPlan`] computes the values of the same network in floats, with quantized values as their codes:
//! each operation is asked for what its readers need, plain values, codes, or both (`demand`). So a
//! layer that only layers read writes codes alone, one that a shortcut reads too writes both in one pass,
//! maxima and concatenations pass codes on, and everything else runs in floats.
//!
//! | file | contents |
//! | --- | --- |
//! | `chain` | what a layer does beside its products: sum, activation |
//! | `demand` | which form of each value is needed |
//! | `lower` | from a graph to steps |
//! | `step` | what a step is |
//! | `memory` | which values share memory |
//! | `layers` | which operations run on integers |

mod chain;
mod demand;
mod layers;
mod lower;
mod memory;
mod step;

pub use layers::IntegerLayers;

use crate::RowValues;
use crate::graph::Graph;
use crate::lowering::{GivenSlice, Value};
use crate::op::Shape;
use crate::parameter::Parameters;
use crate::route::Route;
use memory::{IntArena, IntSlots};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};
use step::IntStep;

/// The steps of a route's forward pass for values of given shapes.
pub(crate) struct IntPlan {
    steps: Vec<IntStep>,
    slots: IntSlots,
    given: Vec<Value>,
    wanted: Vec<Value>,
    layers: IntegerLayers,
    /// Memory that no worker uses at the moment.
    arenas: Mutex<Vec<IntArena>>,
}

/// What one thread takes at a time: some samples of each given and each wanted value.
struct IntShare<'a> {
    count: usize,
    given: Vec<GivenSlice<'a>>,
    wanted: Vec<&'a mut [f32]>,
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
        let threads = rayon::current_num_threads();
        let share = self.slots.images_per_share(batch.div_ceil(threads)).min(batch).max(1);
        let shares = batch.div_ceil(share).min(threads);
        (shares * share * self.slots.bytes_per_image()) as u64
    }

    /// Computes the wanted values of each sample, channels last.
    ///
    /// # Shapes
    /// - `given`: one for each value that the route gives
    /// - result: `[batch, pixels, channels]` for each value that it wants
    pub(crate) fn run(&self, given: &[GivenSlice<'_>], batch: usize) -> Vec<RowValues> {
        let rows_of = |value: &Value| {
            let Value { pixels, width, channels, .. } = *value;
            let shape = Shape { channels, height: pixels / width.max(1), width };
            RowValues { values: vec![0.0; batch * shape.len()], shape }
        };
        let mut wanted: Vec<RowValues> = self.wanted.iter().map(rows_of).collect();
        let share = self.slots.images_per_share(batch.div_ceil(rayon::current_num_threads()));
        let shares = self.shares(share.max(1), batch, given, &mut wanted);
        ocelli_kernels::in_pool(|| shares.into_par_iter().for_each(|share| self.run_share(share)));
        wanted
    }

    /// Splits a batch into shares of `size` samples.
    fn shares<'a>(
        &self,
        size: usize,
        batch: usize,
        given: &[GivenSlice<'a>],
        wanted: &'a mut [RowValues],
    ) -> Vec<IntShare<'a>> {
        let mut rest: Vec<(usize, &'a mut [f32])> =
            wanted.iter_mut().map(|rows| (rows.shape.len(), &mut rows.values[..])).collect();
        let mut shares = Vec::with_capacity(batch.div_ceil(size));
        for first in (0..batch).step_by(size) {
            let count = size.min(batch - first);
            let given = given.iter().zip(&self.given);
            let given = given.map(|(samples, value)| {
                samples.samples(first, count, value.pixels * value.channels)
            });
            let wanted = rest.iter_mut().map(|(length, rest)| {
                let (now, later) = std::mem::take(rest).split_at_mut(count * *length);
                *rest = later;
                now
            });
            shares.push(IntShare { count, given: given.collect(), wanted: wanted.collect() });
        }
        shares
    }

    fn run_share(&self, share: IntShare<'_>) {
        let IntShare { count, given, wanted } = share;
        let mut arena = self.arenas().pop().unwrap_or_default();
        arena.reserve(&self.slots, count);
        for (value, samples) in self.given.iter().zip(given) {
            arena.write_values(&self.slots, *value, count, |rows| samples.write(count, rows));
        }
        for step in &self.steps {
            step.run(&self.slots, &mut arena, count);
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
