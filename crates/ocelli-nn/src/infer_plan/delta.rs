//! A plan on images that differ from a base image in few pixels.
//!
//! The values of a base image are kept. A changed pixel changes a small rectangle of the first
//! layer's output, a larger one of the second's, and so on; [`DeltaPlan`] computes these alone, for
//! a block of candidates at a time, layer by layer, so that all of them share each visit of a
//! layer's weights. Where the rectangles cover so much that this no longer pays, or where an
//! operation mixes all pixels (a gate), candidates are put together as a whole and go on by the
//! ordinary steps.
//!
//! | file | contents |
//! | --- | --- |
//! | `rect` | rectangles, and how windows carry them on |
//! | `changes` | the rectangles of a value and the elements in them |
//! | `reach` | what changes after a step |
//! | `view` | a value as a candidate sees it |
//! | `input` | a value as all candidates of a block see it |
//! | `run` | steps on changed pixels |
//! | `groups` | windows over them |
//! | `tail` | the ordinary steps after them |
//! | `schedule` | how much changes, and from which step on steps are ordinary |
//! | `cost` | what both ways cost |

mod base;
mod changes;
mod cost;
mod groups;
mod input;
mod reach;
mod rect;
mod reused_buffer;
mod run;
mod schedule;
mod tail;
mod view;

pub(crate) use base::BaseImage;
pub use schedule::LayerShare;

use super::arena::{InferenceArena, Slots};
use super::lower::{self, Lowered, Packing};
use super::run_steps;
use super::step::Step;
use crate::delta_engine::EditBatch;
use crate::graph::Graph;
use crate::lowering::{Value, ValueId};
use crate::op::Shape;
use crate::parameter::Parameters;
use crate::route::Route;
use changes::Changes;
use groups::Scratch;
use rayon::prelude::*;
use rect::Rect;
use schedule::Schedule;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The steps of a network for candidates that differ from a base image in few pixels.
pub(crate) struct DeltaPlan {
    steps: Vec<Step>,
    layout: Vec<Value>,
    /// How long each buffer is.
    buffers: Vec<usize>,
    image: ValueId,
    result: ValueId,
    /// For each value the values that are written in its channels: itself, or the parts of a
    /// concatenation.
    sources: Vec<Vec<ValueId>>,
    /// Layer names, one for each step.
    names: Vec<String>,
    /// By how many edits a candidate has.
    schedules: Mutex<BTreeMap<usize, Arc<Schedule>>>,
    workspaces: Mutex<Vec<Workspace>>,
}

/// The memory of one thread.
#[derive(Default)]
struct Workspace {
    /// What changed in each value.
    changes: Vec<Changes>,
    /// Memory that held changes which nobody needs any more.
    free: Vec<Vec<f32>>,
    scratch: Scratch,
    arena: InferenceArena,
}

/// What a panic in another thread left is still whole: it is changed by single calls.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Workspace {
    /// How many elements it holds.
    fn len(&self) -> usize {
        let changes: usize = self.changes.iter().map(Changes::len).sum();
        let free: usize = self.free.iter().map(Vec::len).sum();
        changes + free + self.scratch.len() + self.arena.len()
    }
}

impl DeltaPlan {
    /// A plan for the one value that a route wants of the one that it gives; `None` if an operation has
    /// no kernel here or the image does not fit the network.
    pub(crate) fn new(
        graph: &Graph,
        params: &Parameters,
        route: &Route,
        image: Shape,
    ) -> Option<Self> {
        let Lowered { steps, layout, buffers, given, wanted } =
            lower::lower(graph, params, route, &[image], Packing::Patches)?;
        let (&[image], &[result]) = (&given[..], &wanted[..]) else { return None };
        let written: Vec<ValueId> =
            std::iter::once(image).chain(steps.iter().map(|step| step.y)).collect();
        let shares_channels = |a: Value, b: Value| {
            a.buffer == b.buffer
                && a.offset < b.offset + b.channels
                && b.offset < a.offset + a.channels
        };
        let sources = layout.iter().map(|value| {
            let of_value = |id: &&ValueId| shares_channels(*value, layout[id.0]);
            written.iter().filter(of_value).copied().collect()
        });
        let sources = sources.collect();
        let names = steps.iter().map(|step| graph.nodes()[step.node].name.clone()).collect();
        let (schedules, workspaces) = (Mutex::default(), Mutex::default());
        Some(Self { steps, layout, buffers, image, result, sources, names, schedules, workspaces })
    }

    /// How many elements the result has.
    pub(crate) fn result_len(&self) -> usize {
        self.layout[self.result.0].pixels * self.layout[self.result.0].channels
    }

    /// The memory that threads keep between calls.
    pub(crate) fn scratch_bytes(&self) -> usize {
        let elements: usize = locked(&self.workspaces).iter().map(Workspace::len).sum();
        elements * size_of::<f32>()
    }

    /// Computes all values of an image and keeps those that candidates need.
    ///
    /// # Shapes
    /// - `image`: `[channels, height, width]`
    pub(crate) fn base(&self, image: &[f32]) -> BaseImage {
        let slots = Slots::separate(&self.buffers);
        let mut arena = InferenceArena::default();
        ocelli_kernels::in_pool(|| {
            arena.reserve(&slots, 1);
            arena.write(&slots, self.layout[self.image.0], 1, |rows| {
                ocelli_kernels::channels_last(image, 1, rows);
            });
            run_steps(&self.steps, &self.layout, &slots, &mut arena, 1);
        });
        let result = self.layout[self.result.0];
        let rows = arena.rows(&slots, result, 1);
        let result = (0..result.pixels).flat_map(|row| rows.row(row).to_vec()).collect();
        let mut buffers: Vec<Option<Vec<f32>>> = arena.into_slots().into_iter().map(Some).collect();
        let until = self.schedule(1).dense_from;
        let mut needed = vec![false; buffers.len()];
        needed[self.layout[self.image.0].buffer] = true;
        for step in &self.steps[..until] {
            needed[self.layout[step.y.0].buffer] = true;
        }
        for (buffer, needed) in buffers.iter_mut().zip(needed) {
            buffer.take_if(|_| !needed);
        }
        let is_finite = buffers.iter().flatten().flatten().all(|value| value.is_finite());
        BaseImage { buffers, result, is_finite }
    }

    /// The results of all candidates.
    ///
    /// # Shapes
    /// - `results`: `[candidates, result]`
    pub(crate) fn run(&self, base: &BaseImage, edits: &EditBatch, results: &mut [f32]) {
        // Those of as many edits share a schedule, so that nobody's result depends on the others.
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for candidate in 0..edits.len() {
            groups.entry(edits.count(candidate)).or_default().push(candidate);
        }
        let length = self.result_len().max(1);
        for (count, candidates) in groups {
            if candidates.len() == edits.len() {
                return self.run_group(count, base, edits, &candidates, results);
            }
            let mut part = vec![0.0; candidates.len() * length];
            self.run_group(count, base, edits, &candidates, &mut part);
            for (candidate, part) in candidates.iter().zip(part.chunks_exact(length)) {
                results[candidate * length..][..length].copy_from_slice(part);
            }
        }
    }

    /// The results of candidates with `count` edits each.
    fn run_group(
        &self,
        count: usize,
        base: &BaseImage,
        edits: &EditBatch,
        candidates: &[usize],
        results: &mut [f32],
    ) {
        let schedule = if base.is_finite { self.schedule(count) } else { self.whole() };
        // As many blocks for every thread, so that none waits for another.
        let threads = rayon::current_num_threads();
        let blocks = candidates.len().div_ceil(schedule.block * threads) * threads;
        let block = candidates.len().div_ceil(blocks.max(1)).max(1);
        ocelli_kernels::in_pool(|| {
            results
                .par_chunks_mut(block * self.result_len().max(1))
                .zip(candidates.par_chunks(block))
                .for_each(|(results, candidates)| {
                    self.run_block(&schedule, base, edits, candidates, results);
                });
        });
    }

    fn run_block(
        &self,
        schedule: &Schedule,
        base: &BaseImage,
        edits: &EditBatch,
        candidates: &[usize],
        results: &mut [f32],
    ) {
        let mut workspace = locked(&self.workspaces).pop().unwrap_or_default();
        let count = candidates.len();
        workspace.changes.resize_with(self.layout.len(), Changes::default);
        let Workspace { changes, free, .. } = &mut workspace;
        self.edit(base, edits, candidates, &mut changes[self.image.0], free);
        for (index, step) in self.steps[..schedule.dense_from].iter().enumerate() {
            self.run_in_parts(step, base, count, &mut workspace);
            schedule.done.add(index, workspace.changes[step.y.0].pixels());
            for value in &schedule.dead_after[index] {
                workspace.changes[value.0].release(&mut workspace.free);
            }
        }
        schedule.done.finish(count);
        if schedule.dense_from < self.steps.len() {
            self.run_whole(schedule, base, count, &mut workspace, results);
        } else {
            self.collect_results(base, &workspace.changes, results);
        }
        locked(&self.workspaces).push(workspace);
    }

    /// The changes of the image itself.
    fn edit(
        &self,
        base: &BaseImage,
        edits: &EditBatch,
        candidates: &[usize],
        changes: &mut Changes,
        free: &mut Vec<Vec<f32>>,
    ) {
        let Value { width, channels, buffer, .. } = self.layout[self.image.0];
        let image = base.buffer(buffer);
        changes.clear(channels);
        let mut rects = Vec::new();
        for candidate in candidates {
            let pixels = edits.candidate(*candidate).map(|edit| Rect::pixel(edit.row, edit.column));
            rects.extend(pixels);
            changes.push(&mut rects);
        }
        changes.reserve(free);
        let mut last = HashMap::new();
        for (index, candidate) in candidates.iter().enumerate() {
            last.clear();
            last.extend(
                edits.candidate(*candidate).map(|edit| ([edit.row, edit.column], edit.value)),
            );
            changes.for_each_pixel_mut(index, |[row, column], pixel| {
                let old = &image[(row * width + column) * channels..][..channels];
                pixel.copy_from_slice(last.get(&[row, column]).copied().unwrap_or(old));
            });
        }
    }

    fn collect_results(&self, base: &BaseImage, changes: &[Changes], results: &mut [f32]) {
        let value = self.layout[self.result.0];
        for (candidate, to) in results.chunks_exact_mut(self.result_len().max(1)).enumerate() {
            to.copy_from_slice(&base.result);
            for source in &self.sources[self.result.0] {
                let from = self.layout[source.0];
                let first = from.offset.max(value.offset);
                let end = (from.offset + from.channels).min(value.offset + value.channels);
                changes[source.0].for_each_pixel(candidate, |[row, column], pixel| {
                    let at = (row * value.width + column) * value.channels + first - value.offset;
                    let pixel = &pixel[first - from.offset..end - from.offset];
                    to[at..at + pixel.len()].copy_from_slice(pixel);
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
